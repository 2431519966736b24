"""HTX on the wire: what counts both sides, whose side a forced order names, and a broken row."""

import json

import pytest
from venue_frames import answer, book_of, frame, read
from wire_recordings import WIRE

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.venues.htx import responses
from liqbot.venues.htx.streams import WIRE as STREAMS
from liqbot.venues.parsing import MalformedMessage, WireBook, WireContract

T0 = 1_767_225_600_000


def documented(name: str) -> str:
    path = WIRE / "more" / "htx" / "Subscriptions" / "UsdtMarginSwap" / name
    if not path.exists():
        pytest.skip(f"no payloads at {WIRE}")
    return json.dumps(json.loads(path.read_text(encoding="utf-8").partition("\n= \n")[2]))


def one_contract(name: str, units: float) -> WireBook:
    return WireBook("htx", [
        WireContract(symbol_id=name, symbol=name, venue_key="htx", coin=name.partition("-")[0],
                     contract_units=units)
    ])


def test_a_trade_counts_the_buyer_and_the_seller_and_is_halved() -> None:
    """196 contracts of .01 ETH on both sides: 98 changed hands."""
    parsed = read("htx", documented("Trades.txt"), one_contract("ETH-USDT", 0.01))
    assert parsed.trades == [(0, 1_722_863_196_444, 2_246.49, pytest.approx(98 * 0.01 * 2_246.49), False)]


def test_a_forced_order_counts_once_and_a_sell_closed_a_long() -> None:
    (order,) = read("htx", documented("Liquidation.txt"), one_contract("O3-USDT", 1.0)).facts
    assert order == Liquidation(time_ms=1_639_122_193_172, venue="htx", coin="O3", side=Side.LONG, price=0.7858,
                                size_usd=pytest.approx(339.4656))
    (short,) = read("htx", frame("htx", "liquidation", 1)).facts
    assert (short.venue, short.side, short.size_usd) == ("htx:coin", Side.SHORT, 1_200.0)  # type: ignore[union-attr]


def test_the_side_of_a_trade_is_the_takers_and_of_a_forced_order_the_orders() -> None:
    trades = read("htx", frame("htx", "trades")).trades
    assert [(row[1], row[4]) for row in trades] == [(T0 + 250, True), (T0 + 251, False)]
    sides = [read("htx", frame("htx", "liquidation", place)).facts[0].side for place in (0, 1)]  # type: ignore[union-attr]
    assert sides == [Side.LONG, Side.SHORT]


def test_documented_funding_and_prices() -> None:
    book = one_contract("BTC-USDT", 0.001)
    (rate,) = read("htx", documented("Funding.txt"), book).facts
    assert isinstance(rate, FundingRate)
    assert (rate.time_ms, rate.rate_pct) == (1_603_778_748_166, pytest.approx(-0.0220068774978695))
    daily = json.loads(documented("MarkKline.txt")) | {"ch": "market.BTC-USDT.mark_price.1day"}
    assert read("htx", daily, book).ours is False
    minute = daily | {"ch": "market.BTC-USDT.mark_price.1min"}
    (mark,) = read("htx", minute, book).facts
    assert isinstance(mark, MarkPrice)
    assert (mark.mark_price, mark.index_price) == (9_800.12, None)


def test_the_index_travels_on_with_the_next_mark() -> None:
    book = book_of("htx")
    assert read("htx", frame("htx", "mark", 0), book).facts == []
    (mark,) = read("htx", frame("htx", "mark", 1), book).facts
    assert (mark.mark_price, mark.index_price) == (50_001.0, 49_996.0)  # type: ignore[union-attr]


