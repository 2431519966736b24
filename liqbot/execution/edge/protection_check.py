"""Whether the stops still rest: checked first of all at a start, and every few seconds while a position is open.

The user stream is only a hint, and a full reading is long and seldom. This one is light: what rests, in the urgent
channel. A stop that is not there is looked up by its name, and what became of it is published; the engine decides.
Where the list of what rests is dear every stop is looked up at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from liqbot.events import OrderMissing
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.execution.edge.order_status import ChannelCaller, OrderStatusResolver
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import OrderStatus, TradedContract, TradingAdapter, VenueCaller

AGAIN_S: Final = 1.0
"""Between two tries of the first reading."""
SPACING_S: Final = 1.0
"""Between two coins: a stop that has to leave finds room in the channel."""
_log = structlog.get_logger(__name__)
Watched = Callable[[], Mapping[str, Sequence[str]]]
"""For each coin with an open position the client ids of the confirmed stops that should rest."""


def nothing_watched() -> Mapping[str, Sequence[str]]:
    """For an account whose positions nobody knows."""
    return {}


class ProtectionCheck:
    """Of one account. `first` is set once the first reading has been made, or has failed once."""

    def __init__(
        self, client: VenueCaller, adapter: TradingAdapter, traded: Sequence[TradedContract], orders: OrderCache,
        resolver: OrderStatusResolver, watched: Watched, *, period_s: float, at_once: bool,
        by_name: bool = False,
    ) -> None:
        """`at_once`: a position may be open, so everything begins with a reading of fills and stops. `by_name`: see
        `VenueSpec.stops_by_name`."""
        self._client, self._adapter, self._traded = ChannelCaller(client, "urgent"), adapter, tuple(traded)
        self._orders, self._resolver, self._watched, self._period_s = orders, resolver, watched, period_s
        self._at_once, self._by_name = at_once, by_name
        self._unclear: set[str] = set()
        """Stops that do not rest, and that the venue has named once in a state that nobody knows."""
        self.tried = asyncio.Event()
        self.readings = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as beside:
            while self._at_once and not await self._first():
                self.tried.set()
                await asyncio.sleep(AGAIN_S)
            self.tried.set()
            if self._at_once:
                for traded in self._traded:
                    beside.create_task(self._fills(traded, self._resolver.find_owners))
            await self._checks()

    async def _checks(self) -> None:
        while True:
            watched = self._watched()
            held = [traded for traded in self._traded if traded.instrument.coin in watched]
            for traded in held:
                await self._check(traded, watched[traded.instrument.coin])
                await asyncio.sleep(max(SPACING_S, self._period_s / len(held)))
            if not held:
                await asyncio.sleep(self._period_s)

    async def _first(self) -> bool:
        """Fills that were never reported open a position, and stops that have gone leave one naked. Whose the fills of
        an order are that nobody has asked about takes a request each, for as many orders as there were: see `run`."""
        watched = self._watched()
        found = await asyncio.gather(
            *(self._check(traded, watched.get(traded.instrument.coin, ())) for traded in self._traded),
            *(self._fills(traded, self._resolver.read_fills) for traded in self._traded),
        )
        return all(found)

    async def _fills(self, traded: TradedContract, read: Callable[[TradedContract], Awaitable[None]]) -> bool:
        """False when the venue gave no answer; every reading of the account goes on with it."""
        try:
            await read(traded)
        except VenueError as error:
            _log.warning("fills not read", coin=traded.instrument.coin, error=str(error))
            return False
        return True

    async def _check(self, traded: TradedContract, expected: Sequence[str]) -> bool:
        """False when the venue gave no answer."""
        try:
            listed = () if self._by_name else await self._adapter.resting(self._client, traded)
            resting = {report.client_id for report in listed}
            self._unclear -= resting
            for client_id in expected:
                if client_id not in resting and client_id not in self._orders.submitting:
                    await self._look_up(client_id, traded)
        except VenueError as error:
            _log.warning("stops not read", coin=traded.instrument.coin, error=str(error))
            return False
        self.readings += 1
        return True

    async def _look_up(self, client_id: str, traded: TradedContract) -> None:
        """It was confirmed once, so no request for it is still on its way: not known now is gone. So is what neither
        rests nor is in a state that we understand, twice."""
        report = await self._resolver.query(client_id, traded)
        if self._by_name and report is not None and report.status is OrderStatus.RESTING:
            self._unclear.discard(client_id)
            return
        unclear = report is not None and report.status is OrderStatus.UNKNOWN
        if report is not None and not (unclear and client_id in self._unclear):
            self._unclear |= {client_id} if unclear else set()
            await self._resolver.publish_report(client_id, traded, report)
            return
        _log.error("a stop has gone", client_id=client_id, coin=traded.instrument.coin)
        instrument = traded.instrument
        self._orders.publish(OrderMissing(
            time_ms=self._orders.clock(), venue=instrument.venue, coin=instrument.coin, client_id=client_id
        ))  # fmt: skip
