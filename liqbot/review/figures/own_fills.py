"""Our own fills in a picture over time."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from liqbot.review.ledger_reader import Row


def draw_fills(panel: Axes, fills: Sequence[Row]) -> None:
    """`fills` as `kept.fills` gives them. Triangles point the way we trade: up buys, down sells; filled opens, hollow
    closes."""
    for long, reduces in ((True, False), (False, False), (True, True), (False, True)):
        ours = [row for row in fills if (row["side"] == "long") is long and bool(row["reduces"]) is reduces]
        if ours:
            buys = long is not reduces
            times = np.array([row["time_ms"] for row in ours], "datetime64[ms]")
            panel.scatter(
                times, [row["price"] for row in ours], s=70, zorder=4,
                marker="^" if buys else "v", facecolors="none" if reduces else "#ffffff", edgecolors="#000000",
                label=f"we {'close' if reduces else 'open'} a {'long' if long else 'short'}",
            )
