"""Open interest of a venue that no stream tells, from a file that is read again and again.

A report is published once, when it is first read with a price to value it with; its own date stays its own: it says how
much was open then, at today's price.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from liqbot.blocks import Roster, block_of
from liqbot.events import FeedDown, FeedUp, OpenInterest
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.feed_status import FeedStatus
from liqbot.market.feeds.ports import Clock, Sink
from liqbot.venues.parsing import WireContract
from liqbot.venues.spec import VenueSpec
from liqbot.venues.streams import ReportedInterest, ReportSource

FEED: Final = "open_interest"
_PRICE_WAIT_S: Final = 1.0
_log = structlog.get_logger()


class ReportFeed:
    """Runs until cancelled. A file that is missing or not right is a FeedDown, never an error."""

    def __init__(
        self, spec: VenueSpec, path: Path, roster: Roster, clock: Clock, period_s: float,
        price_of: Callable[[str], float | None],
    ) -> None:
        """`price_of(coin)` is what a coin costs now at the venues that are read live; None while nobody knows."""
        if spec.report is None:
            raise ValueError(f"feeds.reports: {spec.venue} has no report")
        self._venue, self._source, self._path = spec.venue, spec.report, path
        self._roster, self._clock, self._period_s, self._price_of = roster, clock, period_s, price_of
        self._lines = {
            coin: FeedStatus(feed=FEED, contract=_contract(spec.venue, coin), silence_ms_max=None)
            for coin in roster.coins
        }
        self._published_ms: dict[str, int] = {}
        """Coin -> date of the report that was published last."""
        self.stats = FeedStats()

    async def run(self, inbox: Sink) -> None:
        while True:
            waiting = self._look(inbox, await asyncio.to_thread(self._read))
            await asyncio.sleep(_PRICE_WAIT_S if waiting else self._period_s)

    def _read(self) -> tuple[ReportedInterest, ...] | str:
        """What the file tells, or why it tells nothing."""
        source: ReportSource = self._source
        try:
            return source.read(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            return f"{self._path}: {error.strerror or type(error).__name__}"
        except ValueError as error:
            return f"{self._path}: {error}"

    def _look(self, inbox: Sink, found: tuple[ReportedInterest, ...] | str) -> bool:
        """Tell what is new. Whether a coin waits for a price."""
        now_ms, facts, waiting = self._clock(), list[OpenInterest | FeedUp | FeedDown](), False
        self.stats.polls += 1
        if isinstance(found, str):
            self.stats.poll_failures += 1
            for line in self._lines.values():
                facts += line.fall(now_ms, found)
            if facts:
                _log.warning("report not read", venue=self._venue, reason=found)
        for row in () if isinstance(found, str) else found:
            own = self._lines.get(row.coin)
            if own is None:
                continue
            facts += own.rise(now_ms)
            if row.as_of_ms <= self._published_ms.get(row.coin, 0):
                continue
            price = self._price_of(row.coin)
            if price is None:
                waiting = True
                continue
            self._published_ms[row.coin] = row.as_of_ms
            self.stats.facts += 1
            facts.append(OpenInterest(time_ms=now_ms, venue=self._venue, coin=row.coin, oi_usd=row.amount_base * price))
        if facts:
            inbox.put(block_of(facts, self._roster))
        return waiting


def _contract(venue: str, coin: str) -> WireContract:
    return WireContract(symbol_id=coin, symbol=coin, venue_key=venue, coin=coin)
