"""Bullish: frames of an independent reader's tests, and what is easily read wrong of its messages."""

import json
from typing import Any

import pytest
from wire_recordings import milliseconds, recorded_as

from liqbot.events import FundingRate, MarkPrice, OpenInterest
from liqbot.venues.bullish import responses
from liqbot.venues.bullish.messages import parse
from liqbot.venues.parsing import WireBook, WireContract

TIME_MS = 1_749_132_838_951
ISO = "2025-06-05T14:13:58.951Z"
MARKET = "BTC-USDC-PERP"


def book_of(*ids: str, two_sided: bool = True) -> WireBook:
    return WireBook("bullish", [WireContract(symbol_id=one, symbol=one, venue_key="bullish", coin=one.partition("-")[0],
                                             open_interest_two_sided=two_sided) for one in ids])


def test_trades_are_those_of_the_independent_reader() -> None:
    read = 0
    for raw, entries in recorded_as("bullish", "map bullish trade", bool):
        trades = parse(raw, book_of("BTCUSD")).trades
        assert trades == [
            (0, milliseconds(one["timestamp"]), one["price"], pytest.approx(one["price"] * one["amount"]),
             one["side"] == "buy") for one in entries
        ]
        read += len(trades)
    assert read == 4


def trades(kind: str = "update", **fields: Any) -> str:
    row = {"tradeId": "1", "isTaker": True, "price": "50000", "quantity": "0.5", "side": "BUY",
           "createdAtDatetime": ISO}
    return json.dumps({"type": kind, "dataType": "V1TAAnonymousTradeUpdate",
                       "data": {"symbol": MARKET, "trades": [row | fields]}})


@pytest.mark.parametrize(("side", "taker", "bought"), [
    ("BUY", True, True), ("BUY", False, False), ("SELL", True, False), ("SELL", False, True),
])
def test_the_side_is_of_the_order_that_is_told(side: str, taker: bool, bought: bool) -> None:
    parsed = parse(trades(side=side, isTaker=taker), book_of(MARKET))
    assert parsed.trades == [(0, TIME_MS, 50_000.0, 25_000.0, bought)]


def test_former_trades_are_not_taken() -> None:
    parsed = parse(trades("snapshot"), book_of(MARKET))
    assert (parsed.trades, parsed.ignored) == ([], 1)


@pytest.mark.parametrize("elsewhere", [{"otcTradeId": "2000"}, {"auctionId": "397735387747975680"}])
def test_what_nobody_took_from_the_book_is_left_out(elsewhere: dict[str, str]) -> None:
    book = book_of(MARKET)
    assert parse(trades(**elsewhere), book).trades == []
    assert (book.off_book, book.rejected) == (1, 0)


def tick(**fields: Any) -> str:
    return json.dumps({"type": "update", "dataType": "V1TATickerResponse",
                       "data": {"symbol": MARKET, "createdAtDatetime": ISO} | fields})


def test_rates_of_ticks_are_percent_an_hour_and_open_interest_counts_both_sides() -> None:
    book = WireBook("bullish", [WireContract(symbol_id=MARKET, symbol=MARKET, venue_key="bullish", coin="BTC",
                                             open_interest_two_sided=True, funding_interval_h=1.0)])
    mark, interest, rate = parse(tick(markPrice="50000", openInterest="4", fundingRate="-0.006250"), book).facts
    assert mark == MarkPrice(time_ms=TIME_MS, venue="bullish", coin="BTC", mark_price=50_000.0, index_price=None)
    assert interest == OpenInterest(time_ms=TIME_MS, venue="bullish", coin="BTC", oi_usd=100_000.0)
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(-0.00625), 1.0)


def test_an_update_tells_what_changed() -> None:
    book = book_of(MARKET)
    assert len(parse(tick(markPrice="50000"), book).facts) == 1
    assert parse(tick(lastTradeSize="1", markPrice=None), book).facts == []
    assert book.rejected == 0


def test_the_index_of_an_asset_goes_with_the_next_mark() -> None:
    book = book_of(MARKET)
    payload = {"assetSymbol": "BTC", "price": "50010", "updatedAtDatetime": ISO}
    assert responses.index_price(payload, book, 0) == []
    (fact,) = parse(tick(markPrice="50000"), book).facts
    assert isinstance(fact, MarkPrice)
    assert (fact.mark_price, fact.index_price) == (50_000.0, 50_010.0)


def test_a_rate_is_paid_at_the_end_of_its_hour_and_the_running_hour_is_not_paid_yet() -> None:
    rows = [{"fundingRate": "0.00125", "updatedAtDatetime": "2025-05-18T09:06:04.074Z"},
            {"fundingRate": "-0.0000625", "updatedAtDatetime": "2025-05-18T08:59:59.033Z"}]
    (paid,) = responses.past_funding(rows, book_of(MARKET), 0)
    assert isinstance(paid, FundingRate)
    assert (paid.time_ms, paid.rate_pct) == (milliseconds("2025-05-18T09:00:00+00:00"), pytest.approx(-0.00625))
