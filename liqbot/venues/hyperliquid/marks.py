"""Hyperliquid, of the whole account: what rests, and the 2,000 newest orders whatever became of them, refused ones
included ("Retrieve a user's historical orders", copy of 2025-11-30)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.venues.answers import TimeMs, ask, rows_about
from liqbot.venues.hyperliquid.client_ids import client_id_of, cloid_of
from liqbot.venues.marks import OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_LISTED: Final = 120
"""Weight of 2,000 rows."""


class _Order(msgspec.Struct):
    timestamp: TimeMs
    cloid: str | None = None


class _Past(msgspec.Struct):
    order: _Order


class HyperliquidMarks:
    """See `AccountMarks`."""

    away_pct = Decimal(8)
    taken_codes = frozenset(("IocCancel",))
    """An immediate order that meets nobody is refused, and listed all the same."""

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        del traded, everywhere  # sent without a request
        past = await _rows(client, "historicalOrders", _LISTED, _ended)
        return past + await _rows(client, "frontendOpenOrders", 20, _resting)

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        return immediate_or_cancel(cloid_of(client_id), traded, quantity_base, price)


def _ended(rows: list[Any]) -> list[OrderMark]:
    return [OrderMark(client_id_of(row.order.cloid), row.order.timestamp, resting=False)
            for row in rows_about(rows, _Past, {}) if row.order.cloid]


def _resting(rows: list[Any]) -> list[OrderMark]:
    return [OrderMark(client_id_of(row.cloid), row.timestamp, resting=True)
            for row in rows_about(rows, _Order, {}) if row.cloid]


async def _rows(client: VenueCaller, kind: str, weight: int, read: Any) -> list[OrderMark]:
    question = {"type": kind, "user": client.addresses.account}
    found: list[OrderMark] = await ask(
        client, "hyperliquid", "publicPostInfo", question, shape=list[Any], read=read, weight=weight
    )
    return found
