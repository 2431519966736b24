"""Bitget's orders and money of a classic account: what its answers mean where they are easily misread."""

from decimal import Decimal
from typing import Any

import pytest

from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.bitget import VENUE
from liqbot.venues.bitget.answers import (
    PAGE,
    BitgetAdlRank,
    BitgetAnswer,
    BitgetBill,
    BitgetFill,
    BitgetOrder,
    BitgetPlan,
    BitgetSettings,
    own_id,
)
from liqbot.venues.conformance.orders import Recorded, account_of, contract_of, drained, finished
from liqbot.venues.errors import AnswerMalformed, VenueRefused
from liqbot.venues.examples import ResponseExample
from liqbot.venues.trading import OrderStatus, PaymentReport, TradeKind

assert VENUE.trading is not None
ADAPTER = VENUE.trading
TRADED = contract_of(VENUE, account_of(VENUE))
STOP = "sabc12300000002"
TIME_MS = 1_767_225_600_000
PENDING, PAST = "privateMixGetV2MixOrderOrdersPlanPending", "privateMixGetV2MixOrderOrdersPlanHistory"
DETAIL, FILLS, BILLS = (
    "privateMixGetV2MixOrderDetail", "privateMixGetV2MixOrderFills", "privateMixGetV2MixAccountBill",
)  # fmt: skip


def order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "size": "0.5", "orderId": "77", "clientOid": "eabc12300000001", "baseVolume": "0.5",
        "state": "filled", "reduceOnly": "NO", "orderSource": "market",
    } | changes


def plan(**changes: Any) -> dict[str, Any]:
    return {
        "planType": "loss_plan", "symbol": "BTCUSDT", "size": "0.5", "orderId": "8", "executeOrderId": "",
        "clientOid": STOP, "triggerPrice": "48000.5", "triggerType": "mark_price", "planStatus": "live",
    } | changes


def fill(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "tradeId": str(number), "symbol": "BTCUSDT", "orderId": "77", "side": "buy", "price": "50000",
        "baseVolume": "0.1", "tradeSide": "buy_single", "tradeScope": "taker", "cTime": str(TIME_MS + number),
        "feeDetail": [{"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": "0", "totalFee": "-3"}],
    } | changes


def bill(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "billId": str(number), "symbol": "BTCUSDT", "amount": "-0.5", "fee": "0", "businessType": "contract_settle_fee",
        "coin": "USDT", "balance": "", "cTime": str(TIME_MS + number),
    } | changes


def said(data: Any) -> dict[str, Any]:
    return {"code": "00000", "msg": "success", "requestTime": TIME_MS, "data": data}


def listed(rows: list[dict[str, Any]] | None, name: str = "entrustedList") -> dict[str, Any]:
    return said({name: rows, "endId": None})


def of(shape: type[Any], row: dict[str, Any]) -> Any:
    return answer("bitget", "a row", row, shape, as_it_is)


class Paged:
    """Answers a list page by page, newest first, as `idLessThan` asks."""

    def __init__(self, name: str, key: str, newest_first: list[dict[str, Any]]) -> None:
        self.name, self.key, self.rows = name, key, newest_first
        self.pages = 0

    async def call(self, method: str, *args: Any, decode: Any = None, **more: Any) -> Any:
        del method, more
        self.pages += 1
        (query,) = args
        below = int(query.get("idLessThan", 10**9))
        rows = [row for row in self.rows if int(row[self.key]) < below][: int(query["limit"])]
        return decode(listed(rows or None, self.name))


# --- orders -----------------------------------------------------------------------------------------------------------


def test_a_stop_that_became_an_order_is_told_by_that_order_and_keeps_its_own_name() -> None:
    client = Recorded((
        ResponseExample(PENDING, listed(None), ()),
        ResponseExample(PAST, listed([plan(planStatus="executed", executeOrderId="99")]), ()),
        ResponseExample(DETAIL, said(order(orderId="99", clientOid="1234567890", orderSource="loss_market",
                                           baseVolume="0.2", state="partially_filled", reduceOnly="YES")), ()),
    ))
    report = finished(ADAPTER.order(client, TRADED, STOP, stop=True))
    assert report is not None
    assert (report.client_id, report.venue_order_id, report.fills_order_id) == (STOP, "8", "99")
    assert (report.status, report.filled_base, report.on_mark) == (OrderStatus.RESTING, Decimal("0.2"), True)


def test_the_owner_of_a_stops_fill_is_found_in_the_history_of_stops() -> None:
    client = Recorded((
        ResponseExample(DETAIL, said(order(orderId="99", clientOid="1234567890", orderSource="loss_market")), ()),
        ResponseExample(PAST, listed([plan(orderId="9", clientOid=None, planType="pos_profit"),
                                      plan(planStatus="executed", executeOrderId="99")]), ()),
    ))
    assert finished(ADAPTER.owner(client, TRADED, "99")) == STOP
    assert finished(ADAPTER.owner(client, TRADED, "99")) == STOP


