"""Wicks: bursts of taker flow that push price several per cent within minutes and are then, usually, absorbed."""

from typing import Final, NamedTuple

import numpy as np

from paper.world.crowd import Crowd
from paper.world.draws import Draws
from paper.world.params import ShockParams

_AIM_NEAR: Final = 0.02
_AIM_FAR: Final = 0.05
_AIM_BINS: Final = 24
_AIM_BAND: Final = 4
_OVERSHOOT: Final = 0.002
_HOUR_MS: Final = 3_600_000
_STEP_MOVE_MAX: Final = 0.03


class _Wick(NamedTuple):
    """One shock from the first newcomer of its build-up to the last buyer (or seller) of its absorption."""

    side: int
    """Of the positions it runs for: 1 pushes down into longs, -1 up into shorts."""
    phase: str
    until_ms: int
    """When the phase ends at the latest."""
    aimed: bool
    recovery: float
    """Share of the push that comes back; 0: not absorbed."""
    size: float
    """Push of a shock that is not aimed, as a fraction."""
    start_price: float = 0.0
    target_price: float = 0.0


class Shocks:
    """At most one wick at a time: an aimed one is preceded by a build-up, in which a crowd piles in at one price."""

    def __init__(self, params: ShockParams, draws: Draws, live_ms: int) -> None:
        self._params, self._draws = params, draws
        first = params.first_wick_minute
        push_ms = None if first is None else live_ms + int(first * 60_000)
        self._first_ms = None if push_ms is None else push_ms - int(params.build_up_h * _HOUR_MS)
        self._wick: _Wick | None = None

    @property
    def rush(self) -> int:
        """The side the crowd is piling into: 1 long, -1 short, 0 nobody."""
        return self._wick.side if self._wick is not None and self._wick.phase == "build-up" else 0

    def begin(self, now_ms: int, minutes: float) -> None:
        """Whether a shock starts in this step; to be called once per step."""
        chance = self._draws.uniform(7).tolist()
        p = self._params
        if self._wick is not None:
            return
        if self._first_ms is not None and now_ms > self._first_ms:
            first_ms, self._first_ms, aimed, recovery = self._first_ms, None, True, p.first_recovery_share
        elif chance[0] < p.rate_day * minutes / 1440:
            first_ms, aimed = now_ms, chance[1] < p.aimed_share
            recovery = p.recovery_share if chance[2] < p.absorbed_share else 0.0
        else:
            return
        extra = max(0.0, p.depth_pct_mean - p.depth_pct_min) * float(self._draws.exponential(1)[0])
        until_ms = first_ms + int(p.build_up_h * _HOUR_MS) if aimed else first_ms
        side = 1 if chance[3] < p.down_share else -1
        self._wick = _Wick(side, "build-up", until_ms, aimed, recovery, (p.depth_pct_min + extra) / 100)

    def pull(self, now_ms: int, minutes: float, reference_price: float, crowd: Crowd) -> float:
        """The return the shock's own flow aims at in this step; 0 when all is calm."""
        wick = self._wick
        if wick is None:
            return 0.0
        if wick.phase == "build-up":
            if now_ms <= wick.until_ms:
                return 0.0
            wick = self._wick = self._aim(wick, now_ms, reference_price, crowd)
        if wick.phase == "push":
            return self._push(wick, now_ms, minutes, reference_price)
        return self._absorb(wick, now_ms, minutes, reference_price)

    def _aim(self, wick: _Wick, now_ms: int, price: float, crowd: Crowd) -> _Wick:
        depth = _through_heaviest(crowd, price, wick.side) if wick.aimed else wick.size
        until_ms = now_ms + int(self._params.push_min * (0.6 + 0.8 * self._draws.one()) * 60_000)
        target = price * (1 - wick.side * min(depth, 0.7))
        return wick._replace(phase="push", until_ms=until_ms, start_price=price, target_price=target)

    def _push(self, wick: _Wick, now_ms: int, minutes: float, price: float) -> float:
        left = wick.target_price / price - 1
        if left * wick.side < 0 and now_ms < wick.until_ms:
            return _within(left / max(1.0, (wick.until_ms - now_ms) / 60_000 / minutes))
        if wick.recovery == 0.0:
            self._wick = None
            return 0.0
        u = self._draws.uniform(2).tolist()
        recovery = wick.recovery * (0.85 + 0.3 * u[0])
        back = price + recovery * (wick.start_price - price)
        until_ms = now_ms + int(self._params.absorb_min * (0.6 + 0.8 * u[1]) * 60_000)
        self._wick = wick._replace(phase="absorb", until_ms=until_ms, target_price=back)
        return 0.0

    def _absorb(self, wick: _Wick, now_ms: int, minutes: float, price: float) -> float:
        left = wick.target_price / price - 1
        if now_ms >= wick.until_ms or left * wick.side <= 0:
            self._wick = None
            return 0.0
        # Fast at first: each third of the remaining time would do the whole remaining way.
        return _within(left / max(1.0, (wick.until_ms - now_ms) / 60_000 / minutes / 3))


def _within(move: float) -> float:
    return min(_STEP_MOVE_MAX, max(-_STEP_MOVE_MAX, move))


def _through_heaviest(crowd: Crowd, price: float, side: int) -> float:
    """Distance that runs just through the heaviest band of liquidations 2-5 % away on one side."""
    slots = crowd.open_slots()
    slots = slots[crowd.signs_of(slots) == side]
    distance = (1 - crowd.liquidation_price[slots] / price) * side
    near = (distance >= _AIM_NEAR) & (distance < _AIM_FAR)
    width = (_AIM_FAR - _AIM_NEAR) / _AIM_BINS
    cell = np.minimum(((distance[near] - _AIM_NEAR) / width).astype(np.intp), _AIM_BINS - 1)
    mass = np.bincount(cell, weights=crowd.quantity_base[slots][near], minlength=_AIM_BINS)
    band = np.cumsum(np.concatenate((np.zeros(_AIM_BAND), mass)))
    heaviest = int((band[_AIM_BAND:] - band[:-_AIM_BAND]).argmax())
    return _AIM_NEAR + (heaviest + 1) * width + _OVERSHOOT
