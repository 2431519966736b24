"""All formats, found by looking, and which of them a file is."""

import functools
import importlib
import pkgutil

import paper.tapes.importing.formats as package
from paper.tapes.format import TapeError
from paper.tapes.importing.reading import Format
from paper.tapes.importing.tables import Sample


@functools.cache
def formats() -> tuple[Format, ...]:
    """Every `FORMAT` of the modules in `formats`, by the name of its module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    found = (getattr(importlib.import_module(name), "FORMAT", None) for name in modules)
    return tuple(one for one in found if isinstance(one, Format))


def recognised(sample: Sample) -> Format:
    """TapeError, with what the file looks like and what is known, when no format claims it."""
    found = next((one for one in formats() if one.claims(sample)), None)
    if found is None:
        looks = f"columns {', '.join(sample.names)}" if sample.names else f"first row {', '.join(sample.rows[0])}"
        known = "; ".join(one.name for one in formats())
        raise TapeError(f"{sample.source.name}: no known format ({looks}); these are: {known}")
    return found
