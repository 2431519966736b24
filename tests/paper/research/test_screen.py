"""The first of stop, take and time that price reaches, by hand and on both sides alike."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from liqbot.instruments import Side
from liqbot.signals.features import VIEW_NUMBERS, Features
from liqbot.signals.gates import GateSpec
from liqbot.signals.strategy import Exits, Strategy, StrategyParams
from paper.research.feature_columns import FeatureColumns
from paper.research.screen import screened_trades

MINUTE_MS = 60_000


class Params(StrategyParams):
    """Of a strategy that enters where its column says."""


def strategy(stop_pct: float, take_pct: float | None) -> Strategy:
    gate = GateSpec("told", ("flow",), lambda features, _params: features.flow, ">", 0.0)
    return Strategy("told", Params, (gate,), lambda _f, _p: Exits(stop_pct, take_pct), lambda _f, _e: "")


def columns(
    side: Side, told: list[float], low: list[float], high: list[float], of: Strategy
) -> FeatureColumns:
    """The mark is always 100; of a short the prices are turned round it."""
    count = len(told)
    values: dict[str, Any] = dict.fromkeys(
        (name for name in Features.__struct_fields__ if name != "view"), np.full(count, 100.0)
    )
    values |= {"flow": np.array(told)}
    view = SimpleNamespace(**dict.fromkeys(VIEW_NUMBERS, np.zeros(count)), funding_of=lambda _venue: np.zeros(count))
    lows, highs = np.array(low), np.array(high)
    if side is Side.SHORT:
        lows, highs = 200.0 - highs, 200.0 - lows
    exits = {of.name: dict.fromkeys(range(count), of.exits(None, None))}  # type: ignore[arg-type]
    times_ms = MINUTE_MS * np.arange(count)
    return FeatureColumns("BTC", side, times_ms, Features(**values, view=view), highs, lows, exits, 0.1)


@pytest.mark.parametrize("side", Side)
def test_what_is_reached_first_ends_it(side: Side) -> None:
    """Stop 1 %, take 2 %, costs .1 %: a take; then a bar that reaches both, which is a stop; then time, at no move."""
    told = [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]
    low = [100.0, 99.5, 99.5, 98.0, 100.0, 99.9, 99.9]
    high = [100.0, 100.5, 102.5, 103.0, 100.0, 100.1, 100.1]
    params = Params(max_hold_ms=2 * MINUTE_MS)
    of = strategy(1.0, 2.0)
    found = list(screened_trades(columns(side, told, low, high, of), of, params, ()))
    # The first is over at the third Tick, whose own signal comes too early for a second one to be open.
    assert found == pytest.approx([(2.0 - 0.1) / 1.0, (0.0 - 0.1) / 1.0])


@pytest.mark.parametrize("side", Side)
def test_a_bar_that_reaches_both_is_a_stop(side: Side) -> None:
    for of, r in ((strategy(1.0, 2.0), (-1.0 - 0.1) / 1.0), (strategy(3.0, None), (0.0 - 0.1) / 3.0)):
        one = columns(side, [1.0, 0.0], [100.0, 98.0], [100.0, 103.0], of)
        assert list(screened_trades(one, of, Params(), ())) == pytest.approx([r])


def test_an_exit_that_is_no_number_is_no_trade() -> None:
    of = strategy(float("nan"), 2.0)
    one = columns(Side.LONG, [1.0, 0.0], [100.0, 98.0], [100.0, 103.0], of)
    assert not list(screened_trades(one, of, Params(), ()))
