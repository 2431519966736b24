"""Coinbase US (Advanced Trade): recordings, and what its fields do not say."""

import json
from typing import Any

import pytest
from wire_recordings import sample

from liqbot.events import FundingRate, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage
from liqbot.venues.coinbase import responses
from liqbot.venues.coinbase.messages import parse
from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook, WireContract
from liqbot.venues.registry import VENUES, us_regulated, wire_of

BTC = WireContract(symbol_id="BIP-20DEC30-CDE", symbol="BTC/USD:USD", venue_key="coinbase", coin="BTC",
                   contract_units=0.01)
AT_MS = 1_775_521_739_000
"""When the recording was made, 28 minutes after the hour."""
TRADE = {"trade_id": "1", "product_id": "BIP-20DEC30-CDE", "price": "50000", "size": "20", "side": "SELL",
         "time": "2026-01-01T16:10:01.406251Z"}


def book() -> WireBook:
    return WireBook("coinbase", (BTC,))


def told(*rows: dict[str, Any], kind: str = "update", into: WireBook | None = None) -> Parsed:
    frame = {"channel": "market_trades", "events": [{"type": kind, "trades": [TRADE | row for row in rows]}]}
    return parse(json.dumps(frame), into or book())


def recorded() -> Any:
    return json.loads(sample("coinbase/test_data/http_products_future.json"))


def test_a_recorded_listing_tells_open_interest_in_contracts_and_the_rate_of_the_hour_before():
    facts = responses.products(recorded(), book(), AT_MS)
    mark, rate, interest = facts
    assert mark == MarkPrice(time_ms=AT_MS, venue="coinbase", coin="BTC", mark_price=68_925.0,
                             index_price=68_899.882564)
    assert rate == FundingRate(time_ms=1_775_520_000_000, venue="coinbase", coin="BTC",
                               rate_pct=pytest.approx(0.0013), interval_h=1.0, rate_stage=FundingStage.SETTLEMENT)
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(183_283 * 0.01 * 68_925.0)


def test_a_settlement_is_told_once_and_one_to_come_is_a_forecast():
    into, answer = book(), recorded()
    responses.products(answer, into, AT_MS)
    again = responses.products(answer, into, AT_MS + 30_000)
    assert FundingRate not in {type(fact) for fact in again}
    answer["products"][0]["future_product_details"]["funding_time"] = "2026-04-07T01:00:00Z"
    (forecast,) = [fact for fact in responses.products(answer, into, AT_MS + 60_000) if isinstance(fact, FundingRate)]
    assert (forecast.time_ms, forecast.rate_stage) == (AT_MS + 60_000, FundingStage.FORECAST)


def test_a_future_that_expires_within_months_has_no_part_in_the_perpetuals_book():
    into = book()
    responses.products({"products": recorded()["products"][1:]}, into, AT_MS)
    assert into.quotes[0].mark_price != into.quotes[0].mark_price


@pytest.mark.parametrize(("side", "bought"), [("SELL", True), ("BUY", False)])
def test_the_side_of_a_trade_is_the_makers(side: str, bought: bool):
    assert told({"side": side}).trades == [(0, 1_767_283_801_406, 50_000.0, pytest.approx(10_000.0), bought)]


def test_trades_come_newest_first_and_leave_oldest_first():
    parsed = told({"price": "50010"}, {"price": "50000"})
    assert [price for _, _, price, _, _ in parsed.trades] == [50_000.0, 50_010.0]


def test_trades_from_before_the_subscription_are_not_counted_again():
    assert told({}, {}, kind="snapshot") == Parsed([], ignored=2)


def test_rows_that_cannot_be_read_cost_themselves_alone():
    into = book()
    rows: list[dict[str, Any]] = [
        {"price": "dear"}, {"size": "0"}, {"side": "UNKNOWN"}, {"time": "2026-01-01T16:10:01"}, {},
        {"product_id": "BTC-USD", "price": None},
    ]
    parsed = told(*rows, into=into)
    assert (len(parsed.trades), into.rejected, parsed.ignored) == (1, 4, 1)


@pytest.mark.parametrize("frame", [
    {"channel": "market_trades"}, {"channel": "market_trades", "events": [1]},
    {"channel": "ticker_batch", "events": [{"type": "update", "tickers": None}]},
])
def test_a_frame_without_rows_is_refused(frame: dict[str, Any]):
    with pytest.raises(MalformedMessage, match=r"coinbase (market_trades|ticker)"):
        parse(json.dumps(frame), book())


@pytest.mark.parametrize(("bid", "ask", "marks"), [
    ("50190", "50200", [50_195.0]), ("0", "50200", []), ("", "50200", []),
])
def test_the_middle_of_a_book_with_both_sides_stands_for_the_mark(bid: str, ask: str, marks: list[float]):
    ticker = {"type": "ticker", "product_id": "BIP-20DEC30-CDE", "price": "1", "best_bid": bid, "best_ask": ask}
    frame = {"channel": "ticker_batch", "timestamp": "2026-01-01T16:10:01.406251596Z",
             "events": [{"type": "update", "tickers": [ticker]}]}
    facts = parse(json.dumps(frame), book()).facts
    assert [fact.mark_price for fact in facts if isinstance(fact, MarkPrice)] == marks


def test_candles_count_contracts():
    candle = {"start": "1767283800", "volume": "825"} | dict.fromkeys(("low", "high", "open", "close"), "50000")
    (bar,) = responses.bars({"candles": [candle]}, book(), 0)
    assert isinstance(bar, TradeBar)
    assert (bar.time_ms, bar.volume_usd) == (1_767_284_100_000, pytest.approx(825 * 0.01 * 50_000.0))


@pytest.mark.parametrize("interval", ["soon", "0s", "-1s", "nan"])
def test_an_interval_that_is_none_costs_the_rate_alone(interval: str):
    answer, into = recorded(), book()
    answer["products"][0]["future_product_details"]["funding_interval"] = interval
    assert [type(fact) for fact in responses.products(answer, into, AT_MS)] == [MarkPrice, OpenInterest]
    assert into.rejected == 1


def test_what_became_of_its_sister_is_said():
    assert us_regulated("coinbase")
    assert not us_regulated("coinbaseinternational")
    with pytest.raises(ValueError, match=r"since 2026-10-01 .* read deribit instead"):
        wire_of("coinbaseinternational")
    assert "2026-10-01" in VENUES["deribit"].note
