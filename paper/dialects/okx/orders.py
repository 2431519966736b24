"""OKX's requests about orders: placing, cancelling and reading, ordinary ones and algo orders (stops)."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liqbot.commands import CancelOrder
from liqbot.events import OrderCancelled, OrderRejected
from paper.dialects.accounts import OrderRecord, VenueAccount
from paper.dialects.http import HttpAnswer
from paper.dialects.hub import Hub
from paper.dialects.okx import errors
from paper.dialects.okx.errors import OkxRefused, OkxTrouble, acknowledged, outcome, parameter, success
from paper.dialects.okx.listing import INST_TYPE, Row, Swap, Swaps
from paper.dialects.okx.market import between, rows_asked
from paper.dialects.okx.payloads import (
    LIMITS,
    algo_client_id,
    algo_row,
    client_order_id,
    fill_row,
    find_algo,
    find_order,
    order_id,
    order_row,
    visible,
)
from paper.dialects.order_entry import PLAIN, NotModelled, OrderRequest, order_of

Params = Mapping[str, str]
Body = Mapping[str, Any]
BATCH_MAX: Final = 20
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_PLAIN: Final = frozenset(
    ("instId", "tdMode", "side", "posSide", "ordType", "sz", "px", "clOrdId", "tag", "reduceOnly", "attachAlgoOrds"))
_ALGO: Final = frozenset(
    ("instId", "tdMode", "side", "posSide", "ordType", "sz", "algoClOrdId", "clOrdId", "tag", "reduceOnly",
     "slTriggerPx", "slTriggerPxType", "slOrdPx"))
_ATTACHED: Final = {"attachAlgoClOrdId": "", "slTriggerPx": "", "slTriggerPxType": "mark", "slOrdPx": "-1"}
"""Fields of a stop that an order brings along, with what they must say where only that is modelled."""
_BY_NAME: Final = {"order": _PLAIN, "algo order": _ALGO}


def _number(body: Body, name: str) -> Decimal:
    """A positive number; Refused when it is none."""
    try:
        value = Decimal(str(body.get(name, "")))
    except InvalidOperation:
        raise OkxRefused(parameter(name)) from None
    if not value.is_finite() or value <= 0:
        raise OkxRefused(parameter(name))
    return value


def _text(body: Body) -> dict[str, str]:
    words = {True: "true", False: "false"}
    return {name: words[value] if isinstance(value, bool) else str(value) for name, value in body.items()}


def _settled(record: OrderRecord) -> bool:
    """Of an algo order: it has triggered or is over."""
    return record.triggered or not record.open


class OkxOrders:
    """Places, cancels and reads. What the simulated exchange cannot carry out is noted as unknown."""

    def __init__(self, hub: Hub, venue: str, swaps: Swaps) -> None:
        self._hub, self._venue, self._swaps = hub, venue, swaps

    # --- placing ---------------------------------------------------------------------------------------------------

    async def place(self, account: VenueAccount, body: Body) -> HttpAnswer:
        return acknowledged([await self._placed(account, body)])

    async def place_all(self, account: VenueAccount, body: list[Body]) -> HttpAnswer:
        if len(body) > BATCH_MAX:
            raise OkxRefused(OkxTrouble("51111", f"Maximum {BATCH_MAX} orders can be placed in bulk"))
        return acknowledged([await self._placed(account, one) for one in body])

    async def place_algo(self, account: VenueAccount, body: Body) -> HttpAnswer:
        """`algoClOrdId` names an algo order; `clOrdId` beside it is taken and forgotten."""
        record, trouble = await self._sent(account, body, "algo order")
        row = {
            "algoClOrdId": str(body.get("algoClOrdId", "")), "algoId": str(record.number) if record else "",
            "clOrdId": "", "tag": str(body.get("tag", "")), **outcome(trouble),
        }
        return acknowledged([row])

    async def _placed(self, account: VenueAccount, body: Body) -> Row:
        record, trouble = await self._sent(account, body, "order")
        return {
            "clOrdId": str(body.get("clOrdId", "")), "ordId": str(record.number) if record else "",
            "tag": str(body.get("tag", "")), "ts": str(account.now_ms), **outcome(trouble),
        }

    async def _sent(
        self, account: VenueAccount, body: Body, kind: str
    ) -> tuple[OrderRecord | None, OkxTrouble | None]:
        """The order's record, or what is wrong with it."""
        try:
            wish = self._order_request(account, body, kind)
            command = order_of(wish, account)
        except OkxRefused as refused:
            return None, refused.trouble
        except NotModelled as odd:
            return None, self._not_modelled(str(odd), "order")
        facts = await self._hub.execute(account, command, _text(body))
        rejected = next((fact for fact in facts if isinstance(fact, OrderRejected)), None)
        record = account.orders[command.client_id]
        # A post-only order that would trade is acknowledged like any other, and cancelled at once.
        if rejected is None or visible(record):
            return record, None
        held = account.holding(wish.coin)
        adds = held is not None and held.side is not command.side
        return None, errors.order_trouble(rejected.code, buys=wish.buys, other_side_held=adds)

    def _not_modelled(self, what: str, name: str) -> OkxTrouble:
        self._hub.note_unknown(self._venue, what)
        return parameter(name)

    def _order_request(self, account: VenueAccount, body: Body, kind: str) -> OrderRequest:
        for name in body:
            if name not in _BY_NAME[kind]:
                raise OkxRefused(self._not_modelled(f"{kind} with {name}={body[name]}", name))
        swap = self._swaps.by_id.get(str(body.get("instId", "")))
        if swap is None:
            raise OkxRefused(errors.NO_SUCH_INSTRUMENT)
        self._check_modes(account, body)
        if body.get("side") not in ("buy", "sell"):
            raise OkxRefused(parameter("side"))
        contracts = _number(body, "sz")
        if contracts % swap.lot:
            raise OkxRefused(errors.OFF_LOT)
        quantity_base, buys = contracts * swap.size_base, body["side"] == "buy"
        if kind == "order":
            return self._plain(account, body, swap, quantity_base, buys=buys)
        return self._stop(account, body, swap, quantity_base, buys=buys)

    def _check_modes(self, account: VenueAccount, body: Body) -> None:
        """One-way mode and isolated margin are modelled. In hedge mode the venue demands the side of a position."""
        if body.get("tdMode") != "isolated":
            raise OkxRefused(self._not_modelled(f"order with tdMode={body.get('tdMode')}", "tdMode"))
        side = body.get("posSide", "net")
        if account.hedge_mode and side != "net":
            raise OkxRefused(self._not_modelled("order in hedge mode", "posSide"))
        if account.hedge_mode or side != "net":
            raise OkxRefused(parameter("posSide"))

    def _plain(
        self, account: VenueAccount, body: Body, swap: Swap, quantity_base: Decimal, *, buys: bool
    ) -> OrderRequest:
        kind = str(body.get("ordType"))
        if kind not in ("market", *LIMITS):
            raise OkxRefused(self._not_modelled(f"order with ordType={kind}", "ordType"))
        stop_price, stop_id = self._attached(account, body)
        return OrderRequest(
            client_id=self._own_id(account, body, "clOrdId", errors.TWICE), coin=swap.coin, buys=buys,
            quantity_base=quantity_base, reduce_only=_text(body).get("reduceOnly") == "true",
            limit_price=_number(body, "px") if kind in LIMITS else None,
            terms=LIMITS.get(kind, PLAIN), stop_price=stop_price, stop_client_id=stop_id,
        )

    def _attached(self, account: VenueAccount, body: Body) -> tuple[Decimal | None, str]:
        """Price and name of the one stop, on the mark and at market, that the order brings along."""
        stops = body.get("attachAlgoOrds") or []
        if not stops:
            return None, ""
        words = _text(stops[0])
        strange = {name: word for name, word in words.items() if name not in _ATTACHED}
        wrong = {name: words.get(name) for name, right in _ATTACHED.items() if right and words.get(name) != right}
        if len(stops) > 1 or strange or wrong:
            raise OkxRefused(self._not_modelled(f"attachAlgoOrds {stops}", "attachAlgoOrds"))
        return _number(stops[0], "slTriggerPx"), self._own_id(
            account, stops[0], "attachAlgoClOrdId", errors.ALGO_TWICE
        )

    def _stop(
        self, account: VenueAccount, body: Body, swap: Swap, quantity_base: Decimal, *, buys: bool
    ) -> OrderRequest:
        """A reduce-only stop-market on the mark."""
        words = _text(body)
        right = {"ordType": "conditional", "slTriggerPxType": "mark", "slOrdPx": "-1", "reduceOnly": "true"}
        for name, value in right.items():
            if words.get(name) != value:
                raise OkxRefused(self._not_modelled(f"algo order with {name}={words.get(name)}", name))
        return OrderRequest(
            client_id=self._own_id(account, body, "algoClOrdId", errors.ALGO_TWICE), coin=swap.coin, buys=buys,
            quantity_base=quantity_base, reduce_only=True, trigger_price=_number(body, "slTriggerPx"),
        )

    def _own_id(self, account: VenueAccount, body: Body, name: str, twice: OkxTrouble) -> str:
        client_id = str(body.get(name, ""))
        if not client_id:
            return f"x{self._hub.next_order()}"
        if not _CLIENT_ID.fullmatch(client_id):
            raise OkxRefused(parameter(name))
        if account.order(client_id=client_id) is not None:
            raise OkxRefused(twice)
        return client_id

    # --- cancelling ------------------------------------------------------------------------------------------------

    async def cancel(self, account: VenueAccount, body: Body) -> HttpAnswer:
        return acknowledged([await self._cancelled(account, body)])

    async def cancel_all(self, account: VenueAccount, body: list[Body]) -> HttpAnswer:
        return acknowledged([await self._cancelled(account, one) for one in body])

    async def cancel_algos(self, account: VenueAccount, body: list[Body]) -> HttpAnswer:
        rows = []
        for one in body:
            algo_id, client_id = str(one.get("algoId", "")), str(one.get("algoClOrdId", ""))
            record = find_algo(account, algo_id, client_id)
            row = {"algoClOrdId": client_id if record is None else algo_client_id(record), "clOrdId": "", "tag": "",
                   "algoId": algo_id if record is None else str(record.number)}
            resting = record is not None and not _settled(record)
            rows.append(row | outcome(await self._gone(account, record if resting else None)))
        return acknowledged(rows)

    async def _cancelled(self, account: VenueAccount, body: Body) -> Row:
        ord_id, client_id = str(body.get("ordId", "")), str(body.get("clOrdId", ""))
        if not ord_id and not client_id:
            return {"clOrdId": "", "ordId": "", "ts": str(account.now_ms), **outcome(errors.NO_ID)}
        record = find_order(account, ord_id, client_id)
        trouble = await self._gone(account, record)
        return {
            "clOrdId": client_id if record is None else client_order_id(record),
            "ordId": ord_id if record is None else order_id(record), "ts": str(account.now_ms), **outcome(trouble),
        }

    async def _gone(self, account: VenueAccount, record: OrderRecord | None) -> OkxTrouble | None:
        if record is None or not record.open:
            return errors.NOT_CANCELLED
        command = CancelOrder(record.command.client_id, self._venue, record.command.coin)
        facts = await self._hub.execute(account, command)
        cancelled = any(isinstance(fact, OrderCancelled) for fact in facts)
        return None if cancelled else errors.NOT_CANCELLED

    # --- reading ---------------------------------------------------------------------------------------------------

    def order(self, account: VenueAccount, params: Params) -> HttpAnswer:
        ord_id, client_id = params.get("ordId", ""), params.get("clOrdId", "")
        if not ord_id and not client_id:
            raise OkxRefused(errors.NO_ID)
        record = find_order(account, ord_id, client_id)
        if record is None or self._swap(record).inst_id != params.get("instId"):
            raise OkxRefused(errors.NO_SUCH_ORDER)
        return success([order_row(account, self._swap(record), record)])

    def algo(self, account: VenueAccount, params: Params) -> HttpAnswer:
        algo_id, client_id = params.get("algoId", ""), params.get("algoClOrdId", "")
        if not algo_id and not client_id:
            raise OkxRefused(errors.NO_ID)
        record = find_algo(account, algo_id, client_id)
        if record is None:
            raise OkxRefused(errors.NO_SUCH_ORDER)
        return success([algo_row(account, self._swap(record), record)])

    def pending(self, account: VenueAccount, params: Params) -> HttpAnswer:
        chosen = [record for record in account.open_orders() if order_id(record)]
        return self._page([order_row(account, self._swap(one), one) for one in chosen], params, "ordId")

    def history(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """What is over, orders that came of a stop included."""
        chosen = [one for one in account.orders.values() if visible(one) and not one.open and order_id(one)]
        return self._page([order_row(account, self._swap(one), one) for one in chosen], params, "ordId")

    def algos_pending(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """One kind at a time, which must be named."""
        self._check_kind(params)
        chosen = [record for record in account.open_orders() if not order_id(record)]
        return self._page([algo_row(account, self._swap(one), one) for one in chosen], params, "algoId")

    def algos_history(self, account: VenueAccount, params: Params) -> HttpAnswer:
        self._check_kind(params)
        if not params.get("state") and not params.get("algoId"):
            raise OkxRefused(parameter("state"))
        chosen = [one for one in account.orders.values() if visible(one) and one.is_stop and _settled(one)]
        return self._page([algo_row(account, self._swap(one), one) for one in chosen], params, "algoId")

    def fills(self, account: VenueAccount, params: Params) -> HttpAnswer:
        rows = []
        for filled in account.fills:
            record = account.orders.get(filled.fill.client_id)
            if record is not None:
                rows.append(fill_row(self._swap(record), record, filled))
        begin_ms, end_ms = between(params, "end", "begin")
        in_time = [row for row in rows if begin_ms <= float(row["ts"]) <= end_ms]
        return self._page(in_time, {**params, "begin": "", "end": ""}, "billId")

    def _swap(self, record: OrderRecord) -> Swap:
        return self._swaps.of[record.command.coin]

    def _check_kind(self, params: Params) -> None:
        if not params.get("ordType"):
            raise OkxRefused(OkxTrouble("50014", "Parameter ordType cannot be empty.", 400))

    def _page(self, oldest_first: list[Row], params: Params, id_name: str) -> HttpAnswer:
        """Newest first, filtered by what the parameters name; `after` and `before` are ids."""
        if params.get("instType", INST_TYPE) != INST_TYPE:
            return success([])
        newer, older = between(params, "after", "before")
        wanted = {
            name: params[name].split(",") for name in ("instId", "ordType", "state", "ordId", "algoId")
            if params.get(name)
        }
        rows = [
            row for row in reversed(oldest_first)
            if newer < float(row[id_name]) < older
            and all(str(row.get(name, "")) in values for name, values in wanted.items())
        ]
        return success(rows[: rows_asked(params)])
