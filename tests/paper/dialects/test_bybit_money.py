"""Money on the simulated Bybit: funding, fees, what the venue does by itself, and the log that explains the balance."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from bybit_place import BTC, ENTRY, BybitPlace, bybit_place
from loopback_market import at, block, rate
from patience import until


@pytest.fixture
async def place() -> AsyncIterator[BybitPlace]:
    async with bybit_place() as made:
        yield made


async def test_funding_and_fees_are_told_as_paid_and_received(place: BybitPlace) -> None:
    await place.entered(0.2)
    await place.hub.advance(block(2, rate("bybit", 2, 0.01)))
    async with place.listening():
        place.second = 8 * 3_600
        await place.hub.advance(block(place.second, rate("bybit", place.second, 0.01, settled=True)))
        await place.tick()
        await until(lambda: any(one["execType"] == "Funding" for one in place.told("execution")))
    paid = place.told("execution")[-1]
    assert (paid["execFee"], paid["feeRate"], paid["side"], paid["execValue"]) == ("1", "0.0001", "Buy", "10000")
    history = await place.client.fetch_funding_history(BTC)
    assert [(one["amount"], one["timestamp"]) for one in history] == [(1.0, at(8 * 3_600))]
    assert [one["amount"] for one in await place.client.fetch_my_trades(BTC)] == [0.2]
    await place.hub.transfer(place.account, Decimal(500))
    log = (await place.client.privateGetV5AccountTransactionLog({"accountType": "UNIFIED"}))["result"]["list"]
    assert [(one["type"], one["change"], one["cashBalance"]) for one in log] == [
        ("TRANSFER_IN", "500", "10493.49945"),
        ("SETTLEMENT", "-1", "9993.49945"),
        ("TRADE", "-5.50055", "9994.49945"),
    ]
    assert (log[1]["funding"], log[1]["side"], log[2]["fee"]) == ("-1", "Buy", "5.50055")


async def test_a_liquidation_is_told_as_the_venues_own_order(place: BybitPlace) -> None:
    await place.entered(0.2)
    await place.stop_at(40_000)
    async with place.listening():
        await place.tick(price=44_000.0)
        await until(lambda: place.told("execution"))
    bust = place.told("execution")[-1]
    assert (bust["execType"], bust["side"], bust["execQty"], bust["orderLinkId"]) == ("BustTrade", "Sell", "0.2", "")
    assert {one["createType"]: one["orderStatus"] for one in place.told("order")} == {
        "CreateByUser": "Deactivated", "CreateByLiq": "Filled"
    }  # fmt: skip
    forced = await place.client.fetch_my_liquidations(BTC)
    assert [one["contracts"] for one in forced] == [0.2]
    log = (await place.client.privateGetV5AccountTransactionLog({"accountType": "UNIFIED"}))["result"]["list"]
    assert [one["type"] for one in log] == ["LIQUIDATION", "TRADE"]
    assert Decimal(log[0]["cashBalance"]) == place.account.wallet_usd


async def test_the_position_sums_what_trading_brought(place: BybitPlace) -> None:
    await place.entered(0.2)
    named = {"category": "linear", "symbol": "BTCUSDT"}
    for number, paid in enumerate((Decimal("-5.50055"), Decimal("-11.001177"))):
        row = (await place.client.privateGetV5PositionList(named))["result"]["list"][0]
        assert Decimal(row["cumRealisedPnl"]) == paid == place.account.wallet_usd - 10_000
        await place.client.create_order(BTC, "market", "buy", 0.2, None, {"clientOrderId": f"{ENTRY}{number}"})
        await place.tick()
