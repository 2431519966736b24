"""The layers a configuration is made of: each is read into nested values and checked by name before any are merged.

An unknown name refuses everywhere, the environment included: a limit that was silently not applied is the worst bug.
"""

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from liqbot.exits import Exit, ExpectedError
from liqbot.places import PLACE_VARIABLES
from liqbot.settings import names as known_names
from liqbot.settings.names import Names
from liqbot.settings.renamed import new_names, warning_of, with_new_names

PREFIX: Final = "LIQBOT_"
NESTING: Final = "__"


class Layer(NamedTuple):
    """`origins` says for each single value where it was written, in words a user can follow."""

    values: dict[str, Any]
    origins: dict[known_names.Path, str]
    warnings: tuple[str, ...] = ()
    """One line for each old name that was used."""


def file_layer(names: Names, path: Path) -> Layer:
    """A TOML file; an absent one is an empty layer. Secrets in it are refused."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin with a mark
    except FileNotFoundError:
        return Layer({}, {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExpectedError(f"{path}: {error}", Exit.CONFIG) from None
    values, old_names = with_new_names(values, str(path))
    _check(names, values, str(path), ".".join)
    for leaf, _ in flat(values):
        if names.secret(leaf):
            raise ExpectedError(
                f"{path}: {'.'.join(leaf)} is a secret; put it into {_variable(leaf)} or a file of that name"
                " in the secrets directory",
                Exit.CONFIG,
            )
    origins = {leaf: str(path) for leaf, _ in flat(values)}
    return Layer(values, origins, tuple(warning_of(str(path), old) for old in dict.fromkeys(old_names.values())))


def environment_layer(model: type[BaseSettings], names: Names, environment: Mapping[str, str]) -> Layer:
    """Every variable that begins with the prefix must be a setting or one of the places."""
    variables = {
        name: text for name, text in environment.items() if name.startswith(PREFIX) and name not in PLACE_VARIABLES
    }
    return _variables_layer(model, names, variables, "environment", lambda path: f"${_variable(path)}")


def secrets_layer(model: type[BaseSettings], names: Names, directory: Path | None) -> Layer:
    """Files named like the variables they stand in for, readable by their owner alone."""
    if directory is None:
        return Layer({}, {})
    if not directory.is_dir():
        raise ExpectedError(f"secrets directory {directory} does not exist", Exit.CONFIG)
    _require_private(directory)
    variables = {file.name: _secret(file) for file in sorted(directory.iterdir()) if file.name.startswith(PREFIX)}
    return _variables_layer(model, names, variables, str(directory), lambda path: str(directory / _variable(path)))


def _require_private(directory: Path) -> None:
    """Whoever can write there can give us a key of his own, or a loopback address."""
    found = directory.stat()
    if found.st_uid not in (0, os.geteuid()):
        said = f"secrets directory {directory}: it belongs to user {found.st_uid}, expected you or root"
        raise ExpectedError(said, Exit.CONFIG)
    if found.st_mode & 0o022:
        raise ExpectedError(f"secrets directory {directory}: others can write there; chmod 700 it", Exit.CONFIG)


def _secret(file: Path) -> str:
    """The text of a file that its owner alone can read."""
    if not file.is_file():
        raise ExpectedError(f"{file}: expected a file with the secret, and it is none", Exit.CONFIG)
    found = file.stat()
    if found.st_uid not in (0, os.geteuid()):
        raise ExpectedError(f"{file}: it belongs to user {found.st_uid}, expected you or root", Exit.CONFIG)
    if found.st_mode & 0o077:
        raise ExpectedError(f"{file}: readable by others than its owner; chmod 600 it", Exit.CONFIG)
    try:
        return file.read_bytes().decode("utf-8").strip()
    except UnicodeDecodeError as error:
        said = f"{file}: byte {error.start + 1} is not UTF-8; write the secret as plain text"
        raise ExpectedError(said, Exit.CONFIG) from None
    except OSError as error:
        raise ExpectedError(f"{file}: {error.strerror}", Exit.CONFIG) from None


def override_layer(model: type[BaseSettings], names: Names, pairs: Sequence[str]) -> Layer:
    """`--set risk.leverage_max=3`, read exactly as a variable of the environment would be. Never for secrets."""
    variables = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or not key:
            raise ExpectedError(f"--set {pair}: expected key=value, as in risk.leverage_max=3", Exit.USAGE)
        written = tuple(key.split("."))
        names_now = new_names(written)
        for leaf in (written,) if names_now is None else names_now:
            if not names.known(leaf):
                raise _unknown(names, leaf, "--set", ".".join)
            if names.secret(leaf):
                raise ExpectedError(f"--set {key}: a secret would show in the list of processes", Exit.CONFIG)
        variables[_variable(written)] = text
    return _variables_layer(model, names, variables, "--set", lambda path: f"--set {'.'.join(path)}")


def merged(layers: Sequence[Layer]) -> Layer:
    """Later layers win, value by value; a list is one value."""
    values: dict[str, Any] = {}
    origins: dict[known_names.Path, str] = {}
    for layer in layers:
        values = _over(values, layer.values)
        origins |= layer.origins
    return Layer(values, origins, tuple(line for layer in layers for line in layer.warnings))


class _Variables(EnvSettingsSource):
    """pydantic-settings' reading of nested names, from any mapping; a list may be written a,b,c."""

    def __init__(self, model: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): text for name, text in variables.items()}
        super().__init__(model, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter=NESTING)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return dict(self._variables)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        if isinstance(value, str) and value[:1] not in ("[", "{"):
            return [part.strip() for part in value.split(",") if part.strip()]
        return super().decode_complex_value(field_name, field, value)


