"""Reading the effective configuration: layers in their order, then one validation whose errors say where."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from liqbot.exits import Exit, ExpectedError
from liqbot.places import config_dir, secrets_dir
from liqbot.settings import names as known_names
from liqbot.settings.layers import Layer, environment_layer, file_layer, merged, override_layer, secrets_layer
from liqbot.settings.model import Settings, settings_model
from liqbot.settings.names import Names

LOCAL_FILE: Final = "local.toml"
"""Beside the profiles, for this machine alone, on top of every profile."""
OPTIONAL_PROFILE: Final = "paper"
"""The defaults in code are this profile, so its file may be absent."""


class Loaded(NamedTuple):
    settings: Settings
    origins: dict[known_names.Path, str]
    """Where each value that is no default was written."""


def load(
    profile: str,
    *,
    config: Path | None = None,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    model: type[Settings] | None = None,
) -> Loaded:
    """Defaults in code < <config>/<profile>.toml < local.toml < LIQBOT_* < secrets directory < `overrides`.

    Raises ExpectedError (exit code 3; 2 for a malformed `overrides` entry) naming the place and what would be right.
    """
    chosen = model or settings_model()
    names = Names(chosen)
    directory = config_dir(config)
    _demand_profile(directory, profile)
    layer = merged(
        [
            file_layer(names, directory / f"{profile}.toml"),
            file_layer(names, directory / LOCAL_FILE),
            environment_layer(chosen, names, os.environ if environment is None else environment),
            secrets_layer(chosen, names, secrets_dir()),
            override_layer(chosen, names, overrides),
        ]
    )
    try:
        settings = chosen(**layer.values)
    except ValidationError as error:
        lines = [_complaint(dict(detail), layer, names) for detail in error.errors(include_url=False)]
        raise ExpectedError("\n".join(lines), Exit.CONFIG) from None
    located = settings.observers.located(directory)
    return Loaded(settings.model_copy(update={"observers": located}), layer.origins)


def _demand_profile(directory: Path, profile: str) -> None:
    if profile == OPTIONAL_PROFILE or (directory / f"{profile}.toml").is_file():
        return
    there = sorted(path.stem for path in directory.glob("*.toml") if path.name != LOCAL_FILE)
    hint = f"profiles there: {', '.join(there)}" if there else "liqbot config init writes examples"
    raise ExpectedError(f"{directory / profile}.toml does not exist; {hint}", Exit.CONFIG)


def _complaint(detail: Mapping[str, Any], layer: Layer, names: Names) -> str:
    """One line: the setting, its value, where it was written, what is wrong with it."""
    leaf = tuple(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    written = {at for path, at in layer.origins.items() if leaf[: len(path)] == path or path[: len(leaf)] == leaf}
    where = f" (from {', '.join(sorted(written))})" if written and leaf else ""
    is_value = not isinstance(detail["input"], Mapping)
    shown = "***" if names.secret(leaf) else repr(detail["input"])
    value = f" = {shown}" if is_value and leaf else ""
    return f"{'.'.join(leaf) or 'configuration'}{value}{where}: {message}"
