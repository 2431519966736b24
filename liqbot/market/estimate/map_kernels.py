"""What a map and what stands out on it are read with, in the dialect of `fold_kernels`, and compiled with it."""

from typing import Final

import numpy as np

from liqbot.market.estimate.fold_kernels import (
    CELLS,
    LINE,
    SIDES,
    TIERS,
    draw_row,
    learnt_share,
    outstanding,
    summed,
    windows,
)
from liqbot.market.estimate.kernels import Floats, Whole

_SUGGESTION_ORDERS: Final = 20.0
"""From so many orders on, tiers that were learnt count as much as a quarter of what is said of the others."""


def sample_size(reported: Floats) -> float:
    """Effective number of orders, of [row, (number, sum, sum of squares)]: less than their count when a few are
    large."""
    sums = reported.sum(axis=0)
    return float(sums[1] * sums[1] / sums[2]) if sums[2] > 0.0 else 0.0


def learnt_sizes(
    weights: Floats, level: Floats, reporting: Floats, expected: Floats, reported: Floats, mix_weight: float,
) -> tuple[Floats, Floats, float]:
    """What forced orders say of all rows, see `position_layer.LearntSizes`."""
    orders = sample_size(reported)
    left = 1.0 - learnt_share(expected, level, reporting, orders, mix_weight)
    printing = level.reshape(len(level), 1) * weights
    return printing, left * left, 1.0 - orders / (orders + _SUGGESTION_ORDERS) / 2.0


def draw_rows(
    cells: Floats, scale: Floats, beside: Floats, total: Floats, frontier: Floats, extent: Whole, printing: Floats,
    unlearnt: Floats, unseen_usd: Floats, room_usd: Floats, oi_usd: Floats, mark: Floats, unseen: Whole,
    chosen: Floats, rows: Whole, offsets: Floats, parts: Floats, told_shares: Floats, first_bin: int, half: float,
    most: float, leveraged_share: float, open_share: float, anchored: float, long_usd: Floats, short_usd: Floats,
) -> None:
    """`draw_row` of several, one after the other; `told_shares` of each: what of its longs and shorts is reported one
    by one, together."""
    for index in range(len(rows)):
        row = rows[index]
        leveraged_usd = open_usd = np.inf  # not known; nothing of it would be no number
        if oi_usd[row] < np.inf:
            leveraged_usd = leveraged_share * oi_usd[row]
            open_usd = open_share * (2.0 - told_shares[index]) * oi_usd[row]
        draw_row(
            cells, scale, beside, total, frontier, extent, printing[row], unlearnt, unseen_usd, room_usd, chosen, row,
            first_bin, mark[row] - first_bin, offsets[index], parts[index], half, most, leveraged_usd, open_usd,
            anchored, unseen[row], long_usd, short_usd,
        )  # fmt: skip


def standing_out(
    open_usd: Floats, reach: int, width: int, around: int, low: Whole, width_share: Floats, contrast: float, kept: int,
    dust_share: float,
) -> tuple[Floats, Floats, Floats, Whole]:
    """`windows` of a side, and where those of them begin that are `outstanding`."""
    usd, beside, excess = windows(open_usd, reach, width, around, low, width_share, contrast)
    return usd, beside, excess, outstanding(excess, width, kept, dust_share)


def usd_between(usd: Floats, low: float, high: float) -> float:
    """USD between two places within the bins, low first; a bin that is cut counts in proportion."""
    first, last = int(low), int(high)
    below = np.zeros(last + 2)
    below[1:] = np.cumsum(usd[: last + 1])
    low_usd = (below[first + 1] - below[first]) * (low - first) + below[first]
    high_usd = (below[last + 1] - below[last]) * (high - last) + below[last]
    return float(max(0.0, high_usd - low_usd))


def seen_and_unseen(
    total: Floats, scale: Floats, beside: Floats, unseen_usd: Floats, most_usd: Floats, told_usd: Floats, rows: Whole
) -> tuple[Floats, Floats]:
    """[side] each, prior USD: positions that were seen being opened or reported (`told_usd[entry, side]`), and those
    that were open before and still are, within `most_usd[row]`; of these rows."""
    seen, unseen = np.zeros(2), np.zeros(2)
    for index in range(len(rows)):
        row = rows[index]
        for side in range(2):
            left_usd = 0.0
            for tier in range(beside.shape[2]):
                left_usd += unseen_usd[row, tier] * beside[row, side, tier]
            known_usd = summed(total[row, side] * scale[row, side] * beside[row, side]) + told_usd[index, side]
            seen[side] += known_usd
            unseen[side] += max(0.0, min(left_usd, most_usd[row] - known_usd))
    return seen, unseen


SIGNATURES: Final = {
    "sample_size": f"f8({SIDES})",
    "learnt_sizes": f"Tuple(({SIDES}, {LINE}, f8))({LINE}, {LINE}, {LINE}, {SIDES}, {SIDES}, f8)",
    "draw_rows": (
        f"void({CELLS}, {TIERS}, {TIERS}, {TIERS}, {SIDES}, i8[:, ::1], {SIDES}, {LINE}, {SIDES}, {SIDES}, {LINE}, "
        f"{LINE}, i8[::1], {LINE}, i8[::1], {LINE}, {LINE}, {LINE}, i8, f8, f8, f8, f8, f8, {LINE}, {LINE})"
    ),
    "standing_out": f"Tuple(({LINE}, {LINE}, {LINE}, i8[::1]))({LINE}, i8, i8, i8, i8[::1], {LINE}, f8, i8, f8)",
    "usd_between": f"f8({LINE}, f8, f8)",
    "seen_and_unseen": f"UniTuple({LINE}, 2)({TIERS}, {TIERS}, {TIERS}, {SIDES}, {LINE}, {SIDES}, i8[::1])",
}
