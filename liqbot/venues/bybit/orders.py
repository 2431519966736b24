"""Bybit linear, unified account. A placed order is only taken note of: whether it stands is read afterwards."""

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

import msgspec

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.answers import (
    Read,
    answer,
    as_it_is,
    ask,
    only,
    order_reports,
    require_same,
    rows_about,
    rows_named,
)
from liqbot.venues.bybit import attached_stop
from liqbot.venues.bybit.answers import (
    FUNDING,
    QUOTE,
    TRANSFERS,
    BybitAccountAnswer,
    BybitBooking,
    BybitCoin,
    BybitExecution,
    BybitKeyAnswer,
    BybitListAnswer,
    BybitOrder,
    BybitOrderName,
    BybitPosition,
    BybitTimeAnswer,
    BybitWallet,
)
from liqbot.venues.entry_stops import entry_of
from liqbot.venues.errors import VenueRefused
from liqbot.venues.histories import PAGES_MAX, HistoryPart, by_spans
from liqbot.venues.trading import (
    DAY_MS,
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
    TradeReport,
    UserEvents,
    VenueCaller,
    by_market,
    decimal,
    price_or_none,
    rank_or_none,
)
from liqbot.venues.unified_order import settings_calls, unified_order, unified_params

_SPAN_MS: Final = 7 * DAY_MS
_KEPT_MS: Final = 729 * DAY_MS
_NOT_IN_DEMO: Final = "10032"
_LINEAR: Final = {"category": "linear"}


