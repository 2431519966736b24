"""Crypto.com on the wire: trades told once more on every connection, an index with a name of its own, hourly rates."""

from typing import Any

import pytest
from venue_frames import answer, book_of, frame, read
from wire_recordings import recorded

from liqbot.events import FundingRate, MarkPrice
from liqbot.venues.cryptocom import responses
from liqbot.venues.parsing import MalformedMessage, WireBook

T0 = 1_767_225_600_000


def connected() -> WireBook:
    """A book that was told the trades of before."""
    book = book_of("cryptocom")
    assert read("cryptocom", frame("cryptocom", "trades"), book).ignored == 2
    return book


def test_trades_of_before_are_no_new_ones_and_later_ones_count_once() -> None:
    book, live = connected(), frame("cryptocom", "trades", 1)
    bought, sold = [(0, T0 + 250, 50_000.5, pytest.approx(0.02 * 50_000.5), True),
                    (0, T0 + 260, 50_000.4, pytest.approx(0.01 * 50_000.4), False)]
    assert read("cryptocom", live, book).trades == [bought, sold]
    again = frame("cryptocom", "trades", 1)
    again["result"]["data"].insert(0, again["result"]["data"][0] | {"d": "7", "t": T0 + 900})
    told = read("cryptocom", again, book)
    assert ([row[1] for row in told.trades], told.ignored) == ([T0 + 900], 2)


def test_every_recorded_fill_of_one_order_counts_though_all_bear_its_id() -> None:
    (raw,) = [raw for raw, _ in recorded("crypto-com") if "trade.BTCUSD-PERP" in raw]
    book = connected()
    told = read("cryptocom", raw, book)
    sizes_usd = [amount * 20_439.5 for amount in (0.005, 0.1, 0.005, 0.0244)]
    assert [trade[3] for trade in told.trades] == [pytest.approx(size) for size in sizes_usd]
    assert {trade[4] for trade in told.trades} == {False}
    assert (read("cryptocom", raw, book).trades, told.ignored) == ([], 0)


def test_fills_alike_in_everything_count_each_and_once_when_told_again() -> None:
    book, live = connected(), frame("cryptocom", "trades", 1)
    row = live["result"]["data"][0]
    live["result"]["data"] = [row, dict(row), row | {"m": "8"}]
    assert len(read("cryptocom", live, book).trades) == 3
    live["result"]["data"].append(row | {"d": 2_552_833_547_970_376_700})
    again = read("cryptocom", live, book)
    assert (len(again.trades), again.ignored, book.rejected) == (1, 3, 0)


def test_each_contract_begins_on_its_own() -> None:
    book, other = connected(), frame("cryptocom", "trades", 1)
    other["result"]["instrument_name"] = "ETHUSD-PERP"
    assert read("cryptocom", other, book).trades == []
    other["result"]["instrument_name"] = "BTC_USD"
    assert read("cryptocom", other, book).ignored == 1


@pytest.mark.parametrize("change", [{"s": "HOLD"}, {"p": "0"}, {"q": "-1"}, {"t": 0}, {"p": None}, {"d": None}])
def test_a_trade_that_cannot_be_costs_itself_alone(change: dict[str, Any]) -> None:
    book, message = connected(), frame("cryptocom", "trades", 1)
    message["result"]["data"][0] |= change
    assert ([row[1] for row in read("cryptocom", message, book).trades], book.rejected) == ([T0 + 250], 1)


def test_the_index_is_that_of_the_perpetual_and_travels_with_the_mark() -> None:
    book = book_of("cryptocom")
    assert read("cryptocom", frame("cryptocom", "mark", 0), book).facts == []
    (mark,) = read("cryptocom", frame("cryptocom", "mark", 1), book).facts
    assert mark == MarkPrice(
        time_ms=T0 + 1_000, venue="cryptocom", coin="BTC", mark_price=50_001.0, index_price=49_996.0
    )


def test_rates_are_of_an_hour_and_open_interest_in_coin() -> None:
    book = book_of("cryptocom")
    (rate,) = read("cryptocom", frame("cryptocom", "funding"), book).facts
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.00125), 1.0)
    assert read("cryptocom", frame("cryptocom", "open_interest"), book).facts == []
    read("cryptocom", frame("cryptocom", "mark", 1), book)
    (interest,) = read("cryptocom", frame("cryptocom", "open_interest"), book).facts
    assert interest.oi_usd == pytest.approx(6_115.5643 * 50_001.0)  # type: ignore[union-attr]
    empty = frame("cryptocom", "open_interest")
    empty["result"]["data"][0] |= {"oi": None, "t": T0 + 90_000}
    assert (read("cryptocom", empty, book).facts, book.rejected) == ([], 0)
    empty["result"]["data"][0]["oi"] = {}
    assert (read("cryptocom", empty, book).facts, book.rejected) == ([], 1)


def test_a_frame_without_a_list_of_rows_or_a_name_is_told() -> None:
    message = frame("cryptocom", "mark", 1)
    message["result"]["data"] = {}
    with pytest.raises(MalformedMessage, match="mark"):
        read("cryptocom", message)
    message["result"]["instrument_name"] = 5
    with pytest.raises(MalformedMessage, match="mark instrument_name"):
        read("cryptocom", message)


def test_of_several_values_the_newest_counts() -> None:
    method, asked = "v1PublicGetPublicGetValuations", book_of("cryptocom")
    payload = answer("cryptocom", method)
    payload["result"]["data"].append({"v": "50100.0", "t": T0 - 60_000})
    (mark,) = responses.mark(payload, asked, T0)
    assert mark.mark_price == 50_001.0  # type: ignore[union-attr]
    payload["result"]["data"] = []
    assert responses.mark(payload, asked, T0) == []
