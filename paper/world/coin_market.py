"""One coin's market: in each step the crowd acts on what it saw before, price travels, and force answers price."""

import math
from typing import Final

import numpy as np

from paper.world.crowd import SIGNS, Crowd, Slots, by_venue
from paper.world.draws import Draws, Floats, expo, total
from paper.world.forced import TRUE_FORCED, Forced, Publisher, Rows, Swept
from paper.world.funding import WorldFunding
from paper.world.makers import Makers
from paper.world.margins import Margins
from paper.world.openers import Mood, Newcomers, Openers
from paper.world.params import CoinParams, WorldParams
from paper.world.prices import Prices
from paper.world.shocks import Shocks

_DAY_MIN: Final = 1440.0
_DAY_MS: Final = 86_400_000
_ROUND_MS: Final = 5_000
_PINNED: Final = 0.35
"""Volatility while a crowd piles in at one price, against usual."""
_RUSH_IMPACT: Final = 0.1
_RUSH_LEAN: Final = 0.15
_LEAN_LIFE_MIN: Final = 60.0
_ROUNDS_MAX: Final = 8
_RECOUNT_STEPS: Final = 2048
_PASSIVE_RELIEF: Final = 0.5
"""How much of the forced flow that resting take-profits absorb comes off the impact."""


class WorldCoin:
    """State of one coin. After `step` the columns (one entry per venue) say what happened in it."""

    def __init__(self, params: WorldParams, coin: CoinParams, seed: int, number: int) -> None:
        self._params, self._coin, self._number = params, coin, number
        venues, count = params.venues, len(params.venues)
        streams = iter(Draws(seed, number, part) for part in range(1, 9))
        margins = Margins(venues, coin.coin)
        self.crowd = Crowd(count, max(256, 2 * params.crowd.positions // 3))
        self.prices = Prices(params.prices, coin, venues, next(streams))
        self.makers = Makers(params, coin, next(streams))
        self.funding = WorldFunding(venues, next(streams))
        self._openers = Openers(params.crowd, venues, coin, margins, next(streams))
        self._shocks = Shocks(params.shocks, next(streams), params.start_ms)
        self._publisher = Publisher(venues, next(streams))
        self._draws = next(streams)
        self._forced = Forced(venues, margins)
        self._shares = np.array([venue.share for venue in venues])
        self._shares = self._shares / total(self._shares)
        self._turnover_day = np.array([venue.turnover_day for venue in venues])
        self._carried_usd, self._steps = 0.0, 0
        self._lean_wave: Floats = np.zeros(count)
        start = np.full(count, coin.start_price)
        self.open, self.high, self.low, self.close, self.mark = start, start, start, start, start
        self.index_price = coin.start_price
        self.volume_usd, self.buy_usd = np.zeros(count), np.zeros(count)
        self.oi_usd = self.makers.open_interest_base * self.mark
        self.forced: Rows = np.zeros(0, TRUE_FORCED)
        self.published: Rows = self.forced

    def step(self, end_ms: int, span_ms: int, common: float) -> None:
        """Moves the market from end_ms - span_ms to end_ms. `common` is the normal draw all coins share."""
        minutes, prices = span_ms / 60_000, self.prices
        shared = self._params.common_share if len(self._params.coins) > 1 else 0.0
        self._shocks.begin(end_ms, minutes)
        rush = self._shocks.rush
        prices.begin(end_ms, minutes, common, shared, _PINNED if rush else 1.0)
        new = self._arrive(end_ms, minutes)
        crowd_flow = self._leave(end_ms, minutes) + self._flow(new.short, new.venue, new.size_usd)
        if rush:
            # Makers meet the newcomers: the crowd grows at one price without moving it.
            crowd_flow = crowd_flow * _RUSH_IMPACT
        shock_usd = self._shocks.pull(end_ms, minutes, prices.reference, self.crowd) * prices.depth_usd
        prices.travel(total(crowd_flow) + shock_usd + self._carried_usd, minutes)
        self.crowd.open(
            self._openers.seat(new, end_ms, self.mark, self._ticked(prices.path.end_price * (1 + prices.basis)))
        )
        swept, forced_flow = self._force(span_ms)
        prices.finish(minutes)
        self._print(minutes, crowd_flow, forced_flow, shock_usd)
        self.funding.advance(minutes, self.mark, self.index_price, self.crowd.totals_base)
        self._tell(swept, end_ms, span_ms)
        self._steps += 1
        if self._steps % _RECOUNT_STEPS == 0:
            self.crowd.recount()

    def _leave(self, now_ms: int, minutes: float) -> Floats:
        """Voluntary closes: patience runs out, and in fast moves a part of the crowd gives up. Signed taker USD."""
        crowd, p = self.crowd, self._params.crowd
        flow = self._closed(crowd.expired(now_ms))
        hurry = max(0.0, abs(self.prices.fast_move_ratio) - 1.0) * p.panic_day
        expected = min(hurry * minutes / _DAY_MIN, 0.2) * 2 * crowd.capacity
        if expected > 0:
            flow = flow + self._closed(crowd.sample(self._draws.uniform(self._draws.count(expected))))
        self._openers.top_up(crowd, self.mark, p.topup_day * minutes / _DAY_MIN)
        return flow

    def _arrive(self, now_ms: int, minutes: float) -> Newcomers:
        p = self._params
        refill = min(2.0, max(0.3, 1.6 - 0.6 * self.crowd.count / p.crowd.positions))
        expected = self._openers.openings_day * self.prices.arrivals * refill * minutes / _DAY_MIN
        rush = self._shocks.rush
        if rush:
            expected *= p.shocks.build_up_factor
        mood = Mood(self.prices.fast_move_ratio, self.prices.slow_move_ratio, self.funding.mean_8h_pct, rush)
        shift_ms = p.start_ms + int(p.days * p.crowd.shift_at_share * _DAY_MS)
        return self._openers.invite(self._draws.count(expected), mood, shifted=now_ms >= shift_ms)

    def _flow(self, short: Slots, venue: Slots, size_usd: Floats) -> Floats:
        """Signed taker USD per venue of positions being opened."""
        signed = SIGNS[short] * size_usd * self._params.crowd.taker_share
        return by_venue(venue, signed, len(self.mark))

    def _closed(self, slots: Slots) -> Floats:
        """Signed taker USD per venue of positions closed of free will."""
        crowd = self.crowd
        venue = crowd.venue[slots]
        # Closing a long sells, as opening a short does.
        as_short = (slots < crowd.capacity).astype(np.intp)
        flow = self._flow(as_short, venue, crowd.quantity_base[slots] * self.mark[venue])
        crowd.close(slots)
        return flow

    def _force(self, span_ms: int) -> tuple[list[Swept], Floats]:
        """Rounds of forced orders and the moves they cause. What the last round sells moves the next step."""
        crowd, swept = self.crowd, []
        for _ in range(max(1, min(_ROUNDS_MAX, span_ms // _ROUND_MS))):
            low, high = self._mark_range()
            slots = crowd.crossed(low, high)
            if not len(slots):
                break
            one = self._forced.sweep(crowd, slots)
            swept.append(one)
            self.prices.extend(_relieved(total(one.flow_usd), total(self._take(low, high))))
        low, high = self._mark_range()
        rest = self._forced.sweep_all(crowd, low, high)
        self._carried_usd = sum(total(one.flow_usd) for one in rest)
        self._take(low, high)
        swept.extend(rest)
        return swept, sum((one.flow_usd for one in swept), np.zeros(len(low)))

    def _mark_range(self) -> tuple[Floats, Floats]:
        """Lowest and highest mark of each venue in this step, the mark it came from included."""
        path, factor = self.prices.path, 1.0 + self.prices.basis
        return (
            np.minimum(self.mark, self._ticked(path.low_price * factor)),
            np.maximum(self.mark, self._ticked(path.high_price * factor)),
        )

    def _take(self, low: Floats, high: Floats) -> Floats:
        """Take-profits that were traded through: resting orders, so they absorb flow. Signed USD per venue."""
        return self._closed(self.crowd.reached(low, high)) / max(self._params.crowd.taker_share, 1e-9)

    def _print(self, minutes: float, crowd_flow: Floats, forced_flow: Floats, shock_usd: float) -> None:
        """Bars, marks and open interest of the step."""
        prices, count = self.prices, len(self.mark)
        path, factor = prices.path, 1.0 + prices.basis
        spread_before = prices.spread
        long, short = self.crowd.totals_base
        tilt = (long - short) / np.maximum(long + short, 1e-12)
        prices.settle_venues(minutes, 0.5 * tilt + 0.5 * total(tilt) / count, forced_flow)
        self.open = self.close
        self.close = self._ticked(path.end_price * factor * (1.0 + prices.spread))
        top = self._ticked(path.high_price * factor * (1.0 + np.maximum(prices.spread, spread_before)))
        bottom = self._ticked(path.low_price * factor * (1.0 + np.minimum(prices.spread, spread_before)))
        self.high = np.maximum(np.maximum(self.open, self.close), top)
        self.low = np.minimum(np.minimum(self.open, self.close), bottom)
        self.mark = self._ticked(path.end_price * factor)
        self.index_price = float(self._ticked(np.array([path.end_price]))[0])
        noise = self._draws.normal(2 * count)
        churn = self.oi_usd * self._turnover_day * minutes / _DAY_MIN * prices.activity
        churn = churn * (0.6 + 0.4 * min(abs(prices.surprise), 6.0)) * expo(0.35 * noise[:count])
        if self._shocks.rush:
            churn = churn * self._params.shocks.build_up_factor
        lean = self._taker_lean(minutes, noise[count:])
        flow = np.abs(crowd_flow) + np.abs(forced_flow) + abs(shock_usd) * self._shares
        bought = np.maximum(crowd_flow, 0) + np.maximum(forced_flow, 0) + max(shock_usd, 0.0) * self._shares
        self.volume_usd = churn + flow
        self.buy_usd = churn * (0.5 + 0.5 * lean) + bought
        self.oi_usd = self.makers.advance(minutes, long, short, path.end_price, prices.stress) * self.mark

    def _taker_lean(self, minutes: float, noise: Floats) -> Floats:
        """Each venue's taker buys less sells, as part of its churn: with the move, in waves of about an hour."""
        p = self._params.prices
        pull = minutes / (minutes + _LEAN_LIFE_MIN)
        self._lean_wave = self._lean_wave * (1.0 - pull) + p.lean_wave_share * math.sqrt(2.0 * pull) * noise
        move = 0.15 * self.prices.surprise + p.lean_move_share * self.prices.fast_move_ratio
        lean = move + self._lean_wave + 0.15 * noise + _RUSH_LEAN * self._shocks.rush
        return np.minimum(np.maximum(lean, -0.8), 0.8)

    def _tell(self, swept: list[Swept], end_ms: int, span_ms: int) -> None:
        self.forced = np.concatenate([one.forced for one in swept]) if swept else np.zeros(0, TRUE_FORCED)
        self.forced["time_ms"], self.forced["coin"] = end_ms, self._number
        self.published = self._publisher.published(self.forced, end_ms - span_ms, span_ms)
        self.published["price"] = np.maximum(self._ticked(self.published["price"]), 1.0 / self._coin.ticks_per_usd)

    def _ticked(self, price: Floats) -> Floats:
        # Dividing a whole number by the tick count gives the float nearest to the decimal price.
        return np.asarray(np.rint(price * self._coin.ticks_per_usd) / self._coin.ticks_per_usd)


def _relieved(flow_usd: float, passive_usd: float) -> float:
    """Resting orders on the other side soften a flow, and never turn it round."""
    if flow_usd * passive_usd >= 0:
        return flow_usd
    softened = flow_usd + _PASSIVE_RELIEF * passive_usd
    return softened if softened * flow_usd > 0 else 0.0
