"""Rolling price and volume of one coin: returns, trend, hourly range, volume against its mean rate.

Means decay rationally, by span / (time constant + span), so that bars of any span give nearly the same picture.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from liqbot.market.observed.prices import BarColumns
from liqbot.market.observed.sampled_series import SampledSeries
from liqbot.market.params import RollingParams
from liqbot.price_change import change_pct, changed

ABSENT = float("nan")
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


class _Rolling(msgspec.Struct):
    first_ms: int = 0
    time_ms: int = 0
    fast_price: float = ABSENT
    slow_price: float = ABSENT
    range_pct: float = ABSENT
    hour_ms: int = 0
    """When the present hour of the true range began."""
    hour_high: float = ABSENT
    hour_low: float = ABSENT
    volume_ratio: float = ABSENT
    imbalance: float = ABSENT


class BarsFold:
    """Of the traded venue's mark, and of the volume of all venues."""

    def __init__(self, params: RollingParams) -> None:
        self._params = params
        self._rolling = _Rolling()
        self._marks = SampledSeries(params.history_step_ms, _DAY_MS + 6 * _HOUR_MS)
        self._rates: dict[str, tuple[float, int]] = {}
        """Mean volume per ms and venue, and for how long it has been watched."""

    @property
    def volume_ratio(self) -> float:
        return self._rolling.volume_ratio

    @property
    def taker_imbalance(self) -> float:
        return self._rolling.imbalance

    @property
    def range_pct(self) -> float:
        return self._rolling.range_pct

    def take_bars(self, bars: BarColumns, venues: Sequence[str]) -> None:
        """Volume of the present step, every venue against its own baseline; `venues` is the roster's."""
        rate = baseline = taken_usd = split_usd = 0.0
        for index, at in bars.of_venue.items():
            venue, mine = venues[index], slice(at.start, at.stop)
            span_ms, volume_usd = sum(bars.span_ms[mine]), sum(bars.volume_usd[mine])
            before, watched_ms = self._rates.get(venue, (volume_usd / span_ms, 0))
            if watched_ms >= 4 * span_ms:
                rate += volume_usd / span_ms
                baseline += before
            # Until a whole time constant has been watched the mean is the plain mean.
            share = span_ms / (min(watched_ms, self._params.volume_ms) + span_ms)
            self._rates[venue] = before + share * (volume_usd / span_ms - before), watched_ms + span_ms
            for imbalance_usd, bar_usd in zip(bars.imbalance_usd[mine], bars.volume_usd[mine], strict=True):
                if imbalance_usd == imbalance_usd:
                    taken_usd += imbalance_usd
                    split_usd += bar_usd
        self._rolling.volume_ratio = rate / baseline if baseline > 0 else ABSENT
        self._rolling.imbalance = taken_usd / split_usd if split_usd > 0 else ABSENT

    def mean_per_minute_usd(self, venue: str) -> float:
        """NaN for a venue without bars."""
        return self._rates[venue][0] * 60_000 if venue in self._rates else ABSENT

    def volume_shares(self, venues: list[str]) -> list[float]:
        """Each venue's share of their mean volume."""
        rates = [self._rates[venue][0] if venue in self._rates else 0.0 for venue in venues]
        total = sum(rates)
        return [rate / total if total > 0 else 1.0 / len(venues) for rate in rates]

    def take_mark(self, time_ms: int, mark_price: float, low_price: float, high_price: float) -> None:
        rolling, params = self._rolling, self._params
        self._marks.add(time_ms, mark_price)
        if not rolling.first_ms:
            rolling.first_ms = rolling.time_ms = rolling.hour_ms = time_ms
            rolling.fast_price = rolling.slow_price = mark_price
            rolling.hour_high = rolling.hour_low = mark_price
            return
        elapsed_ms = time_ms - rolling.time_ms
        rolling.time_ms = time_ms
        fast, slow = (elapsed_ms / (mean_ms + elapsed_ms) for mean_ms in (params.trend_fast_ms, params.trend_slow_ms))
        # Geometric means: those of a price and of its mirror image lean as far, to either side.
        rolling.fast_price = changed(rolling.fast_price, fast * change_pct(rolling.fast_price, mark_price))
        rolling.slow_price = changed(rolling.slow_price, slow * change_pct(rolling.slow_price, mark_price))
        rolling.hour_high = max(rolling.hour_high, high_price, mark_price)
        rolling.hour_low = min(rolling.hour_low, low_price, mark_price)
        if time_ms - rolling.hour_ms >= _HOUR_MS:
            self._close_hour(time_ms, mark_price)

    def rescale(self, factor: float) -> None:
        """Every price kept so far times a factor: as if the mark had always been in another currency."""
        rolling = self._rolling
        self._marks.scale_by(factor)
        for name in ("fast_price", "slow_price", "hour_high", "hour_low"):
            setattr(rolling, name, getattr(rolling, name) * factor)

    def _close_hour(self, time_ms: int, mark_price: float) -> None:
        rolling = self._rolling
        elapsed_ms = time_ms - rolling.hour_ms
        # A walk's range grows with the root of time; one more hour and four more hours should read the same.
        hourly_pct = change_pct(rolling.hour_low, rolling.hour_high) / math.sqrt(elapsed_ms / _HOUR_MS)
        if rolling.range_pct != rolling.range_pct:
            rolling.range_pct = hourly_pct
        else:
            watched_ms = min(time_ms - rolling.first_ms, self._params.range_ms)
            rolling.range_pct += elapsed_ms / (watched_ms + elapsed_ms) * (hourly_pct - rolling.range_pct)
        rolling.hour_ms = time_ms
        rolling.hour_high = rolling.hour_low = mark_price

    def return_pct(self, now_ms: int, lookback_ms: int, mark_price: float) -> float:
        before = self._marks.ago(now_ms, lookback_ms)
        return change_pct(before, mark_price) if before > 0 else ABSENT

    def acceleration_ratio(self, now_ms: int, lookback_ms: int, mark_price: float) -> float:
        """How much more price rose over the last `lookback_ms` than over the one before, in usual ranges of so long a
        stretch, where a walk's range grows with the root of time; NaN when unknown."""
        before, earlier = self._marks.ago(now_ms, lookback_ms), self._marks.ago(now_ms, 2 * lookback_ms)
        usual_pct = self._rolling.range_pct * math.sqrt(lookback_ms / _HOUR_MS)
        if not (before > 0 and earlier > 0 and usual_pct > 0):
            return ABSENT
        return (change_pct(before, mark_price) - change_pct(earlier, before)) / usual_pct

    def price_ago(self, now_ms: int, lookback_ms: int) -> float:
        return self._marks.ago(now_ms, lookback_ms)

    @property
    def trend_pct(self) -> float:
        """NaN until the slow mean has seen its own time constant."""
        rolling = self._rolling
        if rolling.time_ms - rolling.first_ms < self._params.trend_slow_ms:
            return ABSENT
        return change_pct(rolling.slow_price, rolling.fast_price)

    def state(self) -> list[Any]:
        rates = {venue: list(rate) for venue, rate in self._rates.items()}
        return [msgspec.to_builtins(self._rolling), self._marks.state(), rates]

    def load_state(self, state: list[Any]) -> None:
        self._rolling = _Rolling(**state[0])
        self._marks.load_state(state[1])
        self._rates = {venue: (rate[0], rate[1]) for venue, rate in state[2].items()}
