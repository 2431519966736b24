"""From a venue's order to ours: sides, reducing without saying so, and what is refused rather than guessed."""

import hashlib
import hmac
from decimal import Decimal

import msgspec
import pytest
from loopback_market import hub_of, quiet

from liqbot import events
from liqbot.commands import OrderKind, Purpose, SetLeverage
from liqbot.instruments import Side
from paper.dialects.accounts import VenueAccount, VenueOrderState
from paper.dialects.binance import user_stream
from paper.dialects.binance.dialect import BinanceDialect
from paper.dialects.binance.payloads import TIMES_IN_FORCE as BINANCE
from paper.dialects.bitget.payloads import FORCES as BITGET
from paper.dialects.bybit.payloads import TIMES_IN_FORCE as BYBIT
from paper.dialects.http import Request
from paper.dialects.hub import Hub
from paper.dialects.hyperliquid.orders import TIFS as HYPERLIQUID
from paper.dialects.okx.payloads import LIMITS as OKX
from paper.dialects.order_entry import NotModelled, OrderRequest, order_of, word_for
from paper.exchange.exchange import Happened

D = Decimal


def wish(
    *, buys: bool, quantity: str = "0.1", reduce_only: bool = False, trigger: str = "", limit: str = ""
) -> OrderRequest:
    return OrderRequest(
        client_id="mine", coin="BTC", buys=buys, quantity_base=D(quantity), reduce_only=reduce_only,
        trigger_price=D(trigger) if trigger else None, limit_price=D(limit) if limit else None,
    )


async def holding_a_long(quantity: str = "0.1") -> tuple[Hub, VenueAccount]:
    hub = hub_of("binance")
    account = hub.open_account("binance", "key", "secret")
    await hub.execute(account, SetLeverage("binance", "BTC", 10))
    await hub.execute(account, order_of(wish(buys=True, quantity=quantity), account))
    await hub.advance(quiet(1, "binance"))
    assert account.holding("BTC") is not None
    return hub, account


@pytest.mark.parametrize("buys", [True, False])
def test_flat_an_order_opens_its_own_side_and_a_reducing_one_works_on_the_other(buys: bool) -> None:
    account = hub_of("binance").open_account("binance", "key", "secret")
    own = Side.LONG if buys else Side.SHORT
    opens = order_of(wish(buys=buys), account)
    assert (opens.side, opens.reduce_only, opens.kind, opens.purpose) == (own, False, OrderKind.MARKET, Purpose.ENTRY)
    reduces = order_of(wish(buys=buys, reduce_only=True, limit="50000"), account)
    assert (reduces.side, reduces.reduce_only, reduces.kind) == (own.opposite, True, OrderKind.LIMIT)
    stop = order_of(wish(buys=buys, reduce_only=True, trigger="49000"), account)
    assert (stop.side, stop.kind, stop.purpose) == (own.opposite, OrderKind.STOP_MARKET, Purpose.STOP)
    with pytest.raises(NotModelled):
        order_of(wish(buys=buys, trigger="49000"), account)


@pytest.mark.parametrize(("words", "told"), [
    (BINANCE, ("GTC", "IOC", "GTX")), (BYBIT, ("GTC", "IOC", "PostOnly")), (OKX, ("limit", "ioc", "post_only")),
    (BITGET, ("gtc", "ioc", "post_only")), (HYPERLIQUID, ("Gtc", "Ioc", "Alo")),
])  # fmt: skip
def test_a_venues_word_for_how_an_order_may_fill_is_what_it_answers(words: dict, told: tuple[str, ...]) -> None:
    account = hub_of("binance").open_account("binance", "key", "secret")
    orders = [
        order_of(msgspec.structs.replace(wish(buys=True, limit="50000"), terms=words[word]), account) for word in told
    ]
    assert [(one.immediate, one.post_only) for one in orders] == [(False, False), (True, False), (False, True)]
    assert tuple(word_for(one, words) for one in orders) == told


async def test_selling_a_long_without_saying_so_reduces_it_but_never_turns_it_around() -> None:
    _, account = await holding_a_long()
    reduces = order_of(wish(buys=False, quantity="0.1"), account)
    assert (reduces.side, reduces.reduce_only) == (Side.LONG, True)
    with pytest.raises(NotModelled, match="turn a long position around"):
        order_of(wish(buys=False, quantity="0.101"), account)


async def test_an_account_keeps_what_became_of_every_order() -> None:
    hub, account = await holding_a_long()
    record = account.order(client_id="mine")
    assert record is not None
    assert (record.state, record.filled_base, record.average_price) == (VenueOrderState.FILLED, D("0.1"), D("50005"))
    assert account.order(number=record.number) is record
    assert [payment.kind for payment in account.payments] == ["fee"]
    out = msgspec.structs.replace(wish(buys=False, reduce_only=True), client_id="out")
    await hub.execute(account, order_of(out, account))
    await hub.advance(quiet(2, "binance"))
    assert [payment.kind for payment in account.payments] == ["fee", "realised", "fee"]
    wallet_usd = D(10_000) + sum((payment.amount_usd for payment in account.payments), D(0))
    assert account.wallet_usd == wallet_usd


async def test_the_venues_own_orders_and_rebates_are_told_in_its_words() -> None:
    hub, account = await holding_a_long()
    venue = BinanceDialect(hub)
    taken = events.PositionDeleveraged(
        time_ms=hub.now_ms, venue="binance", coin="BTC", side=Side.LONG, price=D(51_000), quantity_base=D("0.04")
    )
    rebate = events.Rebate(time_ms=hub.now_ms, venue="binance", coin="BTC", amount_usd=D("1.5"))
    await hub.tell(account, (taken, rebate))
    messages = dict(user_stream.messages(account, Happened(hub.now_ms, (taken,), None), venue._names))
    order = msgspec.json.decode(messages["ORDER_TRADE_UPDATE"])["o"]
    assert order["c"].startswith("adl_autoclose-")
    assert (order["x"], order["X"], order["S"], order["l"]) == ("CALCULATED", "NEW_ADL", "SELL", "0.04")
    assert account.payments[-1].kind == "rebate"
    assert account.fills[-1].fill.client_id == order["c"]


@pytest.mark.parametrize(
    ("extra", "noted"),
    [
        ("", "cross margin mode"),
        ("&timeInForce=FOK", "timeInForce FOK"),
        ("&icebergQty=1", "POST /fapi/v1/order icebergQty"),
    ],
)
async def test_what_is_not_modelled_is_refused_and_recorded(extra: str, noted: str) -> None:
    hub = hub_of("binance")
    hub.open_account("binance", "key", "secret")
    body = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1{extra}&timestamp={hub.now_ms}"
    body += "&signature=" + hmac.new(b"secret", body.encode(), hashlib.sha256).hexdigest()
    request = Request("POST", "fapi.binance.com", "/fapi/v1/order", "", {"x-mbx-apikey": "key"}, body.encode())
    answer = await BinanceDialect(hub).routes()[request.endpoint](request)
    assert answer.status == 400
    assert len(hub.unknown) == 1
    assert noted in hub.unknown[0]
