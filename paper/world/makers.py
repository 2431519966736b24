"""Makers and arbitrageurs: the other side of the crowd, hedged elsewhere, never liquidated."""

import math

import numpy as np

from paper.world.draws import Draws, Floats, total
from paper.world.params import CoinParams, WorldParams


class Makers:
    """They hold what the crowd does not, plus an inventory of their own on both sides that shrinks in storms.

    Per venue, longs equal shorts: open interest = the crowd's larger side + inventory.
    """

    def __init__(self, params: WorldParams, coin: CoinParams, draws: Draws) -> None:
        self._draws = draws
        shares = np.array([venue.share for venue in params.venues])
        # The crowd's larger side takes its share of open interest, the rest is inventory.
        self._usual_usd = coin.oi_usd * (1 - params.crowd.share_of_oi) * shares / total(shares)
        self.inventory_base: Floats = self._usual_usd / coin.start_price
        self._crowd_base: Floats = np.zeros((2, len(shares)))

    def advance(self, minutes: float, long_base: Floats, short_base: Floats, price: float, stress: float) -> Floats:
        """One-sided open interest per venue in coin, after the step."""
        self._crowd_base = np.stack((long_base, short_base))
        wanted = self._usual_usd / price / (1.0 + 0.15 * min(max(0.0, stress - 1.0), 6.0))
        pull = minutes / (minutes + 720.0)
        noise = 0.004 * math.sqrt(2.0 * pull) * self._draws.normal(len(wanted))
        self.inventory_base = np.maximum(
            self.inventory_base + pull * (wanted - self.inventory_base) + noise * wanted, 0.2 * wanted
        )
        return self.open_interest_base

    @property
    def open_interest_base(self) -> Floats:
        return np.asarray(self._crowd_base.max(axis=0) + self.inventory_base)

    @property
    def held_base(self) -> Floats:
        """[side, venue]: what makers hold, long and short."""
        return np.asarray(self.open_interest_base[None, :] - self._crowd_base)
