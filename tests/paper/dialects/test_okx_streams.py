"""What the simulated OKX pushes: the market to anybody, an account's orders, positions and balance to its owner."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest
from ccxt.base import errors
from loopback_market import EXACT, PRICE, at, bar, block, forced, hub_of, interest, mark, rate
from okx_place import BTC, ETH, ISOLATED, KEY, Place, drop, served
from patience import patiently, until

from liqbot.commands import SetLeverage
from liqbot.events import Liquidation, MarkPrice, OpenInterest
from liqbot.instruments import Side
from liqbot.venues.okx.messages import parse
from liqbot.venues.parsing import WireBook, WireContract
from paper.dialects.okx.channels import Arg
from paper.dialects.okx.stream import FORCED_ARG

LONG, SHORT = Side.LONG, Side.SHORT


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with served() as made:
        await made.client.load_markets()
        yield made


async def subscribing(place: Place, *calls: Any) -> "list[asyncio.Task[Any]]":
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    return tasks


# --- the market ------------------------------------------------------------------------------------------------------


async def test_trades_of_a_bar_arrive_in_contracts_with_its_prices_and_its_volume(place: Place) -> None:
    place.tap()
    tasks = await subscribing(place, place.client.watch_trades(BTC))
    await place.subscribed("trades")
    await place.hub.advance(block(1, bar("okx", "BTC", 1, (50_000.0, 50_040.0, 49_900.0, 50_010.0))))
    first = (await patiently(tasks[0]))[0]
    assert (first["symbol"], first["price"], first["cost"]) == (BTC, 50_000, pytest.approx(first["amount"] * 500))
    await until(lambda: place.rows("trades") and place.rows("trades")[-1]["px"] == "50010")
    rows = place.rows("trades")
    assert {row["px"] for row in rows} >= {"50000", "50040", "49900", "50010"}
    usd = [float(row["px"]) * float(row["sz"]) * 0.01 for row in rows]
    assert sum(usd) == pytest.approx(1e6, abs=2 * 6)
    assert sum(one for one, row in zip(usd, rows, strict=True) if row["side"] == "buy") == pytest.approx(4e5, abs=6)
    assert all(at(0) < int(row["ts"]) <= at(1) for row in rows)
    assert [int(row["tradeId"]) for row in rows] == sorted({int(row["tradeId"]) for row in rows})
    told = await place.client.fetch_trades(BTC)
    assert (len(told), told[-1]["price"]) == (len(rows), 50_010)


async def test_forced_orders_of_all_swaps_arrive_with_every_detail_and_the_side_of_the_order(place: Place) -> None:
    place.tap()
    tasks = await subscribing(place, place.client.watch_liquidations_for_symbols([BTC]))
    await place.subscribed("liquidation-orders")
    await place.hub.advance(block(
        1, *(forced("okx", 1, LONG, 49_000.0, 490.0 * number) for number in (1, 2, 3)),
        forced("okx", 1, SHORT, 51_000.0, 2_550.0), forced("okx", 1, SHORT, 3_000.0, 900.0, coin="ETH"),
    ))
    await patiently(tasks[0])
    await until(lambda: len(place.rows("liquidation-orders")) == 2)
    by_id = {row["instId"]: row["details"] for row in place.rows("liquidation-orders")}
    told = [(one["side"], one["posSide"], one["sz"], one["bkPx"], one["ts"]) for one in by_id["BTC-USDT-SWAP"]]
    assert told == [
        ("sell", "long", "1", "49000", str(at(1))), ("sell", "long", "2", "49000", str(at(1))),
        ("sell", "long", "3", "49000", str(at(1))), ("buy", "short", "5", "51000", str(at(1))),
    ]
    assert [(one["side"], one["sz"]) for one in by_id["ETH-USDT-SWAP"]] == [("buy", "3")]


async def test_marks_funding_and_open_interest_arrive_at_once_and_with_every_change(place: Place) -> None:
    await place.hub.advance(block(1, rate("okx", 1, 0.01), mark("okx", "BTC", 1, PRICE), interest("okx", 1, 2.5e9)))
    place.tap()
    tasks = await subscribing(
        place, place.client.watch_mark_prices([BTC]), place.client.watch_funding_rates([BTC]),
        place.client.subscribe("public", "open-interest", "open-interest", BTC),
    )
    await place.subscribed("mark-price", "funding-rate", "open-interest")
    await place.hub.advance(
        block(2, rate("okx", 2, -0.02, 4.0), mark("okx", "BTC", 2, 50_100.5), interest("okx", 2, 1e9)))
    await until(lambda: len(place.rows("open-interest")) == 2 and len(place.rows("funding-rate")) == 2)
    await until(lambda: len(place.rows("mark-price")) == 2)
    await drop(*tasks)
    assert [row["markPx"] for row in place.rows("mark-price")] == ["50000", "50100.5"]
    first, second = place.rows("funding-rate")
    assert (first["fundingRate"], first["fundingTime"]) == ("0.0001", str(at(8 * 3_600)))
    assert (second["fundingRate"], second["fundingTime"], second["nextFundingTime"]) == (
        "-0.0002", str(at(4 * 3_600)), str(at(8 * 3_600)))
    told = place.rows("open-interest")[0]
    assert (told["oi"], told["oiCcy"], told["oiUsd"]) == ("5000000", "50000", "2500000000")


async def test_tickers_tops_and_the_index(place: Place) -> None:
    place.tap()
    index = {"channel": "index-tickers", "instId": "BTC-USDT"}
    tasks = await subscribing(
        place, place.client.watch_ticker(BTC), place.client.watch_tickers([ETH], index),
        place.client.watch_order_book(BTC, None, {"depth": "bbo-tbt"}), place.client.watch_bids_asks([ETH]),
    )
    ticker = await patiently(tasks[0])
    book = await patiently(tasks[2])
    assert (ticker["last"], ticker["bid"] < PRICE < ticker["ask"]) == (PRICE, True)
    assert (book["bids"][0][0], book["asks"][0][0]) == (49_999.9, 50_000.1)
    await until(lambda: place.rows("index-tickers"))
    assert place.rows("index-tickers")[0]["idxPx"] == "49995"
    await drop(*tasks)


async def test_the_market_by_request(place: Place) -> None:
    await place.hub.advance(block(1, interest("okx", 1, 2.5e9), rate("okx", 1, 0.0125)))
    later = 3 * 3_600
    await place.hub.advance(block(
        later, bar("okx", "BTC", later, (PRICE,) * 4), mark("okx", "BTC", later, PRICE), rate("okx", later, 0.02, 4.0),
        interest("okx", later, 2e9),
    ))
    await place.hub.advance(block(4 * 3_600 + 1, rate("okx", 4 * 3_600 + 1, -0.01, 4.0)))
    client = place.client
    told = await client.fetch_open_interest(BTC)
    assert (told["openInterestAmount"], told["openInterestValue"]) == (4_000_000, 2e9)
    assert {one["symbol"] for one in (await client.fetch_open_interests()).values()} == {BTC}
    funding = await client.fetch_funding_rate(BTC)
    assert (funding["fundingRate"], funding["fundingTimestamp"], funding["interval"]) == (-0.0001, at(8 * 3_600), "4h")
    history = await client.fetch_funding_rate_history(BTC)
    assert [(one["fundingRate"], one["timestamp"]) for one in history] == [(0.0002, at(4 * 3_600))]
    past = (await client.publicGetRubikStatContractsOpenInterestHistory({"instId": "BTC-USDT-SWAP"}))["data"]
    assert [(int(row[0]), row[3]) for row in past] == [(at(later), "2000000000"), (at(300), "2500000000")]
    candles = await client.fetch_ohlcv(BTC, "5m", None, 10)
    assert (candles[-1][4], candles[-1][5]) == (PRICE, 20)
    ticker = await client.fetch_ticker(BTC)
    assert (ticker["last"], len(await client.fetch_tickers())) == (PRICE, 2)
    assert (await client.fetch_mark_price(BTC))["markPrice"] == PRICE
    index = (await client.publicGetMarketIndexTickers({"instId": "BTC-USDT"}))["data"]
    assert index[0]["idxPx"] == str(int(PRICE) - 5)
    assert (await client.fetch_order_book(BTC))["bids"][0][0] == 49_999.9
    assert abs(await client.fetch_time() - client.milliseconds()) < 2_000


async def test_the_houses_own_parser_reads_back_what_the_market_said() -> None:
    """Exact sizes and no spreading: the wire adds nothing and loses nothing."""
    contract = WireContract(
        symbol_id="BTC-USDT-SWAP", symbol=BTC, venue_key="okx", coin="BTC", contract_units=0.01)
    book = WireBook("okx", (contract,))
    async with served(hub_of("okx", params=EXACT)) as place:
        rows = (
            bar("okx", "BTC", 1, (50_000.0, 50_040.0, 49_900.0, 50_010.0)), mark("okx", "BTC", 1, 50_011.5),
            forced("okx", 1, LONG, 49_000.0, 12_345.678), interest("okx", 1, 2.5e9), rate("okx", 1, 0.0125),
        )
        channels = ("trades", "mark-price", "open-interest", "funding-rate")
        wanted = {Arg(channel, inst_id="BTC-USDT-SWAP").topic for channel in channels} | {FORCED_ARG.topic}
        block_ = block(1, *rows)
        place.hub.fold(block_)
        parsed = [parse(message.decode(), book) for _, message in place.dialect.public(block_, wanted)]
        trades = [trade for one in parsed for trade in one.trades]
        facts = [fact for one in parsed for fact in one.facts]
        assert sum(trade[3] for trade in trades) == pytest.approx(1e6, rel=1e-12)
        assert sum(trade[3] for trade in trades if trade[4]) == pytest.approx(4e5, rel=1e-12)
        forced_ = next(fact for fact in facts if isinstance(fact, Liquidation))
        assert (forced_.side, forced_.price, forced_.size_usd) == (LONG, 49_000.0, pytest.approx(12_345.678))
        assert next(fact for fact in facts if isinstance(fact, OpenInterest)).oi_usd == 2.5e9
        assert next(fact for fact in facts if isinstance(fact, MarkPrice)).mark_price == 50_011.5


# --- an account ------------------------------------------------------------------------------------------------------


async def listening(place: Place) -> "list[asyncio.Task[Any]]":
    place.tap()
    tasks = await subscribing(
        place, place.client.watch_orders(BTC), place.client.watch_orders(BTC, None, None, {"trigger": True}),
        place.client.watch_positions([BTC]), place.client.watch_balance(),
    )
    await place.subscribed("orders", "orders-algo", "positions", "account")
    return tasks


async def test_an_entry_is_told_as_resting_then_filled_then_as_position_and_balance(place: Place) -> None:
    await place.ready()
    tasks = await listening(place)
    await until(lambda: place.rows("account"))
    assert place.rows("account")[0]["details"][0]["eq"] == "10000"
    await place.entered()
    orders = await patiently(tasks[0])
    assert orders[-1]["clientOrderId"] == "eaaaaaa00000001"
    await until(lambda: len(place.rows("account")) == 2)
    assert [(row["state"], row["accFillSz"]) for row in place.rows("orders")] == [("live", "0"), ("filled", "20")]
    filled = place.rows("orders")[-1]
    assert (filled["fillPx"], filled["fillSz"], filled["fillFee"], filled["execType"], filled["tradeId"]) == (
        "50005", "20", "-5.0005", "T", "1")
    position = place.rows("positions")[-1]
    assert (position["pos"], position["avgPx"], position["mgnMode"], position["lever"]) == (
        "20", "50005", "isolated", "10")
    balance = place.rows("account")[-1]["details"][0]
    assert Decimal(balance["eq"]) - Decimal(balance["upl"]) == place.account.wallet_usd
    mine = await place.client.fetch_my_trades(BTC)
    assert mine[0]["id"] == filled["tradeId"]
    await drop(*tasks)


async def test_a_stop_tells_of_itself_and_of_the_order_that_it_became(place: Place) -> None:
    await place.entered()
    tasks = await listening(place)
    placed = await place.stop_at(49_000)
    await place.tick(low=48_990.0)
    await until(lambda: place.rows("positions") and place.rows("positions")[-1]["pos"] == "0")
    algos = place.rows("orders-algo")
    assert [(row["state"], row["algoClOrdId"], row["algoId"]) for row in algos] == [
        ("live", "saaaaaa00000002", placed["id"]), ("effective", "saaaaaa00000002", placed["id"])]
    child = place.rows("orders")[-1]
    assert (child["ordId"], child["algoClOrdId"], child["clOrdId"], child["state"]) == (
        algos[-1]["ordId"], "saaaaaa00000002", "", "filled")
    assert Decimal(child["fillPnl"]) < -200
    await drop(*tasks)


async def test_cancels_and_a_cancelled_post_only_are_told_with_their_source(place: Place) -> None:
    await place.ready()
    tasks = await listening(place)
    for name, price in (("eaaaaaa00000001", 49_000), ("eaaaaaa00000002", 50_100)):
        params = ISOLATED | {"postOnly": True, "clientOrderId": name}
        await place.client.create_order(BTC, "limit", "buy", 5, price, params)
    await place.client.cancel_order("", BTC, {"clientOrderId": "eaaaaaa00000001"})
    await until(lambda: len(place.rows("orders")) == 3)
    assert [(row["clOrdId"], row["state"], row["cancelSource"]) for row in place.rows("orders")] == [
        ("eaaaaaa00000001", "live", ""), ("eaaaaaa00000002", "canceled", "31"), ("eaaaaaa00000001", "canceled", "1")]
    await drop(*tasks)


async def test_our_liquidation_is_told_as_the_venues_own_order(place: Place) -> None:
    await place.entered()
    await place.stop_at(44_500)
    tasks = await listening(place)
    await place.hub.advance(
        block(2, bar("okx", "BTC", 2, (PRICE, PRICE, 44_000.0, 44_000.0)), mark("okx", "BTC", 2, 44_000.0)))
    await until(lambda: place.rows("positions") and place.rows("positions")[-1]["pos"] == "0")
    assert place.rows("orders-algo")[-1]["state"] == "canceled"
    told = place.rows("orders")[-1]
    assert (told["category"], told["clOrdId"], told["side"], told["fillSz"]) == ("full_liquidation", "", "sell", "20")
    await drop(*tasks)


async def test_every_subscription_that_includes_an_order_gets_it(place: Place) -> None:
    await place.ready()
    place.tap()
    tasks = await subscribing(place, place.client.watch_orders(), place.client.watch_my_trades(BTC))
    await until(lambda: len({topic for one in place.server.sockets for topic in one.topics}) == 2)
    await place.entered()
    trades = await patiently(tasks[1])
    assert (trades[-1]["amount"], trades[-1]["fee"]["cost"]) == (20, -5.0005)
    await until(lambda: len(place.rows("orders")) == 4)
    await drop(*tasks)


async def test_other_accounts_hear_nothing(place: Place) -> None:
    place.hub.open_account("okx", "other", "secret", passphrase="phrase")
    other = place.another(key="other")
    heard = asyncio.create_task(other.watch_orders())
    await place.subscribed("orders")
    await place.entered()
    await place.hub.execute(place.account, SetLeverage("okx", "BTC", 5))
    await asyncio.sleep(0.05)
    assert not heard.done()
    await drop(heard)


# --- manners ---------------------------------------------------------------------------------------------------------


async def test_a_wrong_secret_is_refused_at_login(place: Place) -> None:
    for code, client in (
        ("60007", place.another(secret="other")), ("60005", place.another(key="nobody")),
        ("60024", place.another(passphrase="other")),
    ):
        with pytest.raises(errors.AuthenticationError, match=code):
            await patiently(client.watch_orders(BTC))


async def test_demo_keys_belong_on_the_demo_socket(place: Place) -> None:
    demo = place.another(demo=True)
    with pytest.raises(errors.AuthenticationError, match="50101"):
        await patiently(demo.watch_balance())
    place.dialect.demo_keys.add(KEY)
    assert (await patiently(place.another(demo=True).watch_balance()))["USDT"]["total"] == 10_000


class Line:
    """A bare websocket, for messages that the unified client never sends."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def ask(self, message: Any) -> Any:
        """The next message after this one was sent."""
        await self._socket.send_str(message if isinstance(message, str) else msgspec.json.encode(message).decode())
        answer = await patiently(self._socket.receive_str())
        return answer if answer == "pong" else msgspec.json.decode(answer)

    async def code(self, message: Any) -> str:
        return str((await self.ask(message))["code"])


