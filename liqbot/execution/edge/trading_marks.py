"""The mark in the market where our orders rest, read through the connection that they leave by.

It is asked for as the feeds ask for production's, by the venue's own table; the account's connection talks to the test
network or the demo, so that is whose mark answers.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import structlog

from liqbot.blocks import Roster
from liqbot.connection.instruments import wire_book
from liqbot.events import MarkPrice, TradingMark
from liqbot.execution.edge.order_cache import Clock, Publish
from liqbot.venues.errors import AnswerMalformed, VenueError
from liqbot.venues.parsing import MalformedMessage, WireBook
from liqbot.venues.registry import mark_poll_of
from liqbot.venues.spec import VenueSpec
from liqbot.venues.streams import Poll
from liqbot.venues.trading import VenueCaller

BUDGET_SHARE: Final = 1 / 6
"""Of the requests that the venue allows at most: orders come first."""
_log = structlog.get_logger(__name__)


class MarkClient(VenueCaller, Protocol):
    """A venue client that has loaded its contracts."""

    spec: VenueSpec

    @property
    def exchange(self) -> Any: ...


async def read_marks(client: MarkClient, coins: Sequence[str], clock: Clock) -> dict[str, float]:
    """Of the venue's main contracts, by coin, where it gives one. VenueError without an answer that fits."""
    spec, poll = client.spec, mark_poll_of(client.spec.venue)
    book = wire_book(client.exchange.markets, spec, Roster((spec.venue,), tuple(coins)))
    found: dict[str, float] = {}
    for contract in book.contracts if poll.each else book.contracts[:1]:
        # As what an entry waits for: behind the reads of a start it would be too old for a minute.
        found |= await client.call(
            poll.method, poll.params(contract), weight=poll.weight, channel="order",
            decode=partial(_marks_in, poll, book, clock),
        )
    return found


def _marks_in(poll: Poll, book: WireBook, clock: Clock, payload: Any) -> Mapping[str, float]:
    try:
        facts = poll.parse(payload, book, clock())
    except MalformedMessage as error:
        raise AnswerMalformed(book.venue, poll.method, error.field, error.value, str(error)) from error
    return {fact.coin: fact.mark_price for fact in facts if isinstance(fact, MarkPrice)}


class TradingMarks:
    """Publishes them. What cannot be read is not published: the ratio grows old, and nothing is entered by it."""

    def __init__(
        self, client: MarkClient, coins: Sequence[str], publish: Publish, clock: Clock, *, period_s: float,
        share: float = 1.0,
    ) -> None:
        """`share` of the venue's requests are ours."""
        self._client, self._coins, self._publish, self._clock = client, tuple(coins), publish, clock
        self.period_s = max(period_s, period_s_min(client.spec, len(self._coins)) / share)
        self._failing = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._once()
            await asyncio.sleep(self.period_s)

    async def _once(self) -> None:
        venue = self._client.spec.venue
        try:
            marks = await read_marks(self._client, self._coins, self._clock)
        except VenueError as error:
            if not self._failing:
                _log.warning("the trading market's mark could not be read", venue=venue, error=str(error))
            self._failing = True
            return
        self._failing = False
        now_ms = self._clock()
        if marks:
            self._publish(tuple(
                TradingMark(time_ms=now_ms, venue=venue, coin=coin, mark_price=price) for coin, price in marks.items()
            ))


def period_s_min(spec: VenueSpec, contracts: int) -> float:
    """Between two readings, so that they stay within their share of the requests."""
    budget, poll = spec.trading_budget, mark_poll_of(spec.venue)
    return poll.weight * (contracts if poll.each else 1) * budget.period_s / (budget.units * BUDGET_SHARE)
