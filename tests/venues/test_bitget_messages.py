"""Bitget's unified public stream: recorded messages, and the traps of what it sends."""

import json
from typing import Any

import pytest
from wire_recordings import recorded

from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.bitget.messages import parse
from liqbot.venues.parsing import WireBook, WireContract

TIME_MS = 1_767_225_600_000


def book_of(*ids: str) -> WireBook:
    """Ids that end with USD are coin-margined contracts."""
    return WireBook("bitget", [
        WireContract(symbol_id=name, symbol=name, venue_key="bitget", coin=name, inverse=name.endswith("USD"),
                     contract_units=1.0)
        for name in ids
    ])


def told(topic: str, rows: list[dict[str, Any]], *, symbol: str = "BTCUSDT", action: str = "update") -> str:
    arg = {"instType": "usdt-futures", "topic": topic, "symbol": symbol}
    return json.dumps({"action": action, "arg": arg, "data": rows, "ts": TIME_MS})


def trade(**changes: str) -> dict[str, Any]:
    return {"i": "1", "p": "50000.5", "v": "0.02", "S": "buy", "T": str(TIME_MS), "L": "1", **changes}


def forced(**changes: str) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "amount": "25000", "ts": str(TIME_MS), **changes}


def recordings(topic: str) -> list[dict[str, Any]]:
    messages = [json.loads(raw) for raw, _ in recorded("bitget-futures")]
    found = [one for one in messages if one.get("arg", {}).get("topic") == topic]
    assert found
    return found


def facts_of(message: dict[str, Any]) -> list[MarketEvent]:
    ids = {row.get("symbol", message["arg"].get("symbol")) for row in message["data"]}
    return parse(json.dumps(message), book_of(*sorted(ids))).facts


# --- recorded ---------------------------------------------------------------------------------------------------------


def test_recorded_trades_are_read_and_the_snapshot_of_past_ones_is_not() -> None:
    seen = {}
    for message in recordings("publicTrade"):
        trades = parse(json.dumps(message), book_of(message["arg"]["symbol"])).trades
        seen[message["action"]] = [one[2:] for one in trades]
    assert seen == {"snapshot": [], "update": [(76_631.3, pytest.approx(0.01 * 76_631.3), True)]}


def test_a_recorded_ticker_gives_mark_index_funding_and_open_interest() -> None:
    (message,) = recordings("ticker")
    mark, rate, interest = facts_of(message)
    assert isinstance(mark, MarkPrice)
    assert isinstance(rate, FundingRate)
    assert isinstance(interest, OpenInterest)
    assert (mark.mark_price, mark.index_price) == (76_631.3, pytest.approx(76_671.438, abs=0.001))
    assert rate.rate_pct == pytest.approx(-0.003)
    assert interest.oi_usd == pytest.approx(29_539.3825 * 76_631.3)
    assert {mark.time_ms, rate.time_ms, interest.time_ms} == {int(message["ts"])}


def test_recorded_forced_orders_are_worth_what_their_amount_says_in_quote_coin() -> None:
    for message in recordings("liquidation"):
        orders = facts_of(message)
        assert [(one.time_ms, one.side, one.price, one.size_usd) for one in orders if isinstance(one, Liquidation)] == [
            (int(row["ts"]), Side.LONG if row["side"] == "buy" else Side.SHORT, float(row["price"]),
             pytest.approx(float(row["amount"])))
            for row in message["data"]
        ]


def test_messages_of_the_classic_stream_are_left_to_the_client() -> None:
    classic = [json.loads(raw) for raw, _ in recorded("bitget-futures")]
    classic = [one for one in classic if "channel" in one.get("arg", {})]
    assert classic
    for message in classic:
        parsed = parse(json.dumps(message), book_of(message["arg"]["instId"]))
        assert (parsed.trades, parsed.facts, parsed.ours) == ([], [], False)


# --- traps ------------------------------------------------------------------------------------------------------------


def test_after_a_reconnect_nothing_is_counted_twice() -> None:
    book = book_of("BTCUSDT")
    live, again = told("publicTrade", [trade()]), told("publicTrade", [trade()], action="snapshot")
    assert [len(parse(raw, book).trades) for raw in (again, live, again)] == [0, 1, 0]


def test_trades_of_coin_margined_contracts_are_counted_in_usd() -> None:
    book = book_of("BTCUSD", "BTCUSDT")
    inverse = parse(told("publicTrade", [trade(v="700")], symbol="BTCUSD"), book).trades
    linear = parse(told("publicTrade", [trade(v="0.02", S="sell")]), book).trades
    assert [one[3:] for one in (*inverse, *linear)] == [(700.0, True), (pytest.approx(0.02 * 50_000.5), False)]


def test_open_interest_of_coin_margined_contracts_is_not_guessed_from_the_ticker() -> None:
    row = {"markPrice": "50000", "fundingRate": "0.0001", "openInterest": "1234"}
    book = book_of("BTCUSD", "BTCUSDT")
    assert [type(one) for one in parse(told("ticker", [row], symbol="BTCUSD"), book).facts] == [MarkPrice, FundingRate]
    assert [type(one) for one in parse(told("ticker", [row]), book).facts] == [MarkPrice, FundingRate, OpenInterest]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTCUSD"])
def test_the_amount_of_a_forced_order_is_in_quote_coin_whatever_the_margin(symbol: str) -> None:
    (order,) = parse(told("liquidation", [forced(symbol=symbol)]), book_of(symbol)).facts
    assert isinstance(order, Liquidation)
    assert (order.side, order.size_usd) == (Side.LONG, pytest.approx(25_000.0))


def test_forced_orders_of_contracts_that_nobody_reads_are_no_fault() -> None:
    book = book_of("BTCUSDT")
    rows = [forced(symbol="PEPEUSDT"), forced(side="sell"), forced(symbol="DOGEUSDT")]
    parsed = parse(told("liquidation", rows), book)
    assert [one.side for one in parsed.facts if isinstance(one, Liquidation)] == [Side.SHORT]
    assert (parsed.ignored, book.rejected) == (2, 0)


@pytest.mark.parametrize(("topic", "bad", "good"), [
    ("publicTrade", trade(p="abc"), trade()),
    ("publicTrade", trade(S="hold"), trade()),
    ("publicTrade", trade(v="0"), trade()),
    ("liquidation", forced(side="long"), forced()),
    ("liquidation", forced(price="-1"), forced()),
    ("liquidation", forced(amount=""), forced()),
    ("ticker", {"markPrice": "x"}, {"markPrice": "50000"}),
    ("ticker", {"markPrice": {}}, {"markPrice": "50000"}),
])  # fmt: skip
def test_a_broken_row_costs_itself_and_is_counted(topic: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    book = book_of("BTCUSDT")
    parsed = parse(told(topic, [bad, good]), book)
    assert len(parsed.trades) + len(parsed.facts) == 1
    assert book.rejected == 1


def test_acknowledgements_and_pongs_belong_to_the_client() -> None:
    book = book_of("BTCUSDT")
    for raw in ("pong", json.dumps({"event": "subscribe", "arg": {"topic": "publicTrade", "symbol": "BTCUSDT"}})):
        assert not parse(raw, book).ours
