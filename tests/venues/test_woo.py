"""WOO X and Orderly, which speak alike: recorded frames, and what is easily read wrong of their messages."""

import json
from typing import Any

import pytest
from wire_recordings import milliseconds, recorded_as

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.parsing import Parsed, WireBook, WireContract
from liqbot.venues.woo.messages import parse
from liqbot.venues.woofipro import responses as orderly_answers
from liqbot.venues.woofipro.messages import parse as parse_orderly

TIME_MS = 1_767_283_900_000
ORDERLY = "PERP_BTC_USDC"


def book_of(venue: str, *ids: str) -> WireBook:
    return WireBook(venue, [WireContract(symbol_id=one, symbol=one, venue_key=venue, coin=one) for one in ids])


def test_recorded_frames_are_those_of_the_independent_reader() -> None:
    seen: dict[str, int] = {}
    book = book_of("woo", "PERP_BTC_USDT", "PERP_GALA_USDT")
    recorded = recorded_as("woo-x", "map woo-x legacy",
                           lambda one: one.get("topic", one.get("id")).startswith(("PERP", "SPOT")))
    for raw, entries in recorded:
        parsed = parse(raw, book)
        for entry in entries:
            if not entry["symbol"].startswith("PERP"):
                continue
            if entry["type"] == "trade":
                index = book.index_of[entry["symbol"]]
                assert parsed.trades == [(index, milliseconds(entry["timestamp"]), entry["price"],
                                          pytest.approx(entry["amount"] * entry["price"]), entry["side"] == "buy")]
                seen["trade"] = seen.get("trade", 0) + 1
            for fact in parsed.facts if entry["type"] == "derivative_ticker" else ():
                # The oracle gives the newest time of all that it tells together.
                assert fact.time_ms <= milliseconds(entry["timestamp"])
                match fact:
                    case MarkPrice(mark_price=price):
                        assert price == entry["markPrice"]
                    case FundingRate(rate_pct=rate_pct):
                        assert rate_pct == pytest.approx(entry["fundingRate"] * 100)
                    case OpenInterest(oi_usd=oi_usd):
                        # In coin: valued at the mark told before.
                        assert oi_usd == pytest.approx(entry["openInterest"] * entry["markPrice"])
                seen[type(fact).__name__] = seen.get(type(fact).__name__, 0) + 1
    # Of two recorded trades of perpetuals one is of source 0.
    assert (book.off_book, book.rejected) == (1, 0)
    assert seen == {"trade": 1, "MarkPrice": 1, "FundingRate": 1, "OpenInterest": 1}


def test_names_of_the_third_version_are_not_misread() -> None:
    recorded = recorded_as("woo-x", "map woo-x v3", lambda one: "@PERP" in one.get("topic", "") or
                           "@SPOT" in one.get("topic", ""))
    assert len(recorded) == 11
    for raw, _ in recorded:
        parsed = parse(raw, book_of("woo", "PERP_ETH_USDT"))
        assert (parsed.trades, parsed.facts, parsed.ours) == ([], [], False)


def liquidation(*entries: dict[str, Any]) -> str:
    return json.dumps({"topic": "liquidation", "ts": TIME_MS, "data": list(entries)})


def entry(quantity: float, **changes: Any) -> dict[str, Any]:
    positions = [{"symbol": ORDERLY, "positionQty": quantity}, {"symbol": "PERP_NEAR_USDC", "positionQty": None}]
    told = {"liquidationId": 7, "timestamp": TIME_MS - 300, "type": "liquidated", "positionsByPerp": positions}
    return told | changes


def marked(book: WireBook) -> Parsed:
    frame = {"topic": f"{ORDERLY}@markprice", "ts": TIME_MS, "data": {"symbol": ORDERLY, "price": 50_000.0}}
    return parse_orderly(json.dumps(frame), book)


def test_a_forced_order_of_orderly_is_valued_at_the_mark_and_its_sign_is_the_position() -> None:
    book = book_of("woofipro", ORDERLY)
    assert parse_orderly(liquidation(entry(2.0)), book).facts == []
    marked(book)
    long, short = parse_orderly(liquidation(entry(2.0), entry(-0.5, liquidationId=8)), book).facts
    assert long == Liquidation(time_ms=TIME_MS - 300, venue="woofipro", coin=ORDERLY, side=Side.LONG, price=50_000.0,
                               size_usd=100_000.0)
    assert isinstance(short, Liquidation)
    assert (short.side, short.size_usd) == (Side.SHORT, 25_000.0)


def test_a_forced_order_that_is_told_again_counts_once_and_a_claim_not_at_all() -> None:
    book = book_of("woofipro", ORDERLY)
    marked(book)
    assert len(parse_orderly(liquidation(entry(2.0), entry(2.0), entry(1.0, type="claim")), book).facts) == 1
    assert parse_orderly(liquidation(entry(2.0)), book).facts == []
    assert len(parse_orderly(liquidation(entry(2.0, liquidationId=9)), book).facts) == 1


def test_one_bad_entry_costs_itself() -> None:
    book = book_of("woofipro", ORDERLY)
    marked(book)
    bad = [entry(2.0, liquidationId="x"), entry(0.0, liquidationId=10), entry(1.0, positionsByPerp=None)]
    assert len(parse_orderly(liquidation(*bad, entry(1.0)), book).facts) == 1
    assert book.rejected == 3


def test_a_funding_rate_is_of_the_period_that_the_venue_names() -> None:
    book = book_of("woofipro", ORDERLY)
    orderly_answers.funding_period({"data": {"symbol": ORDERLY, "funding_period": 4}}, book, TIME_MS)
    figures = {"symbol": ORDERLY, "mark_price": 50_000.0, "index_price": 50_010.0, "est_funding_rate": 0.0001,
               "open_interest": 110.5}
    mark, interest, rate = orderly_answers.contract_figures({"timestamp": TIME_MS, "data": figures}, book, 0)
    assert isinstance(mark, MarkPrice)
    assert mark.index_price == 50_010.0
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(110.5 * 50_000)
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h, rate.time_ms) == (pytest.approx(0.01), 4.0, TIME_MS)
