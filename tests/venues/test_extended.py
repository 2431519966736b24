"""Extended: what is easily read wrong of its messages."""

import json
from typing import Any

import pytest

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.extended import responses
from liqbot.venues.extended.messages import parse
from liqbot.venues.parsing import WireBook, WireContract

TIME_MS = 1_701_563_440_000


def book_of(*ids: str) -> WireBook:
    return WireBook("extended", [WireContract(symbol_id=one, symbol=one, venue_key="extended", coin=one)
                                 for one in ids])


def trade(**fields: Any) -> str:
    row = {"m": "BTC-USD", "S": "BUY", "tT": "TRADE", "T": TIME_MS, "p": "50000", "q": "0.5", "i": 25_124}
    return json.dumps({"ts": TIME_MS, "data": [row | fields], "seq": 2})


def test_a_forced_sale_closed_a_long_and_is_a_trade_too() -> None:
    parsed = parse(trade(S="SELL", tT="LIQUIDATION"), book_of("BTC-USD"))
    assert parsed.trades == [(0, TIME_MS, 50_000.0, 25_000.0, False)]
    assert parsed.facts == [Liquidation(time_ms=TIME_MS, venue="extended", coin="BTC-USD", side=Side.LONG,
                                        price=50_000.0, size_usd=25_000.0)]


def test_deleveraging_is_no_price_of_the_market() -> None:
    book = book_of("BTC-USD")
    parsed = parse(trade(tT="DELEVERAGE"), book)
    assert (parsed.trades, parsed.facts, book.off_book) == ([], [], 1)


def test_a_trade_told_again_is_one_trade() -> None:
    book = book_of("BTC-USD")
    assert len(parse(trade(), book).trades) == 1
    assert parse(trade(), book).trades == []
    assert len(parse(trade(i=25_125), book).trades) == 1


@pytest.mark.parametrize("odd", [{"tT": "OTHER"}, {"S": "HOLD"}, {"p": "-1"}])
def test_what_is_not_known_is_left_out(odd: dict[str, Any]) -> None:
    book = book_of("BTC-USD")
    parsed = parse(trade(**odd), book)
    assert (parsed.trades, parsed.facts, book.rejected) == ([], [], 1)


def test_candles_are_not_trades() -> None:
    frame = {"ts": TIME_MS, "data": [{"T": TIME_MS, "o": "1", "l": "1", "h": "1", "c": "1", "v": "1"}], "seq": 1}
    assert not parse(json.dumps(frame), book_of("BTC-USD")).ours


def test_open_interest_is_in_usd_and_the_rate_by_its_name_is_a_time() -> None:
    stats = {"markPrice": "50000", "indexPrice": "50010", "fundingRate": "0.000013", "nextFundingRate": TIME_MS,
             "openInterest": "115861923.3", "openInterestBase": "1500"}
    payload = {"status": "OK", "data": [{"name": "BTC-USD", "marketStats": stats}, {"name": "X", "marketStats": {}}]}
    mark, interest, rate = responses.markets(payload, book_of("BTC-USD"), TIME_MS)
    assert mark == MarkPrice(time_ms=TIME_MS, venue="extended", coin="BTC-USD", mark_price=50_000.0,
                             index_price=50_010.0)
    assert interest == OpenInterest(time_ms=TIME_MS, venue="extended", coin="BTC-USD", oi_usd=115_861_923.3)
    assert isinstance(rate, FundingRate)
    assert rate.rate_pct == pytest.approx(0.0013)
