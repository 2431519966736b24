"""Bitget as the unmodified client meets it: orders, stops, money, keys and kinds of accounts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bitget_place import BTC, ENTRY, ISOLATED, MIX, STOP, Place, bitget_place
from ccxt.base import errors
from patience import patiently, until


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with bitget_place() as one:
        yield one


async def rows(place: Place, method: str, name: str, **query: Any) -> list[dict[str, Any]]:
    answer = await getattr(place.client, method)(MIX | query)
    return answer["data"][name] or []


async def test_from_entry_to_the_stop_that_is_hit(place: Place) -> None:
    await place.entered()
    (position,) = await place.client.fetch_positions([BTC])
    assert (position["side"], position["contracts"], position["marginMode"]) == ("long", 0.2, "isolated")
    await place.stop_at(49_000)
    (waiting,) = await rows(place, "privateMixGetV2MixOrderOrdersPlanPending", "entrustedList", planType="profit_loss")
    assert (waiting["clientOid"], waiting["planStatus"], waiting["triggerType"]) == (STOP, "live", "mark_price")
    await place.tick(48_900.0)
    (over,) = await rows(place, "privateMixGetV2MixOrderOrdersPlanHistory", "entrustedList", planType="profit_loss")
    became = (await place.client.privateMixGetV2MixOrderDetail(MIX | {"orderId": over["executeOrderId"]}))["data"]
    assert over["planStatus"] == "executed"
    assert (became["state"], became["orderSource"], became["reduceOnly"]) == ("filled", "loss_market", "YES")
    assert became["clientOid"] not in ("", STOP)
    first, last = sorted(await place.client.fetch_my_trades(BTC), key=lambda trade: trade["timestamp"])
    assert (first["side"], last["side"], last["order"]) == ("buy", "sell", over["executeOrderId"])
    assert first["fee"]["cost"] > 0
    assert place.account.holding("BTC") is None
    assert place.hub.unknown == []


async def test_the_private_stream_tells_order_fill_and_stop(place: Place) -> None:
    await place.ready()
    orders = asyncio.create_task(place.client.watch_orders(BTC))
    trades = asyncio.create_task(place.client.watch_my_trades(BTC))
    plans = asyncio.create_task(place.client.watch_orders(BTC, None, None, {"trigger": True}))
    await until(lambda: len({topic for one in place.server.sockets for topic in one.topics}) == 3, 30)
    await place.entered()
    (order,) = await patiently(orders)
    assert order["clientOrderId"] == ENTRY
    (trade,) = await patiently(trades)
    assert (trade["amount"], trade["side"], trade["fee"]["currency"]) == (0.2, "buy", "USDT")
    await place.stop_at(49_000)
    (stop,) = await patiently(plans)
    assert stop["clientOrderId"] == STOP
    assert place.hub.unknown == []


async def test_a_stop_needs_its_position_its_side_and_a_price_below(place: Place) -> None:
    await place.ready()
    with pytest.raises(errors.ExchangeError, match="43023"):
        await place.stop_at(49_000)
    await place.entered()
    with pytest.raises(errors.ExchangeError, match="40917"):
        await place.stop_at(51_000, "saaaaaa00000003")
    await place.stop_at(49_000, "saaaaaa00000004")
    with pytest.raises(errors.ExchangeError, match="40786"):
        await place.stop_at(48_000, "saaaaaa00000004")
    assert place.hub.unknown == []


async def test_what_the_client_would_send_by_itself_is_not_taken_for_a_stop_of_a_part(place: Place) -> None:
    await place.entered()
    with pytest.raises(errors.ExchangeError, match="40805"):
        await place.stop_at(49_000, planType="pos_loss")
    with pytest.raises(errors.ExchangeError, match="40805"):
        await place.stop_at(49_000, triggerType="fill_price")
    assert len(place.hub.unknown) == 2
    place.hub.unknown.clear()


async def test_a_cancel_names_what_it_could_not_cancel(place: Place) -> None:
    await place.entered()
    await place.stop_at(49_000)
    params = {"trigger": True, "planType": "loss_plan"}
    await place.client.cancel_order("", BTC, params | {"clientOrderId": STOP})
    assert not await rows(place, "privateMixGetV2MixOrderOrdersPlanPending", "entrustedList", planType="profit_loss")
    again = await place.client.privateMixPostV2MixOrderCancelPlanOrder(
        MIX | {"planType": "loss_plan", "orderIdList": [{"clientOid": STOP}]})
    assert (again["data"]["successList"], len(again["data"]["failureList"])) == ([], 1)
    with pytest.raises(errors.ExchangeError, match="40109"):
        await place.client.cancel_order("", BTC, {"clientOrderId": "eaaaaaa00000009"})
    with pytest.raises(errors.ExchangeError, match="22001"):
        await place.client.cancel_order("", BTC, {"clientOrderId": ENTRY})


async def test_immediate_and_post_only_orders_end_as_they_come(place: Place) -> None:
    await place.ready()
    for name, price, more in (("eaaaaaa00000003", 49_000, {"timeInForce": "IOC"}),
                              ("eaaaaaa00000004", 51_000, {"postOnly": True})):
        await place.client.create_order(BTC, "limit", "buy", 0.1, price, ISOLATED | {"clientOrderId": name} | more)
        await place.tick()
        detail = (await place.client.privateMixGetV2MixOrderDetail(MIX | {"clientOid": name}))["data"]
        assert (detail["state"], detail["baseVolume"]) == ("canceled", "0")
    assert place.account.holding("BTC") is None


async def test_settings_are_a_contracts_and_the_mode_the_accounts(place: Place) -> None:
    await place.ready(7)
    told = (await place.client.privateMixGetV2MixAccountAccount(MIX | {"marginCoin": "USDT"}))["data"]
    assert (told["isolatedLongLever"], told["isolatedShortLever"], told["marginMode"]) == ("7", "7", "isolated")
    assert told["posMode"] == "one_way_mode"
    await place.client.set_position_mode(True, BTC)
    with pytest.raises(errors.ExchangeError, match="45109"):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, ISOLATED)
    await place.client.set_position_mode(False, BTC)
    await place.entered()
    with pytest.raises(errors.ExchangeError, match="40920"):
        await place.client.set_position_mode(True, BTC)
    with pytest.raises(errors.ExchangeError, match="45117"):
        await place.client.set_margin_mode("crossed", BTC)


async def test_bills_have_the_fee_of_a_trade_and_add_up(place: Place) -> None:
    await place.entered()
    bills = await rows(place, "privateMixGetV2MixAccountBill", "bills")
    assert [one["businessType"] for one in bills] == ["buy"]
    moved = sum(float(one["amount"]) + float(one["fee"]) for one in bills)
    assert moved == pytest.approx(float(place.account.wallet_usd) - 10_000.0)
    assert (await place.client.privateMixGetV2MixAccountBill({"productType": "COIN-FUTURES"}))["data"]["bills"] is None


# --- keys and kinds of accounts ---------------------------------------------------------------------------------------


async def test_a_demo_key_and_the_header_of_demo_trading_belong_together(place: Place) -> None:
    demo = place.another(demo=True)
    with pytest.raises(errors.ExchangeError, match="40099"):
        await demo.privateSpotGetV2SpotAccountInfo()
    place.dialect.demo_keys.add("key")
    assert (await demo.privateSpotGetV2SpotAccountInfo())["code"] == "00000"
    with pytest.raises(errors.ExchangeError, match="40099"):
        await place.client.privateSpotGetV2SpotAccountInfo()


async def test_wrong_keys_and_a_key_that_may_not_trade(place: Place) -> None:
    await place.ready()
    wrong = {
        "40009": place.another(secret="other"), "40006": place.another(key="nobody"),
        "40012": place.another(passphrase="other"),
    }
    for code, client in wrong.items():
        with pytest.raises(errors.AuthenticationError, match=code):
            await client.privateSpotGetV2SpotAccountInfo()
    place.account.may_trade = False
    with pytest.raises(errors.PermissionDenied, match="40014"):
        await place.client.create_order(BTC, "market", "buy", 0.1, None, ISOLATED)


async def test_a_unified_account_is_closed_to_classic_requests_and_the_other_way_round(place: Place) -> None:
    await place.ready()
    with pytest.raises(errors.ExchangeError, match="40084"):
        await place.client.privateUtaGetV3AccountSettings()
    place.dialect.unified_keys.add("key")
    assert (await place.client.privateUtaGetV3AccountSettings())["data"]["accountMode"] == "unified"
    for request in (place.client.privateMixGetV2MixAccountAccounts(MIX), place.client.set_leverage(3, BTC)):
        with pytest.raises(errors.ExchangeError, match="40085"):
            await request


async def test_a_clock_that_is_far_off_is_told_as_that(place: Place) -> None:
    place.client.nonce = lambda: 1_000
    with pytest.raises(errors.InvalidNonce, match="40008"):
        await place.client.privateSpotGetV2SpotAccountInfo()
