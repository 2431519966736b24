"""Cells of foreign files: times in any usual unit, numbers, words; and trades that become bars."""


import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import AGG_HEAD, START_MS, lines, rows_of

from paper.tapes.importing import tables
from paper.tapes.importing.candles import settlement_hours
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.reading import Hints
from paper.tapes.importing.run import import_files
from paper.tapes.validation import FIRST_MS, LAST_MS

DAY_MS = 86_400_000
PER_MS = {"s": 1e-3, "ms": 1, "us": 1_000, "ns": 1_000_000}


@given(st.integers(FIRST_MS, LAST_MS), st.sampled_from(sorted(PER_MS)), st.booleans())
def test_a_time_is_itself_in_every_unit_as_number_and_as_text(time_ms: int, unit: str, as_text: bool) -> None:
    value = time_ms / 1_000 if unit == "s" else time_ms * int(PER_MS[unit])
    column = pa.array([str(value)]) if as_text else pa.array([value])
    assert Cells("f", 0, {"t": column}).times_ms("t").tolist() == [time_ms]


@given(st.integers(FIRST_MS + DAY_MS, LAST_MS - DAY_MS), st.sampled_from(["ns", "us", "ms"]),
       st.sampled_from([0.0, 5.5, -7.0]))  # fmt: skip
def test_a_stamp_without_a_zone_is_of_the_zone_that_is_said(time_ms: int, unit: str, offset_h: float) -> None:
    naive = pa.array([time_ms], pa.timestamp("ms")).cast(pa.timestamp(unit))
    text = naive.cast(pa.string())
    for column in (naive, text):
        there = Cells("f", 0, {"t": column}, offset_h).times_ms("t").tolist()
        assert there == [time_ms - round(offset_h * 3_600_000)]
    for column in (naive.cast(pa.timestamp(unit, "UTC")), pa.array([f"{text[0]}Z"]), pa.array([f"{text[0]}+00:00"])):
        assert Cells("f", 0, {"t": column}, offset_h).times_ms("t").tolist() == [time_ms]


def test_hours_of_a_settlement_survive_late_stamps_holes_and_a_changed_interval() -> None:
    hours = np.array([0, 8, 16, 32, 40, 44, 48])
    late_ms = np.array([6, 0, 31, 8, 0, 3, 0])
    assert settlement_hours(hours * 3_600_000 + late_ms).tolist() == [8, 8, 8, 8, 8, 4, 4]
    assert settlement_hours(np.array([0])).tolist() == [8]


@pytest.mark.drawn(singly=True)
@settings(max_examples=20)
@given(trades=st.lists(st.tuples(st.integers(0, 4_000), st.integers(59_900, 60_100), st.integers(1, 9), st.booleans()),
                       min_size=1, max_size=60), part_rows=st.integers(1, 70))  # fmt: skip
def test_bars_hold_what_was_traded_however_the_file_is_cut(
    trades: list[tuple[int, int, int, bool]], part_rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trades")
    trades.sort(key=lambda trade: trade[0])
    rows = [(number, price, size, 1, 1, START_MS + at, maker) for number, (at, price, size, maker) in enumerate(trades)]
    (folder / "BTCUSDT-aggTrades-2024-08-05.csv").write_text(lines(AGG_HEAD, *rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PART_ROWS", part_rows)
        import_files([folder], folder / "t.parquet", Hints(bar_ms=1_000))
    bars = rows_of(folder / "t.parquet")
    slots = sorted({at // 1_000 for at, *_ in trades})
    assert [bar["time_ms"] for bar in bars] == [START_MS + (slot + 1) * 1_000 for slot in slots]
    for bar, slot in zip(bars, slots, strict=True):
        own = [trade for trade in trades if trade[0] // 1_000 == slot]
        prices = [price for _, price, _, _ in own]
        assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (prices[0], max(prices), min(prices), prices[-1])
        assert bar["volume_usd"] == sum(price * size for _, price, size, _ in own)
        assert bar["sell_usd"] == sum(price * size for _, price, size, maker in own if maker)
        assert bar["buy_usd"] + bar["sell_usd"] == bar["volume_usd"]
