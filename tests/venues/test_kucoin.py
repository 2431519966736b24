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


def test_prices_name_their_contract_in_the_topic_and_a_broken_index_costs_itself() -> None:
    message, book = frame("kucoin", "mark"), book_of("kucoin")
    (mark,) = read("kucoin", message).facts
    assert mark == MarkPrice(time_ms=T0 + 1_000, venue="kucoin", coin="BTC", mark_price=50_001.0, index_price=49_996.0)
    message["data"]["indexPrice"] = []
    (mark,) = read("kucoin", message, book).facts
    assert (mark.index_price, book.rejected) == (None, 1)  # type: ignore[union-attr]
    message["topic"] = "/contract/instrument:XRPUSDTM"
    assert read("kucoin", message, book).ignored == 1


def test_open_interest_and_the_interval_of_funding_are_those_of_the_contract() -> None:
    book, payload = book_of("kucoin"), answer("kucoin", "futuresPublicGetContractsSymbol")
    facts = responses.contracts(payload, book, T0)
    assert [one.interval_h for one in facts if isinstance(one, FundingRate)] == [4.0]  # in force now, not the usual one
    (interest,) = [one for one in facts if isinstance(one, OpenInterest)]
    assert interest.oi_usd == pytest.approx(20_000_000 * 0.001 * 50_001.0)
    later = frame("kucoin", "funding") | {"topic": "/contract/instrument:XBTUSDTM"}
    later["data"]["timestamp"] += 120_000
    (rate,) = read("kucoin", later, book).facts
    assert (rate.rate_pct, rate.interval_h) == (pytest.approx(0.0035), 4.0)  # type: ignore[union-attr]
    payload["data"] |= {"currentFundingRateGranularity": 0, "openInterest": {}}
    again = book_of("kucoin")
    kinds = {type(one): one for one in responses.contracts(payload, again, T0)}
    assert set(kinds) == {MarkPrice, FundingRate}
    assert (kinds[FundingRate].interval_h, again.rejected) == (8.0, 1)  # type: ignore[union-attr]


def test_past_open_interest_is_valued_with_the_bar_that_ended_there() -> None:
    book, payload = book_of("kucoin"), answer("kucoin", "utaGetMarketOpenInterest")
    assert responses.past_open_interest(payload, book, 0) == []
    responses.bars(answer("kucoin", "futuresPublicGetKlineQuery"), book, 0)
    first, second = responses.past_open_interest(payload, book, 0)
    assert first.oi_usd == pytest.approx(20_000 * 50_010.0)  # type: ignore[union-attr]
    assert second.oi_usd == pytest.approx(20_001 * 50_005.0)  # type: ignore[union-attr]
