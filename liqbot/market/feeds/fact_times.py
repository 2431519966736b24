"""`FactTimes`: which times of a venue's facts can be believed."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from liqbot.events import FeedDown, FeedUp, MarketEvent
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.trade_bars import AHEAD_MS_MAX, DAY_MS
from liqbot.venues.parsing import WireBook

Fact = TypeVar("Fact", bound=MarketEvent | FeedUp | FeedDown)


class FactTimes:
    """Of one venue."""

    def __init__(self, stats: FeedStats) -> None:
        self._stats = stats
        self._newest_ms = 0
        """Of all that the venue has sent."""

    def timely(self, facts: Iterable[Fact], now_ms: int, book: WireBook) -> list[Fact]:
        """What claims to be of the future would be the newest for ever: it counts as of now. What is a day ahead of our
        clock, or a day behind what the venue has sent before, is no fact at all and noted in the book."""
        found: list[Fact] = []
        for fact in facts:
            if not self._newest_ms - DAY_MS < fact.time_ms < now_ms + DAY_MS:
                book.reject(book.malformed(f"{type(fact).__name__} time", fact.time_ms, fact))
            elif fact.time_ms > now_ms + AHEAD_MS_MAX:
                self._stats.misdated_facts += 1
                found.append(msgspec.structs.replace(fact, time_ms=now_ms))
            else:
                self._newest_ms = max(self._newest_ms, fact.time_ms)
                found.append(fact)
        return found
