"""Shapes: which kinds of market rows a program knew when it wrote a record, and which columns each kind had.

A journal keeps every shape it was written in, and every record names its own. Reading goes by name: columns in another
order, or kinds, change nothing; a column the record lacks is absent; one that this program does not know is refused.
"""

import re
from collections.abc import Mapping
from typing import Final, Self

import msgspec
import numpy as np

from liqbot.blocks import DTYPES, Rows
from liqbot.journal.errors import CorruptRecordError, UnknownShapeError

_KINDS_MAX: Final = 256
_STORED: Final = re.compile(r"<[iu][248]|\|[iu]1|<f[48]")
"""Numbers of a fixed size, little-endian: nothing else is ever stored."""

DType = np.dtype[np.void]


class KindShape(msgspec.Struct, frozen=True):
    """One kind: its columns in the order in which their bytes lie, each with numpy's name of its type."""

    kind: str
    columns: tuple[tuple[str, str], ...]

    @property
    def dtype(self) -> DType:
        return np.dtype(list(self.columns))


class Shape(msgspec.Struct, frozen=True):
    """All kinds of one writer. A kind's place in `kinds` is the number it has in stored bytes."""

    kinds: tuple[KindShape, ...]

    @classmethod
    def of(cls, dtypes: Mapping[str, DType]) -> Self:
        """The shape of a program whose rows are `dtypes`."""
        return cls(tuple(
            KindShape(kind, tuple((name, dtype[name].str) for name in dtype.names or ()))
            for kind, dtype in dtypes.items()
        ))

    def encoded(self) -> str:
        """As a journal keeps it."""
        return msgspec.json.encode(self.kinds).decode()

    @classmethod
    def decoded(cls, text: str) -> Self:
        """Inverse of `encoded`. CorruptRecordError, without a journal's name, when the text is no shape."""
        try:
            shape = cls(msgspec.json.decode(text, type=tuple[KindShape, ...]))
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise CorruptRecordError(f"does not decode: {error}") from error
        _require_possible(shape)
        return shape


def _require_possible(shape: Shape) -> None:
    kinds = [one.kind for one in shape.kinds]
    if len(set(kinds)) != len(kinds) or len(kinds) > _KINDS_MAX:
        raise CorruptRecordError(f"its {len(kinds)} kinds are not {_KINDS_MAX} at most, each with a name of its own")
    for one in shape.kinds:
        names = [name for name, _ in one.columns]
        if not names or len(set(names)) != len(names) or not all(names):
            raise CorruptRecordError(f"kind {one.kind!r} needs columns, each with a name of its own; it has {names}")
        for name, stored in one.columns:
            if not _STORED.fullmatch(stored):
                raise CorruptRecordError(f"{one.kind}.{name}: {stored!r} is no type of a column")


_HEAD: Final = (("time_ms", "<i8"), ("venue", "<i2"), ("coin", "<i2"))
FIRST_FORMAT: Final = Shape((
    KindShape("bars", (
        *_HEAD, ("span_ms", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"),
        ("volume_usd", "<f8"), ("buy_usd", "<f8"), ("sell_usd", "<f8"),
    )),
    KindShape("liquidations", (*_HEAD, ("side", "|i1"), ("price", "<f8"), ("size_usd", "<f8"))),
    KindShape("totals", (*_HEAD, ("span_ms", "<i8"), ("long_usd", "<f8"), ("short_usd", "<f8"))),
    KindShape("open_interest", (*_HEAD, ("oi_usd", "<f8"))),
    KindShape("marks", (*_HEAD, ("mark_price", "<f8"), ("index_price", "<f8"))),
    KindShape("funding", (*_HEAD, ("rate_pct", "<f8"), ("interval_h", "<f8"))),
    KindShape("tops", (*_HEAD, ("bid_price", "<f8"), ("ask_price", "<f8"))),
    KindShape("positions", (*_HEAD, ("side", "|i1"), ("price", "<f8"), ("size_usd", "<f8"))),
))
"""What records without a shape were written in. It never changes, whatever today's columns are."""
FIRST_FORMAT_ID: Final = 0
TODAY: Final = Shape.of(DTYPES)


class KindReading:
    """How rows of one stored kind become rows of this program's columns. Planned once, used for every record."""

    def __init__(self, written: KindShape, dtypes: Mapping[str, DType]) -> None:
        self.kind, self.stored = written.kind, written.dtype
        self._wanted = dtypes.get(written.kind)
        self._refused = _refusal(written, self._wanted)

    def rows(self, stored: Rows) -> Rows:
        """The rows by name. UnknownShapeError when this program does not know the kind or one of its columns."""
        if self._refused is not None or self._wanted is None:
            raise UnknownShapeError(self._refused or self.kind)
        if self.stored == self._wanted:
            return stored
        rows = np.empty(stored.size, self._wanted)
        for name in self._wanted.names or ():
            rows[name] = stored[name] if name in (self.stored.names or ()) else np.nan
        return rows


def readings(shape: Shape, dtypes: Mapping[str, DType] = DTYPES) -> tuple[KindReading, ...]:
    """One per kind of the shape, by number. `dtypes` are the columns to read into."""
    return tuple(KindReading(one, dtypes) for one in shape.kinds)


def _refusal(written: KindShape, wanted: DType | None) -> str | None:
    """Why rows of this kind cannot be read, None when they can. Kinds without rows are never read, so never refused."""
    upgrade = "a newer liqbot wrote it; read it with that version"
    if wanted is None:
        return f"kind {written.kind!r} is not one this program knows: {upgrade}"
    stored = written.dtype
    for name, typed in written.columns:
        if name not in (wanted.names or ()):
            return f"{written.kind}: column {name!r} is not one this program knows: {upgrade}"
        if not np.can_cast(stored[name], wanted[name], "safe"):
            return f"{written.kind}: column {name!r} is {typed}, which does not fit into {wanted[name].str}: {upgrade}"
    for name in wanted.names or ():
        if name not in (stored.names or ()) and wanted[name].kind != "f":
            return (
                f"{written.kind}: column {name!r} is missing, and a whole number cannot be absent: read the journal "
                "with the version that wrote it"
            )
    return None
