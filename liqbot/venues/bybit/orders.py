"""Bybit linear, unified account. A placed order is only taken note of: whether it stands is read afterwards."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.bybit import attached_stop
from liqbot.venues.entry_stops import entry_of
from liqbot.venues.errors import VenueRefused
from liqbot.venues.trading import (
    DAY_MS,
    PAGES_MAX,
    ZERO,
    AccountSettings,
    Call,
    Hint,
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
    "New": OrderStatus.RESTING, "Created": OrderStatus.RESTING, "PartiallyFilled": OrderStatus.RESTING, "Untriggered":
    OrderStatus.RESTING,
    "Triggered": OrderStatus.RESTING, "Active": OrderStatus.RESTING, "PendingCancel": OrderStatus.RESTING, "Filled":
    OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED, "PartiallyFilledCanceled": OrderStatus.CANCELLED, "Deactivated":
    OrderStatus.CANCELLED,
    "Rejected": OrderStatus.REJECTED,
}  # fmt: skip
_KINDS: Final = {
    "Trade": TradeKind.TRADE, "BustTrade": TradeKind.LIQUIDATION, "AdlTrade": TradeKind.DELEVERAGED,
}  # fmt: skip
_NOT_IN_DEMO: Final = "10032"
_LINEAR: Final = {"category": "linear"}


class BybitAdapter:
    """See `TradingAdapter`."""

    venue = "bybit"
    valid_ms = stop_valid_ms = 3_000
    early_codes: frozenset[str] = frozenset()
    duplicate_codes = frozenset(("110072",))
    unclear_codes = frozenset(("10000", "10016", "170007", "170146"))
    options: dict[str, Any] = {  # noqa: RUF012 -- read by the client's constructor, never changed
        # Told, so that the client need not ask before its first order; `rights` checks it.
        "recvWindow": 3_000, "enableUnifiedMargin": False, "enableUnifiedAccount": True,
    }  # fmt: skip

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        params: dict[str, Any] = {"clientOrderId": order.client_id}
        if order.reduce_only:
            params["reduceOnly"] = True
        if order.post_only:
            params["postOnly"] = True
        if order.immediate:
            params["timeInForce"] = "IOC"
        if order.stop_price is not None:
            params |= attached_stop.entry_params(order.stop_price)
        if order.kind is OrderKind.STOP_MARKET:
            params |= {"stopLossPrice": float(order.trigger_price or 0), "triggerBy": "MarkPrice"}
        return unified_order(order, traded, params)

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        del stop  # one endpoint for both
        if entry_of(client_id) is not None:
            return attached_stop.cancelling(self._named(traded))
        return Call("privatePostV5OrderCancel", (self._named(traded) | {"orderLinkId": client_id},))

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        symbol, calls = traded.instrument.symbol, []
        if not found.one_way:
            calls.append(Call("set_position_mode", (False, symbol)))
        if not found.isolated:
            calls.append(Call("set_margin_mode", ("isolated",)))
        if found.leverage != leverage:
            calls.append(Call("set_leverage", (leverage, symbol)))
        return tuple(calls)

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        del stop
        if entry_of(client_id) is not None:
            row = await attached_stop.find(client, self._named(traded), client_id)
            return None if row is None else msgspec.structs.replace(_order(row), client_id=client_id)
        return await self._one(client, self._named(traded) | {"orderLinkId": client_id})

    async def _one(self, client: VenueCaller, query: dict[str, Any]) -> OrderReport | None:
        """Resting orders and the newest ended ones come from one list, older ones from the history."""
        for method in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
            rows = (await client.call(method, query))["result"]["list"]
            if rows:
                return _order(rows[0])
        return None

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        rows = await self._pages(client, "privateGetV5OrderRealtime", self._named(traded) | {"limit": 50})
        return [report for row in rows if (report := _order(row)).status is OrderStatus.RESTING]

    async def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> list[TradeReport]:
        found: list[TradeReport] = []
        for start_ms, end_ms in spans(since_ms, now_ms, 7 * DAY_MS):
            query = self._named(traded) | {"startTime": start_ms, "endTime": end_ms, "limit": 100}
            rows = await self._pages(client, "privateGetV5ExecutionList", query)
            found += [_trade(row) for row in rows if row["execType"] in _KINDS]
        return sorted(found, key=lambda trade: trade.time_ms)

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        report = await self._one(client, self._named(traded) | {"orderId": venue_order_id})
        return "" if report is None else report.client_id

    async def _pages(self, client: VenueCaller, method: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(PAGES_MAX):
            result = (await client.call(method, query))["result"]
            found += result["list"]
            cursor = result.get("nextPageCursor")
            if not cursor or len(result["list"]) < query["limit"]:
                break
            query = query | {"cursor": cursor}
        return found

    def _named(self, traded: TradedContract) -> dict[str, Any]:
        return _LINEAR | {"symbol": traded.market_id}

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        rows = (await client.call("privateGetV5PositionList", self._named(traded)))["result"]["list"]
        held = next((row for row in rows if decimal(row["size"])), None)
        if held is None:
            return PositionReport()
        size = decimal(held["size"])
        return PositionReport(
            size if held["side"] == "Buy" else -size, decimal(held["avgPrice"]), float(held["leverage"] or 0),
            await self._isolated(client), price_or_none(held["liqPrice"]),
        )

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        rows = (await client.call("privateGetV5PositionList", self._named(traded)))["result"]["list"]
        one_way = all(int(row["positionIdx"]) == 0 for row in rows)
        leverage = float(rows[0]["leverage"] or 0) if rows else 0.0
        return AccountSettings(leverage, await self._isolated(client), one_way)

    async def _isolated(self, client: VenueCaller) -> bool:
        return bool((await client.call("privateGetV5AccountInfo"))["result"]["marginMode"] == "ISOLATED_MARGIN")

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        found = await client.call("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"})
        coins = [coin for account in found["result"]["list"] for coin in account["coin"]]
        return next((decimal(coin["walletBalance"]) for coin in coins if coin["coin"] == "USDT"), ZERO)

    async def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> list[PaymentReport]:
        found: list[PaymentReport] = []
        for start_ms, end_ms in spans(since_ms, now_ms, 7 * DAY_MS):
            query = {"accountType": "UNIFIED", "startTime": start_ms, "endTime": end_ms, "limit": 50}
            rows = await self._pages(client, "privateGetV5AccountTransactionLog", query)
            found += [report for row in rows if (report := _payment(row, traded)) is not None]
        return found

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        try:
            key = (await client.call("privateGetV5UserQueryApi"))["result"]
        except VenueRefused as refusal:
            if refusal.code != _NOT_IN_DEMO or with_money:
                raise
            # Whether the key works at all can be asked all the same.
            await client.call("privateGetV5AccountInfo")
            return KeyPermissions("", None, None, "rights of a demo key cannot be read here")
        rights = key["permissions"]
        trade = not int(key["readOnly"]) and bool(rights.get("ContractTrade") or rights.get("Derivatives"))
        unified = "" if int(key.get("uta", 1)) else "not a unified account: upgrade it, others are not supported"
        return KeyPermissions(
            str(key["userID"]), "Withdraw" in rights.get("Wallet", ()), trade and not unified, unified
        )

    async def server_ms(self, client: VenueCaller) -> int:
        return int((await client.call("publicGetV5MarketTime"))["time"])

    # --- the user stream ------------------------------------------------------------------------------------------

    def streams(self, traded: Sequence[TradedContract]) -> tuple[Call, ...]:
        symbol = traded[0].instrument.symbol
        return Call("watch_orders", (symbol,)), Call("watch_my_trades", (symbol,))

    def user_events(self, message: Any, traded: Sequence[TradedContract]) -> UserEvents | None:
        topic = message.get("topic") if isinstance(message, dict) else None
        if topic not in ("order", "execution", "order.linear", "execution.linear"):
            return None
        found: list[tuple[TradedContract, Hint]] = []
        for row in message["data"]:
            contract = by_market(traded, row["symbol"])
            if contract is None or row.get("category", "linear") != "linear":
                continue
            if topic.startswith("order"):
                found.append((contract, OrderHint(attached_stop.client_id_of(row), str(row["orderId"]))))
            elif row["execType"] in _KINDS:
                found.append((contract, _trade(row)))
        return tuple(found)


def _order(row: dict[str, Any]) -> OrderReport:
    reason = row.get("rejectReason") or ""
    return OrderReport(
        client_id=attached_stop.client_id_of(row),
        venue_order_id=str(row["orderId"]),
        status=_STATUS[row["orderStatus"]],
        quantity_base=decimal(row["qty"]),
        filled_base=decimal(row["cumExecQty"]),
        reduce_only=bool(row.get("reduceOnly")),
        trigger_price=price_or_none(row.get("triggerPrice")),
        on_mark=row.get("triggerBy") == "MarkPrice",
        whole_position=attached_stop.guards_position(row),
        reason=str(reason if reason != "EC_NoError" else row.get("cancelType") or ""),
    )


def _trade(row: dict[str, Any]) -> TradeReport:
    return TradeReport(
        trade_id=str(row["execId"]),
        venue_order_id=str(row["orderId"]),
        client_id=str(row["orderLinkId"]),
        buys=row["side"] == "Buy",
        price=decimal(row["execPrice"]),
        quantity_base=decimal(row["execQty"]),
        fee=decimal(row["execFee"]),
        fee_currency=str(row.get("feeCurrency") or "USDT"),
        maker=row["isMaker"] in (True, "true"),
        time_ms=int(row["execTime"]),
        kind=_KINDS[row["execType"]],
    )


def _payment(row: dict[str, Any], traded: Sequence[TradedContract]) -> PaymentReport | None:
    if row["currency"] != "USDT":
        return None
    time_ms, payment_id = int(row["transactionTime"]), str(row.get("id") or "")
    if row["type"] in ("TRANSFER_IN", "TRANSFER_OUT"):
        return PaymentReport("transfer", time_ms, decimal(row["cashFlow"] or row["change"]), payment_id=payment_id)
    if row["type"] == "SETTLEMENT" and by_market(traded, row["symbol"]) is not None:
        rate_pct = float(row["feeRate"]) * 100 if row.get("feeRate") else None
        return PaymentReport("funding", time_ms, decimal(row["funding"]), row["symbol"], rate_pct, payment_id)
    return None
