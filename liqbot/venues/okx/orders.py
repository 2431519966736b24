"""OKX swaps. Quantities in contracts, isolated margin said with every order, stops among the algo orders."""

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.answers import Read, answer, as_it_is, ask, only, order_reports, require_same, rows_about, rows_named
from liqbot.venues.errors import VenueRefused
from liqbot.venues.histories import PAGES_MAX, HistoryPart, by_spans
from liqbot.venues.okx.answers import (
    FUNDING,
    QUOTE,
    TRANSFER,
    OkxAlgoOrder,
    OkxAlgoOrderName,
    OkxAnswer,
    OkxBill,
    OkxConfig,
    OkxCurrency,
    OkxFill,
    OkxFundingRate,
    OkxLeverage,
    OkxOrder,
    OkxOrderName,
    OkxOrderPush,
    OkxPosition,
    OkxStamp,
    OkxWallet,
    oldest,
)
from liqbot.venues.okx.attached_stop import attached_stops
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
    rank_or_none,
)
from liqbot.venues.unified_order import unified_order, unified_params

_GONE: Final = ("51400", "51401", "51402", "51603")
_SWAP: Final = {"instType": "SWAP"}
_PAGE: Final = 100
_SPAN_MS: Final = 7 * DAY_MS
_KEPT_MS: Final = 89 * DAY_MS
_RECENT_MS: Final = 6 * DAY_MS
"""Younger bills are read where the last seven days are kept."""


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
        params = {"marginMode": "isolated", **unified_params(order)}
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
            return await self._one(client, traded, clOrdId=client_id)
        found = await self._if_there(
            client, "privateGetTradeOrderAlgo", {"algoClOrdId": client_id}, partial(_same_algo, traded, client_id)
        )
        if found is None or not found.fills_order_id:
            return found
        became = await self._one(client, traded, ordId=found.fills_order_id)
        if became is None:
            return found
        return OrderReport(
            client_id, found.venue_order_id, became.status, found.quantity_base, became.filled_base,
            found.reduce_only, found.trigger_price, found.on_mark, found.fills_order_id, became.reason,
        )

    async def _one(self, client: VenueCaller, traded: TradedContract, **named: str) -> OrderReport | None:
        return await self._if_there(
            client, "privateGetTradeOrder", {"instId": traded.market_id} | named, partial(_same_order, traded, named)
        )

    async def _if_there(
        self, client: VenueCaller, method: str, query: dict[str, Any],
        read: Callable[[list[Any]], OrderReport | None],
    ) -> OrderReport | None:
        try:
            return await self._rows(client, method, query, read=read)
        except VenueRefused as refusal:
            if refusal.code in _GONE or refusal.kind == "OrderNotFound":
                return None
            raise

    async def _rows(
        self, client: VenueCaller, method: str, *query: dict[str, Any], read: Callable[[list[Any]], Read]
    ) -> Read:
        return await ask(client, self.venue, method, *query, shape=OkxAnswer, read=lambda got: read(got.data))

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        def report(row: OkxOrder | OkxOrderName | OkxAlgoOrder | OkxAlgoOrderName) -> OrderReport:
            return row.report(traded)

        def orders(rows: list[Any]) -> list[OrderReport]:
            return order_reports(rows, OkxOrder, OkxOrderName, "instId", traded.market_id, report)

        def stops(rows: list[Any]) -> list[OrderReport]:
            return order_reports(rows, OkxAlgoOrder, OkxAlgoOrderName, "instId", traded.market_id, report)

        query = _SWAP | {"instId": traded.market_id}
        found = await self._pages(client, "privateGetTradeOrdersPending", query, "ordId", orders)
        conditional = query | {"ordType": "conditional"}
        guarding = await self._pages(client, "privateGetTradeOrdersAlgoPending", conditional, "algoId", stops)
        return [*(found or ()), *(guarding or ())]

    def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[TradeReport]]:
        return by_spans(partial(self._trades, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _trades(
        self, client: VenueCaller, traded: TradedContract, start_ms: int, end_ms: int
    ) -> list[TradeReport] | None:
        def read(rows: list[Any]) -> list[TradeReport]:
            return [row.report(traded) for row in rows_named(rows, OkxFill, "instId", traded.market_id)]

        query = _SWAP | {"instId": traded.market_id, "begin": str(start_ms), "end": str(end_ms)}
        found = await self._pages(client, "privateGetTradeFillsHistory", query, "billId", read)
        return None if found is None else sorted(found, key=lambda trade: trade.time_ms)

    async def _pages(
        self, client: VenueCaller, method: str, query: dict[str, Any], key: str,
        read: Callable[[list[Any]], list[Read]],
    ) -> list[Read] | None:
        """Newest first; the next page is what came before the oldest row of this one, by its `key`. None when there
        are more than one reading takes."""
        found: list[Read] = []
        query = query | {"limit": str(_PAGE)}
        for _ in range(PAGES_MAX):
            page = await self._rows(
                client, method, query, read=lambda rows: (read(rows), oldest(rows, key, _PAGE))
            )
            found += page[0]
            if not page[1]:
                return found
            query = query | {"after": page[1]}
        return None

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        report = await self._one(client, traded, ordId=venue_order_id)
        return "" if report is None else report.client_id

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        rows = await self._rows(
            client, "privateGetAccountPositions", _SWAP | {"instId": traded.market_id},
            read=lambda rows: rows_named(rows, OkxPosition, "instId", traded.market_id),
        )
        held = next((row for row in rows if row.pos), None)
        if held is None:
            return PositionReport()
        signed = traded.base(held.pos)
        return PositionReport(
            -abs(signed) if held.pos_side == "short" else signed, decimal(held.avg_px),
            float(held.lever), held.mgn_mode == "isolated", price_or_none(held.liq_px), adl_rank=rank_or_none(held.adl),
        )

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        row = await self._rows(
            client, "privateGetAccountLeverageInfo", {"instId": traded.market_id, "mgnMode": "isolated"},
            read=lambda rows: only(rows_named(rows, OkxLeverage, "instId", traded.market_id)),
        )
        account = await self._config(client)
        # The margin mode is said with every order, so it is isolated for all that we place.
        return AccountSettings(float(row.lever), isolated=True, one_way=account.pos_mode == "net_mode")

    async def _config(self, client: VenueCaller) -> OkxConfig:
        return await self._rows(
            client, "privateGetAccountConfig", read=lambda rows: only(rows_about(rows, OkxConfig, {}, path="$.data"))
        )

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        def read(rows: list[Any]) -> list[OkxCurrency]:
            wallet = only(rows_about(rows, OkxWallet, {}, path="$.data"))
            return rows_about(wallet.details, OkxCurrency, {"ccy": (QUOTE,)}, path="$.data[0].details")

        details = await self._rows(client, "privateGetAccountBalance", {"ccy": QUOTE}, read=read)
        return decimal(details[0].eq) - decimal(details[0].upl) if details else ZERO

    async def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[PaymentReport]]:
        """One place has the last seven days, another the last three months."""
        recent_ms = max(since_ms, now_ms - _RECENT_MS)
        since_ms = max(since_ms, now_ms - _KEPT_MS)
        for method, from_ms, to_ms in (
            ("privateGetAccountBillsArchive", since_ms, recent_ms),
            ("privateGetAccountBills", recent_ms, now_ms),
        ):
            if from_ms < to_ms or to_ms == now_ms:
                read = partial(self._bills, client, traded, method)
                async for part in by_spans(read, from_ms, to_ms, _SPAN_MS, _KEPT_MS):
                    yield part

    async def _bills(
        self, client: VenueCaller, traded: Sequence[TradedContract], method: str, start_ms: int, end_ms: int
    ) -> list[PaymentReport] | None:
        found: list[PaymentReport] = []
        for kind in (FUNDING, TRANSFER):
            wanted: dict[str, tuple[str, ...]] = {"ccy": (QUOTE,), "type": (kind,)}
            if kind == FUNDING:
                wanted["instId"] = tuple(one.market_id for one in traded)
            query = {"type": kind, "begin": str(start_ms), "end": str(end_ms)}
            rows = await self._pages(client, method, query, "billId", partial(_payments, wanted=wanted))
            if rows is None:
                return None
            found += rows
        return sorted(found, key=lambda payment: payment.time_ms)

    async def funding_rates(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, until_ms: int
    ) -> list[tuple[int, float]]:
        def read(rows: list[Any]) -> list[tuple[int, float]]:
            found = rows_named(rows, OkxFundingRate, "instId", traded.market_id)
            return [(row.funding_time, float(row.realized_rate) * 100) for row in found]

        query = {"instId": traded.market_id, "after": str(until_ms + 1), "before": str(since_ms - 1)}
        found = await self._pages(client, "publicGetPublicFundingRateHistory", query, "fundingTime", read)
        return found or []

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        del with_money
        account = await self._config(client)
        rights = account.perm.split(",")
        note = "" if str(account.acct_lv) != "1" else "spot mode: switch the account to futures mode"
        # Transfers between one's own accounts come with the right to trade here: they cannot be refused apart.
        return KeyPermissions(
            str(account.uid), "withdraw" in rights, "trade" in rights and not note, note, may_transfer=False
        )

    async def server_ms(self, client: VenueCaller) -> int:
        return await self._rows(
            client, "publicGetPublicTime", read=lambda rows: only(rows_about(rows, OkxStamp, {}, path="$.data")).ts
        )

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
                found.append((contract, answer(self.venue, channel, row, OkxOrderPush, as_it_is).report(contract)))
            if row["state"] in ("live", "canceled", "mmp_canceled"):
                found.append((contract, OrderHint(_client_id(row), str(row["ordId"]))))
        return tuple(found)


def _client_id(row: dict[str, Any]) -> str:
    return str(row.get("algoClOrdId") or row["clOrdId"])


def _same_order(traded: TradedContract, named: dict[str, str], rows: list[Any]) -> OrderReport | None:
    """The order that was queried by one of its names."""
    for row in rows_named(rows, OkxOrder, "instId", traded.market_id)[:1]:
        for field, value in (("ordId", row.ord_id), ("clOrdId", row.cl_ord_id)):
            require_same(f"$.data[0].{field}", named.get(field, value), value)
        return row.report(traded)
    return None


def _same_algo(traded: TradedContract, client_id: str, rows: list[Any]) -> OrderReport | None:
    for row in rows_named(rows, OkxAlgoOrder, "instId", traded.market_id)[:1]:
        require_same("$.data[0].algoClOrdId", client_id, row.algo_cl_ord_id)
        return row.report(traded)
    return None


def _payments(rows: list[Any], wanted: dict[str, tuple[str, ...]]) -> list[PaymentReport]:
    return [row.report() for row in rows_about(rows, OkxBill, wanted, path="$.data")]
