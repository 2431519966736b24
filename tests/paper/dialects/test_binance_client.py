"""The unmodified unified client on the simulated Binance: everything it asks for is answered as the venue would."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt.pro
import msgspec
import pytest
from ccxt.base import errors
from loopback_market import (
    PRICE,
    at,
    bar,
    block,
    forced,
    hub_of,
    interest,
    mark,
    pointed,
    rate,
)
from patience import patiently, until

from liqbot.commands import SetLeverage
from liqbot.instruments import Side
from paper.dialects.binance.dialect import BinanceDialect
from paper.dialects.faults import Kind
from paper.dialects.hub import Hub
from paper.dialects.serving import Loopback, serving

BTC = "BTC/USDT:USDT"
KEY, SECRET = "k" * 64, "s" * 64
ORDER = "POST /fapi/v1/order"


class Place:
    """A served hub with one account and one client on it."""

    def __init__(self, hub: Hub, loop: Loopback) -> None:
        self.hub, self.server, self.url = hub, loop.server, loop.url
        self.account = hub.open_account("binance", KEY, SECRET)
        self.client = self.another()
        self.raw: list[dict[str, Any]] = []
        self.second = 0

    def another(self, secret: str = SECRET, **options: Any) -> Any:
        options = {"fetchMarkets": {"types": ["linear"]}, "watchTrades": {"name": "aggTrade"}, **options}
        client = ccxt.pro.binanceusdm({"apiKey": KEY, "secret": secret, "enableRateLimit": False, "options": options})
        client.has["fetchCurrencies"] = False
        return pointed(client, self.url)

    async def ready(self) -> None:
        await self.client.load_markets()
        await self.client.set_margin_mode("isolated", BTC)
        await self.client.set_leverage(10, BTC)

    async def tick(self, price: float = PRICE, low: float | None = None) -> None:
        """One more second; with `low` the price dips there and comes back."""
        self.second += 1
        prices = (price, price, price if low is None else low, price)
        await self.hub.advance(
            block(self.second, bar("binance", "BTC", self.second, prices),
                  mark("binance", "BTC", self.second, price if low is None else low))
        )

    def tap(self) -> None:
        """Keep every raw message of every socket the client opens."""
        original = self.client.client

        def client(url: str) -> Any:
            socket = original(url)
            if "handle_text_or_binary_message" not in vars(socket):
                handle = socket.handle_text_or_binary_message
                socket.handle_text_or_binary_message = lambda data: self._heard(data, handle)
            return socket

        self.client.client = client

    def _heard(self, data: str | bytes, handle: Any) -> None:
        self.raw.append(msgspec.json.decode(data))
        handle(data)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [message for message in self.raw if message.get("e") == name]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    hub = hub_of("binance")
    async with serving(hub, [BinanceDialect(hub)]) as loop:
        made = Place(hub, loop)
        clients = [made.client]
        another = made.another

        def remembered(*args: Any, **named: Any) -> Any:
            clients.append(another(*args, **named))
            return clients[-1]

        made.another = remembered  # type: ignore[method-assign]
        yield made
        for client in clients:
            await client.close()
    assert hub.unknown == []


async def listening(place: Place) -> "asyncio.Task[Any]":
    """The user stream is open."""
    place.tap()
    task = asyncio.create_task(place.client.watch_orders(BTC))
    for _ in range(400):
        if any(socket.account is not None for socket in place.server.sockets):
            return task
        await asyncio.sleep(0.005)
    raise AssertionError("no user stream")


async def drop(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


# --- public ----------------------------------------------------------------------------------------------------------


async def test_markets_have_the_venues_steps(place: Place) -> None:
    markets = await place.client.load_markets()
    btc = markets[BTC]
    assert (btc["precision"]["price"], btc["precision"]["amount"]) == (0.1, 0.001)
    assert btc["limits"]["cost"]["min"] == 100
    assert (btc["linear"], btc["swap"], btc["contractSize"]) == (True, True, 1)
    assert set(markets) == {BTC, "ETH/USDT:USDT"}


async def test_trades_of_a_bar_arrive_with_its_prices_and_its_volume(place: Place) -> None:
    await place.client.load_markets()
    place.tap()
    task = asyncio.create_task(place.client.watch_trades(BTC))
    await until(lambda: any(socket.topics for socket in place.server.sockets))
    await place.hub.advance(block(1, bar("binance", "BTC", 1, (50_000.0, 50_040.0, 49_900.0, 50_010.0))))
    first = await patiently(task)
    assert first[0]["symbol"] == BTC
    trades = place.events("aggTrade")
    assert float(trades[0]["p"]) == 50_000.0
    assert max(float(one["p"]) for one in trades) == 50_040.0
    assert min(float(one["p"]) for one in trades) == 49_900.0
    assert float(trades[-1]["p"]) == 50_010.0
    assert sum(float(one["p"]) * float(one["q"]) for one in trades) == pytest.approx(1e6, abs=2 * 51)
    bought = sum(float(one["p"]) * float(one["q"]) for one in trades if not one["m"])
    assert bought == pytest.approx(4e5, abs=51)
    assert all(at(0) < one["T"] <= at(1) for one in trades)


async def test_marks_and_forced_orders_arrive_in_the_venues_shape(place: Place) -> None:
    await place.hub.advance(block(1, rate("binance", 1, 0.01)))
    await place.client.load_markets()
    place.tap()
    tasks = [
        asyncio.create_task(place.client.watch_mark_prices([BTC])),
        asyncio.create_task(place.client.watch_liquidations_for_symbols([BTC])),
    ]
    await until(lambda: len({topic for socket in place.server.sockets for topic in socket.topics}) == 2)
    burst = [forced("binance", 2, Side.LONG, 49_000.0, 49_000.0 * (1 + number)) for number in range(5)]
    await place.hub.advance(block(2, mark("binance", "BTC", 2, 50_100.5), *burst))
    await asyncio.gather(*(patiently(task) for task in tasks))
    await until(lambda: len(place.events("forceOrder")) == 5)
    told = place.events("markPriceUpdate")[0]
    assert (told["p"], told["i"], told["r"], told["E"]) == ("50100.5", "50095.5", "0.00010000", at(2))
    orders = [message["o"] for message in place.events("forceOrder")]
    assert {(one["s"], one["S"], one["X"], one["ap"]) for one in orders} == {("BTCUSDT", "SELL", "FILLED", "49000")}
    assert [one["z"] for one in orders] == ["1", "2", "3", "4", "5"]


async def test_open_interest_funding_and_history_by_rest(place: Place) -> None:
    await place.client.load_markets()
    await place.hub.advance(block(1, interest("binance", 1, 2.5e9), rate("binance", 1, 0.0125)))
    await place.hub.advance(block(3 * 3_600, *quiet_rows(3 * 3_600), rate("binance", 3 * 3_600, 0.02, 4.0)))
    await place.hub.advance(block(4 * 3_600 + 1, rate("binance", 4 * 3_600 + 1, -0.01, 4.0)))
    told = await place.client.fetch_open_interest(BTC)
    assert told["openInterestAmount"] == 50_000
    funding = await place.client.fetch_funding_rate(BTC)
    assert (funding["fundingRate"], funding["fundingTimestamp"]) == (-0.0001, at(8 * 3_600))
    history = await place.client.fetch_funding_rate_history(BTC, at(0))
    assert [(one["fundingRate"], one["timestamp"]) for one in history] == [(0.0002, at(4 * 3_600))]
    candles = await place.client.fetch_ohlcv(BTC, "1m", at(0) - 60_000)
    assert len(candles) == 2
    assert candles[-1][4] == PRICE
    ticker = await place.client.fetch_ticker(BTC)
    assert ticker["last"] == PRICE


def quiet_rows(second: int) -> tuple[Any, ...]:
    return bar("binance", "BTC", second, (PRICE,) * 4), mark("binance", "BTC", second, PRICE)


# --- account ---------------------------------------------------------------------------------------------------------


async def test_margin_mode_leverage_and_rights_are_set_and_read_back(place: Place) -> None:
    client = place.client
    await client.load_markets()
    place.account.may_withdraw = True
    assert (await client.fetch_leverage(BTC))["marginMode"] == "cross"
    await client.set_margin_mode("isolated", BTC)
    with pytest.raises(errors.MarginModeAlreadySet, match="-4046"):
        await client.set_margin_mode("isolated", BTC)
    await client.set_leverage(20, BTC)
    found = await client.fetch_leverage(BTC)
    assert (found["marginMode"], found["longLeverage"]) == ("isolated", 20)
    assert (await client.fetch_position_mode(BTC))["hedged"] is False
    with pytest.raises(errors.ExchangeError, match="-4059"):
        await client.set_position_mode(False, BTC)
    with pytest.raises(errors.ExchangeError, match="-4028"):
        await client.fapiPrivatePostLeverage({"symbol": "BTCUSDT", "leverage": 151})
    tiers = await client.fetch_leverage_tiers([BTC])
    assert tiers[BTC][0]["maxLeverage"] == 150
    assert (await client.fetch_trading_fee(BTC))["taker"] == 0.0005
    assert (await client.sapiGetAccountApiRestrictions())["enableWithdrawals"] is True
    assert (await client.fapiPrivateGetMultiAssetsMargin())["multiAssetsMargin"] is False
    balance = await client.fetch_balance()
    assert (balance["USDT"]["total"], balance["USDT"]["free"]) == (10_000, 10_000)


async def test_a_market_entry_fills_and_the_stream_and_rest_agree(place: Place) -> None:
    await place.ready()
    task = await listening(place)
    order = await place.client.create_order(BTC, "market", "buy", 0.2, None, {"newClientOrderId": "eaaaaaa00000001"})
    assert (order["status"], order["clientOrderId"]) == ("open", "eaaaaaa00000001")
    await place.tick()
    orders = await patiently(task)
    assert orders[-1]["clientOrderId"] == "eaaaaaa00000001"
    await until(lambda: place.events("ACCOUNT_UPDATE"))
    updates = place.events("ORDER_TRADE_UPDATE")
    assert [(one["o"]["x"], one["o"]["X"]) for one in updates] == [("NEW", "NEW"), ("TRADE", "FILLED")]
    filled = updates[-1]["o"]
    assert (filled["z"], filled["L"], filled["n"], filled["N"]) == ("0.2", "50005", "5.0005", "USDT")
    position = place.events("ACCOUNT_UPDATE")[-1]["a"]["P"][0]
    assert (position["pa"], position["ep"], position["mt"], position["iw"]) == ("0.2", "50005", "isolated", "1000.1")
    read = await place.client.fetch_order(None, BTC, {"origClientOrderId": "eaaaaaa00000001"})
    assert (read["status"], read["filled"], read["average"]) == ("closed", 0.2, 50_005)
    mine = await place.client.fetch_my_trades(BTC)
    assert [(one["amount"], one["price"], one["fee"]["cost"], one["order"]) for one in mine] == [
        (0.2, 50_005, 5.0005, order["id"])
    ]
    held = (await place.client.fetch_positions([BTC]))[0]
    assert (held["side"], held["contracts"], held["entryPrice"]) == ("long", 0.2, 50_005)
    assert held["marginMode"] == "isolated"
    assert held["liquidationPrice"] == float(place.account.holding("BTC").liquidation_price)
    assert len(await place.client.fapiPrivateV2GetPositionRisk({})) == 2
    assert len(await place.client.fapiPrivateV3GetPositionRisk({})) == 1
    account = await place.client.fapiPrivateV2GetAccount()
    assert Decimal(account["totalWalletBalance"]) == place.account.wallet_usd


async def entered(place: Place, quantity: float = 0.2) -> None:
    await place.ready()
    await place.client.create_order(BTC, "market", "buy", quantity, None, {"newClientOrderId": "eaaaaaa00000001"})
    await place.tick()


async def stop_at(place: Place, price: float, name: str = "saaaaaa00000002", quantity: float = 0.2) -> Any:
    params = {"stopLossPrice": price, "reduceOnly": True, "workingType": "MARK_PRICE", "clientOrderId": name}
    return await place.client.create_order(BTC, "market", "sell", quantity, None, params)


async def test_a_stop_is_placed_read_back_triggered_by_the_mark_and_told_twice(place: Place) -> None:
    await entered(place)
    task = await listening(place)
    placed = await stop_at(place, 49_000)
    assert (placed["status"], placed["reduceOnly"], placed["triggerPrice"]) == ("open", True, 49_000)
    assert await place.client.fetch_open_orders(BTC) == []
    resting = await place.client.fetch_open_orders(BTC, None, None, {"trigger": True})
    assert [(one["clientOrderId"], one["triggerPrice"]) for one in resting] == [("saaaaaa00000002", 49_000)]
    with pytest.raises(errors.OrderNotFound):
        await place.client.fetch_order(None, BTC, {"clientOrderId": "saaaaaa00000002"})
    await place.tick(price=PRICE, low=48_990.0)
    await until(lambda: any(one["o"]["X"] == "FINISHED" for one in place.events("ALGO_UPDATE")))
    await drop(task)
    states = [one["o"]["X"] for one in place.events("ALGO_UPDATE")]
    assert states == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    trade = place.events("ORDER_TRADE_UPDATE")[-1]["o"]
    assert (trade["c"], trade["x"], trade["X"], trade["R"], trade["ot"]) == (
        "saaaaaa00000002", "TRADE", "FILLED", True, "STOP_MARKET"
    )
    assert trade["i"] == int(place.events("ALGO_UPDATE")[-1]["o"]["ai"])
    algo = await place.client.fapiPrivateGetAlgoOrder({"clientAlgoId": "saaaaaa00000002", "symbol": "BTCUSDT"})
    assert (algo["algoStatus"], algo["actualOrderId"]) == ("FINISHED", str(trade["i"]))
    made = await place.client.fetch_order(str(trade["i"]), BTC)
    assert (made["status"], made["clientOrderId"]) == ("closed", "saaaaaa00000002")
    assert await place.client.fapiPrivateV3GetPositionRisk({}) == []
    income = await place.client.fapiPrivateGetIncome({"incomeType": "REALIZED_PNL"})
    assert Decimal(income[0]["income"]) < -200


async def test_a_stop_is_cancelled_by_client_id_once(place: Place) -> None:
    await entered(place)
    await stop_at(place, 49_000)
    params = {"trigger": True, "clientOrderId": "saaaaaa00000002"}
    cancelled = await place.client.cancel_order(None, BTC, params)
    assert cancelled["clientOrderId"] == "saaaaaa00000002"
    with pytest.raises(errors.OrderNotFound):
        await place.client.cancel_order(None, BTC, params)
    assert await place.client.fetch_open_orders(BTC, None, None, {"trigger": True}) == []
    algo = await place.client.fapiPrivateGetAlgoOrder({"clientAlgoId": "saaaaaa00000002", "symbol": "BTCUSDT"})
    assert algo["algoStatus"] == "CANCELED"


async def test_a_stop_for_the_whole_position_closes_what_there_is(place: Place) -> None:
    await entered(place)
    task = await listening(place)
    await place.client.fapiPrivatePostAlgoOrder({
        "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "49000",
        "workingType": "MARK_PRICE", "closePosition": "true", "clientAlgoId": "whole",
    })  # fmt: skip
    await place.tick(low=48_990.0)
    await until(lambda: any(one["o"]["X"] == "FINISHED" for one in place.events("ALGO_UPDATE")))
    await drop(task)
    trade = place.events("ORDER_TRADE_UPDATE")[-1]["o"]
    assert (trade["X"], trade["l"], trade["cp"]) == ("FILLED", "0.2", True)
    assert place.account.holding("BTC") is None


async def test_a_reduce_larger_than_the_position_fills_in_part_and_expires(place: Place) -> None:
    await entered(place)
    task = await listening(place)
    await place.client.create_order(BTC, "market", "sell", 0.5, None, {"reduceOnly": True, "newClientOrderId": "exit1"})
    await place.tick()
    await until(lambda: len(place.events("ORDER_TRADE_UPDATE")) >= 3)
    await drop(task)
    told = [(one["o"]["x"], one["o"]["X"], one["o"]["z"]) for one in place.events("ORDER_TRADE_UPDATE")]
    assert told[-2:] == [("TRADE", "PARTIALLY_FILLED", "0.2"), ("EXPIRED", "EXPIRED", "0.2")]


async def test_an_order_that_fills_in_pieces_is_told_piece_by_piece() -> None:
    hub = hub_of("binance", fill_usd_max=2_100.0, fill_pause_ms=400)
    async with serving(hub, [BinanceDialect(hub)]) as loop:
        place = Place(hub, loop)
        await place.ready()
        task = await listening(place)
        await place.client.create_order(BTC, "market", "buy", 0.1, None, {"newClientOrderId": "e1"})
        await place.tick()
        await until(lambda: len(place.events("ORDER_TRADE_UPDATE")) == 4)
        await drop(task)
        told = [(one["o"]["X"], one["o"]["l"], one["o"]["z"]) for one in place.events("ORDER_TRADE_UPDATE")]
        read = await place.client.fetch_order(None, BTC, {"origClientOrderId": "e1"})
        mine = await place.client.fetch_my_trades(BTC)
        await place.client.close()
    assert told == [
        ("NEW", "0", "0"), ("PARTIALLY_FILLED", "0.042", "0.042"), ("PARTIALLY_FILLED", "0.042", "0.084"),
        ("FILLED", "0.016", "0.1"),
    ]  # fmt: skip
    assert (read["status"], read["filled"]) == ("closed", 0.1)
    assert [one["amount"] for one in mine] == [0.042, 0.042, 0.016]
    assert hub.unknown == []


async def test_a_post_only_order_rests_fills_as_maker_or_is_refused(place: Place) -> None:
    await place.ready()
    with pytest.raises(errors.ExchangeError, match="-5022"):
        await place.client.create_order(BTC, "limit", "buy", 0.1, 50_500, {"postOnly": True})
    rested = await place.client.create_order(BTC, "limit", "buy", 0.1, 49_900, {"postOnly": True})
    assert rested["timeInForce"] == "PO"
    assert [one["id"] for one in await place.client.fetch_open_orders(BTC)] == [rested["id"]]
    assert (await place.client.fetch_balance())["USDT"]["free"] < 10_000
    await place.tick(low=49_890.0)
    mine = await place.client.fetch_my_trades(BTC)
    assert [(one["price"], one["takerOrMaker"]) for one in mine] == [(49_900, "maker")]


async def test_refusals_carry_the_venues_numbers(place: Place) -> None:
    await place.ready()
    asked: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1"}
    post = place.client.fapiPrivatePostOrder
    for changed, number in (
        ({"quantity": "10"}, "-2019"),
        ({"quantity": "0.0001"}, "-1111"),
        ({"quantity": "0.001"}, "-4164"),
        ({"side": "SELL", "reduceOnly": "true"}, "-2022"),
        ({"symbol": "NOPEUSDT"}, "-1121"),
        ({"positionSide": "LONG"}, "-4061"),
        ({"type": "STOP_MARKET", "stopPrice": "1"}, "-4120"),
        ({"newClientOrderId": "x" * 37}, "-4015"),
    ):
        if "stopPrice" in changed:
            continue
        with pytest.raises(errors.BaseError, match=number):
            await post({**asked, **changed})
    with pytest.raises(errors.BaseError, match="-4120"):
        await post({**asked, "type": "STOP_MARKET"})
    await post({**asked, "newClientOrderId": "same"})
    with pytest.raises(errors.BaseError, match="-4116"):
        await post({**asked, "newClientOrderId": "same"})
    await place.tick()
    with pytest.raises(errors.BaseError, match="-2021"):
        await stop_at(place, 50_400, "sbad", 0.1)
    with pytest.raises(errors.BaseError, match="-4161"):
        await place.client.set_leverage(5, BTC)
    with pytest.raises(errors.OrderNotFound):
        await place.client.cancel_order("123", BTC)


async def test_funding_is_paid_and_on_record(place: Place) -> None:
    await place.hub.advance(block(1, rate("binance", 1, 0.01)))
    place.second = 1
    await entered(place)
    task = await listening(place)
    await place.hub.advance(block(8 * 3_600, *quiet_rows(8 * 3_600), rate("binance", 8 * 3_600, 0.01, settled=True)))
    await until(lambda: any(one["a"]["m"] == "FUNDING_FEE" for one in place.events("ACCOUNT_UPDATE")))
    await drop(task)
    paid = await place.client.fetch_funding_history(BTC)
    assert [(one["amount"], one["timestamp"]) for one in paid] == [(-1.0, at(8 * 3_600))]


async def test_leverage_set_by_hand_and_a_deposit_are_told(place: Place) -> None:
    await place.ready()
    task = await listening(place)
    await place.hub.execute(place.account, SetLeverage("binance", "BTC", 7))
    await place.hub.transfer(place.account, Decimal(500))
    await until(lambda: place.events("ACCOUNT_CONFIG_UPDATE") and place.events("ACCOUNT_UPDATE"))
    await drop(task)
    assert place.events("ACCOUNT_CONFIG_UPDATE")[-1]["ac"] == {"s": "BTCUSDT", "l": 7}
    assert place.events("ACCOUNT_UPDATE")[-1]["a"]["B"][0]["wb"] == "10500"
    assert (await place.client.fetch_leverage(BTC))["longLeverage"] == 7


async def test_a_liquidation_is_told_as_the_venues_own_order(place: Place) -> None:
    await entered(place)
    task = await listening(place)
    await place.tick(price=44_000.0)
    await until(lambda: any(one["o"]["x"] == "CALCULATED" for one in place.events("ORDER_TRADE_UPDATE")))
    await drop(task)
    forced_order = place.events("ORDER_TRADE_UPDATE")[-1]["o"]
    assert forced_order["c"].startswith("autoclose-")
    mine = await place.client.fetch_my_trades(BTC)
    assert len(mine) == 2
    assert mine[-1]["side"] == "sell"
    assert place.account.wallet_usd > 8_900


# --- trouble ---------------------------------------------------------------------------------------------------------


async def test_a_wrong_secret_and_a_wrong_key_are_told_apart(place: Place) -> None:
    with pytest.raises(errors.AuthenticationError, match="-1022"):
        await place.another(secret="wrong").fetch_balance()
    stranger = place.another()
    stranger.apiKey = "nobody"
    with pytest.raises(errors.AuthenticationError, match="-2015"):
        await stranger.fetch_balance()


async def test_a_clock_out_of_step_is_refused_once_and_for_good(place: Place) -> None:
    await place.client.load_markets()
    place.hub.faults.next("GET /fapi/v3/account", Kind.SKEW_MS, 60_000)
    with pytest.raises(errors.InvalidNonce, match="-1021"):
        await place.client.fetch_balance()
    await place.client.fetch_balance()
    place.hub.skew_ms = -10_000
    with pytest.raises(errors.InvalidNonce):
        await place.client.fetch_balance()
    await place.client.load_time_difference()
    await place.client.fetch_balance()


async def test_busy_maintenance_and_broken_gateways(place: Place) -> None:
    await place.client.load_markets()
    faults = place.hub.faults
    faults.next("GET /fapi/v1/time", Kind.HTTP_429, 7)
    with pytest.raises(errors.DDoSProtection, match="-1003"):
        await place.client.fetch_time()
    assert place.client.last_response_headers["Retry-After"] == "7"
    faults.next("GET /fapi/v1/*", Kind.MAINTENANCE)
    with pytest.raises(errors.OnMaintenance):
        await place.client.fetch_time()
    faults.next("*", Kind.HTTP_5XX, 502)
    with pytest.raises(errors.ExchangeNotAvailable):
        await place.client.fetch_time()
    await place.client.fetch_time()


async def test_an_answer_that_is_lost_is_an_order_that_is_found(place: Place) -> None:
    await place.ready()
    place.hub.faults.next(ORDER, Kind.DROP_ANSWER)
    with pytest.raises(errors.NetworkError):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, {"newClientOrderId": "lost"})
    assert (await place.client.fetch_order(None, BTC, {"origClientOrderId": "lost"}))["status"] == "open"
    place.hub.faults.next(ORDER, Kind.DROP_REQUEST)
    with pytest.raises(errors.NetworkError):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, {"newClientOrderId": "never"})
    with pytest.raises(errors.OrderNotFound):
        await place.client.fetch_order(None, BTC, {"origClientOrderId": "never"})


async def test_a_cut_socket_is_one_network_error_and_the_next_watch_goes_on(place: Place) -> None:
    await place.ready()
    task = await listening(place)
    place.hub.faults.next("/private", Kind.DISCONNECT_WS)
    await place.tick()
    with pytest.raises(errors.NetworkError):
        await patiently(task)
    again = asyncio.create_task(place.client.watch_orders(BTC))
    await until(lambda: any(socket.account is not None for socket in place.server.sockets))
    await place.client.create_order(BTC, "market", "buy", 0.1)
    await patiently(again)
