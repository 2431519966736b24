"""What one step does to the modelled positions, and what its touches promise: in the dialect of `fold_kernels`, and
compiled with it.

`move` is all that price and time do in a step; what it is made of can be called alone too.
"""

import math
from typing import Final

import numpy as np

from liqbot.market.estimate.fold_kernels import CELLS, LINE, SIDES, TIERS, column_of, open_positions, summed
from liqbot.market.estimate.kernels import AT_ENTRY, HALF_BINS, LONG, SHORT, USD, Floats, Whole

_SCALE_MIN: Final = 1e-9
LOW, HIGH, MARK, ENTRY_LOW, ENTRY_HIGH, VOLUME, IMBALANCE, CHANGE, SPAN = range(9)
"""Columns of a step's rows (`move`): the range that a row's own mark went through and where it stands now, the range
that its bar traded in (prices in USD); volume, buys minus sells (NaN: not known) and change of open interest in USD;
milliseconds of the bar, 0 without one."""


# --- sums ------------------------------------------------------------------------------------------------------------
def written_out_line_sums(cells: Floats, kind: int, row: int, side: int, start: int, stop: int) -> Floats:
    """`line_sums` in its order."""
    found = np.empty(cells.shape[3])
    for tier in range(len(found)):
        found[tier] = summed(cells[kind, row, side, tier, start:stop])
    return found


def written_out_tier_sums(values: Floats) -> Floats:
    """`tier_sums` in its order."""
    found = np.empty((values.shape[0], values.shape[1]))
    for row in range(values.shape[0]):
        for side in range(values.shape[1]):
            found[row, side] = summed(values[row, side])
    return found


def line_sums(cells: Floats, kind: int, row: int, side: int, start: int, stop: int) -> Floats:
    """[tier]: of some columns of one row's side."""
    return np.asarray(np.add.reduce(cells[kind, row, side, :, start:stop], axis=1))


def tier_sums(values: Floats) -> Floats:
    """[row, side] of [row, side, tier]."""
    return np.asarray(np.add.reduce(values, axis=2))


WRITTEN_OUT: Final = {"line_sums": "written_out_line_sums", "tier_sums": "written_out_tier_sums"}


# --- the price grid --------------------------------------------------------------------------------------------------
def grid_positions(prices: Floats, edges: Floats) -> Floats:
    """Bin index and fraction of each price, as `price_grid.position_of`; `edges` is the table, and holds them all."""
    index = np.searchsorted(edges, prices, side="right") - 1
    middle, square = edges[index] * edges[index + 1], prices * prices
    found: Floats = index + 0.5 + (square - middle) / (square + middle) * HALF_BINS
    return found


def are_on_grid(prices: Floats, edges: Floats) -> bool:
    """Whether every price lies in the table of the grid; NaN does not."""
    for index in range(len(prices)):  # noqa: SIM110 - as a loop it is compiled
        if not edges[0] <= prices[index] < edges[-1]:
            return False
    return True


# --- time ------------------------------------------------------------------------------------------------------------
def hazard_of(rates: Floats, pace: float, elapsed_ms: float) -> Floats:
    """Closings that a position of each tier is exposed to meanwhile, on average."""
    return rates * (pace * elapsed_ms)


def kept_share_of(hazard: Floats) -> Floats:
    """Share of each tier's positions that is not closed. Rational, in sixteen steps: (1 + hazard / 16) ** -16."""
    factor = 1.0 / (1.0 + hazard / 16.0)
    for _ in range(4):
        factor = factor * factor
    return factor


def decay(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, covered: Floats, hazard: Floats, rows: int
) -> None:
    """Owners close positions; the first five are `out`. Scales that get small are written into the cells. Rows from
    `rows` on are of this step: nothing was open in them meanwhile."""
    scale[:rows] *= kept_share_of(hazard)
    clock += hazard
    if len(scale) and scale.min() < _SCALE_MIN:
        rescale(cells, clock, scale, total)
        covered *= scale
        scale[:] = 1.0
        clock[:] = 0.0


