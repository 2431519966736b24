"""Bitget: orders and stops of a part of the position: placing, cancelling, and what is reported of them."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from liqbot import events
from liqbot.commands import CancelOrder, PlaceOrder
from liqbot.instruments import Instrument
from paper.dialects.accounts import OrderRecord, VenueAccount
from paper.dialects.bitget.errors import (
    BY_EXCHANGE_CODE,
    NO_ORDER,
    NOT_CANCELLED,
    BitgetNames,
    BitgetRefused,
    Params,
    Row,
    amount_of,
    page,
    within,
)
from paper.dialects.bitget.payloads import (
    FORCES,
    POST_ONLY,
    STOP,
    client_oid,
    fill_row,
    find_order,
    find_plan,
    order_id,
    order_row,
    plan_over,
    plan_row,
    visible,
)
from paper.dialects.order_entry import PLAIN, NotModelled, OrderRequest, order_of, passes_by

_CLIENT_ID: Final = re.compile(r"[0-9A-Za-z_:#\-+\s]{1,32}")
_ORDER: Final = frozenset((
    "symbol", "productType", "marginMode", "marginCoin", "size", "price", "side", "orderType", "force", "clientOid",
    "reduceOnly",
))
_PLAN: Final = frozenset((
    "symbol", "productType", "marginCoin", "planType", "triggerPrice", "triggerType", "executePrice", "holdSide",
    "size", "clientOid", "orderType", "force",
))
"""`orderType` and `force` are not documented here; the unified client sends them."""
_NO_POSITION: Final = ("43023", "Insufficient position, can not set profit or stop loss")
DUPLICATE: Final = ("40786", "Duplicate clientOid")


class BitgetOrderRequests:
    """Handlers of `/order/...`; every one is given account and parameters and gives what stands in `data`."""

    def __init__(self, names: BitgetNames) -> None:
        self._names = names

    # --- placing ---------------------------------------------------------------------------------------------------

    async def place(self, account: VenueAccount, params: Params) -> Row:
        """A reduce-only order before which others had to give way is answered without its id; that is not modelled:
        the simulated exchange cancels nothing of itself."""
        one = self._named(account, params, _ORDER, "order")
        kind, side = params.get("orderType"), params.get("side")
        force = str(params.get("force", "")).lower()
        terms = FORCES.get(force or "gtc")
        if kind not in ("market", "limit") or side not in ("buy", "sell") or terms is None:
            raise self._names.not_modelled(f"order {side} {kind} {force}")
        if params.get("marginMode") != "isolated":
            raise self._names.not_modelled(f"order in margin mode {params.get('marginMode')}")
        wish = OrderRequest(
            client_id=self._own_id(account, params), coin=one.coin, buys=side == "buy",
            quantity_base=amount_of(params, "size"),
            reduce_only=str(params.get("reduceOnly", "")).upper() == "YES",
            limit_price=amount_of(params, "price") if kind == "limit" else None,
            terms=PLAIN if kind == "market" and terms.immediate else terms,
        )
        last_price = self._names.hub.ticker(one.venue, one.coin).last_price
        if not account.isolated[one.coin] and not passes_by(wish, last_price):
            raise self._names.not_modelled("an isolated order of a contract that is in cross margin")
        record = await self._sent(account, params, wish, one)
        return {"clientOid": client_oid(record), "orderId": order_id(record)}

    async def place_plan(self, account: VenueAccount, params: Params) -> Row:
        """A stop of a part of the position, on the mark and then at market. It needs its position."""
        one = self._named(account, params, _PLAN, "tpsl order")
        right = {"planType": STOP, "triggerType": "mark_price"}
        for name, value in right.items():
            if params.get(name) != value:
                raise self._names.not_modelled(f"tpsl order with {name}={params.get(name)}")
        if str(params.get("executePrice") or "0") != "0" or params.get("orderType", "market") != "market":
            raise self._names.not_modelled("tpsl order with a limit price")
        if params.get("holdSide") not in ("buy", "sell"):
            raise BitgetRefused("40020", "Parameter holdSide error")
        guards_long = params["holdSide"] == "buy"
        held = account.holding(one.coin)
        if held is None or (held.side.value > 0) is not guards_long:
            raise BitgetRefused(*_NO_POSITION)
        wish = OrderRequest(
            client_id=self._own_id(account, params), coin=one.coin, buys=not guards_long,
            quantity_base=amount_of(params, "size"), reduce_only=True, trigger_price=amount_of(params, "triggerPrice"),
        )
        record = await self._sent(account, params, wish, one)
        return {"orderId": str(record.number), "clientOid": record.command.client_id}

    def _named(self, account: VenueAccount, params: Params, known: frozenset[str], what: str) -> Instrument:
        strange = sorted(name for name in params if name not in known)
        if strange:
            raise self._names.not_modelled(f"{what} with {', '.join(strange)}")
        if not self._names.linear(params):
            raise self._names.not_modelled(f"{what} of {params['productType']}")
        if account.hedge_mode:
            raise BitgetRefused("45109", "The current account is a two-way position")
        return self._names.instrument(params)

    def _own_id(self, account: VenueAccount, params: Params) -> str:
        client_id = str(params.get("clientOid", ""))
        if not client_id:
            return f"x{self._names.hub.next_order()}"
        if not _CLIENT_ID.fullmatch(client_id):
            raise BitgetRefused("40402", "orderId or clientOid format error")
        # The venue compares with pending orders alone; one id twice makes two orders indistinguishable.
        known = account.order(client_id=client_id)
        if known is not None and (known.open or visible(known)):
            raise BitgetRefused(*DUPLICATE)
        if known is not None:
            raise self._names.not_modelled(f"the id {client_id} of a refused order used again")
        return client_id

    async def _sent(
        self, account: VenueAccount, params: Params, wish: OrderRequest, one: Instrument
    ) -> OrderRecord:
        try:
            command = order_of(wish, account)
        except NotModelled as error:
            raise self._names.not_modelled(str(error)) from None
        kept = {"clientOid": str(params.get("clientOid", ""))}
        facts = await self._names.hub.execute(account, command, kept)
        refused = next((fact for fact in facts if isinstance(fact, events.OrderRejected)), None)
        if refused is not None and refused.code != POST_ONLY:
            raise self._refusal(refused, command, one)
        return account.orders[wish.client_id]

    def _refusal(self, refused: events.OrderRejected, command: PlaceOrder, one: Instrument) -> BitgetRefused:
        if refused.code == "WOULD_TRIGGER":
            if command.side.value > 0:
                return BitgetRefused("40917", f"Stop price for long positions please < mark price {refused.reason}")
            return BitgetRefused("45122", f"Short position stop loss price please > mark price {refused.reason}")
        if refused.code == "PRECISION":
            if refused.reason.startswith("quantity"):
                return BitgetRefused("22038", "Please enter the quantity as an integral multiple of "
                                              f"{one.quantity_step_base}")
            return BitgetRefused("45115", f"The price you enter should be a multiple of {one.price_tick}")
        if refused.code == "REDUCE_ONLY" and command.trigger_price is not None:
            return BitgetRefused(*_NO_POSITION)
        code, text = BY_EXCHANGE_CODE[refused.code]
        return BitgetRefused(code, text.replace("{least}", str(one.min_notional_usd)))

    # --- cancelling ------------------------------------------------------------------------------------------------

    async def cancel(self, account: VenueAccount, params: Params) -> Row:
        record = self._found(account, params)
        if record is None:
            raise BitgetRefused(*NO_ORDER)
        if not await self._gone(account, record):
            raise BitgetRefused(*NOT_CANCELLED)
        return {"orderId": order_id(record), "clientOid": client_oid(record)}

    async def cancel_plans(self, account: VenueAccount, params: Params) -> Row:
        """Those of the list; each that is not there is named with the reason, in an answer of success. Without a list
        the venue would cancel all: that is not modelled."""
        named = params.get("orderIdList")
        if not isinstance(named, list) or params.get("planType") != STOP:
            raise self._names.not_modelled(f"cancel of plan orders {dict(params)}")
        self._names.instrument(params)
        done: list[Row] = []
        failed: list[Row] = []
        for one in named:
            order_id, client_id = str(one.get("orderId") or ""), str(one.get("clientOid") or "")
            record = find_plan(account, order_id, client_id)
            ids = {"orderId": order_id or (str(record.number) if record else ""), "clientOid": client_id}
            if record is not None and not plan_over(record) and await self._gone(account, record):
                done.append(ids)
            else:
                failed.append({**ids, "errorMsg": "The order does not exist"})
        return {"successList": done, "failureList": failed}

    async def _gone(self, account: VenueAccount, record: OrderRecord) -> bool:
        if not record.open:
            return False
        command = CancelOrder(record.command.client_id, account.venue, record.command.coin)
        facts = await self._names.hub.execute(account, command)
        return any(isinstance(fact, events.OrderCancelled) for fact in facts)

    # --- reading ---------------------------------------------------------------------------------------------------

    def _found(self, account: VenueAccount, params: Params) -> OrderRecord | None:
        order_id, client_id = str(params.get("orderId", "")), str(params.get("clientOid", ""))
        if not order_id and not client_id:
            raise BitgetRefused("40924", "orderId and clientOid must have one")
        one = self._names.instrument(params)
        record = find_order(account, order_id, client_id)
        return record if record is not None and record.command.coin == one.coin else None

    async def detail(self, account: VenueAccount, params: Params) -> Row:
        record = self._found(account, params)
        if record is None:
            raise BitgetRefused(*NO_ORDER)
        return order_row(account, self._names, record)

    async def pending(self, account: VenueAccount, params: Params) -> Row:
        chosen = (one for one in account.orders.values() if one.open and order_id(one))
        return self._listed(account, chosen, params)

    async def history(self, account: VenueAccount, params: Params) -> Row:
        """What is over, orders that came of a stop included."""
        chosen = (one for one in account.orders.values() if visible(one) and not one.open and order_id(one))
        return self._listed(account, chosen, params)

    def _listed(self, account: VenueAccount, chosen: Iterable[OrderRecord], params: Params) -> Row:
        rows = [order_row(account, self._names, one) for one in chosen]
        return self._page(rows, params, "entrustedList", "orderId")

    async def plans_pending(self, account: VenueAccount, params: Params) -> Row:
        return self._plans(account, params, lambda one: visible(one) and one.is_stop and not plan_over(one))

    async def plans_history(self, account: VenueAccount, params: Params) -> Row:
        return self._plans(account, params, lambda one: visible(one) and plan_over(one))

    def _plans(self, account: VenueAccount, params: Params, wanted: Callable[[OrderRecord], bool]) -> Row:
        """One kind at a time, which must be named: of those that are modelled only stops exist."""
        kind = params.get("planType", "")
        if kind not in ("profit_loss", "normal_plan", "track_plan"):
            raise BitgetRefused("40020", "Parameter planType error")
        chosen = [one for one in account.orders.values() if kind == "profit_loss" and wanted(one)]
        return self._page([plan_row(self._names, one) for one in chosen], params, "entrustedList", "orderId")

    def _page(self, oldest_first: list[Row], params: Params, name: str, key: str) -> Row:
        """Newest first, filtered by what the parameters name."""
        if not self._names.linear(params):
            return {name: None, "endId": None}
        if params.get("symbol"):
            self._names.instrument(params)
        named = {one: params[one] for one in ("symbol", "orderId", "clientOid", "status") if params.get(one)}
        rows = [
            row for row in sorted(oldest_first, key=lambda row: -int(row[key]))
            if within(params, int(row["cTime"])) and all(row.get(one) == value for one, value in named.items())
        ]
        return page(rows, params, name, key)

    async def fills(self, account: VenueAccount, params: Params) -> Row:
        rows: list[Row] = []
        for filled in account.fills:
            record = account.orders.get(filled.fill.client_id)
            if record is not None:
                rows.append(fill_row(self._names, record, filled))
        filters: dict[str, Any] = {name: value for name, value in params.items() if name != "clientOid"}
        return self._page(rows, filters, "fillList", "tradeId")
