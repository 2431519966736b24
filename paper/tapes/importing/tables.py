"""Files as tables: what recognition looks at, and all rows in bounded parts (JSON is held whole)."""

import contextlib
import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from paper.tapes.format import TapeError
from paper.tapes.importing.cells import Cells, is_time
from paper.tapes.importing.files import DAMAGED, Source

PART_ROWS: Final = 65_536
SAMPLE_ROWS: Final = 5
_CSV_BLOCK_BYTES: Final = 4 << 20
_LINE_BYTES_MAX: Final = 1 << 16
_SEPARATORS: Final = ",;\t"
"""The comma of the standard, what spreadsheets write where a comma is in their numbers, and tabs."""
_ENVELOPES: Final = ("data", "result", "list")
"""Names under which interfaces wrap the rows of an answer."""


class Sample(msgspec.Struct, frozen=True):
    """What a format is recognised by."""

    source: Source
    names: tuple[str, ...]
    """Of the columns, as they stand in the file; () where it has no header line."""
    rows: tuple[tuple[str, ...], ...]
    """The first few, as texts."""

    @property
    def width(self) -> int:
        return len(self.names) or len(self.rows[0])

    def has(self, *names: str) -> bool:
        return set(names) <= set(self.names)


def sample_of(source: Source) -> Sample | None:
    """None for a file without rows. TapeError for one that cannot be read as what its name says it is."""
    names, parts = _opened(source)
    with contextlib.closing(parts):
        first = next(parts, None)
    if first is None or not len(first):
        return None
    head = first.slice(0, SAMPLE_ROWS).to_pydict().values()
    rows = tuple(tuple("" if cell is None else str(cell) for cell in row) for row in zip(*head, strict=True))
    return Sample(source, names, rows)


def cells_of(sample: Sample, names: Sequence[str] = (), utc_offset_h: float = 0.0) -> Iterator[Cells]:
    """All rows, part by part. `names` stand for the file's own, in order; a file without a header line needs them."""
    held, parts = _opened(sample.source)
    names = tuple(names) or held
    first_row = 0
    for part in parts:
        for start in range(0, len(part), PART_ROWS):
            rows = part.slice(start, PART_ROWS)
            yield Cells(sample.source.name, first_row, dict(zip(names, rows.columns, strict=False)), utc_offset_h)
            first_row += len(rows)


def _opened(source: Source) -> tuple[tuple[str, ...], Generator[Any]]:
    """(names of the columns, () without a header line; Arrow record batches)."""
    if source.holds == "csv":
        return _csv(source)
    table = _json(source) if source.holds == "json" else None
    parts = iter(table[1].to_batches()) if table else _arrow(source)
    first = next(parts, None)
    names = table[0] if table else tuple(first.schema.names) if first is not None else ()
    return names, _each(first, parts)


def _each(first: Any, rest: Iterable[Any]) -> Generator[Any]:
    if first is not None:
        yield from itertools.chain((first,), rest)


def _arrow(source: Source) -> Iterator[Any]:
    """Feather (Arrow IPC) and Parquet, batch by batch; both must be sought in, so a packed one is read whole."""
    import pyarrow as pa
    from pyarrow import ipc, parquet

    packed = source.member or source.path.suffix.lower() == ".gz"
    try:
        where: Any = pa.BufferReader(source.whole()) if packed else pa.OSFile(str(source.path))
        if source.holds == "parquet":
            yield from parquet.ParquetFile(where).iter_batches(PART_ROWS, use_threads=False)
        else:
            file = ipc.open_file(where)
            yield from (file.get_batch(index) for index in range(file.num_record_batches))
    except (OSError, pa.ArrowException) as error:
        raise TapeError(f"{source.name}: not a {source.holds} file ({str(error).splitlines()[0]})") from None


def _csv(source: Source) -> tuple[tuple[str, ...], Generator[Any]]:
    import pyarrow as pa
    from pyarrow import csv

    with source.open() as stream:
        line = _first_line(stream, source)
    separator = max(_SEPARATORS, key=lambda sign: len(_split(line, sign)))  # the first of those that are as many
    first = _split(line, separator)
    headed = not any(is_time(cell) or cell.lower() in ("true", "false") for cell in first)
    names = [name.strip() for name in first] if headed else [str(index) for index in range(len(first))]
    parts = _csv_parts(source, names, separator, skip=int(headed), pa=pa, csv=csv)
    return tuple(names) if headed else (), parts


