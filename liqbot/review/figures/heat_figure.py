"""The map over time as a heatmap, with the mark, observed liquidations and our own fills on it."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.colors import LogNorm

from liqbot.review.figures.canvas import LONGS, PRICE_TICKS, SHORTS, STEPS, USD_TICKS, Canvas, look_of
from liqbot.review.figures.heat_cells import cells_of, rows_of
from liqbot.review.figures.kept import KeptMap
from liqbot.review.figures.own_fills import draw_fills
from liqbot.review.ledger_reader import Row
from liqbot.review.period import minute_text

_ROWS: Final = 240
_FAINTEST: Final = 1e-3
"""Of the strongest cell: what is fainter is drawn as nothing."""


def heat_figure(
    maps: Sequence[KeptMap], forced: Sequence[Row], fills: Sequence[Row], *, coin: str, reach_pct: float,
    dark: bool = False,
) -> Canvas:
    """`maps` as `kept.maps` gives them; `reach_pct` around the lowest and the highest mark."""
    note = "USD is an estimate: open positions that would be force-closed at each price; dots: liquidations observed"
    title = f"{coin} liquidation heatmap, {minute_text(maps[0].time_ms)} to {minute_text(maps[-1].time_ms)} UTC"
    canvas = Canvas(title, note, look=look_of(dark=dark))
    panel = canvas.panels[0]
    marks = [one.mark_price for one in maps]
    edges = rows_of(marks, reach_pct, _ROWS)
    starts, cells = cells_of(maps, edges)
    strongest = float(np.nanmax(cells, initial=1.0))
    shown = np.ma.masked_less(np.ma.masked_invalid(cells.T), strongest * _FAINTEST)
    image = panel.pcolormesh(
        _times(starts), edges, shown, cmap=STEPS, norm=LogNorm(strongest * _FAINTEST, strongest), rasterized=True,
    )
    bar = canvas.figure.colorbar(image, ax=panel, format=USD_TICKS, pad=0.01)
    bar.set_label("USD per row of price", color=canvas.look.ink)
    bar.ax.tick_params(colors=canvas.look.ink, labelsize=8)
    panel.plot(_times([one.time_ms for one in maps]), marks, color="#ffffff", linewidth=2.6)
    panel.plot(_times([one.time_ms for one in maps]), marks, color="#000000", linewidth=1.2, label="mark")
    _dots(panel, forced)
    draw_fills(panel, fills)
    panel.set_ylim(edges[0], edges[-1])
    panel.yaxis.set_major_formatter(PRICE_TICKS)
    panel.set_ylabel("price")
    canvas.in_time(panel)
    canvas.legend(panel, loc="upper left", ncols=3)
    return canvas


def _dots(panel: Any, forced: Sequence[Row]) -> None:
    for side, colour in (("long", LONGS), ("short", SHORTS)):
        ours = [row for row in forced if row["side"] == side]
        if ours:
            sizes = [4 + 6 * math.log10(max(row["usd"], 1e3) / 1e3) for row in ours]
            panel.scatter(
                _times([row["time_ms"] for row in ours]), [row["price"] for row in ours], s=sizes, c=colour,
                edgecolors="#ffffff", linewidths=0.4, label=f"{side}s liquidated", zorder=3,
            )


def _times(times_ms: Sequence[int]) -> Any:
    return np.array(times_ms, "datetime64[ms]")
