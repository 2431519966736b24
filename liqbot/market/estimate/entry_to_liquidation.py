"""`EntryToLiquidation`: how far from entry each tier of each venue's row is liquidated, ready for placing whole bars
at once.

Every tier has several distances, `turns` of them, because part of its positions holds more margin than the nominal
leverage says. Bars take turns, and neighbouring rows and tiers are at different turns, so that already one bar is
spread over several distances: a tier is smeared at the cost of a sharp one.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LONG, SHORT = 0, 1
_ROW_STRIDE, _TIER_STRIDE = 3, 5


class EntryToLiquidation:
    """Arrays begin with [turn, row, side, tier]: `whole` bins and the fractional `part` of one more."""

    def __init__(self, shift: Floats, mix: Floats) -> None:
        """`shift` in bins, NaN where a row does not offer a tier; `mix` is the share of each tier in what is opened."""
        self.shift = shift
        turns, rows, _, tiers = shift.shape
        self.turns = turns
        offered = ~np.isnan(shift[0])
        # A tier that is not offered gets weight 0 and the place of the farthest one, so that it widens no range.
        farthest = np.where(np.isnan(shift), 0.0, np.abs(shift)).max(axis=(0, 3), initial=0.0)
        placed = np.where(offered, shift, (farthest * (-1.0, 1.0))[None, :, :, None])
        offset = _ROW_STRIDE * np.arange(rows)[:, None] + _TIER_STRIDE * np.arange(tiers)
        turn = (np.arange(turns)[:, None, None] + offset) % turns
        placed = np.take_along_axis(placed, turn[:, :, None, :], axis=0)
        self.whole: Whole = np.floor(placed).astype(np.int64)
        self.part: Floats = (placed - np.floor(placed))[..., None]
        weight = offered * mix
        total = weight.sum(axis=2, keepdims=True)
        self.weight: Floats = weight / np.where(total > 0, total, 1.0)
        """[row, side, tier]: share of each offered tier; the others' shares fall to those offered."""
        over = (0, 2)
        ends = (self.whole[:, :, LONG].max(axis=over), self.whole[:, :, SHORT].min(axis=over),
                self.whole[:, :, LONG].min(axis=over), self.whole[:, :, SHORT].max(axis=over)) if rows else ()
        self.ends = list(zip(*(end.tolist() for end in ends), strict=True))
        """Per row: nearest long and short distance, farthest long and short distance."""

    def with_row(self, shift: Floats, mix: Floats) -> "EntryToLiquidation":
        """One more row; `shift[side, tier]`, or `[turn, side, tier]` with a distance of its own for each turn."""
        added = np.broadcast_to(shift, (self.turns, *self.shift.shape[2:]))
        return EntryToLiquidation(np.concatenate([self.shift, added[:, None]], axis=1), mix)
