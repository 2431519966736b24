"""Orders of the unmodified client on the simulated Bybit: what it asks, what it is told, and what the books say."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from bybit_place import BTC, ENTRY, STOP, BybitPlace, bybit_place
from ccxt.base import errors
from loopback_market import PRICE
from patience import patiently, until

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.instruments import Side
from paper.dialects.faults import Kind

CREATE = "POST /v5/order/create"


@pytest.fixture
async def place() -> AsyncIterator[BybitPlace]:
    async with bybit_place() as made:
        yield made


async def test_a_market_entry_fills_and_stream_and_requests_agree(place: BybitPlace) -> None:
    await place.ready()
    async with place.listening():
        order = await place.client.create_order(BTC, "market", "buy", 0.2, None, {"clientOrderId": ENTRY})
        assert order["clientOrderId"] == ENTRY
        await place.tick()
        await until(lambda: place.told("wallet") and place.told("execution"))
    assert [one["orderStatus"] for one in place.told("order")] == ["New", "Filled"]
    filled = place.told("order")[-1]
    assert (filled["orderId"], filled["cumExecQty"], filled["avgPrice"]) == (order["id"], "0.2", "50005")
    traded = place.told("execution")[0]
    assert (traded["orderLinkId"], traded["execPrice"], traded["execQty"], traded["execFee"], traded["feeRate"]) == (
        ENTRY, "50005", "0.2", "5.50055", "0.00055"
    )  # fmt: skip
    assert (traded["side"], traded["execType"], traded["closedSize"]) == ("Buy", "Trade", "0")
    assert place.told("wallet")[-1]["coin"][0]["walletBalance"] == "9994.49945"
    mine = await place.client.fetch_my_trades(BTC)
    assert [(one["id"], one["amount"], one["price"], one["fee"]["cost"], one["order"]) for one in mine] == [
        (traded["execId"], 0.2, 50_005, 5.50055, order["id"])
    ]
    held = (await place.client.fetch_positions([BTC]))[0]
    assert (held["side"], held["contracts"], held["entryPrice"], held["leverage"]) == ("long", 0.2, 50_005, 10)
    assert held["liquidationPrice"] == float(place.account.holding("BTC").liquidation_price)
    balance = (await place.client.fetch_balance())["USDT"]
    assert (balance["total"], balance["used"]) == (9994.49945, 1000.1)


async def test_the_position_is_pushed_to_a_client_that_watches_it(place: BybitPlace) -> None:
    await place.ready()
    place.tap()
    watching = asyncio.create_task(place.client.watch_positions([BTC]))
    first = await patiently(watching)
    assert first == []
    watching = asyncio.create_task(place.client.watch_positions([BTC]))
    await place.subscribed("position")
    await place.client.create_order(BTC, "market", "sell", 0.1, None, {"clientOrderId": ENTRY})
    await place.tick()
    told = (await patiently(watching))[0]
    assert (told["side"], told["contracts"]) == ("short", 0.1)


async def test_a_stop_is_placed_read_back_and_triggered_by_the_mark(place: BybitPlace) -> None:
    await place.entered()
    async with place.listening():
        placed = await place.stop_at(49_000)
        resting = await place.client.fetch_open_orders(BTC, None, None, {"trigger": True})
        assert [(one["id"], one["clientOrderId"], one["triggerPrice"], one["reduceOnly"]) for one in resting] == [
            (placed["id"], STOP, 49_000, True)
        ]
        assert resting[0]["info"]["triggerBy"] == "MarkPrice"
        assert resting[0]["info"]["orderStatus"] == "Untriggered"
        assert await place.client.fetch_open_orders(BTC, None, None, {"orderFilter": "Order"}) == []
        assert [one["id"] for one in await place.client.fetch_open_orders(BTC)] == [placed["id"]]
        await place.tick(price=PRICE, marked=48_990.0)
        await until(lambda: place.told("order")[-1]["orderStatus"] == "Filled")
    assert [one["orderStatus"] for one in place.told("order")] == ["Untriggered", "Filled"]
    traded = place.told("execution")[-1]
    assert (traded["side"], traded["stopOrderType"], traded["closedSize"]) == ("Sell", "Stop", "0.2")
    assert place.account.holding("BTC") is None
    assert await place.client.fetch_open_orders(BTC) == []
    closed = await place.client.fetch_closed_order(placed["id"], BTC)
    assert (closed["status"], closed["filled"], closed["stopLossPrice"]) == ("closed", 0.2, 49_000)
    assert (await place.client.fetch_positions([BTC]))[0]["contracts"] == 0


@pytest.mark.parametrize("name", ["orderLinkId", "orderId"])
async def test_an_order_is_found_by_either_name_and_cancelled_once(place: BybitPlace, name: str) -> None:
    await place.entered()
    placed = await place.stop_at(49_000)
    query = {"category": "linear", "symbol": "BTCUSDT", name: STOP if name == "orderLinkId" else placed["id"]}
    found = (await place.client.privateGetV5OrderRealtime(query))["result"]["list"]
    assert [(one["orderLinkId"], one["orderStatus"]) for one in found] == [(STOP, "Untriggered")]
    answer = await place.client.privatePostV5OrderCancel(query)
    assert answer["result"] == {"orderId": placed["id"], "orderLinkId": STOP}
    with pytest.raises(errors.OrderNotFound, match="110001"):
        await place.client.privatePostV5OrderCancel(query)
    for read in (place.client.privateGetV5OrderRealtime, place.client.privateGetV5OrderHistory):
        ended = (await read(query))["result"]["list"]
        assert [(one["orderStatus"], one["cancelType"], one["leavesQty"]) for one in ended] == [
            ("Deactivated", "CancelByUser", "0")
        ]
    nobody = await place.client.privateGetV5OrderRealtime(query | {"orderLinkId": "nobody", "orderId": ""})
    assert nobody["result"]["list"] == []


async def test_a_post_only_order_that_would_take_is_accepted_and_then_cancelled(place: BybitPlace) -> None:
    await place.ready()
    async with place.listening():
        order = await place.client.create_order(
            BTC, "limit", "buy", 0.1, 50_100, {"clientOrderId": ENTRY, "postOnly": True}
        )
        await until(lambda: place.told("order"))
    told = place.told("order")
    assert [(one["orderStatus"], one["rejectReason"]) for one in told] == [
        ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    ]
    assert (await place.client.fetch_canceled_orders(BTC))[0]["id"] == order["id"]


async def test_a_post_only_limit_rests_and_fills_as_maker(place: BybitPlace) -> None:
    await place.ready()
    await place.client.create_order(BTC, "limit", "buy", 0.1, 49_900, {"clientOrderId": ENTRY, "postOnly": True})
    resting = (await place.client.fetch_open_orders(BTC))[0]
    assert (resting["status"], resting["timeInForce"], resting["price"]) == ("open", "PO", 49_900)
    used = (await place.client.fetch_balance())["USDT"]
    assert used["total"] == 10_000
    assert place.account.available_usd < 10_000 - 499
    await place.tick(49_880.0)
    mine = (await place.client.fetch_my_trades(BTC))[0]
    assert (mine["takerOrMaker"], mine["price"], mine["fee"]["cost"]) == ("maker", 49_900, 0.998)


async def test_refused_orders_come_with_the_venues_codes(place: BybitPlace) -> None:
    await place.entered(0.1)
    client = place.client
    refusals = [
        (errors.InsufficientFunds, "110007", ("market", "buy", 5, None, {})),
        (errors.InvalidOrder, "110017.*not satisfied", ("market", "buy", 0.1, None, {"reduceOnly": True})),
        (errors.InvalidOrder, "110093.*50000", ("market", "sell", 0.1, None,
                                               {"stopLossPrice": 50_000, "triggerBy": "MarkPrice"})),
        (errors.InvalidOrder, "110072", ("market", "buy", 0.1, None, {"clientOrderId": ENTRY})),
        (errors.BadRequest, "10001.*idx", ("market", "buy", 0.1, None, {"positionIdx": 1})),
    ]  # fmt: skip
    for kind, words, (type_, side, amount, price, params) in refusals:
        with pytest.raises(kind, match=words):
            await client.create_order(BTC, type_, side, amount, price, params)
    raw = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit"}
    raw |= {"qty": "0.1", "price": "49000"}
    for change, words in (({"qty": "0.0001"}, "Qty invalid"), ({"price": "49000.05"}, "price invalid"),
                          ({"symbol": "XXXUSDT"}, "Not supported symbols")):  # fmt: skip
        with pytest.raises((errors.BadRequest, errors.BadSymbol), match=words):
            await client.privatePostV5OrderCreate(raw | change)
    with pytest.raises(errors.InvalidOrder, match="110094"):
        await client.create_order("ETH/USDT:USDT", "limit", "buy", 0.01, 100.0)
    assert len(place.account.open_orders()) == 0
    assert [one["info"]["orderLinkId"] for one in await client.fetch_closed_orders(BTC)] == [ENTRY]


async def test_nothing_is_reduced_where_nothing_is_held(place: BybitPlace) -> None:
    await place.ready()
    with pytest.raises(errors.InvalidOrder, match=r"110017.*position is zero"):
        await place.stop_at(49_000)
    with pytest.raises(errors.InvalidOrder, match="110017"):
        await place.stop_at(51_000, "saaaaaa00000005", side="buy")


async def test_what_is_not_modelled_is_refused_and_recorded(place: BybitPlace) -> None:
    await place.ready()
    for params in ({"triggerPrice": 49_000, "triggerDirection": "descending"}, {"stopLoss": {"triggerPrice": 49_000}},
                   {"timeInForce": "FOK"}, {"trailingAmount": "100"}):  # fmt: skip
        with pytest.raises(errors.BaseError):
            await place.client.create_order(BTC, "limit", "buy", 0.1, 49_000, params)
    assert len(place.hub.unknown) == 4
    assert all(what.startswith("bybit: ") for what in place.hub.unknown)
    assert place.account.open_orders() == []
    place.hub.unknown.clear()


async def test_trading_in_cross_margin_is_not_modelled(place: BybitPlace) -> None:
    await place.client.load_markets()
    with pytest.raises(errors.BadRequest):
        await place.client.create_order(BTC, "market", "buy", 0.1)
    assert place.hub.unknown == ["bybit: trading in cross margin"]
    place.hub.unknown.clear()


async def test_a_dropped_answer_leaves_an_order_that_is_found_by_its_name(place: BybitPlace) -> None:
    await place.ready()
    place.hub.faults.next(CREATE, Kind.DROP_ANSWER)
    with pytest.raises(errors.ExchangeNotAvailable):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, {"clientOrderId": ENTRY})
    found = await place.client.fetch_open_orders(BTC, None, None, {"orderLinkId": ENTRY})
    assert [(one["clientOrderId"], one["status"]) for one in found] == [(ENTRY, "open")]
    with pytest.raises(errors.InvalidOrder, match="110072"):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, {"clientOrderId": ENTRY})
    place.hub.faults.next(CREATE, Kind.DROP_REQUEST)
    with pytest.raises(errors.ExchangeNotAvailable):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, {"clientOrderId": "eaaaaaa00000003"})
    assert await place.client.fetch_open_orders(BTC, None, None, {"orderLinkId": "eaaaaaa00000003"}) == []


async def test_a_reduce_larger_than_the_position_fills_in_part(place: BybitPlace) -> None:
    await place.entered(0.2)
    async with place.listening():
        await place.client.create_order(
            BTC, "market", "sell", 0.3, None, {"reduceOnly": True, "clientOrderId": "xaaaaaa00000003"}
        )
        await place.tick()
        await until(lambda: place.told("execution"))
    last = place.told("order")[-1]
    assert (last["orderStatus"], last["cumExecQty"], last["cancelType"]) == ("Cancelled", "0.2", "CancelByReduceOnly")
    assert place.account.holding("BTC") is None


async def test_all_orders_are_cancelled_at_once(place: BybitPlace) -> None:
    await place.entered()
    await place.stop_at(49_000)
    await place.client.create_order(BTC, "limit", "buy", 0.1, 48_000, {"clientOrderId": "eaaaaaa00000004"})
    assert len(await place.client.cancel_all_orders(BTC, {"trigger": True})) == 1
    assert len(await place.client.cancel_all_orders(BTC)) == 1
    assert await place.client.fetch_open_orders(BTC) == []


async def test_an_order_waits_for_market_time(place: BybitPlace) -> None:
    async with bybit_place(latency_ms=200) as late:
        await late.client.load_markets()
        await late.client.set_margin_mode("isolated")
        asked = asyncio.create_task(
            late.client.create_order(BTC, "market", "buy", 0.1, None, {"clientOrderId": ENTRY})
        )
        await until(lambda: late.hub.held == 1)
        assert await late.client.fetch_open_orders(BTC) == []
        await late.tick()
        assert (await patiently(asked))["clientOrderId"] == ENTRY
        assert late.account.holding("BTC").side is Side.LONG
    await place.client.load_markets()


async def test_an_order_by_hand_is_told_like_any_other(place: BybitPlace) -> None:
    await place.ready()
    async with place.listening():
        order = PlaceOrder("byhand", "bybit", "BTC", 0, Purpose.ENTRY, OrderKind.LIMIT, Side.SHORT, Decimal("0.1"),
                           reduce_only=False, limit_price=Decimal(51_000))  # fmt: skip
        await place.hub.execute(place.account, order)
        await until(lambda: place.told("order"))
    told = place.told("order")[0]
    assert (told["orderLinkId"], told["side"], told["price"], told["orderStatus"]) == ("byhand", "Sell", "51000", "New")
    assert (await place.client.fetch_open_orders(BTC))[0]["clientOrderId"] == "byhand"


async def test_an_order_that_fills_in_pieces_is_told_piece_by_piece() -> None:
    async with bybit_place(fill_usd_max=4_000.0) as place:
        await place.ready()
        async with place.listening():
            await place.client.create_order(BTC, "market", "buy", 0.2, None, {"clientOrderId": ENTRY})
            for _ in range(3):
                await place.tick()
            await until(lambda: place.told("order")[-1]["orderStatus"] == "Filled")
        statuses = [one["orderStatus"] for one in place.told("order")]
        pieces = [(one["execQty"], one["leavesQty"]) for one in place.told("execution")]
        assert statuses == ["New", "PartiallyFilled", "PartiallyFilled", "Filled"]
        assert pieces == [("0.08", "0.12"), ("0.08", "0.04"), ("0.04", "0")]
        assert len({one["execId"] for one in place.told("execution")}) == 3
        read = await place.client.fetch_closed_order(place.told("order")[-1]["orderId"], BTC)
        assert (read["filled"], read["remaining"]) == (0.2, 0)
