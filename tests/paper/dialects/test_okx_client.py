"""The unmodified unified client trades on the simulated OKX: what it sets, places, cancels and reads."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from ccxt.base import errors
from endpoint_proofs import unproved
from loopback_market import PRICE, bar, block, hub_of, mark, quiet, rate
from okx_place import BTC, ETH, ISOLATED, KEY, Place, served

from liqbot.commands import SetLeverage
from paper.dialects.okx.dialect import OkxDialect
from paper.exchange import account_events


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with served() as made:
        yield made


def test_every_endpoint_and_channel_names_its_evidence() -> None:
    dialect = OkxDialect(hub_of("okx"))
    assert unproved([*dialect.routes(), *dialect.topics()], dialect.evidence) == []


# --- account ---------------------------------------------------------------------------------------------------------


async def test_markets_have_the_venues_contracts_and_steps(place: Place) -> None:
    markets = await place.client.load_markets()
    btc, eth = markets[BTC], markets[ETH]
    assert set(markets) == {BTC, ETH}
    assert (btc["id"], btc["contractSize"], btc["linear"], btc["swap"]) == ("BTC-USDT-SWAP", 0.01, True, True)
    assert (btc["precision"]["price"], btc["precision"]["amount"], eth["contractSize"]) == (0.1, 0.01, 0.1)


async def test_position_mode_leverage_and_rights_are_set_and_read_back(place: Place) -> None:
    client = place.client
    await client.load_markets()
    await client.set_position_mode(True)
    assert (await client.fetch_position_mode(BTC))["hedged"] is True
    await client.set_position_mode(False)
    assert (await client.fetch_position_mode(BTC))["hedged"] is False
    await client.set_leverage(20, BTC, ISOLATED)
    found = await client.fetch_leverage(BTC, ISOLATED)
    assert (found["marginMode"], found["longLeverage"]) == ("isolated", 20)
    with pytest.raises(errors.ExchangeError, match="59102"):
        await client.set_leverage(101, BTC, ISOLATED)
    assert (await client.fetch_leverage(BTC, ISOLATED))["longLeverage"] == 20
    place.account.may_withdraw = True
    assert (await client.privateGetAccountConfig())["data"][0]["perm"] == "read_only,withdraw,trade"
    assert (await client.fetch_trading_fee(BTC))["taker"] == 0.0005
    tiers = await client.fetch_market_leverage_tiers(BTC, ISOLATED)
    assert (tiers[0]["maxNotional"], tiers[0]["maintenanceMarginRate"], tiers[0]["maxLeverage"]) == (1000, 0.004, 100)


async def test_leverage_changed_by_hand_is_what_the_client_reads(place: Place) -> None:
    await place.ready(leverage=3)
    await place.hub.execute(place.account, SetLeverage("okx", "BTC", 20))
    assert (await place.client.fetch_leverage(BTC, ISOLATED))["longLeverage"] == 20


async def test_the_balance_is_apart_from_isolated_margin(place: Place) -> None:
    await place.client.load_markets()
    assert (await place.client.fetch_balance())["USDT"]["free"] == 10_000
    await place.entered()
    await place.tick(price=50_500.0)
    detail = (await place.client.privateGetAccountBalance({"ccy": "USDT"}))["data"][0]["details"][0]
    held, wallet = place.account.holding("BTC"), place.account.wallet_usd
    assert held is not None
    assert Decimal(detail["cashBal"]) == wallet - held.margin_usd
    assert Decimal(detail["eq"]) == Decimal(detail["cashBal"]) + Decimal(detail["isoEq"])
    assert Decimal(detail["eq"]) - Decimal(detail["upl"]) == wallet
    assert Decimal(detail["upl"]) == place.account.unrealised_usd("BTC") == Decimal("99.000000")


# --- orders ----------------------------------------------------------------------------------------------------------


async def test_a_market_entry_in_contracts_fills_and_is_read_by_client_id(place: Place) -> None:
    order = await place.entered()
    assert order["clientOrderId"] == "eaaaaaa00000001"
    read = await place.client.fetch_order("", BTC, {"clientOrderId": "eaaaaaa00000001"})
    assert (read["id"], read["status"], read["filled"], read["average"]) == (order["id"], "closed", 20, 50_005)
    assert read["info"]["fee"] == "-5.0005"
    assert place.account.orders["eaaaaaa00000001"].command.quantity_base == Decimal("0.2")
    mine = await place.client.fetch_my_trades(BTC)
    assert [(one["amount"], one["price"], one["fee"]["cost"], one["order"], one["side"]) for one in mine] == [
        (20, 50_005, 5.0005, order["id"], "buy")
    ]
    held = (await place.client.fetch_positions([BTC]))[0]
    liquidation = place.account.holding("BTC").liquidation_price  # type: ignore[union-attr]
    assert (held["side"], held["contracts"], held["entryPrice"], held["marginMode"], held["leverage"]) == (
        "long", 20, 50_005, "isolated", 10)
    assert held["liquidationPrice"] == float(liquidation)
    assert held["info"]["posSide"] == "net"
    history = await place.client.privateGetTradeOrdersHistory({"instType": "SWAP"})
    assert [row["ordId"] for row in history["data"]] == [order["id"]]


async def test_a_short_is_a_negative_position(place: Place) -> None:
    await place.ready()
    await place.client.create_order(BTC, "market", "sell", 3.21, None, ISOLATED)
    await place.tick()
    held = (await place.client.fetch_positions([BTC]))[0]
    assert (held["info"]["pos"], held["side"], held["contracts"]) == ("-3.21", "short", 3.21)


async def test_a_stop_on_the_mark_is_placed_read_back_triggered_and_leaves_an_order_with_another_id(
    place: Place,
) -> None:
    await place.entered()
    placed = await place.stop_at(49_000)
    assert await place.client.fetch_open_orders(BTC) == []
    asked = {"trigger": True, "ordType": "conditional"}
    resting = await place.client.fetch_open_orders(BTC, None, None, asked)
    info = resting[0]["info"]
    assert (resting[0]["id"], resting[0]["stopLossPrice"], resting[0]["reduceOnly"]) == (placed["id"], 49_000, True)
    assert (info["slTriggerPxType"], info["algoClOrdId"], info["sz"]) == ("mark", "saaaaaa00000002", "20")
    assert await place.client.fetch_open_orders(BTC, None, None, {"trigger": True}) == []
    with pytest.raises(errors.OrderNotFound, match="51603"):
        await place.client.fetch_order("", BTC, {"clientOrderId": "saaaaaa00000002"})
    await place.tick(low=48_990.0)
    algo = await place.client.fetch_order("", BTC, {"trigger": True, "clientOrderId": "saaaaaa00000002"})
    assert (algo["status"], algo["info"]["state"], algo["info"]["actualSide"]) == ("closed", "effective", "sl")
    became = algo["info"]["ordId"]
    assert became not in {"", placed["id"]}
    child = (await place.client.privateGetTradeOrder({"instId": "BTC-USDT-SWAP", "ordId": became}))["data"][0]
    assert (child["state"], child["algoId"], child["algoClOrdId"], child["clOrdId"]) == (
        "filled", placed["id"], "saaaaaa00000002", "")
    fills = (await place.client.privateGetTradeFillsHistory({"instType": "SWAP"}))["data"]
    assert (fills[0]["ordId"], fills[0]["clOrdId"], fills[0]["side"]) == (became, "", "sell")
    assert await place.client.fetch_positions([BTC]) == []
    ended = await place.client.privateGetTradeOrdersAlgoHistory({"ordType": "conditional", "state": "effective"})
    assert [row["algoId"] for row in ended["data"]] == [placed["id"]]


async def test_a_stop_is_cancelled_by_its_own_client_id_once(place: Place) -> None:
    await place.entered()
    await place.stop_at(49_000)
    params = {"trigger": True, "clientOrderId": "saaaaaa00000002"}
    await place.client.cancel_order("", BTC, params)
    with pytest.raises(errors.OrderNotFound, match="51400"):
        await place.client.cancel_order("", BTC, params)
    algo = await place.client.fetch_order("", BTC, {"trigger": True, "clientOrderId": "saaaaaa00000002"})
    assert algo["status"] == "canceled"
    pending = await place.client.privateGetTradeOrdersAlgoPending({"ordType": "conditional"})
    assert pending["data"] == []


async def test_a_stop_that_finds_nothing_to_close_fails(place: Place) -> None:
    await place.entered()
    await place.stop_at(49_000)
    await place.client.create_order(BTC, "market", "sell", 20, None, ISOLATED | {"reduceOnly": True})
    await place.tick()
    await place.tick(low=48_000.0)
    algo = await place.client.fetch_order("", BTC, {"trigger": True, "clientOrderId": "saaaaaa00000002"})
    assert (algo["info"]["state"], algo["info"]["failCode"], algo["status"]) == ("order_failed", "51169", "canceled")


async def test_a_post_only_entry_rests_is_listed_and_cancelled(place: Place) -> None:
    await place.ready()
    params = ISOLATED | {"postOnly": True, "clientOrderId": "eaaaaaa00000009"}
    order = await place.client.create_order(BTC, "limit", "buy", 5, 49_500.5, params)
    listed = await place.client.fetch_open_orders(BTC)
    assert [(one["id"], one["price"], one["amount"], one["postOnly"]) for one in listed] == [
        (order["id"], 49_500.5, 5, True)]
    free = (await place.client.fetch_balance())["USDT"]["free"]
    assert free == pytest.approx(10_000 - 49_500.5 * 0.05 * (0.1 + 0.0005))
    await place.client.cancel_order("", BTC, {"clientOrderId": "eaaaaaa00000009"})
    read = await place.client.fetch_order(order["id"], BTC)
    assert (read["status"], read["info"]["cancelSource"], read["filled"]) == ("canceled", "1", 0)


async def test_a_post_only_entry_that_would_trade_is_acknowledged_and_gone(place: Place) -> None:
    await place.ready()
    params = ISOLATED | {"postOnly": True, "clientOrderId": "eaaaaaa00000009"}
    order = await place.client.create_order(BTC, "limit", "buy", 5, 50_100, params)
    assert order["id"]
    read = await place.client.fetch_order(order["id"], BTC)
    assert (read["status"], read["info"]["cancelSource"]) == ("canceled", "31")
    assert await place.client.fetch_open_orders(BTC) == []


async def test_a_reduction_beyond_the_position_ends_cancelled_with_a_part_filled(place: Place) -> None:
    await place.entered(contracts=20)
    params = ISOLATED | {"reduceOnly": True, "clientOrderId": "xaaaaaa00000003"}
    await place.client.create_order(BTC, "market", "sell", 50, None, params)
    await place.tick()
    read = await place.client.fetch_order("", BTC, {"clientOrderId": "xaaaaaa00000003"})
    assert (read["status"], read["filled"], read["amount"], read["info"]["cancelSource"]) == ("canceled", 20, 50, "17")


@pytest.mark.parametrize(
    ("order", "code", "kind"),
    [
        (("market", "buy", 5_000, None, {}), "51008", errors.InsufficientFunds),
        (("market", "sell", 1, None, {"reduceOnly": True}), "51169", errors.ExchangeError),
        (("market", "buy", 1, None, {"clientOrderId": "eaaaaaa-00000001"}), "51000", errors.BadRequest),
        (("market", "sell", 1, None, {"stopLossPrice": 49_000, "slTriggerPxType": "mark", "reduceOnly": True}),
         "51169", errors.ExchangeError),
    ],
)
async def test_a_refused_order_bears_the_venues_code(
    place: Place, order: tuple[str, str, float, float | None, dict[str, object]], code: str, kind: type[Exception]
) -> None:
    await place.ready()
    with pytest.raises(kind, match=f'"sCode":"{code}"') as caught:
        await place.client.create_order(BTC, *order[:4], ISOLATED | order[4])
    assert '"code":"1"' in str(caught.value)
    assert place.account.open_orders() == []


async def test_a_stop_on_the_wrong_side_of_the_mark_is_refused(place: Place) -> None:
    await place.entered()
    with pytest.raises(errors.ExchangeError, match="51304"):
        await place.stop_at(50_500)
    with pytest.raises(errors.ExchangeError, match="51170"):
        await place.client.create_order(BTC, "market", "buy", 1, None, ISOLATED | {"reduceOnly": True})


async def test_sizes_off_the_lot_and_names_used_before_are_refused(place: Place) -> None:
    await place.entered()
    await place.stop_at(49_000)
    order = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "0.005"}
    with pytest.raises(errors.InvalidOrder, match="51121"):
        await place.client.privatePostTradeOrder(order)
    with pytest.raises(errors.InvalidOrder, match="51016"):
        await place.client.create_order(BTC, "market", "buy", 1, None, ISOLATED | {"clientOrderId": "eaaaaaa00000001"})
    with pytest.raises(errors.ExchangeError, match="51065"):
        await place.stop_at(48_000)
    assert len(place.account.fills) == 1


async def test_several_orders_at_once_may_partly_fail(place: Place) -> None:
    await place.ready()
    order = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1"}
    answer = await place.client.privatePostTradeBatchOrders([order, order | {"sz": "0.001"}])
    assert answer["code"] == "2"
    assert [row["sCode"] for row in answer["data"]] == ["0", "51121"]


async def test_funding_and_trades_become_bills(place: Place) -> None:
    await place.hub.advance(block(1, rate("okx", 1, 0.01)))
    place.second = 1
    await place.entered()
    await place.hub.advance(block(8 * 3_600, rate("okx", 8 * 3_600, 0.01, settled=True)))
    await place.hub.advance(quiet(8 * 3_600 + 1, "okx"))
    paid = await place.client.fetch_funding_history(BTC)
    assert [(one["amount"], one["symbol"]) for one in paid] == [(-1.0, BTC)]
    bills = (await place.client.privateGetAccountBills())["data"]
    assert [(one["type"], one["balChg"], one["bal"]) for one in bills] == [
        ("8", "-1", "9993.9995"), ("2", "-5.0005", "9994.9995")]
    await place.hub.transfer(place.account, Decimal(500))
    moved = (await place.client.privateGetAccountBills({"type": "1"}))["data"]
    assert [(one["subType"], one["balChg"]) for one in moved] == [("11", "500")]
    held = (await place.client.fetch_positions([BTC]))[0]["info"]
    assert (held["fundingFee"], held["realizedPnl"]) == ("-1", "-6.0005")


async def test_our_own_liquidation_is_an_order_of_the_venues(place: Place) -> None:
    await place.entered()
    await place.hub.advance(
        block(2, bar("okx", "BTC", 2, (PRICE, PRICE, 44_000.0, 44_000.0)), mark("okx", "BTC", 2, 44_000.0)))
    fill = (await place.client.privateGetTradeFills({"instType": "SWAP"}))["data"][0]
    assert (fill["subType"], fill["side"], fill["clOrdId"], fill["fillSz"]) == ("107", "sell", "", "20")
    order = (await place.client.privateGetTradeOrder({"instId": "BTC-USDT-SWAP", "ordId": fill["ordId"]}))["data"][0]
    assert (order["category"], order["state"]) == ("full_liquidation", "filled")
    bills = (await place.client.privateGetAccountBills({"type": "5"}))["data"]
    assert Decimal(bills[0]["bal"]) == place.account.wallet_usd


async def test_orders_that_fill_in_pieces_rest_in_between() -> None:
    async with served(hub_of("okx", fill_usd_max=4_000, fill_pause_ms=800)) as place:
        await place.ready()
        order = await place.client.create_order(BTC, "market", "buy", 20, None, ISOLATED)
        await place.tick()
        read = await place.client.fetch_order(order["id"], BTC)
        assert (read["info"]["state"], read["filled"]) == ("partially_filled", 16.0)
        await place.tick()
        assert (await place.client.fetch_order(order["id"], BTC))["filled"] == 20
        placed = await place.stop_at(49_000)
        await place.tick(low=48_990.0)
        algo = await place.client.fetch_order("", BTC, {"trigger": True, "clientOrderId": "saaaaaa00000002"})
        assert algo["info"]["state"] == "effective"
        pending = (await place.client.privateGetTradeOrdersPending({"instType": "SWAP"}))["data"]
        assert [(one["ordId"], one["algoId"], one["state"]) for one in pending] == [
            (algo["info"]["ordId"], placed["id"], "partially_filled")]
        assert (await place.client.privateGetTradeOrdersAlgoPending({"ordType": "conditional"}))["data"] == []
        with pytest.raises(errors.OrderNotFound, match="51400"):
            await place.client.cancel_order(placed["id"], BTC, {"trigger": True})
        await place.client.cancel_order(pending[0]["ordId"], BTC)
        child = await place.client.fetch_order(pending[0]["ordId"], BTC)
        assert (child["status"], child["info"]["cancelSource"], 0 < child["filled"] < 20) == ("canceled", "1", True)


async def test_deleveraging_rebates_and_fees_in_another_coin_are_told(place: Place) -> None:
    await place.entered()
    accounts = place.account.exchange.accounts
    key, now_ms = ("okx", "BTC"), place.account.now_ms
    place.outside(account_events.deleverage(accounts, key, Decimal(49_000), Decimal("0.05"), now_ms))
    place.outside(account_events.pay_rebate(accounts, key, Decimal(3), now_ms))
    accounts.entries.fee_coin, accounts.entries.fee_coin_price = "OKB", Decimal(50)
    await place.client.create_order(BTC, "market", "sell", 15, None, ISOLATED | {"reduceOnly": True})
    await place.tick()
    fills = (await place.client.privateGetTradeFills({"instType": "SWAP"}))["data"]
    assert [(one["subType"], one["fillSz"], one["feeCcy"]) for one in fills] == [
        ("2", "15", "OKB"), ("128", "5", "USDT"), ("1", "20", "USDT")]
    bills = (await place.client.privateGetAccountBills())["data"]
    assert [(one["type"], one["ccy"]) for one in bills] == [
        ("2", "OKB"), ("2", "USDT"), ("1", "USDT"), ("9", "USDT"), ("2", "USDT")]
    in_usd = [one for one in bills if one["ccy"] == "USDT"]
    assert Decimal(in_usd[0]["bal"]) == place.account.wallet_usd
    assert sum(Decimal(one["balChg"]) for one in in_usd) == place.account.wallet_usd - 10_000


# --- what is refused -------------------------------------------------------------------------------------------------


async def test_what_is_not_modelled_is_refused_and_recorded(place: Place) -> None:
    await place.ready()
    with pytest.raises(errors.BadRequest, match="tdMode"):
        await place.client.create_order(BTC, "market", "buy", 1)
    with pytest.raises(errors.BadRequest, match="slTriggerPxType"):
        await place.client.create_order(
            BTC, "market", "sell", 1, None, ISOLATED | {"stopLossPrice": 49_000, "reduceOnly": True})
    assert (await place.client.publicGetPublicInstruments({"instType": "SPOT"}))["data"] == []
    with pytest.raises(errors.BadRequest, match="instType"):
        await place.client.publicGetMarketTickers({"instType": "SPOT"})
    with pytest.raises(errors.BadRequest, match="newerThan"):
        await place.client.privateGetTradeFills({"newerThan": "5"})
    with pytest.raises(errors.ExchangeError, match="404"):
        await place.client.privateGetAssetBalances()
    assert place.hub.unknown == [
        "okx: order with tdMode=cross", "okx: algo order with slTriggerPxType=last", "okx: instType SPOT",
        "okx: GET /api/v5/trade/fills with newerThan=5", "okx: GET /api/v5/asset/balances",
    ]
    place.hub.unknown.clear()


async def test_in_hedge_mode_an_order_without_the_side_of_its_position_is_refused(place: Place) -> None:
    await place.ready()
    await place.client.set_position_mode(True)
    with pytest.raises(errors.BadRequest, match="posSide"):
        await place.client.create_order(BTC, "market", "buy", 1, None, ISOLATED)
    await place.client.set_position_mode(False)
    await place.entered()
    with pytest.raises(errors.ExchangeError, match="59000"):
        await place.client.set_position_mode(True)


async def test_a_demo_key_and_the_header_of_demo_trading_belong_together(place: Place) -> None:
    await place.client.load_markets()
    demo = place.another(demo=True)
    with pytest.raises(errors.AuthenticationError, match="50101"):
        await demo.privateGetAccountConfig()
    place.dialect.demo_keys.add(KEY)
    assert (await demo.privateGetAccountConfig())["code"] == "0"
    with pytest.raises(errors.AuthenticationError, match="50101"):
        await place.client.privateGetAccountConfig()


async def test_wrong_keys_and_a_key_that_may_not_trade(place: Place) -> None:
    await place.ready()
    wrong = {
        "50113": place.another(secret="other"), "50111": place.another(key="nobody"),
        "50105": place.another(passphrase="other"),
    }
    for code, client in wrong.items():
        with pytest.raises(errors.AuthenticationError, match=code):
            await client.privateGetAccountConfig()
    place.account.may_trade = False
    with pytest.raises(errors.ExchangeError, match="50120"):
        await place.client.create_order(BTC, "market", "buy", 1, None, ISOLATED)
    assert (await place.client.privateGetAccountConfig())["data"][0]["perm"] == "read_only"
