"""OKX swaps, of the whole account.

An order that ended without a fill is in the history for two hours (documentation of "Order history", 2026): marks must
be renewed more often than that.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.venues.answers import as_it_is, ask
from liqbot.venues.marks import RECENT_PAGES, OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_PAGE: Final = 100
_SWAP: Final[dict[str, Any]] = {"instType": "SWAP", "limit": str(_PAGE)}


class _Order(msgspec.Struct):
    cTime: int  # noqa: N815 -- the venue's names
    ordId: str = ""  # noqa: N815
    algoId: str = ""  # noqa: N815
    clOrdId: str = ""  # noqa: N815
    algoClOrdId: str = ""  # noqa: N815

    def mark(self, *, resting: bool) -> OrderMark:
        """An order that a stop has become bears the stop's name."""
        return OrderMark(self.algoClOrdId or self.clOrdId, self.cTime, resting)


class _Answer(msgspec.Struct):
    data: tuple[_Order, ...]


class OkxMarks:
    """See `AccountMarks`."""

    taken_codes: frozenset[str] = frozenset()
    away_pct = Decimal(8)

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        del traded, everywhere  # sent without a request
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
        rows = (await ask(client, "okx", method, query, shape=_Answer, read=as_it_is)).data
        found += [row.mark(resting="Pending" in method) for row in rows]
        if len(rows) < _PAGE:
            break
        query = query | {"after": rows[-1].ordId or rows[-1].algoId}
    return found
