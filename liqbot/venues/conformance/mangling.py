"""Ways in which a message or a response goes wrong: fields missing, rubbish in their place, text cut short."""

import copy
from collections.abc import Iterator
from typing import Any, Final

import msgspec

RUBBISH: Final[tuple[Any, ...]] = (None, True, -1, 0, 1e308, 10**30, "", "NaN", "-1", "abc", "1e400", [], {}, [None])
_CUTS_MAX: Final = 200
Path = tuple[Any, ...]


def mangled(value: Any) -> Iterator[Any]:
    """Every field taken away, then every field replaced by each piece of rubbish, one at a time."""
    for path in _paths(value):
        yield _changed(value, path, remove=True)
        for rubbish in RUBBISH:
            yield _changed(value, path, rubbish)
    yield from RUBBISH


def mangled_texts(value: Any) -> Iterator[str]:
    """`mangled`, as text, and the text itself cut short at many places."""
    for one in mangled(value):
        yield msgspec.json.encode(one).decode()
    text = msgspec.json.encode(value).decode()
    for end in range(1, len(text), max(1, len(text) // _CUTS_MAX)):
        yield text[:end]


def mangled_frames(frame: bytes) -> Iterator[bytes]:
    """A binary frame cut short at every place, and with every byte replaced by none, all and half of its bits."""
    for place in range(len(frame)):
        yield frame[:place]
        for byte in (b"\x00", b"\xff", b"\x80"):
            yield frame[:place] + byte + frame[place + 1:]


def _paths(value: Any, here: Path = ()) -> list[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, part in inner for path in [(*here, key), *_paths(part, (*here, key))]]


def _changed(value: Any, path: Path, rubbish: Any = None, *, remove: bool = False) -> Any:
    """What lies beside the path is the same object as in `value`."""
    whole = parent = copy.copy(value)
    for key in path[:-1]:
        parent[key] = copy.copy(parent[key])
        parent = parent[key]
    if remove:
        del parent[path[-1]]
    else:
        parent[path[-1]] = rubbish
    return whole
