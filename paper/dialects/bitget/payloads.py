"""An account's orders, stops and fills as Bitget shows them.

A stop is a plan order with an id of its own; when it triggers it becomes an ordinary order with another id and a client
id of the venue's making. Fills know only the ordinary order, the history of plan orders knows which it became.
"""

from decimal import Decimal
from typing import Final

from liqbot import events
from paper.dialects import order_entry
from paper.dialects.accounts import DELEVERAGED_PREFIX, FillRecord, OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.bitget.errors import QUOTE, BitgetNames, Row
from paper.dialects.order_entry import terms_by_word, word_for
from paper.dialects.trade_prints import plain

CHILD: Final = 10**15
"""The order that a plan order became has the plan order's number plus this."""
STOP: Final = "loss_plan"
POST_ONLY: Final = "POST_ONLY"
FORCES: Final = terms_by_word(str.lower, post_only=order_entry.POST_ONLY)
_STATES: Final = {
    VenueOrderState.NEW: "live",
    VenueOrderState.PARTLY: "partially_filled",
    VenueOrderState.FILLED: "filled",
    VenueOrderState.CANCELLED: "canceled",
    VenueOrderState.REJECTED: "canceled",
}


def plan_over(record: OrderRecord) -> bool:
    return record.is_stop and (record.triggered or not record.open)


def visible(record: OrderRecord) -> bool:
    """Whether reads show it."""
    return record.state not in (VenueOrderState.SENT, VenueOrderState.REJECTED) or record.refused_as_taker


def order_id(record: OrderRecord) -> str:
    """Of the ordinary order; empty for a plan order that has not triggered."""
    if not record.is_stop:
        return str(record.number)
    return str(record.number + CHILD) if record.fills else ""


def client_oid(record: OrderRecord) -> str:
    """Of the ordinary order: as the client gave it, else one of the venue's making."""
    if record.is_stop or record.forced or not record.params.get("clientOid", "none"):
        return str(record.number + 2 * CHILD)
    return record.command.client_id


def currency(fill: events.Fill) -> str:
    return QUOTE if fill.fee_currency == "USD" else fill.fee_currency


def side_of(record: OrderRecord) -> str:
    return "buy" if record.buys else "sell"


def trade_side(record: OrderRecord) -> str:
    """In one-way mode: a buy or a sell of ours, of a liquidation, of deleveraging."""
    side = side_of(record)
    if not record.forced:
        return f"{side}_single"
    if record.command.client_id.startswith(DELEVERAGED_PREFIX):
        return f"dte_sys_adl_{side}_in_single_side_mode"
    return f"burst_{side}_single"


def _source(record: OrderRecord) -> str:
    if record.forced:
        return "liquidation"
    if record.is_stop:
        return "loss_market"
    return "market" if record.command.limit_price is None else "normal"


def _force(record: OrderRecord) -> str:
    return word_for(record.command, FORCES)


def order_row(account: VenueAccount, names: BitgetNames, record: OrderRecord) -> Row:
    """The ordinary order now. Details name its state `state`, lists `status`."""
    state = _STATES[record.state]
    fee = sum((one.fill.fee for one in record.fills), Decimal(0))
    began_ms = record.triggered_ms if record.is_stop and record.triggered_ms else record.created_ms
    profit = sum((one.realised_usd for one in record.fills), Decimal(0))
    limit_price = record.command.limit_price
    return {
        "symbol": names.symbol(record.command.coin), "size": plain(record.command.quantity_base),
        "orderId": order_id(record), "clientOid": client_oid(record), "baseVolume": plain(record.filled_base),
        "priceAvg": plain(record.average_price) if record.filled_base else "", "fee": plain(-fee),
        "price": "" if limit_price is None else plain(limit_price), "state": state, "status": state,
        "side": side_of(record), "force": _force(record), "totalProfits": plain(profit), "posSide": "net",
        "marginCoin": QUOTE, "presetStopSurplusPrice": "", "presetStopSurplusType": "",
        "presetStopSurplusExecutePrice": "", "presetStopLossPrice": "", "presetStopLossType": "",
        "presetStopLossExecutePrice": "", "quoteVolume": plain(record.filled_usd),
        "orderType": "market" if limit_price is None else "limit",
        "leverage": str(account.leverage(record.command.coin)), "marginMode": "isolated",
        "reduceOnly": "YES" if record.command.reduce_only else "NO", "enterPointSource": _entered(record),
        "tradeSide": trade_side(record), "posMode": "one_way_mode", "orderSource": _source(record),
        "cancelReason": "normal_cancel" if state == "canceled" else "", "cTime": str(began_ms),
        "uTime": str(record.updated_ms),
    }  # fmt: skip


