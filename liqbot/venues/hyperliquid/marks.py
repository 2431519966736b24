"""Hyperliquid, of the whole account: what rests, and the 2,000 newest orders whatever became of them, refused ones
included ("Retrieve a user's historical orders", copy of 2025-11-30)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from liqbot.venues.answers import TimeMs, ask, rows_about
from liqbot.venues.hyperliquid.client_ids import client_id_of, cloid_of
from liqbot.venues.marks import OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_USUAL, _ROWS_MAX, _ROWS_PER_UNIT = 20, 2_000, 20
"""A list weighs as other questions do, and a unit for each twenty rows that it has."""


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

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        """How many orders an account had in its list; one that was not read yet may have all."""

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        del traded, everywhere  # sent without a request
        account = client.addresses.account
        weight = _USUAL + min(_ROWS_MAX, self._rows.get(account, _ROWS_MAX)) // _ROWS_PER_UNIT + 1

        def ended(rows: list[Any]) -> list[OrderMark]:
            self._rows[account] = len(rows)
            return _ended(rows)

        past = await _rows(client, "historicalOrders", weight, ended)
        return past + await _rows(client, "frontendOpenOrders", _USUAL, _resting)

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
