"""Binance USD-M. Stops are algo orders: other endpoints, ids of their own, and an order of its own once triggered."""

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.answers import (
    Read,
    Shape,
    answer,
    as_it_is,
    ask,
    only,
    order_reports,
    require_same,
    rows_about,
    rows_named,
)
from liqbot.venues.binance.answers import (
    QUOTE,
    BinanceAlgoOrder,
    BinanceAlgoOrderName,
    BinanceBalance,
    BinanceFundingRate,
    BinanceOrder,
    BinanceOrderName,
    BinancePosition,
    BinancePositionMode,
    BinanceRestrictions,
    BinanceServerTime,
    BinanceStreamTrade,
    BinanceSymbolConfig,
    BinanceTrade,
    income_page,
)
from liqbot.venues.errors import VenueRefused
from liqbot.venues.histories import PAGES_MAX, HistoryPart, by_spans
from liqbot.venues.trading import (
    DAY_MS,
    ZERO,
    AccountSettings,
    Call,
    KeyPermissions,
    OrderHint,
    OrderReport,
    PaymentReport,
    PositionReport,
    TradedContract,
    TradeReport,
    UserEvents,
    VenueCaller,
    by_market,
    decimal,
    price_or_none,
    rank_or_none,
)
from liqbot.venues.unified_order import settings_calls, unified_order, unified_params

_UNKNOWN_ORDER: Final = ("-2011", "-2013")
_PAGE: Final = 1_000
_SPAN_MS: Final = 7 * DAY_MS - 1
_KEPT_MS: Final = 180 * DAY_MS
_PAID: Final = ("FUNDING_FEE", "TRANSFER")


