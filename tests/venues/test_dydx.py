"""dYdX: recorded frames and answers, and what is easily read wrong of its messages."""

import json
from typing import Any

import pytest
from wire_recordings import milliseconds, recorded_as, sample

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.dydx import responses
from liqbot.venues.dydx.messages import parse
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES


def book_of(*ids: str) -> WireBook:
    return WireBook("dydx", [WireContract(symbol_id=one, symbol=one, venue_key="dydx", coin=one) for one in ids])


def print_(**changes: Any) -> dict[str, Any]:
    return {"id": "01", "size": "0.5", "price": "50000", "side": "BUY", "createdAt": "2026-01-01T16:11:39.001Z",
            "type": "LIMIT"} | changes


def frame(*rows: Any, kind: str = "channel_data") -> str:
    return json.dumps({"type": kind, "channel": "v4_trades", "id": "BTC-USD", "contents": {"trades": list(rows)}})


def recorded_answer(name: str) -> Any:
    return json.loads(sample(f"dydx/test_data/{name}.json"))["result"]


def test_recorded_trades_and_forced_orders_are_those_of_the_independent_reader() -> None:
    kinds = []
    for raw, entries in recorded_as("dydx-v4", "map dydx-v4", lambda _: True):
        if '"v4_trades"' not in raw:
            assert not parse(raw, book_of("BTC-USD")).ours
            continue
        (name,) = {entry["symbol"] for entry in entries}
        parsed = parse(raw, book_of(name))
        wanted = [(0, milliseconds(entry["timestamp"]), entry["price"],
                   pytest.approx(entry["amount"] * entry["price"]), entry["side"] == "buy") for entry in entries]
        assert parsed.trades == [one for one, entry in zip(wanted, entries, strict=True) if entry["type"] == "trade"]
        forced = [one for one, entry in zip(wanted, entries, strict=True) if entry["type"] == "liquidation"]
        assert parsed.facts == [
            Liquidation(time_ms=time_ms, venue="dydx", coin=name, side=Side.SHORT if bought else Side.LONG,
                        price=price, size_usd=size_usd)
            for _, time_ms, price, size_usd, bought in forced
        ]
        kinds += [entry["type"] for entry in entries]
    assert (kinds.count("trade"), kinds.count("liquidation")) == (3, 1)


def test_recorded_markets_give_mark_open_interest_and_an_hourly_rate() -> None:
    payload = recorded_answer("http_get_perpetual_markets")
    mark, interest, rate = responses.markets(payload, book_of("BTC-USD"), 1_765_210_320_000)
    assert isinstance(mark, MarkPrice)
    assert (mark.mark_price, mark.index_price) == (89_919.2, 89_919.2)
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(381.7348 * 89_919.2)
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.000254545454545455), 1.0)
    (tier,) = responses.tiers(payload, book_of("BTC-USD"), 0)
    table = dict(VENUES["dydx"].contracts[0].margin.tables)["BTC"]  # type: ignore[union-attr]
    assert (tier.leverage_max, tier.maintenance_pct) == (
        pytest.approx(table.tiers[0].leverage_max), pytest.approx(table.tiers[0].maintenance_pct))


def test_the_recorded_past_is_in_usd_and_hourly() -> None:
    bars = responses.bars(recorded_answer("http_get_candles"), book_of("BTC-USD"), 0)
    assert (bars[0].close, bars[0].volume_usd) == (89_941.0, 294_697.4391)  # type: ignore[union-attr]
    past = responses.past_open_interest(recorded_answer("http_get_candles"), book_of("BTC-USD"), 0)
    assert past[0].oi_usd == pytest.approx(381.7348 * 89_934)  # type: ignore[union-attr]
    paid = responses.past_funding(recorded_answer("http_get_historical_funding"), book_of("BTC-USD"), 0)
    assert paid
    assert {fact.interval_h for fact in paid[1:]} == {1.0}  # type: ignore[union-attr]
    assert paid[-1].rate_pct == pytest.approx(0.0002375)  # type: ignore[union-attr]


def test_trades_of_before_the_subscription_are_no_trades_of_now() -> None:
    parsed = parse(frame(print_(), print_(type="LIQUIDATED"), kind="subscribed"), book_of("BTC-USD"))
    assert (parsed.trades, parsed.facts, parsed.ignored, parsed.ours) == ([], [], 2, True)


def test_deleveraging_is_a_forced_order_but_no_price_of_the_market() -> None:
    book = book_of("BTC-USD")
    rows = [print_(), print_(type="DELEVERAGED", side="SELL", price="40000"), print_(type="LIQUIDATED")]
    parsed = parse(frame(*rows), book)
    assert [trade[2] for trade in parsed.trades] == [50_000.0, 50_000.0]
    assert [(fact.side, fact.price) for fact in parsed.facts] == [  # type: ignore[union-attr]
        (Side.LONG, 40_000.0), (Side.SHORT, 50_000.0)]
    assert book.off_book == 1


def test_one_bad_row_costs_itself() -> None:
    book = book_of("BTC-USD")
    rows = [print_(), print_(size="0"), print_(side="both"), print_(createdAt="yesterday"),
            print_(createdAt="2026-01-01T16:11:39"), None]
    assert len(parse(frame(*rows), book).trades) == 1
    assert book.rejected == 5
