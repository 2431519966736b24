"""How likely it is that price reaches a place within a time: from its distance, how far price usually goes, and nothing
else that could not be measured.

Price is taken for a walk without drift whose speed is not known: steady over the time in question, but differing from
time to time. For a known speed the reflection principle holds (Bachelier 1900; Karatzas and Shreve, *Brownian Motion
and Stochastic Calculus*, 2.8.A): a walk reaches `d` within `T` twice as often as it ends beyond `d`. Over speeds whose
inverse variance is gamma distributed, where a walk ends is Student's (Praetz 1972, *Journal of Business* 45): so the
chance is twice the tail of Student's distribution, here with four degrees of freedom, whose tail needs a root alone and
so gives the same digits everywhere. The speed is read from the mean range of an hour, which for such a walk is
sqrt(8 / pi) standard deviations (Feller 1951, *Annals of Mathematical Statistics* 22).
"""

import math
from typing import Final

from liqbot.price_change import change_pct

_HOUR_MS: Final = 3_600_000.0
_RANGE_IN_DEVIATIONS: Final = 1.5957691216057308
"""sqrt(8 / pi)."""


def reach_chance(mark_price: float, price: float, range_pct: float, within_ms: float) -> float:
    """Chance, 0..1, that the mark comes to `price` within `within_ms`.

    `range_pct` is the mean range of an hour, in percent of the middle of its ends, as distances are measured too.
    0 for a price that none can be (0, infinity) or without time; NaN where mark or range are unknown.
    """
    if not (mark_price > 0 and range_pct > 0):
        return math.nan
    if not 0.0 < price < math.inf or within_ms <= 0:
        return 0.0
    scale_pct = range_pct / _RANGE_IN_DEVIATIONS * math.sqrt(within_ms / _HOUR_MS)
    return _both_tails(abs(change_pct(mark_price, price)) / scale_pct)


def _both_tails(beyond: float) -> float:
    """2 (1 - F(t)) of Student's distribution with four degrees of freedom: with u = t / sqrt(1 + t^2 / 4) its
    F = 1/2 + 3/8 u (1 - u^2 / 12) (Johnson, Kotz, Balakrishnan, *Continuous Univariate Distributions* 2, 28.2), written
    in 2 - u so that far tails keep their digits."""
    root = math.sqrt(4.0 + beyond * beyond)
    left = 8.0 / (root * (root + beyond))
    return left * left * (6.0 - left) / 16.0
