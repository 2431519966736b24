"""Binance USD-M: orders, conditional orders and fills as the venue writes them down."""

from decimal import Decimal
from typing import Any, Final

from liqbot.commands import OrderKind
from paper.dialects.accounts import FillRecord, OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.binance.errors import QUOTE, BinanceNames
from paper.dialects.order_entry import POST_ONLY, terms_by_word, word_for
from paper.dialects.trade_prints import plain

ALGO_IDS_FROM: Final = 1_000_000_000_000_000
"""Conditional orders have numbers of their own; the order that a trigger makes has another one."""

TIMES_IN_FORCE: Final = terms_by_word(GTX=POST_ONLY)
_STATUS: Final = {
    VenueOrderState.SENT: "NEW", VenueOrderState.NEW: "NEW", VenueOrderState.PARTLY: "PARTIALLY_FILLED",
    VenueOrderState.FILLED: "FILLED",
    VenueOrderState.REJECTED: "REJECTED",
}  # fmt: skip


def is_algo(record: OrderRecord) -> bool:
    return record.command.kind is OrderKind.STOP_MARKET


def algo_id(record: OrderRecord) -> int:
    return ALGO_IDS_FROM + record.number


def closes_position(record: OrderRecord) -> bool:
    return record.params.get("closePosition") == "true"


def status(record: OrderRecord) -> str:
    """Of the order in the book; what the venue itself ended early is expired, the rest is cancelled."""
    if record.state is VenueOrderState.CANCELLED:
        if closes_position(record) and record.filled_base:
            return "FILLED"
        return "CANCELED" if record.reason == "cancelled" else "EXPIRED"
    return _STATUS[record.state]


def algo_status(record: OrderRecord) -> str:
    if record.triggered_ms:
        return "FINISHED"
    if record.state is VenueOrderState.CANCELLED and record.reason != "cancelled":
        return "REJECTED" if record.reason == "REDUCE_ONLY" else "EXPIRED"
    return {"NEW": "NEW", "CANCELED": "CANCELED"}.get(status(record), status(record))


def asset(currency: str) -> str:
    """What the venue calls a currency of ours."""
    return QUOTE if currency == "USD" else currency


def _type(record: OrderRecord) -> str:
    if record.forced:
        return "LIMIT"
    return "LIMIT" if record.command.kind is OrderKind.LIMIT else "MARKET"


def original_type(record: OrderRecord) -> str:
    return "STOP_MARKET" if is_algo(record) else _type(record)


def time_in_force(record: OrderRecord) -> str:
    return "IOC" if record.forced else word_for(record.command, TIMES_IN_FORCE)


def quantity(record: OrderRecord) -> Decimal:
    """What was requested; an order that closes whatever there is has no quantity of its own."""
    return record.filled_base if closes_position(record) else record.command.quantity_base


def order(record: OrderRecord, names: BinanceNames) -> dict[str, Any]:
    """As every order endpoint answers it. Of a conditional order: the order its trigger made."""
    command = record.command
    return {
        "orderId": record.number,
        "symbol": names.symbol(command.coin),
        "status": status(record),
        "clientOrderId": command.client_id,
        "price": plain(command.limit_price or 0),
        "avgPrice": plain(round(record.average_price, 5)),
        "origQty": plain(quantity(record)),
        "executedQty": plain(record.filled_base),
        "cumQty": plain(record.filled_base),
        "cumQuote": plain(round(record.filled_usd, 5)),
        "timeInForce": time_in_force(record),
        "type": _type(record),
        "reduceOnly": command.reduce_only,
        "closePosition": closes_position(record),
        "side": "BUY" if record.buys else "SELL",
        "positionSide": "BOTH",
        "stopPrice": plain(command.trigger_price or 0),
        "workingType": "MARK_PRICE" if is_algo(record) else "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": original_type(record),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": record.created_ms,
        "updateTime": record.updated_ms,
    }


def algo(record: OrderRecord, names: BinanceNames) -> dict[str, Any]:
    """A conditional order as the algo endpoints answer it."""
    command, triggered = record.command, bool(record.triggered_ms)
    return {
        "algoId": algo_id(record),
        "clientAlgoId": command.client_id,
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": names.symbol(command.coin),
        "side": "BUY" if record.buys else "SELL",
        "positionSide": "BOTH",
        "timeInForce": "GTC",
        "quantity": plain(quantity(record)),
        "algoStatus": algo_status(record),
        "actualOrderId": str(record.number) if triggered else "",
        "actualPrice": plain(round(record.average_price, 5)),
        "actualQty": plain(record.filled_base),
        "actualType": "MARKET" if triggered else "",
        "triggerPrice": plain(command.trigger_price or 0),
        "price": "0.00",
        "icebergQuantity": None,
        "tpOrderType": "",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "MARK_PRICE",
        "priceMatch": "NONE",
        "closePosition": closes_position(record),
        "priceProtect": False,
        "reduceOnly": command.reduce_only,
        "createTime": record.created_ms,
        "updateTime": record.updated_ms,
        "triggerTime": record.triggered_ms,
        "goodTillDate": 0,
    }


def trade(entry: FillRecord, account: VenueAccount, names: BinanceNames) -> dict[str, Any]:
    """One of our fills as `userTrades` shows it."""
    fill = entry.fill
    record = account.orders[fill.client_id]
    return {
        "symbol": names.symbol(fill.coin),
        "id": entry.number,
        "orderId": record.number,
        "side": "BUY" if record.buys else "SELL",
        "price": plain(fill.price),
        "qty": plain(fill.quantity_base),
        "realizedPnl": plain(entry.realised_usd),
        "quoteQty": plain(fill.price * fill.quantity_base),
        "commission": plain(fill.fee),
        "commissionAsset": asset(fill.fee_currency),
        "time": fill.time_ms,
        "positionSide": "BOTH",
        "buyer": record.buys,
        "maker": fill.maker,
    }