class BinanceAdapter:
    """See `TradingAdapter`."""

    venue = "binance"
    valid_ms = stop_valid_ms = 2_000
    duplicate_codes = frozenset(("-4111", "-4116"))
    unclear_codes = frozenset(("-1000", "-1001", "-1006", "-1007", "-4130"))
    """The last: there is a stop in this direction already, perhaps this one."""
    early_codes = frozenset(("-4509",))
    options: dict[str, Any] = {"recvWindow": 2_000}  # noqa: RUF012 -- read by the client's constructor, never changed

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        params = unified_params(order)
        if order.kind is OrderKind.STOP_MARKET:
            params |= {"stopLossPrice": float(order.trigger_price or 0), "workingType": "MARK_PRICE"}
        return unified_order(order, traded, params)

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        params = {"clientOrderId": client_id} | ({"trigger": True} if stop else {})
        return Call("cancel_order", ("", traded.instrument.symbol, params))

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        return settings_calls(traded, leverage, found, margin=("isolated", traded.instrument.symbol))

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        try:
            if not stop:
                return await self._order(client, traded, origClientOrderId=client_id)
            report = await self._ask(
                client, "fapiPrivateGetAlgoOrder", {"clientAlgoId": client_id}, shape=BinanceAlgoOrder,
                read=partial(_same_algo, client_id),
            )
        except VenueRefused as refusal:
            if refusal.code in _UNKNOWN_ORDER or refusal.kind == "OrderNotFound":
                return None
            raise
        if not report.fills_order_id:
            return report
        # Triggered: what became of it is reported by the order it turned into.
        became = await self._order(client, traded, orderId=report.fills_order_id)
        return OrderReport(
            client_id, report.venue_order_id, became.status, report.quantity_base, became.filled_base,
            report.reduce_only, report.trigger_price, report.on_mark, report.fills_order_id, became.reason,
        )

    async def _order(self, client: VenueCaller, traded: TradedContract, **named: str) -> OrderReport:
        return await self._ask(
            client, "fapiPrivateGetOrder", {"symbol": traded.market_id} | named, shape=BinanceOrder,
            read=partial(_same_order, traded, named),
        )

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        query = {"symbol": traded.market_id}
        orders = await self._ask(
            client, "fapiPrivateGetOpenOrders", query, shape=list[Any],
            read=partial(_reports, traded, BinanceOrder, BinanceOrderName),
        )
        stops = await self._ask(
            client, "fapiPrivateGetOpenAlgoOrders", query, shape=list[Any],
            read=partial(_reports, traded, BinanceAlgoOrder, BinanceAlgoOrderName),
        )
        return orders + stops

    def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[TradeReport]]:
        return by_spans(partial(self._trades, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _trades(
        self, client: VenueCaller, traded: TradedContract, start_ms: int, end_ms: int
    ) -> list[TradeReport] | None:
        query: dict[str, Any] = {
            "symbol": traded.market_id, "startTime": start_ms, "endTime": end_ms, "limit": _PAGE
        }
        found: list[TradeReport] = []
        for _ in range(PAGES_MAX):
            rows = await self._ask(
                client, "fapiPrivateGetUserTrades", query, shape=list[Any], weight=5,
                read=lambda rows: rows_named(rows, BinanceTrade, "symbol", traded.market_id),
            )
            found += [row.report() for row in rows]
            if len(rows) < _PAGE or rows[-1].time > end_ms:
                return found
            # Identifiers grow with time: the next page begins behind the newest of this one.
            query = {"symbol": traded.market_id, "fromId": max(row.id for row in rows) + 1, "limit": _PAGE}
        return None

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        try:
            client_id = (await self._order(client, traded, orderId=venue_order_id)).client_id
        except VenueRefused:
            client_id = ""
        algos = await self._ask(
            client, "fapiPrivateGetAllAlgoOrders", {"symbol": traded.market_id}, shape=list[Any], weight=5,
            read=lambda rows: rows_named(rows, BinanceAlgoOrderName, "symbol", traded.market_id),
        )
        came_from = (one.client_algo_id for one in algos if str(one.actual_order_id or "") == venue_order_id)
        return next(came_from, client_id)

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        rows = await self._ask(
            client, "fapiPrivateV3GetPositionRisk", {"symbol": traded.market_id}, shape=list[Any], weight=5,
            read=lambda rows: rows_named(rows, BinancePosition, "symbol", traded.market_id),
        )
        held = next((row for row in rows if row.position_amt), None)
        if held is None:
            return PositionReport()
        settings = await self.settings(client, traded)
        return PositionReport(
            decimal(held.position_amt), decimal(held.entry_price), settings.leverage, settings.isolated,
            price_or_none(held.liquidation_price), adl_rank=rank_or_none(held.adl),
        )

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        row = await self._ask(
            client, "fapiPrivateGetSymbolConfig", {"symbol": traded.market_id}, shape=list[Any], weight=5,
            read=lambda rows: only(rows_named(rows, BinanceSymbolConfig, "symbol", traded.market_id)),
        )
        mode = await self._ask(
            client, "fapiPrivateGetPositionSideDual", shape=BinancePositionMode, read=as_it_is, weight=30
        )
        return AccountSettings(float(row.leverage), row.margin_type == "ISOLATED", not mode.dual_side_position)

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        rows = await self._balances(client, asset=(QUOTE,))
        return next((decimal(row.balance) for row in rows), ZERO)

    async def _balances(self, client: VenueCaller, **named: Sequence[str]) -> list[BinanceBalance]:
        return await self._ask(
            client, "fapiPrivateV3GetBalance", shape=list[Any], weight=5,
            read=lambda rows: rows_about(rows, BinanceBalance, named) if rows else only([]),
        )

    async def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[PaymentReport]]:
        """Kind by kind: of all kinds together only the oldest thousand come, most of them fees."""
        reached_ms = now_ms
        for kind in _PAID:
            start_ms, page, more = since_ms, 1, True
            for _ in range(PAGES_MAX):
                query = {"incomeType": kind, "startTime": start_ms, "limit": _PAGE, "page": page}
                found = await self._ask(
                    client, "fapiPrivateGetIncome", query, shape=list[Any], weight=30,
                    read=partial(income_page, kind=kind, traded=traded),
                )
                yield HistoryPart(found.payments, since_ms)
                more = found.count >= _PAGE
                if not more:
                    break
                # On from the newest; further pages only where one instant fills a page.
                page = page + 1 if found.newest_ms <= start_ms else 1
                start_ms = max(start_ms, found.newest_ms)
            reached_ms = min(reached_ms, start_ms) if more else reached_ms
        yield HistoryPart([], reached_ms)

    async def funding_rates(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, until_ms: int
    ) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        query: dict[str, Any] = {"symbol": traded.market_id, "endTime": until_ms, "limit": _PAGE}
        for _ in range(PAGES_MAX):
            rows = await self._ask(
                client, "fapiPublicGetFundingRate", query | {"startTime": since_ms}, shape=list[BinanceFundingRate],
                read=as_it_is,
            )
            found += [(row.funding_time, float(row.funding_rate) * 100) for row in rows]
            if len(rows) < _PAGE:
                break
            since_ms = rows[-1].funding_time + 1
        return found

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        rows = await self._balances(client)
        account = rows[0].account_alias if rows else ""
        if not with_money:
            return KeyPermissions(account, None, None, "rights of a demo key cannot be read here")
        rights = await self._ask(client, "sapiGetAccountApiRestrictions", shape=BinanceRestrictions, read=as_it_is)
        return KeyPermissions(
            account, rights.enable_withdrawals, rights.enable_futures, may_transfer=rights.may_transfer,
            expires_ms=rights.trading_authority_expiration_time,
        )

    async def server_ms(self, client: VenueCaller) -> int:
        return (await self._ask(client, "fapiPublicGetTime", shape=BinanceServerTime, read=as_it_is)).server_time

    async def _ask(
        self, client: VenueCaller, method: str, *args: Any, shape: type[Shape], read: Callable[[Shape], Read],
        weight: int = 1,
    ) -> Read:
        return await ask(client, self.venue, method, *args, shape=shape, read=read, weight=weight)

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
            trade = answer(self.venue, str(kind), order, BinanceStreamTrade, as_it_is)
            return ((contract, trade.report(contract)),)
        return ((contract, OrderHint(str(order["c"]), str(order["i"]))),)


def _reports(
    traded: TradedContract, shape: type[BinanceOrder | BinanceAlgoOrder],
    name: type[BinanceOrderName | BinanceAlgoOrderName], rows: list[Any],
) -> list[OrderReport]:
    return order_reports(rows, shape, name, "symbol", traded.market_id, lambda row: row.report())


def _same_order(traded: TradedContract, named: dict[str, str], row: BinanceOrder) -> OrderReport:
    require_same("$.symbol", traded.market_id, row.symbol)
    for field, value in (("orderId", row.order_id), ("origClientOrderId", row.client_order_id)):
        require_same(f"$.{field}", named.get(field, value), value)
    return row.report()


def _same_algo(client_id: str, row: BinanceAlgoOrder) -> OrderReport:
    require_same("$.clientAlgoId", client_id, row.client_algo_id)
    return row.report()
