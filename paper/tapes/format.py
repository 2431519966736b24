"""The tape format: kinds and columns, what each kind must and may fill, the header, and `TapeError`.

Columns follow from the market events (`liqbot.events`, by way of `DTYPES`). To add one: a field of its event that may
be None, its name in `ADDED_COLUMNS`, a line in docs/tapes.md. To add a kind: its event, its row in `EVENT_OF` with a
field of `EventBlock`, its word in `KIND_OF_WORD`, its columns in `ADDED_COLUMNS`, a line in docs/tapes.md.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from liqbot.blocks import CODED, DTYPES, Roster, optional_columns
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import FundingStage, Instrument, Side

FORMAT_VERSION: Final = 1
HEADER_KEY: Final = b"liqbot_tape"

TEXT, WHOLE, NUMBER = "text", "whole number", "number"
TIME, VENUE, COIN, KIND, SIDE, CONTRACT = "time_ms", "venue", "coin", "kind", "side", "contract"
LEARNT: Final = "learnt_ms"
"""The clock step that a row belongs to where it is not `time_ms`: facts reach a live feed late."""
RATE_STAGE: Final = "rate_stage"
WORDED: Final = {
    SIDE: {side.word: int(side) for side in Side},
    RATE_STAGE: {stage.word: int(stage) for stage in FundingStage},
}
"""Columns of words: the number that each word has in the rows of an `EventBlock`."""
# The word in the file -> the kind of rows in an `EventBlock`. Book tops have no place on a tape.
KIND_OF_WORD: Final = {
    "trades": "bars",
    "liquidation": "liquidations",
    "liquidation_totals": "totals",
    "open_interest": "open_interest",
    "mark": "marks",
    "funding": "funding",
    "position": "positions",
}
WORD_OF_KIND: Final = {kind: word for word, kind in KIND_OF_WORD.items()}
ADDED_COLUMNS: Final = frozenset({RATE_STAGE})
"""Columns of events that came after the first version of the format: a tape may lack them."""
POSITIVE_COLUMNS: Final = frozenset({
    "open", "high", "low", "close", "price", "mark_price", "index_price", "span_ms", "interval_h"
})
SIGNED_COLUMNS: Final = frozenset({"rate_pct"})
"""Numbers of every other column may be zero, and never negative."""


def _holds_in_file(kind: str, name: str) -> str:
    if name in CODED or name in WORDED:
        return TEXT
    return NUMBER if DTYPES[kind][name].kind == "f" else WHOLE


KEYS: Final = (TIME, VENUE, COIN)
"""Columns of every row, whatever its kind."""
_KIND_COLUMNS: Final = {
    kind: tuple(name for name in DTYPES[kind].names or () if name not in KEYS) for kind in KIND_OF_WORD.values()
}
_HOLDS: Final = {
    TIME: WHOLE, VENUE: TEXT, COIN: TEXT, KIND: TEXT,
    **{name: _holds_in_file(kind, name) for kind, names in _KIND_COLUMNS.items() for name in names},
    CONTRACT: TEXT, LEARNT: WHOLE,
}  # fmt: skip
OPTIONAL_COLUMNS: Final = {
    name: holds for name, holds in _HOLDS.items() if name in ADDED_COLUMNS | {CONTRACT, LEARNT}
}
"""Columns that a file may lack; all rows are read as if they were null."""
COLUMNS: Final = {name: holds for name, holds in _HOLDS.items() if name not in OPTIONAL_COLUMNS}
"""Columns that every file has, in the order in which they are written."""
ALL_COLUMNS: Final = {**COLUMNS, **OPTIONAL_COLUMNS}
MAY_BE_NULL: Final = {
    kind: tuple(name for name in names if name in optional_columns(kind)) for kind, names in _KIND_COLUMNS.items()
}
REQUIRED: Final = {
    kind: tuple(name for name in names if name not in MAY_BE_NULL[kind]) for kind, names in _KIND_COLUMNS.items()
}
"""What a row of each kind must fill, beside the keys."""


class TapeError(ExpectedError):
    """A file that is no tape, or a tape that breaks the format; its text is one line for people."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message, Exit.USAGE)
        self.row = row
        """The row at fault, where it is one."""


