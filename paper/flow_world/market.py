"""The market minute by minute: price walks, force answers, positions come and go. What is told of it lies elsewhere."""

import math
from typing import Final

import numpy as np

from liqbot.blocks import Rows
from paper.flow_world.force import Cascades
from paper.flow_world.hunts import Hunts, news
from paper.flow_world.impact import SECONDS, Impact
from paper.flow_world.openings import Openings
from paper.flow_world.params import MINUTE_MS, FlowParams
from paper.flow_world.volatility import DAY_MIN, VolatilityCascade, session_activity
from paper.world.crowd import SIGNS, Crowd, Slots, by_venue
from paper.world.draws import Draws, Floats, total
from paper.world.forced import TRUE_FORCED
from paper.world.margins import Margins

_BASIS_LIFE_MIN: Final = 180.0
_MOVE_LIFE_MIN: Final = 180.0
_HEDGED_LIFE_MIN: Final = 2_880.0
_HEDGED_NOISE: Final = 0.03
_HEDGED_SHARE: Final = 0.75
"""Usual part of open interest that is hedged inventory."""
_CHURN_NOISE: Final = 0.4
_RECOUNT_MINUTES: Final = 2048


class FlowMarket:
    """After `minute`, of that minute: marks, volume and taker buys [venue, second], and every forced order."""

    def __init__(self, params: FlowParams, seed: int) -> None:
        self._params = params
        streams = iter(Draws(seed, 2_000_000, part) for part in range(1, 7))
        venues, count = params.venues, len(params.venues)
        margins = Margins(venues, params.coin.coin)
        shares = np.array([venue.share for venue in venues])
        self._usual_oi_usd = params.coin.oi_usd * shares / total(shares)
        self._turnover_day = np.array([venue.turnover_day for venue in venues])
        self.crowd = Crowd(count, 4096)
        self._cascade = VolatilityCascade(params.prices, next(streams))
        self._openings = Openings(params, margins, next(streams))
        self._hunts = Hunts(params.prices, next(streams))
        self._force = Cascades(count, next(streams))
        self._draws, self._news_draws = next(streams), next(streams)
        self._volatility_day = params.prices.volatility_day_pct / 100.0
        volume_day_usd = total(self._usual_oi_usd * self._turnover_day)
        self._impact = Impact(params.prices.impact_factor, self._volatility_day, volume_day_usd)
        self._base_price = params.coin.start_price
        self._basis: Floats = np.ones(count)
        self._moved, self._carried_usd, self._minutes = 0.0, 0.0, 0
        self.hedged_base: Floats = self._usual_oi_usd * _HEDGED_SHARE / self._base_price
        self.path: Floats = np.full((count, SECONDS), self._base_price)
        self.volume_usd, self.buy_usd = np.zeros((count, SECONDS)), np.zeros((count, SECONDS))
        self.orders: Rows = np.zeros(0, TRUE_FORCED)

    def minute(self, begin_ms: int) -> None:
        """Moves the market through the minute that begins then."""
        end_ms = begin_ms + MINUTE_MS
        activity, variance = session_activity(begin_ms), self._cascade.advance()
        base = self._walk(activity * variance)
        closed = self._closed(self.crowd.expired(end_ms))
        self._impact.begin(self._carried_usd + total(closed) * self._params.prices.voluntary_share)
        before = self.path[:, -1]
        swept = self._force.run(self.crowd, self._impact, base, self._bases(), begin_ms)
        self.path, self.orders = swept.path, swept.orders
        taken = self._closed(self.crowd.reached(self.path.min(axis=1), self.path.max(axis=1)))
        opened = self._open(activity * math.sqrt(variance), end_ms)
        self._carried_usd = total(opened) * self._params.prices.voluntary_share
        self._settle(base, swept.flow_usd)
        self._trade(activity * math.sqrt(variance), before, swept.flow_usd, closed + opened, taken)
        self._minutes += 1
        if self._minutes % _RECOUNT_MINUTES == 0:
            self.crowd.recount()

    def _walk(self, variance: float) -> Floats:
        """[second]: price without the impact of flow. Student's t with four degrees: a chance variance per minute."""
        prices, draws = self._params.prices, self._draws
        chance_variance = 1.0 / max(float(draws.exponential(2).sum()), 0.05)
        each = self._volatility_day * math.sqrt(variance * chance_variance / (DAY_MIN * SECONDS))
        hunted = self._hunts.move(float(self.path[0, -1]), self.crowd) / SECONDS
        returns = each * draws.normal(SECONDS) + hunted + news(prices, self._news_draws, SECONDS)
        return np.asarray(self._base_price * np.cumprod(1.0 + np.maximum(returns, -0.5)))

    def _bases(self) -> Floats:
        """[venue, second]: every venue's mark over the common price, straight from its last to its next."""
        pull = 1.0 / _BASIS_LIFE_MIN
        noise = self._params.prices.basis_bps * 1e-4 * math.sqrt(2.0 * pull) * self._draws.normal(len(self._basis))
        after = 1.0 + (self._basis - 1.0) * (1.0 - pull) + noise
        way = np.arange(1, SECONDS + 1) / SECONDS
        found = self._basis[:, None] + (after - self._basis)[:, None] * way
        self._basis = after
        return np.asarray(found)

    def _closed(self, slots: Slots) -> Floats:
        """Signed taker USD per venue of what is closed of free will."""
        crowd = self.crowd
        venue = crowd.venue[slots]
        usd = -crowd.signs_of(slots) * crowd.quantity_base[slots] * self.path[venue, -1]
        crowd.close(slots)
        return by_venue(venue, usd, len(self.path))

    def _open(self, activity: float, now_ms: int) -> Floats:
        """Signed taker USD per venue. What the price has already run over again is not filled."""
        usual = self._volatility_day * math.sqrt(_MOVE_LIFE_MIN / DAY_MIN)
        new = self._openings.drawn(self._openings.count(activity), self.path, now_ms, self._moved / usual)
        sign, mark = SIGNS[new.short], self.path[new.venue, -1]
        alive = np.flatnonzero((sign * (mark - new.guard_price) > 0) & (sign * (new.take_price - mark) > 0))
        filled = new.chosen(alive)
        self.crowd.open(filled)
        return by_venue(filled.venue, sign[alive] * filled.quantity_base * filled.entry_price, len(self.path))

    def _settle(self, base: Floats, flow_usd: Floats) -> None:
        """What lasts of the minute: the permanent part of impact, the last hours' move, hedged inventory."""
        pull = 1.0 / _MOVE_LIFE_MIN
        shift = self._impact.shift()
        lasting = self._params.prices.permanent_share * float(shift[-1] - shift[0]) * bool(flow_usd.any())
        price = float(base[-1]) * (1.0 + lasting)
        self._moved = self._moved * (1.0 - pull) + price / self._base_price - 1.0
        self._base_price = price
        wanted = self._usual_oi_usd * _HEDGED_SHARE / price
        pull = 1.0 / _HEDGED_LIFE_MIN
        noise = _HEDGED_NOISE * math.sqrt(2.0 * pull) * self._draws.normal(len(wanted)) * wanted
        self.hedged_base = np.maximum(self.hedged_base + pull * (wanted - self.hedged_base) + noise, 0.2 * wanted)

    def _trade(self, activity: float, before: Floats, forced: Floats, crowd_usd: Floats, taken: Floats) -> None:
        """Volume and its taker side per second: churn that follows activity and moves, and the crowd's own flow."""
        draws, count = self._draws, len(self.path)
        moves = np.abs(np.diff(self.path, axis=1, prepend=before[:, None])) / self.path
        weight = moves / max(total(moves.ravel()) / moves.size, 1e-12) + 0.5
        # A running sum adds in one order on every machine; numpy's plain sums do not.
        weight /= np.cumsum(weight, axis=1)[:, -1:]
        swing = np.maximum(1.0 + _CHURN_NOISE * draws.normal(count), 0.1)
        churn = self.open_interest_usd * self._turnover_day / DAY_MIN * activity * swing
        lean = np.clip(0.1 * draws.normal(count) + 0.2 * (self.path[:, -1] / before - 1.0) / 0.001, -0.6, 0.6)
        own = np.abs(crowd_usd) + np.abs(taken)
        self.volume_usd = (churn + own)[:, None] * weight + np.abs(forced)
        bought = churn * (0.5 + 0.5 * lean) + np.maximum(crowd_usd, 0.0) + np.maximum(-taken, 0.0)
        self.buy_usd = np.minimum(bought[:, None] * weight + np.maximum(forced, 0.0), self.volume_usd)

    @property
    def held_base(self) -> Floats:
        """[side, venue] of the hedged: per venue longs equal shorts."""
        totals = self.crowd.totals_base
        return np.asarray(totals.max(axis=0) - totals + self.hedged_base)

    @property
    def open_interest_usd(self) -> Floats:
        """One-sided, per venue, at its mark: the sum of all positions of a side."""
        return np.asarray((self.crowd.totals_base.max(axis=0) + self.hedged_base) * self.path[:, -1])
