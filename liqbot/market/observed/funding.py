"""Funding of one coin: all rates scaled to eight hours, weighted by open interest, ranked within their history."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any, Final

from liqbot.market.observed.sampled_series import SampledSeries
from liqbot.market.params import RollingParams

ABSENT = float("nan")
_HOUR_MS: Final = 3_600_000


class FundingFold:
    """`rate_8h_pct` is positive when longs pay."""

    def __init__(self, params: RollingParams) -> None:
        self._params = params
        self._rates: dict[str, tuple[int, float, float]] = {}
        self._history = SampledSeries(params.funding_step_ms, params.funding_history_ms)
        self._first_ms = 0
        self.rate_8h_pct = ABSENT
        self.percentile = ABSENT

    def take(self, time_ms: int, venue: str, rate_pct: float, interval_h: float) -> bool:
        """False when the rate cannot be true (a rate of 10 % per interval has never been)."""
        if not (abs(rate_pct) < 10 and 0 < interval_h <= 24):
            return False
        self._rates[venue] = (time_ms, rate_pct * (8.0 / interval_h), interval_h)
        return True

    def on_tick(self, now_ms: int, oi_base: Mapping[str, float]) -> None:
        """`oi_base` weighs venues that report theirs; the others weigh as much as the mean of those."""
        fresh = [
            (venue, rate) for venue, (time_ms, rate, interval_h) in self._rates.items()
            if now_ms - time_ms <= 3 * interval_h * _HOUR_MS
        ]
        if not fresh:
            self.rate_8h_pct = self.percentile = ABSENT
            return
        reported = [oi_base[venue] for venue, _ in fresh if venue in oi_base]
        mean = sum(reported) / len(reported) if reported else 1.0
        weights = [oi_base.get(venue, mean) for venue, _ in fresh]
        rate = sum(weight * rate for weight, (_, rate) in zip(weights, fresh, strict=True)) / sum(weights)
        changed = rate != self.rate_8h_pct
        self.rate_8h_pct = rate
        self._first_ms = self._first_ms or now_ms
        if self._history.due(now_ms):
            self._history.add(now_ms, rate)
            changed = True
        if changed:
            self._rank(now_ms)

    def _rank(self, now_ms: int) -> None:
        """Share of the history below the present rate, ties by half."""
        if now_ms - self._first_ms < self._params.funding_history_ms_min:
            self.percentile = ABSENT
            return
        ordered = sorted(self._history.values)
        low, high = bisect_left(ordered, self.rate_8h_pct), bisect_right(ordered, self.rate_8h_pct)
        self.percentile = 50.0 * (low + high) / len(ordered)

    def state(self) -> list[Any]:
        rates = {venue: list(rate) for venue, rate in self._rates.items()}
        return [rates, self._history.state(), self._first_ms, self.rate_8h_pct, self.percentile]

    def load_state(self, state: list[Any]) -> None:
        rates, history, self._first_ms, self.rate_8h_pct, self.percentile = state
        self._rates = {venue: (rate[0], rate[1], rate[2]) for venue, rate in rates.items()}
        self._history.load_state(history)
