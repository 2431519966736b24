"""Reads positions of accounts one by one, within a budget of requests, and tells what is known as snapshots."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from liqbot.connection.client import VenueClient
from liqbot.events import FeedDown, FeedUp, Liquidation, MarketEvent, OpenPosition
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.feed_status import FeedStatus
from liqbot.market.feeds.malformed_rows import MalformedRows
from liqbot.market.feeds.params import AccountReadingParams
from liqbot.market.feeds.ports import Clock
from liqbot.market.feeds.requests import answer_of
from liqbot.market.feeds.tracked_accounts import TrackedAccount, TrackedAccounts
from liqbot.venues.errors import VenueError
from liqbot.venues.parsing import MalformedMessage, Party, WireBook
from liqbot.venues.public_accounts import FillSource, PositionSource

Take = Callable[[Iterable[MarketEvent | FeedUp | FeedDown]], None]

FAILURES_MAX: Final = 5
"""In a row, before the positions are called down."""
FORCED_LATE_MS_MAX: Final = 120_000
"""A forced order found later than this is not published: the map would set it against a price path of another time."""
BEFORE_MS: Final = 5_000
"""Fills are requested from so long before the last reading."""
_IDLE_S: Final = 1.0
_log = structlog.get_logger()


class AccountReader:
    """Of one venue. What it learns goes to `take`."""

    def __init__(
        self, client: VenueClient, source: PositionSource, book: WireBook, clock: Clock, take: Take, stats: FeedStats,
        malformed: MalformedRows, params: AccountReadingParams,
    ) -> None:
        self._client, self._source, self._book, self._clock, self._take = client, source, book, clock, take
        self._stats, self._malformed, self._params = stats, malformed, params
        self._accounts = TrackedAccounts(params)
        self._accounts.add((name.lower() for name in params.names if source.is_account(name)), clock())
        self._passed: dict[int, tuple[float, float]] = {}
        """Lowest and highest mark per contract since positions were held against it."""
        self._failures = 0
        self._pause_s = 0.0 if source.reads_min is None else 60.0 / source.reads_min
        self._lines = [FeedStatus(feed="position", contract=one, silence_ms_max=None) for one in book.contracts]

    def start(self, group: asyncio.TaskGroup) -> None:
        group.create_task(self._read_on())
        group.create_task(self._publish_loop())

    def meet(self, parties: Iterable[Party]) -> None:
        self._accounts.meet(parties, self._clock())
        self._stats.accounts = len(self._accounts)

    def mark(self, index: int, price: float) -> None:
        """What contract `index` of the book is marked at now."""
        low, high = self._passed.get(index, (price, price))
        self._passed[index] = min(low, price), max(high, price)

    # --- reading ---------------------------------------------------------------------------------------------------

    async def _read_on(self) -> None:
        while True:
            passed, self._passed = self._passed, {}
            for index, (low, high) in passed.items():
                self._accounts.mark(index, low, high, self._clock())
            account = self._accounts.next(self._clock())
            if account is None:
                await asyncio.sleep(_IDLE_S)
                continue
            weight = await self._read(account)
            await asyncio.sleep(max(60.0 * weight / self._params.weight_min, self._pause_s))

    async def _read(self, account: TrackedAccount) -> int:
        """The weight of the requests made."""
        source, before_ms = self._source, account.read_ms
        self._stats.account_reads += 1
        try:
            held = await answer_of(
                self._client, source.method, source.params(account.name), source.weight,
                lambda payload: source.parse(payload, self._book), self._malformed.message,
            )
        except (VenueError, MalformedMessage) as error:
            self._failed(error)
            self._accounts.put_off(account, self._clock())
            return source.weight
        self._failures = 0
        now_ms = self._clock()
        closed, fills = self._accounts.read(account, held, now_ms), source.fills
        if not closed or fills is None:
            return source.weight
        await self._forced(fills, account.name, before_ms - BEFORE_MS, now_ms)
        return source.weight + fills.weight

    async def _forced(self, source: FillSource, name: str, since_ms: int, now_ms: int) -> None:
        try:
            found = await answer_of(
                self._client, source.method, source.params(name, max(since_ms, 0), now_ms), source.weight,
                lambda payload: source.parse(payload, self._book, name), self._malformed.message,
            )
        except (VenueError, MalformedMessage) as error:
            self._failed(error)
            return
        self._malformed.take(self._book)
        timely: list[Liquidation] = [one for one in found if self._clock() - one.time_ms <= FORCED_LATE_MS_MAX]
        self._stats.forced_orders += len(timely)
        self._stats.forced_orders_late += len(found) - len(timely)
        self._take(timely)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._stats.account_failures += 1
        if self._failures == FAILURES_MAX:
            _log.warning("positions cannot be read", venue=self._client.venue, reason=str(error))
            for line in self._lines:
                self._take(line.fall(self._clock(), str(error)))

    # --- telling ---------------------------------------------------------------------------------------------------

    async def _publish_loop(self) -> None:
        while True:
            await asyncio.sleep(self._params.snapshot_s)
            self.publish()

    def publish(self) -> None:
        """One snapshot of each contract of which anything is known. Nothing while requests fail: what is known ages."""
        if self._failures >= FAILURES_MAX:
            return
        now_ms, published, unpriced = self._clock(), 0, 0.0
        for index, contract in enumerate(self._book.contracts):
            known = list(self._accounts.reportable(index, now_ms))
            facts = [
                OpenPosition(time_ms=now_ms, venue=contract.venue_key, coin=contract.coin, side=one.side,
                             price=one.liquidation_price, size_usd=one.size_usd)
                for one in known if one.liquidation_price is not None
            ]
            unpriced += sum(one.size_usd for one in known if one.liquidation_price is None)
            published += len(facts)
            if facts:
                self._take(self._lines[index].rise(now_ms))
                self._take(facts)
        self._stats.positions_told, self._stats.unpriced_usd = published, unpriced
