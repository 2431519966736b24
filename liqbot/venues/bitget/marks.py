"""Bitget's USDT contracts, of the whole account: what rests and what ended is listed for all contracts at once.

How long an order that ended without a fill is listed is not documented; marks are renewed more often than any venue
forgets them.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.venues.answers import Id, as_it_is, ask
from liqbot.venues.marks import RECENT_PAGES, OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_PAGE: Final = 100
_ASKED: Final[dict[str, Any]] = {"productType": "USDT-FUTURES", "limit": str(_PAGE)}


class _Order(msgspec.Struct):
    orderId: Id  # noqa: N815 -- the venue's names
    cTime: int  # noqa: N815
    clientOid: str | None = None  # noqa: N815


class _Rows(msgspec.Struct):
    entrustedList: tuple[_Order, ...] | None = None  # noqa: N815
    endId: Id | None = None  # noqa: N815


class _Answer(msgspec.Struct):
    data: _Rows


class BitgetMarks:
    """See `AccountMarks`."""

    taken_codes: frozenset[str] = frozenset()
    away_pct = Decimal(4)
    """Orders may be 5 % away from the market (`buyLimitPriceRatio` of the largest contracts)."""

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        del traded, everywhere  # sent without a request
        ended = await _pages(client, "privateMixGetV2MixOrderOrdersHistory", _ASKED)
        resting = await _pages(client, "privateMixGetV2MixOrderOrdersPending", _ASKED)
        stops = _ASKED | {"planType": "profit_loss"}
        return [*ended, *resting, *await _pages(client, "privateMixGetV2MixOrderOrdersPlanPending", stops)]

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        return immediate_or_cancel(client_id, traded, quantity_base, price, marginMode="isolated")


async def _pages(client: VenueCaller, method: str, query: dict[str, Any]) -> list[OrderMark]:
    """The newest come first."""
    found: list[OrderMark] = []
    for _ in range(RECENT_PAGES):
        answer = (await ask(client, "bitget", method, query, shape=_Answer, read=as_it_is)).data
        rows = answer.entrustedList or ()
        found += [OrderMark(row.clientOid or "", row.cTime, "Pending" in method) for row in rows]
        if len(rows) < _PAGE:
            break
        query = query | {"idLessThan": str(rows[-1].orderId)}
    return found
