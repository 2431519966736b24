"""What the simulated OKX says has the fields of what the real one was recorded saying, and our parser reads it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from loopback_market import PRICE, at, bar, block, forced, interest, mark, rate
from okx_place import BTC, ISOLATED, Place, drop, served
from patience import until
from wire_recordings import recorded, sample

from liqbot.events import FundingRate, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.venues.okx import responses
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import mechanics_of

NAMED = {"instId": "BTC-USDT-SWAP"}
SWAP = {"instType": "SWAP"}


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with served() as made:
        await made.hub.advance(block(1, interest("okx", 1, 2.5e9), rate("okx", 1, 0.01)))
        made.second = 1
        yield made


def first(message: Any) -> Any:
    """The row of an answer; some samples are a row alone."""
    return message["data"][0] if "data" in message else message


def missing(ours: Any, theirs: Any, where: str) -> list[str]:
    """Fields of theirs that ours lacks or has as another kind of JSON."""
    found = []
    for name, value in theirs.items():
        if name not in ours:
            found.append(f"{where} {name}")
        elif type(ours[name]) is not type(value):
            found.append(f"{where} {name}: {type(value).__name__}")
        elif isinstance(value, dict):
            found += missing(ours[name], value, f"{where} {name}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found += missing(ours[name][0], value[0], f"{where} {name}")
    return found


ANSWERS = {
    "http_get_instruments_swap.json": ("publicGetPublicInstruments", SWAP),
    "http_get_mark_price.json": ("publicGetPublicMarkPrice", SWAP),
    "http_get_funding_rate_history.json": ("publicGetPublicFundingRateHistory", NAMED),
    "http_get_position_tiers.json": ("publicGetPublicPositionTiers", SWAP | {"tdMode": "isolated"}),
    "http_get_index_price.json": ("publicGetMarketIndexTickers", {"instId": "BTC-USDT"}),
    "http_get_order_book.json": ("publicGetMarketBooks", NAMED),
    "http_get_trades.json": ("publicGetMarketTrades", NAMED),
    "http_get_account_balance.json": ("privateGetAccountBalance", {}),
    "http_get_positions.json": ("privateGetAccountPositions", {}),
    "http_get_trade_fee_response.json": ("privateGetAccountTradeFee", SWAP),
    "http_get_orders_pending.json": ("privateGetTradeOrdersPending", {}),
    "http_get_orders_history.json": ("privateGetTradeOrdersHistory", SWAP),
    "http_get_orders_algo_pending_close_fraction.json": (
        "privateGetTradeOrdersAlgoPending", {"ordType": "conditional"}),
    "http_get_orders_algo_history.json": (
        "privateGetTradeOrdersAlgoHistory", {"ordType": "conditional", "state": "canceled"}),
    "http_transaction_detail.json": ("privateGetTradeFills", SWAP),
    "http_cancel_algo_order_response.json": ("privatePostTradeCancelAlgos", [NAMED | {"algoClOrdId": "sa3"}]),
    "http_set_position_mode_response.json": ("privatePostAccountSetPositionMode", {"posMode": "net_mode"}),
}


@pytest.mark.drawn(singly=True)
async def test_every_answer_has_the_recorded_fields(place: Place) -> None:
    watched = asyncio.create_task(place.client.watch_trades(BTC))
    await place.subscribed("trades")
    await place.entered()
    await drop(watched)
    placed = [await place.stop_at(49_000, name) for name in ("sa1", "sa2", "sa3")]
    await place.client.cancel_order("", BTC, {"trigger": True, "clientOrderId": "sa2"})
    entry = await place.client.create_order(BTC, "limit", "buy", 1, 49_000, ISOLATED)
    later = 8 * 3_600 + 1
    await place.hub.advance(block(
        later, rate("okx", later, 0.02), bar("okx", "BTC", later, (PRICE,) * 4), mark("okx", "BTC", later, PRICE)))
    wrong = missing(placed[0]["info"], first(json.loads(okx("http_place_algo_order_response.json"))), "order-algo")
    wrong += missing(entry["info"], first(json.loads(okx("http_place_order_response.json"))), "order")
    for file, (method, params) in ANSWERS.items():
        theirs = first(json.loads(okx(file)))
        ours = first(await getattr(place.client, method)(params))
        wrong += missing(ours, theirs, file)
    assert wrong == []


def okx(file: str) -> str:
    return sample(f"okx/test_data/{file}")


async def test_every_private_message_has_the_recorded_fields(place: Place) -> None:
    await place.ready()
    place.tap()
    tasks = [
        asyncio.create_task(watching) for watching in (
            place.client.watch_orders(BTC), place.client.watch_orders(BTC, None, None, {"trigger": True}),
            place.client.watch_balance(),
        )
    ]
    await place.subscribed("orders", "orders-algo", "account")
    await place.entered()
    await place.stop_at(49_000)
    await place.tick(low=48_990.0)
    await until(lambda: len(place.rows("orders-algo")) == 2 and len(place.rows("orders")) == 3)
    await drop(*tasks)
    assert missing(place.rows("orders")[1], first(json.loads(okx("ws_orders.json"))), "entry") == []
    assert missing(place.rows("orders")[2], first(json.loads(okx("ws_orders_trigger.json"))), "stop") == []
    assert missing(place.rows("account")[0], first(json.loads(okx("ws_account.json"))), "account") == []
    theirs = first(json.loads(okx("ws_orders_algo.json")))
    assert missing(place.rows("orders-algo")[0], theirs, "algo") == []


async def test_every_public_message_has_the_recorded_fields(place: Place) -> None:
    await place.client.load_markets()
    place.tap()
    tasks = [
        asyncio.create_task(watching) for watching in (
            place.client.watch_trades(BTC), place.client.watch_mark_prices([BTC]),
            place.client.watch_funding_rates([BTC]), place.client.watch_liquidations_for_symbols([BTC]),
            place.client.subscribe("public", "open-interest", "open-interest", BTC), place.client.watch_ticker(BTC),
            place.client.watch_order_book(BTC, None, {"depth": "bbo-tbt"}),
        )
    ]
    channels = ("trades", "mark-price", "funding-rate", "liquidation-orders", "open-interest", "tickers", "bbo-tbt")
    await place.subscribed(*channels)
    await place.hub.advance(block(
        2, bar("okx", "BTC", 2, (PRICE,) * 4), mark("okx", "BTC", 2, PRICE), rate("okx", 2, 0.01),
        forced("okx", 2, Side.LONG, PRICE, 1e5), interest("okx", 2, 2e9),
    ))
    await until(lambda: all(place.rows(channel) for channel in channels))
    await drop(*tasks)
    seen = {"okex-swap": 0, "okex-futures": 0}
    for exchange in seen:
        for raw, _ in recorded(exchange):
            message = json.loads(raw)
            channel = message.get("arg", {}).get("channel")
            if channel in channels and "data" in message:
                theirs = first(message)
                theirs.pop("seqId", None)
                assert missing(place.rows(channel)[0], theirs, channel) == []
                seen[exchange] += 1
    assert seen["okex-swap"] >= 6
    assert seen["okex-futures"] >= 4
    assert missing(place.rows("trades")[0], first(json.loads(okx("ws_trades.json"))), "trades") == []
    assert missing(place.rows("bbo-tbt")[0] | {"seqId": 1}, first(json.loads(okx("ws_bbo_tbt.json"))), "bbo") == []


async def test_our_parser_reads_the_past_and_the_tiers_as_they_are(place: Place) -> None:
    contract = WireContract(symbol_id=NAMED["instId"], symbol=BTC, venue_key="okx", coin="BTC", contract_units=0.01)
    book = WireBook("okx", (contract,))
    for second in (300, 600):
        await place.hub.advance(block(
            second, bar("okx", "BTC", second, (PRICE, PRICE + 9, PRICE - 9, PRICE)), mark("okx", "BTC", second, PRICE),
            interest("okx", second, 1e9 + second),
        ))
    await place.hub.advance(block(8 * 3_600 + 1, rate("okx", 8 * 3_600 + 1, 0.03)))
    client = place.client
    bars = responses.bars(await client.publicGetMarketHistoryCandles(NAMED | {"bar": "5m"}), book, 0)
    assert all(isinstance(one, TradeBar) for one in bars)
    assert next((one.high, one.volume_usd) for one in bars) == (PRICE + 9, pytest.approx(1e6))
    past = responses.past_open_interest(
        await client.publicGetRubikStatContractsOpenInterestHistory(NAMED | {"period": "5m"}), book, 0)
    assert [(one.time_ms, one.oi_usd) for one in past if isinstance(one, OpenInterest)] == [
        (at(600), 1e9 + 600), (at(300), 1e9 + 300)]
    paid = responses.past_funding(await client.publicGetPublicFundingRateHistory(NAMED), book, 0)
    assert [one.rate_pct for one in paid if isinstance(one, FundingRate)] == [0.01]
    asked = SWAP | {"tdMode": "isolated", "instFamily": "BTC-USDT"}
    tiers = responses.tiers(await client.publicGetPublicPositionTiers(asked), book, 0)
    table = mechanics_of("okx", "BTC").table
    assert [(row.leverage_max, round(row.maintenance_pct, 9)) for row in tiers] == [
        (tier.leverage_max, tier.maintenance_pct) for tier in table.tiers]
    assert tiers[0].cap_usd == table.tiers[0].notional_usd_cap / (table.coin_price_usd or 1)
