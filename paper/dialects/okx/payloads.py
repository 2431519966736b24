"""An account's orders, stops and fills as OKX shows them.

A stop is an algo order with an id of its own; when it triggers it becomes an ordinary order with another id and no
client id, which names the algo order it came from. Fills know only the ordinary order.
"""

from decimal import Decimal
from typing import Final

from liqbot import events
from paper.dialects.accounts import DELEVERAGED_PREFIX, FillRecord, OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.okx.listing import INST_TYPE, QUOTE, Row, Swap
from paper.dialects.order_entry import POST_ONLY, terms_by_word, word_for
from paper.dialects.trade_prints import plain

CHILD: Final = 10**15
"""The order that an algo order became has the algo order's number plus this."""
LIMITS: Final = terms_by_word(lambda word: "limit" if word == "GTC" else word.lower(), post_only=POST_ONLY)
"""Here they are types of orders."""
_BY_USER, _TAKES, _BY_SYSTEM, _NOTHING_LEFT = "1", "31", "0", "17"
_STATES: Final = {
    VenueOrderState.NEW: "live",
    VenueOrderState.PARTLY: "partially_filled",
    VenueOrderState.FILLED: "filled",
    VenueOrderState.CANCELLED: "canceled",
    VenueOrderState.REJECTED: "canceled",
}


def visible(record: OrderRecord) -> bool:
    """Whether reads show it."""
    return record.state not in (VenueOrderState.SENT, VenueOrderState.REJECTED) or record.refused_as_taker


def order_id(record: OrderRecord) -> str:
    """Of the ordinary order; empty for an algo order that has not triggered."""
    if not record.is_stop:
        return str(record.number)
    return str(record.number + CHILD) if record.fills else ""


def client_order_id(record: OrderRecord) -> str:
    """As the client gave it; an order by hand shows the id it was given here, the venue's own has none."""
    if record.is_stop or record.forced:
        return ""
    return record.params.get("clOrdId", "") if record.params else record.command.client_id


def algo_client_id(record: OrderRecord) -> str:
    if not record.is_stop:
        return ""
    if record.rode_in_with:
        return record.command.client_id
    return record.params.get("algoClOrdId", "") if record.params else record.command.client_id


def find_order(account: VenueAccount, ord_id: str, client_id: str) -> OrderRecord | None:
    """An ordinary order by either id; `ord_id` wins, as at the venue."""
    if ord_id:
        number = int(ord_id) if ord_id.isdigit() else 0
        record = account.order(number=number % CHILD) if number else None
        return record if record is not None and visible(record) and order_id(record) == ord_id else None
    record = account.order(client_id=client_id)
    return record if record is not None and visible(record) and client_order_id(record) == client_id else None


def find_algo(account: VenueAccount, algo_id: str, client_id: str) -> OrderRecord | None:
    record = account.order(number=int(algo_id)) if algo_id.isdigit() else account.order(client_id=client_id)
    if record is None or not visible(record) or not record.is_stop:
        return None
    return record if algo_id or algo_client_id(record) == client_id else None


def order_row(account: VenueAccount, swap: Swap, record: OrderRecord, *, upto: FillRecord | None = None) -> Row:
    """The ordinary order now, or as it was after the fill `upto`."""
    fills, state = record.fills, _STATES[record.state]
    if upto is not None:
        fills = fills[: fills.index(upto) + 1]
        filled_base = sum((one.fill.quantity_base for one in fills), Decimal(0))
        state = "filled" if filled_base >= record.command.quantity_base else "partially_filled"
    algo, price = record.is_stop, record.command.limit_price
    return {
        "algoClOrdId": algo_client_id(record), "algoId": str(record.number) if algo else "",
        "attachAlgoClOrdId": "", "attachAlgoOrds": [], "cTime": str(_since_ms(record)),
        "cancelSource": _cancel_source(record) if state == "canceled" else "", "cancelSourceReason": "",
        "category": _category(record), "ccy": QUOTE, "clOrdId": client_order_id(record),
        **_filled_part(swap, fills), "instId": swap.inst_id, "instType": INST_TYPE, "isTpLimit": "false",
        "lever": str(account.leverage(swap.coin)), "linkedAlgoOrd": {"algoId": ""},
        "ordId": order_id(record), "ordType": _order_type(record), "posSide": "net",
        "px": "" if price is None else plain(price), "pxType": "", "pxUsd": "", "pxVol": "",
        "quickMgnType": "", "rebate": "0", "rebateCcy": QUOTE, **_sides(record), "slOrdPx": "", "slTriggerPx": "",
        "slTriggerPxType": "", "source": "7" if algo else "", "state": state, "stpId": "",
        "stpMode": "cancel_maker", "sz": _size(swap, record), "tag": record.params.get("tag", ""),
        "tdMode": "isolated", "tgtCcy": "", "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "",
        "uTime": str(record.updated_ms if upto is None else upto.fill.time_ms),
    }


def _filled_part(swap: Swap, fills: list[FillRecord]) -> Row:
    """Sums over the fills, and the last of them. A fee that was paid is negative."""
    if not fills:
        return {"accFillSz": "0", "avgPx": "", "fee": "0", "feeCcy": QUOTE, "fillPx": "", "fillSz": "0",
                "fillTime": "", "pnl": "0", "tradeId": ""}
    last = fills[-1]
    filled_base = sum((one.fill.quantity_base for one in fills), Decimal(0))
    cost = sum((one.fill.quantity_base * one.fill.price for one in fills), Decimal(0))
    return {
        "accFillSz": plain(swap.contracts(filled_base)), "avgPx": plain(cost / filled_base),
        "fee": plain(-sum((one.fill.fee for one in fills), Decimal(0))), "feeCcy": _currency(last.fill),
        "fillPx": plain(last.fill.price), "fillSz": plain(swap.contracts(last.fill.quantity_base)),
        "fillTime": str(last.fill.time_ms), "pnl": plain(sum((one.realised_usd for one in fills), Decimal(0))),
        "tradeId": str(last.number),
    }


