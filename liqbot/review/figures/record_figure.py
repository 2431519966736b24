"""What the map had said where forced orders came: its own record, by how dense it was there."""

from collections.abc import Sequence

import numpy as np

from liqbot.legible import counted, short_usd
from liqbot.review.figures.canvas import LONGS, SHORTS, USD_TICKS, Canvas, look_of
from liqbot.review.ledger_reader import Row

_DECILES = np.arange(10)


def calibration_figure(rows: Sequence[Row], *, coin: str, dark: bool = False) -> Canvas:
    """A map that knows where positions lie has most of what was reported in its densest tenths."""
    count = sum(row["prints"] for row in rows)
    canvas = Canvas(
        f"{coin}: where forced orders met the map ({counted(count, 'order')})",
        "by the map's density at the order's price just before it came: 0 thinnest, 9 densest tenth; a map without "
        "knowledge has a tenth in each", look=look_of(dark=dark),
    )
    panel = canvas.panels[0]
    for side, colour, shift in (("long", LONGS, -0.2), ("short", SHORTS, 0.2)):
        usd = np.zeros(10)
        for row in rows:
            if row["side"] == side:
                usd[int(row["density_decile"])] += row["realised_usd"]
        if usd.any():
            panel.bar(_DECILES + shift, usd, 0.4, color=colour, label=f"{side}s, {short_usd(float(usd.sum()))} in all")
            panel.hlines(usd.sum() / 10, -0.5, 9.5, color=colour, linewidth=1.0, linestyle="--")
    panel.set_xticks(_DECILES)
    panel.set_xlabel("tenth of the map's density")
    panel.set_ylabel("USD reported")
    panel.yaxis.set_major_formatter(USD_TICKS)
    canvas.legend(panel, loc="upper left")
    return canvas
