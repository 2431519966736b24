"""Binance USD-M: open orders come for the whole account, ended ones by contract.

An order that ended without a fill is listed for three days (documentation of "All Orders", 2026).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.venues.answers import as_it_is, ask
from liqbot.venues.marks import OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_PAGE: Final = 500
_ENDED: Final = ("FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED", "FINISHED", "TRIGGERED")


class _Order(msgspec.Struct):
    clientOrderId: str  # noqa: N815 -- the venue's names
    time: int
    status: str

    def mark(self) -> OrderMark:
        return OrderMark(self.clientOrderId, self.time, self.status not in _ENDED)


class _Algo(msgspec.Struct):
    clientAlgoId: str  # noqa: N815
    createTime: int  # noqa: N815

    def mark(self) -> OrderMark:
        return OrderMark(self.clientAlgoId, self.createTime, resting=True)


_ORDERS: Final = tuple[_Order, ...]
_ALGOS: Final = tuple[_Algo, ...]


class BinanceMarks:
    """See `AccountMarks`."""

    taken_codes: frozenset[str] = frozenset()
    away_pct = Decimal(4)
    """The filter PERCENT_PRICE of the largest contracts allows 5 %."""

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        found: list[OrderMark] = []
        queries = [({}, 40)] if everywhere else [({"symbol": one.market_id}, 1) for one in traded]
        for query, weight in queries:
            found += await _read(client, "fapiPrivateGetOpenOrders", query, _ORDERS, weight)
            found += await _read(client, "fapiPrivateGetOpenAlgoOrders", query, _ALGOS, weight)
        for one in traded:
            # Without a time or an id the newest are listed.
            newest = {"symbol": one.market_id, "limit": _PAGE}
            found += await _read(client, "fapiPrivateGetAllOrders", newest, _ORDERS, 5)
        return found

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        return immediate_or_cancel(client_id, traded, quantity_base, price)


async def _read(
    client: VenueCaller, method: str, query: dict[str, Any], shape: type[tuple[_Order | _Algo, ...]], weight: int
) -> list[OrderMark]:
    rows = await ask(client, "binance", method, query, shape=shape, read=as_it_is, weight=weight)
    return [row.mark() for row in rows]
