"""Funding of one coin: every venue's rate scaled to eight hours and ranked within its own history; means weighted by
open interest, of all venues and of those that the US regulate beside the rest."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from liqbot.instruments import FundingStage
from liqbot.market.observed.sampled_series import SampledSeries
from liqbot.market.observed.settlements import HOUR_MS, STAMP_TOLERANCE_MS, settlement_ms
from liqbot.market.params import RollingParams
from liqbot.venues.registry import us_regulated

ABSENT = float("nan")
_FRESH_INTERVALS: Final = 3
"""A rate that was not reported again for so many of its intervals is not known any more."""
_NEVER_MS: Final = 2**62


class VenueFunding:
    """One venue. What is remembered is its rate at every whole `funding_step_ms`, whenever clock steps fell."""

    def __init__(self, params: RollingParams) -> None:
        self._params = params
        self._history = SampledSeries(params.funding_step_ms, params.funding_history_ms)
        self._ordered: list[float] | None = None
        """The history by size; None: to be sorted."""
        self._reported_ms, self._fresh_until_ms, self._remembered_ms = 0, 0, 0
        self.rate_8h_pct = self.percentile = self.usual_8h_pct = ABSENT

    def take(self, time_ms: int, rate_pct: float, interval_h: float, stage: FundingStage | None) -> None:
        """A settlement tells what held at its time, a forecast what holds since its own: the newer stands."""
        settled_ms = settlement_ms(time_ms, interval_h, stage)
        reported_ms = time_ms if settled_ms is None else min(time_ms, settled_ms)
        if reported_ms < self._reported_ms:
            return
        self._remember(reported_ms - 1)
        self._remembered_ms = max(self._remembered_ms, reported_ms - 1)
        self._reported_ms = reported_ms
        self._fresh_until_ms = time_ms + round(_FRESH_INTERVALS * interval_h * HOUR_MS)
        self.rate_8h_pct = rate_pct * (8.0 / interval_h)
        self._place()

    def fresh(self, now_ms: int) -> bool:
        return self.rate_8h_pct == self.rate_8h_pct and now_ms <= self._fresh_until_ms

    def on_tick(self, now_ms: int) -> None:
        """After the rows of its step. A settlement may still be reported for a minute."""
        if self._remember(now_ms - STAMP_TOLERANCE_MS):
            self._place()

    @property
    def next_ms(self) -> int:
        """When it changes by itself: another step is remembered, or the rate is not known any more."""
        step_ms = self._params.funding_step_ms
        step_at_ms = (self._remembered_ms // step_ms + 1) * step_ms
        if step_at_ms > self._fresh_until_ms:
            return self._fresh_until_ms + 1
        return min(step_at_ms + STAMP_TOLERANCE_MS, self._fresh_until_ms + 1)

    def _remember(self, until_ms: int) -> bool:
        """The rate as it stands at whole steps since the last one remembered; False when there is none."""
        step_ms, until_ms = self._params.funding_step_ms, min(until_ms, self._fresh_until_ms)
        first_ms = (self._remembered_ms // step_ms + 1) * step_ms
        if self.rate_8h_pct != self.rate_8h_pct or first_ms > until_ms:
            return False
        for at_ms in range(first_ms, until_ms + 1, step_ms):
            self._add(at_ms)
        self._remembered_ms = until_ms
        return True

    def _add(self, at_ms: int) -> None:
        count = len(self._history)
        self._history.add(at_ms, self.rate_8h_pct)
        if self._ordered is not None and len(self._history) == count + 1:
            insort(self._ordered, self.rate_8h_pct)
        else:  # some that were too old may be gone
            self._ordered = None

    def _place(self) -> None:
        """The rate within its history, by `rank_of`; NaN until that is long enough."""
        if len(self._history) * self._params.funding_step_ms < self._params.funding_history_ms_min:
            self.percentile = self.usual_8h_pct = ABSENT
            return
        if self._ordered is None:
            self._ordered = sorted(self._history.values)
        self.usual_8h_pct = median_of(self._ordered)
        self.percentile = rank_of(
            self.rate_8h_pct, self._ordered, self.usual_8h_pct, self._params.funding_tolerance_pct
        )

    def state(self) -> list[Any]:
        times_ms = [self._reported_ms, self._fresh_until_ms, self._remembered_ms]
        return [self._history.state(), times_ms, self.rate_8h_pct, self.percentile, self.usual_8h_pct]

    def load_state(self, state: list[Any]) -> None:
        history, times_ms, self.rate_8h_pct, self.percentile, self.usual_8h_pct = state
        self._history.load_state(history)
        self._reported_ms, self._fresh_until_ms, self._remembered_ms = times_ms
        self._ordered = None


def median_of(ordered: Sequence[float]) -> float:
    """Of numbers by size, the mean of the two in the middle."""
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[-middle - 1]) / 2.0


def rank_of(rate: float, ordered: Sequence[float], usual: float, tolerance: float) -> float:
    """How extreme a rate is in a history by size whose median is `usual`: 0..100, 100 where nothing was ever higher.

    What differs by no more than the tolerance ties. Of a rate beyond the usual one, ties are no more extreme than it
    is: they count on its near side, so that an extreme rate which holds stays extreme until it is the usual one. Of a
    usual rate they count by half. The mirrored history of the mirrored rate gives 100 less that.
    """
    low, high = bisect_left(ordered, rate - tolerance), bisect_right(ordered, rate + tolerance)
    if rate > usual + tolerance:
        return 100.0 * high / len(ordered)
    if rate < usual - tolerance:
        return 100.0 * low / len(ordered)
    return 50.0 * (low + high) / len(ordered)


class FundingMeans(msgspec.Struct, frozen=True):
    """Per eight hours, positive when longs pay; NaN where no venue of a group tells its rate."""

    rate_8h_pct: float = ABSENT
    us_8h_pct: float = ABSENT
    offshore_8h_pct: float = ABSENT
    usual_8h_pct: float = ABSENT
    """The median of each venue's history."""
    percentile: float = ABSENT
    """Of each venue's rate within its own history."""
    us_percentile: float = ABSENT
    offshore_percentile: float = ABSENT


