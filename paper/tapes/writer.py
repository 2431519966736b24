"""Writing a tape from blocks or groups of rows. A file appears under its name only when it is whole."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import EventBlock, Roster, Rows
from liqbot.instruments import CONTRACTS, Instrument, split_venue_key
from paper.tapes.format import (
    ALL_COLUMNS,
    COIN,
    CONTRACT,
    FORMAT_VERSION,
    HEADER_KEY,
    KIND,
    KIND_OF_WORD,
    LEARNT,
    NUMBER,
    TEXT,
    TIME,
    VENUE,
    WHOLE,
    WORDED,
    TapeError,
    TapeHeader,
)

GROUP_ROWS: Final = 262_144
_WORDS: Final = tuple(KIND_OF_WORD)


class TimedRows(NamedTuple):
    """Rows of one kind with the times they shall bear, and when they were learnt."""

    kind: str
    rows: Rows
    learnt: npt.NDArray[np.int64]


def write_tape(
    path: str | Path,
    blocks: Iterable[EventBlock],
    roster: Roster,
    *,
    instruments: Sequence[Instrument] = (),
    tiers_as_of: str | None = None,
    note: str = "",
    on_ticks: bool = False,
) -> int:
    """Write the market rows of `blocks` and return their number. Book tops and facts have no place on a tape.

    A row keeps its own time_ms, moved into its clock step where it was learnt late, so that times never fall. With
    `on_ticks` it keeps it as it is, beside the time of its block's Tick: reading it back gives the very same blocks.
    TapeError when the file cannot be written or no block holds a row.
    """
    header = TapeHeader(FORMAT_VERSION, roster.venues, roster.coins, tuple(instruments), tiers_as_of, note)
    with replacing(Path(path)) as part:
        rows = write_groups(part, _gathered(blocks, on_ticks=on_ticks), roster, header, learnt=on_ticks)
        if not rows:
            raise TapeError(f"{path}: nothing to write, no block holds a market row")
    return rows


def write_groups(
    path: Path, groups: Iterable[Sequence[TimedRows]], roster: Roster, header: TapeHeader, *, learnt: bool
) -> int:
    """Write rows by kind, group by group, and return their number. No row of a group may be learnt before one of the
    group before. Without `learnt` every row was learnt at its own time."""
    rows = 0
    names = [name for name in ALL_COLUMNS if learnt or name != LEARNT]
    with _writer(path, header, names) as writer:
        for group in groups:
            table = _table(group, roster, writer.schema)
            writer.write_table(table, row_group_size=GROUP_ROWS)
            rows += len(table)
    return rows


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place to write to, which becomes `path` when the block ends well and is gone when it does not."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise TapeError(f"{path}: cannot be written ({error})") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _writer(path: Path, header: TapeHeader, names: Sequence[str]) -> Any:
    from pyarrow import parquet

    # Measured on real bars: delta times and split bytes take 17 bytes a row where dictionaries take 28.
    encoding = {name: "DELTA_BINARY_PACKED" for name in names if ALL_COLUMNS[name] == WHOLE}
    encoding |= {name: "BYTE_STREAM_SPLIT" for name in names if ALL_COLUMNS[name] == NUMBER}
    return parquet.ParquetWriter(
        path,
        _schema(header, names),
        compression="zstd",
        compression_level=6,
        use_dictionary=[name for name in names if ALL_COLUMNS[name] == TEXT],
        column_encoding=encoding,
        write_statistics=[TIME],
    )


def _schema(header: TapeHeader, names: Sequence[str]) -> Any:
    import pyarrow as pa

    types = {TEXT: pa.dictionary(pa.int32(), pa.string()), WHOLE: pa.int64(), NUMBER: pa.float64()}
    fields = [pa.field(name, types[ALL_COLUMNS[name]]) for name in names]
    return pa.schema(fields, metadata={HEADER_KEY: msgspec.json.encode(header)})


def _gathered(blocks: Iterable[EventBlock], *, on_ticks: bool) -> Iterator[list[TimedRows]]:
    """Rows of one clock step after another, in groups of about GROUP_ROWS."""
    held: list[TimedRows] = []
    step: list[tuple[str, Rows]] = []
    count, from_ms = 0, 0
    for block in blocks:
        step += [(kind, block.rows(kind)) for kind in KIND_OF_WORD.values() if len(block.rows(kind))]
        if block.tick_ms is None:
            continue
        held += _on_tick(step, block.tick_ms) if on_ticks else _timed(step, from_ms, block.tick_ms)
        count += sum(len(rows) for _, rows in step)
        step, from_ms = [], block.tick_ms + 1
        if count >= GROUP_ROWS:
            yield held
            held, count = [], 0
    held += _timed(step, from_ms, np.iinfo(np.int64).max)
    if held:
        yield held


def _on_tick(step: Sequence[tuple[str, Rows]], tick_ms: int) -> Iterator[TimedRows]:
    for kind, rows in step:
        yield TimedRows(kind, rows, np.full(len(rows), tick_ms))


def _timed(step: Sequence[tuple[str, Rows]], from_ms: int, until_ms: int) -> Iterator[TimedRows]:
    for kind, rows in step:
        timed = rows.copy()
        timed[TIME] = np.clip(rows[TIME], from_ms, until_ms)
        yield TimedRows(kind, timed, timed[TIME])


def _table(parts: Sequence[TimedRows], roster: Roster, schema: Any) -> Any:
    import pyarrow as pa

    by_kind: dict[str, list[TimedRows]] = {kind: [] for kind in KIND_OF_WORD.values()}
    for part in parts:
        by_kind[part.kind].append(part)
    ordered = [part for kind in by_kind.values() for part in kind]
    columns = {kind: np.concatenate([part.rows for part in held]) for kind, held in by_kind.items() if held}
    learnt = np.concatenate([part.learnt for part in ordered])
    order = np.argsort(learnt, kind="stable")
    arrays = [_column(field.name, columns, learnt, roster)[order] for field in schema]
    words = {VENUE: [split_venue_key(key)[0] for key in roster.venues], COIN: roster.coins, KIND: _WORDS}
    words |= {name: tuple(known) for name, known in WORDED.items()} | {CONTRACT: CONTRACTS}
    return pa.table([_arrow(array, field, words) for array, field in zip(arrays, schema, strict=True)], schema=schema)


def _column(
    name: str, columns: dict[str, Rows], learnt: npt.NDArray[np.int64], roster: Roster
) -> npt.NDArray[Any]:
    if name == LEARNT:
        return learnt
    return _text(name, columns, roster) if ALL_COLUMNS[name] == TEXT else _numbers(name, columns, len(learnt))


def _arrow(array: npt.NDArray[Any], field: Any, words: dict[str, Sequence[str]]) -> Any:
    import pyarrow as pa

    if field.name not in words:
        absent = np.isnan(array) if array.dtype.kind == "f" else None if field.name in (TIME, LEARNT) else array < 0
        return pa.array(array, field.type, mask=absent)
    codes = pa.array(array, pa.int32(), mask=array < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(words[field.name]), pa.string()))


def _text(name: str, columns: dict[str, Rows], roster: Roster) -> npt.NDArray[np.int32]:
    """Codes of a text column over all kinds, one after another; -1 is null."""
    contracts = np.array([_contract_code(key) for key in roster.venues], np.int32)
    parts: list[npt.NDArray[Any]] = []
    for kind, rows in columns.items():
        if name == KIND:
            parts.append(np.full(len(rows), tuple(KIND_OF_WORD.values()).index(kind)))
        elif name == CONTRACT:
            parts.append(contracts[rows[VENUE]])
        elif name in WORDED:
            parts.append(_word_codes(name, rows))
        else:
            parts.append(rows[name])
    return np.concatenate(parts).astype(np.int32)


def _word_codes(name: str, rows: Rows) -> npt.NDArray[Any]:
    """Places of the words of a column among those it knows; -1 where the kind lacks it or leaves it unknown."""
    codes = np.full(len(rows), -1)
    if name in (rows.dtype.names or ()):
        for code, value in enumerate(WORDED[name].values()):
            codes[rows[name] == value] = code
    return codes


def _contract_code(key: str) -> int:
    contract = split_venue_key(key)[1]
    return CONTRACTS.index(contract) if contract else -1


def _numbers(name: str, columns: dict[str, Rows], count: int) -> npt.NDArray[Any]:
    """A numeric column over all kinds; NaN, or -1 in a whole-number column, is null."""
    whole = ALL_COLUMNS[name] == WHOLE
    values = np.full(count, -1, np.int64) if whole else np.full(count, np.nan)
    start = 0
    for rows in columns.values():
        if name in (rows.dtype.names or ()):
            values[start : start + len(rows)] = rows[name]
        start += len(rows)
    return values
