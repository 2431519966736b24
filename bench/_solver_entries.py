"""Entries in simulated markets, where each rule puts their liquidation price, and what price did afterwards."""

import math
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from liqbot.blocks import EventBlock, Roster
from liqbot.instruments import Side
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.market.view import MarketView
from liqbot.price_change import change_pct, changed
from liqbot.risk import sizing
from liqbot.risk.limits import RiskLimits
from liqbot.risk.placement import LeverageCandidate, OrderProposal, Placement, TradingBook, place
from liqbot.risk.sizing import Budget, exact
from liqbot.risk.translation import MarkTranslation
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams
from liqbot.venues.registry import mechanics_of
from paper.flow_world import FlowParams, FlowWorld
from paper.flow_world.params import FlowCrowdParams, FlowPriceParams
from paper.sessions.listings import paper_instruments
from paper.world import World
from paper.world.params import SEVEN_VENUES, CrowdParams, ShockParams, WorldParams

HOME: Final = "binance"
WARM_DAYS, ENTRY_DAYS, AFTER_DAYS = 2.0, 3.0, 7.0
STOPS_PCT: Final = (0.6, 1.0, 2.0)
HORIZONS_H: Final = (24, 168)
HOLD_MS: Final = 4 * 3_600_000
REACHES_PCT: Final = (0.75, 1.5, 2.5, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0)
"""Distances at which the chance itself is judged."""
CHANCE_H: Final = (4, 24, 72)
EQUITY_USD: Final = Decimal(100_000)
RULES: Final = ("solver", "former rule", "fixed 3x", "fixed 5x")
_DAY_MS: Final = 86_400_000


class Made(NamedTuple):
    """A market by family, how often a day price is pushed at the crowd, and its knobs."""

    family: str
    hunts_day: float
    params: FlowParams | WorldParams
    seed: int

    def market(self) -> FlowWorld | World:
        if isinstance(self.params, FlowParams):
            return FlowWorld(self.params, self.seed)
        return World(self.params, self.seed)


def _flow(seed: int, hunts_day: float, volatility_day_pct: float, **crowd: Any) -> Made:
    days = WARM_DAYS + ENTRY_DAYS + AFTER_DAYS
    prices = FlowPriceParams(hunts_day=hunts_day, volatility_day_pct=volatility_day_pct)
    params = FlowParams(days=days, bar_ms=300_000, burn_in_days=2, crowd=FlowCrowdParams(**crowd), prices=prices)
    return Made("flow", hunts_day, params, seed)


def _crowd(seed: int, rate_day: float, **crowd: Any) -> Made:
    """Its shocks push price as hunters do, at no target."""
    params = WorldParams(
        days=WARM_DAYS + ENTRY_DAYS + AFTER_DAYS - 1, step_ms=300_000, backfill_days=1, backfill_step_ms=300_000,
        burn_in_days=3, venues=SEVEN_VENUES, crowd=CrowdParams(**crowd),
        shocks=ShockParams(first_wick_minute=None, rate_day=rate_day),
    )
    return Made("crowd", 0.0, params, seed)


MARKETS: Final[dict[str, Made]] = {
    "flow quiet 1": _flow(98_101, 0.0, 5.0),
    "flow hunted 1": _flow(98_101, 6.0, 5.0),
    "crowd 1": _crowd(98_301, 0.3),
    "flow quiet 2": _flow(98_102, 0.0, 7.0, leverage_median=10, life_h=80, openings_day=9_000),
    "flow hunted 2": _flow(98_102, 6.0, 7.0, leverage_median=10, life_h=80, openings_day=9_000),
    "crowd 2": _crowd(98_302, 1.0, momentum_share=0.6, reverting_share=0.1, panic_day=4.0),
    "flow quiet 3": _flow(98_103, 0.0, 7.0),
    "flow hunted 3": _flow(98_103, 6.0, 7.0),
}
"""Hunted and quiet ones of a number are one market, its seed and knobs the same, but for the hunts."""


class Entry(msgspec.Struct, frozen=True):
    """One proposed entry, by rule: how far away the liquidation price lies; None where the rule has none."""

    time_ms: int
    side: Side
    stop_pct: float
    away_pct: dict[str, float | None]
    percentile: dict[str, float | None]
    thinnest_percentile: float | None
    """Of all acceptable placements that bear the same risk."""
    leverage: int
    risk_share: float
    """Of what was asked."""
    bound: str
    swept: dict[str, dict[str, bool]]
    """By rule and horizon in hours."""


class Judged(msgspec.Struct, frozen=True):
    """A place at a distance, and whether price came there in that time."""

    hours: int
    range_pct: float
    reached: bool
    percentile: float
    away_pct: float


class Result(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]
    refused: int
    judged: tuple[Judged, ...]
    cpu_s: float


# --- one market -------------------------------------------------------------------------------------------------------


class Path5(NamedTuple):
    """What the home venue's bars showed."""

    time_ms: list[int]
    low: list[float]
    high: list[float]

    def farthest_pct(self, side: Side, mark_price: float, from_ms: int, hours: float) -> float | None:
        """How far price went against a side; None where the market ends before."""
        until_ms = from_ms + int(hours * 3_600_000)
        if self.time_ms[-1] < until_ms:
            return None
        first, last = np.searchsorted(self.time_ms, (from_ms, until_ms), side="right")
        prices = self.low[first:last] if side is Side.LONG else self.high[first:last]
        extreme = min(prices) if side is Side.LONG else max(prices)
        return -float(side) * change_pct(mark_price, extreme)


