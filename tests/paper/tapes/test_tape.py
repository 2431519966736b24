"""Tapes: a round trip loses nothing, batching changes nothing, and a broken file is told in one clear line."""

from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from market_events import market_events
from pyarrow import csv, parquet

from liqbot.blocks import KINDS, EventBlock, Roster, block_of
from liqbot.events import (
    FundingRate,
    Liquidation,
    LiquidationTotals,
    MarketEvent,
    MarkPrice,
    OpenInterest,
    OpenPosition,
    TradeBar,
)
from liqbot.instruments import FundingStage, Side
from paper.tapes.format import COLUMNS, TapeError
from paper.tapes.importing.run import import_files
from paper.tapes.reader import read_tape
from paper.tapes.writer import write_tape

START_MS = 1_700_000_000_000
ROSTER = Roster(("binance", "bybit:coin", "aggregate"), ("BTC", "ETH"))
REAL = sorted(Path("../shared/data/tapes").glob("*.parquet"))
usd = st.floats(1e3, 1e10)
nudge = st.floats(0.98, 1.02)
maybe = st.one_of(st.none(), st.floats(0.0, 0.49))


@st.composite
def market_facts(draw: st.DrawFn, time_ms: int, span_ms: int) -> MarketEvent:
    venue, coin = draw(st.sampled_from(ROSTER.venues)), draw(st.sampled_from(ROSTER.coins))
    at = {"time_ms": time_ms, "venue": venue, "coin": coin}
    price = 60_000.0 * draw(nudge)
    volume = draw(usd)
    share = draw(maybe)
    split = None if share is None else volume * share
    bar = TradeBar(**at, span_ms=span_ms, open=price, high=price * 1.01, low=price * 0.99,
                   close=price * draw(nudge) ** 0.3, volume_usd=volume, buy_usd=split, sell_usd=split)  # fmt: skip
    return draw(
        st.sampled_from(
            (
                bar,
                Liquidation(**at, side=draw(st.sampled_from(Side)), price=price, size_usd=volume),
                LiquidationTotals(**at, span_ms=span_ms, long_usd=volume, short_usd=0.0),
                OpenInterest(**at, oi_usd=volume),
                MarkPrice(**at, mark_price=price, index_price=None if share is None else price),
                FundingRate(**at, rate_pct=draw(st.floats(-0.5, 0.5)), interval_h=8.0,
                            rate_stage=draw(st.sampled_from((None, FundingStage.FORECAST)))),
                OpenPosition(**at, side=draw(st.sampled_from(Side)), price=price, size_usd=volume),
            )
        )
    )


@st.composite
def markets(draw: st.DrawFn) -> list[EventBlock]:
    blocks, time_ms = [], START_MS
    for _ in range(draw(st.integers(1, 12))):
        span_ms = draw(st.integers(1, 90_000))
        time_ms += span_ms
        facts = [draw(market_facts(time_ms, span_ms)) for _ in range(draw(st.integers(1, 5)))]
        series = {(type(fact), fact.venue, fact.coin): fact for fact in facts}
        blocks.append(block_of(list(series.values()), ROSTER, tick_ms=time_ms))
    return blocks


def same(left: EventBlock, right: EventBlock) -> bool:
    bytes_of = [(block.rows(kind).tobytes(), block.tick_ms) for block in (left, right) for kind in KINDS]
    return bytes_of[: len(KINDS)] == bytes_of[len(KINDS) :]


