"""`EntryToLiquidation`: how far from entry each tier of each venue's row is liquidated, ready for placing whole bars
at once.

Every tier has several offsets, because part of its positions holds more margin than the nominal leverage says. Bars
take one offset after the other, and neighbouring rows and tiers are at different ones, so that already one bar is
spread over several: a smeared tier at the cost of a sharp one.
"""

import numpy as np

from liqbot.market.estimate.kernels import LONG, SHORT, Floats, Whole
from liqbot.market.estimate.price_grid import shift_of
from liqbot.market.params import EstimateParams
from liqbot.venues.registry import mechanics_of

_ROW_STRIDE, _TIER_STRIDE = 3, 5


class EntryToLiquidation:
    """Arrays begin with [offset, row, side, tier]: `whole` bins and the fractional `part` of one more."""

    def __init__(self, shift: Floats, mix: Floats) -> None:
        """`shift` in bins, NaN where a row does not offer a tier; `mix` is the share of each tier in what is opened."""
        self.mix = mix
        offsets, rows, _, tiers = shift.shape
        offered = ~np.isnan(shift[0])
        # A tier that is not offered gets weight 0 and the place of the farthest one, so that it widens no range.
        farthest = np.where(np.isnan(shift), 0.0, np.abs(shift)).max(axis=(0, 3), initial=0.0)
        placed = np.where(offered, shift, (farthest * (-1.0, 1.0))[None, :, :, None])
        ahead = _ROW_STRIDE * np.arange(rows)[:, None] + _TIER_STRIDE * np.arange(tiers)
        order = (np.arange(offsets)[:, None, None] + ahead) % offsets
        placed = np.take_along_axis(placed, order[:, :, None, :], axis=0)
        self.whole: Whole = np.floor(placed).astype(np.int64)
        self.part: Floats = (placed - np.floor(placed))[..., None]
        self.rest: Floats = 1.0 - self.part
        weight = offered * mix
        total = weight.sum(axis=2, keepdims=True)
        self.weight: Floats = weight / np.where(total > 0, total, 1.0)
        """[row, side, tier]: share of each offered tier; the others' shares fall to those offered."""
        self.ends: Whole = np.zeros((rows, 4), np.int64)
        """Per row: nearest long and short distance, farthest long and short distance."""
        if rows:
            over = (0, 2)
            self.ends[:, 0] = self.whole[:, :, LONG].max(axis=over)
            self.ends[:, 1] = self.whole[:, :, SHORT].min(axis=over)
            self.ends[:, 2] = self.whole[:, :, LONG].min(axis=over)
            self.ends[:, 3] = self.whole[:, :, SHORT].max(axis=over)


def shifts_of(venue: str, coin: str, params: EstimateParams) -> Floats:
    """Bins from entry to liquidation, [offset, side, tier]; NaN where the venue does not offer the tier."""
    mechanics = mechanics_of(venue, coin)
    offered = ~np.isnan(mechanics.ratios(params.leverages))
    smeared = [mechanics.ratios([factor * lever for lever in params.leverages]) for factor in params.smear_factors]
    shift = np.array([[[shift_of(ratio) for ratio in side] for side in ratios.tolist()] for ratios in smeared])
    found: Floats = np.where(offered, shift, np.nan)
    return found
