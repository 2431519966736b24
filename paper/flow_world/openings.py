"""Positions drawn from distributions: when, on which side, how large, how leveraged, and when they end."""

from typing import Final

import numpy as np
import numpy.typing as npt

from paper.flow_world.params import FlowParams
from paper.world.crowd import SIGNS, Opening, Slots
from paper.world.draws import TABLE_CELLS, Draws, Floats, expo, pareto_table, total
from paper.world.margins import Margins

_HOUR_MS: Final = 3_600_000.0
_ROUND_LEVERAGES: Final = np.array([1.0, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 125, 150, 200])
_MARGIN_RATIO_MAX: Final = 0.95
_STOP_ROUND_RATIO: Final = 0.0025
"""Stops at a round price lie on multiples of about this part of the price."""
_BURST_SHARE: Final = 0.6
_WAVE_LIVES_H: Final = (36.0, 9.0)
"""Of the slow waves of leverage and of the lean."""


class Openings:
    """What is opened in a minute. Holds the slow waves of leverage and lean, and its own chance."""

    def __init__(self, params: FlowParams, margins: Margins, draws: Draws) -> None:
        self._params, self._crowd, self._margins, self._draws = params, params.crowd, margins, draws
        shares = np.array([venue.share for venue in params.venues])
        self._venue_edges = np.cumsum(shares)[:-1] / total(shares)
        self._leverage_max = np.array([venue.leverage_max for venue in params.venues])
        self._waves: Floats = np.zeros(2)

    def count(self, activity: float) -> int:
        """How many are opened in the next minute: bursts, as people open together."""
        self._wave()
        burst = 1.0 - _BURST_SHARE + _BURST_SHARE * float(self._draws.exponential(1)[0])
        return self._draws.count(self._crowd.openings_day / 1440.0 * activity * burst)

    def _wave(self) -> None:
        pull = 1.0 / (np.array(_WAVE_LIVES_H) * 60.0)
        self._waves = self._waves * (1.0 - pull) + np.sqrt(2.0 * pull) * self._draws.normal(2)

    def drawn(self, count: int, path: Floats, now_ms: int, move_ratio: float) -> Opening:
        """`count` positions entered at random seconds of `path` ([venue, second], marks). `move_ratio` is the last
        hours' move over a usual one."""
        p, u = self._crowd, self._draws.uniform(count * 6).reshape(6, count)
        venue = np.searchsorted(self._venue_edges, u[0], side="right")
        entry = path[venue, (u[1] * path.shape[1]).astype(np.intp)]
        lean = p.lean_share * float(self._waves[1]) + p.chase_share * min(1.0, max(-1.0, move_ratio))
        short = (u[2] >= 0.5 + 0.5 * min(0.9, max(-0.9, lean))).astype(np.intp)
        size, depth = self._sizes(u[3])
        leverage = self._leverages(venue, depth, round_numbers=u[4] < p.round_share)
        leverage = self._margins.offered(venue, entry, size, leverage)
        backing = np.where(u[5] < p.cross_share, p.cross_backing_ratio * self._draws.exponential(count), 0.0)
        margin = np.minimum((1.0 + backing) / leverage, np.maximum(_MARGIN_RATIO_MAX, 1.0 / leverage))
        quantity = size / entry
        liquidation = self._margins.liquidation_price(short, venue, entry, quantity, margin)
        guard, take = self._ends(SIGNS[short], entry, liquidation)
        life_h = p.life_h * expo(p.life_spread_factor * self._draws.normal(count))
        life_h = life_h * np.sqrt(10.0 / np.maximum(leverage, 1.0))
        return Opening(
            short, venue, quantity, entry, margin, leverage, liquidation, guard, take, now_ms + life_h * _HOUR_MS
        )

    def _sizes(self, chance: Floats) -> tuple[Floats, Floats]:
        """USD, and how far above the median in standard deviations (whales count as three)."""
        p = self._crowd
        depth = self._draws.normal(len(chance))
        ordinary = p.size_median_usd * expo(p.size_spread_factor * depth)
        rank = (self._draws.uniform(len(chance)) * TABLE_CELLS).astype(np.intp)
        least = float(pareto_table(p.whale_tail_index).min())
        whales = p.whale_usd * pareto_table(p.whale_tail_index)[rank] / least
        whale = chance < p.whale_share
        largest_usd = p.whale_share_of_oi * self._params.coin.oi_usd
        return np.minimum(np.where(whale, whales, ordinary), largest_usd), np.where(whale, 3.0, depth)

    def _leverages(self, venue: Slots, depth: Floats, *, round_numbers: npt.NDArray[np.bool_]) -> Floats:
        p = self._crowd
        middle = p.drift_leverage * float(self._waves[0]) - p.leverage_by_size * depth
        wanted = p.leverage_median * expo(middle + p.leverage_spread_factor * self._draws.normal(len(venue)))
        wanted = np.minimum(np.maximum(wanted, 1.0), self._leverage_max[venue])
        below = _ROUND_LEVERAGES[np.searchsorted(_ROUND_LEVERAGES, wanted, side="right") - 1]
        return np.asarray(np.where(round_numbers, below, wanted))

    def _ends(self, sign: Floats, entry: Floats, liquidation: Floats) -> tuple[Floats, Floats]:
        """Guard and take-profit. A stop lies within the way to liquidation, many at the next round price before it."""
        p, u = self._crowd, self._draws.uniform(len(entry) * 4).reshape(4, len(entry))
        room = np.abs(entry - liquidation)
        stop = entry - sign * np.minimum(room * (0.2 + 0.7 * u[0]), entry * 0.06)
        grid = self._params.coin.start_price * _STOP_ROUND_RATIO
        nearest = np.where(sign > 0, np.ceil(stop / grid), np.floor(stop / grid)) * grid
        fits = (u[1] < p.stop_round_share) & (sign * (entry - nearest) > 0)
        stop = np.where(fits, nearest, stop)
        guard = np.where(u[2] < p.stop_share, stop, liquidation)
        reach = entry * np.minimum(0.002 + 0.02 * self._draws.exponential(len(entry)), 0.5)
        never = np.where(sign > 0, np.inf, 0.0)
        return guard, np.where(u[3] < p.take_share, entry + sign * reach, never)
