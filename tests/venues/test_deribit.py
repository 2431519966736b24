"""Deribit: recordings against an independent reading of them, and what its fields do not say."""

import json
from typing import Any

import pytest
from read_venues import read_venue
from wire_recordings import WIRE as RECORDINGS
from wire_recordings import milliseconds, recorded, sample

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import FundingStage, Side
from liqbot.venues.deribit import responses
from liqbot.venues.deribit.messages import parse
from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook, WireContract
from liqbot.venues.registry import VENUES

INVERSE = WireContract(symbol_id="BTC-PERPETUAL", symbol="BTC/USD:BTC", venue_key="deribit:coin", coin="BTC",
                       contract_units=10.0, inverse=True)
LINEAR = WireContract(symbol_id="BTC_USDC-PERPETUAL", symbol="BTC/USDC:USDC", venue_key="deribit", coin="BTC",
                      contract_units=0.001)
TIME_MS = 1_767_283_801_200
TRADE = {"trade_seq": 1, "trade_id": "1", "timestamp": TIME_MS, "tick_direction": 2, "price": 50_000.0,
         "mark_price": 50_001.0, "instrument_name": "BTC-PERPETUAL", "index_price": 50_002.0, "direction": "buy",
         "amount": 2_500.0, "contracts": 250.0}


def book() -> WireBook:
    return WireBook("deribit", (INVERSE, LINEAR))


def told(*rows: dict[str, Any], into: WireBook | None = None) -> Parsed:
    frame = {"jsonrpc": "2.0", "method": "subscription",
             "params": {"channel": "trades.BTC-PERPETUAL.100ms", "data": [TRADE | row for row in rows]}}
    return parse(json.dumps(frame), into or book())


def closed(parsed: Parsed) -> list[tuple[Side, float, float]]:
    return [(fact.side, fact.price, fact.size_usd) for fact in parsed.facts if isinstance(fact, Liquidation)]


def test_every_recorded_trade_forced_order_and_quote_agrees_with_the_independent_reading():
    seen = {"trade": 0, "liquidation": 0, "derivative_ticker": 0}
    for raw, entries in recorded("deribit"):
        own = [entry for entry in entries if entry.get("symbol") == "BTC-PERPETUAL"]
        parsed = parse(raw, book())
        trades = [entry for entry in own if entry["type"] == "trade"]
        assert [(time_ms, price, size_usd, bought) for _, time_ms, price, size_usd, bought in parsed.trades] == [
            (milliseconds(entry["timestamp"]), entry["price"], entry["amount"], entry["side"] == "buy")
            for entry in trades
        ]
        assert closed(parsed) == [
            # The oracle names the order: a forced sell closed a long.
            (Side.LONG if entry["side"] == "sell" else Side.SHORT, entry["price"], pytest.approx(entry["amount"]))
            for entry in own if entry["type"] == "liquidation"
        ]
        for entry in own:
            seen[entry["type"]] = seen.get(entry["type"], 0) + 1
            if entry["type"] == "derivative_ticker":
                mark, rate, interest = parsed.facts
                assert mark == MarkPrice(time_ms=milliseconds(entry["timestamp"]), venue="deribit:coin", coin="BTC",
                                         mark_price=entry["markPrice"], index_price=entry["indexPrice"])
                assert isinstance(rate, FundingRate)
                assert rate.rate_pct == pytest.approx(entry["fundingRate"] * 100)
                assert isinstance(interest, OpenInterest)
                assert interest.oi_usd == pytest.approx(entry["openInterest"])
    assert (seen["trade"], seen["liquidation"], seen["derivative_ticker"]) == (4, 2, 2)


def test_samples_of_the_present_format():
    into = book()
    parsed = parse(sample("deribit/test_data/ws_trades.json"), into)
    # The first one is the leg of a combination, 7 USD from the market.
    assert parsed.trades == [(0, 1_765_531_356_452, 92_288.5, 750.0, False)]
    assert into.off_book == 1
    mark, rate, interest = parse(sample("deribit/test_data/ws_ticker.json"), book()).facts
    assert mark == MarkPrice(time_ms=1_765_541_474_086, venue="deribit:coin", coin="BTC", mark_price=92_281.78,
                             index_price=92_263.55)
    assert rate == FundingRate(time_ms=1_765_541_474_086, venue="deribit:coin", coin="BTC", rate_pct=0.0,
                               interval_h=8.0, rate_stage=FundingStage.FORECAST)
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(1_132_329_370.0)
    answer = json.loads(sample("deribit/test_data/http_get_tradingview_chart_data.json"))
    bars = responses.bars(answer, book(), 0)
    assert [bar.volume_usd for bar in bars][:2] == [257_490.0, 250_000.0]  # type: ignore[union-attr]


def test_another_recording_is_read_alike():
    path = RECORDINGS / "more" / "deribit_gct" / "wsAllTrades.json"
    if not path.exists():
        pytest.skip(f"no recordings at {path}")
    frames = [line for line in path.read_text(encoding="utf-8").splitlines() if '"trades.' in line]
    trades = [trade for frame in frames for trade in parse(frame, book()).trades]
    assert (0, 1_742_627_465_811, 84_295.5, 8_430.0, True) in trades


