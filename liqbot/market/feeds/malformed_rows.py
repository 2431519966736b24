"""What venues sent that cannot be what it says: every piece is counted, and few of them are logged."""

from collections.abc import Iterable
from typing import Final

import structlog

from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.ports import Clock
from liqbot.venues.parsing import MalformedMessage, WireBook

QUIET_MS: Final = 60_000
"""The same field of the same venue is logged once in this time, with how many there were since."""
FIELDS_MAX: Final = 200
"""Fields whose names are remembered; a venue may make names up."""
_log = structlog.get_logger()


class MalformedRows:
    """Counts into `stats`, and logs field, value and sample of what is new."""

    def __init__(self, stats: FeedStats, clock: Clock) -> None:
        self._stats, self._clock = stats, clock
        self._said: dict[str, tuple[int, int]] = {}
        """Field -> when it was logged last, and how many came since without being logged."""

    def message(self, error: MalformedMessage) -> None:
        """A whole message or answer is lost."""
        self._stats.malformed += 1
        self._say([error])

    def take(self, book: WireBook) -> None:
        """What the book's parsers left out since this was called last."""
        self._stats.off_book_trades += book.off_book
        book.off_book = 0
        self._stats.malformed_rows += book.rejected
        book.rejected = 0
        self._say(book.take_rejected())

    def _say(self, errors: Iterable[MalformedMessage]) -> None:
        now_ms = self._clock()
        for error in errors:
            self._stats.malformed_newest = str(error)
            said = self._said.get(error.field)
            if said is None and len(self._said) >= FIELDS_MAX:
                continue
            # A clock set back must not silence it for longer.
            if said is not None and 0 <= now_ms - said[0] < QUIET_MS:
                self._said[error.field] = (said[0], said[1] + 1)
                continue
            _log.warning("malformed market data", venue=error.venue, field=error.field, value=error.value,
                         sample=error.sample, since_last=0 if said is None else said[1])
            self._said[error.field] = (now_ms, 0)
