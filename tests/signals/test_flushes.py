"""Flushes of every depth and speed, down and up: a grab fires on the right side, stopped just beyond; a flush that is
no textbook one is left alone."""

import copy
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

import flush_market as fm
import pytest

from liqbot.blocks import EventBlock
from liqbot.instruments import Side
from liqbot.market.map.cluster_memory import farther
from liqbot.market.map.zones import Sweep
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.signals.evaluate import evaluate
from liqbot.signals.registry import signal_model
from liqbot.signals.verdict import SIGNAL, Verdict

PARAMS: Final = signal_model()()
STARTS: Final = (99_600.0, 100_900.0, 102_000.0)
"""Where price goes before it is flushed: the crowd's liquidations lie as much nearer."""
BUFFER_PCT: Final = PARAMS.grab_reverse.stop_buffer_pct


class Before(NamedTuple):
    """A market before its flush, and the heaviest cluster 2 to 5 % away from it with what adjoins it, in prices of the
    stretches."""

    told: fm.Told
    state: Any
    near_price: float
    far_price: float

    def inside(self, share: float) -> float:
        """So much of the way through it."""
        return self.near_price + (self.far_price - self.near_price) * share


def a_market() -> Market:
    return Market(MarketParams(), fm.ROSTER, fm.ROSTER.venues[0])


@cache
def before(start_price: float, side: Side) -> Before:
    """Building up the crowd is what takes long: every flush begins at the same state."""
    told, market = fm.Told(image=side is Side.SHORT), a_market()
    for block in told.blocks(fm.crowd(flush_from=start_price)):
        views = on_block(market, block)
    swept = views[0].behind(side).clusters
    heaviest = max((one for one in swept if 2.0 <= one.distance_pct <= 4.9), key=lambda one: one.usd)
    wide = [one for one in swept if abs(one.distance_pct - heaviest.distance_pct) < 0.6]
    prices = [told.plain(price) for one in wide for price in (one.price_low, one.price_high)]
    return Before(told, market.state(), max(prices), min(prices))


def on_block(market: Market, block: EventBlock) -> Any:
    market.collect(block)
    return market.on_tick(block.tick_ms or 0)


class Judged(NamedTuple):
    verdict: Verdict
    sweep: Sweep | None
    mark_price: float


def grabs(start: Before, stretches: Iterable[fm.Stretch]) -> list[Judged]:
    """What the strategy says of both sides, tick by tick."""
    market = a_market()
    market.load_state(start.state)
    views = (view for block in copy.deepcopy(start.told).blocks(stretches) for view in on_block(market, block))
    return [
        Judged(verdict, view.behind(verdict.side).sweep, view.mark_price)
        for view in views
        for verdict in evaluate(view, PARAMS)
        if verdict.strategy == "grab_reverse"
    ]


def textbook(start: Before, minutes: int, **changes: bool) -> tuple[fm.Stretch, ...]:
    """Nearly through the cluster, and back over its near edge."""
    return fm.flush(start.inside(0.9), start.near_price * 1.004, minutes, **changes)


QUICK: Final = {(2, STARTS[-1]), (30, STARTS[-1]), (12, STARTS[1])}
"""The ends of the grid, and its middle."""
GRID: Final = [
    pytest.param(minutes, start, marks=() if (minutes, start) in QUICK else pytest.mark.long)
    for minutes in (2, 5, 12, 30)
    for start in STARTS
]


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("minutes", "start_price"), GRID)
def test_a_textbook_flush_is_grabbed_on_its_side_just_beyond_the_wick(minutes: int, start_price: float, side: Side):
    start = before(start_price, side)
    told = grabs(start, textbook(start, minutes))
    fired = [one for one in told if one.verdict.code == SIGNAL]
    assert {one.verdict.side for one in fired} == {side}
    first = fired[0]
    assert first.sweep is not None
    assert first.verdict.signal is not None
    assert len({one.sweep.started_ms for one in fired if one.sweep is not None}) == 1, "one flush, one reason"
    edge = first.sweep.price_low if side is Side.LONG else first.sweep.price_high
    far_price = farther(side, first.sweep.extreme_price, edge)
    beyond_pct = float(side) * (far_price - first.verdict.signal.stop_price) / first.mark_price * 100
    assert beyond_pct == pytest.approx(BUFFER_PCT, rel=0.05)
    assert float(side) * (first.verdict.signal.take_price - first.mark_price) > 0


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("minutes", [2, pytest.param(12, marks=pytest.mark.long)])
def test_near_misses_are_left_alone(minutes: int, side: Side):
    start = before(STARTS[-1], side)
    deep, over = start.inside(0.9), start.near_price * 1.004
    misses = {
        "stays below": fm.flush(deep, start.inside(0.2), minutes),
        "flow goes on": textbook(start, minutes, flow_flips=False),
        "nobody left": textbook(start, minutes, oi_drops=False),
        "does not reach it": fm.flush(start.near_price * 1.001, over * 1.01, minutes),
        "slow drift": (fm.Stretch(240, deep), fm.Stretch(120, over)),
        "quiet": tuple(one._replace(volume=1.0) for one in textbook(start, minutes)),
    }
    fired = {name for name, path in misses.items() for one in grabs(start, path) if one.verdict.code == SIGNAL}
    assert not fired
