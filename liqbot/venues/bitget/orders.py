"""Bitget's USDT contracts of a classic account (v2). Quantities in base coin, isolated margin said with every order,
stops are plan orders of a part of the position (`loss_plan`), which need it to be there.

A plan order that triggers becomes an order with another id and a client id of the venue's making; the history of plan
orders says which (`executeOrderId`). Accounts of the unified kind are closed to these requests, with code 40085.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

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
from liqbot.venues.bitget.answers import (
    PAGE,
    QUOTE,
    BitgetAdlRank,
    BitgetAnswer,
    BitgetBalance,
    BitgetBill,
    BitgetFill,
    BitgetFundingRate,
    BitgetKey,
    BitgetOrder,
    BitgetOrderName,
    BitgetPlan,
    BitgetPosition,
    BitgetSettings,
    BitgetTime,
    listed,
    oldest,
    own_id,
    rows_of,
)
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
    PaymentReport,
    PositionReport,
    TradedContract,
    TradeReport,
    UserEvents,
    VenueCaller,
    by_market,
    decimal,
    price_or_none,
)
from liqbot.venues.unified_order import settings_calls, unified_order, unified_params

_GONE: Final = ("40109", "43001", "43025", "40768", "45057")
_PRODUCT: Final = {"productType": "USDT-FUTURES"}
_STOP: Final = "loss_plan"
_STOPS: Final = {"planType": "profit_loss"}
"""As they are queried: all of this kind."""
_SPAN_MS: Final = 7 * DAY_MS
_KEPT_MS: Final = 89 * DAY_MS
_TRADES: Final = (("trade",), ("coow", "cpow"))
"""In the words of the page, and in the abbreviations of its sample: futures orders, futures positions."""
_WITHDRAWS: Final = ("withdraw", "wwow")
_TRANSFERS: Final = ("transfer", "wtow")
_UNIFIED: Final = "40085"
UNIFIED_NOTE: Final = "unified account: its orders (v3) are not implemented; use a classic account"
_PENDING: Final = "privateMixGetV2MixOrderOrdersPlanPending"
_PAST: Final = "privateMixGetV2MixOrderOrdersPlanHistory"


class BitgetAdapter:
    """See `TradingAdapter`."""

    venue = "bitget"
    valid_ms = 30_000
    stop_valid_ms = 30_000
    """Nothing takes an expiry of its own: its signed time is good for this long."""
    early_codes = frozenset(("31008", "40837", "40891", "43023", "45068"))
    duplicate_codes = frozenset(("40708", "40786", "43118", "45034", "50060"))
    unclear_codes = frozenset(("40010", "40015", "40725", "40808", "40910", "45001"))
    """The venue releases on three days a week, and then answers some of these (change log of 2025-05-19)."""
    # Else the client asks itself which kind of account it has.
    options: dict[str, Any] = {"uta": False}  # noqa: RUF012 -- read by the client's constructor, never changed

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        if order.kind is OrderKind.STOP_MARKET:
            # Without `planType` the client places a stop of the whole position.
            return unified_order(order, traded, {
                "clientOrderId": order.client_id, "stopLossPrice": float(order.trigger_price or 0),
                "triggerType": "mark_price", "planType": _STOP, "reduceOnly": True,
            })
        return unified_order(order, traded, {"marginMode": "isolated", **unified_params(order)})

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        params = {"clientOrderId": client_id} | ({"trigger": True, "planType": _STOP} if stop else {})
        return Call("cancel_order", ("", traded.instrument.symbol, params))

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        return settings_calls(traded, leverage, found, margin=("isolated", traded.instrument.symbol))

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        if not stop:
            found = await self._one(client, traded, clientOid=client_id)
            return None if found is None else found.report(traded)
        plan = await self._plan(client, traded, client_id)
        if plan is None or not plan.became:
            return None if plan is None else plan.report(traded)
        planned, became = plan.report(traded), await self._one(client, traded, orderId=plan.became)
        if became is None:
            return planned
        now = became.report(traded)
        return OrderReport(
            client_id, planned.venue_order_id, now.status, planned.quantity_base, now.filled_base, planned.reduce_only,
            planned.trigger_price, planned.on_mark, planned.fills_order_id, now.reason,
        )

    async def _one(self, client: VenueCaller, traded: TradedContract, **named: str) -> BitgetOrder | None:
        query = _PRODUCT | {"symbol": traded.market_id} | named
        try:
            return await self._data(
                client, "privateMixGetV2MixOrderDetail", query, read=partial(_same_order, traded, named)
            )
        except VenueRefused as refusal:
            if refusal.code in _GONE or refusal.kind == "OrderNotFound":
                return None
            raise

    async def _plan(self, client: VenueCaller, traded: TradedContract, client_id: str) -> BitgetPlan | None:
        """Among those that wait, then among those that are over."""
        query = _PRODUCT | _STOPS | {"symbol": traded.market_id, "clientOid": client_id}
        for method in (_PENDING, _PAST):
            found = await self._data(client, method, query, read=partial(_same_plan, traded, client_id))
            if found is not None:
                return found
        return None

    async def _data(
        self, client: VenueCaller, method: str, *query: dict[str, Any], read: Callable[[Any], Read]
    ) -> Read:
        return await ask(client, self.venue, method, *query, shape=BitgetAnswer, read=lambda got: read(got.data))

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        def report(row: BitgetOrder | BitgetOrderName | BitgetPlan) -> OrderReport:
            return row.report(traded)

        def orders(rows: list[Any]) -> list[OrderReport]:
            return order_reports(rows, BitgetOrder, BitgetOrderName, "symbol", traded.market_id, report)

        def stops(rows: list[Any]) -> list[OrderReport]:
            return order_reports(rows, BitgetPlan, BitgetOrderName, "symbol", traded.market_id, report)

        query = _PRODUCT | {"symbol": traded.market_id}
        method = "privateMixGetV2MixOrderOrdersPending"
        found = await self._pages(client, method, query, "entrustedList", "orderId", orders)
        guarding = await self._pages(client, _PENDING, query | _STOPS, "entrustedList", "orderId", stops)
        return [*(found or ()), *(guarding or ())]

    def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[TradeReport]]:
        return by_spans(partial(self._trades, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _trades(
        self, client: VenueCaller, traded: TradedContract, start_ms: int, end_ms: int
    ) -> list[TradeReport] | None:
        def read(rows: list[Any]) -> list[TradeReport]:
            return [row.report(traded) for row in rows_named(rows, BitgetFill, "symbol", traded.market_id)]

        query = _PRODUCT | {"symbol": traded.market_id, "startTime": str(start_ms), "endTime": str(end_ms)}
        found = await self._pages(client, "privateMixGetV2MixOrderFills", query, "fillList", "tradeId", read)
        return None if found is None else sorted(found, key=lambda trade: trade.time_ms)

    async def _pages(
        self, client: VenueCaller, method: str, query: dict[str, Any], name: str, key: str,
        read: Callable[[list[Any]], list[Read]],
    ) -> list[Read] | None:
        """Newest first; the next page is what came before the oldest row of this one, by its `key`. None when there
        are more than one reading takes."""
        found: list[Read] = []
        query = query | {"limit": str(PAGE)}

        def page(data: Any) -> tuple[list[Read], str]:
            rows = listed(data, name)
            return read(rows), oldest(rows, key)

        for _ in range(PAGES_MAX):
            rows, below = await self._data(client, method, query, read=page)
            found += rows
            if not below:
                return found
            query = query | {"idLessThan": below}
        return None

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        """Of an order that a stop has become: the stop's, by the history of stops, newest first."""
        order = await self._one(client, traded, orderId=venue_order_id)
        if order is None:
            return ""
        if not order.of_a_stop:
            return order.client_oid or ""

        def read(rows: list[Any]) -> list[BitgetPlan]:
            return rows_named(rows, BitgetPlan, "symbol", traded.market_id)

        query = _PRODUCT | _STOPS | {"symbol": traded.market_id}
        plans = await self._pages(client, _PAST, query, "entrustedList", "orderId", read)
        return next((plan.client_oid or "" for plan in plans or () if plan.became == venue_order_id), "")

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        query = _PRODUCT | {"symbol": traded.market_id, "marginCoin": QUOTE}
        rows = await self._data(
            client, "privateMixGetV2MixPositionSinglePosition", query,
            read=lambda data: rows_named(rows_of(data), BitgetPosition, "symbol", traded.market_id),
        )
        held = next((row for row in rows if row.total), None)
        if held is None:
            return PositionReport()
        size = abs(traded.base(held.total))
        return PositionReport(
            -size if held.hold_side == "short" else size, decimal(held.open_price_avg), float(held.leverage),
            held.margin_mode == "isolated", price_or_none(held.liquidation_price),
            adl_rank=await self._adl_rank(client, traded, held.hold_side),
        )

    async def _adl_rank(self, client: VenueCaller, traded: TradedContract, side: str) -> int | None:
        """The list is about all that is held."""
        rows = await self._data(
            client, "privateMixGetV2MixPositionAdlRank", _PRODUCT,
            read=lambda data: rows_about(rows_of(data), BitgetAdlRank, {"symbol": (traded.market_id,)}, path="$.data"),
        )
        return next((row.of_five for row in rows if row.hold_side == side), None)

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        query = _PRODUCT | {"symbol": traded.market_id, "marginCoin": QUOTE}
        row = await self._data(
            client, "privateMixGetV2MixAccountAccount", query,
            read=lambda data: only(rows_about([data], BitgetSettings, {"marginCoin": (QUOTE,)}, path="$.data")),
        )
        return AccountSettings(row.leverage, row.margin_mode == "isolated", row.pos_mode == "one_way_mode")

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        rows = await self._data(
            client, "privateMixGetV2MixAccountAccounts", _PRODUCT,
            read=lambda data: rows_about(rows_of(data), BitgetBalance, {"marginCoin": (QUOTE,)}, path="$.data"),
        )
        return decimal(rows[0].account_equity) - decimal(rows[0].unrealized_profit) if rows else ZERO

    def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[PaymentReport]]:
        return by_spans(partial(self._bills, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _bills(
        self, client: VenueCaller, traded: Sequence[TradedContract], start_ms: int, end_ms: int
    ) -> list[PaymentReport] | None:
        """All kinds: that of transfers has many words, and one kind at a time could be queried."""
        ours = tuple(one.market_id for one in traded)

        def read(rows: list[Any]) -> list[PaymentReport]:
            bills = rows_about(rows, BitgetBill, {"coin": (QUOTE,)}, path="$.data.bills")
            return [row.report() for row in bills if row.is_payment and (row.symbol or ours[0]) in ours]

        query = _PRODUCT | {"startTime": str(start_ms), "endTime": str(end_ms)}
        rows = await self._pages(client, "privateMixGetV2MixAccountBill", query, "bills", "billId", read)
        return None if rows is None else sorted(rows, key=lambda payment: payment.time_ms)

    async def funding_rates(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, until_ms: int
    ) -> list[tuple[int, float]]:
        """Newest first, page by page: spans cannot be requested."""
        found: list[tuple[int, float]] = []
        for number in range(1, PAGES_MAX + 1):
            query = _PRODUCT | {"symbol": traded.market_id, "pageSize": str(PAGE), "pageNo": str(number)}
            rows = await self._data(
                client, "publicMixGetV2MixMarketHistoryFundRate", query,
                read=lambda data: rows_named(rows_of(data), BitgetFundingRate, "symbol", traded.market_id),
            )
            found += [(row.funding_time, float(row.funding_rate) * 100) for row in rows]
            if len(rows) < PAGE or rows[-1].funding_time < since_ms:
                break
        return [one for one in found if since_ms <= one[0] <= until_ms]

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        """The key's rights, and whether its account is one of this kind."""
        del with_money
        try:
            key = await self._data(
                client, "privateSpotGetV2SpotAccountInfo",
                read=lambda data: only(rows_about([data], BitgetKey, {}, path="$.data")),
            )
            await self.wallet_usd(client)
        except VenueRefused as refusal:
            if refusal.code != _UNIFIED:
                raise
            return KeyPermissions("", may_withdraw=None, may_trade=False, note=UNIFIED_NOTE)
        rights = set(key.authorities)
        return KeyPermissions(
            str(key.user_id), bool(rights & set(_WITHDRAWS)), any(rights >= set(words) for words in _TRADES),
            may_transfer=bool(rights & set(_TRANSFERS)),
        )

    async def server_ms(self, client: VenueCaller) -> int:
        return await self._data(
            client, "publicCommonGetV2PublicTime",
            read=lambda data: only(rows_about([data], BitgetTime, {}, path="$.data")).server_time,
        )

    # --- the user stream ------------------------------------------------------------------------------------------

    def streams(self, traded: Sequence[TradedContract]) -> tuple[Call, ...]:
        found: list[Call] = []
        for one in traded:
            symbol = one.instrument.symbol
            found += [
                Call("watch_orders", (symbol,)), Call("watch_orders", (symbol, None, None, {"trigger": True})),
                Call("watch_my_trades", (symbol,)),
            ]
        return tuple(found)

    def user_events(self, message: Any, traded: Sequence[TradedContract]) -> UserEvents | None:
        topic = message.get("arg") if isinstance(message, dict) else None
        channel = topic.get("channel") if isinstance(topic, dict) else None
        if channel not in ("orders", "orders-algo", "fill") or "data" not in message:
            return None
        found: list[tuple[TradedContract, Hint]] = []
        for row in message["data"]:
            contract = by_market(traded, row["symbol" if channel == "fill" else "instId"])
            if contract is None:
                continue
            if channel == "fill":
                found.append((contract, answer(self.venue, channel, row, BitgetFill, as_it_is).report(contract)))
            elif client_id := own_id(str(row["clientOid"] or "")):
                found.append((contract, OrderHint(client_id, str(row["orderId"]))))
        return tuple(found)


def _same_order(traded: TradedContract, named: dict[str, str], data: Any) -> BitgetOrder | None:
    """The order that was queried by one of its names."""
    if data is None:
        return None
    row = only(rows_named([data], BitgetOrder, "symbol", traded.market_id))
    for field, value in (("orderId", row.order_id), ("clientOid", row.client_oid)):
        require_same(f"$.data.{field}", named.get(field, value), value)
    return row


def _same_plan(traded: TradedContract, client_id: str, data: Any) -> BitgetPlan | None:
    for row in rows_named(listed(data, "entrustedList"), BitgetPlan, "symbol", traded.market_id)[:1]:
        require_same("$.data.entrustedList[0].clientOid", client_id, row.client_oid)
        return row
    return None
