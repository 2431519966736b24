"""The same market time told twice: read once where a row merely comes again, refused where it recurs or overlaps."""

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from pyarrow import parquet

from liqbot.blocks import DTYPES, KINDS, Roster
from paper.tapes.format import TapeError
from paper.tapes.importing.run import import_files
from paper.tapes.reader import Tape, read_tape
from paper.tapes.told_twice import AGAIN_SHARE_MAX, ToldTwice
from tests.builders.small_tape import FIRST_MS, HOUR_MS, small_tape

pytestmark = pytest.mark.drawn
"""What they share costs the most of them."""

CASE = Path("../shared/cases/duplicate_bars")
HOURS = 60


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tape(tmp_path_factory.mktemp("sound") / "t.parquet", hours=HOURS)


def table_of(path: Path) -> pa.Table:
    """Rows in the order of the file: bar, sum and open interest of every hour."""
    return parquet.read_table(path)


def rows_with(table: pa.Table, kind: str) -> list[int]:
    return [row for row, word in enumerate(table["kind"].to_pylist()) if word == kind]


def told_again(table: pa.Table, rows: list[int], path: Path) -> Path:
    order = sorted([*range(len(table)), *rows])
    parquet.write_table(table.take(order), path)
    return path


def changed(table: pa.Table, row: int, cells: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist([{**table.slice(row, 1).to_pylist()[0], **cells}], table.schema)


def rows_of(tape: Tape, batch_rows: int) -> list[bytes]:
    return [block.rows(kind).tobytes() for block in tape.blocks(batch_rows=batch_rows) for kind in KINDS]


@settings(max_examples=20)
@given(again=st.lists(st.integers(0, HOURS - 1), min_size=1, max_size=3), batch_rows=st.integers(1, 50),
       kind=st.sampled_from(("trades", "liquidation_totals")))  # fmt: skip
def test_a_row_that_comes_again_is_read_once(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, again: list[int], batch_rows: int, kind: str
) -> None:
    table = table_of(sound)
    rows = [rows_with(table, kind)[hour] for hour in again]
    tape, own = read_tape(told_again(table, rows, tmp_path_factory.mktemp("t") / "t.parquet")), read_tape(sound)
    assert rows_of(tape, batch_rows) == rows_of(own, 1_000)
    assert (tape.rows, [one.rows for one in tape.holdings]) == (own.rows, [one.rows for one in own.holdings])
    (note,) = tape.notes
    assert note.startswith(f"{kind} of BTC at binance: {len(again)} row")
    assert note.endswith("read once")


@pytest.mark.parametrize("kind", ["trades", "liquidation_totals", "open_interest"])
def test_what_recurs_is_refused_with_the_first_two_rows(sound: Path, tmp_path: Path, kind: str) -> None:
    table = table_of(sound)
    rows = rows_with(table, kind)
    path = told_again(table, rows[10 : 10 + int(HOURS * AGAIN_SHARE_MAX) + 2], tmp_path / "t.parquet")
    with pytest.raises(TapeError, match=rf"row {rows[10] + 1} .*; row {rows[10]} tells it already"):
        read_tape(path)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"close": 60_000.0, "open": 60_000.0, "high": 60_001.0, "low": 59_999.0}, "overlap row"),
        ({"span_ms": 5 * HOUR_MS}, "overlap row"),
    ],
    ids=["other prices", "longer bars"],
)
def test_spans_that_overlap_and_differ_are_refused_at_once(
    sound: Path, tmp_path: Path, cells: dict[str, object], says: str
) -> None:
    table = table_of(sound)
    row = rows_with(table, "trades")[20]
    parquet.write_table(pa.concat_tables([
        table.slice(0, row + 1), changed(table, row, cells), table.slice(row + 1)
    ]), tmp_path / "t.parquet")  # fmt: skip
    with pytest.raises(TapeError, match=rf"row {row + 1} .*'time_ms'.* trades of BTC at binance .* {says} {row},"):
        read_tape(tmp_path / "t.parquet")


def forced(count: int, time_ms: int = FIRST_MS) -> np.ndarray:
    rows = np.zeros(count, DTYPES["liquidations"])
    rows["time_ms"], rows["side"], rows["price"], rows["size_usd"] = time_ms, 1, 60_000.0, np.arange(count) + 10.0
    return rows


@given(cut=st.integers(1, 59))
def test_forced_orders_of_one_moment_are_told_again_only_where_every_cell_is(cut: int) -> None:
    names = Roster(("binance",), ("BTC",))
    different, doubled = forced(60), np.repeat(forced(30), 2)
    for rows, again in ((different, 0), (doubled, 30)):
        watch = ToldTwice()
        for part in (slice(0, cut), slice(cut, 60)):
            assert watch.add("liquidations", rows[part], np.arange(60)[part], names) is None
        assert [fault.row for fault in watch.faults({}, names)] == ([1] if again else [])
        assert [f"{again} rows" in note for note in watch.notes({}, names)] == ([True] if again else [])


@given(cut=st.integers(1, 39))
def test_a_rate_may_be_forecast_and_settled_at_one_moment(cut: int) -> None:
    names, at = Roster(("binance",), ("BTC",)), np.arange(40)
    rates = np.zeros(40, DTYPES["funding"])
    rates["time_ms"], rates["rate_stage"] = FIRST_MS + 1_000 * (np.arange(40) // 2), np.arange(40) % 2
    for told, again in ((rates, 0), (np.repeat(rates[:20], 2), 20)):
        watch = ToldTwice()
        for part in (slice(0, cut), slice(cut, 40)):
            assert watch.add("funding", told[part], at[part], names) is None
        assert [fault.row for fault in watch.faults({}, names)] == ([1] if again else [])


@given(cut=st.integers(1, 29))
def test_an_overlap_is_found_wherever_a_batch_ends(cut: int) -> None:
    names, at = Roster(("binance",), ("BTC",)), np.arange(30)
    bars = np.zeros(30, DTYPES["bars"])
    bars["time_ms"], bars["span_ms"] = FIRST_MS + 1_000 * np.arange(30), 1_000
    bars["span_ms"][17] = 1_001
    watch = ToldTwice()
    faults = [watch.add("bars", bars[part], at[part], names) for part in (slice(0, cut), slice(cut, 30))]
    assert [(fault.row, "row 16" in fault.wanted) for fault in faults if fault is not None] == [(17, True)]


@pytest.mark.skipif(not CASE.exists(), reason="the recorded cases are not beside this checkout")
def test_the_recorded_case_is_refused(tmp_path: Path) -> None:
    assert import_files([CASE / "once.csv"], tmp_path / "once.parquet").tape.notes == ()
    with pytest.raises(TapeError, match=r"twice\.csv: row 1 .*; row 0 tells it already, and 240 of 480 rows of trades"):
        import_files([CASE / "twice.csv"], tmp_path / "twice.parquet")