def test_amounts_are_dollars_of_an_inverse_contract_and_coins_of_a_linear_one_never_contracts():
    assert told({}).trades == [(0, TIME_MS, 50_000.0, 2_500.0, True)]
    linear = {"instrument_name": "BTC_USDC-PERPETUAL", "amount": 0.049, "contracts": 49.0, "liquidation": "T"}
    parsed = told(linear)
    assert parsed.trades == [(1, TIME_MS, 50_000.0, 2_450.0, True)]
    assert closed(parsed) == [(Side.SHORT, 50_000.0, pytest.approx(2_450.0))]


@pytest.mark.parametrize(("letters", "direction", "sides"), [
    ("T", "buy", [Side.SHORT]), ("T", "sell", [Side.LONG]), ("M", "buy", [Side.LONG]), ("M", "sell", [Side.SHORT]),
    ("MT", "buy", [Side.SHORT, Side.LONG]), ("MT", "sell", [Side.LONG, Side.SHORT]),
])
def test_the_letters_say_who_of_the_two_was_liquidated(letters: str, direction: str, sides: list[Side]):
    parsed = told({"liquidation": letters, "direction": direction})
    assert [side for side, _, _ in closed(parsed)] == sides
    assert len(parsed.trades) == 1


def test_a_letter_that_is_not_known_costs_the_forced_order_alone():
    into = book()
    parsed = told({"liquidation": "X"}, into=into)
    assert (len(parsed.trades), closed(parsed), into.rejected) == (1, [], 1)


@pytest.mark.parametrize("mark", [
    {"block_trade_id": "BLOCK-1"}, {"combo_id": "BTC-FS-26JUN26_PERP", "combo_trade_id": "7"}, {"combo_trade_id": 7},
])
def test_blocks_and_legs_of_combinations_make_no_bar(mark: dict[str, Any]):
    into = book()
    assert told(mark, {}, into=into).trades == [(0, TIME_MS, 50_000.0, 2_500.0, True)]
    assert into.off_book == 1


def test_a_row_that_cannot_be_read_costs_itself_alone():
    into = book()
    rows: list[dict[str, Any]] = [
        {"price": "dear"}, {"amount": -1}, {"direction": "up"}, {"timestamp": None}, {},
        {"instrument_name": "BTC-27MAR26", "price": "dear"},
    ]
    parsed = told(*rows, into=into)
    assert (len(parsed.trades), into.rejected, parsed.ignored) == (1, 4, 1)


@pytest.mark.parametrize("change", [{"data": None}, {"data": {"price": 1}}, {"data": 5}])
def test_a_frame_without_rows_is_refused(change: dict[str, Any]):
    frame = {"method": "subscription", "params": {"channel": "trades.BTC-PERPETUAL.100ms"} | change}
    with pytest.raises(MalformedMessage, match="deribit trades"):
        parse(json.dumps(frame), book())


def test_open_interest_of_a_linear_contract_is_coins_and_waits_for_a_price():
    ticker = {"instrument_name": "BTC_USDC-PERPETUAL", "timestamp": TIME_MS, "open_interest": 1_642.5}
    frame = {"method": "subscription", "params": {"channel": "ticker.BTC_USDC-PERPETUAL.100ms", "data": ticker}}
    into = book()
    assert parse(json.dumps(frame), into).facts == []
    ticker["mark_price"] = 50_000.0
    interest = parse(json.dumps(frame), into).facts[-1]
    assert isinstance(interest, OpenInterest)
    assert interest.oi_usd == pytest.approx(1_642.5 * 50_000.0)


def test_what_was_paid_each_hour_is_told_once():
    rows = [{"timestamp": TIME_MS + hour * 3_600_000, "interest_8h": 8e-5, "interest_1h": 1e-5} for hour in range(3)]
    into = book()
    past = responses.past_funding({"result": rows}, into, 0)
    assert [(fact.rate_pct, fact.interval_h) for fact in past] == [(pytest.approx(0.001), 1.0)] * 3  # type: ignore[union-attr]
    assert into.quotes[0].interval_h == 8.0


def test_columns_of_different_length_are_refused():
    chart = {"ticks": [1], "open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0, 2.0], "cost": [1.0]}
    with pytest.raises(MalformedMessage, match=r"columns of \[1, 2\] rows"):
        responses.bars({"result": chart}, book(), 0)


def test_answers_and_heartbeats_are_left_to_the_client():
    for frame in ({"id": 1, "result": ["trades.BTC-PERPETUAL.100ms"]}, {"method": "heartbeat", "params": {"type": "x"}},
                  {"method": "subscription", "params": {"channel": "quote.BTC-PERPETUAL", "data": {}}}):
        assert not parse(json.dumps(frame), book()).ours


def test_its_tiers_are_a_rule():
    assert VENUES["deribit"].wire is not None
    assert VENUES["deribit"].wire.tiers is None
    assert VENUES["deribit"].tier_access == "rule"


async def test_its_contracts_are_listed_without_thousands_of_options() -> None:
    async with read_venue("deribit") as place:
        listed = [one.query for one in place.loop.server.log if one.endpoint.endswith("/get_instruments")]
    assert listed == ["kind=future"]
