"""Mending: a tape that tells each market time once and in order, from one that does not.

Of spans that overlap the shortest stay, then those that stand first; of moments told again the first; of rows told at
one time that are equal cell by cell, one.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import Roster, Rows
from paper.tapes.decode import Decoder, series_of
from paper.tapes.format import FORMAT_VERSION, KIND_OF_WORD, TIME, TapeError, TapeHeader, check_columns, header_of
from paper.tapes.info import iso
from paper.tapes.reader import Tape, first_row_fault, opened, parts_of, read_tape, refuse
from paper.tapes.repeats import SPAN, SPANNED
from paper.tapes.told_twice import MANY_AT_ONCE, said, stages_of
from paper.tapes.validation import Indices
from paper.tapes.writer import TimedRows, replacing, write_groups

Bools = npt.NDArray[np.bool_]


class Mended(msgspec.Struct, frozen=True):
    """A sound tape, and what had to be done to have it: lines for people, none where it was sound before."""

    tape: Tape
    changes: tuple[str, ...]


def mend(source: str | Path, path: str | Path) -> Mended:
    """Write `path` from the tape `source`, which is held in memory; the two may be one. TapeError, and nothing is
    written, for any fault that is not a matter of telling twice or of order."""
    header, names, held = _read(str(source))
    changes = [*_disorder(held)]
    kept: list[TimedRows] = []
    for kind, timed in held.items():
        order = np.argsort(timed.learnt, kind="stable")
        ordered = TimedRows(kind, timed.rows[order], timed.learnt[order])
        keep, dropped = _told_once(ordered, names)
        kept.append(TimedRows(kind, ordered.rows[keep], ordered.learnt[keep]))
        changes += dropped
    learnt = any((timed.learnt != timed.rows[TIME]).any() for timed in kept)
    used = _used(names, kept)
    own = msgspec.structs.replace(header, format_version=FORMAT_VERSION, venues=used.venues, coins=used.coins)
    with replacing(Path(path)) as part:
        write_groups(part, [kept], names, own, learnt=learnt)
        try:
            read_tape(part)
        except TapeError as error:
            raise TapeError(str(error).replace(str(part), f"{source}, mended")) from None
    return Mended(read_tape(path), tuple(changes))


def _read(path: str) -> tuple[TapeHeader, Roster, dict[str, TimedRows]]:
    """The header, what the codes of the rows stand for, and all rows by kind in the order of the file."""
    file = opened(path)
    check_columns(file.schema_arrow, path)
    header = header_of(file.schema_arrow.metadata, path)
    decoder = Decoder(header.venues, header.coins)
    pieces: dict[str, list[tuple[Rows, Indices]]] = {kind: [] for kind in KIND_OF_WORD.values()}
    for part, _ in parts_of(file, decoder, path):
        refuse(first_row_fault(part), path)
        for kind, rows in part.rows.items():
            pieces[kind].append((rows, part.steps_of(kind)))
    if not any(pieces.values()):
        raise TapeError(f"{path}: has no rows")
    return header, decoder.names, {
        kind: TimedRows(kind, np.concatenate([rows for rows, _ in held]), np.concatenate([at for _, at in held]))
        for kind, held in pieces.items() if held
    }  # fmt: skip


def _used(names: Roster, kept: list[TimedRows]) -> Roster:
    venues = {int(code) for timed in kept for code in np.unique(timed.rows["venue"])}
    coins = {int(code) for timed in kept for code in np.unique(timed.rows["coin"])}
    return Roster(
        tuple(name for code, name in enumerate(names.venues) if code in venues),
        tuple(name for code, name in enumerate(names.coins) if code in coins),
    )


def _disorder(held: Mapping[str, TimedRows]) -> Iterator[str]:
    late = sum(int((timed.learnt < np.maximum.accumulate(timed.learnt)).sum()) for timed in held.values())
    if late:
        yield f"{late:,} rows put in order of time"


def _told_once(timed: TimedRows, names: Roster) -> tuple[Bools, list[str]]:
    """Which rows of a kind stay, and a line for each series that loses some."""
    kept_of: Callable[[Rows], Bools] = _moments
    if timed.kind in SPANNED:
        kept_of = _spans
    elif timed.kind in MANY_AT_ONCE:
        kept_of = _cells
    keep, lines = np.ones(len(timed.rows), bool), []
    for chosen in series_of(timed.rows):
        series = timed.rows[chosen]
        keep[chosen] = stays = kept_of(series)
        if stays.all():
            continue
        key = (timed.kind, int(series["venue"][0]), int(series["coin"][0]))
        lines.append(f"{said(key, names)}: {(~stays).sum():,} of {len(series):,} rows dropped, {_why(series, stays)}")
    return keep, lines


def _why(series: Rows, stays: Bools) -> str:
    why = f"their time is told by others (the first ends at {iso(int(series[TIME][~stays][0]))})"
    if SPAN not in (series.dtype.names or ()):
        return why
    longer = int((series[SPAN][~stays] > series[SPAN][stays].min()).sum())
    return why + (f"; {longer:,} of them are longer than those" if longer else "")


def _spans(series: Rows) -> Bools:
    """Shortest first, then in their order, whatever does not overlap those that stay already."""
    ends, spans = series[TIME], series[SPAN]
    keep = np.zeros(len(series), bool)
    taken = np.empty((0, 2), np.int64)
    for span_ms in np.unique(spans):
        rows = np.flatnonzero(spans == span_ms)
        rows = rows[np.argsort(ends[rows], kind="stable")]
        rows = rows[~_overlap(taken, ends[rows] - span_ms, ends[rows])]
        until_ms = np.iinfo(np.int64).min
        for row, end_ms in zip(rows.tolist(), ends[rows].tolist(), strict=True):
            if end_ms - span_ms >= until_ms:
                keep[row], until_ms = True, end_ms
        taken = np.stack((ends[keep] - spans[keep], ends[keep]), axis=1)
        taken = taken[np.argsort(taken[:, 1], kind="stable")]
    return keep


def _overlap(taken: npt.NDArray[np.int64], begins: Indices, ends: Indices) -> Bools:
    """Whether each span overlaps one of those taken: [begin, end], which do not overlap each other, ascending."""
    if not len(taken):
        return np.zeros(len(begins), bool)
    next_taken = np.searchsorted(taken[:, 1], begins, side="right")
    inside = next_taken < len(taken)
    overlap: Bools = inside & (taken[np.minimum(next_taken, len(taken) - 1), 0] < ends)
    return overlap


def _moments(series: Rows) -> Bools:
    keep = np.zeros(len(series), bool)
    keep[np.unique(np.stack((series[TIME], stages_of(series))), axis=1, return_index=True)[1]] = True
    return keep


def _cells(series: Rows) -> Bools:
    """Rows that equal none before them, cell by cell."""
    cells, width = series.tobytes(), series.dtype.itemsize
    seen: set[bytes] = set()
    keep = np.zeros(len(series), bool)
    for index in range(len(series)):
        row = cells[index * width : (index + 1) * width]
        keep[index] = row not in seen
        seen.add(row)
    return keep
