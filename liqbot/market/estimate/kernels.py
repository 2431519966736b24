"""The arithmetic of the estimate: pure functions over arrays and numbers, with all their constants and callees.

Written so that they can be compiled one by one: no objects inside, arrays and numbers in and out, each array passed
once per call. Arrays called `out` are written in place. Axes are [row, side, tier, bin], see `state`; positions are
fractional bins of the price grid. The order and grouping of every sum is part of the result: maps are compared bit for
bit (`bench/map_bits.py`).
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
_HALF, _DRIFT_BINS, _SCALE_MIN = BINS // 2, 512, 1e-9
DISTANCES: Final = np.array([0, 10, 20, 40, 60, 100, 150, 200, 300, 400, 600, 900, 1400])
"""Bins from the mark where a class of distance begins; the last one only ends the one before. 1400 bins: half price."""


def weighted_sums(values: Floats, weights: Floats) -> Floats:
    """[..., n] times [n], summed over n in one order wherever it runs: matrix products and `einsum` sum in the order
    that suits the processor, and the last digits differ."""
    sums: Floats = np.add.reduce(values * weights, axis=-1)
    return sums


# --- the price grid --------------------------------------------------------------------------------------------------
def grid_positions(prices: Floats, edges: Floats) -> Floats:
    """Bin index and fraction of each price, as `price_grid.position_of`; `edges` is the table, and holds them all."""
    index = np.searchsorted(edges, prices, side="right") - 1
    middle, square = edges[index] * edges[index + 1], prices * prices
    return np.asarray(index + 0.5 + (square - middle) / (square + middle) * HALF_BINS)


# --- positions over time ---------------------------------------------------------------------------------------------
def hazard_of(rates: Floats, pace: float, elapsed_ms: int) -> Floats:
    """Closings that a position of each tier is exposed to meanwhile, on average."""
    return rates * (pace * elapsed_ms)


def kept_share_of(hazard: Floats) -> Floats:
    """Share of each tier's positions that is not closed. Rational, in sixteen steps: (1 + hazard / 16) ** -16."""
    factor = 1.0 / (1.0 + hazard / 16.0)
    for _ in range(4):
        factor = factor * factor
    return np.asarray(factor)


def decay(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, covered: Floats, kept: Floats, hazard: Floats
) -> None:
    """Owners close positions; the first five are `out`. Scales that get small are written into the cells."""
    scale *= kept
    clock += hazard
    if len(scale) and np.minimum.reduce(scale, axis=None) < _SCALE_MIN:
        # Summed afresh, which also ends the drift of running sums; the clock starts anew.
        cells[AT_ENTRY] -= cells[USD] * clock[:, None]
        clock[:] = 0.0
        cells *= scale[..., None]
        covered *= scale
        scale[:] = 1.0
        total[:] = cells[USD].sum(axis=3)


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


def _column(position: int, first_bin: int) -> int:
    return min(max(position - first_bin, 0), BINS - 1)


def sweep(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, multiplier: Floats, beside: Floats, frontier: Floats,
    touched_usd: Floats, touched_prior_usd: Floats, touched_hazard_usd: Floats, first_bin: int,
    rows: Whole, lows: Floats, highs: Floats,
) -> None:
    """Remove what the rows' own marks, each moving within low..high, would have force-closed. Rows are distinct.
    `out`: cells, total, frontier, and the three sums of what was touched."""
    nearest = frontier.tolist()
    for row, low, high in zip(rows.tolist(), lows.tolist(), highs.tolist(), strict=True):
        near_long, near_short = nearest[row]
        crossed = []
        if low < near_long:
            bin_low = int(low)
            first = _column(bin_low, first_bin)
            stop = _column(-int(-near_long // 1), first_bin)
            kept = max(0.0, low - bin_low) / (min(near_long, bin_low + 1.0) - bin_low)
            crossed.append((LONG, first, stop, first, kept))
            frontier[row, LONG] = low
        if high > near_short:
            bin_high = int(high)
            first = _column(int(near_short), first_bin)
            last = _column(bin_high, first_bin)
            kept = (bin_high + 1.0 - high) / (bin_high + 1.0 - max(near_short, float(bin_high)))
            crossed.append((SHORT, first, last + 1, last, kept))
            frontier[row, SHORT] = high
        for side, first, stop, end, kept in crossed:
            # Of the end bin a share is kept, as price crossed only a part of it.
            swept = cells[:, row, side, :, first:stop]
            stays = cells[:, row, side, :, end] * kept
            usd, at_entry = np.add.reduce(swept, axis=2) - stays
            swept[:] = 0.0
            cells[:, row, side, :, end] = stays
            prior_usd = usd * scale[row, side]
            touched_prior_usd[row, side] += prior_usd
            touched_hazard_usd[row, side] += (usd * clock - at_entry) * scale[row, side]
            touched_usd[row, side] += prior_usd * multiplier[row] * beside[row, side]
            total[row, side] = np.maximum(total[row, side] - usd, 0.0)


def opened_usd(
    volume_usd: float, imbalance_usd: float, change_usd: float, taker_weight: float, activity_share: float
) -> tuple[float, float]:
    """USD opened by (longs, shorts): half of volume plus change of open interest each, tilted by the takers.

    Volume and change fix opens and closes of both sides together; the tilt between them is only bounded.
    `imbalance_usd` is NaN where nobody says which side took.
    """
    change_usd = min(max(change_usd, -volume_usd), volume_usd)
    half = (volume_usd + change_usd) / 2.0
    tilt = 0.0
    if imbalance_usd == imbalance_usd:
        most = (volume_usd - abs(change_usd)) / 2.0
        tilt = min(max(taker_weight * imbalance_usd / 2.0, -most), most)
    return activity_share * (half + tilt), activity_share * (half - tilt)


# --- reading positions -----------------------------------------------------------------------------------------------
def bound(
    cap: Floats, total: Floats, scale: Floats, multiplier: Floats, beside: Floats, most_usd: Floats
) -> None:
    """Part of each row's side that `most_usd[row, side]` leaves room for; infinity leaves it all. `out`: cap."""
    held = np.add.reduce(total * scale * multiplier[:, None, :] * beside, axis=2).tolist()
    cap.fill(1.0)
    for row, sides in enumerate(zip(most_usd.tolist(), held, strict=True)):
        for side, (most, held_usd) in enumerate(zip(*sides, strict=True)):
            if held_usd > most:
                cap[row, side] = most / held_usd


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
