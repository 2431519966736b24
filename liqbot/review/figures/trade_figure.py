"""A decision in its time: the mark before and after it with our fills, beside the map that it saw, over one axis of
price."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from liqbot.legible import short_usd
from liqbot.market.map.liquidation_map import Floats
from liqbot.review.explain_text import moves_stop
from liqbot.review.figures.canvas import GOOD, LONGS, OWN, PRICE_TICKS, SHORTS, USD_TICKS, Canvas, look_of
from liqbot.review.figures.kept import KeptMap, map_before
from liqbot.review.figures.own_fills import draw_fills
from liqbot.review.ledger_reader import Ledger
from liqbot.review.max_pain import WINDOW_PCT, PainLevel, max_pain
from liqbot.review.period import minute_text
from liqbot.review.price_path import Mark, path_of

_HOUR_MS: Final = 3_600_000
_MARKS: Final = 240
"""Drawn of a path: what is longer is drawn in stretches of several minutes."""
_ROOM: Final = 0.08
"""Of what must be seen, left above and below it."""
_SAME: Final = 0.06
"""Of the picture's height: of levels nearer to each other than this the larger one is written at."""
SIMULATED: Final = "paper"
"""The mode in which nothing is filled but by the simulated exchange."""
_TICKS: Final = 4
_WIDTHS: Final = (2.6, 1.0)
_INCHES: Final = (11.0, 5.6)


class Moment(NamedTuple):
    """What a picture of a decision needs beside its story. All in prices of the map."""

    path: Sequence[Mark]
    earlier: KeptMap | None
    """The map an hour before: what was swept since is not on the decision's own any more."""


def moment_of(ledger: Ledger, story: Mapping[str, Any]) -> Moment:
    """From an hour before the decision (a third of the time it was held for, if that is longer) to an hour after its
    trade, or what would have been one, ended."""
    said = story["decision"]
    begun_ms, ended_ms = said["time_ms"], _ended_ms(story)
    before_ms = max(_HOUR_MS, (ended_ms - begun_ms) // 3)
    path = path_of(ledger, said["coin"], begun_ms - before_ms, ended_ms + _HOUR_MS)
    return Moment(path, map_before(ledger, said["coin"], begun_ms - _HOUR_MS))


def _ended_ms(story: Mapping[str, Any]) -> int:
    """Of the last minute that was told of its trades; of a refused entry when it would have ended."""
    refused = story["refused_outcome"]
    told: list[int] = [path["during"][-1].time_ms for path in story["paths"] if path["during"]]
    told += [refused.time_ms] if refused is not None else []
    return max(story["decision"]["time_ms"], *told) if told else int(story["decision"]["time_ms"])


def trade_figure(story: Mapping[str, Any], moment: Moment, *, dark: bool = False, source: str = "") -> Canvas:
    """`story` as `explain.explained` tells it, of a decision that a map was kept for. ValueError for a path without a
    minute."""
    if not moment.path:
        raise ValueError("path: holds no minute")
    said = story["decision"]
    run = story["parameters"]
    fills = "; fills are simulated" if run is not None and run["mode"] == SIMULATED else ""
    note = (
        f"USD is an estimate: leveraged positions that would be force-closed per bin of price; map of "
        f"{minute_text(story['map']['time_ms'])} UTC{fills}{source}"
    )
    title = f"{said['strategy']}: {said['side']} {said['coin']}, decision {said['decision']} {said['code']}"
    if story["trades"]:
        title += f"; {story['outcome']}"
    canvas = Canvas(title, note, look=look_of(dark=dark), widths=_WIDTHS, inches=_INCHES)
    price, drawn = canvas.panels
    low, high = _in_sight(story, moment.path)
    _path(canvas, price, story, moment.path)
    _lines(price, story, (low, high))
    _map(drawn, canvas, story, moment.earlier, (low, high))
    price.set_ylim(low, high)
    price.yaxis.set_major_formatter(PRICE_TICKS)
    price.set_ylabel("price, USD")
    canvas.in_time(price)
    price.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, fontsize=8, frameon=False,
        labelcolor=canvas.look.ink,
    )
    return canvas


def _in_sight(story: Mapping[str, Any], path: Sequence[Mark]) -> tuple[float, float]:
    """Of prices: where the mark went, and what was wanted; our own liquidation price is mostly far from all that."""
    said = story["decision"]
    wanted = [said[name] for name in ("entry_price", "stop_price", "take_price") if said[name]]
    low, high = min([*wanted, *(one.low_price for one in path)]), max([*wanted, *(one.high_price for one in path)])
    room = (high - low) * _ROOM
    return low - room, high + room


def _path(canvas: Canvas, panel: Axes, story: Mapping[str, Any], path: Sequence[Mark]) -> None:
    path = _stretches(path)
    times = _times([one.time_ms for one in path])
    panel.fill_between(
        times, [one.low_price for one in path], [one.high_price for one in path], color=canvas.look.ink, alpha=0.25,
        linewidth=0, step="pre",
    )
    panel.plot(times, [one.price for one in path], color=canvas.look.ink, linewidth=1.3, label="mark")
    decided = _times([story["decision"]["time_ms"]])[0]
    panel.axvline(decided, color=canvas.look.ink, linewidth=0.8, linestyle=":", label="decision")
    side = story["decision"]["side"]
    ratio = next((trade["mark_ratio"] for trade in story["trades"] if trade["mark_ratio"]), 1.0)
    draw_fills(panel, [{**fill, "side": side, "price": fill["price"] / ratio} for fill in story["fills"]])


