"""What is compiled of the fold: pure functions over arrays and numbers. Sums, opening and drawing are here, what a step
does to positions is in `step_kernels`.

The files beside it that are named `*kernels.py` alone decide what the machine code is: they import nothing else of
ours, so that their checksum names everything that a compiled copy was made from. `SIGNATURES` lists what is compiled,
callees first. Uncompiled the same source is plain numpy, gives the same bits, and is what the compiled form is compared
with.

Hence the dialect: whole stretches of bins as array expressions; `summed` and `running_maximum`, which numpy has and the
compiler lacks, are written out for it in numpy's order; serial sums as `.sum(axis=0)`; no recursion, no reading out of
range, no whole number of a NaN.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from liqbot.market.estimate.kernels import AT_ENTRY, BINS, LONG, SHORT, USD, Floats, Whole

_MIDDLES: Final = np.arange(BINS) + 0.5
_ANCHOR_RATIO_MAX: Final = 10.0
"""Open interest raises or lowers a tier by this much at most."""
_NO_WIDTH: Final = 1e-3
"""Bins: a bar that traded at one price opens positions in this narrow a range."""
_LANES: Final = 8
_BLOCK: Final = 128


# --- sums ------------------------------------------------------------------------------------------------------------
def block_sum(values: Floats, start: int, stop: int) -> float:
    """Of one block, in the order of `np.add.reduce`: eight running sums, then what is left over."""
    count = stop - start
    if count < _LANES:
        total = 0.0
        for index in range(start, stop):
            total += values[index]
        return total
    one, two, three, four = values[start], values[start + 1], values[start + 2], values[start + 3]
    five, six, seven, eight = values[start + 4], values[start + 5], values[start + 6], values[start + 7]
    whole = start + count - count % _LANES
    for index in range(start + _LANES, whole, _LANES):
        one += values[index]
        two += values[index + 1]
        three += values[index + 2]
        four += values[index + 3]
        five += values[index + 4]
        six += values[index + 5]
        seven += values[index + 6]
        eight += values[index + 7]
    total = ((one + two) + (three + four)) + ((five + six) + (seven + eight))
    for index in range(whole, stop):
        total += values[index]
    return float(total)


def written_out_sum(values: Floats) -> float:
    """`np.add.reduce` of contiguous numbers, to the last bit: halves, quarters ... summed apart, without recursion."""
    if len(values) <= _BLOCK:
        return block_sum(values, 0, len(values))
    begins, ends = np.zeros(64, np.int64), np.zeros(64, np.int64)
    stages, lefts = np.zeros(64, np.int64), np.zeros(64)
    depth, result = 0, 0.0
    ends[0] = len(values)
    while depth >= 0:
        begin, end = begins[depth], ends[depth]
        half = (end - begin) // 2
        half -= half % _LANES
        if end - begin <= _BLOCK:
            result = block_sum(values, begin, end)
            depth -= 1
        elif stages[depth] == 0:
            stages[depth], stages[depth + 1] = 1, 0
            begins[depth + 1], ends[depth + 1] = begin, begin + half
            depth += 1
        elif stages[depth] == 1:
            lefts[depth], stages[depth], stages[depth + 1] = result, 2, 0
            begins[depth + 1], ends[depth + 1] = begin + half, end
            depth += 1
        else:
            result = lefts[depth] + result
            depth -= 1
    return result


def written_out_sum_of_products(values: Floats, weights: Floats) -> float:
    """`np.add.reduce` of contiguous products, which lie for a moment in one array."""
    products = np.empty(len(values))
    for index in range(len(products)):
        products[index] = values[index] * weights[index]
    return written_out_sum(products)


def written_out_weighted_line(cells: Floats, row: int, side: int, start: int, stop: int, weights: Floats) -> Floats:
    """`weighted_line`, tier by tier in that order."""
    found = np.zeros(stop - start)
    for tier in range(len(weights)):
        line, weight = cells[USD, row, side, tier, start:stop], weights[tier]
        for index in range(len(found)):
            found[index] += line[index] * weight
    return found


def written_out_maximum(values: Floats) -> Floats:
    """`np.maximum.accumulate`."""
    found = np.empty_like(values)
    highest = -np.inf
    for index in range(len(values)):
        highest = max(highest, values[index])
        found[index] = highest
    return found


def sum_of_products(values: Floats, weights: Floats) -> float:
    total: float = np.add.reduce(values * weights)
    return total


def weighted_line(cells: Floats, row: int, side: int, start: int, stop: int, weights: Floats) -> Floats:
    """[bin]: USD of some columns of a row's side, its tiers with these weights together."""
    usd: Floats = (cells[USD, row, side, :, start:stop] * weights.reshape(len(weights), 1)).sum(axis=0)
    return usd


