"""The strategies of the user's own that a profile names: found in its files before the settings can be made."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from liqbot.exits import Exit, ExpectedError
from liqbot.places import CONFIG_VARIABLE, config_dir, config_is_named
from liqbot.settings.layers import Layer
from liqbot.signals.loader import OwnStrategies, load_own

_KEYS: Final = ("files", "entry_points")


class Named(NamedTuple):
    """What the profile's files name; it is read from no other layer, so that no variable can name code."""

    files: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()


def named_in(paths: Sequence[Path]) -> Named:
    """Later files win. A file that cannot be read names nothing: its fault is reported when it is read as a layer."""
    found = Named()
    for path in paths:
        try:
            section = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("signals")
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        for key in _KEYS:
            names = section.get(key) if isinstance(section, dict) else None
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                found = found._replace(**{key: tuple(names)})
    return found


def loaded_from(named: Named, config: Path | None) -> OwnStrategies:
    """ExpectedError (exit code 3) when one cannot be loaded, or when nobody named the configuration directory: code is
    never taken from wherever the program happens to be started."""
    if not any(named):
        return OwnStrategies()
    directory = config_dir(config)
    if not config_is_named(config):
        raise ExpectedError(
            f"signals.files: code is not loaded from {directory.absolute()} because it is in the current directory; "
            f"name the configuration with --config {directory} or {CONFIG_VARIABLE}",
            Exit.CONFIG,
        )
    return load_own(named.files, named.entry_points, directory)


def require_from_files(named: Named, merged: Layer) -> None:
    """ExpectedError when another layer changed what the files name."""
    section: Any = merged.values.get("signals")
    for key in _KEYS:
        values = section.get(key, ()) if isinstance(section, dict) else ()
        if isinstance(values, list | tuple) and tuple(values) != getattr(named, key):
            origin = merged.origins.get(("signals", key), "another layer")
            raise ExpectedError(
                f"signals.{key} (from {origin}): code is named in the profile or in local.toml only", Exit.CONFIG
            )
