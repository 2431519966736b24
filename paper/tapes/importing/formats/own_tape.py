"""A tape in its own columns, as CSV or through a data-frame library: whole numbers as 60000.0, times as ISO 8601."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from liqbot.blocks import CODED, Rows
from paper.tapes.decode import BrokenError, Decoder
from paper.tapes.format import ALL_COLUMNS, COIN, KEYS, KIND, LEARNT, TEXT, TIME, VENUE, TapeError, check_columns
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.validation import learnt_fault, row_fault


def _claims(sample: Sample) -> bool:
    return sample.has(*KEYS, KIND)


def _read(reading: Reading) -> Iterator[Facts]:
    decoder = Decoder()
    for cells in reading.cells():
        batch = _batch(cells)
        for name in check_columns(batch.schema, cells.file):
            reading.note(f"column {name!r} is not part of the format and is ignored")
        try:
            part = decoder.part(batch, cells.first_row)
        except BrokenError as broken:
            raise TapeError(broken.fault.line(cells.file)) from None
        for kind, rows in part.rows.items():
            steps = part.steps_of(kind)
            fault = row_fault(kind, rows, part.at[kind]) or learnt_fault(steps, rows, part.at[kind])
            if fault is not None:
                raise TapeError(fault.line(cells.file))
            yield Facts(kind, _coded(rows, decoder, reading), part.at[kind], steps)
    for spelling in decoder.read_as:
        reading.note(spelling)


def _batch(cells: Cells) -> Any:
    """Columns of the format in its types, others as they are."""
    import pyarrow as pa

    columns = {}
    for name, column in cells.columns.items():
        if name not in ALL_COLUMNS:
            columns[name] = column
        elif name == TIME:
            columns[name] = pa.array(cells.times_ms(name))
        elif name == LEARNT:
            columns[name] = _learnt(cells)
        elif ALL_COLUMNS[name] == TEXT:
            columns[name] = cells.words(name)
        else:
            values = cells.numbers(name, optional=True)
            columns[name] = pa.array(values, mask=np.isnan(values))
    return pa.RecordBatch.from_pydict(columns)


def _learnt(cells: Cells) -> Any:
    """Null where a row was learnt at its own time."""
    import pyarrow as pa

    column = cells.columns[LEARNT]
    valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    times = np.zeros(len(cells), np.int64)
    times[valid] = cells.taken(valid).times_ms(LEARNT)
    return pa.array(times, mask=times == 0)


def _coded(rows: Rows, decoder: Decoder, reading: Reading) -> Rows:
    """Codes of the decoder become those of the import."""
    codes = {
        VENUE: [reading.codes.venue_code(key) for key in decoder.venues],
        COIN: [reading.codes.coin_code(coin) for coin in decoder.coins],
    }
    for name in CODED:
        rows[name] = np.array(codes[name])[rows[name]]
    return rows


FORMAT: Final = Format("liqbot tape", _claims, _read)