summed: Callable[[Floats], Any] = np.add.reduce
running_maximum: Callable[[Floats], Any] = np.maximum.accumulate
WRITTEN_OUT: Final = {
    "summed": "written_out_sum", "running_maximum": "written_out_maximum",
    "sum_of_products": "written_out_sum_of_products", "weighted_line": "written_out_weighted_line",
}  # fmt: skip
"""What takes the place of numpy's where it is compiled."""


# --- opening ---------------------------------------------------------------------------------------------------------
def shares_of(low: float, high: float, count: int) -> Floats:
    """Of a range of positions, low below high: how much of it lies in each bin from low's own on; one empty bin before
    them, and empty ones after."""
    found, first, width = np.zeros(count + 2), math.floor(low), high - low
    last = math.floor(high - first)
    if last == 0:
        found[1] = (high - low) / width
        return found
    found[1] = (first + 1.0 - low) / width
    found[2 : last + 1] = 1.0 / width
    found[last + 1] = (high - (first + last)) / width
    return found


def bins_of(low: float, high: float) -> int:
    """How many bins a range of positions reaches into."""
    return math.floor(high - math.floor(low)) + 1


def add_line(cells: Floats, row: int, side: int, tier: int, start: int, added: Floats, clock: float) -> None:
    """Add to the bins of one line from column `start` on; what lies beyond the window goes to its end bins."""
    stop = start + len(added)
    if start >= 0 and stop <= BINS:
        cells[USD, row, side, tier, start:stop] += added
        cells[AT_ENTRY, row, side, tier, start:stop] += added * clock
        return
    line = np.zeros(BINS)
    for index in range(len(added)):
        line[min(max(start + index, 0), BINS - 1)] += added[index]
    cells[USD, row, side, tier] += line
    cells[AT_ENTRY, row, side, tier] += line * clock


def open_row(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, frontier: Floats, extent: Whole, whole: Whole,
    part: Floats, rest: Floats, weight: Floats, ends: Whole, first_bin: int, row: int, count: int, low: float,
    high: float, usd: Floats, swept_low: float, swept_high: float,
) -> None:
    """`open_positions` of one row; `count` is the most bins that any row's entries reach into."""
    tiers, first, share, own = len(clock), math.floor(low), shares_of(low, high, count), bins_of(low, high)
    added = rest[row] * share[1:] + part[row] * share[:-1]
    added *= (usd.reshape(2, 1) * weight[row] / scale[row]).reshape(2, tiers, 1)
    target = whole[row].reshape(2, tiers, 1) + (first + np.arange(count + 1))
    added[LONG] *= np.minimum(np.maximum(swept_low - target[LONG], 0.0), 1.0)
    added[SHORT] *= np.minimum(np.maximum(target[SHORT] + 1.0 - swept_high, 0.0), 1.0)
    for side in range(2):
        for tier in range(tiers):
            start = whole[row, side, tier] + first - first_bin
            add_line(cells, row, side, tier, start, added[side, tier], clock[tier])
            total[row, side, tier] += summed(added[side, tier])
    top, bottom = first + ends[row, 0] + own + 1.0, float(first + ends[row, 1])
    frontier[row, LONG] = max(frontier[row, LONG], min(top, swept_low))
    frontier[row, SHORT] = min(frontier[row, SHORT], max(bottom, swept_high))
    extent[row, LONG] = min(extent[row, LONG], first + ends[row, 2])
    extent[row, SHORT] = max(extent[row, SHORT], first + ends[row, 3] + own)