@contextlib.asynccontextmanager
async def line(place: Place, path: str) -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{place.url}/ws.okx.com/ws/v5/{path}") as one:
        yield Line(one)


def subscribe(**arg: str) -> dict[str, Any]:
    return {"op": "subscribe", "args": [arg]}


async def test_pings_acknowledgements_and_complaints(place: Place) -> None:
    trades = {"channel": "trades", "instId": "BTC-USDT-SWAP"}
    async with line(place, "public") as one:
        assert await one.ask("ping") == "pong"
        told = await one.ask(subscribe(**trades))
        assert (told["event"], told["arg"]) == ("subscribe", trades)
        assert [topic for socket in place.server.sockets for topic in socket.topics] == [Arg(**renamed(trades)).topic]
        assert (await one.ask({"op": "unsubscribe", "args": [trades]}))["event"] == "unsubscribe"
        assert [topic for socket in place.server.sockets for topic in socket.topics] == []
        assert await one.code(subscribe(channel="trades", instId="XYZ-USDT-SWAP")) == "60018"
        assert await one.code(subscribe(channel="account")) == "60018"
        assert await one.code("nonsense") == "60012"
    async with line(place, "private") as one:
        assert await one.code(subscribe(channel="account")) == "60011"
        assert await one.code(subscribe(channel="orders-algo", instType="SWAP")) == "60018"


def renamed(arg: dict[str, str]) -> dict[str, str]:
    return {"channel": arg["channel"], "inst_id": arg["instId"]}


async def test_operations_and_channels_that_are_not_modelled_are_refused_and_recorded(place: Place) -> None:
    async with line(place, "private") as one:
        assert await one.code({"op": "order", "args": []}) == "60012"
        assert await one.code(subscribe(channel="balance_and_position")) == "60018"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{place.url}/ws.okx.com/ws/v5/other")
    assert place.hub.unknown == ["okx: ws op order", "okx: ws channel balance_and_position", "okx: ws /ws/v5/other"]
    place.hub.unknown.clear()
