"""Pictures inside a page, as SVG text on whatever colour the page has: curves over time, a map around its mark, and a
price path as a small line."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from liqbot.review.figures.canvas import LONGS, PAGE, SHORTS, USD_TICKS, Canvas, Look, svg_of

_WIDE: Final = (10.0, 2.9)
_SPARK: Final = (1.7, 0.35)
_REACH_PCT: Final = 10.0


def lines_svg(name: str, curves: Mapping[str, Sequence[tuple[datetime, float]]]) -> str:
    """Curves over time, named where there is more than one. `name` is the picture's own on its page."""
    canvas = _canvas()
    panel = canvas.panels[0]
    for (of_curve, points), colour in zip(curves.items(), (SHORTS, LONGS), strict=False):
        times = np.array([when.replace(tzinfo=None) for when, _ in points], "datetime64[ms]")
        panel.plot(times, [value for _, value in points], color=colour, linewidth=1.4, label=of_curve)
    canvas.in_time(panel)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.6g}"))
    if len(curves) > 1:
        canvas.legend(panel, loc="best")
    return svg_of(canvas.figure, name)


def map_svg(name: str, bins: Mapping[str, Any], mark_price: float) -> str:
    """Estimated USD around the mark, as a bar for each stretch of price, lowest price first."""
    canvas = _canvas()
    panel = canvas.panels[0]
    edges = (np.array(bins["edges"], float) / mark_price - 1) * 100
    near = np.flatnonzero((edges[:-1] >= -_REACH_PCT) & (edges[1:] <= _REACH_PCT))
    below = np.zeros(near.size)
    for side, colour in (("long", LONGS), ("short", SHORTS)):
        usd = np.array(bins[f"{side}_usd"], float)[near]
        panel.bar(edges[near], usd, np.diff(edges)[near], below, align="edge", color=colour, linewidth=0,
                  label=f"{side}s")
        below = below + usd
    panel.axvline(0.0, color=PAGE.ink, linewidth=1.0)
    panel.set_xlabel("% from the mark")
    panel.set_ylabel("USD per bin")
    panel.yaxis.set_major_formatter(USD_TICKS)
    canvas.legend(panel, loc="upper left")
    return svg_of(canvas.figure, name)


def spark_svg(name: str, values: Sequence[float]) -> str:
    """A small line without axes; empty where there is nothing to draw."""
    if len(values) < 2:
        return ""
    figure = Figure(figsize=_SPARK, facecolor="none")
    panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    panel.set_axis_off()
    panel.plot(values, color=PAGE.ink, linewidth=1.2)
    return svg_of(figure, name)


def _canvas(look: Look = PAGE) -> Canvas:
    return Canvas("", "", look=look, inches=_WIDE)