class TapeHeader(msgspec.Struct, frozen=True):
    """What the file's metadata says. A tape without it is read all the same."""

    format_version: int = FORMAT_VERSION
    venues: tuple[str, ...] = ()
    coins: tuple[str, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    tiers_as_of: str | None = None
    """Date of the maintenance-margin tables that were in force."""
    note: str = ""

    def roster(self, venues: Sequence[str], coins: Sequence[str]) -> Roster:
        """The header's order first, so that codes survive a round trip, then whatever else the file holds, sorted."""
        return Roster(_in_order(self.venues, venues), _in_order(self.coins, coins))


def no_file(path: str | Path) -> str:
    """Said of a path that is no file."""
    place = Path(path)
    if place.is_dir():
        return f"{path}: is a directory, a file is right"
    return f"{path}: {'is a device, a file is right' if place.exists() else 'no such file'}"


def _in_order(first: Sequence[str], found: Sequence[str]) -> tuple[str, ...]:
    return (*first, *sorted(set(found) - set(first)))


def header_of(metadata: dict[bytes, bytes] | None, path: str) -> TapeHeader:
    """The header inside Parquet metadata. TapeError when it cannot be read or is of a newer format."""
    encoded = (metadata or {}).get(HEADER_KEY)
    if encoded is None:
        return TapeHeader()
    try:
        header = msgspec.json.decode(encoded, type=TapeHeader)
    except (msgspec.DecodeError, ValueError) as error:
        raise TapeError(f"{path}: metadata {HEADER_KEY.decode()}: {error}") from None
    if header.format_version > FORMAT_VERSION:
        raise TapeError(
            f"{path}: format version {header.format_version} is newer than {FORMAT_VERSION}, the newest this reads"
        )
    return header


def check_columns(schema: Any, path: str) -> tuple[str, ...]:
    """Names of columns that are ignored; TapeError for a missing, repeated or wrongly typed one. It takes Arrow's."""
    names: list[str] = list(schema.names)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TapeError(f"{path}: column {repeated[0]!r} occurs {names.count(repeated[0])} times, once is right")
    extra = tuple(name for name in names if name not in ALL_COLUMNS)
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise TapeError(f"{path}: column {missing[0]!r} is missing{_instead(missing[0], extra)}{_others(missing)}")
    absent = [name for name in OPTIONAL_COLUMNS if name not in names]
    for name in extra:
        for near in difflib.get_close_matches(name, absent, n=1, cutoff=0.85):
            raise TapeError(f"{path}: column {name!r} is not part of the format; did you mean {near!r}?")
    for name, wanted in ALL_COLUMNS.items():
        if name in names and not _holds(schema.field(name).type, wanted):
            held = schema.field(name).type
            hint = "; 'liqbot tape import' reads times of other forms" if name in (TIME, LEARNT) else ""
            raise TapeError(f"{path}: column {name!r} holds {held}, a {wanted} column is right{hint}")
    return extra


def _instead(name: str, extra: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, extra, n=1, cutoff=0.6)
    return f" (there is {near[0]!r})" if near else ""


def _others(missing: Sequence[str]) -> str:
    return f", and so are {', '.join(missing[1:])}" if len(missing) > 1 else ""


def _holds(arrow_type: Any, wanted: str) -> bool:
    from pyarrow import types

    if types.is_null(arrow_type):
        return True
    if types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    if wanted == TEXT:
        return bool(types.is_string(arrow_type) or types.is_large_string(arrow_type))
    # A whole-number column with gaps often comes out of data-frame libraries as float64.
    return bool(types.is_integer(arrow_type) or types.is_floating(arrow_type))