@pytest.mark.parametrize("source", ["market", "normal", ""])
def test_the_owner_of_any_other_fill_is_its_order(source: str) -> None:
    client = Recorded((ResponseExample(DETAIL, said(order(orderSource=source)), ()),))
    assert finished(ADAPTER.owner(client, TRADED, "77")) == "eabc12300000001"


def test_an_order_that_is_not_the_one_asked_for_is_no_answer() -> None:
    client = Recorded((ResponseExample(DETAIL, said(order(clientOid="eabc12300000009")), ()),))
    with pytest.raises(AnswerMalformed, match="eabc12300000001"):
        finished(ADAPTER.order(client, TRADED, "eabc12300000001", stop=False))


@pytest.mark.parametrize("code", ["40109", "43001", "43025", "40768", "45057"])
def test_orders_that_the_venue_does_not_know_are_none(code: str) -> None:
    class Refusing:
        async def call(self, method: str, *args: Any, **more: Any) -> Any:
            del method, args, more
            raise VenueRefused("bitget", code, "no such order", "ExchangeError")

    assert finished(ADAPTER.order(Refusing(), TRADED, "eabc12300000001", stop=False)) is None


def test_a_state_without_a_name_here_is_asked_about_again() -> None:
    assert of(BitgetOrder, order(state="half_done")).report(TRADED).status is OrderStatus.UNKNOWN
    assert of(BitgetPlan, plan(planStatus="sleeping")).report(TRADED).status is OrderStatus.UNKNOWN


def test_lists_name_the_state_another_way_and_say_yes_in_small_letters() -> None:
    row = order(status="live", reduceOnly="yes")
    del row["state"]
    report = of(BitgetOrder, row).report(TRADED)
    assert (report.status, report.reduce_only) == (OrderStatus.RESTING, True)


def test_a_stop_of_the_whole_position_has_no_quantity_of_its_own() -> None:
    report = of(BitgetPlan, plan(planType="pos_loss", size="", triggerType="fill_price")).report(TRADED)
    assert (report.whole_position, report.quantity_base, report.on_mark) == (True, Decimal(0), False)


def test_names_that_the_venue_made_are_not_taken_for_ours() -> None:
    assert [own_id(one) for one in ("eabc12300000001", "1234567890123", "", None)] == ["eabc12300000001", "", "", ""]
    assert of(BitgetFill, fill(clientOid="1234567890123")).report(TRADED).client_id == ""


@pytest.mark.parametrize(("word", "kind"), [
    ("buy_single", TradeKind.TRADE), ("close_long", TradeKind.TRADE), ("burst_sell_single", TradeKind.LIQUIDATION),
    ("reduce_buy_single", TradeKind.LIQUIDATION), ("dte_sys_adl_buy_in_single_side_mode", TradeKind.DELEVERAGED),
])  # fmt: skip
def test_forced_trades_are_told_from_ours(word: str, kind: TradeKind) -> None:
    assert of(BitgetFill, fill(tradeSide=word)).report(TRADED).kind is kind


def test_a_fee_that_was_paid_is_positive_and_a_rebate_negative() -> None:
    paid = of(BitgetFill, fill()).report(TRADED)
    assert (paid.fee, paid.fee_currency, paid.maker) == (Decimal(3), "USDT", False)
    coin = [{"feeCoin": "BGB", "totalFee": "0.25"}]
    assert of(BitgetFill, fill(feeDetail=coin, tradeScope="maker")).report(TRADED).fee == Decimal("-0.25")


def test_nothing_that_is_placed_is_without_isolated_margin_or_with_a_stop_that_another_price_triggers() -> None:
    assert ADAPTER.options == {"uta": False}
    assert VENUE.protection is not None
    assert VENUE.protection.attached is None


# --- histories --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_trades_are_read_page_by_page_to_the_last(count: int) -> None:
    client = Paged("fillList", "tradeId", [fill(number) for number in range(count, 0, -1)])
    found = drained(ADAPTER.trades(client, TRADED, TIME_MS, TIME_MS + 10))
    assert [trade.trade_id for trade in found] == [str(number) for number in range(1, count + 1)]
    assert client.pages == count // PAGE + 1


@pytest.mark.parametrize("count", [0, PAGE, 2 * PAGE + 7])
def test_payments_are_read_page_by_page_to_the_last(count: int) -> None:
    rows = [bill(number, businessType="buy" if number % 2 else "contract_settle_fee") for number in range(count, 0, -1)]
    found = drained(ADAPTER.payments(Paged("bills", "billId", rows), (TRADED,), TIME_MS, TIME_MS + 10))
    assert [payment.payment_id for payment in found] == [str(number) for number in range(2, count + 1, 2)]