def test_open_interest_counts_one_side_with_and_without_a_value() -> None:
    linear, inverse = book_of("htx"), book_of("htx")
    (told,) = responses.open_interests(answer("htx", "contractPublicGetV5MarketOpenInterest"), linear, T0)
    assert told.oi_usd == pytest.approx(2_000_040_000.0)  # type: ignore[union-attr]
    (coin,) = responses.open_interests(answer("htx", "contractPublicGetSwapApiV1SwapOpenInterest"), inverse, T0)
    assert coin.oi_usd == pytest.approx(518_018 * 100)  # type: ignore[union-attr]
    valueless = answer("htx", "contractPublicGetV5MarketOpenInterest")
    del valueless["data"]["value"]
    book = book_of("htx")
    assert responses.open_interests(valueless, book, T0) == []
    read("htx", frame("htx", "mark", 1), book)
    (counted,) = responses.open_interests(valueless, book, T0)
    assert counted.oi_usd == pytest.approx(40_000 * 50_001.0)  # type: ignore[union-attr]


def test_of_the_past_volumes_are_halved_and_open_interest_is_not() -> None:
    book = book_of("htx")
    bars = responses.bars(answer("htx", "contractPublicGetLinearSwapExMarketHistoryKline"), book, 0)
    assert [(one.time_ms, one.volume_usd) for one in bars if isinstance(one, TradeBar)] == [
        (T0 + 300_000, pytest.approx(40.0 * 50_010)), (T0 + 600_000, pytest.approx(30.0 * 50_005)),
    ]
    linear = responses.past_open_interest(answer("htx", "contractPublicGetLinearSwapApiV1SwapHisOpenInterest"), book, 0)
    coin = responses.past_open_interest(answer("htx", "contractPublicGetSwapApiV1SwapHisOpenInterest"), book, 2)
    assert [one.oi_usd for one in [*linear, *coin] if isinstance(one, OpenInterest)] == [
        pytest.approx(2_000_400_000.0), pytest.approx(51_801_800.0),
    ]


def test_the_interval_lies_between_the_next_two_payments() -> None:
    payload = answer("htx", "contractPublicGetV5MarketFundingRate")
    payload["data"][0]["next_funding_time"] = str(T0 + 28_800_000 + 4 * 3_600_000)
    (rate,) = responses.fundings(payload, book_of("htx"), T0)
    assert rate.interval_h == 4.0  # type: ignore[union-attr]
    (coin,) = responses.fundings(answer("htx", "contractPublicGetSwapApiV1SwapFundingRate"), book_of("htx"), T0)
    assert (coin.venue, coin.interval_h) == ("htx:coin", 8.0)  # type: ignore[union-attr]


@pytest.mark.parametrize("change", [{"price": 0}, {"direction": "hold"}, {"amount": "x"}, {"ts": -1}])
def test_a_broken_trade_costs_itself(change: dict[str, object]) -> None:
    message, book = frame("htx", "trades"), book_of("htx")
    message["tick"]["data"][0] |= change
    assert (len(read("htx", message, book).trades), book.rejected) == (1, 1)


def test_a_broken_forced_order_costs_itself_and_a_foreign_one_nothing() -> None:
    message, book = frame("htx", "liquidation"), book_of("htx")
    good = message["data"][0]
    message["topic"] = "public.*.liquidation_orders"
    message["data"] = [good, good | {"direction": "long"}, good | {"volume": None}, {"contract_code": "O3-USDT"}, good]
    parsed = read("htx", message, book)
    assert (len(parsed.facts), parsed.ignored, book.rejected) == (2, 1, 2)
    message["data"] = {}
    with pytest.raises(MalformedMessage, match="liquidation_orders"):
        read("htx", message, book)


def test_the_server_is_answered_in_its_two_ways() -> None:
    dials = [stream.socket for stream in STREAMS.streams if stream.socket is not None]
    assert [dial.answer('{"ping":5}') for dial in dials if dial.answer] == [{"pong": 5}, {"pong": 5}]
    assert dials[1].answer is not None
    assert dials[1].answer('{"op":"ping","ts":"7"}') == {"op": "pong", "ts": "7"}
    for other in ('{"op":"notify","topic":"public.ping"}', '{"ping', "ping", b'{"ch":"market.BTC-USDT.index.1min"}'):
        assert dials[1].answer(other) is None
