"""The liquidation map as a picture: USD by price, stacked by leverage or venue, summed outward from the mark."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from liqbot.instruments import Side
from liqbot.legible import short_usd
from liqbot.market.map.liquidation_map import Floats
from liqbot.market.record import RECORD_VERSION
from liqbot.review.figures.canvas import (
    GOOD,
    LONGS,
    OWN,
    PRICE_TICKS,
    SHORTS,
    STEPS,
    USD_TICKS,
    Canvas,
    Look,
    look_of,
)
from liqbot.review.figures.kept import mapped_prices
from liqbot.review.period import minute_text
from liqbot.review.reading import MapReading, reading_from

STACKS: Final = {"leverage": "by_leverage", "venue": "by_venue"}
_APART: Final = 10
"""Of more parts than these the smaller ones are drawn as one."""
_NAMED: Final = 3
"""Clusters of a side that are written at."""


class PriceLine(NamedTuple):
    """A price worth a line: our entry, our stop, our own liquidation price."""

    name: str
    price: float
    colour: str


def position_lines(position: Mapping[str, Any] | None) -> tuple[PriceLine, ...]:
    """Of an open trade as `kept.open_lines` gives it, in prices of the map."""
    colours = {"our entry": GOOD, "first stop": OWN, "our liquidation": LONGS}
    prices = mapped_prices(position)
    return tuple(PriceLine(name, price, colours[name]) for name, price in prices.items())


def decision_figure(story: Mapping[str, Any], *, reach_pct: float = 6.0, dark: bool = False) -> Canvas:
    """Of a decision as `explain.explained` tells it: the map it saw, and the prices it was about."""
    said, drawn = story["decision"], story["map"]
    record = {"version": RECORD_VERSION, "coin": said["coin"], "time_ms": drawn["time_ms"],
              "mark_price": drawn["mark_price"], "bins": drawn["bins"]}
    named = (("entry", "entry_price", GOOD), ("stop", "stop_price", OWN), ("target", "take_price", SHORTS),
             ("our liquidation", "liquidation_price", LONGS))
    lines = [PriceLine(name, said[key], colour) for name, key, colour in named if said[key]]
    source = f"; the map kept at {said['first_seen'][:16]} or before"
    canvas = map_figure(reading_from(record), reach_pct=reach_pct, lines=lines, dark=dark, source=source)
    canvas.say(f"Decision {said['decision']}: {said['strategy']} {said['side']} {said['coin']}, {said['code']}")
    return canvas


def map_figure(
    reading: MapReading, *, by: str | None = None, reach_pct: float = 10.0, lines: Sequence[PriceLine] = (),
    dark: bool = False, source: str = "",
) -> Canvas:
    """`by`: a key of `STACKS`, for a reading that was split. The picture widens to hold `lines` that are near."""
    record, mark = reading.record, reading.chart.mark_price
    near = [abs(one.price / mark - 1) * 105 for one in lines if abs(one.price / mark - 1) * 100 <= 2 * reach_pct]
    reach_pct = max([reach_pct, *near])
    note = "USD is an estimate: leveraged positions that would be force-closed per bin of price" + source
    title = f"{reading.chart.coin} liquidation map, {minute_text(reading.chart.as_of_ms)} UTC"
    canvas = Canvas(title, note, look=look_of(dark=dark))
    panel = canvas.panels[0]
    low, high = mark * (1 - reach_pct / 100), mark * (1 + reach_pct / 100)
    top = _bars(panel, _parts(record, by), low, high)
    _sums(canvas, panel, record["bins"], low, high, mark)
    for zone in reading.thin_zones:
        panel.axvspan(max(zone.price_low, low), min(zone.price_high, high), color=GOOD, alpha=0.10, linewidth=0)
    _clusters(panel, reading, low, high, top, canvas.look)
    for one in (PriceLine("mark", mark, canvas.look.ink), *lines):
        if low <= one.price <= high:
            panel.axvline(one.price, color=one.colour, linewidth=1.4, label=f"{one.name} {one.price:,.6g}",
                          linestyle="-" if one.name == "mark" else "--")
    panel.set_xlim(low, high)
    panel.set_ylim(0, top * 1.25 or 1)
    panel.xaxis.set_major_formatter(PRICE_TICKS)
    panel.yaxis.set_major_formatter(USD_TICKS)
    panel.set_xlabel("price (longs are closed below the mark, shorts above)")
    panel.set_ylabel("USD per bin")
    canvas.legend(panel, loc="upper left", ncols=2)
    return canvas


class _Part(NamedTuple):
    name: str
    colour: Any
    edges: Floats
    usd: Floats


def _parts(record: Mapping[str, Any], by: str | None) -> list[_Part]:
    """What is stacked, lowest first: the sides where nothing is asked, else tiers or venues."""
    if by is None:
        bins = record["bins"]
        edges = np.array(bins["edges"], float)
        return [
            _Part("longs", LONGS, edges, np.array(bins["long_usd"], float)),
            _Part("shorts", SHORTS, edges, np.array(bins["short_usd"], float)),
        ]
    split: Mapping[str, Any] = record[STACKS[by]]
    whole = {name: np.array(bins["long_usd"], float) + np.array(bins["short_usd"], float)
             for name, bins in split.items()}
    largest = sorted(whole, key=lambda name: -float(whole[name].sum()))
    shown = [name for name in split if name in largest[:_APART] and whole[name].any()]
    colours = mpl.colormaps[STEPS](np.linspace(0.05, 0.98, max(len(shown), 1)))
    parts = [
        _Part(f"{name}x" if by == "leverage" else name, colour, np.array(split[name]["edges"], float), whole[name])
        for name, colour in zip(shown, colours, strict=False)
    ]
    return parts + _rest(split, whole, largest[_APART:])


def _rest(split: Mapping[str, Any], whole: Mapping[str, Floats], names: Sequence[str]) -> list[_Part]:
    usd = sum((whole[name] for name in names), start=np.zeros(1))
    return [_Part("others", "#999999", np.array(split[names[0]]["edges"], float), usd)] if usd.any() else []


def _bars(panel: Axes, parts: Sequence[_Part], low: float, high: float) -> float:
    """The tallest stack that is in sight. Of each part one shape of what is in sight, not one per bin: a file is an
    eighth as large."""
    stacked: Floats = np.zeros(0)
    seen = slice(0)
    for part in parts:
        if not stacked.size:
            inside = np.flatnonzero((part.edges[1:] > low) & (part.edges[:-1] < high))
            seen = slice(inside[0], inside[-1] + 1) if inside.size else slice(0)
            stacked = np.zeros(part.usd[seen].size)
        usd, edges = part.usd[seen], part.edges[seen.start : seen.stop + 1]
        held = np.flatnonzero(usd)
        some = slice(held[0], held[-1] + 1) if held.size else slice(0, usd.size)
        below = stacked[some]
        panel.stairs(below + usd[some], edges[some.start : some.stop + 1], baseline=below if below.any() else 0.0,
                     fill=True, color=part.colour, linewidth=0, label=part.name)
        stacked = stacked + usd
    return float(stacked.max(initial=0.0))


def _sums(
    canvas: Canvas, panel: Axes, bins: Mapping[str, Any], low: float, high: float, mark: float
) -> None:
    """USD closed by the time price gets there, from the mark outward, on an axis of their own."""
    axis = panel.twinx()
    canvas.dress(axis)
    axis.grid(visible=False)
    edges = np.array(bins["edges"], float)
    for side, name, colour in ((Side.LONG, "long_usd", LONGS), (Side.SHORT, "short_usd", SHORTS)):
        below = np.concatenate([[0.0], np.cumsum(np.array(bins[name], float))])
        prices = np.linspace(mark, low if side is Side.LONG else high, 200)
        sums = np.abs(np.interp(prices, edges, below) - np.interp(mark, edges, below))
        axis.plot(prices, sums, color=colour, linewidth=1.3, alpha=0.9)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(USD_TICKS)
    axis.set_ylabel("USD summed from the mark (lines)")


def _clusters(panel: Axes, reading: MapReading, low: float, high: float, top: float, look: Look) -> None:
    """The clusters that stand out most, at a height of their own each, so that no name covers another."""
    mark = reading.chart.mark_price
    for side in (Side.LONG, Side.SHORT):
        ours = [one for one in reading.clusters if one.side is side and low < one.peak_price < high][:_NAMED]
        for place, one in enumerate(sorted(ours, key=lambda one: one.peak_distance_pct)):
            away_pct = (one.peak_price / mark - 1) * 100
            edge = (high - low) / 6
            # Outward, so that those of both sides cannot meet; inward only at the picture's ends.
            leftwards = one.peak_price > high - edge or (side is Side.LONG and one.peak_price > low + edge)
            panel.annotate(
                f"{short_usd(one.usd)} {away_pct:+.1f} %", (one.peak_price, top * (0.80 - 0.08 * place)), fontsize=8,
                color=look.ink, ha="right" if leftwards else "left", xytext=(-4 if leftwards else 4, 0),
                textcoords="offset points", bbox={"facecolor": look.paper, "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )
            panel.axvline(one.peak_price, ymax=0.66 - 0.064 * place, color=look.ink, linewidth=0.6, linestyle=":")