class FundingFold:
    """`take` rows as they come; `means` stand after `on_tick`."""

    def __init__(self, params: RollingParams) -> None:
        self._params = params
        self._venues: dict[str, VenueFunding] = {}
        self._us: set[str] = set()
        self._now_ms = 0
        self._next_ms = 0
        """Before that tick nothing changes unless something is reported."""
        self._oi_usd: Mapping[str, float] = {}
        self.means = FundingMeans()

    def take(
        self, time_ms: int, venue: str, rate_pct: float, interval_h: float, stage: FundingStage | None = None
    ) -> bool:
        """False when the rate cannot be true (a rate of 10 % per interval has never been)."""
        if not (abs(rate_pct) < 10 and 0 < interval_h <= 24):
            return False
        self._venue(venue).take(time_ms, rate_pct, interval_h, stage)
        self._next_ms = 0
        return True

    def _venue(self, venue: str) -> VenueFunding:
        if venue not in self._venues:
            self._venues[venue] = VenueFunding(self._params)
            if us_regulated(venue):
                self._us.add(venue)
        return self._venues[venue]

    def on_tick(self, now_ms: int, oi_usd: Mapping[str, float]) -> None:
        """`oi_usd` weighs venues that report theirs; the others weigh as much as the mean of those."""
        self._now_ms = now_ms
        if now_ms < self._next_ms and oi_usd == self._oi_usd:
            return
        self._oi_usd = oi_usd
        fresh = [(venue, own) for venue, own in self._venues.items() if own.fresh(now_ms)]
        for own in self._venues.values():
            own.on_tick(now_ms)
        self._next_ms = min((own.next_ms for _, own in fresh), default=_NEVER_MS)
        reported = [oi_usd[venue] for venue, _ in fresh if venue in oi_usd]
        usual = sum(reported) / len(reported) if reported else 1.0
        self.means = self._means([(venue in self._us, own, oi_usd.get(venue, usual)) for venue, own in fresh])

    @staticmethod
    def _means(weighed: list[tuple[bool, VenueFunding, float]]) -> FundingMeans:
        """Of (whether the US regulate it, venue, weight)."""
        ranked = [one for one in weighed if one[1].percentile == one[1].percentile]
        rates = [(own.rate_8h_pct, weight) for _, own, weight in weighed]
        ranks = [(own.percentile, weight) for _, own, weight in ranked]
        rate_8h_pct, percentile = weighted_mean(rates), weighted_mean(ranks)
        us_8h_pct, us_percentile, offshore_8h_pct, offshore_percentile = ABSENT, ABSENT, rate_8h_pct, percentile
        if any(us for us, _, _ in weighed):
            us_8h_pct, offshore_8h_pct = _mean_apart(rates, [us for us, _, _ in weighed])
            us_percentile, offshore_percentile = _mean_apart(ranks, [us for us, _, _ in ranked])
        usual_8h_pct = weighted_mean([(own.usual_8h_pct, weight) for _, own, weight in ranked])
        return FundingMeans(
            rate_8h_pct, us_8h_pct, offshore_8h_pct, usual_8h_pct, percentile, us_percentile, offshore_percentile
        )

    def of_venues(self) -> dict[str, tuple[float, float]]:
        """(rate per eight hours, percentile) of every venue whose rate is known."""
        return {
            venue: (own.rate_8h_pct, own.percentile) for venue, own in self._venues.items() if own.fresh(self._now_ms)
        }

    def state(self) -> list[Any]:
        venues = {venue: own.state() for venue, own in self._venues.items()}
        return [venues, self._now_ms, msgspec.to_builtins(self.means)]

    def load_state(self, state: list[Any]) -> None:
        venues, self._now_ms, means = state
        for venue, kept in venues.items():
            self._venue(venue).load_state(kept)
        self.means, self._next_ms = FundingMeans(**means), 0


def _mean_apart(pairs: Sequence[tuple[float, float]], chosen: Sequence[bool]) -> tuple[float, float]:
    """`weighted_mean` of the chosen, and of the others."""
    mine = [pair for pair, one in zip(pairs, chosen, strict=True) if one]
    return weighted_mean(mine), weighted_mean([pair for pair, one in zip(pairs, chosen, strict=True) if not one])


def weighted_mean(pairs: Sequence[tuple[float, float]]) -> float:
    """Of (value, weight), NaN of nothing. Equal values give that very value, whatever the weights: only what differs
    from the first is weighed."""
    if not pairs:
        return ABSENT
    first = pairs[0][0]
    weights = sum(weight for _, weight in pairs)
    return first + sum((value - first) * weight for value, weight in pairs) / weights
