"""Reads back stops that rode on an entry: one counts when the venue shows it as asked for; a missing one is said to be
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
"""Before one that is not as asked for is cancelled: bad protection until there is better."""
_log = structlog.get_logger(__name__)


class AttachedStopReader:
    """Of one account."""

    def __init__(
        self, client: VenueCaller, adapter: TradingAdapter, orders: OrderCache, resolver: OrderStatusResolver
    ) -> None:
        self._client, self._adapter, self._orders, self._resolver = client, adapter, orders, resolver

    async def read(self, asked: QueryOrder, traded: TradedContract) -> None:
        """Publish what became of it. VenueError when the venue does not answer."""
        report = None
        for wait_s in LOOKS_S:
            await asyncio.sleep(wait_s)
            report = await self._resolver.query(asked.client_id, traded)
            if report is not None:
                break
        if report is None:
            self._resolver.missing(asked.client_id, traded)
            return
        wrong = attached_mismatch(asked, report) if report.status is OrderStatus.RESTING else ""
        if wrong:
            await self._refuse(asked, traded, wrong)
        else:
            self._orders.checked(asked.client_id, asyncio.get_running_loop().time())
            await self._resolver.publish_report(asked.client_id, traded, report)

    async def _refuse(self, asked: QueryOrder, traded: TradedContract, wrong: str) -> None:
        now_ms, reason = self._orders.clock(), f"{asked.venue} did not place the stop as it rode on its entry: {wrong}"
        _log.error("stop misplaced", client_id=asked.client_id, reason=wrong)
        self._orders.publish(
            Halt(time_ms=now_ms, code=HaltCode.STOP_MISPLACED, reason=reason),
            OrderRejected(
                time_ms=now_ms, venue=asked.venue, coin=asked.coin, client_id=asked.client_id, code="STOP_MISREAD",
                reason=wrong,
            ),
        )
        await asyncio.sleep(SUCCESSOR_S)
        call = self._adapter.cancel(asked.client_id, traded, stop=True)
        await self._client.call(call.method, *call.args, weight=call.weight, channel="priority", retry="read")


def attached_mismatch(asked: QueryOrder, report: OrderReport) -> str:
    """What about a resting stop is not as it was sent with its entry; empty when all is. That it can only reduce is
    documented where it may stay; where it is not, it is replaced anyway."""
    if not report.on_mark:
        return "it does not trigger on the mark price"
    if asked.stop_price is not None and report.trigger_price != asked.stop_price:
        return f"its trigger is {report.trigger_price}, not {asked.stop_price}"
    covers = report.whole_position or asked.stop_base is None or report.quantity_base >= asked.stop_base
    return "" if covers else f"its quantity is {report.quantity_base}, less than {asked.stop_base}"