def open_positions(
    cells: Floats, clock: Floats, scale: Floats, total: Floats, frontier: Floats, extent: Whole, whole: Whole,
    part: Floats, rest: Floats, weight: Floats, ends: Whole, first_bin: int, rows: Whole, entry_low: Floats,
    entry_high: Floats, usd: Floats, swept_low: Floats, swept_high: Floats,
) -> None:
    """Positions opened evenly over each row's entries (low..high), `usd[row, side]`; distances as `EntryToLiquidation`.

    What would lie within the swept range of the row's own mark meanwhile was closed again and is not added. Rows are
    distinct. `out`: cells, total, frontier, extent.
    """
    lacking = np.maximum(_NO_WIDTH - (entry_high - entry_low), 0.0) / 2.0
    low, high, count = entry_low - lacking, entry_high + lacking, 1
    for index in range(len(rows)):
        count = max(count, bins_of(low[index], high[index]))
    for index in range(len(rows)):
        open_row(
            cells, clock, scale, total, frontier, extent, whole, part, rest, weight, ends, first_bin, rows[index],
            count, low[index], high[index], usd[index], swept_low[index], swept_high[index],
        )  # fmt: skip


# --- what was learnt -------------------------------------------------------------------------------------------------
def learnt_share(expected: Floats, level: Floats, reporting: Floats, orders: float, mix_weight: float) -> Floats:
    """[tier]: how far its weight rests on forced orders (an effective number); the rest is prior."""
    by_tier = (expected * (level * reporting).reshape(len(level), 1)).sum(axis=0)
    pull = mix_weight / max(orders, 1.0) * summed(by_tier) / len(by_tier)
    known = by_tier > 0.0
    return np.where(known, by_tier / np.where(known, by_tier + pull, 1.0), 0.0)


# --- drawing ---------------------------------------------------------------------------------------------------------
def column_of(position: int, first_bin: int) -> int:
    return min(max(position - first_bin, 0), BINS - 1)


def span_of(near: float, far: int, first_bin: int, side: int) -> tuple[int, int]:
    """First column of a row's side that holds anything, and the one after the last; (0, 0) where nothing does."""
    if not -np.inf < near < np.inf:
        return 0, 0
    if side == LONG:
        return column_of(far, first_bin), column_of(math.ceil(near), first_bin) + 1
    return column_of(math.floor(near), first_bin), column_of(far, first_bin) + 1


def ratio_of(start: int, stop: int, mark: float, half: float, most: float) -> Floats:
    """Open over printing USD of each bin: 1 + most x d / (d + half), in bins; behind the mark already as at it."""
    found: Floats = (1.0 + most) - (most * half) / (np.abs(_MIDDLES[start:stop] - mark) + half)
    return found


def held_usd(cells: Floats, row: int, side: int, start: int, stop: int, ratio: Floats, scale: Floats) -> Floats:
    """[tier]: prior USD open, over these columns of one side."""
    found = np.empty(len(scale))
    for tier in range(len(scale)):
        found[tier] = sum_of_products(cells[USD, row, side, tier, start:stop], ratio) * scale[tier]
    return found


def seen_share(total: Floats, scale: Floats, unseen_usd: Floats, most_usd: float) -> float:
    """Of a row's modelled positions and those that were open before they could be seen: the former, prior USD."""
    long_usd, short_usd = summed(total[LONG] * scale[LONG]), summed(total[SHORT] * scale[SHORT])
    left_usd, seen_usd = summed(unseen_usd), long_usd + short_usd
    unseen = max(0.0, min(left_usd, most_usd - long_usd)) + max(0.0, min(left_usd, most_usd - short_usd))
    both_usd = seen_usd + unseen
    return float(seen_usd / both_usd) if both_usd > 0.0 else 0.0


def multiplier_of(by_tier: Floats, printing: Floats, unlearnt: Floats, open_usd: float, anchored: float) -> Floats:
    """[tier]: real over prior USD of what is open; `open_usd` is what open interest leaves for it."""
    held = by_tier * printing
    suggested_usd = summed(held * unlearnt)
    known_usd = summed(held) - suggested_usd
    if not suggested_usd > 0.0:
        return printing
    ratio = min(max((open_usd - known_usd) / suggested_usd, 1.0 / _ANCHOR_RATIO_MAX), _ANCHOR_RATIO_MAX)
    found: Floats = printing * (1.0 + (ratio - 1.0) * anchored * unlearnt)
    return found