def _stretches(path: Sequence[Mark]) -> list[Mark]:
    """No more than so many: each from the lowest to the highest of its minutes, and where they ended."""
    each = -(-len(path) // _MARKS)
    parts = [path[place : place + each] for place in range(0, len(path), each)]
    return [
        Mark(part[-1].time_ms, min(one.low_price for one in part), max(one.high_price for one in part), part[-1].price)
        for part in parts
    ]


def _lines(panel: Axes, story: Mapping[str, Any], sight: tuple[float, float]) -> None:
    """What was wanted, from the decision to the end of its trade; the stop in steps, as it was moved."""
    said = story["decision"]
    begun, ended = said["time_ms"], max(_ended_ms(story), said["time_ms"])
    for name, key, colour, style in (
        ("entry", "entry_price", GOOD, "-"), ("take", "take_price", SHORTS, "-."),
        ("our liquidation", "liquidation_price", LONGS, (0, (1, 1))),
    ):
        price = said[key]
        if price:
            seen = sight[0] < price < sight[1]
            far = "" if seen else f" ({(price / said['entry_price'] - 1) * 100:+.0f} %, beyond the picture)"
            points = ([begun, ended], [price, price]) if seen else ([], [])
            panel.plot(_times(points[0]), points[1], color=colour, linestyle=style, linewidth=1.6,
                       label=f"{name} {price:,.6g}{far}")
    if said["stop_price"]:
        moved = [one for one in story["reductions"] if moves_stop(one) and one["stop_price"]]
        times = [begun, *(_ms(one["first_seen"]) for one in moved), ended]
        stops = [said["stop_price"], *(one["stop_price"] for one in moved)]
        last = f", moved to {stops[-1]:,.6g}" if moved else ""
        panel.step(_times(times), [*stops, stops[-1]], where="post", color=OWN, linestyle="--", linewidth=1.6,
                   label=f"stop {stops[0]:,.6g}{last}")


def _map(
    panel: Axes, canvas: Canvas, story: Mapping[str, Any], earlier: KeptMap | None, sight: tuple[float, float]
) -> None:
    """Bars of the decision's map to the right, and the outline of the one before."""
    bins = story["map"]["bins"]
    edges = np.array(bins["edges"], float)
    most = 0.0
    for name, colour in (("long", LONGS), ("short", SHORTS)):
        usd = np.array(bins[f"{name}_usd"], float)
        most = max(most, _stairs(panel, edges, usd, sight, color=colour, fill=True, label=f"{name}s", alpha=0.85))
    if earlier is not None:
        most = max(most, _stairs(panel, earlier.edges, earlier.usd, sight, color=canvas.look.ink, linewidth=0.9,
                                 label=f"map of {minute_text(earlier.time_ms)[-5:]}"))
    for level in _levels(story, earlier, sight):
        panel.annotate(
            short_usd(level.usd), (most * 1.04, level.price), fontsize=8, color=canvas.look.ink, va="center",
            annotation_clip=True,
        )
    panel.set_xlim(0, most * 1.35 or 1)
    panel.xaxis.set_major_formatter(USD_TICKS)
    panel.set_xlabel(f"USD per bin; written: in {WINDOW_PCT:g} %")
    panel.xaxis.set_major_locator(MaxNLocator(_TICKS))
    canvas.legend(panel, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, columnspacing=0.8,
                  handlelength=1.2)


def _stairs(
    panel: Axes, edges: Floats, usd: Floats, sight: tuple[float, float], **look: Any
) -> float:
    """Only what is in sight, so that the file stays small; the most of it."""
    inside = np.flatnonzero((edges[1:] > sight[0]) & (edges[:-1] < sight[1]))
    if not inside.size:
        return 0.0
    first, last = inside[0], inside[-1] + 1
    panel.stairs(usd[first:last], edges[first : last + 1], orientation="horizontal", **look)
    return float(usd[first:last].max())


def _levels(
    story: Mapping[str, Any], earlier: KeptMap | None, sight: tuple[float, float]
) -> list[PainLevel]:
    """Where most of a side lies close together, of both maps; what lies at the same place once, the larger."""
    mark_price = story["map"]["mark_price"]
    found = _heaviest(story["map"]["bins"], mark_price, sight)
    if earlier is not None:
        both = {"edges": earlier.edges, "long_usd": np.where(earlier.edges[1:] <= earlier.mark_price, earlier.usd, 0.0),
                "short_usd": np.where(earlier.edges[:-1] >= earlier.mark_price, earlier.usd, 0.0)}
        found += _heaviest(both, earlier.mark_price, sight)
    kept: list[PainLevel] = []
    for level in sorted(found, key=lambda one: -one.usd):
        if all(abs(level.price - one.price) >= (sight[1] - sight[0]) * _SAME for one in kept):
            kept.append(level)
    return kept


def _heaviest(bins: Mapping[str, Any], mark_price: float, sight: tuple[float, float]) -> list[PainLevel]:
    reach_pct = max(abs(price / mark_price - 1) for price in sight) * 100
    found = max_pain(bins, mark_price, reach_pct)
    levels = (found.long_level, found.short_level)
    return [level for level in levels if level is not None and sight[0] < level.price < sight[1]]


def _ms(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1_000)


def _times(times_ms: Sequence[int]) -> Any:
    return np.array(times_ms, "datetime64[ms]")