def rescale(cells: Floats, clock: Floats, scale: Floats, total: Floats) -> None:
    """Scales written into the cells. Summed afresh, which also ends the drift of running sums; the clock starts anew.
    `out`: cells, total."""
    for row in range(len(total)):
        for side in range(2):
            for tier in range(len(clock)):
                usd, at_entry = cells[USD, row, side, tier], cells[AT_ENTRY, row, side, tier]
                at_entry -= usd * clock[tier]
                usd *= scale[row, side, tier]
                at_entry *= scale[row, side, tier]
                total[row, side, tier] = summed(usd)


# --- touches ---------------------------------------------------------------------------------------------------------
def sweep_side(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, multiplier: Floats, beside: Floats,
    touched_usd: Floats, touched_prior_usd: Floats, touched_hazard_usd: Floats,
    row: int, side: int, first: int, stop: int, end: int, kept: float,
) -> None:
    """Remove columns first..stop of one row's side, but for a share `kept` of its end bin."""
    stays = cells[:, row, side, :, end] * kept
    usd = line_sums(cells, USD, row, side, first, stop) - stays[USD]
    at_entry = line_sums(cells, AT_ENTRY, row, side, first, stop) - stays[AT_ENTRY]
    cells[:, row, side, :, first:stop] = 0.0
    cells[:, row, side, :, end] = stays
    prior_usd = usd * scale[row, side]
    touched_prior_usd[row, side] += prior_usd
    touched_hazard_usd[row, side] += (usd * clock - at_entry) * scale[row, side]
    touched_usd[row, side] += prior_usd * multiplier[row] * beside[row, side]
    total[row, side] = np.maximum(total[row, side] - usd, 0.0)


def sweep_row(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, multiplier: Floats, beside: Floats, frontier: Floats,
    touched_usd: Floats, touched_prior_usd: Floats, touched_hazard_usd: Floats, first_bin: int,
    row: int, low: float, high: float,
) -> None:
    """Of an end bin a share is kept, as price crossed only a part of it."""
    near_long, near_short = frontier[row, LONG], frontier[row, SHORT]
    if low < near_long:
        bin_low = math.floor(low)
        first, stop = column_of(bin_low, first_bin), column_of(math.ceil(near_long), first_bin)
        kept = max(0.0, low - bin_low) / (min(near_long, bin_low + 1.0) - bin_low)
        sweep_side(
            cells, clock, scale, total, multiplier, beside, touched_usd, touched_prior_usd, touched_hazard_usd,
            row, LONG, first, stop, first, kept,
        )  # fmt: skip
        frontier[row, LONG] = low
    if high > near_short:
        bin_high = math.floor(high)
        first, last = column_of(math.floor(near_short), first_bin), column_of(bin_high, first_bin)
        kept = (bin_high + 1.0 - high) / (bin_high + 1.0 - max(near_short, float(bin_high)))
        sweep_side(
            cells, clock, scale, total, multiplier, beside, touched_usd, touched_prior_usd, touched_hazard_usd,
            row, SHORT, first, last + 1, last, kept,
        )  # fmt: skip
        frontier[row, SHORT] = high


def touch(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, covered: Floats, multiplier: Floats, beside: Floats,
    frontier: Floats, touched_usd: Floats, touched_prior_usd: Floats, touched_hazard_usd: Floats, first_bin: int,
    rows: Whole, lows: Floats, highs: Floats,
) -> None:
    """Remove what the rows' own marks, each moving within low..high, would have force-closed. Rows are distinct.
    `out`: cells, total, covered, frontier, and the three sums of what was touched."""
    before = total.copy()
    for index in range(len(rows)):
        sweep_row(
            cells, clock, scale, total, multiplier, beside, frontier, touched_usd, touched_prior_usd,
            touched_hazard_usd, first_bin, rows[index], lows[index], highs[index],
        )  # fmt: skip
    if covered.any():
        # Touched are positions of either kind alike.
        known = before > 0.0
        covered *= np.where(known, total / np.where(known, before, 1.0), 0.0)


def note_marks(crossed: Floats, mark: Floats, rows: Whole, lows: Floats, highs: Floats, marks: Floats) -> None:
    """Where each row's mark stood before the step, its lowest and highest in it, and where it stands now: what it
    crosses next is new from there on. `out`: crossed, mark."""
    for index in range(len(rows)):
        row, low, high = rows[index], lows[index], highs[index]
        if math.isnan(crossed[row, 0]):
            start = mark[row]
            crossed[row, 0] = low if math.isnan(start) else start
            crossed[row, 1], crossed[row, 2] = low, high
        else:
            crossed[row, 1], crossed[row, 2] = min(crossed[row, 1], low), max(crossed[row, 2], high)
        mark[row] = marks[index]


