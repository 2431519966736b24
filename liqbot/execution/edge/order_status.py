"""Resolves what became of an order and publishes it: acceptance, fills, end. Only reads; nothing is ever sent again."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import structlog

from liqbot.commands import Purpose
from liqbot.events import OrderAccepted, OrderCancelled, OrderMissing, OrderRejected
from liqbot.execution import client_order_id
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.venues.entry_stops import entry_of
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import (
    ZERO,
    Addresses,
    Channel,
    Decode,
    OrderReport,
    OrderStatus,
    Retry,
    TradedContract,
    TradeReport,
    TradingAdapter,
    VenueCaller,
)

FILLS_LAG_S: Final = (0.0, 0.15, 0.3, 0.6)
"""Waits before looking for fills that an order says it has: venues list them a moment later."""
QUERY_S_MAX: Final = 2.0
GIVE_UP_S: Final = 15.0
CLOCK_MS: Final = 1_000
"""By so much may our clock be ahead of the venue's, which judges by its own."""
OVERLAP_MS: Final = 120_000
"""How far back histories are read again: venues list some rows late."""
SETTLED_MS: Final = 60_000
"""How old a fill is when a venue that does not know its order is believed."""
_log = structlog.get_logger(__name__)


class ChannelCaller:
    """A caller whose requests all take one channel."""

    def __init__(self, client: VenueCaller, channel: Channel) -> None:
        self._client, self._channel = client, channel

    @property
    def addresses(self) -> Addresses:
        return self._client.addresses

    async def call(
        self, method: str, *args: Any, weight: int = 1, channel: Channel = "normal", retry: Retry = "read",
        decode: Decode | None = None,
    ) -> Any:
        del channel
        return await self._client.call(
            method, *args, weight=weight, channel=self._channel, retry=retry, decode=decode
        )


