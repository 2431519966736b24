"""Lighter: recorded frames, and what is easily read wrong of its messages."""

import json
from typing import Any

import pytest
from wire_recordings import milliseconds, recorded_as

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.lighter import responses
from liqbot.venues.lighter.messages import parse
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES

TIME_MS = 1_767_283_900_000


def book_of(*ids: str) -> WireBook:
    return WireBook("lighter", [WireContract(symbol_id=one, symbol=one, venue_key="lighter", coin=one) for one in ids])


def print_(**changes: Any) -> dict[str, Any]:
    return {"type": "trade", "market_id": 1, "size": "0.5", "price": "50000.0", "is_maker_ask": False,
            "timestamp": TIME_MS} | changes


def trades(*rows: Any, forced: Any = None, kind: str = "update/trade") -> str:
    return json.dumps({"type": kind, "channel": "trade:1", "trades": list(rows), "liquidation_trades": forced})


def test_recorded_trades_and_forced_orders_are_those_of_the_independent_reader() -> None:
    checked = 0
    for raw, entries in recorded_as("lighter", "map lighter trade", lambda one: "/trade" in one["type"]):
        book = book_of("1")
        parsed = parse(raw, book)
        for entry in entries:
            bought = entry["side"] == "buy"
            size_usd = pytest.approx(entry["amount"] * entry["price"])
            time_ms = milliseconds(entry["timestamp"])
            assert parsed.trades == [(0, time_ms, entry["price"], size_usd, bought)]
            if entry["type"] == "liquidation":
                side = Side.SHORT if bought else Side.LONG
                assert parsed.facts == [Liquidation(time_ms=time_ms, venue="lighter", coin="1", side=side,
                                                    price=entry["price"], size_usd=size_usd)]
            checked += 1
        assert entries or not parsed.trades
        assert book.rejected == 0
    assert checked == 2


def test_recorded_stats_are_those_of_the_independent_reader() -> None:
    checked = 0
    for raw, entries in recorded_as("lighter", "map lighter market stats", lambda one: "market_stats" in one["type"]):
        facts = parse(raw, book_of("0", "1")).facts
        for entry in entries:
            mine = [fact for fact in facts if fact.coin == entry["symbol"]]
            assert [type(fact) for fact in mine] == [MarkPrice, OpenInterest, FundingRate]
            mark, interest, rate = mine
            assert {fact.time_ms for fact in mine} == {milliseconds(entry["timestamp"])}
            assert (mark.mark_price, mark.index_price) == (  # type: ignore[union-attr]
                entry["markPrice"], entry["indexPrice"])
            # In USD already: of BTC 124 million, at 75,241 USD and a daily volume of some 5,000 BTC.
            assert interest.oi_usd == entry["openInterest"]  # type: ignore[union-attr]
            # In percent an hour.
            assert (rate.rate_pct, rate.interval_h) == (  # type: ignore[union-attr]
                pytest.approx(entry["fundingRate"]), 1.0)
            checked += 1
    assert checked == 2


def test_trades_of_before_the_subscription_are_no_trades_of_now() -> None:
    parsed = parse(trades(print_(), forced=[print_(type="liquidation")], kind="subscribed/trade"), book_of("1"))
    assert (parsed.trades, parsed.facts, parsed.ignored, parsed.ours) == ([], [], 2, True)


def test_a_forced_order_is_a_trade_too_and_deleveraging_is_neither() -> None:
    book = book_of("1")
    forced = [print_(type="liquidation", is_maker_ask=True, size="2"), print_(type="deleverage"),
              print_(type="market-settlement")]
    parsed = parse(trades(print_(), forced=forced), book)
    assert [trade[3:] for trade in parsed.trades] == [(25_000.0, False), (100_000.0, True)]
    assert [fact.side for fact in parsed.facts] == [Side.SHORT]  # type: ignore[union-attr]
    assert (book.off_book, book.rejected) == (2, 0)


def test_one_bad_row_costs_itself() -> None:
    book = book_of("1")
    rows = [print_(), print_(size="0"), print_(price="NaN"), None, print_(market_id=7), print_(is_maker_ask="no")]
    parsed = parse(trades(*rows), book)
    assert len(parsed.trades) == 1
    assert (book.rejected, parsed.ignored) == (4, 1)


def test_past_funding_carries_its_sign_apart() -> None:
    rows = [{"timestamp": 1_767_279_600, "value": "0.6", "rate": "0.0012", "direction": "long"},
            {"timestamp": 1_767_283_200, "value": "0.1", "rate": "0.0002", "direction": "short"},
            {"timestamp": 1_767_286_800, "value": "0.1", "rate": "0.0002", "direction": "both"}]
    book = book_of("1")
    paid = responses.past_funding({"fundings": rows}, book, 0)
    assert [(fact.time_ms, fact.rate_pct) for fact in paid] == [  # type: ignore[union-attr]
        (1_767_279_600_000, pytest.approx(0.0012)), (1_767_283_200_000, pytest.approx(-0.0002))]
    assert book.rejected == 1


def test_an_hour_without_a_trade_is_a_bar_without_volume() -> None:
    candle = {"t": 1_767_283_800_000, "o": 5.0, "h": 5.0, "l": 5.0, "c": 5.0}
    (bar,) = responses.bars({"c": [candle]}, book_of("1"), 0)
    assert (bar.close, bar.volume_usd) == (5.0, 0.0)  # type: ignore[union-attr]


def test_margin_is_that_of_the_recorded_market() -> None:
    details = [{"market_id": 7, "min_initial_margin_fraction": 1, "maintenance_margin_fraction": 1},
               {"market_id": 0, "min_initial_margin_fraction": 200, "maintenance_margin_fraction": 120}]
    (tier,) = responses.tiers({"order_book_details": details}, book_of("0"), 0)
    table = dict(VENUES["lighter"].contracts[0].margin.tables)["ETH"]  # type: ignore[union-attr]
    assert (tier.leverage_max, tier.maintenance_pct) == (table.tiers[0].leverage_max, table.tiers[0].maintenance_pct)
