import json
from typing import Any

import pytest
from wire_recordings import WIRE, milliseconds, recorded, sample

from liqbot.events import FundingRate, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage, Side
from liqbot.venues.hyperliquid import responses, wallets
from liqbot.venues.hyperliquid.messages import parse
from liqbot.venues.parsing import MalformedMessage, WireBook, WireContract
from liqbot.venues.public_accounts import AccountPosition

NOW_MS = 1_767_283_800_000
ONE, OTHER = "0x" + "1" * 40, "0x" + "Ab" * 20
CONTEXT = {"markPx": "50000.0", "oraclePx": "50010.0", "funding": "0.0000125", "openInterest": "20000.5"}


def book_of(*coins: str) -> WireBook:
    book = WireBook("hyperliquid", [
        WireContract(symbol_id=coin, symbol=f"{coin}/USDC:USDC", venue_key="hyperliquid", coin=coin) for coin in coins
    ])
    book.received_ms = NOW_MS
    return book


def trade(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"coin": "BTC", "side": "B", "px": "50000.0", "sz": "0.2", "time": NOW_MS - 5, "tid": number,
            "hash": "0x0", "users": [ONE, OTHER]} | changes


def trades(*rows: dict[str, Any]) -> str:
    return json.dumps({"channel": "trades", "data": rows}, separators=(",", ":"))


def context(**changes: Any) -> str:
    return json.dumps({"channel": "activeAssetCtx", "data": {"coin": "BTC", "ctx": CONTEXT | changes}})


def test_a_trade_counts_in_coin_and_names_the_taker_s_side() -> None:
    book = book_of("BTC")
    parsed = parse(trades(trade(1), trade(2, side="A"), trade(3, coin="ETH")), book)
    assert parsed.trades == [(0, NOW_MS - 5, 50_000.0, 10_000.0, True), (0, NOW_MS - 5, 50_000.0, 10_000.0, False)]
    assert (parsed.ignored, parsed.parties) == (1, [])


def test_a_trade_told_again_after_a_new_subscription_counts_once() -> None:
    book = book_of("BTC", "ETH")
    assert len(parse(trades(trade(1), trade(2)), book).trades) == 2
    again = parse(trades(trade(2), trade(3), trade(3, time=NOW_MS), trade(3, coin="ETH")), book)
    assert [time_ms for _, time_ms, *_ in again.trades] == [NOW_MS - 5, NOW_MS, NOW_MS - 5]
    assert again.ignored == 1


def test_both_wallets_of_a_trade_are_told_where_somebody_asks() -> None:
    book = book_of("BTC")
    book.wants_parties = True
    assert parse(trades(trade(1)), book).parties == [
        (0, NOW_MS - 5, ONE, 10_000.0), (0, NOW_MS - 5, OTHER.lower(), 10_000.0),
    ]
    older = parse(trades(trade(2, users=None)), book)
    assert (len(older.trades), older.parties, book.rejected) == (1, [], 0)


@pytest.mark.parametrize("users", [ONE, [ONE, 7], ["0x12"], [ONE, "0x" + "g" * 40], {}])
def test_wallets_that_are_none_cost_themselves_alone(users: Any) -> None:
    book = book_of("BTC")
    book.wants_parties = True
    parsed = parse(trades(trade(1, users=users)), book)
    assert (len(parsed.trades), parsed.parties, book.rejected) == (1, [], 1)


@pytest.mark.parametrize("changes", [{"px": "0"}, {"sz": "-1"}, {"side": "S"}, {"time": 0}, {"px": "x"}, {"tid": None}])
def test_a_broken_row_costs_itself_alone(changes: dict[str, Any]) -> None:
    book = book_of("BTC")
    assert len(parse(trades(trade(1, **changes), trade(2)), book).trades) == 1
    assert book.rejected == 1


def test_a_context_counts_as_of_when_it_came_and_funding_is_paid_every_hour() -> None:
    mark, funding, interest = parse(context(), book_of("BTC")).facts
    assert mark == MarkPrice(time_ms=NOW_MS, venue="hyperliquid", coin="BTC", mark_price=50_000.0, index_price=50_010.0)
    assert isinstance(funding, FundingRate)
    assert (funding.time_ms, funding.rate_pct, funding.interval_h, funding.rate_stage) == (
        NOW_MS, pytest.approx(0.00125), 1.0, FundingStage.FORECAST
    )
    assert interest == OpenInterest(time_ms=NOW_MS, venue="hyperliquid", coin="BTC", oi_usd=20_000.5 * 50_000.0)


