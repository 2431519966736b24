"""Bybit v5: what an account did: executions and the transaction log."""

from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from liqbot import events
from liqbot.events import Event
from liqbot.instruments import Side
from paper.dialects.accounts import HISTORY_MAX, FillRecord, OrderRecord, Payment, VenueAccount
from paper.dialects.bybit.errors import (
    CATEGORY,
    DAY_MS,
    FILL_ID,
    ORDER_ID,
    QUOTE,
    BybitNames,
    BybitRefused,
    Params,
    Row,
    count_of,
    identity,
    linear,
    page,
    time_range,
)
from paper.dialects.bybit.payloads import Rows, currency, origin
from paper.dialects.trade_prints import plain
from paper.exchange.exchange import Happened

ForcedFact = events.PositionLiquidated | events.PositionDeleveraged
FORCED_FACTS: Final = (events.PositionLiquidated, events.PositionDeleveraged)


class Executions:
    """Every execution as it was published when it happened, by account: fills, funding and forced closes."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._of: dict[str, deque[Row]] = {}

    def of(self, account: VenueAccount) -> deque[Row]:
        return self._of.setdefault(account.key, deque(maxlen=HISTORY_MAX))

    def note(self, account: VenueAccount, happened: Happened) -> list[Row]:
        """The executions among what happened to an account that has been folded."""
        found = [row for fact in happened.facts for row in self._executions_of(account, fact)]
        self.of(account).extend(found)
        return found

    def _executions_of(self, account: VenueAccount, fact: Event) -> Iterator[Row]:
        if isinstance(fact, events.Fill):
            record = _record_of(account, fact)
            if record is not None:
                yield self._rows.execution(account, record)
        elif isinstance(fact, events.FundingPaid):
            held = account.holding(fact.coin)
            payment = next((one for one in reversed(account.payments) if one.kind == "funding"), None)
            if held is not None and payment is not None:
                yield self._rows.funded(account, payment, held.side, held.quantity_base)
        elif isinstance(fact, FORCED_FACTS):
            yield self._rows.execution(account, forced_fill(account, fact))


def forced_fill(account: VenueAccount, closed: ForcedFact) -> FillRecord:
    """The fill of the venue's own order that closed our position."""
    return next(
        record for record in reversed(account.fills)
        if account.orders[record.fill.client_id].forced and record.fill.coin == closed.coin
    )


def _record_of(account: VenueAccount, fill: events.Fill) -> FillRecord | None:
    order = account.orders.get(fill.client_id)
    return None if order is None else next((one for one in order.fills if one.fill.fill_id == fill.fill_id), None)


class HistoryRequests:
    """Handlers of `/v5/execution/list` and `/v5/account/transaction-log`."""

    def __init__(self, names: BybitNames, executions: Executions) -> None:
        self._names, self._executions = names, executions

    async def executions(self, account: VenueAccount, params: Params) -> Row:
        """Newest first; those of a named order whenever they were, others within the time requested."""
        if not linear(params):
            return {"category": params["category"], "list": [], "nextPageCursor": ""}
        order = _order(account, params)
        start_ms, end_ms = (0, 10**15) if order else time_range(params, account.now_ms)
        symbol = self._names.symbol(self._names.instrument(params).coin) if params.get("symbol") else ""
        wanted = {"symbol": symbol, "execType": params.get("execType", ""), "orderId": order}
        chosen = [
            row for row in self._executions.of(account)
            if start_ms <= int(row["execTime"]) <= end_ms
            and all(not value or row[name] == value for name, value in wanted.items())
        ]
        rows, cursor = page([dict(row) for row in reversed(chosen)], params, usual=50, most=100)
        return {"category": CATEGORY, "list": rows, "nextPageCursor": cursor}

    async def transactions(self, account: VenueAccount, params: Params) -> Row:
        """Newest first; a day of them by default. change = cashFlow + funding - fee."""
        if params.get("accountType", "UNIFIED") != "UNIFIED":
            raise BybitRefused(10001, "accountType only support UNIFIED.")
        start_ms, end_ms = time_range(params, account.now_ms, usual_ms=DAY_MS)
        wanted, category = params.get("type", ""), params.get("category", "")
        everything = _transactions(account, self._names)
        chosen = [
            row for row in everything
            if start_ms <= int(row["transactionTime"]) <= end_ms and wanted in ("", row["type"])
            and category in ("", row["category"]) and params.get("currency", row["currency"]) == row["currency"]
        ]
        rows, cursor = page(chosen[::-1], params, usual=20, most=50)
        return {"list": rows, "nextPageCursor": cursor}


