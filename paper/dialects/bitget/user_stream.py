"""Bitget: the private websocket of classic accounts: what an account receives about its orders, stops and fills."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from liqbot import events
from liqbot.events import Event
from paper.dialects.accounts import FillRecord, OrderRecord, VenueAccount
from paper.dialects.bitget.errors import PRODUCT, BitgetNames, Row
from paper.dialects.bitget.payloads import (
    client_oid,
    currency,
    fill_row,
    order_row,
    plan_row,
    visible,
)
from paper.dialects.trade_prints import plain
from paper.exchange.exchange import Happened

PRIVATE: Final = "/v2/ws/private"
CHANNELS: Final = ("orders", "orders-algo", "fill")
PATTERNS: Final = tuple(f"ws v2 {channel}" for channel in CHANNELS)
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
_PUSHED_STOP: Final = "sl"
"""A stop of a part of the position, in this channel's words."""


def topic_of(channel: str) -> str:
    return f"{PRIVATE} {channel}"


class BitgetUserStream:
    """Of every fact the fill first, then the order as it stands."""

    def __init__(self, names: BitgetNames) -> None:
        self._names = names

    def messages(self, account: VenueAccount, happened: Happened) -> Iterator[tuple[str, bytes]]:
        for fact in happened.facts:
            for channel, row in self._of_fact(account, fact):
                arg = {"instType": PRODUCT, "channel": channel, "instId": "default"}
                message = {"action": "snapshot", "arg": arg, "data": [row], "ts": happened.time_ms}
                yield topic_of(channel), _encode(message)

    def _of_fact(self, account: VenueAccount, fact: Event) -> Iterator[tuple[str, Row]]:
        if isinstance(fact, events.PositionLiquidated | events.PositionDeleveraged):
            theirs = next(one for one in reversed(account.orders.values()) if one.forced)
            yield from self._filled(account, theirs, theirs.fills[-1])
        elif isinstance(fact, events.Fill | events.OrderAccepted | events.OrderCancelled | events.OrderRejected):
            record = account.orders.get(fact.client_id)
            if record is not None and visible(record):
                yield from self._of_order(account, record, fact)

    def _of_order(self, account: VenueAccount, record: OrderRecord, fact: Event) -> Iterator[tuple[str, Row]]:
        """A stop tells of itself; once triggered the order it became tells of its fills."""
        filled = None
        if isinstance(fact, events.Fill):
            filled = next((one for one in record.fills if one.fill.fill_id == fact.fill_id), None)
        if record.is_stop and (not record.triggered or filled is record.fills[0]):
            yield "orders-algo", self._plan(record)
        if filled is not None:
            yield from self._filled(account, record, filled)
        elif not record.is_stop:
            yield "orders", self._order(account, record)

    def _filled(self, account: VenueAccount, record: OrderRecord, filled: FillRecord) -> Iterator[tuple[str, Row]]:
        yield "fill", {**fill_row(self._names, record, filled), "clientOid": client_oid(record)}
        yield "orders", self._order(account, record, filled)

    def _order(self, account: VenueAccount, record: OrderRecord, filled: FillRecord | None = None) -> Row:
        """In this channel's words; `filled` adds what only a message about a fill has."""
        row = order_row(account, self._names, record)
        sent = {name: row[name] for name in row if name not in ("symbol", "state", "baseVolume", "fee", "totalProfits")}
        sent |= {
            "instId": row["symbol"], "accBaseVolume": row["baseVolume"], "notionalUsd": row["quoteVolume"],
            "feeDetail": [{"feeCoin": currency(one.fill), "fee": plain(-one.fill.fee)} for one in record.fills],
            "reduceOnly": row["reduceOnly"].lower(), "price": row["price"] or "0", "stpMode": "none",
        }
        if filled is None:
            return sent
        fill = filled.fill
        return sent | {
            "fillPrice": plain(fill.price), "baseVolume": plain(fill.quantity_base), "fillTime": str(fill.time_ms),
            "fillFee": plain(-fill.fee), "fillFeeCoin": currency(fill), "tradeId": str(filled.number),
            "fillNotionalUsd": plain(fill.price * fill.quantity_base), "pnl": plain(filled.realised_usd),
            "tradeScope": "M" if fill.maker else "T",
        }

    def _plan(self, record: OrderRecord) -> Row:
        row = plan_row(self._names, record)
        shared = ("orderId", "clientOid", "triggerPrice", "triggerType", "price", "executePrice", "size", "orderType",
                  "side", "tradeSide", "posSide", "marginCoin", "posMode", "enterPointSource", "cTime", "uTime")
        return {name: row[name] for name in shared} | {
            "instId": row["symbol"], "triggerTime": row["uTime"], "planType": _PUSHED_STOP,
            "actualSize": row["baseVolume"] or "0", "status": row["planStatus"], "stopSurplusTriggerType": "",
            "stopLossTriggerType": row["triggerType"], "stpMode": "none",
        }
