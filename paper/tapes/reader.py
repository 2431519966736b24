"""Reading a tape: one validating pass over the file, then any number of streaming passes over its clock steps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import DTYPES, EventBlock, Roster, Rows
from paper.tapes.decode import BrokenError, DecodedPart, Decoder
from paper.tapes.format import ALL_COLUMNS, TEXT, TapeError, TapeHeader, check_columns, header_of, no_file
from paper.tapes.repeats import Repeats
from paper.tapes.survey import Survey, TapeSeries
from paper.tapes.validation import Indices, TapeFault, learnt_fault, row_fault, time_fault

BATCH_ROWS: Final = 131_072


class Tape(msgspec.Struct, frozen=True, eq=False):
    """A validated tape. Its rows stay in the file and are read again by every call of `blocks`."""

    path: str
    header: TapeHeader
    roster: Roster
    rows: int
    """Those that are read: bars and sums that come again are not."""
    first_ms: int
    last_ms: int
    holdings: tuple[TapeSeries, ...]
    notes: tuple[str, ...]
    """What the reader passed over (unknown columns, filled cells that the format leaves empty, rows that come again)
    and how it read spellings that are not the program's own."""

    def blocks(self, *, batch_rows: int = BATCH_ROWS) -> Iterator[EventBlock]:
        """One block per clock step, whose Tick is its time; the same blocks for every `batch_rows` >= 1. Within a block
        rows keep file order within each kind."""
        decoder, repeats = Decoder(self.roster.venues, self.roster.coins), Repeats()
        open_step: Columns = {}
        for part, _ in parts_of(opened(self.path), decoder, self.path, batch_rows):
            self._refuse_change(decoder)
            whole, open_step = _cut(_appended(open_step, repeats.without(part)), int(part.steps[-1]))
            yield from _steps(whole)
        yield from _steps(open_step)

    def _refuse_change(self, decoder: Decoder) -> None:
        if len(decoder.venues) > len(self.roster.venues) or len(decoder.coins) > len(self.roster.coins):
            raise TapeError(f"{self.path}: changed while it was being read")


def read_tape(path: str | Path) -> Tape:
    """Validate the whole file in one pass. TapeError with one line for people at the first fault."""
    name = str(path)
    file = opened(name)
    extra = check_columns(file.schema_arrow, name)
    header = header_of(file.schema_arrow.metadata, name)
    decoder, repeats, survey = Decoder(header.venues, header.coins), Repeats(), Survey()
    rows, first_ms, last_ms = 0, 0, None
    for part, batch in parts_of(file, decoder, name):
        refuse(time_fault(part.steps, part.first_row, last_ms, part.step_column), name)
        refuse(first_row_fault(part), name)
        survey.note_unused(batch, part)
        once = repeats.without(part)
        refuse(survey.add(once, decoder.names), name)
        first_ms = first_ms if rows else int(part.steps[0])
        rows, last_ms = rows + sum(map(len, once.rows.values())), int(part.steps[-1])
    if last_ms is None:
        raise TapeError(f"{name}: has no rows")
    refuse(next(survey.told_twice.faults(repeats.tallies, decoder.names), None), name)
    refuse(next(survey.faults(), None), name)
    roster = header.roster(tuple(decoder.venues), tuple(decoder.coins))
    notes = (*_passed_over(extra, survey), *decoder.read_as, *survey.told_twice.notes(repeats.tallies, decoder.names))
    return Tape(name, header, roster, rows, first_ms, last_ms, survey.holdings(), notes)


def _passed_over(extra: tuple[str, ...], survey: Survey) -> tuple[str, ...]:
    columns = [f"column {name!r} is not part of the format and is ignored" for name in extra]
    cells = [
        f"column {name!r}: {count} values in rows of a kind that leaves it empty are ignored"
        for name, count in survey.ignored_cells.items()
    ]
    return (*columns, *cells)


