"""Where a position would be liquidated at each leverage, on the map: refused, acceptable, and the best of them."""

import math
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from liqbot.review.figures.canvas import GOOD, LONGS, OWN, SHORTS, Canvas
from liqbot.review.figures.map_figure import PriceLine, map_figure
from liqbot.review.placement import PlacementReport, TriedPlacement, chance_text, percentile_text
from liqbot.review.reading import MapReading
from liqbot.signals.verdict import ACCEPTED

_ROW: Final = 0.085
"""Of the picture's height, for each leverage."""
_BELOW: Final = 0.70
_REACH_PCT_MIN: Final = 10.0
_REACH_PCT_MAX: Final = 60.0


def placement_figure(
    reading: MapReading, report: PlacementReport, *, taken: float | None = None, dark: bool = False, source: str = ""
) -> Canvas:
    """Every leverage that was tried at the entry asked about, or at that of the best, from the highest down. `taken`:
    the leverage that risk chose, which looks at the stake too; None: the one least likely to be swept."""
    position, best = report.position, report.best
    entry_price = position.entry_price if best is None else best.entry_price
    tried = [one for one in report.tried if one.place.entry_price == entry_price]
    priced = [one for one in tried if one.place.own_liquidation_price > 0]
    lines = [PriceLine("entry", entry_price, GOOD)]
    lines += [PriceLine("stop", position.stop_price, OWN)] if position.stop_price is not None else []
    never = "".join(f"; {one.place.leverage:g}x: at no price" for one in tried if one.place.own_liquidation_price <= 0)
    canvas = map_figure(
        reading, reach_pct=_reach_pct(reading, priced), lines=lines, dark=dark, source=never + source
    )
    canvas.say(f"{position.side.word} {position.coin} on {position.venue}: where each leverage would be liquidated")
    panel = canvas.panels[0]
    panel.set_ylim(0, panel.get_ylim()[1] / _BELOW)
    if taken is not None:
        chosen, word = taken, "taken"
    else:
        chosen, word = math.nan if best is None else best.leverage, "least likely swept"
    for row, one in enumerate(priced):
        _line(canvas, panel, one, 0.96 - row * _ROW, word if one.place.leverage == chosen else "")
    return canvas


def _line(canvas: Canvas, panel: Axes, one: TriedPlacement, height: float, chosen: str) -> None:
    """With what is said of it in a box beside its upper end; nothing for a price beyond the picture."""
    price, (left, right) = one.place.own_liquidation_price, panel.get_xlim()
    if not left < price < right:
        return
    colour = SHORTS if chosen else GOOD if one.code == ACCEPTED else LONGS
    word = chosen or ("acceptable" if one.code == ACCEPTED else f"refused, {one.code}")
    said = (
        f"{one.place.leverage:g}x at {price:,.6g}: percentile {percentile_text(one.place)}, chance "
        f"{chance_text(one.place)}; {word}"
    )
    panel.axvline(price, ymax=height, color=colour, linewidth=2.4 if chosen else 1.4,
                  linestyle="-" if one.code == ACCEPTED else ":")
    rightwards = price < (left + right) / 2
    panel.annotate(
        said, (price, height), xycoords=("data", "axes fraction"), fontsize=8, color=canvas.look.ink,
        ha="left" if rightwards else "right", va="top", xytext=(5 if rightwards else -5, 0),
        textcoords="offset points",
        bbox={"facecolor": canvas.look.paper, "edgecolor": "none", "alpha": 0.85, "pad": 1},
    )


def _reach_pct(reading: MapReading, priced: Sequence[TriedPlacement]) -> float:
    mark_price = reading.chart.mark_price
    away = [abs(one.place.own_liquidation_price / mark_price - 1) * 110 for one in priced]
    return max(_REACH_PCT_MIN, min(_REACH_PCT_MAX, max(away, default=0.0)))
