"""What every fact has: a time, and contents that can be written down."""

import math
from decimal import Decimal
from typing import Final

import msgspec

_WHOLE_MAX: Final = 2**63 - 1
"""What a book can keep of a whole number."""


def encodable(text: str) -> str:
    """The text as every book can keep it: lone surrogates (bytes that were no UTF-8, escapes in somebody's JSON) are
    spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class Fact(msgspec.Struct, frozen=True, tag=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all events: whatever is one can be written down. Refuses numbers that are not finite, because codecs
    would write them as null, whole numbers that no book can keep, and fields it does not know when it is decoded: a
    newer program meant something by them. Texts become `encodable`."""

    time_ms: int

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str):
                if not value.isascii():
                    msgspec.structs.force_setattr(self, name, encodable(value))
                continue
            if isinstance(value, float):
                fits = math.isfinite(value)
            elif isinstance(value, Decimal):
                fits = value.is_finite()
            else:
                fits = not isinstance(value, int) or -_WHOLE_MAX <= value <= _WHOLE_MAX
            if not fits:
                kind = "number of 64 bits" if isinstance(value, int) else "finite number"
                raise ValueError(f"{type(self).__name__}.{name}: {value} is not a {kind}")