def filled_row(account: VenueAccount, swap: Swap, record: OrderRecord, filled: FillRecord) -> Row:
    """As the stream of orders tells a fill."""
    fill = filled.fill
    return order_row(account, swap, record, upto=filled) | {
        "execType": "M" if fill.maker else "T", "fillFee": plain(-fill.fee), "fillFeeCcy": _currency(fill),
        "fillPnl": plain(filled.realised_usd), "fillNotionalUsd": plain(fill.quantity_base * fill.price),
        "code": "0", "msg": "", "reqId": "", "amendResult": "", "amendSource": "",
    }


def algo_row(account: VenueAccount, swap: Swap, record: OrderRecord) -> Row:
    """A conditional stop-market order on the mark."""
    done, trigger = record.triggered, record.command.trigger_price or Decimal(0)
    state = "effective" if done else "canceled" if record.state is VenueOrderState.CANCELLED else "live"
    failed = state == "canceled" and record.reason == "REDUCE_ONLY"
    return {
        "activePx": "", "actualPx": plain(record.average_price) if done else "",
        "actualSide": "sl" if done else "", "actualSz": plain(swap.contracts(record.filled_base)),
        "algoClOrdId": algo_client_id(record), "algoId": str(record.number), "amendPxOnTriggerType": "",
        "attachAlgoOrds": [], "cTime": str(record.created_ms), "callbackRatio": "", "callbackSpread": "",
        "ccy": QUOTE, "clOrdId": "", "closeFraction": "", "failCode": "51169" if failed else "",
        "instId": swap.inst_id, "instType": INST_TYPE, "last": "", "lever": str(account.leverage(swap.coin)),
        "linkedOrd": {"ordId": ""}, "moveTriggerPx": "",
        "notionalUsd": plain(record.command.quantity_base * trigger), "ordId": order_id(record),
        "ordIdList": [order_id(record)] if done else [], "ordPx": "", "ordType": "conditional",
        "posSide": "net", "pxLimit": "", "pxSpread": "", "pxVar": "", "quickMgnType": "",
        **_sides(record), "slOrdPx": "-1", "slTriggerPx": plain(trigger),
        "slTriggerPxType": "mark", "state": "order_failed" if failed else state, "sz": _size(swap, record),
        "szLimit": "", "tag": record.params.get("tag", ""), "tdMode": "isolated", "tgtCcy": "", "timeInterval": "",
        "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "", "triggerPx": "", "triggerPxType": "",
        "triggerTime": str(record.triggered_ms) if done else "", "uTime": str(record.updated_ms),
        "uly": swap.family,
    }


def fill_row(swap: Swap, record: OrderRecord, filled: FillRecord) -> Row:
    """As `trade/fills` shows it: no word of the algo order it may come from."""
    fill = filled.fill
    return {
        "billId": str(filled.number), "clOrdId": client_order_id(record), "execType": "M" if fill.maker else "T",
        "fee": plain(-fill.fee), "feeCcy": _currency(fill), "feeRate": "", "fillFwdPx": "", "fillIdxPx": "",
        "fillMarkPx": "", "fillMarkVol": "", "fillPnl": plain(filled.realised_usd),
        "fillPx": plain(fill.price), "fillPxUsd": "", "fillPxVol": "",
        "fillSz": plain(swap.contracts(fill.quantity_base)), "fillTime": str(fill.time_ms), "instId": swap.inst_id,
        "instType": INST_TYPE, "ordId": order_id(record), "posSide": "net",
        "side": "buy" if record.buys else "sell", "subType": trade_kind(record), "tag": record.params.get("tag", ""),
        "tradeId": str(filled.number), "ts": str(fill.time_ms),
    }


def _sides(record: OrderRecord) -> Row:
    # Of a stop that came with an entry the venue does not say that it can only reduce.
    reduces = record.command.reduce_only and not record.rode_in_with
    return {
        "reduceOnly": "true" if reduces else "false", "side": "buy" if record.buys else "sell",
    }


def trade_kind(record: OrderRecord) -> str:
    """In one-way mode: a buy or a sell of ours, of a liquidation, of deleveraging."""
    ours, liquidation, deleveraging = ("1", "106", "127") if record.buys else ("2", "107", "128")
    return {"normal": ours, "full_liquidation": liquidation, "adl": deleveraging}[_category(record)]


def _category(record: OrderRecord) -> str:
    if not record.forced:
        return "normal"
    return "adl" if record.command.client_id.startswith(DELEVERAGED_PREFIX) else "full_liquidation"


def _since_ms(record: OrderRecord) -> int:
    """An order that came of a stop begins when the stop triggers."""
    return record.triggered_ms if record.is_stop and record.triggered_ms else record.created_ms


def _order_type(record: OrderRecord) -> str:
    if record.command.limit_price is None:
        return "market"
    return word_for(record.command, LIMITS)


def _cancel_source(record: OrderRecord) -> str:
    if record.refused_as_taker:
        return _TAKES
    return {"cancelled": _BY_USER, "REDUCE_ONLY": _NOTHING_LEFT}.get(record.reason, _BY_SYSTEM)


def _size(swap: Swap, record: OrderRecord) -> str:
    return plain(swap.contracts(record.command.quantity_base))


def _currency(fill: events.Fill) -> str:
    return QUOTE if fill.fee_currency == "USD" else fill.fee_currency
