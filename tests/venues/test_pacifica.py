"""Pacifica: what is easily read wrong of its messages."""

import json
from typing import Any

import pytest

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.pacifica import responses
from liqbot.venues.pacifica.messages import parse
from liqbot.venues.parsing import WireBook, WireContract

TIME_MS = 1_765_018_379_085


def book_of(*ids: str) -> WireBook:
    return WireBook("pacifica", [WireContract(symbol_id=one, symbol=one, venue_key="pacifica", coin=one)
                                 for one in ids])


def trade(**fields: Any) -> str:
    row = {"h": 1, "s": "BTC", "a": "0.5", "p": "50000", "d": "open_long", "tc": "normal", "t": TIME_MS, "li": 1}
    return json.dumps({"channel": "trades", "data": [row | fields]})


@pytest.mark.parametrize(("side", "bought"), [
    ("open_long", True), ("close_short", True), ("open_short", False), ("close_long", False),
])
def test_takers_buy_who_open_a_long_or_close_a_short(side: str, bought: bool) -> None:
    assert parse(trade(d=side), book_of("BTC")).trades == [(0, TIME_MS, 50_000.0, 25_000.0, bought)]


@pytest.mark.parametrize(("side", "closed"), [("close_long", Side.LONG), ("close_short", Side.SHORT)])
def test_a_forced_trade_in_the_book_is_a_trade_too(side: str, closed: Side) -> None:
    parsed = parse(trade(d=side, tc="market_liquidation"), book_of("BTC"))
    assert len(parsed.trades) == 1
    assert parsed.facts == [Liquidation(time_ms=TIME_MS, venue="pacifica", coin="BTC", side=closed, price=50_000.0,
                                        size_usd=25_000.0)]


@pytest.mark.parametrize(("cause", "forced"), [("backstop_liquidation", 1), ("settlement", 0)])
def test_what_never_was_in_the_book_is_no_price(cause: str, forced: int) -> None:
    book = book_of("BTC")
    parsed = parse(trade(d="close_long", tc=cause), book)
    assert (parsed.trades, len(parsed.facts), book.off_book) == ([], forced, 1)


@pytest.mark.parametrize("odd", [
    {"tc": "other"}, {"d": "buy"}, {"d": "open_long", "tc": "market_liquidation"}, {"p": "0"},
])
def test_what_is_not_known_is_left_out(odd: dict[str, Any]) -> None:
    book = book_of("BTC")
    parsed = parse(trade(**odd), book)
    assert (parsed.trades, parsed.facts, book.rejected) == ([], [], 1)


def prices(*rows: dict[str, Any]) -> str:
    return json.dumps({"channel": "prices", "data": list(rows)})


def test_the_rate_to_come_is_the_forecast_and_prices_of_other_markets_are_not_read() -> None:
    book = book_of("BTC")
    row = {"symbol": "BTC", "timestamp": TIME_MS, "mark": "50000", "oracle": "50010", "open_interest": "2",
           "funding": "0.5", "next_funding": "0.0000125"}
    parsed = parse(prices({"symbol": "DOGE", "mark": None}, row), book)
    mark, interest, rate = parsed.facts
    assert mark == MarkPrice(time_ms=TIME_MS, venue="pacifica", coin="BTC", mark_price=50_000.0, index_price=50_010.0)
    assert interest == OpenInterest(time_ms=TIME_MS, venue="pacifica", coin="BTC", oi_usd=100_000.0)
    assert isinstance(rate, FundingRate)
    assert rate.rate_pct == pytest.approx(0.00125)
    assert (parsed.ignored, book.rejected) == (1, 0)


def test_a_past_rate_was_paid_when_its_row_was_made() -> None:
    row = {"funding_rate": "0.0000125", "next_funding_rate": "0.5", "created_at": TIME_MS}
    (paid,) = responses.past_funding({"success": True, "data": [row]}, book_of("BTC"), 0)
    assert isinstance(paid, FundingRate)
    assert (paid.time_ms, paid.rate_pct) == (TIME_MS, pytest.approx(0.00125))
