"""Our equity and its drawdown as a picture."""

from collections.abc import Sequence

import numpy as np

from liqbot.review.figures.canvas import GOOD, LONGS, SHORTS, USD_TICKS, Canvas, look_of
from liqbot.review.ledger_reader import Row


def equity_figure(curve: Sequence[Row], trades: Sequence[Row], *, dark: bool = False, source: str = "") -> Canvas:
    """Profit apart from what was paid in or out; below it how far it lay under its highest."""
    canvas = Canvas("Profit and drawdown", "USD; equity less what was paid in or out" + source,
                    look=look_of(dark=dark), heights=(3.0, 1.0))
    upper, lower = canvas.panels
    times = np.array([row["time_ms"] for row in curve], "datetime64[ms]")
    profit = np.array([row["equity_usd"] - row["transfers_usd"] for row in curve], float)
    peak = np.maximum.accumulate(profit)
    upper.plot(times, profit, color=SHORTS, linewidth=1.4, label="profit")
    first, last = curve[0]["time_ms"], curve[-1]["time_ms"]
    for won, colour, marker in ((True, GOOD, "^"), (False, LONGS, "v")):
        closed = [row["closed_ms"] for row in trades
                  if (row["net_usd"] > 0) is won and first <= row["closed_ms"] <= last]
        if closed:
            at = np.interp(closed, [row["time_ms"] for row in curve], profit)
            upper.scatter(np.array(closed, "datetime64[ms]"), at, s=42, marker=marker, c=colour, zorder=3,
                          edgecolors=canvas.look.paper, label=f"closed with a {'gain' if won else 'loss'}")
    lower.fill_between(times, profit - peak, 0.0, color=LONGS, alpha=0.6, linewidth=0)
    for panel, name in ((upper, "profit, USD"), (lower, "drawdown, USD")):
        panel.yaxis.set_major_formatter(USD_TICKS)
        panel.set_ylabel(name)
    canvas.in_time(lower)
    canvas.legend(upper, loc="upper left", ncols=3)
    return canvas