@pytest.mark.parametrize(("changes", "left", "rejected"), [
    ({"oraclePx": None}, 3, 0), ({"funding": None}, 2, 0), ({"markPx": None}, 1, 0), ({"openInterest": "much"}, 2, 1),
    ({"funding": ["0.1"]}, 2, 1), ({"markPx": {}, "openInterest": True}, 1, 2), ({"markPx": "-1"}, 1, 1),
])
def test_a_figure_that_is_missing_or_broken_costs_itself_alone(
    changes: dict[str, Any], left: int, rejected: int
) -> None:
    book = book_of("BTC")
    assert (len(parse(context(**changes), book).facts), book.rejected) == (left, rejected)


def test_contexts_of_all_coins_are_found_by_their_place() -> None:
    names = [{"name": "DOGE"}, {"name": "ETH"}, {"name": "BTC"}]
    payload = [{"universe": names}, [{}, CONTEXT | {"markPx": "2500"}, CONTEXT]]
    facts = responses.contexts(payload, book_of("BTC", "ETH"), NOW_MS)
    assert [(fact.coin, fact.mark_price) for fact in facts if isinstance(fact, MarkPrice)] == [
        ("ETH", 2_500.0), ("BTC", 50_000.0),
    ]


def test_tiers_begin_where_they_say_and_keep_half_the_initial_margin() -> None:
    meta = {
        "universe": [{"name": "BTC", "maxLeverage": 40, "marginTableId": 56}, {"name": "ETH", "maxLeverage": 25}],
        "marginTables": [[56, {"marginTiers": [{"lowerBound": "150000000.0", "maxLeverage": 20},
                                               {"lowerBound": "0.0", "maxLeverage": 40}]}]],
    }
    book = book_of("BTC", "ETH", "SOL")
    assert [(row.cap_usd, row.leverage_max, row.maintenance_pct) for row in responses.tiers(meta, book, 0)] == [
        (150_000_000.0, 40.0, 1.25), (1e9, 20.0, 2.5),
    ]
    assert [(row.cap_usd, row.leverage_max, row.maintenance_pct) for row in responses.tiers(meta, book, 1)] == [
        (1e9, 25.0, 2.0),
    ]
    with pytest.raises(MalformedMessage, match="universe"):
        responses.tiers(meta, book, 2)


def test_candles_are_in_coin() -> None:
    rows = [{"t": NOW_MS, "T": NOW_MS + 299_999, "s": "BTC", "i": "5m", "o": "100", "h": "110", "l": "90", "c": "100",
             "v": "2", "n": 3}]
    (bar,) = responses.bars(rows, book_of("BTC"), 0)
    assert isinstance(bar, TradeBar)
    assert (bar.time_ms, bar.span_ms, bar.volume_usd, bar.buy_usd) == (NOW_MS + 300_000, 300_000, 200.0, None)


# --- what others recorded ---------------------------------------------------------------------------------------------


def test_every_recorded_trade_has_the_independent_price_amount_and_side() -> None:
    """The oracle leaves out the first message of a coin, which tells trades of before the subscription."""
    told = [(raw, [one for one in entries if one["type"] == "trade"]) for raw, entries in recorded("hyperliquid")]
    compared = [(raw, wanted) for raw, wanted in told if wanted]
    assert len(compared) == 2
    for raw, wanted in compared:
        parsed = parse(raw, book_of(*sorted({one["symbol"] for one in wanted})))
        assert [(time_ms, price, size_usd, bought) for _, time_ms, price, size_usd, bought in parsed.trades] == [
            (milliseconds(one["timestamp"]), one["price"], pytest.approx(one["amount"] * one["price"]),
             one["side"] == "buy")
            for one in wanted
        ]


