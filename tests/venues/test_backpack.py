"""Backpack: what is easily read wrong of its messages."""

import json
from typing import Any

import pytest

from liqbot.events import FundingRate, Liquidation, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.backpack import responses
from liqbot.venues.backpack.messages import parse
from liqbot.venues.parsing import WireBook, WireContract

TIME_MS = 1_767_283_900_000
MARKET = "BTC_USDC_PERP"


def book_of(*ids: str) -> WireBook:
    return WireBook("backpack", [WireContract(symbol_id=one, symbol=one, venue_key="backpack", coin=one)
                                 for one in ids])


def frame(kind: str, **data: Any) -> str:
    return json.dumps({"stream": f"{kind}.{MARKET}", "data": {"e": kind, "E": TIME_MS * 1_000, "s": MARKET, **data}})


def test_times_are_in_microseconds_and_the_maker_tells_the_taker() -> None:
    trade = {"p": "50000", "q": "0.5", "T": TIME_MS * 1_000 + 999, "m": True}
    assert parse(frame("trade", **trade), book_of(MARKET)).trades == [(0, TIME_MS, 50_000.0, 25_000.0, False)]


def test_a_forced_ask_closed_a_long() -> None:
    order = {"p": "49900", "q": "2", "S": "Ask", "T": TIME_MS * 1_000}
    (fact,) = parse(frame("liquidation", **order), book_of(MARKET)).facts
    assert fact == Liquidation(time_ms=TIME_MS, venue="backpack", coin=MARKET, side=Side.LONG, price=49_900.0,
                               size_usd=99_800.0)
    (fact,) = parse(frame("liquidation", **order | {"S": "Bid"}), book_of(MARKET)).facts
    assert fact.side is Side.SHORT  # type: ignore[union-attr]
    book = book_of(MARKET)
    assert parse(frame("liquidation", **order | {"S": "Buy"}), book).facts == []
    assert book.rejected == 1


def test_forced_orders_of_other_markets_are_left_out_unread() -> None:
    book = book_of("ETH_USDC_PERP")
    assert parse(frame("liquidation", p=None, q="x"), book).ignored == 1
    assert book.rejected == 0


def test_open_interest_waits_for_a_price() -> None:
    book = book_of(MARKET)
    assert parse(frame("openInterest", o="1000"), book).facts == []
    _, rate = parse(frame("markPrice", p="50000", i="50010", f="0.0001"), book).facts
    assert isinstance(rate, FundingRate)
    assert parse(frame("openInterest", o="1000"), book).facts == [
        OpenInterest(time_ms=TIME_MS, venue="backpack", coin=MARKET, oi_usd=50_000_000.0)]


def test_a_funding_rate_is_of_the_interval_that_the_market_has() -> None:
    book = book_of(MARKET)
    responses.funding_interval({"symbol": MARKET, "fundingInterval": "14400000"}, book, TIME_MS)
    _, rate = parse(frame("markPrice", p="50000", f="-0.0001"), book).facts
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(-0.01), 4.0)  # type: ignore[union-attr]


def test_a_mark_without_index_and_rate_is_a_mark() -> None:
    book = book_of(MARKET)
    assert len(parse(frame("markPrice", p="50000"), book).facts) == 1
    assert book.rejected == 0


def test_times_of_the_past_are_utc() -> None:
    book = book_of(MARKET)
    candle = {"start": "2026-01-01 16:05:00", "open": "5", "high": "5", "low": "5", "close": "5", "quoteVolume": "9"}
    (bar,) = responses.bars([candle], book, 0)
    assert bar.time_ms == 1_767_283_500_000 + 300_000
    paid = responses.past_funding([{"fundingRate": "0.0001", "intervalEndTimestamp": "2026-01-01T16:00:00"}], book, 0)
    assert paid[0].time_ms == 1_767_283_200_000