def _csv_parts(
    source: Source, names: Sequence[str], separator: str, *, skip: int, pa: Any, csv: Any
) -> Generator[Any]:
    """Every cell as text, so that one that is no number can be shown as it stands."""
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise TapeError(f"{source.name}: column {repeated!r} occurs {names.count(repeated)} times, once is right")
    try:
        with source.open() as stream:
            reader = csv.open_csv(
                stream,
                read_options=csv.ReadOptions(
                    column_names=list(names), skip_rows=skip, block_size=_CSV_BLOCK_BYTES, use_threads=False
                ),
                parse_options=csv.ParseOptions(delimiter=separator),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=["", "null"]
                ),
            )
            yield from reader
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise TapeError(f"{source.name}: {str(error).splitlines()[0]}") from None
    except DAMAGED as error:
        raise TapeError(f"{source.name}: cannot be read ({error})") from None


def _first_line(stream: Any, source: Source) -> str:
    """Without its end: a line feed, or a carriage return alone as old spreadsheets write it."""
    try:
        line: bytes = stream.readline(_LINE_BYTES_MAX)
        return line.decode("utf-8-sig").strip("\r\n").partition("\r")[0]
    except UnicodeDecodeError as error:
        raise TapeError(f"{source.name}: not a CSV file in UTF-8 ({error})") from None
    except DAMAGED as error:
        raise TapeError(f"{source.name}: cannot be read ({error})") from None


def _split(line: str, separator: str) -> list[str]:
    import csv

    return next(csv.reader([line], delimiter=separator), [])


def _json(source: Source) -> tuple[tuple[str, ...], Any]:
    """(names, () where rows are plain lists; the table)."""
    import pyarrow as pa

    try:
        content = msgspec.json.decode(source.whole())
    except msgspec.DecodeError as error:
        raise TapeError(f"{source.name}: not JSON ({error})") from None
    rows = _flat(_unwrapped(content))
    if not rows:
        return (), pa.table({})
    listed = all(isinstance(row, list) for row in rows)
    if not listed and not all(isinstance(row, dict) for row in rows):
        raise TapeError(f"{source.name}: a list of rows is right, each an object or a list")
    if listed:
        names = [str(index) for index in range(max(map(len, rows)))]
        rows = [dict(zip(names, row, strict=False)) for row in rows]
    else:
        names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: _column([row.get(name) for row in rows]) for name in names})
    return () if listed else tuple(names), table


def _unwrapped(content: Any) -> Any:
    """Rows out of the envelope of an answer; columns of equal length become rows."""
    while isinstance(content, dict):
        inner = next((content[name] for name in _ENVELOPES if isinstance(content.get(name), list | dict)), None)
        if inner is None:
            return _rows_of_columns(content)
        content = inner
    return content


def _rows_of_columns(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns: dict[str, list[Any]] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            columns |= {inner: cells for inner, cells in value.items() if isinstance(cells, list)}
        elif isinstance(value, list):
            columns[name] = value
    count = max(map(len, columns.values()), default=0)
    whole = {name: cells for name, cells in columns.items() if len(cells) == count}
    return [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]


def _flat(rows: Any) -> Any:
    """Rows of a list of series (`[{"symbol": ..., "history": [...]}]`), each with what its series says beside it."""
    flat: list[Any] = []
    for row in rows if isinstance(rows, list) else []:
        inner = [name for name, value in row.items() if isinstance(value, list)] if isinstance(row, dict) else []
        if len(inner) == 1 and all(isinstance(one, dict) for one in row[inner[0]]):
            beside = {name: value for name, value in row.items() if name != inner[0]}
            flat += [beside | one for one in row[inner[0]]]
        else:
            flat.append(row)
    return flat


def _column(values: list[Any]) -> Any:
    """Numbers as floats where all are numbers, else as text, as in CSV."""
    import pyarrow as pa

    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return pa.array(values, pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())
