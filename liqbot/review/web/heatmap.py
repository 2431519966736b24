"""The heatmap as JSON: what `liqbot picture heatmap` draws, cell by cell, with the mark, forced orders and fills."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from liqbot.review.figures import kept
from liqbot.review.figures.heat_cells import cells_of, rows_of
from liqbot.review.figures.kept import KeptMap
from liqbot.review.ledger_reader import Ledger
from liqbot.review.period import Period
from liqbot.review.price_path import path_of

_ROWS: Final = 160
_COLUMNS_MAX: Final = 240
_POINTS_MAX: Final = 2_000
"""Forced orders beyond it: the largest are given."""


def heatmap_of(ledger: Ledger, coin: str, period: Period, reach_pct: float) -> dict[str, Any]:
    """Times in milliseconds UTC, USD whole; cells of null where no map was kept. ExpectedError as `kept.maps`."""
    maps = _thinned(kept.maps(ledger, coin, period))
    marks = [one.mark_price for one in maps]
    edges = rows_of(marks, reach_pct, _ROWS)
    starts, cells = cells_of(maps, edges)
    forced = kept.forced_orders(ledger, coin, period)
    if len(forced) > _POINTS_MAX:
        forced = sorted(sorted(forced, key=lambda one: -one["usd"])[:_POINTS_MAX], key=lambda one: one["time_ms"])
    from_ms, to_ms = period.values
    path = path_of(ledger, coin, from_ms, to_ms)
    return {
        "note": "USD is an estimate",
        "coin": coin,
        "edges": [float(f"{edge:.8g}") for edge in edges.tolist()],
        "starts_ms": starts,
        "cells_usd": [[None if math.isnan(usd) else round(usd) for usd in row] for row in cells.tolist()],
        "maps": [[one.time_ms, one.mark_price] for one in maps],
        "minutes": [[one.time_ms, one.low_price, one.high_price, one.price] for one in path],
        "forced_orders": forced,
        "fills": kept.fills(ledger, coin, period),
    }


def _thinned(maps: Sequence[KeptMap]) -> list[KeptMap]:
    """Of many the last one of each stretch of time."""
    if len(maps) <= _COLUMNS_MAX:
        return list(maps)
    first_ms = maps[0].time_ms
    stretch_ms = (maps[-1].time_ms - first_ms) // (_COLUMNS_MAX - 1) + 1
    stretches = groupby(maps, lambda one: (one.time_ms - first_ms) // stretch_ms)
    return [list(some)[-1] for _, some in stretches]
