"""The arithmetic of the estimate that a quiet step does not need, and the constants of all of it: pure functions over
arrays and numbers. What every step needs is compiled: `step_kernels`, `fold_kernels`.

No objects inside, arrays and numbers in and out, each array passed once per call. Arrays called `out` are written in
place. Axes are [row, side, tier, bin], see `state`; positions are fractional bins of the price grid. The order and
grouping of every sum is part of the result: maps are compared bit for bit (`bench/map_bits.py`).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LONG, SHORT = 0, 1
USD, AT_ENTRY = 0, 1  # kinds of cells: USD, and USD times the entry clock
BINS: Final = 4096
"""Width of the window: at least -53 % to +115 % around the mark when it has drifted as far as `recentred` lets it."""
FAR: Final = 1 << 40
HALF_BINS: Final = (2.0 + 5e-4) / 5e-4 / 2.0
"""Over a bin of 5 bp (p - 1 / p) / (p + 1 / p), p from its middle, goes from minus to plus half of one over this."""
_HALF, _DRIFT_BINS = BINS // 2, 512
DISTANCES: Final = np.array([0, 10, 20, 40, 60, 100, 150, 200, 300, 400, 600, 900, 1400])
"""Bins from the mark where a class of distance begins; the last one only ends the one before. 1400 bins: half price."""


def weighted_sums(values: Floats, weights: Floats) -> Floats:
    """[..., n] times [n], summed over n in one order wherever it runs: matrix products and `einsum` sum in the order
    that suits the processor, and the last digits differ."""
    sums: Floats = np.add.reduce(values * weights, axis=-1)
    return sums


# --- the window ------------------------------------------------------------------------------------------------------
def recentred(first_bin: int, position: float) -> int:
    """First bin of a window around the edge nearest to a position: the old one unless price has drifted far."""
    middle = int(position + 0.5)
    if first_bin and abs(middle - first_bin - _HALF) <= _DRIFT_BINS:
        return first_bin
    return max(1, middle - _HALF)


def moved_cells(cells: Floats, bins: int) -> Floats:
    """The window's first bin moves up by so many, or down; what leaves the window goes to its end bins."""
    step, moved = min(abs(bins), BINS - 1), np.zeros_like(cells)
    if bins > 0:
        moved[..., : BINS - step] = cells[..., step:]
        moved[..., 0] += cells[..., :step].sum(axis=4)
    else:
        moved[..., step:] = cells[..., : BINS - step]
        moved[..., -1] += cells[..., BINS - step :].sum(axis=4)
    return moved


# --- reading positions -----------------------------------------------------------------------------------------------
def leave_out_covered(beside: Floats, covered: Floats, total: Floats, rows: Whole) -> None:
    """Part of these rows' modelled positions that no reported ones stand for. `out`: beside."""
    held, part = total[rows], np.ones_like(total[rows])
    np.divide(np.maximum(held - covered[rows], 0.0), held, out=part, where=held > 0)
    beside[rows] = part


def line_usd(cells: Floats, scale: Floats) -> Floats:
    """USD per bin of [tier, bin] cells, all tiers together."""
    return np.asarray(np.add.reduce(cells * scale[:, None], axis=0))


def by_distance(away: Floats, usd: Floats) -> Floats:
    """USD per class of distance (`DISTANCES`); what lies beyond the last is left out."""
    at = np.searchsorted(DISTANCES, away, side="right") - 1
    inside = at < len(DISTANCES) - 1
    return np.asarray(np.bincount(at[inside], usd[inside], minlength=len(DISTANCES) - 1), np.float64)


def leverage_ratio(sums: Floats, leverages: Floats, weight: float) -> Floats:
    """Reported over modelled USD per tier, from (reported, modelled, squares of reported).

    Until forced orders say how large these tiers are together, those near the mark are taken to be as modelled.
    """
    reported, held, squares = sums
    sizes = np.divide(reported * reported, squares, out=np.zeros_like(reported), where=squares > 0)
    ratio = np.divide(reported, held, out=np.ones_like(reported), where=held > 0)
    found = np.where(held > 0, (ratio * sizes + weight) / (sizes + weight), 0.0)
    near = held * leverages * leverages
    size = float((near * found).sum())
    return found * (float(near.sum()) / size) if size > 0 else np.asarray(found)
