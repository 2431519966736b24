"""Answers that no venue documents and every one has sent: pages, nulls, cut and empty bodies, fields gone or wrong.

The status stays what it was: a 200 with nonsense in it is the case that clients forget.
"""

import random
from collections.abc import Callable
from typing import Any, Final

import msgspec

PAGE: Final = b"<html><head><title>Please wait</title></head><body>Checking your browser</body></html>"
RUBBISH: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1e308, "", "NaN", "Infinity", "-1", "abc", "PendingUnheardOf", [], {}, [None], "\x1b[2J",
)
"""What may stand in a field instead of what should."""


def page(body: bytes, chance: random.Random) -> bytes:
    del body, chance
    return PAGE


def bare(body: bytes, chance: random.Random) -> bytes:
    """A single value instead of an object or a list."""
    del body
    return chance.choice((b"null", b"true", b"0", b'"ok"', b"[]", b"{}", b"[null]"))


def empty(body: bytes, chance: random.Random) -> bytes:
    del body, chance
    return b""


def cut(body: bytes, chance: random.Random) -> bytes:
    """As if the rest had never come, under a length that says that it is all."""
    return body[: chance.randrange(len(body))] if body else body


def missing(body: bytes, chance: random.Random) -> bytes:
    """One field less, at any depth."""
    return _spoilt(body, chance, lambda parent, key: parent.pop(key))


def replaced(body: bytes, chance: random.Random) -> bytes:
    """Something else in one field, at any depth."""
    rubbish = chance.choice(RUBBISH)

    def change(parent: Any, key: Any) -> None:
        parent[key] = rubbish

    return _spoilt(body, chance, change)


WAYS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (page, bare, empty, cut, missing, replaced)


def nonsense(body: bytes, chance: random.Random) -> bytes:
    """Another body in one of WAYS."""
    return chance.choice(WAYS)(body, chance)


def _spoilt(body: bytes, chance: random.Random, change: Callable[[Any, Any], object]) -> bytes:
    value = msgspec.json.decode(body) if body[:1] in (b"{", b"[") else None
    places = list(_places(value))
    if not places:
        return PAGE
    change(*chance.choice(places))
    return msgspec.json.encode(value)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in inner for place in [(value, key), *_places(part)]]
