"""The configuration as people read it: every value by its dotted name, with where it was written, secrets masked."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from liqbot.legible import without_passwords
from liqbot.settings.load import Loaded
from liqbot.settings.names import Path

DEFAULT = "default"
MASK = "***"


class Row(NamedTuple):
    name: str
    value: Any
    """As TOML or JSON would hold it."""
    origin: str


def rows(loaded: Loaded) -> list[Row]:
    return [
        Row(".".join(path), value, _origin(path, loaded)) for path, value in _values(loaded.settings)
    ]


def _values(model: BaseModel, prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name in type(model).model_fields:
        yield from _value((*prefix, name), getattr(model, name))


def _value(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, BaseModel):
        yield from _values(value, path)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _value((*path, str(key)), entry)
    elif isinstance(value, SecretStr):
        yield path, MASK
    else:
        yield path, plain(value)


def plain(value: Any) -> Any:
    """As JSON would hold it; a Decimal keeps its digits as text."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, frozenset | set):
        return sorted(plain(entry) for entry in value)
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, str):
        return without_passwords(value)
    return value if isinstance(value, bool | int | float | None) else str(value)


def _origin(path: Path, loaded: Loaded) -> str:
    for depth in range(len(path), 0, -1):
        if path[:depth] in loaded.origins:
            return loaded.origins[path[:depth]]
    return DEFAULT
