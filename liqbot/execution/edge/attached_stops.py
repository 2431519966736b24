"""Reads back stops that rode on an entry: one counts when the venue shows it as sent; a missing one is said to be
missing soon, because another must take its place."""

import asyncio
from typing import Final

import structlog

from liqbot.commands import QueryOrder
from liqbot.events import Halt, HaltCode, OrderRejected
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.execution.edge.order_status import OrderStatusResolver
from liqbot.venues.trading import OrderReport, OrderStatus, TradedContract, TradingAdapter, VenueCaller

LOOKS_S: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.35)
"""Waits before each look: venues make such a stop a moment after the fill. A second in all."""
SUCCESSOR_S: Final = 1.0
"""Before one that is not as sent is cancelled: it protects until its successor rests."""
_log = structlog.get_logger(__name__)


class AttachedStopReader:
    """Of one account."""

    def __init__(
        self, client: VenueCaller, adapter: TradingAdapter, orders: OrderCache, resolver: OrderStatusResolver
    ) -> None:
        self._client, self._adapter, self._orders, self._resolver = client, adapter, orders, resolver

    async def read(self, query: QueryOrder, traded: TradedContract) -> None:
        """Publish what became of it. VenueError when the venue does not answer."""
        report = None
        for wait_s in LOOKS_S:
            await asyncio.sleep(wait_s)
            report = await self._resolver.query(query.client_id, traded)
            if report is not None:
                break
        if report is None:
            self._resolver.missing(query.client_id, traded)
            return
        wrong = attached_mismatch(query, report) if report.status is OrderStatus.RESTING else ""
        if wrong:
            await self._refuse(query, traded, wrong)
        else:
            self._orders.checked(query.client_id, asyncio.get_running_loop().time())
            await self._resolver.publish_report(query.client_id, traded, report)

    async def _refuse(self, query: QueryOrder, traded: TradedContract, wrong: str) -> None:
        now_ms, reason = self._orders.clock(), f"{query.venue} did not place the stop as it rode on its entry: {wrong}"
        _log.error("stop misplaced", client_id=query.client_id, reason=wrong)
        self._orders.publish(
            Halt(time_ms=now_ms, code=HaltCode.STOP_MISPLACED, reason=reason),
            OrderRejected(
                time_ms=now_ms, venue=query.venue, coin=query.coin, client_id=query.client_id, code="STOP_MISREAD",
                reason=wrong,
            ),
        )
        await asyncio.sleep(SUCCESSOR_S)
        call = self._adapter.cancel(query.client_id, traded, stop=True)
        await self._client.call(call.method, *call.args, weight=call.weight, channel="priority", retry="read")


def attached_mismatch(query: QueryOrder, report: OrderReport) -> str:
    """What about a resting stop is not as it was sent with its entry; empty when all is. That it can only reduce is
    documented where it may stay; where it is not, it is replaced anyway."""
    if not report.on_mark:
        return "it does not trigger on the mark price"
    if query.stop_price is not None and report.trigger_price != query.stop_price:
        return f"its trigger is {report.trigger_price}, not {query.stop_price}"
    covers = report.whole_position or query.stop_base is None or report.quantity_base >= query.stop_base
    return "" if covers else f"its quantity is {report.quantity_base}, less than {query.stop_base}"
