"""Chance that is the same on every machine: raw PCG64 words turned into draws by tables and IEEE arithmetic alone.

No libm function touches a draw: logarithms and exponentials come from tables built with `decimal`, whose results are
correctly rounded everywhere, and the normal quantile's centre is a rational function.
"""

import functools
import math
from decimal import Context, Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64, SeedSequence

Floats = npt.NDArray[np.float64]

TABLE_CELLS: Final = 1 << 16
_BUFFER: Final = 1 << 14
_EXACT: Final = Context(prec=20)
_EXP_REACH: Final = 12
_EXP_STEPS: Final = 1 << 10

# P. J. Acklam's rational approximation of the normal quantile, relative error below 1.2e-9.
_A: Final = (-3.969683028665376e01, 2.209460984245205e02, -2.759285104469687e02, 1.383577518672690e02,
             -3.066479806614716e01, 2.506628277459239e00)  # fmt: skip
_B: Final = (-5.447609879822406e01, 1.615858368580409e02, -1.556989798598866e02, 6.680131188771972e01,
             -1.328068155288572e01, 1.0)  # fmt: skip
_C: Final = (-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e00, -2.549732539343734e00,
             4.374664141464968e00, 2.938163982698783e00)  # fmt: skip
_D: Final = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0)
_TAIL: Final = 0.02425


class Draws:
    """One stream of uniforms in [0, 1). How many are taken at once never changes which come next."""

    def __init__(self, seed: int, *path: int) -> None:
        self._bits = PCG64(SeedSequence([seed, *path]))
        self._buffer: Floats = np.empty(0)
        self._next = 0

    def uniform(self, count: int) -> Floats:
        """A read-only view or a fresh array of `count` draws."""
        end = self._next + count
        if end <= len(self._buffer):
            taken = self._buffer[self._next : end]
            self._next = end
            return taken
        rest = self._buffer[self._next :]
        missing = count - len(rest)
        blocks = -(-missing // _BUFFER)
        fresh = np.asarray((self._bits.random_raw(blocks * _BUFFER) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)
        self._buffer, self._next = fresh, missing
        return np.concatenate((rest, fresh[:missing]))

    def one(self) -> float:
        return float(self.uniform(1)[0])

    def normal(self, count: int) -> Floats:
        """Standard normal, cut at 4.2 sigma by the table: heavier tails are made where they are meant."""
        return normal_table()[(self.uniform(count) * TABLE_CELLS).astype(np.intp)]

    def exponential(self, count: int) -> Floats:
        """Mean 1, cut at 11.8."""
        return exponential_table()[(self.uniform(count) * TABLE_CELLS).astype(np.intp)]

    def count(self, expected: float) -> int:
        """A whole number with this mean: floor plus a coin for the fraction."""
        whole = int(expected)
        return whole + (self.one() < expected - whole)


@functools.cache
def normal_table() -> Floats:
    """Quantiles at the centres of 65,536 equal cells."""
    half = TABLE_CELLS // 2
    share = (np.arange(half) + 0.5) / TABLE_CELLS
    lower = np.empty(half)
    tail = share < _TAIL
    centre = share[~tail] - 0.5
    square = centre * centre
    lower[~tail] = _polynomial(_A, square) * centre / _polynomial(_B, square)
    q = np.sqrt(-2.0 * np.array([_log(float(p)) for p in share[tail]]))
    lower[tail] = _polynomial(_C, q) / _polynomial(_D, q)
    return np.concatenate((lower, -lower[::-1]))


@functools.cache
def exponential_table() -> Floats:
    """-ln(u) at the centres of 65,536 cells: exact in the steep first 64, later on every 16th with lines between."""
    share = (np.arange(TABLE_CELLS) + 0.5) / TABLE_CELLS
    knots = np.concatenate((np.arange(64), np.arange(64, TABLE_CELLS, 16), [TABLE_CELLS - 1]))
    values = np.array([-_log(float(share[knot])) for knot in knots])
    return np.asarray(np.interp(np.arange(TABLE_CELLS), knots, values))


@functools.cache
def pareto_table(tail_index: float) -> Floats:
    """u**(-1/tail_index) with mean scaled to 1: sizes of traders. Small indices mean rarer and larger whales."""
    sizes = expo(exponential_table() / tail_index)
    return np.asarray(sizes * (len(sizes) / total(sizes)))


@functools.cache
def _exp_table() -> Floats:
    up = float(Decimal(1).exp(_EXACT))
    step = float((Decimal(1) / _EXP_STEPS).exp(_EXACT))
    within = np.cumprod(np.concatenate(([1.0], np.full(_EXP_STEPS - 1, step))))
    whole = np.cumprod(np.concatenate(([1.0], np.full(_EXP_REACH, up))))
    positive = (whole[:-1, None] * within[None, :]).ravel()
    return np.concatenate((1.0 / positive[:0:-1], positive))


def expo(x: Floats) -> Floats:
    """e**x from a table in steps of 1/1024 with a linear correction, clipped to |x| < 12; relative error below 2e-7."""
    clipped = np.minimum(np.maximum(x, -_EXP_REACH + 0.01), _EXP_REACH - 0.01)
    scaled = clipped * _EXP_STEPS
    cell = np.rint(scaled)
    table = _exp_table()
    return np.asarray(table[cell.astype(np.intp) + (len(table) - 1) // 2] * (1.0 + (scaled - cell) / _EXP_STEPS))


def total(amounts: Floats) -> float:
    """The correctly rounded sum: numpy's own order of adding up differs between its versions."""
    return math.fsum(amounts.tolist())


def power(base: float, exponent: float) -> float:
    """base**exponent, correctly rounded everywhere; slow."""
    return float(Decimal(base) ** Decimal(exponent)) if base > 0 else 0.0


def _log(x: float) -> float:
    return float(Decimal(x).ln(_EXACT))


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total
