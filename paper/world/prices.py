"""The price of one coin: waves of volatility, news, impact of flow and its recovery, and each venue's own basis."""

import math
from typing import Final, NamedTuple

import numpy as np

from paper.world.draws import Draws, Floats, expo, total
from paper.world.params import CoinParams, PriceParams, VenueParams

_DAY_MIN: Final = 1440.0
_DAY_MS: Final = 86_400_000
_FIRST_WEEKDAY: Final = 3
_EXCITED_MAX: Final = 6.0
_LEVEL_MAX: Final = 3.0
_BUSY_MAX: Final = 12.0
"""No minute is busier than this many usual ones of its hour."""
_SURPRISE_MIN_MAX: Final = 60.0
"""No step excites more than an hour at usual volatility does, whatever its length."""
_MOVE_MAX: Final = 0.2
_BARGAIN: Final = 0.015
"""A price this far off what lasts brings buyers twice as fast, farther off ever faster."""


class WorldPath(NamedTuple):
    """The reference price within one step: where it started, ended, and how far it went."""

    start_price: float
    end_price: float
    low_price: float
    high_price: float


class Prices:
    """Reference price = lasting part x (1 + passing part); flow moves both, makers take the passing part back."""

    def __init__(self, params: PriceParams, coin: CoinParams, venues: tuple[VenueParams, ...], draws: Draws) -> None:
        self._params, self._coin, self._draws = params, coin, draws
        self._shares = np.array([venue.share for venue in venues])
        self._shares = self._shares / total(self._shares)
        self._lasting, self._passing = coin.start_price, 0.0
        self._fast_wave, self._slow_wave, self._excited = 0.0, 0.0, 1.0
        self.path = WorldPath(coin.start_price, coin.start_price, coin.start_price, coin.start_price)
        self.activity, self.arrivals = 1.0, 1.0
        """Trading and newcomers by clock hour, weekday and volatility; 1 is usual."""
        self.stress = 1.0
        """Volatility over usual."""
        self._sigma, self._usual = 1e-9, 1e-9
        self._news, self._stir = 0.0, 0.0
        self.basis: Floats = np.zeros(len(venues))
        self.spread: Floats = np.zeros(len(venues))
        """A venue's last trade over its mark, as a fraction."""
        self.fast_move_ratio, self.slow_move_ratio = 0.0, 0.0

    @property
    def reference(self) -> float:
        return self._lasting * (1.0 + self._passing)

    @property
    def depth_usd(self) -> float:
        """Taker flow that moves the reference by 100 %, now."""
        thinned = 1.0 + self._params.depth_stress_factor * max(0.0, self.stress - 1.0)
        return 100.0 * self._coin.depth_usd / min(thinned, 3.0)

    @property
    def surprise(self) -> float:
        """The step's move in units of its own usual size, signed."""
        return (self.path.end_price / self.path.start_price - 1.0) / self._sigma

    def begin(self, now_ms: int, minutes: float, common: float, shared: float, pinned: float) -> None:
        """Opens a step: moves the waves and draws the step's news. `common` is the draw all coins share; `pinned`
        scales volatility, and forbids jumps when it is not 1."""
        p = self._params
        normal = self._draws.normal(4).tolist()
        self._fast_wave = _wave(self._fast_wave, minutes, p.volatility_fast_h, p.volatility_swing_factor, normal[0])
        self._slow_wave = _wave(self._slow_wave, minutes, p.volatility_slow_h, p.volatility_swing_factor, normal[1])
        swing = p.volatility_swing_factor * p.volatility_swing_factor
        wave = float(expo(np.array([self._fast_wave + self._slow_wave - 2 * swing]))[0])
        level = min(_LEVEL_MAX, wave)
        clock = _clock(now_ms, p)
        self.stress = level * math.sqrt(self._excited)
        self.arrivals = clock * (0.5 + 0.5 * self.stress)
        stirred = min(_BUSY_MAX, 0.3 + 0.4 * self.stress + 0.3 * self.stress * self.stress)
        chasing = min(_BUSY_MAX, 2.0 * abs(self.fast_move_ratio))
        self.activity = clock * (stirred + p.volume_chase_share * (chasing - stirred))
        self._usual = p.volatility_day_pct / 100 * math.sqrt(minutes / _DAY_MIN)
        calm = self._usual * level * math.sqrt(clock) * pinned
        self._sigma = calm * math.sqrt(self._excited)
        noise = math.sqrt(shared) * common + math.sqrt(1.0 - shared) * normal[2]
        # Excitement adds noise around what the coin is worth; it does not make it worth more or less.
        self._stir = calm * math.sqrt(max(0.0, self._excited - 1.0)) * normal[3]
        usual_noise = calm * math.sqrt(min(1.0, self._excited)) * noise
        jump = self._jump(minutes)
        self._news = usual_noise + (jump if pinned == 1.0 else 0.0) + p.trend_day_pct / 100 * minutes / _DAY_MIN

    def _jump(self, minutes: float) -> float:
        u = self._draws.uniform(2).tolist()
        if u[0] >= self._params.jumps_day * minutes / _DAY_MIN:
            return 0.0
        size = self._params.jump_pct / 100 * float(self._draws.exponential(1)[0])
        return size if u[1] < 0.5 else -size

    def travel(self, flow_usd: float, minutes: float) -> None:
        """The step's path without forced orders: a Brownian bridge's extremes around start and end."""
        start = self.reference
        self._lasting *= 1.0 + min(_MOVE_MAX, max(-_MOVE_MAX, self._news))
        far = self._passing / _BARGAIN
        self._passing *= 1.0 - minutes / (minutes + self._params.recovery_min / (1.0 + far * far))
        self._passing += self._stir
        self.push(flow_usd)
        end = self.reference
        wobble = 2.0 * (self._sigma * start) * (self._sigma * start)
        high, low = self._draws.exponential(2).tolist()
        gap = (end - start) * (end - start)
        self.path = WorldPath(
            start, end,
            max(0.5 * (start + end - math.sqrt(gap + wobble * low)), 0.5 * min(start, end)),
            0.5 * (start + end + math.sqrt(gap + wobble * high)),
        )  # fmt: skip

    def push(self, flow_usd: float) -> None:
        """Taker flow (buys positive) moves the price now."""
        move = min(_MOVE_MAX, max(-_MOVE_MAX, flow_usd / self.depth_usd))
        self._lasting *= 1.0 + self._params.permanent_share * move
        self._passing = min(1.0, max(-0.6, self._passing + (1.0 - self._params.permanent_share) * move))

    def extend(self, flow_usd: float) -> None:
        """Forced flow carries the path of the same step further."""
        self.push(flow_usd)
        end = self.reference
        self.path = WorldPath(self.path.start_price, end, min(self.path.low_price, end), max(self.path.high_price, end))

    def finish(self, minutes: float) -> None:
        """Closes a step: the whole move, forced part included, feeds tomorrow's volatility and today's mood."""
        p = self._params
        move = self.path.end_price / self.path.start_price - 1.0
        surprise = min(_SURPRISE_MIN_MAX / minutes, move * move / (self._usual * self._usual))
        weight = minutes / (minutes + 60.0 * p.excitement_h)
        target = 1.0 - p.excitement_share + p.excitement_share * surprise
        self._excited = min(_EXCITED_MAX, max(0.05, self._excited + weight * (target - self._excited)))
        usual_min = p.volatility_day_pct / 100 / math.sqrt(_DAY_MIN)
        self.fast_move_ratio = _remember(self.fast_move_ratio, move / (usual_min * math.sqrt(15.0)), minutes, 15.0)
        self.slow_move_ratio = _remember(self.slow_move_ratio, move / (usual_min * math.sqrt(360.0)), minutes, 360.0)

    def settle_venues(self, minutes: float, tilt: Floats, own_flow_usd: Floats) -> None:
        """Each venue's mark drifts around its premium (`tilt` in -1..1); its last trade runs ahead of the mark with its
        own flow and is pulled back by arbitrage within about a minute."""
        p = self._params
        count = len(tilt)
        pull = minutes / (minutes + 90.0)
        noise = self._draws.normal(2 * count)
        usual = p.basis_bps * 1e-4
        self.basis = self.basis + pull * (tilt * p.basis_tilt_bps * 1e-4 - self.basis)
        self.basis = self.basis + usual * math.sqrt(2.0 * pull) * 0.7 * noise[:count]
        fade = minutes / (minutes + 1.0)
        own = 0.3 * own_flow_usd / (self.depth_usd * self._shares)
        quick = usual * 0.2 * min(self.stress, 5.0) * noise[count:]
        self.spread = np.minimum(np.maximum(self.spread * (1.0 - fade) + own + fade * quick, -0.02), 0.02)


def _wave(value: float, minutes: float, life_h: float, swing: float, normal: float) -> float:
    pull = minutes / (minutes + 60.0 * life_h)
    return min(2.5, max(-2.5, value * (1.0 - pull) + swing * math.sqrt(2.0 * pull) * normal))


def _remember(value: float, added: float, minutes: float, life_min: float) -> float:
    return value * (1.0 - minutes / (minutes + life_min)) + added


def _clock(now_ms: int, params: PriceParams) -> float:
    """Activity of this hour and weekday, straight lines between hours."""
    hours = now_ms % _DAY_MS / 3_600_000
    hour = int(hours)
    table = params.hour_activity
    value = table[hour] + (hours - hour) * (table[(hour + 1) % 24] - table[hour])
    weekend = (now_ms // _DAY_MS + _FIRST_WEEKDAY) % 7 >= 5
    return value * (params.weekend_factor if weekend else 1.0)
