"""`LiveTouchScore`: the map's own score as it goes, on what its newly crossed prices really gave.

Poisson deviance explained: 1 - deviance of the map's expectation / deviance of a constant per newly crossed bin. The
map's expectation is a x crossed bins + b x promised USD, both learnt as they go, and every step is judged with what was
known before it. Sums fade, so the score is that of the last days.
"""

import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from liqbot.market.estimate.decay import fading
from liqbot.market.params import ScoringParams

_LN2: Final = 0.6931471805599453
_FLOOR: Final = 1e-4
"""Expectations are at least this share of the mean amount per step: nothing is called impossible."""


class SideTouch(NamedTuple):
    """One side of one step."""

    crossed_count: float
    """Bins newly crossed, of all venues."""
    promised_usd: float
    """To be reported."""
    printed_usd: float
    """Reported."""


class LiveTouchScore:
    """One coin, both sides. `skill` is NaN until enough has been seen; 1 is perfect, 0 no better than the constant."""

    def __init__(self, params: ScoringParams) -> None:
        self._params = params
        self._bins = self._promised = 0.0
        self._by_bins = self._by_promise = 0.0
        """Printed USD attributed to the constant and to the promise."""
        self._model = self._constant = 0.0
        """Deviances."""
        self.orders = 0.0
        """Steps and sides with prints among what the score rests on, fading like it."""
        self._steps = 0.0

    @property
    def skill(self) -> float:
        if self.orders < self._params.touches_min or not self._constant > 0:
            return float("nan")
        return 1.0 - self._model / self._constant

    @property
    def promise_ratio(self) -> float:
        """Printed over promised USD where something was promised: 1 when the size is right."""
        return self._by_promise / self._promised if self._promised > 0 else float("nan")

    def fade(self, elapsed_ms: int) -> None:
        kept = fading(elapsed_ms, self._params.score_h)
        self._bins *= kept
        self._promised *= kept
        self._by_bins *= kept
        self._by_promise *= kept
        self._model *= kept
        self._constant *= kept
        self.orders *= kept
        self._steps *= kept

    def count(self, touches: Iterable[SideTouch]) -> None:
        """What a step's sides gave: all are judged with what was known before any of them is learnt."""
        told = [one for one in touches if one.crossed_count > 0 or one.promised_usd > 0 or one.printed_usd > 0]
        self._steps += float(len(told))
        total = self._by_bins + self._by_promise
        if total > 0 and self._bins > 0:
            for one in told:
                self._judge(one, total)
        self._bins += sum(one.crossed_count for one in told)
        self._promised += sum(one.promised_usd for one in told)
        shares = [self._promise_share(one) for one in told]
        for one, share in zip(told, shares, strict=True):
            self._by_promise += share * one.printed_usd
            self._by_bins += (1.0 - share) * one.printed_usd

    def _judge(self, one: SideTouch, total_usd: float) -> None:
        floor = _FLOOR * total_usd / self._steps
        per_bin = self._by_bins / self._bins
        per_usd = self._by_promise / self._promised if self._promised > 0 else 0.0
        self._model += deviance(one.printed_usd, per_bin * one.crossed_count + per_usd * one.promised_usd + floor)
        self._constant += deviance(one.printed_usd, total_usd / self._bins * one.crossed_count + floor)
        self.orders += 1.0 if one.printed_usd > 0 else 0.0

    def _promise_share(self, one: SideTouch) -> float:
        """Of what was printed, what is put down to the promise."""
        per_bin = self._by_bins / self._bins if self._by_bins > 0 and self._bins > 0 else 1.0
        per_usd = self._by_promise / self._promised if self._by_promise > 0 and self._promised > 0 else 1.0
        by_promise = per_usd * one.promised_usd
        together = per_bin * one.crossed_count + by_promise
        return by_promise / together if together > 0 else 0.0

    def state(self) -> list[float]:
        return [getattr(self, name) for name in _SUMS]

    def load_state(self, state: list[Any]) -> None:
        for name, value in zip(_SUMS, state, strict=True):
            setattr(self, name, value)


_SUMS: Final = (
    "_bins", "_promised", "_by_bins", "_by_promise", "_model", "_constant", "orders", "_steps",
)


def deviance(printed: float, expected: float) -> float:
    """Poisson deviance of an amount; `expected` above 0."""
    if not printed > 0:
        return 2.0 * expected
    return 2.0 * (printed * ln(printed / expected) - (printed - expected))


def ln(x: float) -> float:
    """Natural logarithm by + - * / alone, within 1e-12: the same bits on every platform."""
    mantissa, exponent = math.frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    part = (mantissa - 1.0) / (mantissa + 1.0)
    square, term, total = part * part, part, 0.0
    for odd in range(1, 32, 2):
        total += term / odd
        term *= square
    return 2.0 * total + exponent * _LN2
