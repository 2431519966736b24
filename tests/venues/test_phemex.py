"""Phemex on the wire: nanoseconds, scaled whole numbers of coin-margined contracts, and trades told twice."""

from typing import Any

import pytest
from venue_frames import answer, book_of, frame, read

from liqbot.events import FundingRate, MarkPrice, OpenInterest
from liqbot.venues.parsing import MalformedMessage
from liqbot.venues.phemex import responses

T0 = 1_767_225_600_000


def test_trades_come_newest_first_and_coin_margined_ones_scaled() -> None:
    assert read("phemex", frame("phemex", "trades")).trades == [
        (0, T0 + 250, 50_000.5, pytest.approx(0.02 * 50_000.5), True),
        (0, T0 + 251, 50_000.4, pytest.approx(0.0004 * 50_000.4), False),
    ]
    assert read("phemex", frame("phemex", "trades", 1)).trades == [(2, T0 + 300, 50_010.0, 700.0, False)]


def test_the_past_that_is_told_on_subscribing_is_not_traded_again() -> None:
    past = read("phemex", frame("phemex", "trades", 2))
    assert (past.trades, past.ignored) == ([], 1)


@pytest.mark.parametrize("change", [{1: "Hold"}, {2: "0"}, {3: "-1"}, {0: 0}, {2: None}])
def test_a_trade_that_cannot_be_costs_itself_alone(change: dict[int, Any]) -> None:
    message, book = frame("phemex", "trades"), book_of("phemex")
    for place, value in change.items():
        message["trades_p"][0][place] = value
    assert [row[1] for row in read("phemex", message, book).trades] == [T0 + 250]
    assert book.rejected == 1


def test_of_every_ticker_only_ours_are_read_by_the_fields_that_the_message_names() -> None:
    message, book = frame("phemex", "mark"), book_of("phemex")
    parsed = read("phemex", message, book)
    told = {type(one): one for one in parsed.facts}
    assert told[MarkPrice] == MarkPrice(
        time_ms=T0 + 1_000, venue="phemex", coin="BTC", mark_price=50_001.0, index_price=49_996.0
    )
    assert told[OpenInterest].oi_usd == pytest.approx(20_000 * 50_001.0)  # type: ignore[union-attr]  # coin, not USDT
    assert told[FundingRate].rate_pct == pytest.approx(0.01)  # type: ignore[union-attr]
    assert (parsed.ignored, book.rejected) == (1, 0)
    message["fields"].reverse()
    for row in message["data"]:
        row.reverse()
    assert read("phemex", message).facts == parsed.facts
    unnamed = frame("phemex", "mark")
    del unnamed["fields"]
    assert read("phemex", unnamed).facts == parsed.facts


def test_a_row_without_all_its_fields_costs_itself_and_a_figure_too() -> None:
    message, book = frame("phemex", "mark"), book_of("phemex")
    message["data"][0][8] = {}
    kinds = {type(one): one for one in read("phemex", message, book).facts}
    assert set(kinds) == {MarkPrice, OpenInterest, FundingRate}
    assert (kinds[MarkPrice].index_price, book.rejected) == (None, 1)  # type: ignore[union-attr]
    message["data"][0].pop()
    assert (read("phemex", message, book).facts, book.rejected) == ([], 2)


def test_a_coin_margined_ticker_is_scaled() -> None:
    message, book = frame("phemex", "mark", 1), book_of("phemex")
    told = {type(one): one for one in read("phemex", message, book).facts}
    assert (told[MarkPrice].mark_price, told[MarkPrice].index_price) == (50_011.0, 50_006.0)  # type: ignore[union-attr]
    assert told[OpenInterest].oi_usd == 7_821_141.0  # type: ignore[union-attr]
    assert told[FundingRate].rate_pct == pytest.approx(0.01)  # type: ignore[union-attr]
    message["market24h"]["symbol"] = "XRPUSD"
    assert read("phemex", message, book).ignored == 1
    message["market24h"] = []
    with pytest.raises(MalformedMessage, match="market24h"):
        read("phemex", message, book)


def test_answers_say_the_same_as_the_stream() -> None:
    for method, oi_usd in (("v2GetMdV2Ticker24hr", 20_000 * 50_001.0), ("v1GetMdTicker24hr", 7_821_141.0)):
        told = {type(one): one for one in responses.tickers(answer("phemex", method), book_of("phemex"), T0)}
        assert told[MarkPrice].time_ms == T0 + 500
        assert told[OpenInterest].oi_usd == pytest.approx(oi_usd)  # type: ignore[union-attr]
        assert told[FundingRate].rate_pct == pytest.approx(0.01)  # type: ignore[union-attr]
