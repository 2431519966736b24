"""Pictures for a page, as SVG: curves over time, a map around its mark, a price path as a small line. Orange and blue
tell longs and shorts apart for everybody."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pygal
from pygal.style import Style

_LONGS, _SHORTS, _GREY = "#d55e00", "#0072b2", "#808080"
_REACH_PCT: Final = 10.0
_BARS_MAX: Final = 60
_MOVING: Final = re.compile(r"<script.*?</script>|<!--.*?-->", re.DOTALL)


def lines_svg(name: str, curves: Mapping[str, Sequence[tuple[datetime, float]]]) -> str:
    """Curves over time, named where there is more than one. `name` is the picture's own on its page."""
    chart = pygal.DateTimeLine(
        **_look(_SHORTS, _LONGS), show_legend=len(curves) > 1, width=900, height=260, x_label_rotation=0,
        x_value_formatter=lambda moment: moment.strftime("%m-%d %H:%M"), value_formatter=lambda value: f"{value:,.2f}",
        show_dots=False, x_labels_major_count=6, show_minor_x_labels=False,
    )
    for of_curve, points in curves.items():
        chart.add(of_curve, list(points))
    return _rendered(chart, name)


def map_svg(name: str, bins: Mapping[str, Any], mark_price: float) -> str:
    """Estimated USD around the mark, as a bar for each stretch of price, lowest price first."""
    edges = bins["edges"]
    near = [
        n for n in range(len(edges) - 1)
        if abs((edges[n] + edges[n + 1]) / 2 / mark_price - 1) * 100 <= _REACH_PCT
    ]
    together = max(1, -(-len(near) // _BARS_MAX))
    groups = [near[n : n + together] for n in range(0, len(near), together)]
    chart = pygal.StackedBar(
        **_look(_LONGS, _SHORTS), width=900, height=260, show_legend=True, legend_at_bottom=True, x_label_rotation=0,
        value_formatter=lambda value: f"{value / 1e6:,.0f}M", show_minor_x_labels=False,
    )
    chart.x_labels = [f"{(edges[group[0]] / mark_price - 1) * 100:+.1f} %" for group in groups]
    chart.x_labels_major = chart.x_labels[:: max(1, len(groups) // 8)]
    for side in ("long", "short"):
        usd = bins[f"{side}_usd"]
        chart.add(f"{side}s", [sum(usd[n] for n in group) for group in groups])
    return _rendered(chart, name)


def spark_svg(name: str, values: Sequence[float]) -> str:
    """A small line without axes; empty where there is nothing to draw."""
    if len(values) < 2:
        return ""
    chart = pygal.Line(**_look(_GREY), show_dots=False, width=160, height=32, margin=2)
    chart.add("", list(values))
    chart.uuid = name
    return _still(chart.render_sparkline(is_unicode=True, width=160, height=32))


def _look(*colours: str) -> dict[str, Any]:
    """On any background, without scripts: what is not here is the library's."""
    style = Style(
        background="transparent", plot_background="transparent", foreground=_GREY, foreground_strong=_GREY,
        foreground_subtle=_GREY, colors=colours, opacity=".9", stroke_width=1.5,
    )
    return {"style": style, "js": [], "disable_xml_declaration": True, "pretty_print": False}


def _rendered(chart: Any, name: str) -> str:
    chart.uuid = name
    return _still(chart.render(is_unicode=True))


def _still(svg: str) -> str:
    """Without the scripts and the remarks that the library adds: a page of ours runs nothing."""
    return _MOVING.sub("", svg)