def _variables_layer(
    model: type[BaseSettings],
    names: Names,
    variables: Mapping[str, str],
    where: str,
    origin: Callable[[known_names.Path], str],
) -> Layer:
    texts, old_variables = _with_new_variables(variables, where)
    written = [_path_of(name) for name in texts]
    for path in written:
        if not names.known(path):
            raise _unknown(names, path, where, _variable)
    try:
        values = _Variables(model, texts)()
    except (SettingsError, json.JSONDecodeError) as error:
        raise ExpectedError(f"{where}: {error}: expected a list as a,b,c or JSON", Exit.CONFIG) from None
    # A variable may hold a whole section as JSON, with old names in it.
    values, old_names = with_new_names(values, where)
    _check(names, values, where, ".".join)
    origins = {}
    for leaf, _ in flat(values):
        # The longest name that covers a value, under the name it had there, is where it was written.
        there = tuple(old_names[leaf].split(".")) if leaf in old_names else leaf
        covering = max((path for path in written if there[: len(path)] == path), key=len)
        origins[leaf] = origin(old_variables.get(covering, covering))
    olds = dict.fromkeys([*(".".join(path) for path in old_variables.values()), *old_names.values()])
    return Layer(values, origins, tuple(warning_of(where, old) for old in olds))


def _with_new_variables(
    variables: Mapping[str, str], where: str
) -> tuple[dict[str, str], dict[known_names.Path, known_names.Path]]:
    """The variables under the names that settings have now, and the old name of each that had one."""
    texts = {name: text for name, text in variables.items() if new_names(_path_of(name)) is None}
    old_names: dict[known_names.Path, known_names.Path] = {}
    for name, text in variables.items():
        paths = new_names(_path_of(name))
        if paths == ():
            old_names[_path_of(name)] = _path_of(name)
        for path in paths or ():
            if _variable(path) in texts:
                raise ExpectedError(
                    f"{where}: {name} is called {_variable(path)} now, and both are given; remove {name}", Exit.CONFIG
                )
            texts[_variable(path)] = text
            old_names[path] = _path_of(name)
    return texts, old_names


def _path_of(variable: str) -> known_names.Path:
    return tuple(variable.removeprefix(PREFIX).lower().split(NESTING))


def _check(names: Names, values: Mapping[str, Any], where: str, spelled: Callable[[known_names.Path], str]) -> None:
    for leaf, _ in flat(values):
        for depth in range(1, len(leaf) + 1):
            if not names.known(leaf[:depth]):
                raise _unknown(names, leaf[:depth], where, spelled)


def _unknown(
    names: Names, leaf: known_names.Path, where: str, spelled: Callable[[known_names.Path], str]
) -> ExpectedError:
    near = names.nearest(leaf)
    hint = f"; did you mean {spelled(near)}?" if near else ""
    return ExpectedError(f"{where}: unknown setting {spelled(leaf)}{hint}", Exit.CONFIG)


def _variable(leaf: known_names.Path) -> str:
    return PREFIX + NESTING.join(leaf).upper()


def flat(values: Mapping[str, Any], prefix: known_names.Path = ()) -> Iterator[tuple[known_names.Path, Any]]:
    """Every single value with its path; a list is one value."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, (*prefix, name))
        else:
            yield (*prefix, name), value


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(below)
    for name, value in above.items():
        held = joined.get(name)
        joined[name] = _over(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return joined
