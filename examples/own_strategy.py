"""A strategy of your own: enter when an hour's move is large against the usual range and volume carries it.

Use it without touching the program:

1. Copy this file to `<config>/strategies/own_strategy.py`; neither file nor directory may be writable by others.
2. Name it in the profile, `<config>/paper.toml`:

       [signals]
       files = ["own_strategy.py"]

       [signals.breakout]
       move_range_min = 2.0

3. Look: `liqbot config show --config <config> --origin`, then `liqbot backtest TAPE --config <config>`, and
   `liqbot decisions --strategy breakout`, `liqbot explain ID`. `enabled = false` in its section switches it off.

It is an example of how to write one, not a reason to trade.
"""

from typing import Any

from pydantic import Field

from liqbot.accounting.positions import Position
from liqbot.market.view import MarketView
from liqbot.signals.features import Features
from liqbot.signals.gates import MAP_SKILL, GateSpec, larger, same
from liqbot.signals.strategy import Exits, Reason, Strategy, StrategyParams


class BreakoutParams(StrategyParams):
    """Breakout with volume, as an example of a strategy of your own."""

    move_range_min: float = Field(1.5, gt=0.0, le=20.0, description="One-hour move in mean hourly ranges, at least.")
    volume_ratio_min: float = Field(1.5, ge=0.0, le=100.0, description="Volume rate over its rolling mean, at least.")
    stop_range: float = Field(1.0, gt=0.0, le=10.0, description="Stop distance in mean hourly ranges.")
    stop_pct_min: float = Field(0.4, gt=0.0, le=10.0, description="Stop distance at least.")
    stop_pct_max: float = Field(3.0, gt=0.0, le=10.0, description="A stop farther than this: no trade.")
    take_r: float = Field(2.0, gt=0.0, le=20.0, description="Take at this many times the stop distance.")
    quiet_ratio_exit: float = Field(0.3, ge=0.0, le=10.0, description="A volume ratio below this ends the trade.")


def stop_pct(features: Features, params: BreakoutParams) -> Any:
    """Gates use + - * / and comparisons only, so that they give the same bits on a row and on whole columns."""
    return larger(params.stop_range * features.range_pct, params.stop_pct_min)


GATES = (
    # All features are seen from the side of the trade: a short's `return_1h_pct` is positive when price fell.
    GateSpec(
        "moved", ("return_1h_pct", "range_pct"), lambda f, _p: f.return_1h_pct / f.range_pct, ">=", "move_range_min"
    ),
    GateSpec("volume", ("volume_ratio",), same("volume_ratio"), ">=", "volume_ratio_min"),
    GateSpec("stop_range", ("range_pct",), stop_pct, "<=", "stop_pct_max"),
    MAP_SKILL,
)


def exits(features: Features, params: BreakoutParams) -> Exits:
    distance_pct = stop_pct(features, params)
    return Exits(distance_pct, params.take_r * distance_pct)


def why(features: Features, exits: Exits) -> str:
    return (
        f"price moved {features.return_1h_pct:.2f} % in an hour at {features.volume_ratio:.1f}x volume; "
        f"stop {exits.stop_pct:.2f} % away"
    )


def volume_gone(view: MarketView, _position: Position, params: BreakoutParams) -> Reason | None:
    """Asked about an open position at every tick; None: the reason still holds. An absent value (NaN) says nothing."""
    if view.volume_ratio < params.quiet_ratio_exit:
        return Reason("VOLUME_GONE", f"volume is {view.volume_ratio:.2f} times its mean")
    return None


STRATEGY = Strategy("breakout", BreakoutParams, GATES, exits, why, invalidations=(volume_gone,))
