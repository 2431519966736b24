"""Reading the effective configuration: layers in their order, then one validation whose errors say where."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from liqbot.exits import Exit, ExpectedError
from liqbot.places import config_dir, secrets_dir
from liqbot.settings import names as known_names
from liqbot.settings.contradictions import contradictions
from liqbot.settings.layers import Layer, environment_layer, file_layer, flat, merged, override_layer, secrets_layer
from liqbot.settings.model import Settings, settings_model
from liqbot.settings.named_code import require_named_in_files
from liqbot.settings.names import Names, names_of
from liqbot.settings.own_strategies import loaded_from, named_in, require_from_files
from liqbot.settings.venues import with_able_venues
from liqbot.signals.loader import OwnStrategies
from liqbot.signals.strategy import Strategy

LOCAL_FILE: Final = "local.toml"
"""Beside the profiles, for this machine alone, on top of every profile."""
OPTIONAL_PROFILE: Final = "paper"
"""The defaults in code are this profile, so its file may be absent."""


class Loaded(NamedTuple):
    settings: Settings
    origins: dict[known_names.Path, str]
    """Where each value that is no default was written."""
    warnings: tuple[str, ...] = ()
    """What a user should mend some time; printed on stderr when the configuration was read."""


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
    directory = config_dir(config)
    _demand_profile(directory, profile)
    files = (directory / f"{profile}.toml", directory / LOCAL_FILE)
    named = named_in(files)
    own = loaded_from(named, config) if model is None else OwnStrategies()
    chosen = model or settings_model(own.strategies)
    names = names_of(chosen)
    layer = merged(
        [
            *(file_layer(names, file) for file in files),
            environment_layer(chosen, names, os.environ if environment is None else environment),
            secrets_layer(chosen, names, secrets_dir()),
            override_layer(chosen, names, overrides),
        ]
    )
    require_from_files(named, layer)
    settings = _valid(chosen, layer, names)
    warnings = (*own.warnings, *layer.warnings)
    for line in warnings:
        sys.stderr.write(f"liqbot: {line}\n")
    require_named_in_files(settings, layer.origins, files, config)
    settings = settings.model_copy(update={"observers": settings.observers.located(directory)})
    return Loaded(with_able_venues(settings, config), layer.origins, warnings)


def _valid(model: type[Settings], layer: Layer, names: Names) -> Settings:
    """ExpectedError with a line for each value that is none, else for each pair that contradicts each other."""
    lines = list(_flags_for_numbers(layer, names))
    try:
        settings = model(**layer.values)
    except ValidationError as error:
        lines += [_complaint(dict(detail), layer, names) for detail in error.errors(include_url=False)]
    lines = lines or contradictions(settings)
    if lines:
        raise ExpectedError("\n".join(lines), Exit.CONFIG)
    return settings


def own_strategies(profile: str, config: Path | None = None) -> tuple[Strategy, ...]:
    """The strategies of the user's own that a profile names, without the rest of its configuration."""
    directory = config_dir(config)
    return loaded_from(named_in((directory / f"{profile}.toml", directory / LOCAL_FILE)), config).strategies


def _demand_profile(directory: Path, profile: str) -> None:
    if profile == OPTIONAL_PROFILE or (directory / f"{profile}.toml").is_file():
        return
    there = sorted(path.stem for path in directory.glob("*.toml") if path.name != LOCAL_FILE)
    hint = f"profiles there: {', '.join(there)}" if there else "liqbot config init writes examples"
    raise ExpectedError(f"{directory / profile}.toml does not exist; {hint}", Exit.CONFIG)


def _flags_for_numbers(layer: Layer, names: Names) -> Iterator[str]:
    """`true` would be read as the number 1: of a limit in percent somebody meant to be on, 1 %."""
    for leaf, value in flat(layer.values):
        held = value if isinstance(value, list) else [value]
        if any(isinstance(one, bool) for one in held) and names.number(leaf):
            yield _complaint({"loc": leaf, "msg": "a number is right, not true or false", "input": value}, layer, names)


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
