"""How far each venue is trusted on one coin, 0 to 1: 1 unless something speaks against it.

What a profile sets holds as it is. Otherwise a venue whose messages are known by inference alone begins lower, and what
it earns falls quickly toward 0 in quarantine, toward a half while it is silent, and in proportion where its volume is
out of all proportion to its open interest beside the others'; it recovers slowly. A venue that is alone is trusted:
there is nothing to hold against it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from liqbot.market.observed.bars import BarsFold
from liqbot.market.observed.open_interest import OpenInterestFold
from liqbot.market.observed.outliers import OutlierFilter
from liqbot.market.params import TrustParams
from liqbot.venues.registry import known_by_inference

_SILENT: Final = 0.5
_WHOLE: Final = 0.999
"""What is nearly whole is whole: arithmetic with 1 changes no bit."""
_DAY_MS: Final = 86_400_000
_DAY_MINUTES: Final = 1_440.0
_COMPARED_MIN: Final = 3
"""Venues with volume and open interest before any is out of proportion to the others."""


class TrustFold:
    """`judge` after a step's prices were weighed; then `weights`, by venue index."""

    def __init__(self, venues: Sequence[str], params: TrustParams) -> None:
        self._params, self._venues = params, tuple(venues)
        self._fixed = {index: params.of_venues[one] for index, one in enumerate(venues) if one in params.of_venues}
        self._begins = [params.inferred_weight if known_by_inference(venue) else 1.0 for venue in venues]
        self.earned = [1.0] * len(venues)
        self._judged_ms = 0
        self._alone = True
        self.weights: list[float] = []
        self._weigh()

    def due(self, now_ms: int, *, apart: bool) -> bool:
        """Whether it is time to look, or a venue is apart."""
        return apart or now_ms - self._judged_ms >= self._params.step_ms

    def judge(
        self, outliers: OutlierFilter, bars: BarsFold, open_interest: OpenInterestFold,
        bounds_base: Mapping[int, float], now_ms: int,
    ) -> None:
        """What speaks for and against each venue now."""
        known = [venue for venue, price in enumerate(outliers.prices) if price.known]
        turnover: dict[int, float] = {}
        for venue in known:
            name, oi_usd = self._venues[venue], bounds_base.get(venue, 0.0) * outliers.prices[venue].mark_price
            day_usd = bars.mean_per_minute_usd(name) * _DAY_MINUTES
            if open_interest.known(name) and oi_usd > 0 and day_usd > 0:
                turnover[venue] = day_usd / oi_usd
        silent = {
            venue for venue in known
            if now_ms - outliers.prices[venue].seen_ms > self._params.silent_ms_max and outliers.stale(venue, now_ms)
        }
        quarantined = {venue for venue in known if outliers.agreement.quarantined(venue)}
        self.follow(known, quarantined, silent, turnover, now_ms)

    def follow(
        self, known: Collection[int], quarantined: Collection[int], silent: Collection[int],
        turnover: Mapping[int, float], now_ms: int,
    ) -> None:
        """`known`: venues that ever gave a price; `turnover`: volume a day over open interest, where both are known."""
        elapsed_ms = min(now_ms - self._judged_ms, _DAY_MS) if self._judged_ms else 0
        self._judged_ms, self._alone = now_ms, len(known) < 2
        usual = sorted(turnover.values())[(len(turnover) - 1) // 2] if len(turnover) >= _COMPARED_MIN else 0.0
        for venue in known if not self._alone else ():
            target = _SILENT if venue in silent else self._plausible(turnover.get(venue, 0.0), usual)
            target = 0.0 if venue in quarantined else target
            before = self.earned[venue]
            if target == before:
                continue
            time_ms = self._params.fall_ms if target < before else self._params.rise_ms
            after = before + (target - before) * (elapsed_ms / (time_ms + elapsed_ms))
            self.earned[venue] = 1.0 if target == 1.0 and after >= _WHOLE else after
        self._weigh()

    def weighted(self, base: Mapping[str, float]) -> Mapping[str, float]:
        """Amounts by venue, as far as each is trusted."""
        if min(self.weights) == 1.0:
            return base
        return {venue: amount * self.weights[self._venues.index(venue)] for venue, amount in base.items()}

    def _plausible(self, turnover: float, usual: float) -> float:
        most = self._params.turnover_ratio_max * usual
        return most / turnover if turnover > most > 0 else 1.0

    def _weigh(self) -> None:
        found = []
        for venue, earned in enumerate(self.earned):
            if venue in self._fixed:
                found.append(self._fixed[venue])
            else:
                found.append(1.0 if self._alone else max(self._params.weight_min, self._begins[venue] * earned))
        if found != self.weights:
            self.weights = found

    def state(self) -> list[Any]:
        return [list(self.earned), self._judged_ms, self._alone]

    def load_state(self, state: list[Any]) -> None:
        self.earned, self._judged_ms, self._alone = list(state[0]), state[1], state[2]
        self._weigh()
