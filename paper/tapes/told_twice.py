"""One series per venue, coin, contract and kind: spans must not overlap, moments must not recur.

What is told twice counts twice: bars double the map. A live feed may tell a moment twice, and archives hold single rows
again, so of both only what recurs is a fault; spans that overlap and differ are one at once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from liqbot.blocks import Roster, Rows
from liqbot.instruments import split_venue_key
from paper.tapes.format import RATE_STAGE, TIME, WORD_OF_KIND
from paper.tapes.repeats import SPAN, SPANNED, Key, Tally
from paper.tapes.validation import Indices, TapeFault

MANY_AT_ONCE: Final = frozenset({"liquidations", "positions"})
"""Kinds of which one book tells many rows at one time: one is told again where every cell is."""
AGAIN_SHARE_MAX: Final = 0.05
"""Of a series' rows. Accidents are far below it, two sources under one name far above."""
_MEND: Final = "with --mend, 'tape check' and 'tape import' write a tape without it"


class _Newest(msgspec.Struct):
    time_ms: int = 0
    row: int = -1
    """Place in the file."""
    cells: dict[bytes, int] = {}
    """Rows of this time and their places, of kinds that tell many at once."""


class ToldTwice:
    """Fed the rows of one series after another, in the order of the file; `faults` and `notes` when all is read."""

    def __init__(self) -> None:
        self._newest: dict[Key, _Newest] = {}
        self._moments: dict[tuple[Key, int], _Newest] = {}
        self._tallies: dict[Key, Tally] = {}

    def add(self, kind: str, rows: Rows, at: Indices, names: Roster) -> TapeFault | None:
        """The first span that begins before the one before it has ended; kinds without spans are counted."""
        key = (kind, int(rows["venue"][0]), int(rows["coin"][0]))
        newest = self._newest.setdefault(key, _Newest())
        fault = None
        if kind in SPANNED:
            fault = _overlap(key, newest, rows, at, names)
        else:
            tally = self._tallies.setdefault(key, Tally())
            tally.rows += len(rows)
            if kind in MANY_AT_ONCE:
                _count_rows(tally, newest, rows, at)
            else:
                self._count_moments(key, rows, at)
        newest.time_ms, newest.row = int(rows[TIME][-1]), int(at[-1])
        return fault

    def _count_moments(self, key: Key, rows: Rows, at: Indices) -> None:
        """A rate that is forecast and one that is settled are two things, told at one moment or not."""
        stages = stages_of(rows)
        for stage in np.unique(stages).tolist():
            own = stages == stage
            newest = self._moments.setdefault((key, stage), _Newest())
            _count_moments(self._tallies[key], newest, rows[own], at[own])

    def faults(self, repeats: dict[Key, Tally], names: Roster) -> Iterator[TapeFault]:
        """Series of which more than a few rows come again, each at the first."""
        for key, tally in (repeats | self._tallies).items():
            if tally.again > AGAIN_SHARE_MAX * tally.rows:
                row, before = tally.first
                share = f"{tally.again} of {tally.rows} rows of {said(key, names)}"
                wanted = f"row {before} tells it already, and {share} come again; {_MEND}"
                yield TapeFault(row, TIME, tally.first_ms, wanted)

    def notes(self, repeats: dict[Key, Tally], names: Roster) -> Iterator[str]:
        """The few, where no series is at fault."""
        for key, tally in (repeats | self._tallies).items():
            if tally.again:
                done = "read once" if key in repeats else "kept"
                rows = f"{tally.again} rows come" if tally.again > 1 else "1 row comes"
                row, before = tally.first
                yield f"{said(key, names)}: {rows} again (row {row} after row {before} first), {done}"


def stages_of(rows: Rows) -> Indices:
    """What a row tells of its moment beside its kind: the stage of a rate, -1 where it is not said or there is none."""
    if RATE_STAGE not in (rows.dtype.names or ()):
        return np.full(len(rows), -1)
    stages: Indices = np.nan_to_num(rows[RATE_STAGE], nan=-1.0).astype(np.int64)
    return stages


def _overlap(key: Key, newest: _Newest, rows: Rows, at: Indices, names: Roster) -> TapeFault | None:
    ends = rows[TIME]
    before_ms = np.concatenate(([newest.time_ms], ends[:-1]))
    overlapping = ends - rows[SPAN] < before_ms
    if not overlapping.any():
        return None
    index = int(overlapping.argmax())
    before = int(at[index - 1]) if index else newest.row
    end_ms = int(ends[index])
    span = f"from {_clock(end_ms - int(rows[SPAN][index]))} to {_clock(end_ms)}"
    wanted = (
        f"{said(key, names)} {span} overlap row {before}, which ends at {_clock(int(before_ms[index]))}; "
        f"one series of a kind, venue, contract and coin is right; {_MEND}"
    )
    return TapeFault(int(at[index]), TIME, end_ms, wanted)


def _count_moments(tally: Tally, newest: _Newest, rows: Rows, at: Indices) -> None:
    again = rows[TIME] == np.concatenate(([newest.time_ms], rows[TIME][:-1]))
    if again.any():
        index = int(again.argmax())
        before = int(at[index - 1]) if index else newest.row
        tally.add(int(again.sum()), (int(at[index]), before), int(rows[TIME][index]))
    newest.time_ms, newest.row = int(rows[TIME][-1]), int(at[-1])


def _count_rows(tally: Tally, newest: _Newest, rows: Rows, at: Indices) -> None:
    cells, width = rows.tobytes(), rows.dtype.itemsize
    for index, time_ms in enumerate(rows[TIME].tolist()):
        if time_ms != newest.time_ms:
            newest.cells, newest.time_ms = {}, time_ms
        before = newest.cells.setdefault(cells[index * width : (index + 1) * width], int(at[index]))
        if before != at[index]:
            tally.add(1, (int(at[index]), before), time_ms)


def said(key: Key, names: Roster) -> str:
    """A series for people: `trades of BTC at binance`."""
    kind, venue, coin = key
    name, contract = split_venue_key(names.venues[venue])
    return f"{WORD_OF_KIND[kind]} of {names.coins[coin]} at {name}" + (f" ({contract})" if contract else "")


def _clock(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