def add_moved(out: Floats, start: int, values: Floats, offset: float) -> None:
    """Add a stretch moved by a fractional number of bins; what leaves the window is left out."""
    whole = math.floor(offset)
    part = offset - whole
    moved = values
    if part != 0.0:
        moved = np.zeros(len(values) + 1)
        moved[:-1] = values * (1.0 - part)
        moved[1:] += values * part
    first = start + whole
    low, high = max(first, 0), min(first + len(moved), len(out))
    if low < high:
        out[low:high] += moved[low - first : high - first]


def draw_row(
    cells: Floats, scale: Floats, beside: Floats, total: Floats, frontier: Floats, extent: Whole, printing: Floats,
    unlearnt: Floats, unseen_usd: Floats, room_usd: Floats, chosen: Floats, row: int, first_bin: int, mark: float,
    offset: float, part: float, half: float, most: float, leveraged_usd: float, open_usd: float, anchored: float,
    unseen: int, long_usd: Floats, short_usd: Floats,
) -> None:
    """Add `part` of one row's position layer to the map's lines (`long_usd`, `short_usd`), `offset` bins from its mark.

    `chosen[tier]` is 1 for the tiers that are drawn, else 0.
    `leveraged_usd` and `open_usd` are its open interest that may be leveraged, and that is taken to be of what stands
    open, both sides; infinity where it is not known. `unseen`: whether positions that were open before count.
    """
    low, low_end = span_of(frontier[row, LONG], extent[row, LONG], first_bin, LONG)
    high, high_end = span_of(frontier[row, SHORT], extent[row, SHORT], first_bin, SHORT)
    ratio_below, ratio_above = ratio_of(low, low_end, mark, half, most), ratio_of(high, high_end, mark, half, most)
    of_long = held_usd(cells, row, LONG, low, low_end, ratio_below, scale[row, LONG]) * beside[row, LONG]
    of_short = held_usd(cells, row, SHORT, high, high_end, ratio_above, scale[row, SHORT]) * beside[row, SHORT]
    multiplier = printing
    if open_usd < np.inf:
        share = seen_share(total[row], scale[row], unseen_usd[row], leveraged_usd) if unseen > 0 else 1.0
        multiplier = multiplier_of(of_long + of_short, printing, unlearnt, open_usd * share, anchored)
    usd_long, usd_short = summed(of_long * multiplier), summed(of_short * multiplier)
    room = room_usd[row, LONG] / usd_long if usd_long > room_usd[row, LONG] else 1.0
    by_scale = scale[row, LONG] * beside[row, LONG] * (multiplier * room) * chosen
    below = weighted_line(cells, row, LONG, low, low_end, by_scale)
    add_moved(long_usd, low, below * ratio_below * part, offset)
    room = room_usd[row, SHORT] / usd_short if usd_short > room_usd[row, SHORT] else 1.0
    by_scale = scale[row, SHORT] * beside[row, SHORT] * (multiplier * room) * chosen
    above = weighted_line(cells, row, SHORT, high, high_end, by_scale)
    add_moved(short_usd, high, above * ratio_above * part, offset)


# --- windows ---------------------------------------------------------------------------------------------------------
def open_outward(usd: Floats, position: float, first: int, sign: float, bins: int) -> Floats:
    """[bins + 1]: USD from a position of the price grid to so many bins outward, where a bin that is cut counts in
    proportion; `usd` begins at bin `first`, and all of it lies within."""
    places = position + sign * np.arange(bins + 1.0) - first
    last = int(max(places[0], places[bins])) + 1
    below = np.zeros(last + 1)
    below[1:] = np.cumsum(usd[:last])
    whole = places.astype(np.int64)
    start = below[whole]
    at = (below[1:][whole] - start) * (places - whole) + start
    found: Floats = running_maximum((at - at[0]) * sign)
    return found


