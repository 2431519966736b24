"""Binance USD-M. Stops are algo orders: other endpoints, ids of their own, and an order of its own once triggered."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.errors import VenueRefused
from liqbot.venues.trading import (
    DAY_MS,
    PAGES_MAX,
    ZERO,
    AccountSettings,
    Call,
    KeyPermissions,
    OrderHint,
    OrderReport,
    OrderStatus,
    PaymentReport,
    PositionReport,
    TradedContract,
    TradeKind,
    TradeReport,
    UserEvents,
    VenueCaller,
    by_market,
    decimal,
    price_or_none,
    spans,
)
from liqbot.venues.unified_order import unified_order

_STATUS: Final = {
    "NEW": OrderStatus.RESTING, "PARTIALLY_FILLED": OrderStatus.RESTING, "FILLED": OrderStatus.FILLED, "CANCELED":
    OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.CANCELLED, "EXPIRED_IN_MATCH": OrderStatus.CANCELLED, "REJECTED": OrderStatus.REJECTED,
    "TRIGGERING": OrderStatus.RESTING, "TRIGGERED": OrderStatus.FILLED, "FINISHED": OrderStatus.FILLED,
}  # fmt: skip
_UNKNOWN_ORDER: Final = ("-2011", "-2013")
_FORCED: Final = {"autoclose-": TradeKind.LIQUIDATION, "adl_autoclose": TradeKind.DELEVERAGED}
_PAGE: Final = 1_000
_SPAN_MS: Final = 7 * DAY_MS - 1


class BinanceAdapter:
    """See `TradingAdapter`."""

    venue = "binance"
    valid_ms = stop_valid_ms = 3_000
    duplicate_codes = frozenset(("-4111", "-4116"))
    unclear_codes = frozenset(("-1000", "-1001", "-1006", "-1007", "-4130"))
    """The last: there is a stop in this direction already, perhaps this one."""
    early_codes = frozenset(("-4509",))
    options: dict[str, Any] = {"recvWindow": 3_000}  # noqa: RUF012 -- read by the client's constructor, never changed

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        params: dict[str, Any] = {"clientOrderId": order.client_id}
        if order.reduce_only:
            params["reduceOnly"] = True
        if order.post_only:
            params["postOnly"] = True
        if order.immediate:
            params["timeInForce"] = "IOC"
        if order.kind is OrderKind.STOP_MARKET:
            params |= {"stopLossPrice": float(order.trigger_price or 0), "workingType": "MARK_PRICE"}
        return unified_order(order, traded, params)

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        params = {"clientOrderId": client_id} | ({"trigger": True} if stop else {})
        return Call("cancel_order", ("", traded.instrument.symbol, params))

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        symbol, calls = traded.instrument.symbol, []
        if not found.one_way:
            calls.append(Call("set_position_mode", (False, symbol)))
        if not found.isolated:
            calls.append(Call("set_margin_mode", ("isolated", symbol)))
        if found.leverage != leverage:
            calls.append(Call("set_leverage", (leverage, symbol)))
        return tuple(calls)

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        try:
            if not stop:
                query = {"symbol": traded.market_id, "origClientOrderId": client_id}
                return _order(await client.call("fapiPrivateGetOrder", query))
            found = await client.call("fapiPrivateGetAlgoOrder", {"clientAlgoId": client_id})
        except VenueRefused as refusal:
            if refusal.code in _UNKNOWN_ORDER or refusal.kind == "OrderNotFound":
                return None
            raise
        report = _algo(found)
        if not report.fills_order_id:
            return report
        # Triggered: what became of it is told by the order it turned into.
        query = {"symbol": traded.market_id, "orderId": report.fills_order_id}
        became = _order(await client.call("fapiPrivateGetOrder", query))
        return OrderReport(
            client_id, report.venue_order_id, became.status, report.quantity_base, became.filled_base,
            report.reduce_only, report.trigger_price, report.on_mark, report.fills_order_id, became.reason,
        )

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        query = {"symbol": traded.market_id}
        orders = [_order(one) for one in await client.call("fapiPrivateGetOpenOrders", query)]
        return orders + [_algo(one) for one in await client.call("fapiPrivateGetOpenAlgoOrders", query)]

    async def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> list[TradeReport]:
        found: list[TradeReport] = []
        for start_ms, end_ms in spans(since_ms, now_ms, _SPAN_MS):
            query: dict[str, Any] = {
                "symbol": traded.market_id, "startTime": start_ms, "endTime": end_ms, "limit": _PAGE
            }
            for _ in range(PAGES_MAX):
                rows = await client.call("fapiPrivateGetUserTrades", query, weight=5)
                found += [_trade(row) for row in rows]
                if len(rows) < _PAGE:
                    break
                # Identifiers grow with time: the next page begins behind the newest of this one.
                query = {"symbol": traded.market_id, "fromId": int(rows[-1]["id"]) + 1, "limit": _PAGE}
        return found

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        query = {"symbol": traded.market_id, "orderId": venue_order_id}
        try:
            client_id = _order(await client.call("fapiPrivateGetOrder", query)).client_id
        except VenueRefused:
            client_id = ""
        for row in await client.call("fapiPrivateGetAllAlgoOrders", {"symbol": traded.market_id}, weight=5):
            if str(row.get("actualOrderId") or "") == venue_order_id:
                return str(row["clientAlgoId"])
        return client_id

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        rows = await client.call("fapiPrivateV3GetPositionRisk", {"symbol": traded.market_id}, weight=5)
        held = next((row for row in rows if decimal(row["positionAmt"])), None)
        if held is None:
            return PositionReport()
        settings = await self.settings(client, traded)
        return PositionReport(
            decimal(held["positionAmt"]), decimal(held["entryPrice"]), settings.leverage, settings.isolated,
            price_or_none(held["liquidationPrice"]),
        )

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        rows = await client.call("fapiPrivateGetSymbolConfig", {"symbol": traded.market_id}, weight=5)
        row = next(row for row in rows if row["symbol"] == traded.market_id)
        mode = await client.call("fapiPrivateGetPositionSideDual", weight=30)
        return AccountSettings(
            float(row["leverage"]), row["marginType"] == "ISOLATED", mode["dualSidePosition"] is False
        )

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        rows = await client.call("fapiPrivateV3GetBalance", weight=5)
        return next((decimal(row["balance"]) for row in rows if row["asset"] == "USDT"), ZERO)

    async def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> list[PaymentReport]:
        del now_ms
        rows = await client.call("fapiPrivateGetIncome", {"startTime": since_ms, "limit": _PAGE}, weight=30)
        return [report for row in rows if (report := _payment(row, traded)) is not None]

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        rows = await client.call("fapiPrivateV3GetBalance", weight=5)
        account = str(rows[0]["accountAlias"]) if rows else ""
        if not with_money:
            return KeyPermissions(account, None, None, "rights of a demo key cannot be read here")
        found = await client.call("sapiGetAccountApiRestrictions")
        return KeyPermissions(account, _true(found["enableWithdrawals"]), _true(found["enableFutures"]))

    async def server_ms(self, client: VenueCaller) -> int:
        return int((await client.call("fapiPublicGetTime"))["serverTime"])

    # --- the user stream ------------------------------------------------------------------------------------------

    def streams(self, traded: Sequence[TradedContract]) -> tuple[Call, ...]:
        return (Call("watch_orders", (traded[0].instrument.symbol,)),)

    def user_events(self, message: Any, traded: Sequence[TradedContract]) -> UserEvents | None:
        if not isinstance(message, dict):
            return None
        body = message.get("data", message)
        kind = body.get("e") if isinstance(body, dict) else None
        if kind not in ("ORDER_TRADE_UPDATE", "ALGO_UPDATE"):
            return None
        order = body["o"]
        contract = by_market(traded, order["s"])
        if contract is None:
            return ()
        if kind == "ALGO_UPDATE":
            alias = str(order.get("ai") or "")
            return ((contract, OrderHint(str(order["caid"]), str(order["aid"]), alias)),)
        if order["x"] in ("TRADE", "CALCULATED") and decimal(order["l"]):
            return ((contract, _stream_trade(order, contract)),)
        return ((contract, OrderHint(str(order["c"]), str(order["i"]))),)


def _order(row: dict[str, Any]) -> OrderReport:
    return OrderReport(
        client_id=str(row["clientOrderId"]),
        venue_order_id=str(row["orderId"]),
        status=_STATUS[row["status"]],
        quantity_base=decimal(row["origQty"]),
        filled_base=decimal(row["executedQty"]),
        reduce_only=_true(row.get("reduceOnly")),
        reason=str(row["status"]).lower(),
    )


def _algo(row: dict[str, Any]) -> OrderReport:
    became = str(row.get("actualOrderId") or "")
    return OrderReport(
        client_id=str(row["clientAlgoId"]),
        venue_order_id=str(row["algoId"]),
        status=_STATUS[row["algoStatus"]],
        quantity_base=decimal(row["quantity"]),
        reduce_only=_true(row.get("reduceOnly")),
        trigger_price=price_or_none(row.get("triggerPrice")),
        on_mark=row.get("workingType") == "MARK_PRICE",
        fills_order_id=became if became != "0" else "",
        reason=str(row["algoStatus"]).lower(),
    )


def _trade(row: dict[str, Any]) -> TradeReport:
    return TradeReport(
        trade_id=str(row["id"]),
        venue_order_id=str(row["orderId"]),
        client_id="",
        buys=_true(row["buyer"]),
        price=decimal(row["price"]),
        quantity_base=decimal(row["qty"]),
        fee=decimal(row["commission"]),
        fee_currency=str(row["commissionAsset"]),
        maker=_true(row["maker"]),
        time_ms=int(row["time"]),
    )


def _stream_trade(order: dict[str, Any], traded: TradedContract) -> TradeReport:
    client_id = str(order["c"])
    kind = next((kind for head, kind in _FORCED.items() if client_id.startswith(head)), TradeKind.TRADE)
    return TradeReport(
        trade_id=str(order["t"]),
        venue_order_id=str(order["i"]),
        client_id=client_id,
        buys=order["S"] == "BUY",
        price=decimal(order["L"]),
        quantity_base=traded.base(order["l"]),
        fee=decimal(order.get("n")),
        fee_currency=str(order.get("N") or "USDT"),
        maker=_true(order["m"]),
        time_ms=int(order["T"]),
        kind=kind,
    )


def _payment(row: dict[str, Any], traded: Sequence[TradedContract]) -> PaymentReport | None:
    if row["asset"] != "USDT":
        return None
    amount, time_ms, payment_id = decimal(row["income"]), int(row["time"]), str(row.get("tranId") or "")
    if row["incomeType"] == "TRANSFER":
        return PaymentReport("transfer", time_ms, amount, payment_id=payment_id)
    if row["incomeType"] == "FUNDING_FEE" and by_market(traded, row["symbol"]) is not None:
        return PaymentReport("funding", time_ms, amount, row["symbol"], payment_id=payment_id)
    return None


def _true(value: object) -> bool:
    return value is True or value == "true"


