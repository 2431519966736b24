"""Code that a configuration names runs beside the keys: who may name it, and where."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from liqbot.exits import Exit, ExpectedError
from liqbot.places import CONFIG_VARIABLE, config_dir, config_is_named
from liqbot.settings.model import Settings

OBSERVERS_GROUP: Final = "liqbot.observers"
"""Entry-point group of installed packages: name -> factory of an observer."""
_CODE: Final = (("venue_files",), ("venue_packages",), ("observers", "enabled"))


def require_named_in_files(
    settings: Settings, origins: Mapping[tuple[str, ...], str], files: Sequence[Path], config: Path | None
) -> None:
    """ExpectedError when something else than the profile's files names code, or when nobody named the directory of the
    configuration: code is never taken from wherever the program happens to be started."""
    is_named = config_is_named(config)
    for path in _CODE:
        name, origin = ".".join(path), next((origins[path[:end]] for end in (2, 1) if path[:end] in origins), "")
        in_files = origin in {str(file) for file in files}
        if not origin or (in_files and is_named) or not _names_code(settings, path):
            continue
        if not in_files:
            raise ExpectedError(
                f"{name} (from {origin}): code is named in the profile or in local.toml only", Exit.CONFIG
            )
        place = config_dir(config)
        raise ExpectedError(
            f"{name}: code is not loaded from {place.absolute()} because it is in the current directory; "
            f"name the configuration with --config {place} or {CONFIG_VARIABLE}",
            Exit.CONFIG,
        )


def _names_code(settings: Settings, path: tuple[str, ...]) -> bool:
    if path != ("observers", "enabled"):
        return bool(getattr(settings, path[0]))
    # The program's own are named here too, by anybody.
    installed = {entry.name for entry in importlib.metadata.entry_points(group=OBSERVERS_GROUP)}
    return any(name.endswith(".py") or name in installed for name in settings.observers.enabled)
