"""BingX on the wire: amounts in coin, open interest in USDT, trades without ids, and pings in words."""

import json

import pytest
from venue_frames import answer, book_of, frame, read
from wire_recordings import WIRE

from liqbot.events import FundingRate, MarkPrice
from liqbot.venues.bingx import responses
from liqbot.venues.bingx.streams import WIRE as STREAMS
from liqbot.venues.parsing import MalformedMessage

T0 = 1_767_225_600_000


def documented(name: str) -> str:
    path = WIRE / "more" / "bingx" / "Subscriptions" / "PerpetualFutures" / name
    if not path.exists():
        pytest.skip(f"no payloads at {WIRE}")
    return json.dumps(json.loads(path.read_text(encoding="utf-8").partition("\n= \n")[2]))


def test_documented_trades_come_oldest_first_and_alike_ones_all_count() -> None:
    trades = read("bingx", documented("Trades.txt")).trades
    assert len(trades) == 23
    assert [trade[1] for trade in trades] == sorted(trade[1] for trade in trades)
    assert trades[-1] == (1, 1_714_650_253_104, 2_983.48, pytest.approx(1.92 * 2_983.48), True)
    # `m`: the buyer waited in the book, so the taker sold.
    assert sum(1 for trade in trades if not trade[4]) == 19


def test_a_buyer_who_waited_was_sold_to() -> None:
    assert read("bingx", frame("bingx", "trades")).trades == [
        (0, T0 + 250, 50_000.5, pytest.approx(0.02 * 50_000.5), True),
        (0, T0 + 251, 50_000.4, pytest.approx(0.0004 * 50_000.4), False),
    ]


def test_a_documented_mark() -> None:
    (mark,) = read("bingx", documented("MarkPrice.txt")).facts
    assert mark == MarkPrice(time_ms=1_714_650_884_021, venue="bingx", coin="ETH", mark_price=2_999.63)


def test_open_interest_is_usdt_whatever_the_price() -> None:
    book = book_of("bingx")
    (told,) = responses.open_interest(answer("bingx", "swapV2PublicGetQuoteOpenInterest"), book, T0)
    assert told.oi_usd == 1_000_020_000.0  # type: ignore[union-attr]


def test_the_premium_index_tells_interval_and_index_and_a_broken_figure_costs_itself() -> None:
    payload, book = answer("bingx", "swapV2PublicGetQuotePremiumIndex"), book_of("bingx")
    mark, rate = responses.premium(payload, book, T0)
    assert isinstance(mark, MarkPrice)
    assert mark.index_price == 49_996.0
    assert isinstance(rate, FundingRate)
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.01), 4.0)
    payload["data"] |= {"markPrice": {}, "fundingIntervalHours": None}
    (rate,) = responses.premium(payload, book_of("bingx"), T0)
    assert rate.interval_h == 8.0  # type: ignore[union-attr]


@pytest.mark.parametrize("change", [{"p": "0"}, {"q": "-1"}, {"T": 0}, {"m": "maybe"}, {"q": None}])
def test_a_broken_trade_costs_itself(change: dict[str, object]) -> None:
    message, book = frame("bingx", "trades"), book_of("bingx")
    message["data"][0] |= change
    assert (len(read("bingx", message, book).trades), book.rejected) == (1, 1)


def test_what_is_no_list_is_told() -> None:
    message = frame("bingx", "trades") | {"data": None}
    with pytest.raises(MalformedMessage, match="trade"):
        read("bingx", message)
    spot = frame("bingx", "trades") | {"dataType": "BTC-USDT@kline_1m", "data": []}
    assert read("bingx", spot).ours is False


def test_the_server_is_answered_in_words() -> None:
    (spec,) = [stream.socket for stream in STREAMS.streams if stream.socket is not None]
    assert spec.answer is not None
    assert [spec.answer(raw) for raw in ("Ping", b"Ping", '{"code":0}')] == ["Pong", "Pong", None]
