"""MEXC on the wire: what its numbers mean, and what a broken one costs."""

import json

import pytest
from venue_frames import answer, book_of, frame, read
from wire_recordings import WIRE, recorded

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.venues.mexc import responses
from liqbot.venues.parsing import MalformedMessage
from liqbot.venues.registry import VENUES

T0 = 1_767_225_600_000


def test_a_sample_of_a_deal_is_in_contracts_of_a_ten_thousandth_coin_and_sold() -> None:
    path = WIRE / "more" / "mexc" / "Subscriptions" / "FuturesApi" / "Trades.txt"
    if not path.exists():
        pytest.skip(f"no samples at {WIRE}")
    pushed = path.read_text(encoding="utf-8").partition("\n= \n")[2]
    assert read("mexc", json.loads(pushed)).trades == [
        (0, 1_763_645_012_047, 91_847.4, pytest.approx(49 * 0.0001 * 91_847.4), False)
    ]


def test_recorded_deals_are_in_contracts_and_on_the_side_of_the_taker() -> None:
    (raw,) = [raw for raw, _ in recorded("mexc-futures") if "push.deal" in raw]
    assert read("mexc", raw).trades == [
        (0, 1_755_487_578_276, 115_309.8, pytest.approx(55 * 0.0001 * 115_309.8), False),
        (0, 1_755_487_578_275, 115_309.8, pytest.approx(11 * 0.0001 * 115_309.8), True),
    ]


def test_a_deal_alone_reads_like_a_list_of_one() -> None:
    listed, alone = frame("mexc", "trades"), frame("mexc", "trades")
    alone["data"] = listed["data"][0]
    assert read("mexc", alone).trades == read("mexc", listed).trades[:1]


def test_coin_margined_contracts_are_of_a_hundred_usd_at_any_price() -> None:
    assert read("mexc", frame("mexc", "trades", 1)).trades == [(2, T0 + 300, 50_010.0, 700.0, False)]


def test_a_broken_deal_costs_itself() -> None:
    message, book = frame("mexc", "trades"), book_of("mexc")
    good = message["data"][0]
    message["data"] = [good, good | {"p": 0}, good | {"T": 3}, good | {"v": "x"}, None, good | {"t": -1}]
    assert len(read("mexc", message, book).trades) == 1
    assert book.rejected == 5


def test_a_contract_that_is_not_watched_is_left_unread() -> None:
    message, book = frame("mexc", "trades"), book_of("mexc")
    message |= {"symbol": "XRP_USDT", "data": [None]}
    assert (read("mexc", message, book).ignored, book.rejected) == (1, 0)


def test_a_ticker_carries_four_figures_and_a_broken_one_costs_itself() -> None:
    message, book = frame("mexc", "mark"), book_of("mexc")
    assert [type(one) for one in read("mexc", message, book_of("mexc")).facts] == [MarkPrice, FundingRate, OpenInterest]
    message["data"] |= {"fundingRate": {}, "indexPrice": "n/a"}
    mark, interest = read("mexc", message, book).facts
    assert (mark.mark_price, mark.index_price) == (50_001.0, None)  # type: ignore[union-attr]
    assert interest.oi_usd == pytest.approx(200_000_000 * 0.0001 * 50_001.0)  # type: ignore[union-attr]
    assert book.rejected == 2


def test_the_interval_of_funding_is_that_of_the_request() -> None:
    book, payload = book_of("mexc"), answer("mexc", "contractPublicGetFundingRateSymbol")
    payload["data"]["collectCycle"] = 4
    assert responses.fundings(payload, book, 0)[0].interval_h == 4.0  # type: ignore[union-attr]
    later = frame("mexc", "mark")
    later["data"]["timestamp"] += 120_000
    rates = [one for one in read("mexc", later, book).facts if isinstance(one, FundingRate)]
    assert [one.interval_h for one in rates] == [4.0]


def test_columns_of_different_length_are_no_bars() -> None:
    payload = answer("mexc", "contractPublicGetKlineSymbol")
    bars = [one for one in responses.bars(payload, book_of("mexc"), 0) if isinstance(one, TradeBar)]
    assert [(one.time_ms, one.volume_usd) for one in bars] == [
        (T0 + 300_000, pytest.approx(40.0 * 50_010)), (T0 + 600_000, pytest.approx(30.0 * 50_005)),
    ]
    payload["data"]["vol"].pop()
    with pytest.raises(MalformedMessage, match="kline"):
        responses.bars(payload, book_of("mexc"), 0)


def test_tiers_by_the_rule_and_one_by_one() -> None:
    payload, book = answer("mexc", "contractPublicGetDetail"), book_of("mexc")
    by_rule = responses.tiers(payload, book, 0)
    assert [(one.cap_usd, round(one.leverage_max, 6), one.maintenance_pct) for one in by_rule[:2]] == [
        (pytest.approx(15.0), 125.0, pytest.approx(0.4)), (pytest.approx(30.0), 83.333333, pytest.approx(0.8)),
    ]
    payload["data"]["riskLimitCustom"] = [
        {"level": 1, "maxVol": 50_000, "mmr": 0.002, "imr": 0.002, "maxLeverage": 500},
        {"level": 2, "maxVol": 310_000, "mmr": 0.004, "imr": 0.005, "maxLeverage": 200},
    ]
    payload["data"] = [payload["data"] | {"symbol": "ETH_USDT", "riskLevelLimit": 0}, payload["data"]]
    assert [(one.cap_usd, one.leverage_max) for one in responses.tiers(payload, book, 0)] == [
        (pytest.approx(5.0), 500.0), (pytest.approx(31.0), 200.0),
    ]


def test_the_private_notice_about_liquidation_is_no_forced_order() -> None:
    notice = {"channel": "push.personal.generic.notify", "data": {"type": "LIQUIDATION", "symbol": "BTC_USDT"}, "ts": 1}
    parsed = read("mexc", notice)
    assert (parsed.ours, parsed.facts) == (False, [])
    assert VENUES["mexc"].lack("forced_orders")
    assert not any(isinstance(fact, Liquidation) for fact in parsed.facts)