def _entered(record: OrderRecord) -> str:
    return "SYS" if record.forced else "API"


def plan_row(names: BitgetNames, record: OrderRecord) -> Row:
    """A stop of a part of the position, on the mark and then at market."""
    over = record.triggered
    failed = record.state is VenueOrderState.CANCELLED and record.reason == "REDUCE_ONLY"
    ended = "fail_execute" if failed else "cancelled"
    trigger = plain(record.command.trigger_price or Decimal(0))
    return {
        "planType": STOP, "symbol": names.symbol(record.command.coin), "size": plain(record.command.quantity_base),
        "orderId": str(record.number), "executeOrderId": order_id(record), "clientOid": plan_client_oid(record),
        "price": "0", "executePrice": "0", "priceAvg": plain(record.average_price) if over else "",
        "baseVolume": plain(record.filled_base) if over else "", "callbackRatio": "", "triggerPrice": trigger,
        "triggerType": "mark_price", "planStatus": "executed" if over else "live" if record.open else ended,
        "side": side_of(record), "posSide": "net", "marginCoin": QUOTE, "marginMode": "isolated",
        "enterPointSource": "API", "tradeSide": trade_side(record), "posMode": "one_way_mode", "orderType": "market",
        "cTime": str(record.created_ms), "uTime": str(record.updated_ms), "stopSurplusTriggerPrice": None,
        "stopSurplusExecutePrice": None, "stopSurplusTriggerType": None, "stopLossTriggerPrice": trigger,
        "stopLossExecutePrice": None, "stopLossTriggerType": "mark_price",
    }  # fmt: skip


def plan_client_oid(record: OrderRecord) -> str:
    named = record.params.get("clientOid", "none") if record.params else "none"
    return record.command.client_id if named else str(record.number + 2 * CHILD)


def fill_row(names: BitgetNames, record: OrderRecord, filled: FillRecord) -> Row:
    """A fee that was paid is negative."""
    fill = filled.fill
    return {
        "tradeId": str(filled.number), "symbol": names.symbol(record.command.coin), "marginCoin": QUOTE,
        "orderId": order_id(record), "price": plain(fill.price), "baseVolume": plain(fill.quantity_base),
        "feeDetail": [{
            "deduction": "no", "feeCoin": currency(fill), "totalDeductionFee": "0", "totalFee": plain(-fill.fee),
        }],
        "side": side_of(record), "quoteVolume": plain(fill.price * fill.quantity_base),
        "profit": plain(filled.realised_usd), "enterPointSource": _entered(record), "tradeSide": trade_side(record),
        "posMode": "one_way_mode", "tradeScope": "maker" if fill.maker else "taker", "cTime": str(fill.time_ms),
        "uTime": str(fill.time_ms),
    }  # fmt: skip


def find_order(account: VenueAccount, named_id: str, client_id: str) -> OrderRecord | None:
    """An ordinary order by either id; the venue's own wins."""
    if named_id:
        number = int(named_id) if named_id.isdigit() else 0
        record = account.order(number=number % CHILD) if number else None
        return record if record is not None and visible(record) and order_id(record) == named_id else None
    record = account.order(client_id=client_id) if client_id else None
    ours = record is not None and visible(record) and not record.is_stop and client_oid(record) == client_id
    return record if ours else None


def find_plan(account: VenueAccount, named_id: str, client_id: str) -> OrderRecord | None:
    if named_id:
        record = account.order(number=int(named_id)) if named_id.isdigit() else None
    else:
        record = account.order(client_id=client_id) if client_id else None
    return record if record is not None and visible(record) and record.is_stop else None
