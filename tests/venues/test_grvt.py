"""GRVT: what is easily read wrong of its messages."""

import json
import math
from typing import Any

import pytest

from liqbot.events import FundingRate, MarkPrice, OpenInterest
from liqbot.venues.grvt import responses
from liqbot.venues.grvt.messages import answered_ticker, parse
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.streams import TierRow

TIME_MS = 1_767_257_046_164
MARKET = "BTC_USDT_Perp"


def book_of(*ids: str) -> WireBook:
    return WireBook("grvt", [WireContract(symbol_id=one, symbol=one, venue_key="grvt", coin=one) for one in ids])


def frame(stream: str, **feed: Any) -> str:
    return json.dumps({"stream": stream, "feed": {"event_time": f"{TIME_MS}798775", "instrument": MARKET} | feed})


def trade(**feed: Any) -> str:
    row = {"is_taker_buyer": False, "size": "0.5", "price": "50000", "trade_id": "7-1", "venue": "ORDERBOOK"}
    return frame("v1.trade", **row | feed)


def test_times_are_in_nanoseconds() -> None:
    assert parse(trade(), book_of(MARKET)).trades == [(0, TIME_MS, 50_000.0, 25_000.0, False)]


def test_former_trades_told_again_are_taken_once() -> None:
    book = book_of(MARKET)
    assert len(parse(trade(), book).trades) == 1
    again = parse(trade(), book)
    assert (again.trades, again.ignored) == ([], 1)
    assert len(parse(trade(trade_id="7-2"), book).trades) == 1


@pytest.mark.parametrize(("number", "age_ms", "taken"), [("0", 60_000, 0), ("0", 1_000, 1), ("7", 60_000, 1)])
def test_what_a_snapshot_tells_of_before_the_subscription_is_not_taken(number: str, age_ms: int, taken: int) -> None:
    book = book_of(MARKET)
    book.received_ms = TIME_MS + age_ms
    told = json.dumps(json.loads(trade()) | {"sequence_number": number})
    assert len(parse(told, book).trades) == taken


def test_what_two_agreed_on_is_no_price_of_the_market() -> None:
    book = book_of(MARKET)
    assert parse(trade(venue="RFQ"), book).trades == []
    assert (book.off_book, book.rejected) == (1, 0)


TICKER = {"mark_price": "50000", "index_price": "50010", "open_interest": "2"}


def test_rates_are_in_percent_of_the_interval_they_come_with() -> None:
    row = TICKER | {"funding_rate": "0.01", "funding_interval_hours": 4, "funding_rate_8h_curr": "0.02"}
    mark, interest, rate = parse(frame("v1.ticker.s", **row), book_of(MARKET)).facts
    assert mark == MarkPrice(time_ms=TIME_MS, venue="grvt", coin=MARKET, mark_price=50_000.0, index_price=50_010.0)
    assert interest == OpenInterest(time_ms=TIME_MS, venue="grvt", coin=MARKET, oi_usd=100_000.0)
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.01), 4.0)


@pytest.mark.parametrize("newer", [{}, {"funding_rate": "0.01"}, {"funding_rate": "0.01",
                                                                 "funding_interval_hours": 0}])
def test_without_an_interval_the_rate_of_eight_hours_is_read(newer: dict[str, Any]) -> None:
    row = TICKER | {"funding_rate_8h_curr": "0.02"} | newer
    *_, rate = answered_ticker({"result": {"event_time": f"{TIME_MS}000000", "instrument": MARKET, **row}},
                               book_of(MARKET), 0)
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.02), 8.0)


def test_paid_rates_are_in_percent() -> None:
    row = {"funding_rate": "-0.0034", "funding_time": f"{TIME_MS}000000"}
    (paid,) = responses.past_funding({"result": [row]}, book_of(MARKET), 0)
    assert isinstance(paid, FundingRate)
    assert (paid.time_ms, paid.rate_pct) == (TIME_MS, pytest.approx(-0.0034))


def test_the_last_bracket_has_no_cap() -> None:
    rows = [{"notional_cap": "", "maintenance_margin_rate": "0.02", "max_leverage": 25},
            {"notional_cap": "1000000", "maintenance_margin_rate": "0.01", "max_leverage": 50}]
    assert responses.tiers({"result": {"risk_brackets": rows}}, book_of(MARKET), 0) == (
        TierRow(1_000_000.0, 50.0, 1.0), TierRow(math.inf, 25.0, 2.0))
