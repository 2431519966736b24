"""Trust in each feed of one coin: what is down, what is stale, what was refused."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from liqbot.events import FeedDown, FeedUp
from liqbot.market.observed.prices import VenuePrice
from liqbot.market.params import HealthParams

ABSENT = float("nan")
LISTING_FEED: Final = "listing"
"""Down while a contract is not listed, or does not trade."""
TERMS_FEED: Final = "terms"
"""Down from a change of a contract's terms on until the next start: the market is read under the new ones at once, but
orders are made under those that the process began with."""


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
    reasons: tuple[str, ...] = ()
    """Why each feed of `down` is."""
    accord: str = ""
    """`quarantined` or `disputed`: how its price stands to that of the others; empty where it agrees."""
    quote: str = ""
    """The currency of its prices; empty where that is not known."""
    trust_weight: float = 1.0
    """Which part of it counts on the map; `long_usd` and `short_usd` are all of it."""
    quote_ratio: float = 1.0
    """What a unit of it is worth in the map's dollars."""


class HealthFold:
    """Feeds that said they are down. Staleness follows from each venue's own mean rate, see `VenuePrice.stale`."""

    def __init__(self, params: HealthParams) -> None:
        self._params = params
        self._down: dict[str, dict[str, tuple[int, str]]] = {}
        """Venue -> feed -> when it was reported down, and why."""

    def on_fact(self, fact: FeedUp | FeedDown) -> None:
        feeds = self._down.setdefault(fact.venue, {})
        if isinstance(fact, FeedDown):
            feeds[fact.feed] = fact.time_ms, fact.reason
        else:
            feeds.pop(fact.feed, None)

    def begin(self) -> None:
        """A process starts: under the terms of contracts as they are now."""
        for feeds in self._down.values():
            feeds.pop(TERMS_FEED, None)

    def reasons(self, venue: str, feeds: Sequence[str] | None = None) -> tuple[str, ...]:
        """Of what is down, or of those of `feeds` that are; in the order of `down`."""
        known = self._down.get(venue)
        if not known:
            return ()
        return tuple(known[feed][1] for feed in sorted(known) if feeds is None or feed in feeds)

    def down(self, venue: str) -> tuple[str, ...]:
        return tuple(sorted(self._down.get(venue, ())))

    def stale(self, venue: str, price: VenuePrice, now_ms: int) -> bool:
        """A price feed that said it is down counts at once, until a price comes again."""
        feeds = self._down.get(venue)
        if feeds and any(price.seen_ms <= feeds[feed][0] for feed in ("trades", "mark") if feed in feeds):
            return True
        return price.stale(now_ms, self._params)

    def live(self, venues: Sequence[str], prices: Sequence[VenuePrice], now_ms: int) -> tuple[tuple[str, ...], int]:
        """Those whose price is fresh, and how many are stale, among venues that ever gave one."""
        known = [pair for pair in zip(venues, prices, strict=True) if pair[1].known]
        fresh = tuple(venue for venue, price in known if not self.stale(venue, price, now_ms))
        return fresh, len(known) - len(fresh)

    def state(self) -> dict[str, Any]:
        return {venue: {feed: list(why) for feed, why in feeds.items()} for venue, feeds in self._down.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        self._down = {venue: {feed: (why[0], why[1]) for feed, why in feeds.items()} for venue, feeds in state.items()}
