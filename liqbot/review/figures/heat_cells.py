"""The cells of a heatmap: maps over time, regrouped into rows of price that they share."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.market.map.liquidation_map import Floats
from liqbot.review.figures.kept import KeptMap

_GAP: Final = 3.0
_GAP_MS: Final = 2_100_000
"""A map is drawn until the next one, but no longer than so many usual pauses between two, or than two of the quarters
of an hour after which a ledger keeps one in any case: then there was none."""


def rows_of(marks: Sequence[float], reach_pct: float, count: int) -> Floats:
    """Edges of so many rows, evenly in percent, from `reach_pct` below the lowest mark to as much above the highest."""
    return np.geomspace(min(marks) * (1 - reach_pct / 100), max(marks) * (1 + reach_pct / 100), count + 1)


def cells_of(maps: Sequence[KeptMap], edges: Floats) -> tuple[list[int], Floats]:
    """Times between which a map stands (one more than maps and gaps) and USD, a row each, in bins between `edges`: no
    dollar within them is lost or counted twice. Rows of NaN where no map was kept."""
    times = [one.time_ms for one in maps]
    usual = float(np.median(np.diff(times))) or 1.0
    starts, rows = [times[0]], list[Floats]()
    for one, until in zip(maps, [*times[1:], int(times[-1] + usual)], strict=True):
        held = min(until, int(one.time_ms + max(_GAP * usual, _GAP_MS)))
        rows.append(_regrouped(one, edges))
        starts.append(held)
        if held < until:
            rows.append(np.full(len(edges) - 1, np.nan))
            starts.append(until)
    return starts, np.array(rows)


def _regrouped(one: KeptMap, edges: Floats) -> Floats:
    below = np.interp(edges, one.edges, np.concatenate([[0.0], np.cumsum(one.usd)]))
    usd: Floats = np.diff(below)
    return usd