def _order(account: VenueAccount, params: Params) -> str:
    """Id of the named order; empty when none is named, and one that nobody has when it is unknown."""
    if not (params.get("orderId") or params.get("orderLinkId")):
        return ""
    number = count_of(ORDER_ID, str(params.get("orderId", "")))
    found = account.order(client_id="" if number else str(params.get("orderLinkId", "")), number=number)
    return "unknown" if found is None else identity(ORDER_ID, found.number)


class _Booking(msgspec.Struct):
    """Payments of one event in one currency, as one line of the log."""

    time_ms: int
    kind: str
    coin: str
    currency: str
    fill_number: int
    cash: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    rate_pct: float = 0.0

    @property
    def change(self) -> Decimal:
        return self.cash + self.funding - self.fee


_KINDS: Final = {"realised": "TRADE", "fee": "TRADE", "funding": "SETTLEMENT", "rebate": "FEE_REFUND"}
_OF_EXECUTION: Final = {"Trade": "TRADE", "BustTrade": "LIQUIDATION", "AdlTrade": "ADL"}


def _bookings(account: VenueAccount) -> list[_Booking]:
    """Profit and fee of one fill belong together."""
    fills = {record.number: record for record in account.fills}
    found: list[_Booking] = []
    for one in account.payments:
        last, coin = found[-1] if found else None, currency(one.currency)
        if last is None or not one.fill_number or (last.fill_number, last.currency) != (one.fill_number, coin):
            last = _Booking(one.time_ms, _kind(account, one, fills), one.coin, coin, one.fill_number)
            found.append(last)
        if one.kind in ("fee", "liquidation"):
            last.fee -= one.amount_usd
        elif one.kind == "funding":
            last.funding, last.rate_pct = one.amount_usd, one.rate_pct
        else:
            last.cash += one.amount_usd
    return found


def _kind(account: VenueAccount, one: Payment, fills: Mapping[int, FillRecord]) -> str:
    record = fills.get(one.fill_number)
    order = account.orders.get(record.fill.client_id) if record is not None else None
    if order is not None:
        return _OF_EXECUTION[origin(order)[1]]
    return _KINDS.get(one.kind, "TRANSFER_IN" if one.amount_usd >= 0 else "TRANSFER_OUT")


def _transactions(account: VenueAccount, names: BybitNames) -> list[Row]:
    """Oldest first, with the balance after each."""
    bookings = _bookings(account)
    balance = account.wallet_usd - sum((one.change for one in bookings if one.currency == QUOTE), Decimal(0))
    fills = {record.number: record for record in account.fills}
    rows: list[Row] = []
    for number, one in enumerate(bookings):
        balance += one.change if one.currency == QUOTE else 0
        record = fills.get(one.fill_number)
        order = account.orders.get(record.fill.client_id) if record is not None else None
        rows.append(
            {
                "id": f"{number}", "symbol": names.symbol(one.coin) if one.coin else "", "category": CATEGORY,
                "type": one.kind, "currency": one.currency, "transactionTime": str(one.time_ms),
                "side": _side(one, order), "orderId": identity(ORDER_ID, order.number) if order else "",
                "orderLinkId": order.command.client_id if order and one.kind == "TRADE" else "",
                "tradeId": identity(FILL_ID, record.number) if record else "",
                "qty": plain(record.fill.quantity_base) if record else "", "size": "",
                "tradePrice": plain(record.fill.price) if record else "", "fee": plain(one.fee),
                "feeRate": plain(Decimal(str(one.rate_pct)) / 100) if one.kind == "SETTLEMENT" else "",
                "funding": plain(one.funding) if one.kind == "SETTLEMENT" else "", "cashFlow": plain(one.cash),
                "change": plain(one.change), "cashBalance": plain(balance) if one.currency == QUOTE else "",
                "bonusChange": "", "extraFees": "",
            }
        )  # fmt: skip
    return rows


def _side(one: _Booking, order: OrderRecord | None) -> str:
    """Of the order that traded; of the position that paid funding (a long pays a positive rate)."""
    if one.kind == "SETTLEMENT":
        side = Side.LONG if (one.funding < 0) is (one.rate_pct > 0) else Side.SHORT
        return "Buy" if side is Side.LONG else "Sell"
    return "None" if order is None else "Buy" if order.buys else "Sell"