@pytest.mark.drawn(dear=True)
@settings(max_examples=60, deadline=None)
@given(blocks=markets(), batch_rows=st.integers(1, 20))
def test_round_trip_in_any_batching(
    blocks: list[EventBlock], batch_rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tape") / "t.parquet"
    rows = write_tape(path, blocks, ROSTER, tiers_as_of="2026-09-29")
    tape = read_tape(path)
    back = list(tape.blocks(batch_rows=batch_rows))
    assert (tape.rows, tape.roster, tape.header.tiers_as_of) == (rows, ROSTER, "2026-09-29")
    assert len(back) == len(blocks)
    assert all(same(left, right) for left, right in zip(blocks, back, strict=True))


def test_rows_learnt_late_move_into_their_step_and_ticks_can_be_kept(tmp_path: Path) -> None:
    def mark(time_ms: int) -> MarkPrice:
        return MarkPrice(time_ms=time_ms, venue="binance", coin="BTC", mark_price=60_000.0)

    first = block_of([mark(START_MS + 400), mark(START_MS + 100)], ROSTER, tick_ms=START_MS + 1_000)
    late = block_of([mark(START_MS + 300), mark(START_MS + 9_999)], ROSTER, tick_ms=START_MS + 2_000)
    write_tape(tmp_path / "own.parquet", [first, late], ROSTER)
    own = [block.tick_ms for block in read_tape(tmp_path / "own.parquet").blocks()]
    assert own == [START_MS + 100, START_MS + 400, START_MS + 1_001, START_MS + 2_000]
    write_tape(tmp_path / "ticks.parquet", [first, late], ROSTER, on_ticks=True)
    for batch_rows in (1, 3, 100):
        kept = read_tape(tmp_path / "ticks.parquet").blocks(batch_rows=batch_rows)
        assert all(same(left, right) for left, right in zip([first, late], kept, strict=True))


def sound_table(rows: int = 40) -> pa.Table:
    """Hourly bars with open interest, mark, funding and forced orders of one venue: everything the rules look at."""
    blocks = []
    for hour in range(rows):
        at = {"time_ms": START_MS + hour * 3_600_000, "venue": "binance", "coin": "BTC"}
        facts = [
            TradeBar(**at, span_ms=3_600_000, open=60_000.0, high=60_500.0, low=59_500.0, close=60_100.0,
                     volume_usd=4e8, buy_usd=2e8, sell_usd=2e8),
            Liquidation(**at, side=Side.LONG, price=59_900.0, size_usd=5e4),
            OpenInterest(**at, oi_usd=5e9),
            MarkPrice(**at, mark_price=60_090.0),
            FundingRate(**at, rate_pct=0.01, interval_h=8.0),
        ]  # fmt: skip
        blocks.append(block_of(facts, ROSTER, tick_ms=at["time_ms"]))
    values = [event for block in blocks for event in market_events(block, ROSTER)]
    words = {TradeBar: "trades", Liquidation: "liquidation", OpenInterest: "open_interest", MarkPrice: "mark",
             FundingRate: "funding"}  # fmt: skip
    columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
    for event in values:
        for name in COLUMNS:
            value = words[type(event)] if name == "kind" else getattr(event, name, None)
            columns[name].append(value.word if isinstance(value, Side) else value)
    whole, text = ("time_ms", "span_ms"), ("venue", "coin", "kind", "side")
    kinds = {name: pa.int64() if name in whole else pa.string() if name in text else pa.float64() for name in COLUMNS}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in columns.items()})


