"""Which way price leans: a direction given from outside, else the technical one."""

from liqbot.instruments import Side
from liqbot.market.map.zones import ABSENT
from liqbot.market.view import MarketView


def bias_of(view: MarketView, side: Side) -> float:
    """Bias toward `side`, -1..1. A given bias is full; the technical one is the trend (fast over slow average) in mean
    hourly ranges, cut off at one. NaN without a trend or a range."""
    if view.given_bias is not None:
        return 1.0 if view.given_bias is side else -1.0
    if not view.range_pct > 0:
        return ABSENT
    leaning = float(side) * view.trend_pct / view.range_pct
    if leaning != leaning:
        return ABSENT
    return max(-1.0, min(1.0, leaning))