# --- opening ---------------------------------------------------------------------------------------------------------
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
    if not math.isnan(imbalance_usd):
        most = (volume_usd - abs(change_usd)) / 2.0
        tilt = min(max(taker_weight * imbalance_usd / 2.0, -most), most)
    return activity_share * (half + tilt), activity_share * (half - tilt)


def opened_in(told: Floats, opens: Whole, taker_weight: float, activity_share: float) -> Floats:
    """[entry, side]: USD that the bars of these columns opened."""
    usd = np.empty((len(opens), 2))
    for index in range(len(opens)):
        at = opens[index]
        long_usd, short_usd = opened_usd(
            told[VOLUME, at], told[IMBALANCE, at], told[CHANGE, at], taker_weight, activity_share
        )
        usd[index, LONG], usd[index, SHORT] = long_usd, short_usd
    return usd


def close_unseen(
    unseen_usd: Floats, unseen: Whole, rates: Floats, pace: float, rows: Whole, spans_ms: Floats
) -> None:
    """Positions that were open before they could be seen are closed while their row is watched. `out`: unseen_usd."""
    for index in range(len(rows)):
        if spans_ms[index] > 0.0 and unseen[rows[index]] > 0:
            unseen_usd[rows[index]] *= kept_share_of(hazard_of(rates, pace, spans_ms[index]))


# --- a whole step ----------------------------------------------------------------------------------------------------
def move(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, covered: Floats, multiplier: Floats, beside: Floats,
    frontier: Floats, extent: Whole, touched_usd: Floats, touched_prior_usd: Floats, touched_hazard_usd: Floats,
    mark: Floats, unseen_usd: Floats, whole: Whole, part: Floats, rest: Floats, weight: Floats, ends: Whole,
    rates: Floats, edges: Floats, starts: Whole, rows: Whole, told: Floats, unseen: Whole, crossed: Floats,
    first_bin: int, offset: int, rows_before: int, pace: float, elapsed_ms: float, taker_weight: float,
    activity_share: float,
) -> int:
    """Time passes; then, round by round, the rows' marks sweep and their bars open positions.

    Round n are the entries `starts[n]`..`starts[n + 1]`, in which a row comes once at most: `rows[entry]`,
    `told[column, entry]` (see `LOW`). `crossed` is NaN, `unseen[row]` 1 where a row has positions from before. The
    answer is the offset that was taken last; -1, and nothing is changed, when a price is not on the grid. `out`: the
    first fourteen, and crossed."""
    for column in range(VOLUME):  # all before are prices
        if not are_on_grid(told[column], edges):
            return -1
    for touched in (touched_usd, touched_prior_usd, touched_hazard_usd):
        touched[:] = 0.0
    decay(cells, clock, scale, total, covered, hazard_of(rates, pace, elapsed_ms), rows_before)
    low, high = grid_positions(told[LOW], edges), grid_positions(told[HIGH], edges)
    marks, span_ms = grid_positions(told[MARK], edges), told[SPAN]
    entry_low, entry_high = grid_positions(told[ENTRY_LOW], edges), grid_positions(told[ENTRY_HIGH], edges)
    for number in range(len(starts) - 1):
        at = slice(starts[number], starts[number + 1])
        note_marks(crossed, mark, rows[at], low[at], high[at], marks[at])
        touch(
            cells, clock, scale, total, covered, multiplier, beside, frontier, touched_usd, touched_prior_usd,
            touched_hazard_usd, first_bin, rows[at], low[at], high[at],
        )  # fmt: skip
        close_unseen(unseen_usd, unseen, rates, pace, rows[at], span_ms[at])
        opens = starts[number] + np.flatnonzero(told[VOLUME, at] > 0.0)
        if len(opens):
            offset = (offset + 1) % len(whole)
            open_positions(
                cells, clock, scale, total, frontier, extent, whole[offset], part[offset], rest[offset], weight, ends,
                first_bin, rows[opens], entry_low[opens], entry_high[opens],
                opened_in(told, opens, taker_weight, activity_share), low[opens], high[opens],
            )  # fmt: skip
    return offset


