"""What reading a message may fail with, and where a decoder's complaint points: the path of a field, and the value
that stands there."""

import re
from typing import Any, Final

STUMBLES: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Of code on a message in a shape that nobody thought of."""
_PLACE: Final = re.compile(r"at `(?:key in )?\$(?P<path>[^`]*)`")
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def path_in(error: Exception) -> str | None:
    """As in `.data[0].price`, empty for the whole; None where the complaint names no place."""
    found = _PLACE.search(str(error))
    return None if found is None else found["path"]


def value_at(value: Any, path: str) -> tuple[Any, bool]:
    """What stands at a path, as deep as it can be followed, and whether that was to its end."""
    for key, number in _STEP.findall(path):
        if key and isinstance(value, dict) and key in value:
            value = value[key]
        elif number.isdigit() and isinstance(value, list) and int(number) < len(value):
            value = value[int(number)]
        else:
            return value, False
    return value, True