def first_row_fault(part: DecodedPart) -> TapeFault | None:
    """The first row that is broken in itself, whatever stands around it."""
    faults = [row_fault(kind, part.rows[kind], part.at[kind]) for kind in part.rows]
    faults += [learnt_fault(part.steps_of(kind), part.rows[kind], part.at[kind]) for kind in part.rows]
    return min((fault for fault in faults if fault is not None), key=lambda fault: fault.row, default=None)


def refuse(fault: TapeFault | None, path: str) -> None:
    """TapeError that names the file where there is a fault."""
    if fault is not None:
        raise TapeError(fault.line(path), fault.row)


def opened(path: str) -> Any:
    """The Parquet file, its texts read as dictionaries. TapeError where it is none."""
    import pyarrow as pa
    from pyarrow import parquet

    if not Path(path).is_file():
        raise TapeError(no_file(path))
    try:
        plain = parquet.ParquetFile(path, pre_buffer=False)
        names = plain.schema_arrow.names
        texts = [name for name, holds in ALL_COLUMNS.items() if holds == TEXT and names.count(name) == 1]
        return parquet.ParquetFile(path, metadata=plain.metadata, read_dictionary=texts, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise TapeError(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from None
    except OSError as error:
        raise TapeError(f"{path}: cannot be read ({error})") from None


def parts_of(
    file: Any, decoder: Decoder, path: str, batch_rows: int = BATCH_ROWS
) -> Iterator[tuple[DecodedPart, Any]]:
    """Decoded parts and the Arrow batches they are of, row group by row group: a tape of any length needs the memory of
    one. TapeError for words that the format does not know, and for damage."""
    import pyarrow as pa

    columns = [name for name in file.schema_arrow.names if name in ALL_COLUMNS]
    first_row = 0
    try:
        for batch in file.iter_batches(batch_rows, columns=columns, use_threads=False):
            if len(batch):
                yield decoder.part(batch, first_row), batch
                first_row += len(batch)
    except BrokenError as broken:
        raise TapeError(broken.fault.line(path)) from None
    except (OSError, pa.ArrowException) as error:
        raise TapeError(f"{path}: damaged after row {first_row} ({str(error).splitlines()[0]})") from None


Columns = dict[str, tuple[Rows, Indices]]
"""By kind: rows, and the clock step of each."""


def _appended(before: Columns, part: DecodedPart) -> Columns:
    held = {kind: (rows, part.steps_of(kind)) for kind, rows in part.rows.items()}
    for kind, (rows, steps) in before.items():
        if kind in held:
            held[kind] = np.concatenate((rows, held[kind][0])), np.concatenate((steps, held[kind][1]))
        else:
            held[kind] = rows, steps
    return {kind: held[kind] for kind in DTYPES if kind in held}


def _cut(columns: Columns, last_ms: int) -> tuple[Columns, Columns]:
    """(complete clock steps, rows of the newest one, which the next batch may continue)."""
    ends = {kind: int(np.searchsorted(steps, last_ms)) for kind, (_, steps) in columns.items()}
    whole = {kind: (rows[: ends[kind]], steps[: ends[kind]]) for kind, (rows, steps) in columns.items() if ends[kind]}
    rest = {
        kind: (rows[ends[kind] :], steps[ends[kind] :])
        for kind, (rows, steps) in columns.items() if ends[kind] < len(rows)
    }  # fmt: skip
    return whole, rest


def _steps(columns: Columns) -> Iterator[EventBlock]:
    if not columns:
        return
    times = np.unique(np.concatenate([steps for _, steps in columns.values()]))
    edges = [
        (kind, rows, [*np.searchsorted(steps, times).tolist(), len(rows)]) for kind, (rows, steps) in columns.items()
    ]
    for index, time_ms in enumerate(times.tolist()):
        step: dict[str, Any] = {
            kind: rows[at[index] : at[index + 1]] for kind, rows, at in edges if at[index] < at[index + 1]
        }
        yield EventBlock(**step, tick_ms=time_ms)
