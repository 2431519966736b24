"""Open interest of one coin: per venue where reported, bounded by the `aggregate` where it is not, and its change.

Kept in what its contracts are of, coins of linear ones and USD of inverse ones: otherwise a move of the price would
look like a change of positions.
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from liqbot.instruments import AGGREGATE
from liqbot.market.observed.sampled_series import SampledSeries
from liqbot.market.params import EstimateParams, RollingParams

ABSENT = float("nan")
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000


class _VenueInterest(msgspec.Struct):
    """One venue's open interest (or the aggregate)."""

    inverse: bool = False
    amount: float = ABSENT
    """Of coins; of USD where it is inverse."""
    time_ms: int = 0
    told_usd: float = ABSENT
    """The number itself: one that is reported again carries nothing, whatever the price has done since."""
    change_per_ms: float = 0.0
    """Of the amount, smoothed."""
    gap_ms: float = 0.0

    def base(self, price: float) -> float:
        """In coins at this price."""
        return self.amount / price if self.inverse else self.amount


class OpenInterestFold:
    """`take` rows as they come; ask per venue for its bound and its change over a span."""

    def __init__(self, estimate: EstimateParams, rolling: RollingParams, inverse: Collection[str] = ()) -> None:
        """`inverse`: venue keys whose contracts are of USD."""
        self._smoothing_ms, self._shares = estimate.oi_smoothing_ms, estimate.oi_shares
        self._inverse = frozenset(inverse)
        self._venues: dict[str, _VenueInterest] = {}
        self.ratio = ABSENT
        """Of all contracts: each change in proportion to all that is open, so that neither price nor a venue that is
        heard for the first time, and was there before, moves it. 1 at first; NaN before."""
        self.reported_ms = 0
        self._changed = False
        """Since the last `remember`."""
        self._sum_base: float | None = None
        """Of all venues, while no contract is of USD: then it is the same at every price. None: to be summed anew."""
        self._history = SampledSeries(rolling.history_step_ms, _DAY_MS + 6 * _HOUR_MS)

    def take(self, time_ms: int, venue: str, oi_usd: float, price: float) -> bool:
        """False when the number cannot be true or there is no price to read it with."""
        if not (0 < oi_usd < 1e13 and price > 0):
            return False
        own = self._venues.get(venue)
        if own is not None and own.told_usd == oi_usd:
            return True
        self.reported_ms, self._changed = max(self.reported_ms, time_ms), True
        if own is None:
            inverse = venue in self._inverse
            amount = oi_usd if inverse else oi_usd / price
            self._venues[venue] = _VenueInterest(inverse=inverse, amount=amount, time_ms=time_ms, told_usd=oi_usd)
            self._sum_base = None
            if not self.ratio > 0:
                self.ratio = 1.0
            return True
        amount, before = oi_usd if own.inverse else oi_usd / price, self.total_base(price)
        elapsed_ms = time_ms - own.time_ms
        if elapsed_ms > 0:
            share = elapsed_ms / (self._smoothing_ms + elapsed_ms)
            own.change_per_ms += share * ((amount - own.amount) / elapsed_ms - own.change_per_ms)
            own.gap_ms = elapsed_ms if own.gap_ms == 0 else own.gap_ms + (elapsed_ms - own.gap_ms) / 8
        own.amount, own.time_ms, own.told_usd = amount, max(time_ms, own.time_ms), oi_usd
        self._sum_base = None
        self.ratio *= self.total_base(price) / before
        return True

    def remember(self, time_ms: int) -> bool:
        """At a step with a price. The answer is whether anything new was reported since the last one."""
        changed, self._changed = self._changed, False
        if changed:
            self._history.add(time_ms, self.ratio)
        return changed

    def highest_since(self, time_ms: int) -> float:
        """The ratio's highest since then; NaN before any is remembered."""
        return self._history.highest_since(time_ms)

    def known(self, venue: str) -> bool:
        return venue in self._venues

    def reported_usd(self) -> dict[str, float]:
        """Of the venues that report their own, as reported."""
        return {venue: own.told_usd for venue, own in self._venues.items() if venue != AGGREGATE}

    def total_base(self, price: float) -> float:
        """The aggregate where it is reported, else the sum over venues; NaN without either."""
        bound = self._venues.get(AGGREGATE)
        if bound is not None:
            return bound.base(price)
        if not self._venues:
            return ABSENT
        if self._inverse:
            return sum(own.base(price) for own in self._venues.values())
        if self._sum_base is None:
            self._sum_base = sum([own.amount for own in self._venues.values()])
        return self._sum_base

    def bound_base(self, venue: str, volume_share: float, price: float) -> float:
        """A venue's own, else its configured share of what the others leave of the aggregate; NaN without either.

        A venue without a configured share takes `volume_share`, its part of the volume of the venues that report none.
        """
        own = self._venues.get(venue)
        if own is not None:
            return own.base(price)
        bound = self._venues.get(AGGREGATE)
        if bound is None:
            return ABSENT
        reported = sum(one.base(price) for name, one in self._venues.items() if name != AGGREGATE)
        left = bound.base(price) - reported
        if not left > 0:
            return ABSENT
        if venue not in self._shares:
            return left * volume_share
        silent = sum(share for name, share in self._shares.items() if name not in self._venues)
        return left * self._shares[venue] / max(silent, self._shares[venue])

    def change_usd(self, venue: str, bound_base: float, price: float, now_ms: int, span_ms: int) -> float:
        """Smoothed change over a span, at a price; 0 when open interest is not reported, or has not been for long."""
        own = self._venues.get(venue) or self._venues.get(AGGREGATE)
        if own is None or now_ms - own.time_ms > 3 * max(own.gap_ms, self._smoothing_ms):
            return 0.0
        part = 1.0 if venue in self._venues else bound_base / own.base(price)
        if part != part:
            return 0.0
        return own.change_per_ms * span_ms * part * (1.0 if own.inverse else price)

    def change_pct(self, now_ms: int, lookback_ms: int) -> float:
        """NaN when the newest number is too old for this lookback: four-hourly numbers say nothing about an hour."""
        if now_ms - self.reported_ms > lookback_ms // 4:
            return ABSENT
        before = self._history.ago(now_ms, lookback_ms)
        return (self.ratio / before - 1.0) * 100.0 if before > 0 else ABSENT

    def state(self) -> list[Any]:
        venues = {venue: msgspec.to_builtins(own) for venue, own in self._venues.items()}
        return [venues, self._history.state(), self.ratio, self.reported_ms, self._changed]

    def load_state(self, state: list[Any]) -> None:
        # Not msgspec.convert: NaN would arrive as null from codecs other than msgpack, and must not pass silently.
        self._venues = {venue: _VenueInterest(**own) for venue, own in state[0].items()}
        self._sum_base = None
        self._history.load_state(state[1])
        self.ratio, self.reported_ms, self._changed = state[2:]
