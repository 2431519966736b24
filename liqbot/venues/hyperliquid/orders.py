"""Hyperliquid's perpetuals. Isolated margin, stops always on the mark, every question names the account's address.

A market order is an immediate limit at a price of one's own: that is read from the book before it is sent.
"""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

import msgspec

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.venues.answers import Shape, answer, as_it_is, ask, order_reports, require_same, rows_about
from liqbot.venues.errors import VenueRefused
from liqbot.venues.histories import HistoryPart, by_spans
from liqbot.venues.hyperliquid.answers import (
    HyperAgent,
    HyperAssetData,
    HyperBook,
    HyperClock,
    HyperFill,
    HyperFunding,
    HyperLedgerRow,
    HyperMode,
    HyperOrder,
    HyperOrderName,
    HyperOrderStatus,
    HyperPosition,
    HyperProfit,
    HyperRole,
    HyperState,
    mode_of,
    trimmed,
)
from liqbot.venues.hyperliquid.client_ids import client_id_of, cloid_of
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
from liqbot.venues.unified_order import buys, unified_order, unified_params

INFO: Final = "publicPostInfo"
LIGHT, USUAL, ROLE, LISTED = 2, 20, 60, 30
"""Weights of questions (rate limits, copy of 2025-11-30); those that list rows weigh one more for every 20."""
FILLS_MAX: Final = 2_000
ROWS_MAX: Final = 500
"""Rows of one answer: of fills, of whatever else is requested for a span of time."""
SLIPPAGE: Final = "0.05"
"""Of a market order, from the best price of the other side: beyond it nothing is filled."""
STOP_SLIPPAGE: Final = "0.1"
"""Of a triggered stop, from its trigger: what the venue itself allows one ("Take profit and stop loss orders")."""
_SPAN_MS: Final = 7 * DAY_MS
_KEPT_MS: Final = 729 * DAY_MS
_UNIFIED: Final = (HyperMode.UNIFIED, HyperMode.PORTFOLIO)


