"""Aster: what is easily read wrong of its messages, and the open interest that its client does not list."""

import json
from typing import Any

import pytest
from wire_recordings import recorded

from liqbot.connection.client import VenueClient
from liqbot.events import Liquidation, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.aster import responses
from liqbot.venues.aster.messages import parse
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES

TIME_MS = 1_767_283_900_000


def book_of(*ids: str) -> WireBook:
    return WireBook("aster", [WireContract(symbol_id=one, symbol=one, venue_key="aster", coin=one) for one in ids])


def forced(**changes: Any) -> str:
    order = {"s": "BTCUSDT", "S": "SELL", "q": "0.7", "p": "49500", "ap": "49800", "l": "0.1", "z": "0.5", "T": TIME_MS}
    return json.dumps({"stream": "btcusdt@forceOrder", "data": {"e": "forceOrder", "E": TIME_MS, "o": order | changes}})


def test_the_size_of_a_forced_order_is_all_that_was_filled_at_its_average_price() -> None:
    (fact,) = parse(forced(), book_of("BTCUSDT")).facts
    assert fact == Liquidation(time_ms=TIME_MS, venue="aster", coin="BTCUSDT", side=Side.LONG, price=49_500.0,
                               size_usd=pytest.approx(0.5 * 49_800))
    assert parse(forced(S="BUY"), book_of("BTCUSDT")).facts[0].side is Side.SHORT  # type: ignore[union-attr]
    assert parse(forced(z="0"), book_of("BTCUSDT")).ignored == 1
    assert parse(forced(s="DOGEUSDT", z="x"), book_of("BTCUSDT")).ignored == 1


def test_frames_of_single_trades_are_left_alone_aggregates_read() -> None:
    """Single trades tell what the insurance fund took over (`X`) as if it were traded."""
    kinds = {"trade": 0, "aggTrade": 0}
    for raw, _ in recorded("aster-futures"):
        kind = json.loads(raw)["data"].get("e")
        if kind in kinds:
            kinds[kind] += 1
            assert len(parse(raw, book_of("BTCUSDT", "DOGEUSDT")).trades) == (kind == "aggTrade")
    assert kinds == {"trade": 2, "aggTrade": 1}


def test_recorded_open_interest_is_in_coin() -> None:
    (answer,) = [json.loads(raw)["data"] for raw, _ in recorded("aster-futures") if "@openInterest" in raw]
    book = book_of("BTCUSDT")
    assert responses.open_interest(answer, book, 0) == []
    book.quotes[0].mark_price = 100_000.0
    assert responses.open_interest(answer, book, 0) == [
        OpenInterest(time_ms=1_787_059_914_451, venue="aster", coin="BTCUSDT", oi_usd=pytest.approx(619_632_300.0))]


def test_a_funding_rate_is_of_the_interval_that_the_venue_names() -> None:
    book = book_of("BTCUSDT")
    responses.funding_intervals([{"symbol": "BTCUSDT", "fundingIntervalHours": 4}, {"symbol": "X"}], book, TIME_MS)
    mark = {"e": "markPriceUpdate", "E": TIME_MS, "s": "BTCUSDT", "p": "1", "i": "", "r": "0.0002", "T": TIME_MS}
    _, rate = parse(json.dumps({"stream": "x", "data": mark}), book).facts
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.02), 4.0)  # type: ignore[union-attr]
    assert book.rejected == 1


def test_one_unreadable_figure_costs_itself() -> None:
    book = book_of("BTCUSDT")
    for change in ({"q": "0"}, {"p": None}, {"T": "soon"}, {"m": "yes"}):
        trade = {"e": "aggTrade", "s": "BTCUSDT", "p": "50000", "q": "0.5", "T": TIME_MS, "m": True} | change
        parsed = parse(json.dumps({"data": trade}), book)
        assert (parsed.trades, parsed.ours) == ([], True)
    assert book.rejected == 4


async def test_the_client_is_given_the_request_that_it_does_not_list() -> None:
    client = VenueClient(VENUES["aster"], loopback="http://127.0.0.1:9")
    try:
        asked: list[Any] = []

        async def fetch(*args: Any, **_: Any) -> None:
            asked.append(args[0])

        client.exchange.fetch = fetch
        await client.call("fapiPublicGetV1OpenInterest", {"symbol": "BTCUSDT"})
        assert asked == ["http://127.0.0.1:9/fapi.asterdex.com/fapi/v1/openInterest?symbol=BTCUSDT"]
    finally:
        await client.close()
