"""A seed's test market: the market where orders rest has prices of its own, within a tenth of production's and moving.

The map is drawn from production's. What the house learns of the other market is its mark, read now and then.
"""

import random
from collections import deque
from typing import Final

from liqbot.events import TradingMark
from paper.exchange.quotes import Key

RATIO_MIN, RATIO_MAX = 0.9, 1.1
NOISE_SHARE: Final = 1e-4
"""Standard deviation of what lies between the reading of one mark and of the other."""
READ_EVERY_MS: Final = 2_000
_KEPT_MS: Final = 180_000


class PracticePrices:
    """Deterministic by seed; prices of the test market are those of production times `ratio`."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"practice {seed}")  # noqa: S311 - not a secret
        deviation_pct_max = self._chance.choice((3.0, 10.0))
        self.limits = {
            "mark_deviation_pct_max": deviation_pct_max, "mark_spread_pct_max": self._chance.choice((0.2, 2.0)),
        }
        """Of the house's risk: how far it lets the two lie apart. Now and then they lie farther."""
        reach = min(1.3 * deviation_pct_max / 100, RATIO_MAX - 1.0)
        self.ratio = 1.0 + self._chance.uniform(-reach, reach)
        self._unrest = self._chance.choice((0.0, 5e-5, 2e-4))
        """Standard deviation of the ratio's change over one second."""
        self._passed = deque([(0, self.ratio)])
        self._read_ms = 0
        self.silent_until_ms = 0
        """Until when nobody can read the mark."""
        self.absurd_share = 1.0
        """What the next reading says, over the truth."""

    def move(self, now_ms: int, span_ms: int) -> None:
        """Time has gone on to `now_ms`."""
        step = self._chance.gauss(0.0, self._unrest * (span_ms / 1_000) ** 0.5)
        self._to(self.ratio * (1.0 + step), now_ms)

    def jump(self, share: float, now_ms: int) -> None:
        """All at once; back over the middle where it would leave its bounds."""
        there = self.ratio * (1.0 + share)
        self._to(there if RATIO_MIN <= there <= RATIO_MAX else self.ratio * (1.0 - share), now_ms)

    def _to(self, ratio: float, now_ms: int) -> None:
        self.ratio = min(max(ratio, RATIO_MIN), RATIO_MAX)
        self._passed.append((now_ms, self.ratio))
        while len(self._passed) > 1 and self._passed[1][0] < now_ms - _KEPT_MS:
            self._passed.popleft()

    def between(self, since_ms: int) -> tuple[float, float]:
        """The lowest and the highest ratio since then; of what is remembered."""
        began = max((index for index, (at_ms, _) in enumerate(self._passed) if at_ms <= since_ms), default=0)
        ratios = [ratio for _, ratio in list(self._passed)[began:]]
        return min(ratios), max(ratios)

    def reading(self, key: Key, production_price: float, now_ms: int, *, said_ms: int) -> tuple[TradingMark, ...]:
        """What the account's edge publishes at `now_ms`, by its own clock `said_ms`; nothing while none is due."""
        if now_ms < self._read_ms + READ_EVERY_MS or now_ms < self.silent_until_ms:
            return ()
        self._read_ms = now_ms
        share, self.absurd_share = self.absurd_share * (1.0 + self._chance.gauss(0.0, NOISE_SHARE)), 1.0
        venue, coin = key
        return (TradingMark(time_ms=said_ms, venue=venue, coin=coin, mark_price=production_price * self.ratio * share),)
