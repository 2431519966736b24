"""Binance USD-M: open orders come for the whole account, ended ones by contract.

An order that ended without a fill is listed for three days (documentation of "All Orders", 2026).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.venues.marks import OrderMark, immediate_or_cancel
from liqbot.venues.trading import Call, TradedContract, VenueCaller

_PAGE: Final = 500
_ENDED: Final = ("FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED", "FINISHED", "TRIGGERED")


class BinanceMarks:
    """See `AccountMarks`."""

    away_pct = Decimal(4)
    """The filter PERCENT_PRICE of the largest contracts allows 5 %."""

    async def recent(self, client: VenueCaller, traded: Sequence[TradedContract]) -> list[OrderMark]:
        found = [_mark(row) for row in await client.call("fapiPrivateGetOpenOrders", {}, weight=40)]
        stops = await client.call("fapiPrivateGetOpenAlgoOrders", {}, weight=40)
        found += [OrderMark(str(row["clientAlgoId"]), int(row["createTime"]), resting=True) for row in stops]
        for one in traded:
            # Without a time or an id the newest are listed.
            query = {"symbol": one.market_id, "limit": _PAGE}
            found += [_mark(row) for row in await client.call("fapiPrivateGetAllOrders", query, weight=5)]
        return found

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        return immediate_or_cancel(client_id, traded, quantity_base, price)


def _mark(row: dict[str, Any]) -> OrderMark:
    return OrderMark(str(row["clientOrderId"]), int(row["time"]), str(row["status"]) not in _ENDED)
