"""OKX swaps, of the whole account.

An order that ended without a fill is in the history for two hours (documentation of "Order history", 2026): marks must
be renewed more often than that.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.venues.marks import RECENT_PAGES, OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_PAGE: Final = 100
_SWAP: Final[dict[str, Any]] = {"instType": "SWAP", "limit": str(_PAGE)}


class OkxMarks:
    """See `AccountMarks`."""

    away_pct = Decimal(8)

    async def recent(self, client: VenueCaller, traded: Sequence[TradedContract]) -> list[OrderMark]:
        del traded
        ended = await _pages(client, "privateGetTradeOrdersHistory", _SWAP)
        resting = await _pages(client, "privateGetTradeOrdersPending", _SWAP)
        stops = _SWAP | {"ordType": "conditional"}
        return [*ended, *resting, *await _pages(client, "privateGetTradeOrdersAlgoPending", stops)]

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        return immediate_or_cancel(client_id, traded, quantity_base, price, marginMode="isolated")


async def _pages(client: VenueCaller, method: str, query: dict[str, Any]) -> list[OrderMark]:
    """The newest come first."""
    found: list[OrderMark] = []
    for _ in range(RECENT_PAGES):
        rows = (await client.call(method, query))["data"]
        found += [_mark(row, resting="Pending" in method) for row in rows]
        if len(rows) < _PAGE:
            break
        query = query | {"after": str(rows[-1].get("ordId") or rows[-1]["algoId"])}
    return found


def _mark(row: dict[str, Any], *, resting: bool) -> OrderMark:
    return OrderMark(str(row.get("algoClOrdId") or row.get("clOrdId") or ""), int(row["cTime"]), resting)
