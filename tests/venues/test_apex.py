"""ApeX: what is easily read wrong of its messages, and of what the unified client says about its contracts."""

import json
from typing import Any

import pytest

from liqbot.blocks import Roster
from liqbot.connection.instruments import wire_book
from liqbot.events import FundingRate, MarkPrice, OpenInterest
from liqbot.venues.apex import responses
from liqbot.venues.apex.messages import parse
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES

TIME_MS = 1_672_304_486_865


def book_of(*ids: str) -> WireBook:
    return WireBook("apex", [WireContract(symbol_id=one, symbol=one, venue_key="apex", coin=one[:3]) for one in ids])


def trades(kind: str = "delta", **fields: Any) -> str:
    row = {"T": TIME_MS, "s": "BTCUSDT", "S": "Sell", "v": "0.5", "p": "50000", "i": "20f43950", "BT": False}
    return json.dumps({"topic": "recentlyTrade.H.BTCUSDT", "type": kind, "data": [row | fields]})


def test_what_the_unified_client_calls_a_contract_is_the_smallest_order() -> None:
    markets = {"BTC/USDT:USDT": {"id": "BTC-USDT", "id2": "BTCUSDT", "contractSize": 0.001}}
    book = wire_book(markets, VENUES["apex"], Roster(("apex",), ("BTC",)))
    assert book.index_of == {"BTCUSDT": 0}
    assert parse(trades(), book).trades == [(0, TIME_MS, 50_000.0, 25_000.0, False)]


def test_former_trades_are_not_taken() -> None:
    parsed = parse(trades("snapshot"), book_of("BTCUSDT"))
    assert (parsed.trades, parsed.ignored) == ([], 1)


@pytest.mark.parametrize("odd", [{"S": "Hold"}, {"v": "0"}, {"p": None}])
def test_what_is_not_known_is_left_out(odd: dict[str, Any]) -> None:
    book = book_of("BTCUSDT")
    assert parse(trades(**odd), book).trades == []
    assert book.rejected == 1


def test_the_predicted_rate_is_the_forecast() -> None:
    row = {"symbol": "BTCUSDT", "markPrice": "50000", "indexPrice": "50010", "openInterest": "2",
           "fundingRate": "0.5", "predictedFundingRate": "0.0000125", "nextFundingTime": "10:00:00"}
    mark, interest, rate = responses.tickers({"data": [row, {"symbol": "AAPLUSDT"}]}, book_of("BTCUSDT"), TIME_MS)
    assert mark == MarkPrice(time_ms=TIME_MS, venue="apex", coin="BTC", mark_price=50_000.0, index_price=50_010.0)
    assert interest == OpenInterest(time_ms=TIME_MS, venue="apex", coin="BTC", oi_usd=100_000.0)
    assert isinstance(rate, FundingRate)
    assert rate.rate_pct == pytest.approx(0.00125)


def test_an_unknown_symbol_is_answered_with_nothing() -> None:
    book = book_of("BTCUSDT")
    assert responses.tickers({"data": []}, book, TIME_MS) == []
    assert responses.bars({"data": {}}, book, 0) == []