class HyperliquidAdapter:
    """See `TradingAdapter`."""

    venue = "hyperliquid"
    valid_ms = stop_valid_ms = 2_000
    early_codes: frozenset[str] = frozenset()
    duplicate_codes: frozenset[str] = frozenset()
    """A name that comes twice is refused in words that are not documented: looked at under that name."""
    unclear_codes: frozenset[str] = frozenset()
    options: dict[str, Any] = {"builderFee": False}  # noqa: RUF012 -- read by the client's constructor, never changed

    # --- writes ---------------------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call:
        params = unified_params(order) | {"clientOrderId": cloid_of(order.client_id)}
        if order.kind is OrderKind.STOP_MARKET:
            trigger = float(order.trigger_price or 0)
            params |= {"stopLossPrice": trigger, "slippage": STOP_SLIPPAGE}
            return _priced(unified_order(order, traded, params), trigger)
        call = unified_order(order, traded, params)
        if order.kind is OrderKind.LIMIT:
            return call
        params["slippage"] = SLIPPAGE
        return msgspec.structs.replace(call, completed=partial(self._at_market, call, traded, buys=buys(order)))

    async def _at_market(self, call: Call, traded: TradedContract, client: VenueCaller, *, buys: bool) -> Call:
        """With the other side's best price: that, and the slippage which goes with it, bound a market order."""
        book = await self._asked(client, "l2Book", HyperBook, weight=LIGHT, coin=traded.market_id)
        require_coin(self.venue, book.coin, traded)
        bids, asks = book.levels
        best = (asks if buys else bids) or (bids if buys else asks)
        if not best:
            raise VenueRefused(self.venue, "MarketOrderNoLiquidity", "the book is empty", "InvalidOrder")
        return _priced(call, float(best[0].px))

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call:
        del stop  # one kind of order for both
        return Call("cancel_order", ("", traded.instrument.symbol, {"clientOrderId": cloid_of(client_id)}))

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        if found == AccountSettings(float(leverage), isolated=True, one_way=True):
            return ()
        return (Call("set_leverage", (leverage, traded.instrument.symbol, {"marginMode": "isolated"})),)

    # --- orders ---------------------------------------------------------------------------------------------------

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        del stop
        cloid = cloid_of(client_id)

        def same(found: HyperOrderStatus) -> OrderReport:
            require_same("$.order.order.cloid", cloid, found.order.order.cloid)
            require_same("$.order.order.coin", traded.market_id, found.order.order.coin)
            return found.order.order.report(found.order.status)

        return await self._one(client, cloid, same)

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        def same(found: HyperOrderStatus) -> OrderReport:
            require_same("$.order.order.oid", venue_order_id, found.order.order.oid)
            return found.order.order.report(found.order.status)

        del traded
        report = await self._one(client, int(venue_order_id), same) if venue_order_id.isdigit() else None
        return "" if report is None else report.client_id

    async def _one(self, client: VenueCaller, named: str | int, read: Any) -> OrderReport | None:
        question = {"type": "orderStatus", "user": client.addresses.account, "oid": named}
        try:
            found: OrderReport = await ask(
                client, self.venue, INFO, question, shape=HyperOrderStatus, read=read, weight=LIGHT
            )
        except VenueRefused as refusal:
            if refusal.kind == "OrderNotFound":
                return None
            raise
        return found

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]:
        def read(rows: list[Any]) -> list[OrderReport]:
            own = [row for row in rows if not isinstance(row, dict) or row.get("coin") in (traded.market_id, None)]
            return order_reports(own, HyperOrder, HyperOrderName, "coin", traded.market_id, lambda row: row.report())

        found: list[OrderReport] = await self._rows(client, "frontendOpenOrders", read)
        return found

    def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[TradeReport]]:
        """The venue keeps the newest 10,000 fills of an account."""
        return by_spans(partial(self._trades, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _trades(
        self, client: VenueCaller, traded: TradedContract, start_ms: int, end_ms: int
    ) -> list[TradeReport] | None:
        account = client.addresses.account

        def read(rows: list[Any]) -> list[TradeReport] | None:
            if len(rows) >= FILLS_MAX:
                return None
            found = rows_about(rows, HyperFill, {"coin": (traded.market_id,)})
            return sorted((row.report(account) for row in found), key=lambda trade: trade.time_ms)

        found: list[TradeReport] | None = await self._rows(
            client, "userFillsByTime", read, weight=LISTED, startTime=start_ms, endTime=end_ms
        )
        return found

    # --- the account ----------------------------------------------------------------------------------------------

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport:
        def read(state: HyperState) -> HyperPosition | None:
            found = rows_about(state.rows, HyperPosition, {"coin": (traded.market_id,)}, path="$.assetPositions")
            return next((row for row in found if row.szi), None)

        held = await self._state(client, read)
        if held is None:
            return PositionReport()
        return PositionReport(
            trimmed(held.szi), trimmed(held.entry_px), float(held.leverage.value), held.leverage.type == "isolated",
            price_or_none(trimmed(held.liquidation_px)),
        )

    async def _state(self, client: VenueCaller, read: Any) -> Any:
        question = {"type": "clearinghouseState", "user": client.addresses.account}
        return await ask(client, self.venue, INFO, question, shape=HyperState, read=read, weight=LIGHT)

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings:
        """There is nothing but one-way mode."""
        def read(found: HyperAssetData) -> AccountSettings:
            require_same("$.coin", traded.market_id, found.coin)
            return AccountSettings(float(found.leverage.value), found.leverage.type == "isolated", one_way=True)

        question = {"type": "activeAssetData", "user": client.addresses.account, "coin": traded.market_id}
        return await ask(client, self.venue, INFO, question, shape=HyperAssetData, read=read, weight=USUAL)

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        def read(state: HyperState) -> Decimal:
            profits = rows_about(state.rows, HyperProfit, {}, path="$.assetPositions")
            open_usd = sum((decimal(one.unrealized_pnl) for one in profits), ZERO)
            return decimal(state.margin_summary.account_value) - open_usd

        found: Decimal = await self._state(client, read)
        return found

    def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[PaymentReport]]:
        return by_spans(partial(self._payments, client, traded), since_ms, now_ms, _SPAN_MS, _KEPT_MS)

    async def _payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], start_ms: int, end_ms: int
    ) -> list[PaymentReport] | None:
        account, coins = client.addresses.account, tuple(one.market_id for one in traded)

        def funding(rows: list[Any]) -> list[PaymentReport] | None:
            own = [row for row in rows if not _of_other_coin(row, coins)]
            paid = [row.report() for row in rows_about(own, HyperFunding, {})]
            return None if len(rows) >= ROWS_MAX else paid

        def moved(rows: list[Any]) -> list[PaymentReport] | None:
            found = [row.report(account) for row in rows_about(rows, HyperLedgerRow, {})]
            return None if len(rows) >= ROWS_MAX else [one for one in found if one is not None]

        span = {"startTime": start_ms, "endTime": end_ms}
        paid = await self._rows(client, "userFunding", funding, weight=LISTED, **span)
        transfers = await self._rows(client, "userNonFundingLedgerUpdates", moved, weight=LISTED, **span)
        if paid is None or transfers is None:
            return None
        return sorted([*paid, *transfers], key=lambda payment: payment.time_ms)

    async def funding_rates(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, until_ms: int
    ) -> list[tuple[int, float]]:
        del client, traded, since_ms, until_ms
        return []  # stated with every payment

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        """An API wallet may trade for its account and cannot withdraw or transfer; the owner's own key can."""
        del with_money
        addresses = client.addresses
        if addresses.signer == addresses.account:
            return KeyPermissions(addresses.account, may_withdraw=True, may_trade=True, may_transfer=True,
                                  note="the private key is that of the account's owner: approve an API wallet")
        role = await ask(client, self.venue, INFO, {"type": "userRole", "user": addresses.signer}, shape=HyperRole,
                         read=lambda found: found.agent_of, weight=ROLE)
        mode = await ask(client, self.venue, INFO, {"type": "userAbstraction", "user": addresses.account}, shape=str,
                         read=mode_of, weight=USUAL)
        if role != addresses.account:
            return KeyPermissions(
                addresses.account, may_withdraw=None, may_trade=False, may_transfer=None,
                note=f"{addresses.signer} is no API wallet of this account: not approved, expired or replaced",
            )
        unified = f"{mode}: its balance is not where this version reads it" if mode in _UNIFIED else ""
        return KeyPermissions(
            addresses.account, may_withdraw=False, may_trade=not unified, note=unified, may_transfer=False,
            expires_ms=await self._expiry(client),
        )

    async def _expiry(self, client: VenueCaller) -> int | None:
        """Named API wallets end; the one without a name is not listed."""
        def read(rows: list[Any]) -> int | None:
            agents = rows_about(rows, HyperAgent, {})
            own = [one for one in agents if one.address.lower() == client.addresses.signer]
            return own[0].valid_until if own else None

        found: int | None = await self._rows(client, "extraAgents", read)
        return found

    async def server_ms(self, client: VenueCaller) -> int:
        return (await self._asked(client, "exchangeStatus", HyperClock, weight=LIGHT)).time

    async def _asked(self, client: VenueCaller, kind: str, shape: type[Shape], *, weight: int, **more: Any) -> Shape:
        return await ask(client, self.venue, INFO, {"type": kind} | more, shape=shape, read=as_it_is, weight=weight)

    async def _rows(self, client: VenueCaller, kind: str, read: Any, *, weight: int = USUAL, **more: Any) -> Any:
        question = {"type": kind, "user": client.addresses.account} | more
        return await ask(client, self.venue, INFO, question, shape=list[Any], read=read, weight=weight)

    # --- the user stream ------------------------------------------------------------------------------------------

    def streams(self, traded: Sequence[TradedContract]) -> tuple[Call, ...]:
        symbol = traded[0].instrument.symbol
        return Call("watch_orders", (symbol,)), Call("watch_my_trades", (symbol,))

    def user_events(self, message: Any, traded: Sequence[TradedContract]) -> UserEvents | None:
        channel = message.get("channel") if isinstance(message, dict) else None
        if channel not in ("orderUpdates", "userFills"):
            return None
        found: list[tuple[TradedContract, Hint]] = []
        if channel == "orderUpdates":
            for row in message["data"]:
                contract = by_market(traded, row["order"]["coin"])
                if contract is not None:
                    order = row["order"]
                    found.append((contract, OrderHint(client_id_of(_text(order.get("cloid"))), str(order["oid"]))))
            return tuple(found)
        account = str(message["data"]["user"]).lower()
        for row in message["data"]["fills"]:
            contract = by_market(traded, row["coin"])
            if contract is not None:
                fill = answer(self.venue, channel, row, HyperFill, as_it_is)
                found.append((contract, fill.report(account)))
        return tuple(found)


def _priced(call: Call, price: float) -> Call:
    """The same order with the price that the unified client bounds a market order by."""
    symbol, kind, side, amount, _, params = call.args
    return Call(call.method, (symbol, kind, side, amount, price, params), call.weight)


def _of_other_coin(row: Any, coins: tuple[str, ...]) -> bool:
    delta = row.get("delta") if isinstance(row, dict) else None
    coin = delta.get("coin") if isinstance(delta, dict) else None
    return isinstance(coin, str) and coin not in coins


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def require_coin(venue: str, coin: str, traded: TradedContract) -> None:
    """AnswerMalformed when an answer is about another coin."""
    answer(venue, "l2Book", coin, str, lambda name: require_same("$.coin", traded.market_id, name))
