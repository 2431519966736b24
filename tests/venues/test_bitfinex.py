"""Bitfinex on the wire: lists under numbers, trades told twice, forced orders told in stages."""

from typing import Any

import pytest
from venue_frames import answer, book_of, read

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.venues.bitfinex import responses
from liqbot.venues.parsing import MalformedMessage, WireBook

T0 = 1_767_225_600_000
BTC, ETH = "tBTCF0:USTF0", "tETHF0:USTF0"


def subscribed(**named: Any) -> dict[str, Any]:
    return {"event": "subscribed", **named}


def connected() -> WireBook:
    book = book_of("bitfinex")
    read("bitfinex", subscribed(channel="trades", chanId=1, symbol=BTC), book)
    read("bitfinex", subscribed(channel="status", chanId=2, key=f"deriv:{BTC}"), book)
    read("bitfinex", subscribed(channel="status", chanId=3, key="liq:global"), book)
    return book


def forced(position: int, stage: int, amount: float = -0.8, symbol: str = BTC) -> list[Any]:
    price = 50_500.5 if stage else None
    return ["pos", position, T0 + 2_000.2, None, symbol, amount, 49_000.5, None, stage, stage, None, price]


def test_a_number_means_what_this_connection_said_last() -> None:
    book, trade = connected(), [7, T0 + 250, 0.02, 50_000.5]
    assert read("bitfinex", [1, "te", trade], book_of("bitfinex")).ours is False
    assert read("bitfinex", [1, "te", trade], book).trades == [
        (0, T0 + 250, 50_000.5, pytest.approx(0.02 * 50_000.5), True)
    ]
    read("bitfinex", subscribed(channel="trades", chanId=1, symbol=ETH), book)
    assert [row[0] for row in read("bitfinex", [1, "te", trade], book).trades] == [1]
    read("bitfinex", subscribed(channel="trades", chanId=1, symbol="tXRPF0:USTF0"), book)
    assert read("bitfinex", [1, "te", trade], book).ours is False
    read("bitfinex", subscribed(channel="book", chanId=2, symbol=BTC), book)
    assert read("bitfinex", [2, "te", trade], book).ours is False


def test_a_trade_counts_once_and_those_of_before_not_at_all() -> None:
    book, trade = connected(), [7, T0 + 250, -0.02, 50_000.5]
    assert read("bitfinex", [1, [[6, T0, 0.1, 49_990.0], [5, T0, -0.1, 49_990.0]]], book).ignored == 2
    assert [row[4] for row in read("bitfinex", [1, "te", trade], book).trades] == [False]
    assert read("bitfinex", [1, "tu", trade], book).trades == []
    assert read("bitfinex", [1, "hb"], book).ours is False


@pytest.mark.parametrize("change", [{1: 0}, {2: 0.0}, {3: -1.0}, {3: None}, {2: "x"}])
def test_a_trade_that_cannot_be_is_counted(change: dict[int, Any]) -> None:
    book, trade = connected(), [7, T0 + 250, 0.02, 50_000.5]
    for place, value in change.items():
        trade[place] = value
    assert (read("bitfinex", [1, "te", trade], book).trades, book.rejected) == ([], 1)


def test_the_status_tells_mark_funding_of_the_period_that_runs_and_open_interest_in_coin() -> None:
    book, row = connected(), answer("bitfinex", "publicGetStatusDeriv")[0][1:]
    told = {type(one): one for one in read("bitfinex", [2, row], book).facts}
    assert told[MarkPrice] == MarkPrice(time_ms=T0 + 500, venue="bitfinex", coin="BTC", mark_price=50_001.0)
    assert told[FundingRate].rate_pct == pytest.approx(0.014548)  # type: ignore[union-attr]
    assert told[OpenInterest].oi_usd == pytest.approx(9_636.07644994 * 50_001.0)  # type: ignore[union-attr]
    assert {type(one) for one in responses.statuses([[BTC, *row], ["tX", *row]], book_of("bitfinex"), T0)} == set(told)


def test_a_broken_figure_of_a_status_does_not_cost_the_others() -> None:
    row = answer("bitfinex", "publicGetStatusDeriv")[0][1:]
    for place, kinds in ((14, {FundingRate}), (11, {MarkPrice, OpenInterest}), (17, {MarkPrice, FundingRate})):
        book, broken = connected(), [*row]
        broken[place] = {}
        assert ({type(one) for one in read("bitfinex", [2, broken], book).facts}, book.rejected) == (kinds, 1)
    with pytest.raises(MalformedMessage, match="deriv"):
        read("bitfinex", [2, "x"], connected())


def test_a_forced_order_counts_when_it_begins_at_the_mark_and_its_executions_do_not() -> None:
    book = connected()
    assert (read("bitfinex", [3, [forced(8, 0)]], book).facts, book.rejected) == ([], 1)
    read("bitfinex", [2, answer("bitfinex", "publicGetStatusDeriv")[0][1:]], book)
    (told,) = read("bitfinex", [3, [forced(9, 0)]], book).facts
    assert told == Liquidation(
        time_ms=T0 + 2_000, venue="bitfinex", coin="BTC", side=Side.SHORT, price=50_001.0,
        size_usd=pytest.approx(0.8 * 50_001.0),
    )
    assert read("bitfinex", [3, [forced(9, 1), forced(9, 0)]], book).facts == []
    (long_one,) = read("bitfinex", [3, [forced(10, 0, amount=2.0), ["pos", 1]]], book).facts
    assert (long_one.side, book.rejected) == (Side.LONG, 2)  # type: ignore[union-attr]
    assert read("bitfinex", [3, [forced(11, 0, symbol="tBSVUSD")]], book).ignored == 1


def test_of_a_candle_the_close_comes_before_the_high() -> None:
    first, _ = responses.bars(answer("bitfinex", "publicGetCandlesTradeTimeframeSymbolHist"), book_of("bitfinex"), 0)
    assert isinstance(first, TradeBar)
    assert (first.open, first.high, first.low, first.close) == (50_000.0, 50_020.0, 49_990.0, 50_010.0)
    assert first.volume_usd == pytest.approx(17.2032 * 50_010.0)