def with_cell(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    place = table.schema.names.index(column)
    return table.set_column(place, column, pa.array(values, table.schema.field(column).type))


def scaled(table: pa.Table, column: str, factor: float) -> pa.Table:
    values = [None if value is None else type(value)(value * factor) for value in table[column].to_pylist()]
    return table.set_column(table.schema.names.index(column), column, pa.array(values, table.schema.field(column).type))


def with_stages(table: pa.Table, word: str) -> pa.Table:
    """Its funding rows all say `word`."""
    stages = [word if kind == "funding" else None for kind in table["kind"].to_pylist()]
    return table.append_column("rate_stage", pa.array(stages, pa.string()))


def learnt(table: pa.Table, late_ms: int) -> pa.Table:
    """Rows learnt that much after their time."""
    return table.append_column("learnt_ms", pa.array([ms + late_ms for ms in table["time_ms"].to_pylist()], pa.int64()))


def prices_times(table: pa.Table, factor: float) -> pa.Table:
    """Another coin of the same market."""
    for column in ("open", "high", "low", "close", "price", "mark_price"):
        table = scaled(table, column, factor)
    return table


def in_coin(*columns: str) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        for column in columns:
            table = scaled(table, column, 1 / 60_000)
        return table

    return change


BROKEN: dict[str, tuple[Callable[[pa.Table], pa.Table], tuple[str, ...]]] = {
    "missing column": (lambda t: t.drop_columns(["oi_usd"]), ("'oi_usd' is missing",)),
    "misspelt column": (lambda t: t.rename_columns(["timestamp_ms", *t.schema.names[1:]]),
                        ("'time_ms' is missing", "'timestamp_ms'")),
    "misspelt contract": (lambda t: t.append_column("contracts", pa.array(["usd"] * len(t))),
                          ("'contracts'", "'contract'")),
    "repeated column": (lambda t: t.append_column("close", t["close"]), ("'close' occurs 2 times",)),
    "text in a number": (lambda t: t.set_column(5, "open", pa.array(["x"] * len(t))),
                         ("'open' holds string", "number")),
    "nan": (lambda t: with_cell(t, "close", 5, float("nan")), ("row 5", "'close'", "finite")),
    "null": (lambda t: with_cell(t, "oi_usd", 2, None), ("row 2", "'oi_usd'", "nothing")),
    "infinite": (lambda t: with_cell(t, "rate_pct", 4, float("inf")), ("row 4", "'rate_pct'", "inf")),
    "infinite optional": (lambda t: with_cell(t, "buy_usd", 0, float("inf")), ("row 0", "'buy_usd'")),
    "unsorted": (lambda t: t.take([1, *range(5, 10), 0]), ("row 6", "'time_ms'", "sorted", str(START_MS + 3_600_000))),
    "seconds": (lambda t: scaled(t, "time_ms", 1e-3), ("row 0", "'time_ms'", "seconds", str(START_MS))),
    "microseconds": (lambda t: scaled(t, "time_ms", 1e3), ("microseconds", str(START_MS))),
    "far away": (lambda t: with_cell(t, "time_ms", 9, 4_102_444_840_000), ("row 9", "to 4102444800000 (2100-01-01)")),
    "no time": (lambda t: with_cell(t, "time_ms", 3, None), ("row 3", "'time_ms'", "nothing")),
    "unknown kind": (lambda t: with_cell(t, "kind", 3, "marks"), ("row 3", "'marks'", "did you mean 'mark'")),
    "unknown side": (lambda t: with_cell(t, "side", 1, "sell"), ("row 1", "'sell'", "long, short")),
    "no side": (lambda t: with_cell(t, "side", 6, None), ("row 6", "'side'", "nothing")),
    "no venue": (lambda t: with_cell(t, "venue", 7, None), ("row 7", "'venue'")),
    "contract in the venue": (lambda t: with_cell(t, "venue", 7, "binance:coin"), ("row 7", "'binance:coin'")),
    "unknown contract": (lambda t: t.append_column("contract", pa.array(["perp"] * len(t))),
                         ("row 0", "'perp'", "usdt")),
    "low above high": (lambda t: with_cell(t, "low", 10, 60_501.0), ("row 10", "'low'")),
    "close outside": (lambda t: with_cell(t, "close", 15, 60_501.0), ("row 15", "'close'", "low..high")),
    "negative volume": (lambda t: with_cell(t, "volume_usd", 20, -1.0), ("row 20", "'volume_usd'", "-1.0", "negative")),
    "negative price": (lambda t: with_cell(t, "price", 1, -1.0), ("row 1", "'price'", "positive")),
    "fractional span": (lambda t: t.set_column(4, "span_ms", pa.array([0.5] * len(t))), ("row 0", "'span_ms'", "0.5")),
    "price in cents": (lambda t: with_cell(t, "mark_price", 28, 6_009_000.0), ("row 28", "6009000", "unit")),
    "a coin too cheap for a map": (lambda t: prices_times(t, 1e-5 / 60_100), ("row 0", "'close'", "1000PEPE")),
    "a mark too high for a map": (lambda t: prices_times(t, 170.0), ("row 0", "'close'", "1e+07")),
    "volume in coin": (in_coin("volume_usd", "buy_usd", "sell_usd"), ("'volume_usd'", "coin")),
    "volume alone in coin": (in_coin("volume_usd"), ("row 0", "'buy_usd'", "coin")),
    "interest in coin": (in_coin("oi_usd"), ("'oi_usd'", "coin")),
    "little interest in coin": (lambda t: scaled(t, "oi_usd", 1e-7), ("row 2", "'oi_usd'", "coin")),
    "sizes in coin": (in_coin("size_usd"), ("'size_usd'", "coin")),
    "rate as a fraction": (lambda t: scaled(t, "rate_pct", 1e-2), ("'rate_pct'", "percent")),
    "rate in basis points": (lambda t: scaled(t, "rate_pct", 1e2), ("'rate_pct'", "basis points")),
    "span in seconds": (lambda t: scaled(t, "span_ms", 1e-3), ("'span_ms'", "seconds")),
    "interval in minutes": (lambda t: scaled(t, "interval_h", 60.0), ("row 4", "'interval_h'", "hours")),
    "unknown stage": (lambda t: with_stages(t, "predicted"), ("row 4", "'predicted'", "forecast, settlement")),
    "settlement off the hour": (lambda t: with_stages(t, "settlement"), ("row 4", "'time_ms'", "whole hour")),
    "told before its time": (lambda t: learnt(t, -60_001), ("row 0", "'time_ms'", str(START_MS), "learnt_ms", "60 s")),
    "no rows": (lambda t: t.slice(0, 0), ("no rows",)),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_tape_is_told_in_one_line(case: str, tmp_path: Path) -> None:
    change, said = BROKEN[case]
    path = tmp_path / "broken.parquet"
    parquet.write_table(change(sound_table()), path)
    with pytest.raises(TapeError) as caught:
        read_tape(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    assert [part for part in said if part not in line] == []


def test_the_sound_table_is_sound_and_extras_are_told(tmp_path: Path) -> None:
    table = with_cell(sound_table(), "open", 2, 1.0).append_column("source", pa.array(["x"] * 200))
    parquet.write_table(table, tmp_path / "t.parquet")
    tape = read_tape(tmp_path / "t.parquet")
    assert tape.rows == 200
    assert [note.split(":")[0].split(" is ")[0] for note in tape.notes] == ["column 'source'", "column 'open'"]


def test_a_venue_clock_may_run_ahead_of_the_recorder(tmp_path: Path) -> None:
    parquet.write_table(learnt(sound_table(), -60_000), tmp_path / "t.parquet")
    tape = read_tape(tmp_path / "t.parquet")
    assert (tape.rows, tape.first_ms) == (200, START_MS - 60_000)


def test_whole_numbers_may_come_as_floats_and_words_as_dictionaries(tmp_path: Path) -> None:
    table = sound_table()
    floats = table.set_column(4, "span_ms", table["span_ms"].cast(pa.float64()))
    words = floats.set_column(3, "kind", floats["kind"].dictionary_encode())
    large = words.set_column(1, "venue", words["venue"].cast(pa.large_string()))
    parquet.write_table(table, tmp_path / "plain.parquet")
    parquet.write_table(large, tmp_path / "other.parquet", row_group_size=7)
    tapes = [read_tape(tmp_path / name) for name in ("plain.parquet", "other.parquet")]
    plain, other = (list(tape.blocks(batch_rows=11)) for tape in tapes)
    assert len(plain) == len(other) == 40
    assert all(same(left, right) for left, right in zip(plain, other, strict=True))


@pytest.mark.parametrize("content", [b"", b"time_ms,venue\n1,binance\n", b"PAR1" + bytes(60)])
def test_files_that_are_no_parquet(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(TapeError, match="not a Parquet file") as caught:
        read_tape(path)
    assert "\n" not in str(caught.value)


def test_damage_in_the_middle_is_an_error_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(sound_table(), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:600] = bytes(596)
    path.write_bytes(content)
    with pytest.raises(TapeError):
        read_tape(path)
    with pytest.raises(TapeError, match="no such file"):
        read_tape(tmp_path / "absent.parquet")
    with pytest.raises(TapeError, match="is a directory, a file is right"):
        read_tape(tmp_path)


def test_csv_import_and_its_errors(tmp_path: Path) -> None:
    csv.write_csv(sound_table(), tmp_path / "t.csv")
    tape = import_files([tmp_path / "t.csv"], tmp_path / "t.parquet").tape
    assert tape.rows == 200
    csv.write_csv(with_cell(sound_table(), "low", 10, 60_501.0), tmp_path / "bad.csv")
    with pytest.raises(TapeError, match=r"bad\.csv: row 10"):
        import_files([tmp_path / "bad.csv"], tmp_path / "bad.parquet")
    assert not list(tmp_path.glob("bad.parquet*"))
    (tmp_path / "text.csv").write_text("time_ms,venue\nsoon,binance\n")
    with pytest.raises(TapeError, match=r"text\.csv"):
        import_files([tmp_path / "text.csv"], tmp_path / "text.parquet")


def test_contracts_make_books_of_their_own(tmp_path: Path) -> None:
    contracts = pa.array(["coin" if row % 2 else None for row in range(200)], pa.string())
    parquet.write_table(sound_table().append_column("contract", contracts), tmp_path / "t.parquet")
    tape = read_tape(tmp_path / "t.parquet")
    assert tape.roster.venues == ("binance", "binance:coin")
    write_tape(tmp_path / "again.parquet", tape.blocks(), tape.roster)
    again = read_tape(tmp_path / "again.parquet")
    assert all(same(left, right) for left, right in zip(tape.blocks(), again.blocks(batch_rows=3), strict=True))


def test_a_rate_says_whether_it_is_a_forecast_or_what_was_settled(tmp_path: Path) -> None:
    at = {"venue": "binance", "coin": "BTC", "rate_pct": 0.01, "interval_h": 8.0}
    hour_ms = START_MS // 3_600_000 * 3_600_000
    told = [
        FundingRate(time_ms=hour_ms - 60_000, rate_stage=FundingStage.SETTLEMENT, **at),
        FundingRate(time_ms=hour_ms + 31, **at),
        FundingRate(time_ms=hour_ms + 60_000, rate_stage=FundingStage.SETTLEMENT, **at),
        FundingRate(time_ms=hour_ms + 60_001, rate_stage=FundingStage.FORECAST, **at),
    ]
    write_tape(tmp_path / "t.parquet", [block_of([one], ROSTER, tick_ms=one.time_ms) for one in told], ROSTER)
    words = parquet.read_table(tmp_path / "t.parquet")["rate_stage"].to_pylist()
    assert words == ["settlement", None, "settlement", "forecast"]
    csv.write_csv(parquet.read_table(tmp_path / "t.parquet"), tmp_path / "t.csv")
    tape = import_files([tmp_path / "t.csv"], tmp_path / "again.parquet").tape
    assert [event for block in tape.blocks() for event in market_events(block, tape.roster)] == told


def test_a_tape_without_the_column_says_nothing_of_its_rates(tmp_path: Path) -> None:
    parquet.write_table(sound_table(), tmp_path / "t.parquet")
    tape = read_tape(tmp_path / "t.parquet")
    rates = [event for block in tape.blocks() for event in market_events(block, tape.roster)
             if isinstance(event, FundingRate)]  # fmt: skip
    assert len(rates) == 40
    assert {rate.rate_stage for rate in rates} == {None}


def test_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="nothing to write"):
        write_tape(tmp_path / "t.parquet", [EventBlock(tick_ms=START_MS)], ROSTER)
    assert not list(tmp_path.iterdir())


@pytest.mark.drawn(dear=True)
@pytest.mark.skipif(not REAL, reason="the recorded tapes are not beside this checkout")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_recorded_tapes(path: Path, tmp_path: Path) -> None:
    tape = read_tape(path)
    blocks = list(tape.blocks(batch_rows=1_000))
    assert sum(block.market_rows for block in blocks) == tape.rows == sum(held.rows for held in tape.holdings)
    ticks = np.array([block.tick_ms for block in blocks])
    assert (np.diff(ticks) > 0).all()
    write_tape(tmp_path / "again.parquet", blocks, tape.roster)
    again = read_tape(tmp_path / "again.parquet").blocks()
    assert all(same(left, right) for left, right in zip(blocks, again, strict=True))
