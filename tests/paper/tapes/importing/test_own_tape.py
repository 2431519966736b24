"""A tape that went through CSV or a data-frame library and back is the tape it was; what is imported can be traded."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import compute, csv, feather, parquet
from recordings import FORCED_HEAD, METRICS_HEAD, MINUTE_MS, START_MS, kline, lines, rows_of
from small_tape import small_tape
from walk_tape import paper_settings

from liqbot.blocks import DTYPES, KINDS, EventBlock, Roster
from paper.backtest.run import backtest
from paper.tapes.format import ALL_COLUMNS, TIME, WHOLE, TapeError
from paper.tapes.importing.run import import_files
from paper.tapes.reader import read_tape
from paper.tapes.writer import write_tape


def through_a_frame(table: pa.Table) -> pa.Table:
    """As data-frame libraries leave it: whole numbers with gaps are floats, times are stamps, an index is added."""
    columns = {"__index_level_0__": pa.array(np.arange(len(table)))}
    for name in table.column_names:
        column = table[name]
        if name == TIME:
            column = column.cast(pa.timestamp("ms"))
        elif ALL_COLUMNS[name] == WHOLE:
            column = column.cast(pa.float64())
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        columns[name] = column
    return pa.table(columns)


@pytest.mark.parametrize("ending", ["csv", "parquet", "feather"])
def test_a_tape_through_a_frame_is_the_tape_it_was(ending: str, tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "t.parquet", hours=30)
    table = through_a_frame(parquet.read_table(tape))
    path = tmp_path / "in" / f"frame.{ending}"
    path.parent.mkdir()
    if ending == "csv":
        csv.write_csv(table.set_column(1, TIME, compute.strftime(table[TIME], "%Y-%m-%dT%H:%M:%S")), path)
    else:
        {"parquet": parquet.write_table, "feather": feather.write_feather}[ending](table, str(path))
    imported = import_files([path], tmp_path / "back.parquet")
    assert rows_of(tmp_path / "back.parquet") == rows_of(tape)
    assert any("'__index_level_0__' is not part of the format" in note for note in imported.notes)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_whatever_ends_lines_and_stands_between_cells(separator: str, ending: str, tmp_path: Path) -> None:
    """As spreadsheets of any land and age write CSV."""
    tape = small_tape(tmp_path / "t.parquet", hours=30)
    path = tmp_path / "sheet.csv"
    csv.write_csv(parquet.read_table(tape), path, csv.WriteOptions(delimiter=separator, quoting_style="none"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", ending.encode()))
    import_files([path], tmp_path / "back.parquet")
    assert rows_of(tmp_path / "back.parquet") == rows_of(tape)


def test_when_a_row_was_learnt_goes_with_it(tmp_path: Path) -> None:
    """Ticks of an exported tape are those of the journal, also after CSV."""
    bars = np.zeros(3, DTYPES["bars"])
    bars["time_ms"], bars["span_ms"] = START_MS + np.array([1_000, 2_000, 3_000]), 1_000
    for name in ("open", "high", "low", "close", "volume_usd"):
        bars[name] = 60_000.0
    marks = np.zeros(1, DTYPES["marks"])
    marks["time_ms"], marks["mark_price"], marks["index_price"] = START_MS + 500, 60_000.0, np.nan
    blocks = [EventBlock(bars=bars[:2], tick_ms=START_MS + 5_000), EventBlock(bars=bars[2:], marks=marks,
                                                                             tick_ms=START_MS + 6_000)]  # fmt: skip
    write_tape(tmp_path / "t.parquet", blocks, Roster(("binance",), ("BTC",)), on_ticks=True)
    csv.write_csv(through_a_frame(parquet.read_table(tmp_path / "t.parquet")), tmp_path / "t.csv")
    import_files([tmp_path / "t.csv"], tmp_path / "back.parquet")
    told, back = (list(read_tape(tmp_path / name).blocks()) for name in ("t.parquet", "back.parquet"))
    assert [block.tick_ms for block in back] == [block.tick_ms for block in blocks]
    assert all(one.rows(kind).tobytes() == other.rows(kind).tobytes()
               for one, other in zip(told, back, strict=True) for kind in KINDS)  # fmt: skip


def test_a_row_told_before_its_time_is_refused(tmp_path: Path) -> None:
    row = dict.fromkeys(ALL_COLUMNS) | {"venue": "binance", "coin": "BTC", "kind": "mark", "mark_price": 60_000.0}
    row |= {"time_ms": START_MS, "learnt_ms": START_MS - 60_001}
    csv.write_csv(pa.Table.from_pylist([row]), tmp_path / "t.csv")
    with pytest.raises(TapeError, match=rf"t\.csv: row 0 .*'time_ms': {START_MS}; .*later than learnt_ms"):
        import_files([tmp_path / "t.csv"], tmp_path / "back.parquet")


@pytest.mark.drawn(singly=True)
def test_archives_of_one_market_are_backtested(tmp_path: Path) -> None:
    minutes = 90
    (tmp_path / "BTCUSDT-1m-2024-08-05.csv").write_text(lines(*(kline(minute) for minute in range(minutes))))
    told = ((at, f"0{at // 60}:{at % 60:02}") for at in range(5, minutes, 5))
    metrics = [f"2024-08-05 {clock}:00,BTCUSDT,80000,{4_800_000_000 + at},1,1,1,1" for at, clock in told]
    (tmp_path / "BTCUSDT-metrics-2024-08-05.csv").write_text(lines(METRICS_HEAD, *metrics))
    forced = [(START_MS + at * MINUTE_MS - 9_000, "SELL", "L", "I", 2, 59_995, 59_995, "F", 2, 2) for at in (20, 40)]
    (tmp_path / "BTCUSDT-liquidationSnapshot-2024-08-05.csv").write_text(lines(FORCED_HEAD, *forced))
    (tmp_path / "BTCUSDT-fundingRate-2024-08.csv").write_text(
        lines("calc_time,funding_interval_hours,last_funding_rate", (START_MS + 8, 8, 0.0001))
    )
    tape = import_files([tmp_path], tmp_path / "t.parquet").tape
    report = backtest(tape, paper_settings(), profile="test", data=None)
    assert (report.bars, report.rows) == (minutes, minutes + 17 + 2 + 1)
    assert {held.kind for held in report.tape.holds} == {"trades", "open_interest", "liquidation", "funding"}