def run(name: str) -> Result:
    use_compiled()
    began_s = time.process_time()
    market = MARKETS[name].market()
    views, path = watched(market.every_block(), market.roster)
    entries: list[Entry] = []
    judged: list[Judged] = []
    refused = 0
    for view in views:
        for side in Side:
            judged += chances(view, side, path)
            for stop_pct in STOPS_PCT:
                entry = entered(view, side, stop_pct, path)
                refused += entry is None
                entries += [entry] if entry is not None else []
    return Result(tuple(entries), refused, tuple(judged), time.process_time() - began_s)


def watched(blocks: Iterator[EventBlock], roster: Roster) -> tuple[list[MarketView], Path5]:
    """Views at each hour of the days of entries, and the path of price to the end. What follows the last view is not
    folded: nobody decides on it."""
    market, home = Market(MarketParams(), roster, HOME), roster.venue_code(HOME)
    path, views, begin_ms, due_ms = Path5([], [], []), [], 0, 0
    for block in blocks:
        bars = block.bars[block.bars["venue"] == home] if len(block.bars) else block.bars
        if len(bars):
            path.time_ms.append(int(bars["time_ms"][-1]))
            path.low.append(float(bars["low"].min()))
            path.high.append(float(bars["high"].max()))
        if block.tick_ms is None or (begin_ms and block.tick_ms > begin_ms + (WARM_DAYS + ENTRY_DAYS) * _DAY_MS):
            continue
        begin_ms = begin_ms or block.tick_ms
        due_ms = due_ms or begin_ms + int(WARM_DAYS * _DAY_MS)
        market.collect(block)
        due = bool(len(bars)) and block.tick_ms >= due_ms
        found = market.on_tick(block.tick_ms, reading=due)
        if due:
            views += [view.kept(forecasts=False) for view in found]
            due_ms += 3_600_000
    return views, path


def chances(view: MarketView, side: Side, path: Path5) -> Iterator[Judged]:
    for away_pct in REACHES_PCT:
        price = changed(view.mark_price, -float(side) * away_pct)
        percentile = view.map.density_percentile(side, price)
        for hours in CHANCE_H:
            went_pct = path.farthest_pct(side, view.mark_price, view.time_ms, hours)
            if went_pct is not None and view.range_pct > 0:
                yield Judged(hours, view.range_pct, went_pct >= away_pct, percentile, away_pct)


def entered(view: MarketView, side: Side, stop_pct: float, path: Path5) -> Entry | None:
    """None where the solver refuses."""
    (instrument,) = paper_instruments(HOME, ("BTC",))
    book = TradingBook(instrument, mechanics_of(HOME, "BTC"), rests=False)
    price = exact(round(view.mark_price, 1))
    stop = instrument.round_stop(side, view.mark_price * (1 - side * stop_pct / 100))
    wish = OrderProposal(side, price, stop, limit=False)
    budget = Budget(EQUITY_USD, EQUITY_USD, Decimal(0), Decimal(0), Decimal(10**9))
    limits, avoid = RiskLimits(), AvoidLiquidityParams()
    placed = place(wish, view, book, budget, limits, avoid, MarkTranslation(instrument.price_tick), HOLD_MS)
    if placed.chosen is None:
        return None
    by_rule = ruled(placed)
    away = {rule: _away_pct(view, one) for rule, one in by_rule.items()}
    alike = [one for one in placed.tried if one.refusal is None and one.risk_usd >= placed.chosen.risk_usd * _SAME]
    swept: dict[str, dict[str, bool]] = {rule: {} for rule in away}
    for hours in HORIZONS_H:
        went_pct = path.farthest_pct(side, view.mark_price, view.time_ms, hours)
        for rule, away_pct in away.items():
            if went_pct is not None and away_pct is not None:
                swept[rule][str(hours)] = went_pct >= away_pct
    return Entry(
        view.time_ms, side, stop_pct, away,
        {rule: None if one is None else _known(one.place.density_percentile) for rule, one in by_rule.items()},
        min((one.place.density_percentile for one in alike), default=None), placed.chosen.leverage,
        float(placed.chosen.risk_usd / sizing.risk_asked_usd(EQUITY_USD, limits)), placed.chosen.size.bound, swept,
    )


_SAME: Final = Decimal("0.95")


def ruled(placed: Placement) -> dict[str, LeverageCandidate | None]:
    """The former rule took the first acceptable leverage from above."""
    first = next((one for one in placed.tried if one.refusal is None), None)
    fixed = {one.leverage: one for one in placed.tried}
    return {"solver": placed.chosen, "former rule": first, "fixed 3x": fixed.get(3), "fixed 5x": fixed.get(5)}


def _away_pct(view: MarketView, one: LeverageCandidate | None) -> float | None:
    if one is None or math.isnan(one.liquidation_price):
        return None
    return abs(change_pct(view.mark_price, one.liquidation_price))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
