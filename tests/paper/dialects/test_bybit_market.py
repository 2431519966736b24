"""Public figures of the simulated Bybit as the unmodified client and the house's own parser receive them."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from bybit_place import BTC, BybitPlace, bybit_place, dropped
from ccxt.base import errors
from loopback_market import EXACT, PRICE, at, bar, block, forced, interest, mark, rate
from patience import patiently, until

from liqbot.instruments import Side

ETH = "ETH/USDT:USDT"
HOUR_S = 3_600


@pytest.fixture
async def place() -> AsyncIterator[BybitPlace]:
    async with bybit_place() as made:
        await made.client.load_markets()
        yield made


async def test_markets_have_the_venues_steps(place: BybitPlace) -> None:
    markets = place.client.markets
    assert set(markets) == {BTC, ETH}
    btc = markets[BTC]
    assert (btc["precision"]["price"], btc["precision"]["amount"], btc["contractSize"]) == (0.1, 0.001, 1)
    assert (btc["limits"]["cost"]["min"], btc["limits"]["leverage"]["max"]) == (5, 100)
    assert btc["linear"]
    assert btc["swap"]
    tiers = await place.client.fetch_market_leverage_tiers(BTC)
    assert (tiers[0]["maxLeverage"], tiers[0]["maintenanceMarginRate"], tiers[0]["maxNotional"]) == (100, 0.005, 2e6)
    assert tiers[1]["minNotional"] == tiers[0]["maxNotional"]
    all_tiers = await place.client.fetch_leverage_tiers([BTC])
    assert len(all_tiers[BTC]) == len(tiers)


async def test_the_venues_time_is_the_wall_clock_and_its_figures_carry_the_markets(place: BybitPlace) -> None:
    assert await place.client.fetch_time() == pytest.approx(time.time() * 1000, abs=2_000)
    assert (await place.client.fetch_status())["status"] == "ok"
    assert (await place.client.publicGetV5MarketTickers({"category": "linear"}))["time"] == at(0)


async def watching(place: BybitPlace, topic: str, watch: Any) -> "asyncio.Task[Any]":
    place.tap()
    task = asyncio.create_task(watch)
    await place.subscribed(topic)
    return task


async def test_trades_of_a_bar_arrive_with_its_prices_volume_and_sides(place: BybitPlace) -> None:
    task = await watching(place, "publicTrade.BTCUSDT", place.client.watch_trades(BTC))
    await place.hub.advance(block(1, bar("bybit", "BTC", 1, (50_000.0, 50_040.0, 49_900.0, 50_010.0))))
    first = await patiently(task)
    assert (first[0]["symbol"], first[0]["price"]) == (BTC, 50_000)
    trades = place.told("publicTrade.BTCUSDT")
    prices = [float(one["p"]) for one in trades]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (50_000.0, 50_040.0, 49_900.0, 50_010.0)
    assert sum(float(one["p"]) * float(one["v"]) for one in trades) == pytest.approx(1e6, abs=2 * 51)
    bought = sum(float(one["p"]) * float(one["v"]) for one in trades if one["S"] == "Buy")
    assert bought == pytest.approx(4e5, abs=51)
    assert all(at(0) < one["T"] <= at(1) for one in trades)
    assert len({one["i"] for one in trades}) == len(trades)
    directions = dict(zip(prices, (one["L"] for one in trades), strict=True))
    assert directions[50_040.0].endswith("PlusTick")
    assert directions[49_900.0].endswith("MinusTick")
    recent = await place.client.fetch_trades(BTC)
    assert [one["price"] for one in recent] == prices


async def test_quantities_need_not_lie_on_the_step() -> None:
    async with bybit_place(params=EXACT) as place:
        await place.client.load_markets()
        task = await watching(place, "publicTrade.BTCUSDT", place.client.watch_trades(BTC))
        small = bar("bybit", "BTC", 1, (50_000.0, 50_040.0, 49_900.0, 50_010.0), 1234.5, 400.0)
        await place.hub.advance(block(1, small))
        await patiently(task)
        message = place.messages("publicTrade.BTCUSDT")
        assert len(message) == 1
        total = sum(float(one["p"]) * float(one["v"]) for one in message[0]["data"])
        assert total == pytest.approx(1234.5, rel=1e-12)


async def test_a_ticker_begins_whole_and_then_tells_changes(place: BybitPlace) -> None:
    task = await watching(place, "tickers.BTCUSDT", place.client.watch_ticker(BTC))
    whole = await patiently(task)
    assert (whole["last"], whole["markPrice"], whole["info"]["symbol"]) == (PRICE, PRICE, "BTCUSDT")
    rows = (interest("bybit", 1, 2.5e9), rate("bybit", 1, 0.0125), mark("bybit", "BTC", 1, 50_100.5))
    await place.hub.advance(block(1, *rows))
    await until(lambda: len(place.messages("tickers.BTCUSDT")) == 4)
    first, *changes = place.messages("tickers.BTCUSDT")
    assert (first["type"], {one["type"] for one in changes}) == ("snapshot", {"delta"})
    told: dict[str, str] = {}
    for change in changes:
        assert change["ts"] == at(1)
        told |= change["data"]
    assert (told["markPrice"], told["indexPrice"]) == ("50100.5", "50095.5")
    assert (told["openInterestValue"], told["singleOpenInterestValue"]) == ("5000000000.00", "2500000000.00")
    assert float(told["openInterest"]) == pytest.approx(2 * 2.5e9 / 50_100.5, abs=0.002)
    assert float(told["singleOpenInterest"]) == pytest.approx(2.5e9 / 50_100.5, abs=0.001)
    assert (told["fundingRate"], told["fundingIntervalHour"], told["nextFundingTime"]) == (
        "0.000125", "8", str(at(8 * HOUR_S)),
    )  # fmt: skip
    assert place.client.tickers[BTC]["markPrice"] == 50_100.5
    by_request = (await place.client.publicGetV5MarketTickers({"category": "linear", "symbol": "BTCUSDT"}))["result"]
    assert {name: by_request["list"][0][name] for name in told} == told


async def test_who_subscribes_before_there_is_a_market_gets_the_whole_ticker_first() -> None:
    async with bybit_place() as place:
        place.hub.ticker("bybit", "BTC").last_price = place.hub.ticker("bybit", "BTC").mark_price = 0.0
        await place.client.load_markets()
        task = await watching(place, "tickers.BTCUSDT", place.client.watch_ticker(BTC))
        await place.tick(50_010.0)
        assert (await patiently(task))["last"] == 50_010
        kinds = [one["type"] for one in place.messages("tickers.BTCUSDT")]
        assert kinds[0] == "snapshot"
        assert set(kinds[1:]) == {"delta"}


async def test_a_burst_of_forced_orders_comes_in_half_second_batches_with_the_position_side(place: BybitPlace) -> None:
    task = await watching(place, "allLiquidation.BTCUSDT", place.client.watch_liquidations(BTC))
    early = [forced("bybit", 2, Side.LONG, 49_000.0, 49_000.0 * (1 + number)) for number in range(5)]
    late = [msgspec.structs.replace(one, time_ms=one.time_ms + 700, side=Side.SHORT) for one in early]
    await place.hub.advance(block(3, *early, *late))
    heard = await patiently(task)
    assert (heard[0]["side"], heard[0]["contracts"]) == ("buy", 1)
    await until(lambda: len(place.told("allLiquidation.BTCUSDT")) == 10)
    batches = place.messages("allLiquidation.BTCUSDT")
    assert [len(one["data"]) for one in batches] == [5, 5]
    assert [one["v"] for one in batches[0]["data"]] == ["1", "2", "3", "4", "5"]
    assert {(one["S"], one["p"], one["T"]) for one in batches[0]["data"]} == {("Buy", "49000", at(2))}
    assert {one["S"] for one in batches[1]["data"]} == {"Sell"}
    assert all(0 < batch["ts"] - one["T"] <= 500 for batch in batches for one in batch["data"])


async def test_the_book_is_one_step_on_either_side(place: BybitPlace) -> None:
    task = await watching(place, "orderbook.50.BTCUSDT", place.client.watch_order_book(BTC, 50))
    book = await patiently(task)
    assert (book["bids"], book["asks"]) == ([[50_000, 0.001]], [[50_000.1, 0.001]])
    task = asyncio.create_task(place.client.watch_order_book(BTC, 50))
    await place.tick(50_020.0)
    assert (await patiently(task))["bids"] == [[50_020, 0.001]]
    assert (await place.client.fetch_order_book(BTC))["asks"] == [[50_020.1, 0.001]]


async def test_the_past_is_told_newest_first_and_within_the_span_asked_for(place: BybitPlace) -> None:
    hub, client = place.hub, place.client
    for second, oi_usd in ((60, 2.5e9), (600, 2.0e9)):
        rows = (interest("bybit", second, oi_usd), rate("bybit", second, 0.0125))
        await hub.advance(block(second, bar("bybit", "BTC", second, (PRICE,) * 4), *rows))
    await hub.advance(block(8 * HOUR_S + 1, rate("bybit", 8 * HOUR_S + 1, -0.01)))
    settled = await client.fetch_funding_rate_history(BTC)
    assert [(one["fundingRate"], one["timestamp"]) for one in settled] == [(0.000125, at(8 * HOUR_S))]
    with pytest.raises(errors.BadRequest):
        await client.publicGetV5MarketFundingHistory({"category": "linear", "symbol": "BTCUSDT", "startTime": at(0)})
    history = await client.fetch_open_interest_history(BTC, "5m", at(0), 10)
    assert [(one["timestamp"], one["openInterestAmount"]) for one in history] == [
        (at(300), 100_000), (at(600), 80_000)
    ]  # fmt: skip
    assert history[0]["info"]["singleOpenInterest"] == "50000"
    candles = await client.fetch_ohlcv(BTC, "5m", at(0))
    assert [(one[0], one[4]) for one in candles] == [(at(0), PRICE), (at(300), PRICE)]
    query = {"category": "linear", "symbol": "BTCUSDT", "interval": "1"}
    raw = (await client.publicGetV5MarketKline(query | {"start": at(0), "end": at(601), "limit": 1}))["result"]["list"]
    assert raw == [[str(at(540)), "50000", "50000", "50000", "50000", "20", "1000000.0000"]]


async def test_other_categories_are_empty_and_strange_symbols_refused(place: BybitPlace) -> None:
    client = place.client
    assert (await client.publicGetV5MarketInstrumentsInfo({"category": "inverse"}))["result"]["list"] == []
    with pytest.raises(errors.BadSymbol):
        await client.publicGetV5MarketTickers({"category": "linear", "symbol": "XXXUSDT"})
    with pytest.raises(errors.BadRequest):
        await client.publicGetV5MarketTickers({"category": "futures"})
    with pytest.raises(errors.BaseError, match="10017"):
        await client.publicGetV5MarketInsurance()
    assert place.hub.unknown == ["bybit: GET /v5/market/insurance"]
    place.hub.unknown.clear()


async def test_an_unknown_topic_is_refused_and_recorded(place: BybitPlace) -> None:
    task = asyncio.create_task(place.client.watch_ohlcv(BTC, "1m"))
    with pytest.raises(errors.ExchangeError, match=r"Invalid topic: kline.1.BTCUSDT"):
        await patiently(task)
    assert place.hub.unknown == ["bybit: ws /v5/public/linear kline.1.BTCUSDT"]
    place.hub.unknown.clear()


async def test_pings_are_answered_and_topics_can_be_left(place: BybitPlace) -> None:
    task = await watching(place, "publicTrade.BTCUSDT", place.client.watch_trades(BTC))
    [socket] = list(place.client.clients.values())
    await socket.send({"req_id": "7", "op": "ping"})
    await until(lambda: any(one.get("ret_msg") == "pong" and one["req_id"] == "7" for one in place.raw))
    await place.client.un_watch_trades(BTC)
    assert all(not one.topics for one in place.server.sockets)
    await dropped(task)