class BybitAdapter:
    """See `TradingAdapter`."""

    venue = "bybit"
    valid_ms = stop_valid_ms = 2_000
    early_codes: frozenset[str] = frozenset()
    duplicate_codes = frozenset(("110072",))
    unclear_codes = frozenset(("10000", "10016", "170007", "170146"))
    options: dict[str, Any] = {  # noqa: RUF012 -- read by the client's constructor, never changed
        # Told, so that the client need not ask before its first order; `rights` checks it.
        "recvWindow": 2_000, "enableUnifiedMargin": False, "enableUnifiedAccount": True,
    }  # fmt: skip

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        params = unified_params(order)
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
        return settings_calls(traded, leverage, found, margin=("isolated",))

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        del stop
        if entry_of(client_id) is not None:
            return await self._attached(client, self._named(traded), client_id)
        return await self._one(client, self._named(traded) | {"orderLinkId": client_id})

    async def _attached(self, client: VenueCaller, named: dict[str, Any], stop_id: str) -> OrderReport | None:
        """By its parent, else by what it is: the position's own stop at the price that its entry set."""
        def read(rows: list[Any]) -> list[BybitOrder]:
            return rows_about(rows, BybitOrder, {"symbol": (named["symbol"],)})

        nameless: list[BybitOrder] = []
        for method in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
            rows = await self._rows(client, method, named | attached_stop.STOPS, read)
            for row in rows:
                if row.client_id == stop_id:
                    return row.report()
            nameless = nameless or [row for row in rows if row.nameless_stop and method.endswith("Realtime")]
        if not nameless:
            return None
        entry = named | {"orderLinkId": entry_of(stop_id)}
        entries = await self._rows(client, "privateGetV5OrderRealtime", entry, partial(_same, entry))
        found = attached_stop.at_price(nameless, entries[0].stop_loss if entries else None)
        return None if found is None else msgspec.structs.replace(found.report(), client_id=stop_id)

    async def _one(self, client: VenueCaller, query: dict[str, Any]) -> OrderReport | None:
        """Resting orders and the newest ended ones come from one list, older ones from the history."""
        for method in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
            found = await self._rows(client, method, query, partial(_same, query))
            if found:
                return found[0].report()
        return None

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        def read(rows: list[Any]) -> list[OrderReport]:
            return order_reports(rows, BybitOrder, BybitOrderName, "symbol", traded.market_id, _report)

        query = self._named(traded) | {"limit": 50}
        found = await self._pages(client, "privateGetV5OrderRealtime", query, read)
        ended = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED)
        return [report for report in found or () if report.status not in ended]

    def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[TradeReport]]:
        return by_spans(partial(self._trades, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _trades(
        self, client: VenueCaller, traded: TradedContract, start_ms: int, end_ms: int
    ) -> list[TradeReport] | None:
        def read(rows: list[Any]) -> list[TradeReport]:
            found = rows_named(rows, BybitExecution, "symbol", traded.market_id)
            return [row.report() for row in found if row.trades]

        query = self._named(traded) | {"startTime": start_ms, "endTime": end_ms, "limit": 100}
        found = await self._pages(client, "privateGetV5ExecutionList", query, read)
        return None if found is None else sorted(found, key=lambda trade: trade.time_ms)

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        report = await self._one(client, self._named(traded) | {"orderId": venue_order_id})
        return "" if report is None else report.client_id

    async def _pages(
        self, client: VenueCaller, method: str, query: dict[str, Any], read: Callable[[list[Any]], list[Read]]
    ) -> list[Read] | None:
        """None when there are more than one reading takes."""
        found: list[Read] = []
        for _ in range(PAGES_MAX):
            page = await ask(
                client, self.venue, method, query, shape=BybitListAnswer, read=lambda got: (read(got.rows), got.cursor)
            )
            found += page[0]
            if not page[1]:
                return found
            query = query | {"cursor": page[1]}
        return None

    async def _rows(
        self, client: VenueCaller, method: str, query: dict[str, Any], read: Callable[[list[Any]], Read]
    ) -> Read:
        return await ask(client, self.venue, method, query, shape=BybitListAnswer, read=lambda got: read(got.rows))

    def _named(self, traded: TradedContract) -> dict[str, Any]:
        return _LINEAR | {"symbol": traded.market_id}

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        held = next((row for row in await self._positions(client, traded) if row.size), None)
        if held is None:
            return PositionReport()
        size = decimal(held.size)
        return PositionReport(
            size if held.side == "Buy" else -size, decimal(held.avg_price), float(held.leverage),
            await self._isolated(client), price_or_none(held.liq_price), adl_rank=rank_or_none(held.adl_rank_indicator),
        )

    async def _positions(
        self, client: VenueCaller, traded: TradedContract, *, listed: bool = False
    ) -> list[BybitPosition]:
        def read(rows: list[Any]) -> list[BybitPosition]:
            found = rows_named(rows, BybitPosition, "symbol", traded.market_id)
            for row in found:
                row.require_side()
            return [only(found), *found[1:]] if listed else found

        return await self._rows(client, "privateGetV5PositionList", self._named(traded), read)

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        """A contract that is queried by its name is listed, whether something is held or not."""
        rows = await self._positions(client, traded, listed=True)
        one_way = all(row.position_idx == 0 for row in rows)
        return AccountSettings(float(rows[0].leverage), await self._isolated(client), one_way)

    async def _isolated(self, client: VenueCaller) -> bool:
        found = await ask(client, self.venue, "privateGetV5AccountInfo", shape=BybitAccountAnswer, read=as_it_is)
        return found.result.margin_mode == "ISOLATED_MARGIN"

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        def read(rows: list[Any]) -> list[BybitCoin]:
            wallet = only(rows_about(rows, BybitWallet, {}, path="$.result.list"))
            return rows_about(wallet.coin, BybitCoin, {"coin": (QUOTE,)}, path="$.result.list[0].coin")

        query = {"accountType": "UNIFIED"}
        coins = await self._rows(client, "privateGetV5AccountWalletBalance", query, read)
        return next((decimal(coin.wallet_balance) for coin in coins), ZERO)

    def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[PaymentReport]]:
        return by_spans(partial(self._payments, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], start_ms: int, end_ms: int
    ) -> list[PaymentReport] | None:
        """Kind by kind: most of the log is trades."""
        found: list[PaymentReport] = []
        for kind in (FUNDING, *TRANSFERS):
            wanted: dict[str, tuple[str, ...]] = {"currency": (QUOTE,), "type": (kind,)}
            if kind == FUNDING:
                wanted["symbol"] = tuple(one.market_id for one in traded)
            query = {
                "accountType": "UNIFIED", "type": kind, "startTime": start_ms, "endTime": end_ms, "limit": 50
            }
            rows = await self._pages(
                client, "privateGetV5AccountTransactionLog", query, partial(_bookings, wanted=wanted)
            )
            if rows is None:
                return None
            found += rows
        return sorted(found, key=lambda payment: payment.time_ms)

    async def funding_rates(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, until_ms: int
    ) -> list[tuple[int, float]]:
        del client, traded, since_ms, until_ms
        return []  # stated with every payment

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        try:
            found = await ask(client, self.venue, "privateGetV5UserQueryApi", shape=BybitKeyAnswer, read=as_it_is)
        except VenueRefused as refusal:
            if refusal.code != _NOT_IN_DEMO or with_money:
                raise
            # Whether the key works at all can be queried all the same.
            await self._isolated(client)
            return KeyPermissions("", None, None, "rights of a demo key cannot be read here")
        key, rights = found.result, found.result.permissions
        trade = not key.read_only and bool(rights.get("ContractTrade") or rights.get("Derivatives"))
        unified = "" if key.uta else "not a unified account: upgrade it, others are not supported"
        wallet = rights.get("Wallet") or ()
        # Whatever else the wallet allows moves money: between accounts, to sub-accounts, and what may be added.
        return KeyPermissions(
            str(key.user_id), "Withdraw" in wallet, trade and not unified, unified,
            may_transfer=any(right != "Withdraw" for right in wallet), expires_ms=key.expires_ms,
        )

    async def server_ms(self, client: VenueCaller) -> int:
        return (await ask(client, self.venue, "publicGetV5MarketTime", shape=BybitTimeAnswer, read=as_it_is)).time

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
                found.append((contract, OrderHint(_name(row), str(row["orderId"]))))
            else:
                execution = answer(self.venue, topic, row, BybitExecution, as_it_is)
                if execution.trades:
                    found.append((contract, execution.report()))
        return tuple(found)


def _name(row: dict[str, Any]) -> str:
    return attached_stop.our_name(str(row["orderLinkId"]), row.get("parentOrderLinkId"), row.get("stopOrderType"))


def _report(row: BybitOrder | BybitOrderName) -> OrderReport:
    return row.report()


def _same(query: dict[str, Any], rows: list[Any]) -> list[BybitOrder]:
    """The order that was queried by one of its names."""
    found = rows_named(rows, BybitOrder, "symbol", query["symbol"])
    for row in found:
        for field, value in (("orderId", row.order_id), ("orderLinkId", row.order_link_id)):
            require_same(f"$.result.list[...].{field}", query.get(field, value), value)
    return found


def _bookings(rows: list[Any], wanted: dict[str, tuple[str, ...]]) -> list[PaymentReport]:
    return [row.report() for row in rows_about(rows, BybitBooking, wanted, path="$.result.list")]
