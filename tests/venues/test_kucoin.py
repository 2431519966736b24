"""KuCoin futures on the wire: nanoseconds, contracts, and a mark that comes by two ways."""

import pytest
from venue_frames import answer, book_of, frame, read

from liqbot.events import FundingRate, MarkPrice, OpenInterest
from liqbot.venues.kucoin import responses
from liqbot.venues.parsing import MalformedMessage

T0 = 1_767_225_600_000


def test_nanoseconds_become_milliseconds_and_contracts_usd() -> None:
    assert read("kucoin", frame("kucoin", "trades")).trades == [
        (0, T0 + 250, 50_000.5, pytest.approx(20 * 0.001 * 50_000.5), True)
    ]
    assert read("kucoin", frame("kucoin", "trades", 1)).trades == [(2, T0 + 300, 50_010.0, 700.0, False)]


def test_a_match_of_the_spot_market_is_none_of_futures() -> None:
    message = frame("kucoin", "trades")
    message |= {"topic": "/market/match:BTC-USDT", "subject": "trade.l3match"}
    assert read("kucoin", message).ours is False
    message["subject"] = "match"
    parsed = read("kucoin", message)
    assert parsed.trades == []


@pytest.mark.parametrize("change", [{"price": "0"}, {"side": "hold"}, {"size": -3}, {"ts": 0}])
def test_a_match_that_cannot_be_is_counted(change: dict[str, object]) -> None:
    message, book = frame("kucoin", "trades"), book_of("kucoin")
    message["data"] |= change
    assert (read("kucoin", message, book).trades, book.rejected) == ([], 1)


def test_a_match_of_another_shape_is_told_with_its_field() -> None:
    message = frame("kucoin", "trades")
    message["data"]["price"] = None
    with pytest.raises(MalformedMessage, match=r"match data\.price"):
        read("kucoin", message)
    message["data"]["symbol"] = "XRPUSDTM"
    assert read("kucoin", message).ignored == 1


def test_the_mark_brings_index_and_open_interest_and_a_broken_one_costs_itself() -> None:
    message, book = frame("kucoin", "mark"), book_of("kucoin")
    mark, interest = read("kucoin", message).facts
    assert mark == MarkPrice(time_ms=T0 + 1_000, venue="kucoin", coin="BTC", mark_price=50_001.0, index_price=49_996.0)
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(20_000_000 * 0.001 * 50_001.0)
    message["d"]["oi"] = []
    assert [type(one) for one in read("kucoin", message, book).facts] == [MarkPrice]
    assert book.rejected == 1


def test_funding_takes_the_time_of_the_push_and_the_interval_of_the_contract() -> None:
    (rate,) = read("kucoin", frame("kucoin", "funding")).facts
    assert isinstance(rate, FundingRate)
    assert (rate.time_ms, rate.rate_pct, rate.interval_h) == (T0 + 2_000, pytest.approx(0.0035), 8.0)
    payload = answer("kucoin", "futuresPublicGetContractsSymbol")
    rates = [one for one in responses.contracts(payload, book_of("kucoin"), T0) if isinstance(one, FundingRate)]
    # The interval in force now, not the usual one.
    assert [one.interval_h for one in rates] == [4.0]


def test_past_open_interest_is_valued_with_the_bar_that_ended_there() -> None:
    book, payload = book_of("kucoin"), answer("kucoin", "utaGetMarketOpenInterest")
    assert responses.past_open_interest(payload, book, 0) == []
    responses.bars(answer("kucoin", "futuresPublicGetKlineQuery"), book, 0)
    first, second = responses.past_open_interest(payload, book, 0)
    assert first.oi_usd == pytest.approx(20_000 * 50_010.0)  # type: ignore[union-attr]
    assert second.oi_usd == pytest.approx(20_001 * 50_005.0)  # type: ignore[union-attr]
