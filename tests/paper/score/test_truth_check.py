"""Truth files written by others: sound ones pass, every broken cell is one line, and what a score lacks is told."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from liqbot.blocks import Roster, block_of
from liqbot.events import TradeBar
from paper.score.truth_check import cautions, checked_truth
from paper.tapes.reader import Tape, read_tape
from paper.tapes.truth import TruthError
from paper.tapes.writer import write_tape

AT_MS = 1_700_000_000_000


def truth(path: Path, **changed: list[Any] | pa.Array) -> Path:
    columns: dict[str, Any] = {
        "time_ms": [AT_MS, AT_MS], "venue": ["binance", "okx"], "coin": ["BTC", "BTC"], "side": ["long", "short"],
        "leverage": [10.0, 20.0], "entry_price": [1000.0, 1000.0], "liquidation_price": [900.0, 1050.0],
        "size_usd": [1e4, 1e4],
    }  # fmt: skip
    parquet.write_table(pa.table(columns | changed), path)
    return path


def tape(path: Path, *venues: str) -> Tape:
    bars = [
        TradeBar(time_ms=AT_MS, venue=venue, coin="BTC", span_ms=60_000, open=1.0, high=1.0, low=1.0, close=1.0,
                 volume_usd=1.0)
        for venue in venues
    ]  # fmt: skip
    roster = Roster(venues, ("BTC",))
    write_tape(path, [block_of(bars, roster, tick_ms=AT_MS)], roster)
    return read_tape(path)


def test_a_sound_truth_names_its_books(tmp_path: Path) -> None:
    whole = truth(tmp_path / "whole", size_usd=[1, 0], liquidation_price=[float("nan"), 1050.0])
    assert checked_truth(whole) == {("binance", "BTC"), ("okx", "BTC")}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"side": ["long", "SHORT"]}, "row 1 .*'side': 'SHORT'; one of long, short is right"),
        ({"side": ["long", None]}, r"row 1 .*'side': nothing \(null\)"),
        ({"side": [1, -1]}, "'side' holds int64, a text column is right"),
        ({"size_usd": [1.0, float("nan")]}, "row 1 .*'size_usd': nan; a finite number"),
        ({"size_usd": [-1.0, 1.0]}, "row 0 .*'size_usd': -1.0"),
        ({"size_usd": [1.0, float("inf")]}, "row 1 .*'size_usd': inf"),
        ({"size_usd": ["1", "2"]}, "'size_usd' holds string, a number column is right"),
        ({"liquidation_price": [0.0, 1.0]}, "row 0 .*'liquidation_price': 0.0; a positive price"),
        ({"liquidation_price": [1.0, None]}, r"row 1 .*'liquidation_price': nothing \(null\); .*or NaN"),
        ({"liquidation_price": [float("nan")] * 2}, "'liquidation_price' is NaN in every row; a positive price"),
        ({"time_ms": [AT_MS, None]}, r"row 1 .*'time_ms': nothing \(null\)"),
        ({"time_ms": pa.array([AT_MS, AT_MS], pa.timestamp("ms"))}, "'time_ms' holds timestamp"),
        ({"venue": [None, "okx"]}, r"row 0 .*'venue': nothing \(null\)"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(TruthError, match=says):
        checked_truth(truth(tmp_path / "truth", **changed))


def test_venues_that_only_one_of_the_two_has_are_told(tmp_path: Path) -> None:
    books = checked_truth(truth(tmp_path / "truth"))
    assert cautions(tape(tmp_path / "both", "binance", "okx"), "BTC", books) == ()
    lacking = cautions(tape(tmp_path / "tape", "binance", "bybit"), "BTC", books)
    assert lacking[0].startswith("the truth has no BTC at bybit")
    assert lacking[1].startswith("the tape has no BTC at okx")


def test_a_venue_without_margin_tables_is_told(tmp_path: Path) -> None:
    (said,) = cautions(tape(tmp_path / "tape", "binance", "htx"), "BTC", None)
    assert said == "no margin tables of BTC at htx: a stand-in is used"