def test_a_page_that_goes_on_from_nowhere_is_no_page() -> None:
    rows = [fill(number) for number in range(PAGE, 0, -1)]
    rows[-1]["tradeId"] = ""
    client = Recorded((ResponseExample(FILLS, listed(rows, "fillList"), ()),))
    with pytest.raises(AnswerMalformed, match="tradeId"):
        drained(ADAPTER.trades(client, TRADED, TIME_MS, TIME_MS + 10))


@pytest.mark.parametrize(("kind", "amount", "told"), [
    ("trans_from_exchange", "100", "100"), ("trans_to_exchange", "100", "-100"), ("trans_to_exchange", "-100", "-100"),
])  # fmt: skip
def test_money_that_leaves_is_negative_whatever_sign_it_came_with(kind: str, amount: str, told: str) -> None:
    report = of(BitgetBill, bill(businessType=kind, amount=amount)).report()
    assert (report.kind, report.amount_usd, report.market_id) == ("transfer", Decimal(told), "")


def test_funding_is_the_bills_amount_and_bills_of_others_and_of_trades_are_no_payments() -> None:
    rows = [bill(4, coin="BTC"), bill(3, symbol="ETHUSDT"), bill(2, businessType="open_long"), bill(1)]
    client = Recorded((ResponseExample(BILLS, listed(rows, "bills"), ()),))
    assert drained(ADAPTER.payments(client, (TRADED,), TIME_MS, TIME_MS + 10)) == [
        PaymentReport("funding", TIME_MS + 1, Decimal("-0.5"), "BTCUSDT", payment_id="1")
    ]


def test_past_funding_rates_are_those_of_the_span() -> None:
    rows = [{"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": str(TIME_MS + hour * 3_600_000)}
            for hour in (24, 16, 8, 0)]
    client = Recorded((ResponseExample("publicMixGetV2MixMarketHistoryFundRate", said(rows), ()),))
    span = TIME_MS + 8 * 3_600_000, TIME_MS + 16 * 3_600_000
    rates = finished(ADAPTER.funding_rates(client, TRADED, *span))
    assert [time_ms for time_ms, _ in rates] == [span[1], span[0]]
    assert [rate for _, rate in rates] == pytest.approx([0.01, 0.01])


# --- the account ------------------------------------------------------------------------------------------------------


def test_sides_of_different_leverage_have_none_so_it_is_set() -> None:
    row = {"marginCoin": "USDT", "marginMode": "isolated", "posMode": "one_way_mode", "isolatedLongLever": 5,
           "isolatedShortLever": "3"}
    assert of(BitgetSettings, row).leverage == 0.0
    assert of(BitgetSettings, row | {"isolatedShortLever": "5"}).leverage == 5.0


@pytest.mark.parametrize(("told", "rank"), [
    ("0", 1), ("0.2", 1), ("0.21", 2), ("1", 5), ("7", 5), ("", None), (None, None), ({}, None), ("nan", None),
])  # fmt: skip
def test_the_share_by_which_a_position_is_ranked_becomes_one_of_five(told: Any, rank: int | None) -> None:
    assert of(BitgetAdlRank, {"symbol": "BTCUSDT", "holdSide": "long", "adlRank": told}).of_five == rank


@pytest.mark.parametrize(("rights", "trade", "withdraw", "transfer"), [
    (["coor", "cpor"], False, False, False), (["coow", "cpow"], True, False, False), (["coow"], False, False, False),
    (["coow", "cpow", "wwow"], True, True, False), (["coow", "cpow", "wtow"], True, False, True),
    (["readonly"], False, False, False), (["trade", "withdraw", "transfer"], True, True, True),
])  # fmt: skip
def test_what_a_key_may_do(rights: list[str], trade: bool, withdraw: bool, transfer: bool) -> None:
    client = Recorded((
        ResponseExample("privateSpotGetV2SpotAccountInfo", said({"userId": "42", "authorities": rights}), ()),
        ResponseExample("privateMixGetV2MixAccountAccounts", said([]), ()),
    ))
    key = finished(ADAPTER.permissions(client, with_money=True))
    assert (key.account, key.may_trade, key.may_withdraw, key.may_transfer) == ("42", trade, withdraw, transfer)


def test_an_answer_without_data_is_an_empty_one() -> None:
    client = Recorded((ResponseExample("privateMixGetV2MixPositionSinglePosition", said(None), ()),))
    assert finished(ADAPTER.position(client, TRADED)).signed_base == 0
    assert of(BitgetAnswer, {"code": "00000", "data": None}).data is None
