"""Requests made again and again: what no stream carries, and what makes the picture whole after a gap."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog

from liqbot.connection.client import VenueClient
from liqbot.events import FeedDown, FeedUp, MarketEvent
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.feed_status import FeedStatus
from liqbot.market.feeds.malformed_rows import MalformedRows
from liqbot.market.feeds.ports import NO_RAW_SINK, Clock, RawSink
from liqbot.market.feeds.requests import answer_of
from liqbot.venues.errors import AnswerMalformed, VenueError
from liqbot.venues.parsing import MalformedMessage, WireBook, WireContract
from liqbot.venues.streams import Poll, VenueWire

Take = Callable[[Iterable[MarketEvent | FeedUp | FeedDown]], None]

FAILURES_MAX: Final = 3
"""In a row, before a feed that only requests carry is called down."""
_SETTLE_S: Final = 0.5
_log = structlog.get_logger()


class Polls:
    """Every poll of a venue for every contract it concerns. What they learn goes to `take`."""

    def __init__(
        self, client: VenueClient, wire: VenueWire, book: WireBook, clock: Clock, take: Take, stats: FeedStats,
        malformed: MalformedRows | None = None, raw: RawSink = NO_RAW_SINK,
        on_refusal: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._venue, self._raw, self._on_refusal = wire.venue, raw, on_refusal
        self._client, self._book, self._clock, self._take, self._stats = client, book, clock, take, stats
        self._malformed = malformed or MalformedRows(stats, clock)
        self._wanted = asyncio.Event()
        streamed = {feed for stream in wire.streams for feed in stream.feeds}
        self._jobs = [
            _Job(number, poll, contract, carries=poll.feed not in streamed)
            for number, (poll, contract) in enumerate(
                (poll, contract) for poll in wire.polls for contract in self._contracts(poll)
            )
        ]

    def _contracts(self, poll: Poll) -> list[WireContract]:
        kind = [one for one in self._book.contracts if poll.inverse is None or one.inverse is poll.inverse]
        return kind if poll.each else kind[:1]

    def start(self, group: asyncio.TaskGroup) -> None:
        for job in self._jobs:
            group.create_task(self._repeat(job))
        group.create_task(self._resyncs())

    def resync(self) -> None:
        """Ask soon for everything that a gap may have changed. Several wishes in a moment are one."""
        self._wanted.set()

    async def _repeat(self, job: "_Job") -> None:
        while True:
            await self._ask(job)
            # Soon again while the first answer is missing: everything else waits for prices.
            missing = job.line is not None and job.line.state == "new"
            await asyncio.sleep(min(1.0, job.poll.period_ms / 1_000) if missing else job.poll.period_ms / 1_000)

    async def _resyncs(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(_SETTLE_S)
            self._wanted.clear()
            self._stats.resyncs += 1
            for job in self._jobs:
                if job.poll.resync:
                    await self._ask(job)

    async def _ask(self, job: "_Job") -> None:
        self._stats.polls += 1
        poll = job.poll
        try:
            facts = await answer_of(
                self._client, poll.method, poll.params(job.contract), poll.weight,
                lambda payload: self._read(job, payload), self._malformed.message,
            )
        except (VenueError, MalformedMessage) as error:
            self._failed(job, error)
            return
        self._answered(job, facts)

    def answered_again(self, number: int, payload: Any) -> None:
        """As a recording of the n-th request's answers says."""
        job = self._jobs[number]
        try:
            facts = self._read(job, payload)
        except MalformedMessage as error:
            self._malformed.message(error)
            return
        self._answered(job, facts)

    def _read(self, job: "_Job", payload: Any) -> list[MarketEvent]:
        now_ms = self._clock()
        self._raw.answer(self._venue, job.number, payload, now_ms)
        return job.poll.parse(payload, self._book, now_ms)

    def _answered(self, job: "_Job", facts: list[MarketEvent]) -> None:
        self._malformed.take(self._book)
        job.failures = 0
        self._stats.facts += len(facts)
        if job.line is not None and (facts or job.poll.feed == "index"):
            self._take(job.line.rise(self._clock()))
        self._take(facts)

    def _failed(self, job: "_Job", error: Exception) -> None:
        self._on_refusal(error)
        job.failures += 1
        self._stats.poll_failures += 1
        if isinstance(error, AnswerMalformed):
            self._stats.malformed += 1
            self._stats.malformed_newest = str(error)
        if job.failures == FAILURES_MAX:
            _log.warning("requests fail", venue=self._client.venue, feed=job.poll.feed, reason=str(error))
            if job.line is not None:
                self._take(job.line.fall(self._clock(), str(error)))


class _Job:
    def __init__(self, number: int, poll: Poll, contract: WireContract, *, carries: bool) -> None:
        """`carries`: no stream carries this feed, so what becomes of it is said by this job."""
        self.number, self.poll, self.contract, self.failures = number, poll, contract, 0
        self.line = FeedStatus(feed=poll.feed, contract=contract, silence_ms_max=None) if carries else None
