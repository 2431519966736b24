"""Shares with intervals, where what happens at one time happens together: levels that one flush sweeps are not
independent of each other, so those of one stretch of time count as one draw."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

STRETCH_MS: Final = 4 * 3_600_000
STRETCHES_MIN: Final = 5
"""Fewer tell nothing of how much they differ."""
_Z: Final = 1.959964
"""Of 95 %."""


class Share(msgspec.Struct, frozen=True):
    """`of` of `n`, with a 95 % interval; None where there is nothing to divide by."""

    of: int
    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


class ShareDifference(msgspec.Struct, frozen=True):
    """One share less another, with a 95 % interval; None where too few stretches of time tell of both."""

    share: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out no difference at all."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


Sample = Sequence[tuple[int, bool]]
"""When (ms), and whether it was so."""


def share_of(sample: Sample) -> Share:
    """Wilson's interval at the number of draws that the stretches are worth, at most one for each."""
    n, of = len(sample), sum(hit for _, hit in sample)
    if not n:
        return Share(0, 0)
    share = of / n
    worth = _worth(sample, share)
    centre, spread = share + _Z**2 / (2 * worth), _Z * math.sqrt(share * (1 - share) / worth + (_Z / (2 * worth)) ** 2)
    whole = 1 + _Z**2 / worth
    low, high = min(share, (centre - spread) / whole), max(share, (centre + spread) / whole)
    return Share(of, n, share, max(0.0, low), min(1.0, high))


def difference_of(one: Sample, other: Sample) -> ShareDifference:
    """By the deviations of the stretches from both means; Student's factor is left out, so few stretches say less than
    they seem to."""
    if not one or not other:
        return ShareDifference()
    shares = [sum(hit for _, hit in sample) / len(sample) for sample in (one, other)]
    apart: dict[int, float] = defaultdict(float)
    for sample, share, sign in ((one, shares[0], 1.0), (other, shares[1], -1.0)):
        for time_ms, hit in sample:
            apart[time_ms // STRETCH_MS] += sign * (hit - share) / len(sample)
    found = shares[0] - shares[1]
    if len(apart) < STRETCHES_MIN:
        return ShareDifference(found)
    spread = _Z * math.sqrt(_variance(apart.values()))
    return ShareDifference(found, max(-1.0, found - spread), min(1.0, found + spread))


def _worth(sample: Sample, share: float) -> float:
    """So many independent draws would vary as much. All the same answer, or too few stretches: as many as there are
    stretches."""
    apart: dict[int, float] = defaultdict(float)
    for time_ms, hit in sample:
        apart[time_ms // STRETCH_MS] += (hit - share) / len(sample)
    variance = _variance(apart.values()) if len(apart) >= STRETCHES_MIN else 0.0
    if not variance > 0:
        return float(len(apart))
    return max(1.0, min(float(len(sample)), share * (1 - share) / variance))


def _variance(apart: Iterable[float]) -> float:
    values = list(apart)
    return sum(value * value for value in values) * len(values) / (len(values) - 1)
