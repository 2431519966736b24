"""Trust in each feed of one coin: what is down, what is stale, what was refused."""

from collections.abc import Sequence
from typing import Any

import msgspec

from liqbot.events import FeedDown, FeedUp
from liqbot.market.observed.prices import VenuePrice
from liqbot.market.params import HealthParams

ABSENT = float("nan")


class VenueHealth(msgspec.Struct, frozen=True):
    """One venue as people look at it; NaN where unknown."""

    venue: str
    mark_price: float
    age_ms: int
    stale: bool
    down: tuple[str, ...]
    """Feeds reported down and silent since."""
    rejected: int
    """Rows refused since the start: prices far from the other venues, impossible numbers, spans reported before."""
    oi_usd: float
    """Its own open interest, or its share of the aggregate."""
    long_usd: float
    short_usd: float
    """Positions, modelled or measured."""
    measured_share: float = 0.0
    """Of its open interest, reported position by position in the venue's newest snapshot: mean of both sides."""
    measured_long_share: float = 0.0
    measured_short_share: float = 0.0
    measured_age_ms: float = ABSENT
    """Of that snapshot."""
    funding_8h_pct: float = ABSENT
    """Its own rate, scaled to eight hours."""
    funding_percentile: float = ABSENT
    """Of that rate, 0..100 within its own history."""


class HealthFold:
    """Feeds that said they are down. Staleness follows from each venue's own mean rate, see `VenuePrice.stale`."""

    def __init__(self, params: HealthParams) -> None:
        self._params = params
        self._down: dict[str, dict[str, int]] = {}

    def on_fact(self, fact: FeedUp | FeedDown) -> None:
        feeds = self._down.setdefault(fact.venue, {})
        if isinstance(fact, FeedDown):
            feeds[fact.feed] = fact.time_ms
        else:
            feeds.pop(fact.feed, None)

    def down(self, venue: str) -> tuple[str, ...]:
        return tuple(sorted(self._down.get(venue, ())))

    def stale(self, venue: str, price: VenuePrice, now_ms: int) -> bool:
        """A price feed that said it is down counts at once, until a price comes again."""
        feeds = self._down.get(venue)
        if feeds and any(price.seen_ms <= feeds[feed] for feed in ("trades", "mark") if feed in feeds):
            return True
        return price.stale(now_ms, self._params)

    def counts(self, venues: Sequence[str], prices: Sequence[VenuePrice], now_ms: int) -> tuple[int, int]:
        """(live, stale) among venues that ever gave a price."""
        stale = [
            self.stale(venue, price, now_ms) for venue, price in zip(venues, prices, strict=True) if price.known
        ]
        return stale.count(False), stale.count(True)

    def state(self) -> dict[str, Any]:
        return {venue: dict(feeds) for venue, feeds in self._down.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        self._down = {venue: dict(feeds) for venue, feeds in state.items()}
