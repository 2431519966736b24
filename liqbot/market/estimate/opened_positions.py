"""What a bar opens, and how far from entry it would be force-closed."""

import numpy as np

from liqbot.market.estimate.entry_to_liquidation import Floats
from liqbot.market.estimate.price_grid import shift_of
from liqbot.market.observed.prices import PriceBar
from liqbot.market.params import EstimateParams
from liqbot.venues.registry import mechanics_of


def opened_usd(bar: PriceBar, change_usd: float, params: EstimateParams) -> tuple[float, float]:
    """USD opened by (longs, shorts): half of volume plus change of open interest each, tilted by the takers.

    Volume and change fix opens and closes of both sides together; the tilt between them is only bounded.
    """
    change_usd = min(max(change_usd, -bar.volume_usd), bar.volume_usd)
    half = (bar.volume_usd + change_usd) / 2.0
    tilt = 0.0
    if bar.imbalance_usd == bar.imbalance_usd:
        most = (bar.volume_usd - abs(change_usd)) / 2.0
        tilt = min(max(params.taker_weight * bar.imbalance_usd / 2.0, -most), most)
    return params.activity_share * (half + tilt), params.activity_share * (half - tilt)


def shifts_of(venue: str, coin: str, params: EstimateParams) -> Floats:
    """Bins from entry to liquidation, [turn, side, tier]; NaN where the venue does not offer the tier."""
    mechanics = mechanics_of(venue, coin)
    offered = ~np.isnan(mechanics.ratios(params.leverages))
    turns = [mechanics.ratios([factor * lever for lever in params.leverages]) for factor in params.smear_factors]
    shift = np.array([[[shift_of(ratio) for ratio in side] for side in ratios.tolist()] for ratios in turns])
    found: Floats = np.where(offered, shift, np.nan)
    return found
