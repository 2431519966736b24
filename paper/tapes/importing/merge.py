"""Facts of many files merged in time: spilled to disk as they come, then swept in order with bounded memory.

What two files tell alike is kept once; what they tell differently, or for overlapping spans, is refused with both
named.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import DTYPES, Rows
from paper.tapes.decode import series_of
from paper.tapes.format import KIND_OF_WORD, TIME, WORD_OF_KIND, TapeError
from paper.tapes.importing.facts import Facts
from paper.tapes.validation import Bools, Indices
from paper.tapes.writer import TimedRows

SINGLE: Final = frozenset({"liquidations", "positions"})
"""Kinds of which one moment may hold many rows of one series; of any other it holds one."""
_ORIGIN: Final = [("_learnt", "<i8"), ("_file", "<i4"), ("_row", "<i8")]
_SPILLED: Final = {kind: np.dtype([*DTYPES[kind].descr, *_ORIGIN]) for kind in KIND_OF_WORD.values()}
_LEARNT: Final = "_learnt"
_HOLD_ROWS: Final = 131_072


class _Piece(msgspec.Struct, frozen=True):
    """Consecutive rows in the spill of `kind`, in the order in which they were learnt."""

    first_ms: int
    kind: str
    offset: int
    count: int


class Spool:
    """Takes facts in any order, file after file; gives them back in the order in which they were learnt. Its files lie
    in `folder`, which must exist, and go with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._streams: dict[str, IO[bytes]] = {}
        self._counts: dict[str, int] = {}
        self._pieces: list[_Piece] = []
        self._files: list[str] = []
        self.repeated = 0
        """Rows that another file tells alike."""
        self.learnt = False
        """Whether some row was learnt at another time than its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for stream in self._streams.values():
            stream.close()

    def begin(self, file: str) -> None:
        """Facts that follow are of this file, which is named in refusals."""
        self._files.append(file)

    def add(self, facts: Facts) -> None:
        learnt = facts.rows[TIME] if facts.learnt is None else facts.learnt
        self.learnt |= bool((learnt != facts.rows[TIME]).any())
        order = np.argsort(learnt, kind="stable")
        spilled = np.empty(len(order), _SPILLED[facts.kind])
        for name in facts.rows.dtype.names or ():
            spilled[name] = facts.rows[name][order]
        spilled["_learnt"], spilled["_file"], spilled["_row"] = learnt[order], len(self._files) - 1, facts.at[order]
        if len(spilled):
            offset = self._counts.get(facts.kind, 0)
            self._stream(facts.kind).write(spilled.tobytes())
            self._pieces.append(_Piece(int(spilled[_LEARNT][0]), facts.kind, offset, len(spilled)))
            self._counts[facts.kind] = offset + len(spilled)

    def _stream(self, kind: str) -> IO[bytes]:
        if kind not in self._streams:
            self._streams[kind] = (self._folder / kind).open("wb")
        return self._streams[kind]

    def merged(self) -> Iterator[list[TimedRows]]:
        """Groups of rows by kind, each sorted; no row of a group was learnt before one of the group before."""
        for stream in self._streams.values():
            stream.flush()
        spans = {kind: _Spans(kind, self._files) for kind in self._counts}
        for kept in self._once():
            for kind, rows in kept:
                spans[kind].check(rows)
            yield [TimedRows(kind, _plain(kind, rows), rows[_LEARNT]) for kind, rows in kept]

    def origin(self, row: int) -> tuple[str, int]:
        """(file, row in it) of a row of what was merged, by its number there."""
        for kept in self._once():
            count = sum(len(rows) for _, rows in kept)
            if row < count:
                learnt, files, rows = (np.concatenate([rows[name] for _, rows in kept]) for name, _ in _ORIGIN)
                at = np.argsort(learnt, kind="stable")[row]  # as the writer orders a group
                return self._files[int(files[at])], int(rows[at])
            row -= count
        raise IndexError(row)

    def _once(self) -> Iterator[list[tuple[str, Rows]]]:
        """Groups as in `merged`, with the origin of every row."""
        for group in self._swept():
            yield [(kind, self._kept(kind, rows)) for kind, rows in group]

    def _swept(self) -> Iterator[list[tuple[str, Rows]]]:
        """A row goes out once every piece that begins before or with it has been read."""
        held: dict[str, Rows] = {}
        ordered = sorted(self._pieces, key=lambda piece: piece.first_ms)
        for piece in ordered:
            if sum(map(len, held.values())) >= _HOLD_ROWS:
                ready, held = _cut(held, piece.first_ms)
                if ready:
                    yield ready
            rows = self._read(piece)
            held[piece.kind] = np.concatenate((held[piece.kind], rows)) if piece.kind in held else rows
        rest, _ = _cut(held, None)
        if rest:
            yield rest

    def _read(self, piece: _Piece) -> Rows:
        dtype = _SPILLED[piece.kind]
        place = self._folder / piece.kind
        return np.fromfile(place, dtype, piece.count, offset=piece.offset * dtype.itemsize)

    def _kept(self, kind: str, rows: Rows) -> Rows:
        """Without rows that another file tells alike. What one file tells twice is left to the reader of tapes."""
        keys = [rows[name] for name in ("coin", "venue", TIME)]
        order = np.lexsort((rows["_row"], rows["_file"], *keys))
        same = np.ones(max(len(order) - 1, 0), np.bool_)
        for key in keys:
            same &= key[order][1:] == key[order][:-1]
        other = rows["_file"][order][1:] != rows["_file"][order][:-1]
        if not (same & other).any():
            return rows
        drop = np.zeros(len(rows), np.bool_)
        if kind in SINGLE:
            for first, last in _runs(same):
                drop[_told_before(kind, rows, order[first : last + 1])] = True
        else:
            cells = _bytes(kind, rows[order])
            differs = same & other & (cells[1:] != cells[:-1]).any(axis=1)
            if differs.any():
                index = int(np.argmax(differs))
                one, another = rows[order[index]], rows[order[index + 1]]
                raise _refused(self._files, kind, one, another, "tell one moment differently")
            drop[order[1:][same & other]] = True
        self.repeated += int(drop.sum())
        return rows[~drop]


class _Spans:
    """Spans that two files tell of one series must not overlap; kinds without a span have none."""

    def __init__(self, kind: str, files: list[str]) -> None:
        self._kind, self._files = kind, files
        self._last: dict[tuple[int, int], Rows] = {}

    def check(self, rows: Rows) -> None:
        """TapeError for the first row whose span begins before that of the row before has ended."""
        if "span_ms" not in (rows.dtype.names or ()) or not len(rows):
            return
        for chosen in series_of(rows):
            own = rows[chosen]
            key = (int(own["venue"][0]), int(own["coin"][0]))
            if key in self._last:
                own = np.concatenate((self._last[key], own))
            early = own[TIME][1:] - own["span_ms"][1:] < own[TIME][:-1]
            early &= own["_file"][1:] != own["_file"][:-1]
            if early.any():
                index = int(np.argmax(early))
                raise _refused(self._files, self._kind, own[index], own[index + 1], "tell overlapping spans")
            self._last[key] = own[-1:]


def _refused(files: list[str], kind: str, first: Rows, second: Rows, what: str) -> TapeError:
    one, other = (f"{files[int(row['_file'])]} row {int(row['_row'])}" for row in (first, second))
    return TapeError(
        f"{one} and {other} {what} of the same {WORD_OF_KIND[kind]} series (time_ms {int(first[TIME])} and"
        f" {int(second[TIME])}); one of them is right: import fewer files"
    )


def _cut(held: dict[str, Rows], before_ms: int | None) -> tuple[list[tuple[str, Rows]], dict[str, Rows]]:
    """(rows learnt before `before_ms` or all, sorted, kinds in the order of the format; the rest)."""
    ready: list[tuple[str, Rows]] = []
    rest: dict[str, Rows] = {}
    for kind in KIND_OF_WORD.values():
        if kind not in held:
            continue
        rows = held[kind]
        ordered = rows[np.argsort(rows[_LEARNT], kind="stable")]
        end = len(ordered) if before_ms is None else int(np.searchsorted(ordered[_LEARNT], before_ms))
        if end:
            ready.append((kind, ordered[:end]))
        if end < len(ordered):
            rest[kind] = ordered[end:]
    return ready, rest


def _told_before(kind: str, rows: Rows, moment: Indices) -> list[int]:
    """Of rows of one series and moment, those that another file told before."""
    first_in: dict[bytes, int] = {}
    repeats = []
    for index, content in zip(moment.tolist(), _bytes(kind, rows[moment]), strict=True):
        file = int(rows["_file"][index])
        if first_in.setdefault(content.tobytes(), file) != file:
            repeats.append(index)
    return repeats


def _bytes(kind: str, rows: Rows) -> npt.NDArray[np.uint8]:
    """What each row says, one line of bytes per row: equal also where both say NaN."""
    return _plain(kind, rows).view(np.uint8).reshape(len(rows), -1)


def _runs(same: Bools) -> Iterator[tuple[int, int]]:
    """(first, last) positions of stretches in which each equals the one before."""
    edges = np.diff(np.concatenate(([0], same.view(np.int8), [0])))
    yield from zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)


def _plain(kind: str, rows: Rows) -> Rows:
    """Without the origin."""
    plain = np.empty(len(rows), DTYPES[kind])
    for name in plain.dtype.names or ():
        plain[name] = rows[name]
    return plain
