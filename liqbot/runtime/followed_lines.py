"""Which feeds of a collector deliver, as far as whoever follows it can know: what it says of them, and its silence."""

from collections.abc import Iterable, Sequence
from typing import Final

from liqbot.blocks import EventBlock, Roster
from liqbot.events import FeedDown, FeedUp

FEED_OF_KIND: Final = {
    "bars": "trades", "marks": "mark", "liquidations": "liquidation", "totals": "liquidation",
    "open_interest": "open_interest", "funding": "funding",
}
FEEDS: Final = frozenset((*FEED_OF_KIND.values(), "index"))
"""Of the market. A collector that trades also says such things of its account, and they are its own affair."""
_PRICES: Final = ("trades", "mark")
Line = tuple[str, str, str]


class FollowedLines:
    """By venue key, coin and feed."""

    def __init__(self, venues: Sequence[str], coins: Sequence[str]) -> None:
        self._wanted = {(venue, coin) for venue in venues for coin in coins}
        self._up: dict[Line, bool] = {}
        """Whether it delivers; what was never seen is not in it."""
        self._silenced: set[Line] = set()
        self.silent = False
        """The collector itself is, and that was said."""

    def wants(self, fact: FeedUp | FeedDown) -> bool:
        return fact.feed in FEEDS and (fact.venue, fact.coin) in self._wanted

    def follow(self, facts: Iterable[object]) -> None:
        """What the collector says."""
        for fact in facts:
            if isinstance(fact, FeedUp | FeedDown):
                line = (fact.venue, fact.coin, fact.feed)
                self._up[line] = isinstance(fact, FeedUp)
                self._silenced.discard(line)

    def seen(self, step: EventBlock, roster: Roster, now_ms: int) -> tuple[FeedUp, ...]:
        """Lines that were silent, or never seen, and have delivered in this step."""
        self.silent = False
        risen: list[Line] = []
        for kind, feed in FEED_OF_KIND.items():
            rows = step.rows(kind)
            if not len(rows):
                continue
            for venue, coin in {*zip(rows["venue"].tolist(), rows["coin"].tolist(), strict=True)}:
                line = (roster.venues[venue], roster.coins[coin], feed)
                if line not in self._up or line in self._silenced:
                    self._up[line] = True
                    self._silenced.discard(line)
                    risen.append(line)
        return tuple(FeedUp(time_ms=now_ms, venue=venue, coin=coin, feed=feed) for venue, coin, feed in sorted(risen))

    def fall(self, now_ms: int, reason: str) -> tuple[FeedDown, ...]:
        """All that delivered, and every price that is wanted."""
        self.silent = True
        falling = {line for line, up in self._up.items() if up}
        falling |= {(venue, coin, feed) for venue, coin in self._wanted for feed in _PRICES
                    if self._up.get((venue, coin, feed), True)}
        falling -= self._silenced
        self._silenced |= falling
        return tuple(FeedDown(time_ms=now_ms, venue=venue, coin=coin, feed=feed, reason=reason)
                     for venue, coin, feed in sorted(falling))
