"""What the simulated Bybit says has the fields of what the real one was recorded saying, and our parser reads it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bybit_place import BTC, ENTRY, BybitPlace, bybit_place, dropped
from loopback_market import EXACT, PRICE, at, bar, block, forced, interest, mark, rate
from patience import patiently, until
from wire_recordings import recorded, sample

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.bybit import responses
from liqbot.venues.bybit.messages import parse
from liqbot.venues.parsing import WireBook, WireContract

NAMED = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture
async def place() -> AsyncIterator[BybitPlace]:
    async with bybit_place() as made:
        await made.client.load_markets()
        yield made


def lacking(told: Any, seen: Any, path: str = "") -> list[str]:
    """Where a recorded field is missing here or has another JSON type; values are not compared. Empty or absent values
    say nothing of a type."""
    if isinstance(seen, dict) and isinstance(told, dict):
        gone = [f"{path}.{name}" for name in seen if name not in told]
        both = [name for name in seen if name in told]
        return gone + [bad for name in both for bad in lacking(told[name], seen[name], f"{path}.{name}")]
    if isinstance(seen, list) and isinstance(told, list):
        return lacking(told[0], seen[0], f"{path}[0]") if told and seen else []
    return [] if seen is None or type(told) is type(seen) else [f"{path}: {type(told).__name__}"]


def newest(exchange: str, topic: str) -> dict[str, Any]:
    """The last recorded message of a topic that begins so."""
    messages = [json.loads(raw) for raw, _ in recorded(exchange)]
    return [message for message in messages if str(message.get("topic", "")).startswith(topic)][-1]


@pytest.mark.parametrize(
    ("method", "query", "file", "besides"),
    [
        ("publicGetV5MarketInstrumentsInfo", {"category": "linear"}, "http_get_instruments_linear", ()),
        ("publicGetV5MarketOrderbook", NAMED, "http_get_orderbook", ()),
        ("publicGetV5MarketKline", NAMED | {"interval": "1"}, "http_get_klines_linear", ()),
        ("privateGetV5AccountInfo", {}, "http_get_account_info", ()),
        ("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"}, "http_get_wallet_balance", ()),
        ("privateGetV5AccountFeeRate", NAMED, "http_get_fee_rate", ()),
        ("privateGetV5PositionList", NAMED, "http_get_positions", ()),
        ("privateGetV5OrderRealtime", NAMED, "http_get_orders_realtime", ()),
        ("privateGetV5OrderHistory", NAMED, "http_get_orders_history", ()),
        ("privateGetV5ExecutionList", NAMED, "http_get_executions", ()),
        # Permissions that no trading key has, and numbers that only look like ids.
        ("privateGetV5UserQueryApi", {}, "http_get_user_query_api", ("permissions.", "IDInt64", "userIDInt64")),
    ],
)
async def test_answers_have_the_recorded_fields(
    place: BybitPlace, method: str, query: dict[str, Any], file: str, besides: tuple[str, ...]
) -> None:
    await place.entered()
    await place.stop_at(49_000)
    told = await getattr(place.client, method)(query)
    seen = json.loads(sample(f"bybit/test_data/{file}.json"))
    bad = lacking(told, seen)
    assert [one for one in bad if not any(part in one for part in besides)] == []


@pytest.mark.parametrize(
    ("topic", "file"),
    [
        ("order", "ws_account_order_stop_market"),
        ("order", "ws_account_order_filled"),
        ("execution", "ws_account_execution"),
        ("wallet", "ws_account_wallet"),
    ],
)
async def test_private_messages_have_the_recorded_fields(place: BybitPlace, topic: str, file: str) -> None:
    await place.ready()
    seen = json.loads(sample(f"bybit/test_data/{file}.json"))
    async with place.listening():
        await place.client.create_order(BTC, "market", "buy", 0.2, None, {"clientOrderId": ENTRY})
        await place.tick()
        await place.stop_at(49_000)
        await until(lambda: len(place.told("order")) == 3)
    told = place.messages(topic)[-1]
    # The spelling of the documentation; the recorded wallet has another one.
    assert [one for one in lacking(told, seen) if "totalPerpUpl" not in one] == []


async def test_a_position_message_has_the_recorded_fields(place: BybitPlace) -> None:
    await place.ready()
    seen = json.loads(sample("bybit/test_data/ws_account_position.json"))
    place.tap()
    await place.client.watch_positions([BTC])
    task = asyncio.create_task(place.client.watch_positions([BTC]))
    await place.subscribed("position")
    await place.client.create_order(BTC, "market", "buy", 0.2, None, {"clientOrderId": ENTRY})
    await place.tick()
    await patiently(task)
    assert lacking(place.messages("position")[-1], seen) == []


async def streaming(place: BybitPlace) -> "list[asyncio.Task[Any]]":
    place.tap()
    client = place.client
    tasks = [
        asyncio.create_task(watch)
        for watch in (client.watch_trades(BTC), client.watch_ticker(BTC), client.watch_liquidations(BTC))
    ]
    await place.subscribed("publicTrade.BTCUSDT", "tickers.BTCUSDT", "allLiquidation.BTCUSDT")
    return tasks


async def test_public_messages_have_the_recorded_fields(place: BybitPlace) -> None:
    tasks = await streaming(place)
    row = forced("bybit", 1, Side.LONG, PRICE, 1e5)
    await place.hub.advance(block(1, bar("bybit", "BTC", 1, (PRICE,) * 4), mark("bybit", "BTC", 1, PRICE), row))
    await until(lambda: place.messages("allLiquidation.BTCUSDT"))
    await dropped(*tasks)
    for topic in ("publicTrade.", "allLiquidation."):
        assert lacking(place.messages(f"{topic}BTCUSDT")[-1], newest("bybit", topic)) == []
    assert lacking(place.messages("tickers.BTCUSDT")[0], newest("bybit", "tickers.BTCUSDT")) == []


def book() -> WireBook:
    contract = WireContract(
        symbol_id="BTCUSDT", symbol=BTC, venue_key="bybit", coin="BTC", open_interest_two_sided=True
    )
    return WireBook("bybit", [contract])


async def test_the_houses_parser_reads_back_what_the_market_said() -> None:
    async with bybit_place(params=EXACT) as place:
        await place.client.load_markets()
        tasks = await streaming(place)
        rows = (mark("bybit", "BTC", 1, 50_100.5), interest("bybit", 1, 2.5e9), rate("bybit", 1, -0.0125, 4.0))
        closed = [forced("bybit", 1, side, 49_900.0, 12_345.6) for side in (Side.LONG, Side.SHORT)]
        traded = bar("bybit", "BTC", 1, (50_000.0, 50_040.0, 49_900.0, 50_010.0), 1e6, 4e5)
        await place.hub.advance(block(1, traded, *rows, *closed))
        await until(lambda: place.messages("allLiquidation.BTCUSDT"))
        await dropped(*tasks)
        wire, trades, facts = book(), [], []
        for message in place.raw:
            parsed = parse(json.dumps(message, separators=(",", ":")), wire)
            trades += parsed.trades
            facts += [fact for fact in parsed.facts if fact.time_ms == at(1)]
    assert sum(size_usd for _, _, _, size_usd, _ in trades) == pytest.approx(1e6, rel=1e-12)
    assert sum(size_usd for _, _, _, size_usd, bought in trades if bought) == pytest.approx(4e5, rel=1e-12)
    assert [trade[2] for trade in trades][-1] == 50_010.0
    (told,) = [fact for fact in facts if isinstance(fact, MarkPrice) and fact.mark_price == 50_100.5]
    assert told.index_price == 50_095.5
    (oi,) = [fact for fact in facts if isinstance(fact, OpenInterest)]
    assert oi.oi_usd == pytest.approx(2.5e9, rel=1e-12)
    assert {(fact.rate_pct, fact.interval_h) for fact in facts if isinstance(fact, FundingRate)} == {(-0.0125, 4.0)}
    forced_orders = [fact for fact in facts if isinstance(fact, Liquidation)]
    assert [(one.side, one.price) for one in forced_orders] == [(Side.LONG, 49_900.0), (Side.SHORT, 49_900.0)]
    assert [one.size_usd for one in forced_orders] == pytest.approx([12_345.6, 12_345.6], rel=1e-12)


async def test_the_houses_parser_reads_back_the_past() -> None:
    async with bybit_place(params=EXACT) as place:
        for second in (300, 600):
            rows = (bar("bybit", "BTC", second, (PRICE,) * 4), interest("bybit", second, 2.5e9 + second))
            await place.hub.advance(block(second, *rows, rate("bybit", second, 0.0125)))
        await place.hub.advance(block(8 * 3_600, rate("bybit", 8 * 3_600, 0.01)))
        wire, client = book(), place.client
        bars = responses.bars(await client.publicGetV5MarketKline(NAMED | {"interval": "5", "limit": 1_000}), wire, 0)
        told = await client.publicGetV5MarketOpenInterest(NAMED | {"intervalTime": "5min", "limit": 200})
        past = responses.past_open_interest(told, wire, 0)
        funding = responses.past_funding(await client.publicGetV5MarketFundingHistory(NAMED), wire, 0)
        tiers = responses.tiers(await client.publicGetV5MarketRiskLimit(NAMED), wire, 0)
        now = responses.tickers(await client.publicGetV5MarketTickers(NAMED), wire, 0)
    assert {one.volume_usd for one in bars} >= {1e6}
    assert {(one.time_ms, round(one.oi_usd, 3)) for one in past} == {(at(300), 2.5e9 + 300), (at(600), 2.5e9 + 600)}
    assert [(one.time_ms, one.rate_pct) for one in funding] == [(at(8 * 3_600), 0.0125)]
    assert (tiers[0].cap_usd, tiers[0].leverage_max, tiers[0].maintenance_pct) == (2e6, 100.0, 0.5)
    assert {type(fact) for fact in now} >= {MarkPrice, OpenInterest}
    assert {fact.time_ms for fact in now} == {at(8 * 3_600)}
