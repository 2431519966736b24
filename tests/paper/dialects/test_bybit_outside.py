"""What reaches an account on the simulated Bybit without a command of its own, and fees taken in another coin."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from bybit_place import BTC, ENTRY, BybitPlace, bybit_place
from patience import until

from paper.exchange import account_events


@pytest.fixture
async def place() -> AsyncIterator[BybitPlace]:
    async with bybit_place() as made:
        yield made


async def test_deleveraging_and_a_rebate_are_told(place: BybitPlace) -> None:
    await place.entered(0.2)
    books, key = place.account.exchange.accounts, ("bybit", "BTC")
    async with place.listening():
        now_ms = place.account.now_ms
        await place.hub.tell(
            place.account, account_events.deleverage(books, key, Decimal(52_000), Decimal("0.1"), now_ms)
        )
        await place.hub.tell(place.account, account_events.pay_rebate(books, key, Decimal("1.5"), now_ms))
        await until(lambda: len(place.told("wallet")) == 2)
    taken = place.told("execution")[-1]
    assert (taken["execType"], taken["side"], taken["execQty"], taken["execFee"]) == ("AdlTrade", "Sell", "0.1", "0")
    assert (taken["createType"], taken["orderLinkId"]) == ("CreateByAdl_PassThrough", "")
    log = (await place.client.privateGetV5AccountTransactionLog({"accountType": "UNIFIED"}))["result"]["list"]
    assert [(one["type"], one["change"]) for one in log] == [
        ("FEE_REFUND", "1.5"), ("ADL", "199.5"), ("TRADE", "-5.50055")
    ]  # fmt: skip
    assert Decimal(log[0]["cashBalance"]) == place.account.wallet_usd


async def test_a_fee_in_another_coin_leaves_the_balance_alone(place: BybitPlace) -> None:
    await place.ready()
    place.account.exchange.accounts.entries.fee_coin = "MNT"
    place.account.exchange.accounts.entries.fee_coin_price = Decimal("0.5")
    await place.client.create_order(BTC, "market", "buy", 0.2, None, {"clientOrderId": ENTRY})
    await place.tick()
    (traded,) = (await place.client.privateGetV5ExecutionList({"category": "linear"}))["result"]["list"]
    assert (traded["execFee"], traded["feeCurrency"]) == ("11.0011", "MNT")
    log = (await place.client.privateGetV5AccountTransactionLog({"accountType": "UNIFIED"}))["result"]["list"]
    assert [(one["currency"], one["change"], one["cashBalance"]) for one in log] == [("MNT", "-11.0011", "")]
    assert (await place.client.fetch_balance())["USDT"]["total"] == 10_000