class OrderStatusResolver:
    """Shared by whoever sends, listens and reconciles."""

    def __init__(
        self, client: VenueCaller, adapter: TradingAdapter, orders: OrderCache, *, trades_since_ms: int,
        began_s: float | None = None,
    ) -> None:
        """`began_s`: what this process did not send left before that, on the loop's clock; None: before now."""
        self._client, self._urgent = client, ChannelCaller(client, "urgent")
        self._adapter, self.orders = adapter, orders
        self.trades_since_ms = trades_since_ms
        """Fills of every contract before this have been published; moved on by reconciliations."""
        self._read_to_ms: dict[str, int] = {}
        """By coin: how far the fills have been read, where that is further."""
        self._born_s = asyncio.get_running_loop().time() if began_s is None else began_s
        self._ownerless: dict[str, dict[str, TradeReport]] = {}
        """By coin and trade id: executions that were read, of orders that are not known to be anybody's yet."""
        self._reading: dict[str, asyncio.Lock] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def query(self, client_id: str, traded: TradedContract) -> OrderReport | None:
        """The venue's report on an order of ours, None when it knows none; VenueError without an answer."""
        stop = client_order_id.purpose_of(client_id) is Purpose.STOP
        # Of an entry too: if it has filled, a position is open that needs a stop.
        report = await self._adapter.order(self._urgent, traded, client_id, stop=stop)
        if report is not None:
            for venue_id in (report.venue_order_id, report.fills_order_id):
                self.orders.link(traded.instrument.coin, venue_id, client_id)
        return report

    async def publish_report(self, client_id: str, traded: TradedContract, report: OrderReport) -> None:
        """Publish everything that `report` says; fills first, because an end without them would look like a failure.
        Of an order in a state that is not known its fills alone: the order manager goes on asking."""
        if report.filled_base > self.orders.filled_base.get(client_id, ZERO):
            await self._find_fills(client_id, traded, report)
        now: dict[str, Any] = {
            "time_ms": self.orders.clock(), "venue": traded.instrument.venue, "coin": traded.instrument.coin
        }
        reason = report.reason or report.status.value
        if report.status is OrderStatus.RESTING:
            if entry_of(client_id) is not None and client_id not in self.orders.checked_s:
                return  # the order manager asks for it, and says how it must be
            self.orders.publish(OrderAccepted(**now, client_id=client_id, venue_order_id=report.venue_order_id))
        elif report.status is OrderStatus.REJECTED and not report.filled_base:
            self.orders.publish(OrderRejected(**now, client_id=client_id, code="REJECTED", reason=reason))
        elif report.status is OrderStatus.CANCELLED:
            self.orders.publish(OrderCancelled(**now, client_id=client_id, reason=reason))

    async def _find_fills(self, client_id: str, traded: TradedContract, report: OrderReport) -> None:
        """Whose the order's fills are is known by its report: nothing else that was traded meanwhile is waited for."""
        for wait_s in FILLS_LAG_S:
            await asyncio.sleep(wait_s)
            await self.read_fills(traded)
            if report.filled_base <= self.orders.filled_base.get(client_id, ZERO):
                return
        _log.warning("fills not listed yet", client_id=client_id, filled_base=str(report.filled_base))

    async def read_fills(self, traded: TradedContract) -> None:
        """Publish all executions that are new and known to be ours. Urgent: one of them may have opened a position that
        needs a stop."""
        await self._read(traded, self._urgent)

    async def catch_up(self, traded: TradedContract) -> None:
        """Publish all executions that were not published yet."""
        await self._read(traded, self._client)
        await self.find_owners(traded)

    async def _read(self, traded: TradedContract, client: VenueCaller) -> None:
        """All executions that are new: those whose owner is known are published, the others wait for theirs."""
        coin = traded.instrument.coin
        async with self._reading.setdefault(coin, asyncio.Lock()):
            self._publish_known(traded)
            since_ms, now_ms = max(self._read_to_ms.get(coin, 0), self.trades_since_ms), self.orders.clock()
            async for part in self._adapter.trades(client, traded, since_ms, now_ms):
                self._ownerless.setdefault(coin, {}).update((trade.trade_id, trade) for trade in part.rows)
                self._publish_known(traded)
                # Published or kept to there, whatever becomes of the rest.
                self._read_to_ms[coin] = min(part.read_to_ms, now_ms) - OVERLAP_MS

    def _publish_known(self, traded: TradedContract) -> None:
        coin = traded.instrument.coin
        waiting = self._ownerless.get(coin, {})
        for trade in list(waiting.values()):
            owner = self.orders.owner(coin, trade)
            if owner is not None:
                del waiting[trade.trade_id]
                self.orders.trade(traded, trade, owner)

    async def find_owners(self, traded: TradedContract) -> None:
        """Of what `read_fills` has left, publish what is ours after all: a request for each order. Not urgent: others'
        orders may be many, and would use up what is kept for a stop."""
        coin = traded.instrument.coin
        waiting = self._ownerless.get(coin, {})
        async with self._asking.setdefault(coin, asyncio.Lock()):
            for trade in list(waiting.values()):
                if trade.trade_id in waiting:
                    owner = await self.owner(traded, trade)
                    if waiting.pop(trade.trade_id, None) is not None:
                        self.orders.trade(traded, trade, owner)

    async def owner(self, traded: TradedContract, trade: TradeReport) -> str:
        """Client id of ours; empty when it is none of ours."""
        coin = traded.instrument.coin
        owner = self.orders.owner(coin, trade)
        if owner is None:
            found = await self._adapter.owner(self._client, traded, trade.venue_order_id)
            owner = found if self.orders.ours(found) else ""
            # A venue lists a fill before the order, now and then: "not known" is believed of what is not new.
            if found or self.orders.clock() - trade.time_ms > SETTLED_MS:
                self.orders.link(coin, trade.venue_order_id, owner)
        return owner

    # --- orders of unknown outcome ----------------------------------------------------------------------------------

    def still_on_its_way(self, client_id: str) -> bool:
        """Whether a request for it may yet be carried out: then "no such order" proves nothing."""
        sent_s = self.orders.sent_s.get(client_id, self._born_s)
        return asyncio.get_running_loop().time() < sent_s + self._valid_s(client_id)

    def _valid_s(self, client_id: str) -> float:
        stop = client_order_id.purpose_of(client_id) is Purpose.STOP
        valid_ms = self._adapter.stop_valid_ms if stop else self._adapter.valid_ms
        return (valid_ms + CLOCK_MS) / 1000

    async def resolve(self, client_id: str, traded: TradedContract) -> None:
        """Answer a query of the order manager. Silent while no answer can be trusted: it will be repeated."""
        if client_id in self.orders.submitting:
            return
        report = await self.query(client_id, traded)
        if report is not None:
            await self.publish_report(client_id, traded, report)
        elif entry_of(client_id) is None and not self.still_on_its_way(client_id):
            self.missing(client_id, traded)

    async def await_report(self, client_id: str, traded: TradedContract) -> OrderReport | None:
        """Query an order whose answer was lost until the venue knows it, or until it cannot arrive any more
        (OrderMissing is published). None also when the venue does not answer for long: the order manager's own
        queries go on."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + self._valid_s(client_id) + GIVE_UP_S
        for wait_s in _waits():
            await asyncio.sleep(wait_s)
            too_late = not self.still_on_its_way(client_id)
            try:
                report = await self.query(client_id, traded)
            except VenueError as error:
                _log.warning("no report about an order", client_id=client_id, error=str(error))
                if loop.time() > give_up_s:
                    return None
                continue
            if report is not None and report.status is not OrderStatus.UNKNOWN:
                return report
            if report is not None:
                if loop.time() > give_up_s:
                    return report
                continue
            if too_late:
                self.missing(client_id, traded)
                return None
        return None

    def missing(self, client_id: str, traded: TradedContract) -> None:
        """The venue knows no such order, and none can arrive any more."""
        instrument = traded.instrument
        fact = OrderMissing(
            time_ms=self.orders.clock(), venue=instrument.venue, coin=instrument.coin, client_id=client_id
        )
        self.orders.publish(fact)


def _waits() -> Iterator[float]:
    wait_s = 0.1
    while True:
        yield wait_s
        wait_s = min(wait_s * 2, QUERY_S_MAX)
