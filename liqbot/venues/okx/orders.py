"""OKX swaps. Quantities in contracts, isolated margin said with every order, stops among the algo orders."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.errors import VenueRefused
from liqbot.venues.okx.attached_stop import attached_stops
from liqbot.venues.trading import (
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
)
from liqbot.venues.unified_order import unified_order

_STATUS: Final = {
    "live": OrderStatus.RESTING, "partially_filled": OrderStatus.RESTING, "filled": OrderStatus.FILLED, "canceled":
    OrderStatus.CANCELLED,
    "mmp_canceled": OrderStatus.CANCELLED, "pause": OrderStatus.RESTING, "partially_effective": OrderStatus.RESTING,
    "effective": OrderStatus.FILLED, "order_placed": OrderStatus.FILLED, "order_failed": OrderStatus.REJECTED,
    "partially_failed": OrderStatus.REJECTED,
}  # fmt: skip
_FORCED: Final = {
    "full_liquidation": TradeKind.LIQUIDATION, "partial_liquidation": TradeKind.LIQUIDATION,
    "adl": TradeKind.DELEVERAGED,
}  # fmt: skip
_FORCED_BILLS: Final = {
    **dict.fromkeys(("100", "101", "102", "103", "104", "105", "106", "107", "110"), TradeKind.LIQUIDATION),
    **dict.fromkeys(("125", "126", "127", "128"), TradeKind.DELEVERAGED),
}
_GONE: Final = ("51400", "51401", "51402", "51603")
_SWAP: Final = {"instType": "SWAP"}
_PAGE: Final = 100


class OkxAdapter:
    """See `TradingAdapter`."""

    venue = "okx"
    valid_ms = 3_000
    stop_valid_ms = 30_000
    """Conditional orders take no expiry of their own: their signed time is good for this long."""
    early_codes: frozenset[str] = frozenset()
    duplicate_codes = frozenset(("51016", "51065"))
    unclear_codes = frozenset(("50001", "50004", "50013", "50026", "51149"))
    # Else the client signs algo orders, which bear no `clOrdId`, with a name of its own.
    options: dict[str, Any] = {"brokerId": None}  # noqa: RUF012 -- read by the client's constructor, never changed

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        # Without it the client says cross.
        params: dict[str, Any] = {"marginMode": "isolated", "clientOrderId": order.client_id}
        if order.reduce_only:
            params["reduceOnly"] = True
        if order.post_only:
            params["postOnly"] = True
        if order.immediate:
            params["timeInForce"] = "IOC"
        if order.stop_price is not None:
            params["attachAlgoOrds"] = attached_stops(order.stop_client_id, order.stop_price)
        if order.kind is OrderKind.STOP_MARKET:
            # A stop has a name of another kind; the client passes it on as it is.
            del params["clientOrderId"]
            params |= {
                "stopLossPrice": float(order.trigger_price or 0), "slTriggerPxType": "mark",
                "algoClOrdId": order.client_id,
            }  # fmt: skip
        return unified_order(order, traded, params)

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        params = {"clientOrderId": client_id} | ({"trigger": True} if stop else {})
        return Call("cancel_order", ("", traded.instrument.symbol, params))

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        symbol, calls = traded.instrument.symbol, []
        if not found.one_way:
            calls.append(Call("set_position_mode", (False, symbol)))
        if found.leverage != leverage or not found.isolated:
            calls.append(Call("set_leverage", (leverage, symbol, {"marginMode": "isolated"})))
        return tuple(calls)

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        if not stop:
            return await self._one(client, traded, {"clOrdId": client_id})
        row = await self._row(client, "privateGetTradeOrderAlgo", {"algoClOrdId": client_id})
        if row is None:
            return None
        report = _algo(row, traded)
        if not report.fills_order_id:
            return report
        became = await self._one(client, traded, {"ordId": report.fills_order_id})
        if became is None:
            return report
        return OrderReport(
            client_id, report.venue_order_id, became.status, report.quantity_base, became.filled_base,
            report.reduce_only, report.trigger_price, report.on_mark, report.fills_order_id, became.reason,
        )

    async def _one(self, client: VenueCaller, traded: TradedContract, named: dict[str, str]) -> OrderReport | None:
        row = await self._row(client, "privateGetTradeOrder", {"instId": traded.market_id} | named)
        return None if row is None else _order(row, traded)

    async def _row(self, client: VenueCaller, method: str, query: dict[str, Any]) -> dict[str, Any] | None:
        try:
            rows = (await client.call(method, query))["data"]
        except VenueRefused as refusal:
            if refusal.code in _GONE or refusal.kind == "OrderNotFound":
                return None
            raise
        return rows[0] if rows else None

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        query = _SWAP | {"instId": traded.market_id}
        orders = (await client.call("privateGetTradeOrdersPending", query))["data"]
        stops = (await client.call("privateGetTradeOrdersAlgoPending", query | {"ordType": "conditional"}))["data"]
        return [_order(row, traded) for row in orders] + [_algo(row, traded) for row in stops]

    async def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> list[TradeReport]:
        del now_ms
        query: dict[str, Any] = _SWAP | {"instId": traded.market_id, "begin": str(since_ms), "limit": str(_PAGE)}
        found: list[TradeReport] = []
        for _ in range(PAGES_MAX):
            rows = (await client.call("privateGetTradeFillsHistory", query))["data"]
            found += [_trade(row, traded) for row in rows]
            if len(rows) < _PAGE:
                break
            query = query | {"after": rows[-1]["billId"]}
        return sorted(found, key=lambda trade: trade.time_ms)

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        row = await self._row(client, "privateGetTradeOrder", {"instId": traded.market_id, "ordId": venue_order_id})
        return "" if row is None else str(row.get("algoClOrdId") or row["clOrdId"])

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        rows = (await client.call("privateGetAccountPositions", _SWAP | {"instId": traded.market_id}))["data"]
        held = next((row for row in rows if decimal(row["pos"])), None)
        if held is None:
            return PositionReport()
        signed = traded.base(held["pos"])
        return PositionReport(
            -abs(signed) if held["posSide"] == "short" else signed, decimal(held["avgPx"]),
            float(held["lever"] or 0), held["mgnMode"] == "isolated", price_or_none(held["liqPx"]),
        )

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        query = {"instId": traded.market_id, "mgnMode": "isolated"}
        rows = (await client.call("privateGetAccountLeverageInfo", query))["data"]
        account = (await client.call("privateGetAccountConfig"))["data"][0]
        leverage = float(rows[0]["lever"] or 0) if rows else 0.0
        # The margin mode is said with every order, so it is isolated for all that we place.
        return AccountSettings(leverage, isolated=True, one_way=account["posMode"] == "net_mode")

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        found = (await client.call("privateGetAccountBalance", {"ccy": "USDT"}))["data"]
        details = [row for account in found for row in account["details"] if row["ccy"] == "USDT"]
        return decimal(details[0]["eq"]) - decimal(details[0].get("upl")) if details else ZERO

    async def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> list[PaymentReport]:
        del now_ms
        found: list[PaymentReport] = []
        for kind in ("8", "1"):
            query = {"type": kind, "begin": str(since_ms), "limit": str(_PAGE)}
            rows = (await client.call("privateGetAccountBills", query))["data"]
            found += [report for row in rows if (report := _payment(row, traded)) is not None]
        return found

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        del with_money
        account = (await client.call("privateGetAccountConfig"))["data"][0]
        rights = str(account["perm"]).split(",")
        note = "" if account["acctLv"] != "1" else "spot mode: switch the account to futures mode"
        return KeyPermissions(str(account["uid"]), "withdraw" in rights, "trade" in rights and not note, note)

    async def server_ms(self, client: VenueCaller) -> int:
        return int((await client.call("publicGetPublicTime"))["data"][0]["ts"])

    # --- the user stream ------------------------------------------------------------------------------------------

    def streams(self, traded: Sequence[TradedContract]) -> tuple[Call, ...]:
        symbols = [one.instrument.symbol for one in traded]
        kinds: tuple[dict[str, Any], ...] = ({}, {"trigger": True})
        return tuple(Call("watch_orders", (symbol, None, None, kind)) for symbol in symbols for kind in kinds)

    def user_events(self, message: Any, traded: Sequence[TradedContract]) -> UserEvents | None:
        topic = message.get("arg") if isinstance(message, dict) else None
        channel = topic.get("channel") if isinstance(topic, dict) else None
        if channel not in ("orders", "orders-algo") or "data" not in message:
            return None
        found: list[tuple[TradedContract, Hint]] = []
        for row in message["data"]:
            contract = by_market(traded, row["instId"])
            if contract is None:
                continue
            if channel == "orders-algo":
                hint = OrderHint(str(row["algoClOrdId"]), str(row["algoId"]), str(row["ordId"] or ""))
                found.append((contract, hint))
                continue
            if decimal(row["fillSz"]) and row.get("tradeId") and row.get("execType"):
                found.append((contract, _stream_trade(row, contract)))
            if row["state"] in ("live", "canceled", "mmp_canceled"):
                found.append((contract, OrderHint(_client_id(row), str(row["ordId"]))))
        return tuple(found)


def _client_id(row: dict[str, Any]) -> str:
    return str(row.get("algoClOrdId") or row["clOrdId"])


def _order(row: dict[str, Any], traded: TradedContract) -> OrderReport:
    return OrderReport(
        client_id=_client_id(row),
        venue_order_id=str(row["ordId"]),
        status=_STATUS[row["state"]],
        quantity_base=traded.base(row["sz"]),
        filled_base=traded.base(row["accFillSz"]),
        reduce_only=row.get("reduceOnly") in ("true", True),
        reason=str(row.get("cancelSourceReason") or row.get("cancelSource") or ""),
    )


def _algo(row: dict[str, Any], traded: TradedContract) -> OrderReport:
    placed = str(row.get("ordId") or "")
    return OrderReport(
        client_id=str(row["algoClOrdId"]),
        venue_order_id=str(row["algoId"]),
        status=_STATUS[row["state"]],
        quantity_base=traded.base(row["sz"]),
        reduce_only=row.get("reduceOnly") in ("true", True),
        trigger_price=price_or_none(row.get("slTriggerPx")),
        on_mark=row.get("slTriggerPxType") == "mark",
        fills_order_id=placed if placed != "0" else "",
        reason=str(row.get("failCode") or ""),
    )


def _trade(row: dict[str, Any], traded: TradedContract) -> TradeReport:
    return TradeReport(
        trade_id=str(row["tradeId"]),
        venue_order_id=str(row["ordId"]),
        client_id="",
        buys=row["side"] == "buy",
        price=decimal(row["fillPx"]),
        quantity_base=traded.base(row["fillSz"]),
        fee=-decimal(row["fee"]),
        fee_currency=str(row["feeCcy"]),
        maker=row["execType"] == "M",
        time_ms=int(row["ts"]),
        kind=_FORCED_BILLS.get(str(row.get("subType")), TradeKind.TRADE),
    )


def _stream_trade(row: dict[str, Any], traded: TradedContract) -> TradeReport:
    # `fee` is the order's sum so far: of a single execution it is told in `fillFee`.
    fee = row.get("fillFee") or row["fee"]
    return TradeReport(
        trade_id=str(row["tradeId"]),
        venue_order_id=str(row["ordId"]),
        client_id=_client_id(row),
        buys=row["side"] == "buy",
        price=decimal(row["fillPx"]),
        quantity_base=traded.base(row["fillSz"]),
        fee=-decimal(fee),
        fee_currency=str(row.get("fillFeeCcy") or row["feeCcy"]),
        maker=row["execType"] == "M",
        time_ms=int(row["fillTime"]),
        kind=_FORCED.get(str(row.get("category")), TradeKind.TRADE),
    )


def _payment(row: dict[str, Any], traded: Sequence[TradedContract]) -> PaymentReport | None:
    if row["ccy"] != "USDT":
        return None
    time_ms, payment_id = int(row["ts"]), str(row.get("billId") or "")
    if row["type"] == "1":
        return PaymentReport("transfer", time_ms, decimal(row["balChg"]), payment_id=payment_id)
    if row["type"] == "8" and by_market(traded, row["instId"]) is not None:
        amount = decimal(row["pnl"] or row["balChg"])
        return PaymentReport("funding", time_ms, amount, row["instId"], payment_id=payment_id)
    return None
