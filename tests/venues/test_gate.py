"""Gate's own traps: sizes in contracts with a sign, trades that are none, an inverse contract of one dollar."""

import json
from typing import Any

import pytest
from wire_recordings import milliseconds, recorded

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.gate import messages, responses
from liqbot.venues.parsing import MalformedMessage, WireBook, WireContract

LINEAR = WireContract(symbol_id="BTC_USDT", symbol="BTC/USDT:USDT", venue_key="gate", coin="BTC", contract_units=0.0001)
INVERSE = WireContract(symbol_id="BTC_USD", symbol="BTC/USD:BTC", venue_key="gate:coin", coin="BTC", inverse=True)
AT_MS = 1_767_283_800_000


def book() -> WireBook:
    return WireBook("gate", [LINEAR, INVERSE])


def message(channel: str, *rows: dict[str, Any], **more: Any) -> str:
    return json.dumps({"time": AT_MS // 1_000, "time_ms": AT_MS, "channel": channel, "event": "update",
                       "result": list(rows)} | more)


def trade(contract: str, size: str, **more: Any) -> dict[str, Any]:
    return {"contract": contract, "size": size, "price": "50000", "id": 1, "create_time_ms": AT_MS} | more


def test_the_sign_of_a_size_is_the_taker_and_contracts_become_usd() -> None:
    parsed = messages.parse(message("futures.trades", trade("BTC_USDT", "-1250.5"), trade("BTC_USD", "300"),
                                    trade("DOGE_USDT", "1")), book())
    assert parsed.trades == [(0, AT_MS, 50_000.0, pytest.approx(1250.5 * 0.0001 * 50_000), False),
                             (1, AT_MS, 50_000.0, 300.0, True)]
    assert parsed.ignored == 1


def test_what_the_insurance_fund_takes_over_is_no_trade_of_the_book() -> None:
    found = book()
    parsed = messages.parse(message("futures.trades", trade("BTC_USDT", "-10", is_internal=True),
                                    trade("BTC_USDT", "10", is_internal=False)), found)
    assert (len(parsed.trades), found.off_book, found.rejected) == (1, 1, 0)


@pytest.mark.parametrize(("size", "side"), [("-1240", Side.SHORT), ("1240", Side.LONG), (-1240, Side.SHORT)])
def test_a_forced_order_names_the_position_by_its_sign(size: Any, side: Side) -> None:
    row = {"contract": "BTC_USDT", "price": 50_310.5, "size": size, "time_ms": AT_MS}
    assert messages.parse(message("futures.public_liquidates", row), book()).facts == [
        Liquidation(time_ms=AT_MS, venue="gate", coin="BTC", side=side, price=50_310.5,
                    size_usd=pytest.approx(1240 * 0.0001 * 50_310.5))
    ]


def test_a_ticker_tells_mark_index_funding_and_one_sided_open_interest() -> None:
    row = {"contract": "BTC_USDT", "last": "50194", "mark_price": "50000", "index_price": "49990",
           "funding_rate": "-0.0002", "funding_rate_indicative": "0.9", "total_size": "200000000"}
    mark, rate, interest = messages.parse(message("futures.tickers", row), book()).facts
    assert mark == MarkPrice(time_ms=AT_MS, venue="gate", coin="BTC", mark_price=50_000.0, index_price=49_990.0)
    assert isinstance(rate, FundingRate)
    assert rate.rate_pct == pytest.approx(-0.02)
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(200_000_000 * 0.0001 * 50_000)


def test_the_interval_of_funding_comes_from_the_contract() -> None:
    found = book()
    payload = {"name": "BTC_USDT", "funding_interval": 14_400, "funding_rate": "0.0001"}
    (rate,) = responses.intervals(payload, found, AT_MS)
    assert isinstance(rate, FundingRate)
    assert (rate.interval_h, rate.rate_pct) == (4.0, pytest.approx(0.01))
    (later,) = messages.parse(message("futures.tickers", {"contract": "BTC_USDT", "mark_price": "1",
                                                          "funding_rate": "0.0003"}, time_ms=AT_MS + 60_000), found
                              ).facts[1:]
    assert isinstance(later, FundingRate)
    assert later.interval_h == 4.0


def test_an_unreadable_row_costs_itself_alone() -> None:
    found = book()
    parsed = messages.parse(message("futures.trades", trade("BTC_USDT", "1"), trade("BTC_USDT", "much"),
                                    trade("BTC_USDT", "2", create_time_ms=None)), found)
    assert (len(parsed.trades), found.rejected) == (1, 2)
    with pytest.raises(MalformedMessage, match=r"gate futures\.tickers time_ms"):
        messages.parse(message("futures.tickers", {"contract": "BTC_USDT"}, time_ms=None), book())


def test_bars_are_valued_by_the_venue_and_inverse_ones_by_their_contracts() -> None:
    row = {"t": AT_MS // 1_000, "o": "1", "h": "3", "l": "0.5", "c": "2", "v": 7, "sum": "70.5"}
    assert [fact.volume_usd for fact in responses.bars([row], book(), 0)] == [70.5]  # type: ignore[union-attr]
    assert [fact.volume_usd for fact in responses.bars([row], book(), 1)] == [7.0]  # type: ignore[union-attr]


def test_recorded_messages_have_the_independent_price_amount_and_side() -> None:
    checked = 0
    for raw, entries in recorded("gate-io-futures"):
        told = json.loads(raw)
        rows = told["result"] if entries and isinstance(told["result"], list) else []
        if told["channel"] == "futures.trades" and rows and "create_time_ms" in rows[0]:
            names = sorted({row["contract"] for row in rows})
            found = WireBook("gate", [WireContract(symbol_id=name, symbol=name, venue_key="gate", coin=name)
                                      for name in names])
            assert [(names[index], time_ms, price, usd / price, bought)
                    for index, time_ms, price, usd, bought in messages.parse(raw, found).trades] == [
                (one["symbol"], pytest.approx(milliseconds(one["timestamp"]), abs=1_000), one["price"],
                 pytest.approx(one["amount"]), one["side"] == "buy") for one in entries
            ]
            checked += len(entries)
        elif told["channel"] == "futures.tickers" and rows and "time_ms" in told:
            (entry,) = entries
            found = WireBook("gate", [WireContract(symbol_id=entry["symbol"], symbol="", venue_key="gate", coin="BTC")])
            mark, rate, interest = messages.parse(raw, found).facts
            assert isinstance(mark, MarkPrice)
            assert (mark.mark_price, mark.index_price) == (entry["markPrice"], entry["indexPrice"])
            assert isinstance(rate, FundingRate)
            assert rate.rate_pct == pytest.approx(entry["fundingRate"] * 100)
            assert isinstance(interest, OpenInterest)
            checked += 1
    assert checked >= 4


def test_the_recorded_trade_of_the_present_format() -> None:
    raw = next(raw for raw, _ in recorded("gate-io-futures") if '"-0.25"' in raw)
    found = WireBook("gate", [WireContract(symbol_id="ETH_USDT", symbol="", venue_key="gate", coin="ETH")])
    assert messages.parse(raw, found).trades == [(0, 1_774_443_183_399, 2171.44, pytest.approx(0.25 * 2171.44), False)]