def test_a_recorded_context_has_the_independent_figures() -> None:
    raw, entry = next(
        (raw, entry) for raw, entries in recorded("hyperliquid") for entry in entries
        if entry["type"] == "derivative_ticker"
    )
    mark, funding, interest = parse(raw, book_of(entry["symbol"])).facts
    assert isinstance(mark, MarkPrice)
    assert (mark.mark_price, mark.index_price) == (entry["markPrice"], entry["indexPrice"])
    assert funding.rate_pct == pytest.approx(entry["fundingRate"] * 100)  # type: ignore[union-attr]
    assert interest.oi_usd == pytest.approx(entry["openInterest"] * entry["markPrice"])  # type: ignore[union-attr]


def test_recorded_settlements() -> None:
    rows = json.loads(sample("hyperliquid/test_data/http_funding_history.json"))
    past = responses.past_funding(rows, book_of("BTC"), 0)
    assert [(fact.time_ms, fact.rate_pct, fact.interval_h) for fact in past] == [  # type: ignore[union-attr]
        (1_769_908_800_000, pytest.approx(0.00125), 1.0), (1_769_912_400_000, pytest.approx(-0.00081), 1.0),
        (1_769_916_000_000, pytest.approx(0.00033), 1.0),
    ]


FILLS = WIRE.parent / "positions" / "hyperliquid_node_fills_20251027_1700.jsonl"


def test_recorded_forced_closings_are_the_liquidated_wallet_s_own_and_close_what_it_held() -> None:
    if not FILLS.exists():
        pytest.skip(f"no recording at {FILLS}")
    blocks = (json.loads(line)["events"] for line in FILLS.read_text(encoding="utf-8").splitlines())
    fills = [(wallet, fill) for events in blocks for wallet, fill in events if fill.get("liquidation")]
    assert fills
    own = 0
    for wallet, fill in fills:
        found = wallets.forced_closings([fill], book_of(fill["coin"]), wallet)
        assert bool(found) is (fill["liquidation"]["liquidatedUser"] == wallet)
        if found:
            own += 1
            assert found[0].side is (Side.LONG if float(fill["startPosition"]) > 0 else Side.SHORT)
            assert found[0].price == float(fill["liquidation"]["markPx"])
            assert found[0].size_usd == pytest.approx(float(fill["sz"]) * float(fill["px"]))
    assert own


def test_a_recorded_fill_of_the_other_side_is_no_forced_closing_of_its_own() -> None:
    message = json.loads(sample("hyperliquid/test_data/ws_user_fill_liquidation.json"))
    assert wallets.forced_closings(message["data"]["fills"], book_of("BTC"), ONE) == []
    liquidated = message["data"]["fills"][0]["liquidation"]["liquidatedUser"]
    assert len(wallets.forced_closings(message["data"]["fills"], book_of("BTC"), liquidated)) == 1


def state(**changes: Any) -> dict[str, Any]:
    held = {"coin": "BTC", "szi": "-2.0", "positionValue": "100000.0", "liquidationPx": "55000.5"} | changes
    return {"assetPositions": [{"type": "oneWay", "position": held}]}


@pytest.mark.parametrize(("changes", "side", "price"), [
    ({}, Side.SHORT, 55_000.5), ({"szi": "0.5", "liquidationPx": "45000"}, Side.LONG, 45_000.0),
    ({"liquidationPx": None}, Side.SHORT, None), ({"szi": "1", "liquidationPx": "-300.5"}, Side.LONG, None),
])
def test_a_wallet_s_position(changes: dict[str, Any], side: Side, price: float | None) -> None:
    assert wallets.positions(state(**changes), book_of("BTC")) == (AccountPosition(0, side, 100_000.0, price),)


def test_what_is_closed_or_of_other_coins_is_not_held() -> None:
    assert wallets.positions(state(szi="0.0"), book_of("BTC")) == ()
    assert wallets.positions(state(coin="DOGE", szi=None), book_of("BTC")) == ()


@pytest.mark.parametrize("changes", [{"szi": "much"}, {"positionValue": None}, {"positionValue": "0"}, {"coin": 7}])
def test_a_position_that_cannot_be_read_makes_the_answer_unreadable(changes: dict[str, Any]) -> None:
    """Left out it would count as closed."""
    with pytest.raises(MalformedMessage):
        wallets.positions(state(**changes), book_of("BTC"))
