"""Reading a tape: one validating pass over the file, then any number of streaming passes over its clock steps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import DTYPES, EventBlock, Roster, Rows
from paper.tapes.decode import BrokenError, DecodedPart, Decoder
from paper.tapes.format import ALL_COLUMNS, TEXT, TapeError, TapeHeader, check_columns, header_of, no_file
from paper.tapes.survey import Survey, TapeSeries
from paper.tapes.validation import TapeFault, row_fault, time_fault

BATCH_ROWS: Final = 131_072


class Tape(msgspec.Struct, frozen=True, eq=False):
    """A validated tape. Its rows stay in the file and are read again by every call of `blocks`."""

    path: str
    header: TapeHeader
    roster: Roster
    rows: int
    first_ms: int
    last_ms: int
    holdings: tuple[TapeSeries, ...]
    notes: tuple[str, ...]
    """What the reader passed over: unknown columns, filled cells that the format leaves empty."""

    def blocks(self, *, batch_rows: int = BATCH_ROWS) -> Iterator[EventBlock]:
        """One block per distinct time_ms, whose Tick is that time; the same blocks for every `batch_rows` >= 1.
        Within a block rows keep file order within each kind."""
        decoder = Decoder(self.roster.venues, self.roster.coins)
        open_step: dict[str, Rows] = {}
        for part in _parts(_opened(self.path), decoder, self.path, batch_rows):
            self._refuse_change(decoder)
            columns = _appended(open_step, part.rows)
            whole, open_step = _cut(columns, int(part.times[-1]))
            yield from _steps(whole)
        yield from _steps(open_step)

    def _refuse_change(self, decoder: Decoder) -> None:
        if len(decoder.venues) > len(self.roster.venues) or len(decoder.coins) > len(self.roster.coins):
            raise TapeError(f"{self.path}: changed while it was being read")


def read_tape(path: str | Path) -> Tape:
    """Validate the whole file in one pass. TapeError with one line for people at the first fault."""
    name = str(path)
    file = _opened(name)
    extra = check_columns(file.schema_arrow, name)
    header = header_of(file.schema_arrow.metadata, name)
    decoder, survey = Decoder(header.venues, header.coins), Survey()
    rows, first_ms, last_ms = 0, 0, None
    for part, batch in _batches(file, decoder, name, BATCH_ROWS):
        first_ms = first_ms if rows else int(part.times[0])
        _refuse(time_fault(part.times, rows, last_ms), name)
        faults = [row_fault(kind, part.rows[kind], part.at[kind]) for kind in part.rows]
        _refuse(min((fault for fault in faults if fault), key=lambda fault: fault.row, default=None), name)
        _refuse(survey.add(part, Roster(tuple(decoder.venues), tuple(decoder.coins))), name)
        survey.note_unused(batch, part)
        rows, last_ms = rows + len(part.times), int(part.times[-1])
    if last_ms is None:
        raise TapeError(f"{name}: has no rows")
    _refuse(next(survey.faults(), None), name)
    roster = header.roster(tuple(decoder.venues), tuple(decoder.coins))
    return Tape(name, header, roster, rows, first_ms, last_ms, survey.holdings(), _notes(extra, decoder, survey))


def _notes(extra: tuple[str, ...], decoder: Decoder, survey: Survey) -> tuple[str, ...]:
    columns = [f"column {name!r} is not part of the format and is ignored" for name in extra]
    cells = [
        f"column {name!r}: {count} values in rows of a kind that leaves it empty are ignored"
        for name, count in survey.ignored_cells.items()
    ]
    return (*columns, *cells, *decoder.read_as)


def _refuse(fault: TapeFault | None, path: str) -> None:
    if fault is not None:
        raise TapeError(fault.line(path))


def _opened(path: str) -> Any:
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


def _parts(file: Any, decoder: Decoder, path: str, batch_rows: int) -> Iterator[DecodedPart]:
    return (part for part, _ in _batches(file, decoder, path, batch_rows))


def _batches(file: Any, decoder: Decoder, path: str, batch_rows: int) -> Iterator[tuple[DecodedPart, Any]]:
    """Row group by row group, so that a tape of any length needs the memory of one."""
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


def _appended(before: dict[str, Rows], rows: dict[str, Rows]) -> dict[str, Rows]:
    return {
        kind: np.concatenate([held[kind] for held in (before, rows) if kind in held])
        for kind in DTYPES
        if kind in before or kind in rows
    }


def _cut(columns: dict[str, Rows], last_ms: int) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """(complete clock steps, rows of the newest one, which the next batch may continue)."""
    ends = {kind: int(np.searchsorted(rows["time_ms"], last_ms)) for kind, rows in columns.items()}
    whole = {kind: rows[: ends[kind]] for kind, rows in columns.items() if ends[kind]}
    rest = {kind: rows[ends[kind] :] for kind, rows in columns.items() if ends[kind] < len(rows)}
    return whole, rest


def _steps(columns: dict[str, Rows]) -> Iterator[EventBlock]:
    if not columns:
        return
    times = np.unique(np.concatenate([rows["time_ms"] for rows in columns.values()]))
    edges = [
        (kind, rows, [*np.searchsorted(rows["time_ms"], times).tolist(), len(rows)]) for kind, rows in columns.items()
    ]
    for index, time_ms in enumerate(times.tolist()):
        step: dict[str, Any] = {
            kind: rows[at[index] : at[index + 1]] for kind, rows, at in edges if at[index] < at[index + 1]
        }
        yield EventBlock(**step, tick_ms=time_ms)
