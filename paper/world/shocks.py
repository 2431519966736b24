"""Wicks: bursts of taker flow that push price several per cent within minutes and are then, usually, absorbed."""

from typing import Final, NamedTuple

import numpy as np

from paper.world.crowd import Crowd
from paper.world.draws import Draws, Floats
from paper.world.params import ShockParams

_AIM_NEAR: Final = 0.02
_AIM_FAR: Final = 0.05
_AIM_BINS: Final = 24
_OVERSHOOT: Final = 0.003
_STEP_MOVE_MAX: Final = 0.03


class _Wick(NamedTuple):
    start_price: float
    target_price: float
    push_ms: int
    """When the push ends at the latest."""
    absorbed: bool
    back_price: float
    """Where price goes once pushed (set at the turn)."""
    back_ms: int


class Shocks:
    """At most one wick at a time. `pull` says which move of the reference price the shock's own flow aims at."""

    def __init__(self, params: ShockParams, draws: Draws, live_ms: int) -> None:
        self._params, self._draws = params, draws
        first = params.first_wick_minute
        self._first_ms = None if first is None else live_ms + int(first * 60_000)
        self._wick: _Wick | None = None
        self._pushing = False

    @property
    def running(self) -> bool:
        return self._wick is not None

    def pull(self, now_ms: int, minutes: float, reference_price: float, crowd: Crowd) -> float:
        """The return the shock wants in this step; 0 when all is calm."""
        if self._wick is None:
            self._maybe_start(now_ms, minutes, reference_price, crowd)
        wick = self._wick
        if wick is None:
            return 0.0
        if self._pushing:
            return self._push(wick, now_ms, minutes, reference_price)
        return self._absorb(wick, now_ms, minutes, reference_price)

    def _maybe_start(self, now_ms: int, minutes: float, reference_price: float, crowd: Crowd) -> None:
        chance = self._draws.uniform(6).tolist()
        p = self._params
        if self._first_ms is not None and now_ms >= self._first_ms:
            self._first_ms, aimed, absorbed = None, True, True
        elif chance[0] < p.rate_day * minutes / 1440:
            aimed, absorbed = chance[1] < p.aimed_share, chance[2] < p.absorbed_share
        else:
            return
        if aimed:
            move = _heaviest(crowd, reference_price)
        else:
            extra = max(0.0, p.depth_pct_mean - p.depth_pct_min) * float(self._draws.exponential(1)[0])
            move = (p.depth_pct_min + extra) / 100 * (1 if chance[3] < 0.5 else -1)
        target = reference_price * max(0.3, 1 + move)
        push_ms = now_ms + int(p.push_min * (0.6 + 0.8 * chance[4]) * 60_000)
        self._wick = _Wick(reference_price, target, push_ms, absorbed, 0.0, 0)
        self._pushing = True

    def _push(self, wick: _Wick, now_ms: int, minutes: float, price: float) -> float:
        left = wick.target_price / price - 1
        arrived = left * (wick.target_price - wick.start_price) <= 0
        if not arrived and now_ms < wick.push_ms:
            steps = max(1.0, (wick.push_ms - now_ms) / 60_000 / minutes)
            return _within(left / steps)
        if not wick.absorbed:
            self._wick = None
            return 0.0
        u = self._draws.uniform(2).tolist()
        recovery = min(1.0, self._params.recovery_share * (0.8 + 0.4 * u[0]))
        back = price + recovery * (wick.start_price - price)
        back_ms = now_ms + int(self._params.absorb_min * (0.6 + 0.8 * u[1]) * 60_000)
        self._pushing, self._wick = False, wick._replace(back_price=back, back_ms=back_ms)
        return 0.0

    def _absorb(self, wick: _Wick, now_ms: int, minutes: float, price: float) -> float:
        left = wick.back_price / price - 1
        if now_ms >= wick.back_ms or left * (wick.back_price - wick.target_price) <= 0:
            self._wick = None
            return 0.0
        # Fast at first: a third of the way per third of the time that is left.
        steps = max(1.0, (wick.back_ms - now_ms) / 60_000 / minutes / 3)
        return _within(left / steps)


def _within(move: float) -> float:
    return min(_STEP_MOVE_MAX, max(-_STEP_MOVE_MAX, move))


def _heaviest(crowd: Crowd, price: float) -> float:
    """Move that runs just through the heaviest band of liquidations 2-5 % away on either side."""
    slots = crowd.open_slots()
    distance = crowd.liquidation_price[slots] / price - 1
    usd = crowd.quantity_base[slots] * price
    below, above = _band(-distance, usd), _band(distance, usd)
    return -below[1] if below[0] >= above[0] else above[1]


def _band(distance: Floats, usd: Floats) -> tuple[float, float]:
    near = (distance >= _AIM_NEAR) & (distance < _AIM_FAR)
    width = (_AIM_FAR - _AIM_NEAR) / _AIM_BINS
    cell = ((distance[near] - _AIM_NEAR) / width).astype(np.intp)
    mass = np.bincount(np.minimum(cell, _AIM_BINS - 1), weights=usd[near], minlength=_AIM_BINS)
    smooth = mass[:-1] + mass[1:]
    best = int(smooth.argmax())
    return float(smooth[best]), _AIM_NEAR + (best + 2) * width + _OVERSHOOT
