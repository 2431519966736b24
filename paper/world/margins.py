"""Where positions of the crowd are liquidated: each venue's exact mechanics, made fast for small positions."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.world.draws import Floats
from paper.world.params import TradedVenue

Codes = npt.NDArray[np.intp]

_LEVERAGES: Final = (5.0, 10.0)
_NEVER: Final = 1e-4


class Margins:
    """Within the first tier a linear contract's price is affine in the margin, price = entry * (base + slope * ratio):
    two leverages fix the line. Larger positions are asked of the mechanics themselves."""

    def __init__(self, venues: Sequence[TradedVenue], coin: str) -> None:
        self._mechanics = [mechanics_of(venue.venue, coin) for venue in venues]
        ratios = np.stack([mechanics.ratios(_LEVERAGES) for mechanics in self._mechanics], axis=1)
        low, high = (1 / leverage for leverage in _LEVERAGES)
        self._slope: Floats = (ratios[..., 0] - ratios[..., 1]) / (low - high)
        self._base: Floats = ratios[..., 0] - self._slope * low
        tables = [mechanics.table for mechanics in self._mechanics]
        self._first_cap_usd: Floats = np.array([table.tiers[0].notional_usd_cap for table in tables])
        # A table in coin was written at some price and moves with the price; one in USD has no such price (NaN).
        self._written_at: Floats = np.array([table.coin_price_usd or np.nan for table in tables])

    def _cap_usd(self, venue: Codes, entry_price: Floats) -> Floats:
        """Notional up to which the first tier holds."""
        moved = entry_price / self._written_at[venue]
        return self._first_cap_usd[venue] * np.where(moved == moved, moved, 1.0)

    def offered(self, venue: Codes, entry_price: Floats, size_usd: Floats, leverage: Floats) -> Floats:
        """The leverage a venue allows a position of this size, if it is lower than the one wanted."""
        allowed = leverage.copy()
        for row in np.flatnonzero(size_usd > self._cap_usd(venue, entry_price)).tolist():
            most = self._mechanics[venue[row]].leverage_max(float(size_usd[row]), float(entry_price[row]))
            allowed[row] = max(1.0, min(most, allowed[row]))
        return allowed

    def liquidation_price(
        self, short: Codes, venue: Codes, entry_price: Floats, quantity_base: Floats, margin_ratio: Floats
    ) -> Floats:
        """Mark price at which each is liquidated; `margin_ratio` is margin over entry notional.

        Never below a ten-thousandth of the entry: a long with that much margin is as good as unleveraged."""
        price = entry_price * (self._base[short, venue] + self._slope[short, venue] * margin_ratio)
        # A short's notional grows on its way, by less than its margin: only then may it pass the border.
        farthest_usd = quantity_base * entry_price * (1.0 + short * margin_ratio)
        large = np.flatnonzero(farthest_usd > self._cap_usd(venue, entry_price))
        group = venue[large] * 2 + short[large]
        for code in np.unique(group).tolist():
            rows = large[group == code]
            entry, quantity = entry_price[rows], quantity_base[rows]
            price[rows] = self._mechanics[code // 2].liquidation_prices(
                Side.SHORT if code % 2 else Side.LONG, entry, quantity, margin_ratio[rows] * entry * quantity
            )
        return np.minimum(np.maximum(price, entry_price * _NEVER), entry_price / _NEVER)
