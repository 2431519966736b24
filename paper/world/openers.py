"""Who opens a position next: venue, side, size, leverage, margin, stop, target and patience of every newcomer."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from paper.world.crowd import SIGNS, Crowd, Opening
from paper.world.draws import TABLE_CELLS, Draws, Floats, expo, pareto_table, power, total
from paper.world.margins import Margins
from paper.world.params import CoinParams, CrowdParams, VenueParams

_DAY_MS: Final = 86_400_000
_MARGIN_RATIO_MAX: Final = 0.95
_WORRIED_SHARE: Final = 0.4
"""Close to liquidation: less than this part of the margin is left."""
_OTHER_EXITS: Final = 1.9
"""Stops, targets, panic and force about halve the life that patience alone would give (measured on the defaults)."""
_RUSH_LEAN: Final = 0.35
_SIZE_SHARE_MAX: Final = 0.004


class Mood(NamedTuple):
    """What newcomers see. Moves are in units of what is usual over that time."""

    fast_move_ratio: float
    slow_move_ratio: float
    funding_8h_pct: float
    rush: int = 0
    """1: a crowd piles in long, -1: short."""


class Newcomers(NamedTuple):
    """Columns: side (1 is short), venue, number of the leverage chosen, size."""

    short: npt.NDArray[np.intp]
    venue: npt.NDArray[np.intp]
    choice: npt.NDArray[np.intp]
    size_usd: Floats


class Openers:
    """Makes newcomers. Holds no state but its own chance."""

    def __init__(
        self, params: CrowdParams, venues: tuple[VenueParams, ...], coin: CoinParams, margins: Margins, draws: Draws
    ) -> None:
        self._params, self._margins, self._draws = params, margins, draws
        self._leverages = np.array(params.leverages, dtype=float)
        self._venue_edges = _edges(np.array([venue.share for venue in venues]))
        allowed = self._leverages[None, :] <= np.array([venue.leverage_max for venue in venues])[:, None]
        mixes = [np.array(mix) * allowed for mix in (params.mix_before, params.mix_after)]
        self._mix_edges = [_edges(mix) for mix in mixes]
        smaller = np.array([power(leverage, -params.size_by_leverage) for leverage in params.leverages])
        self._close_day = params.close_day + params.close_day_per_leverage * self._leverages
        # Stock = openings x life; sizes are scaled so that the usual stock adds up to the crowd's open interest.
        usual = np.array([total(column) for column in mixes[0].T]) / total(mixes[0].ravel())
        life_day = usual / self._close_day
        self.openings_day = _OTHER_EXITS * params.positions / total(life_day)
        self.size_mean_usd = 2 * params.share_of_oi * coin.oi_usd / params.positions
        self._size_factor = smaller * total(life_day) / total(life_day * smaller)
        self._size_max_usd = _SIZE_SHARE_MAX * coin.oi_usd

    def invite(self, count: int, mood: Mood, *, shifted: bool) -> Newcomers:
        """`count` people who made up their minds on what they saw before this step."""
        u = self._draws.uniform(count * 5).reshape(5, count)
        venue = np.searchsorted(self._venue_edges, u[0], side="right")
        choice = (u[1][:, None] >= self._mix_edges[shifted][venue]).sum(axis=1)
        short = (u[2] >= self._long_chance(u[3], mood)).astype(np.intp)
        rank = (u[4] * TABLE_CELLS).astype(np.intp)
        size = self.size_mean_usd * self._size_factor[choice] * pareto_table(self._params.size_tail_index)[rank]
        return Newcomers(short, venue, choice, np.minimum(size, self._size_max_usd))

    def seat(self, new: Newcomers, now_ms: int, start_price: Floats, end_price: Floats) -> Opening:
        """Their positions: each enters somewhere on the way from start to end price of his venue."""
        count = len(new.venue)
        u = self._draws.uniform(count * 2).reshape(2, count)
        start = start_price[new.venue]
        entry = start + u[0] * (end_price[new.venue] - start)
        leverage = self._margins.offered(new.venue, entry, new.size_usd, self._leverages[new.choice])
        margin = self._margin_ratio(leverage, u[1])
        quantity = new.size_usd / entry
        liquidation = self._margins.liquidation_price(new.short, new.venue, entry, quantity, margin)
        guard, take = self._plans(SIGNS[new.short], entry, liquidation)
        patience_day = self._draws.exponential(count) / self._close_day[new.choice]
        return Opening(
            new.short, new.venue, quantity, entry, margin, leverage, liquidation, guard, take,
            now_ms + patience_day * _DAY_MS,
        )  # fmt: skip

    def _long_chance(self, kind: Floats, mood: Mood) -> Floats:
        p = self._params
        if mood.rush:
            return np.full(len(kind), 0.5 + _RUSH_LEAN * mood.rush)
        follow = 0.5 + 0.4 * _within(0.7 * mood.fast_move_ratio + 0.3 * mood.slow_move_ratio)
        oppose = 0.5 - 0.4 * _within(0.5 * mood.fast_move_ratio + 0.5 * mood.slow_move_ratio)
        lean = 0.5 + p.long_tilt - _within(p.funding_aversion * mood.funding_8h_pct / 0.1) * 0.4
        return np.where(
            kind < p.momentum_share, follow, np.where(kind < p.momentum_share + p.reverting_share, oppose, lean)
        )

    def _margin_ratio(self, leverage: Floats, kind: Floats) -> Floats:
        p = self._params
        width = np.where(kind < p.isolated_share, 0.0, np.where(kind < 1 - p.cross_share, p.smear, p.cross_smear))
        extra = expo(width * np.abs(self._draws.normal(len(leverage))))
        return np.minimum(extra / leverage, np.maximum(_MARGIN_RATIO_MAX, 1 / leverage))

    def _plans(self, sign: Floats, entry: Floats, liquidation: Floats) -> tuple[Floats, Floats]:
        """Guard and take-profit: a stop lies somewhere before the liquidation, at most 8 % away."""
        p = self._params
        u = self._draws.uniform(len(entry) * 4).reshape(4, len(entry))
        room = np.abs(entry - liquidation) / entry
        stop = entry * (1 - sign * np.minimum(room * (0.25 + 0.65 * u[0]), 0.005 + 0.075 * u[0]))
        guard = np.where(u[1] < p.stop_share, stop, liquidation)
        reach = np.minimum(room * (0.3 + 1.5 * u[2]), 0.01 + 0.15 * u[2])
        never = np.where(sign > 0, np.inf, 0.0)
        return guard, np.where(u[3] < p.take_share, entry * (1 + sign * reach), never)

    def top_up(self, crowd: Crowd, mark_price: Floats, chance_each: float) -> None:
        """Some of those who are close to liquidation add half to twice their margin."""
        expected = chance_each * 2 * crowd.capacity
        slots = crowd.sample(self._draws.uniform(self._draws.count(expected)))
        entry, venue = crowd.entry_price[slots], crowd.venue[slots]
        left = np.abs(mark_price[venue] - crowd.liquidation_price[slots])
        worried = left < _WORRIED_SHARE * crowd.margin_ratio[slots] * entry
        slots, venue, entry = slots[worried], venue[worried], entry[worried]
        if not len(slots):
            return
        margin = crowd.margin_ratio[slots]
        more = np.maximum(np.minimum(margin * (1.5 + 1.5 * self._draws.uniform(len(slots))), _MARGIN_RATIO_MAX), margin)
        short = (slots >= crowd.capacity).astype(np.intp)
        quantity = crowd.quantity_base[slots]
        crowd.protect(slots, more, self._margins.liquidation_price(short, venue, entry, quantity, more))


def _within(x: float) -> float:
    return min(1.0, max(-1.0, x))


def _edges(weights: Floats) -> Floats:
    """Upper edges of the cells of a share table along its last axis, without the last edge (which is 1)."""
    total = np.cumsum(weights, axis=-1)
    return np.asarray(total[..., :-1] / total[..., -1:])
