"""Pushes of price toward where others must close, and what comes back of them."""

from typing import Final

import numpy as np

from paper.flow_world.params import FlowPriceParams
from paper.world.crowd import Crowd
from paper.world.draws import Draws, Floats

_NEAR, _FAR = 0.004, 0.035
"""How far away what is hunted may lie."""
_CELLS: Final = 31
_BACK_MIN: Final = 20.0


class Hunts:
    """At most one push at a time."""

    def __init__(self, params: FlowPriceParams, draws: Draws) -> None:
        self._params, self._draws = params, draws
        self._target_price, self._sign, self._left_min = 0.0, 0, 0.0
        self._pushed, self._back = 0.0, 0.0

    def move(self, price: float, crowd: Crowd) -> float:
        """Relative move that a hunter adds to the next minute."""
        back = self._back / _BACK_MIN
        self._back -= back
        if not self._sign and self._draws.one() < self._params.hunts_day / 1440.0:
            self._begin(price, crowd)
        if not self._sign:
            return back
        self._left_min -= 1.0
        reached = self._sign * (price - self._target_price) >= 0
        if reached or self._left_min <= 0:
            self._back = -self._pushed * self._params.hunt_back_share
            self._sign, self._pushed = 0, 0.0
            return back
        step = self._sign * self._params.hunt_push_pct_min / 100.0 * 2.0 * self._draws.one()
        self._pushed += step
        return back + step

    def _begin(self, price: float, crowd: Crowd) -> None:
        """Aim at the heaviest cell of stops and liquidations within reach."""
        away = np.concatenate((
            1.0 - crowd.guard_price[: crowd.capacity] / price, crowd.guard_price[crowd.capacity :] / price - 1.0
        ))  # fmt: skip
        near = np.flatnonzero((away > _NEAR) & (away < _FAR))
        if not len(near):
            return
        above = near >= crowd.capacity
        cell = ((away[near] - _NEAR) * (_CELLS / (_FAR - _NEAR))).astype(np.intp) + above * _CELLS
        heaviest = int(np.argmax(np.bincount(cell, weights=crowd.quantity_base[near], minlength=2 * _CELLS)))
        self._sign = 1 if heaviest >= _CELLS else -1
        distance = _NEAR + (heaviest % _CELLS + 1) * (_FAR - _NEAR) / _CELLS
        self._target_price = price * (1.0 + self._sign * distance)
        self._left_min = self._params.hunt_min * (0.5 + self._draws.one())


def news(params: FlowPriceParams, draws: Draws, seconds: int) -> Floats:
    """[second]: relative jumps of one minute, mostly none; sizes are Pareto with index 3."""
    found = np.zeros(seconds)
    if draws.one() < params.jumps_day / 1440.0:
        # One over the largest of three uniforms is Pareto with index 3 and mean 1.5.
        size = params.jump_pct / 100.0 / (1.5 * max(float(draws.uniform(3).max()), 1e-3))
        second, sign = draws.uniform(2)
        found[int(second * seconds)] = size if sign < 0.5 else -size
    return found