def windows(
    open_usd: Floats, reach: int, width: int, around: int, low: Whole, width_share: Floats, contrast: float
) -> tuple[Floats, Floats, Floats]:
    """Of every window of a side: its USD, what as wide a one holds around it, and its excess."""
    inner, outer, far = width // 4, 3 * width // 4, width + around
    usd = open_usd[width : width + reach + 1] - open_usd[: reach + 1]
    middle = open_usd[outer : outer + reach + 1] - open_usd[inner : inner + reach + 1]
    beside = (open_usd[far : far + reach + 1] - open_usd[low] - usd) * width_share
    return usd, beside, np.maximum((usd + middle) / 2.0 - contrast * beside, 0.0)


def outstanding(excess: Floats, width: int, kept: int, dust_share: float) -> Whole:
    """Where the windows that stand out most begin, none overlapping another."""
    left, places, found = excess.copy(), np.zeros(kept, np.int64), 0
    least_usd = dust_share * max(left[left.argmax()], 0.0)
    while found < kept:
        at = int(left.argmax())
        if not left[at] > least_usd:
            break
        places[found] = at
        found += 1
        left[max(0, at - width + 1) : at + width] = 0.0
    return places[:found]


LINE: Final = "f8[::1]"
SIDES: Final = "f8[:, ::1]"
TIERS: Final = "f8[:, :, ::1]"
CELLS: Final = "f8[:, :, :, :, ::1]"
SIGNATURES: Final = {
    "block_sum": f"f8({LINE}, i8, i8)",
    "written_out_sum": f"f8({LINE})",
    "written_out_sum_of_products": f"f8({LINE}, {LINE})",
    "written_out_weighted_line": f"{LINE}({CELLS}, i8, i8, i8, i8, {LINE})",
    "written_out_maximum": f"{LINE}({LINE})",
    "shares_of": f"{LINE}(f8, f8, i8)",
    "bins_of": "i8(f8, f8)",
    "add_line": f"void({CELLS}, i8, i8, i8, i8, {LINE}, f8)",
    "open_row": (
        f"void({CELLS}, {LINE}, {TIERS}, {TIERS}, {SIDES}, i8[:, ::1], i8[:, :, ::1], f8[:, :, :, ::1], "
        f"f8[:, :, :, ::1], {TIERS}, i8[:, ::1], i8, i8, i8, f8, f8, {LINE}, f8, f8)"
    ),
    "open_positions": (
        f"void({CELLS}, {LINE}, {TIERS}, {TIERS}, {SIDES}, i8[:, ::1], i8[:, :, ::1], f8[:, :, :, ::1], "
        f"f8[:, :, :, ::1], {TIERS}, i8[:, ::1], i8, i8[::1], {LINE}, {LINE}, {SIDES}, {LINE}, {LINE})"
    ),
    "learnt_share": f"{LINE}({SIDES}, {LINE}, {LINE}, f8, f8)",
    "column_of": "i8(i8, i8)",
    "span_of": "UniTuple(i8, 2)(f8, i8, i8, i8)",
    "ratio_of": f"{LINE}(i8, i8, f8, f8, f8)",
    "held_usd": f"{LINE}({CELLS}, i8, i8, i8, i8, {LINE}, {LINE})",
    "seen_share": f"f8(f8[:, ::1], f8[:, ::1], {LINE}, f8)",
    "multiplier_of": f"{LINE}({LINE}, {LINE}, {LINE}, f8, f8)",
    "add_moved": f"void({LINE}, i8, {LINE}, f8)",
    "draw_row": (
        f"void({CELLS}, {TIERS}, {TIERS}, {TIERS}, {SIDES}, i8[:, ::1], "
        f"{LINE}, {LINE}, f8[:, ::1], f8[:, ::1], {LINE}, i8, i8, f8, f8, f8, f8, f8, f8, f8, f8, i8, "
        f"{LINE}, {LINE})"
    ),
    "open_outward": f"{LINE}({LINE}, f8, i8, f8, i8)",
    "windows": f"UniTuple({LINE}, 3)({LINE}, i8, i8, i8, i8[::1], {LINE}, f8)",
    "outstanding": f"i8[::1]({LINE}, i8, i8, f8)",
}
"""What is compiled, callees first, and for which types alone."""
