"""Where would my own liquidation sit on a map, how dense is it there, and what would put it where the map is thin?"""

from typing import Final

import msgspec

from liqbot.instruments import Side
from liqbot.margin.mechanics import Mechanics
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import Cluster
from liqbot.review.pictures.map_text import short_usd

_NEAR_PCT: Final = 1.0
"""A cluster this near to the liquidation price (percent of it) is named."""


class PlacedPosition(msgspec.Struct, frozen=True):
    """Isolated margin, nothing added."""

    venue: str
    coin: str
    side: Side
    entry_price: float
    leverage: float
    notional_usd: float


class Spot(msgspec.Struct, frozen=True):
    """A way to hold the position, and where it would be liquidated."""

    leverage: float
    entry_price: float
    liquidation_price: float
    density_percentile: float
    """0 thin .. 100 dense; NaN when the map says nothing there."""


class PlacementReport(msgspec.Struct, frozen=True):
    position: PlacedPosition
    here: Spot
    distance_pct: float
    """From the entry to the liquidation price, always positive."""
    mark_distance_pct: float
    """From the mark; negative: the position would be liquidated already."""
    verdict: str
    """`thin`, `dense`, `beyond the map` or `already liquidated`."""
    cluster: Cluster | None
    """The largest one on the same side that holds the liquidation price or lies next to it."""
    better_leverage: Spot | None
    """The nearest leverage that is thin."""
    better_entry: Spot | None
    """The nearest entry that is thin at the same leverage."""
    assumed: bool
    """Whether the venue's tiers are a stand-in."""


def check_position(
    chart: LiquidationMap, clusters: tuple[Cluster, ...], mechanics: Mechanics, position: PlacedPosition,
    percentile_max: float,
) -> PlacementReport:
    """ValueError when the venue does not offer the leverage at this size, or has no liquidation price at all."""
    most = mechanics.leverage_max(position.notional_usd, position.entry_price)
    if position.leverage > most:
        raise ValueError(f"leverage: {position.leverage:g}, but {position.venue} offers at most {most:g} at this size")
    here = _spot(chart, mechanics, position, position.leverage, position.entry_price)
    if here.liquidation_price != here.liquidation_price:
        raise ValueError(f"venue: {position.venue} has no liquidation price for a single position")
    sign = float(position.side)
    mark_distance_pct = sign * (1 - here.liquidation_price / chart.mark_price) * 100
    thin = here.density_percentile <= percentile_max
    return PlacementReport(
        position=position,
        here=here,
        distance_pct=sign * (1 - here.liquidation_price / position.entry_price) * 100,
        mark_distance_pct=mark_distance_pct,
        verdict=_verdict(chart, here, mark_distance_pct, thin=thin),
        cluster=_cluster_near(clusters, position.side, here.liquidation_price),
        better_leverage=None if thin else _better_leverage(chart, mechanics, position, percentile_max, most),
        better_entry=None if thin else _better_entry(chart, mechanics, position, here, percentile_max),
        assumed=mechanics.assumed,
    )


def _verdict(chart: LiquidationMap, here: Spot, mark_distance_pct: float, *, thin: bool) -> str:
    if mark_distance_pct <= 0:
        return "already liquidated"
    if not chart.edges[0] <= here.liquidation_price <= chart.edges[-1]:
        return "beyond the map"
    return "thin" if thin else "dense"


def _spot(
    chart: LiquidationMap, mechanics: Mechanics, position: PlacedPosition, leverage: float, entry_price: float
) -> Spot:
    quantity_base = position.notional_usd / entry_price
    price = mechanics.isolated_liquidation_price(position.side, entry_price, quantity_base, leverage)
    return Spot(leverage, entry_price, price, chart.density_percentile(position.side, price))


def _cluster_near(clusters: tuple[Cluster, ...], side: Side, price: float) -> Cluster | None:
    slack = price * _NEAR_PCT / 100
    near = [c for c in clusters if c.side is side and c.price_low - slack <= price <= c.price_high + slack]
    return max(near, key=lambda cluster: cluster.usd, default=None)


def _better_leverage(
    chart: LiquidationMap, mechanics: Mechanics, position: PlacedPosition, percentile_max: float, most: float
) -> Spot | None:
    """Whole leverages, the nearest first, lower before higher."""
    whole = sorted(range(1, int(most) + 1), key=lambda leverage: (abs(leverage - position.leverage), leverage))
    for leverage in whole:
        spot = _spot(chart, mechanics, position, float(leverage), position.entry_price)
        if spot.density_percentile <= percentile_max:
            return spot
    return None


def _better_entry(
    chart: LiquidationMap, mechanics: Mechanics, position: PlacedPosition, here: Spot, percentile_max: float
) -> Spot | None:
    """The entry whose liquidation falls on the nearest thin price; the ratio of both hardly changes on the way."""
    thin_price = chart.nearest_thin(position.side, here.liquidation_price, percentile_max)
    if thin_price != thin_price:
        return None
    entry_price = position.entry_price * thin_price / here.liquidation_price
    spot = _spot(chart, mechanics, position, position.leverage, entry_price)
    return spot if spot.density_percentile <= percentile_max else None


def check_text(report: PlacementReport, percentile_max: float) -> list[str]:
    """For people."""
    position, here = report.position, report.here
    tiers = " (stand-in tiers: this venue's own are not recorded)" if report.assumed else ""
    away = f"{report.distance_pct:.2f}% from entry, {report.mark_distance_pct:.2f}% from the mark"
    held = f"{position.leverage:g}x on {position.venue}, {short_usd(position.notional_usd)}, isolated{tiers}"
    lines = [
        f"{position.side.word} {position.coin} at {position.entry_price:,.8g} with {held}",
        f"liquidation price   {here.liquidation_price:,.8g}  ({away})",
        f"density percentile  {_percentile(here)}  (thin is {percentile_max:g} or less)",
    ]
    if report.cluster is not None:
        cluster = report.cluster
        lines.append(
            f"cluster nearby      {short_usd(cluster.usd)} at {cluster.price_low:,.8g}..{cluster.price_high:,.8g}, "
            f"{cluster.distance_pct:.1f}% from the mark"
        )
    lines.append(f"verdict             {report.verdict}")
    for word, spot in (("with leverage", report.better_leverage), ("with entry at", report.better_entry)):
        if spot is not None:
            value = f"{spot.leverage:g}x" if word == "with leverage" else f"{spot.entry_price:,.8g}"
            lines.append(
                f"thin {word:<14} {value}: liquidation {spot.liquidation_price:,.8g}, percentile {_percentile(spot)}"
            )
    if report.verdict == "dense" and report.better_leverage is None and report.better_entry is None:
        lines.append("no leverage and no entry nearby would be thin")
    return [*lines, "USD is an estimate"]


def _percentile(spot: Spot) -> str:
    return f"{spot.density_percentile:.0f}" if spot.density_percentile == spot.density_percentile else "unknown"
