"""The arithmetic of the estimate: pure functions over arrays and numbers, with all their constants and callees.

Written so that they can be compiled one by one: no objects inside, arrays and numbers in and out, each array passed
once per call. Arrays called `out` are written in place. Axes are [row, side, tier, bin], see `state`; positions are
fractional bins of the price grid. The order and grouping of every sum is part of the result: maps are compared bit for
bit (`bench/map_bits.py`).
"""

import math
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
_COLUMNS: Final = np.arange(BINS)
_HALF, _DRIFT_BINS, _SCALE_MIN = BINS // 2, 512, 1e-9
_NO_WIDTH: Final = 1e-3
"""Bins: a bar that traded at one price opens positions in this narrow a range."""
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
    return np.asarray(index + (prices - edges[index]) / (edges[index + 1] - edges[index]))


def bin_shares(low: float, high: float) -> list[float]:
    """Of a range of positions, low below high: how much of it lies in each bin from low's own on."""
    first, width = math.floor(low), high - low
    last = math.floor(high - first)
    if not last:
        return [(high - low) / width]
    return [(first + 1.0 - low) / width, *(1.0 / width,) * (last - 1), (high - (first + last)) / width]


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


def decay(cells: Floats, clock: Floats, scale: Floats, total: Floats, kept: Floats, hazard: Floats) -> None:
    """Owners close positions; the first four are `out`. Scales that get small are written into the cells."""
    scale *= kept
    clock += hazard
    if len(scale) and np.minimum.reduce(scale, axis=None) < _SCALE_MIN:
        # Summed afresh, which also ends the drift of running sums; the clock starts anew.
        cells[AT_ENTRY] -= cells[USD] * clock[:, None]
        clock[:] = 0.0
        cells *= scale[..., None]
        scale[:] = 1.0
        total[:] = cells[USD].sum(axis=3)


def recentred(first_bin: int, position: float) -> int:
    """First bin of a window around a position: the old one unless price has drifted far."""
    middle = int(position)
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
    cells: Floats, clock: Floats, scale: Floats, total: Floats, multiplier: Floats, frontier: Floats,
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
            touched_usd[row, side] += prior_usd * multiplier[row]
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


def open_positions(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, frontier: Floats, extent: Whole, whole: Whole,
    part: Floats, rest: Floats, cell: Whole, weight: Floats, ends: Whole, first_bin: int, rows: Whole,
    entry_low: Floats, entry_high: Floats, usd: Floats, swept_low: Floats, swept_high: Floats,
) -> None:
    """Positions opened evenly over each row's entries (low..high), `usd[row, side]`; distances as `EntryToLiquidation`.

    What would lie within the swept range of the row's own mark meanwhile was closed again and is not added. Rows are
    distinct. `out`: cells, total, frontier, extent.
    """
    named = rows.tolist()
    # All rows in order, as when every venue has a bar: views instead of copies.
    at = slice(None) if named == list(range(len(scale))) else rows
    entries = list(zip(entry_low.tolist(), entry_high.tolist(), strict=True))
    shares = [bin_shares(low, max(high, low + _NO_WIDTH)) for low, high in entries]
    count = max(map(len, shares))
    share = np.array([[0.0, *of_row, *(0.0,) * (count + 1 - len(of_row))] for of_row in shares])[:, None, None]
    first = [math.floor(low) for low, _ in entries]
    added = rest[at] * share[..., 1:]
    added += part[at] * share[..., :-1]
    added *= (usd[:, :, None] * weight[at] / scale[at])[..., None]
    bins = np.array(first)[:, None, None, None] + _COLUMNS[: count + 1]
    overlaps, fits = _widen(frontier, extent, ends, first_bin, named, first, count, swept_low, swept_high)
    if overlaps:
        target, low, high = whole[at][..., None] + bins, swept_low[:, None, None], swept_high[:, None, None]
        added[:, LONG] *= np.clip(low - target[:, LONG], 0.0, 1.0)
        added[:, SHORT] *= np.clip(target[:, SHORT] + 1.0 - high, 0.0, 1.0)
    if fits:
        # No cell is named twice, so one indexed addition is exact.
        index = cell[at][..., None] + (bins - first_bin)
        of_usd, at_entry = cells.reshape(2, -1)
        of_usd[index] += added
        at_entry[index] += added * clock[:, None]
    else:
        columns = np.clip(whole[at][..., None] + bins - first_bin, 0, BINS - 1)
        _add_clipped(cells, clock, named, columns, added)
    total[at] += np.add.reduce(added, axis=3)


def _widen(
    frontier: Floats, extent: Whole, ends: Whole, first_bin: int, rows: list[int], first: list[int], count: int,
    swept_low: Floats, swept_high: Floats,
) -> tuple[bool, bool]:
    """Note how near to and far from the mark each row now holds mass; `out`: frontier, extent. Whether some of what is
    added lies in what was swept, and whether all of it lies in the window, whatever the offset."""
    near, far, distances = frontier.tolist(), extent.tolist(), ends.tolist()
    overlaps, fits = False, True
    window_last = first_bin + BINS - count
    for row, bin_first, low, high in zip(rows, first, swept_low.tolist(), swept_high.tolist(), strict=True):
        near_long, near_short, far_long, far_short = distances[row]
        top, bottom = bin_first + near_long + count + 1.0, float(bin_first + near_short)
        overlaps = overlaps or top > low or bottom < high
        lowest, highest = bin_first + min(distances[row]), bin_first + max(distances[row])
        fits = fits and lowest >= first_bin and highest < window_last
        frontier[row, LONG] = max(near[row][LONG], min(top, low))
        frontier[row, SHORT] = min(near[row][SHORT], max(bottom, high))
        extent[row, LONG] = min(far[row][LONG], bin_first + far_long)
        extent[row, SHORT] = max(far[row][SHORT], bin_first + far_short + count)
    return overlaps, fits


def _add_clipped(cells: Floats, clock: Floats, rows: list[int], columns: Whole, added: Floats) -> None:
    """What falls outside the window goes to its ends; `out`: cells."""
    for index, row in enumerate(rows):
        for side in (LONG, SHORT):
            for tier in range(cells.shape[3]):
                usd = np.bincount(columns[index, side, tier], added[index, side, tier], minlength=BINS)
                cells[USD, row, side, tier] += usd
                cells[AT_ENTRY, row, side, tier] += usd * clock[tier]


# --- reading positions -----------------------------------------------------------------------------------------------
def bound(cap: Floats, total: Floats, scale: Floats, multiplier: Floats, most_usd: Floats) -> None:
    """Part of each row's side that `most_usd[row, side]` leaves room for; infinity leaves it all. `out`: cap."""
    held = np.add.reduce(total * scale * multiplier[:, None, :], axis=2).tolist()
    cap.fill(1.0)
    for row, sides in enumerate(zip(most_usd.tolist(), held, strict=True)):
        for side, (most, held_usd) in enumerate(zip(*sides, strict=True)):
            if held_usd > most:
                cap[row, side] = most / held_usd


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
