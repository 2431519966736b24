"""Bybit linear, of the whole account. What ended of late is shown at once by the list of current orders, and a little
later by the history.

An order that ended without a fill is in the history for 24 hours (documentation of "Get Order History", 2026).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.venues.answers import as_it_is, ask
from liqbot.venues.marks import RECENT_PAGES, OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_PAGE: Final = 50
_LINEAR: Final[dict[str, Any]] = {"category": "linear", "limit": _PAGE}
_RESTING: Final = ("New", "Created", "PartiallyFilled", "Untriggered", "Triggered", "Active", "PendingCancel")


class _Order(msgspec.Struct):
    orderId: str  # noqa: N815 -- the venue's names
    orderLinkId: str  # noqa: N815
    createdTime: int  # noqa: N815
    orderStatus: str  # noqa: N815

    def mark(self) -> OrderMark:
        return OrderMark(self.orderLinkId, self.createdTime, self.orderStatus in _RESTING)


class _List(msgspec.Struct):
    list: tuple[_Order, ...]
    nextPageCursor: str = ""  # noqa: N815


class _Answer(msgspec.Struct):
    result: _List


class BybitMarks:
    """See `AccountMarks`."""

    taken_codes: frozenset[str] = frozenset()
    away_pct = Decimal(8)

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        del traded, everywhere  # sent without a request
        current = _LINEAR | {"settleCoin": "USDT"}
        ended = await _pages(client, "privateGetV5OrderHistory", _LINEAR)
        ended |= await _pages(client, "privateGetV5OrderRealtime", current | {"openOnly": 1})
        return list((ended | await _pages(client, "privateGetV5OrderRealtime", current)).values())

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        return immediate_or_cancel(client_id, traded, quantity_base, price)


async def _pages(client: VenueCaller, method: str, query: dict[str, Any]) -> dict[str, OrderMark]:
    """By the venue's id; the newest come first."""
    found: dict[str, OrderMark] = {}
    for _ in range(RECENT_PAGES):
        page = (await ask(client, "bybit", method, query, shape=_Answer, read=as_it_is)).result
        found |= {row.orderId: row.mark() for row in page.list}
        if not page.nextPageCursor or len(page.list) < _PAGE:
            break
        query = query | {"cursor": page.nextPageCursor}
    return found