# --- what it comes to ------------------------------------------------------------------------------------------------
def bound(cap: Floats, total: Floats, scale: Floats, multiplier: Floats, beside: Floats, most_usd: Floats) -> None:
    """Part of each row's side that `most_usd[row, side]` leaves room for; infinity leaves it all. `out`: cap."""
    rows, tiers = multiplier.shape
    held_usd = tier_sums(total * scale * multiplier.reshape(rows, 1, tiers) * beside)
    above = held_usd > most_usd
    cap[:] = np.where(above, most_usd / np.where(above, held_usd, 1.0), 1.0)


def expect_touched(
    expected: Floats, observed: Floats, reported: Floats, tail_sums: Floats, recent: Floats, since: Floats,
    touched_usd: Floats, kept: float, kept_tail: float, kept_recent: float, history: int,
) -> None:
    """Running sums of `CalibrationState` forget, and what was touched in the step (prior USD) is expected from now on;
    in a `history`, of rows alone that reported anything. `out`: the first six."""
    expected *= kept
    observed *= kept
    reported *= kept
    tail_sums *= kept_tail
    recent *= kept_recent
    if not touched_usd.any():
        return
    recent += touched_usd
    since += touched_usd
    for row in range(len(expected)):
        if history == 0 or reported[row, 1] > 0.0:
            expected[row] += touched_usd[row, LONG] + touched_usd[row, SHORT]


_SUMS: Final = f"{TIERS}, {TIERS}, {TIERS}"
_SWEPT: Final = f"{CELLS}, {LINE}, {TIERS}, {TIERS}"
_EDGES: Final = "Array(f8, 1, 'C', readonly=True)"
_OFFSETS: Final = "f8[:, :, :, :, ::1]"
SIGNATURES: Final = {
    "written_out_line_sums": f"{LINE}({CELLS}, i8, i8, i8, i8, i8)",
    "written_out_tier_sums": f"{SIDES}({TIERS})",
    "grid_positions": f"{LINE}({LINE}, {_EDGES})",
    "are_on_grid": f"b1({LINE}, {_EDGES})",
    "hazard_of": f"{LINE}({LINE}, f8, f8)",
    "kept_share_of": f"{LINE}({LINE})",
    "rescale": f"void({_SWEPT})",
    "decay": f"void({_SWEPT}, {TIERS}, {LINE}, i8)",
    "sweep_side": f"void({_SWEPT}, {SIDES}, {TIERS}, {_SUMS}, i8, i8, i8, i8, i8, f8)",
    "sweep_row": f"void({_SWEPT}, {SIDES}, {TIERS}, {SIDES}, {_SUMS}, i8, i8, f8, f8)",
    "touch": f"void({_SWEPT}, {TIERS}, {SIDES}, {TIERS}, {SIDES}, {_SUMS}, i8, i8[::1], {LINE}, {LINE})",
    "note_marks": f"void({SIDES}, {LINE}, i8[::1], {LINE}, {LINE}, {LINE})",
    "opened_usd": "UniTuple(f8, 2)(f8, f8, f8, f8, f8)",
    "opened_in": f"{SIDES}({SIDES}, i8[::1], f8, f8)",
    "close_unseen": f"void({SIDES}, i8[::1], {LINE}, f8, i8[::1], {LINE})",
    "move": (
        f"i8({_SWEPT}, {TIERS}, {SIDES}, {TIERS}, {SIDES}, i8[:, ::1], {_SUMS}, {LINE}, {SIDES}, "
        f"i8[:, :, :, ::1], {_OFFSETS}, {_OFFSETS}, {TIERS}, i8[:, ::1], {LINE}, {_EDGES}, i8[::1], i8[::1], {SIDES}, "
        f"i8[::1], {SIDES}, i8, i8, i8, f8, f8, f8, f8)"
    ),
    "bound": f"void({SIDES}, {TIERS}, {TIERS}, {SIDES}, {TIERS}, {SIDES})",
    "expect_touched": (
        f"void({SIDES}, {SIDES}, {SIDES}, {LINE}, {TIERS}, {TIERS}, {TIERS}, f8, f8, f8, i8)"
    ),
}  # fmt: skip
