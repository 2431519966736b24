"""Where would my own liquidation sit on a map, how dense is it there, how likely is price to come there, and which
placement within the limits is the least likely to be swept? The same judgement as on the bot's own entries."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.instruments import Side
from liqbot.legible import short_usd
from liqbot.margin.mechanics import Mechanics
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import ABSENT, Cluster
from liqbot.market.view import SideView
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import Alternative, AvoidLiquidityParams
from liqbot.signals.verdict import ACCEPTED

_NEAR_PCT: Final = 1.0
"""A cluster this near to the liquidation price (percent of it) is named."""
_HOUR_MS: Final = 3_600_000


class PlacedPosition(msgspec.Struct, frozen=True):
    """Isolated margin, nothing added."""

    venue: str
    coin: str
    side: Side
    entry_price: float
    leverage: float
    notional_usd: float
    hold_ms: int = 24 * _HOUR_MS
    """For how long at the most."""
    stop_price: float | None = None


class ReadMap(msgspec.Struct, frozen=True):
    """A map that was stored, printed or folded anew, as what is around a liquidation price."""

    map: LiquidationMap
    clusters: Sequence[Cluster]
    range_pct: float = ABSENT
    """Mean range of an hour; NaN where it was not kept."""

    @property
    def mark_price(self) -> float:
        return self.map.mark_price

    def behind(self, side: Side) -> SideView:
        """Its clusters; what else belongs to a side is not known."""
        return SideView(side, ABSENT, tuple(one for one in self.clusters if one.side is side), None)


class TriedPlacement(msgspec.Struct, frozen=True):
    """One placement that was looked at. `code` as in the report; the chance counts where it is known."""

    place: Alternative
    code: str


class PlacementReport(msgspec.Struct, frozen=True):
    position: PlacedPosition
    margin_usd: float
    here: Alternative
    distance_pct: float
    """From the entry to the liquidation price, always positive."""
    mark_distance_pct: float
    """From the mark; negative: the position would be liquidated already."""
    verdict: str
    """`thin`, `dense`, `unknown`, `beyond the map` or `already liquidated`."""
    code: str
    """`ACCEPTED`, or the first gate of `avoid_liquidity` that fails; `LEVERAGE` above the limit."""
    cluster: Cluster | None
    """The largest one on the same side that holds the liquidation price or lies next to it."""
    leverage_max: int
    """Of the profile, the ceiling in the code and the venue at this size the least."""
    tried: tuple[TriedPlacement, ...]
    """Every leverage up to that at the same notional; at deeper entries only where none of these is acceptable."""
    best: Alternative | None
    """Of the acceptable ones of these the one least likely to be swept."""
    assumed: bool
    """Whether the venue's tiers are a stand-in."""


def check_position(
    around: ReadMap, mechanics: Mechanics, position: PlacedPosition, avoid: AvoidLiquidityParams, leverage_max: int
) -> PlacementReport:
    """`leverage_max` bounds what is advised, never what is asked about. ValueError when the venue does not offer the
    leverage at this size, has no liquidation price at all, or the stop is on the wrong side of the entry."""
    most = mechanics.leverage_max(position.notional_usd, position.entry_price)
    sign = float(position.side)
    if position.leverage > most:
        raise ValueError(f"leverage: {position.leverage:g}, but {position.venue} offers at most {most:g} at this size")
    if position.stop_price is not None and sign * (position.entry_price - position.stop_price) <= 0:
        raise ValueError(f"stop: {position.stop_price:g} is on the wrong side of the entry {position.entry_price:g}")
    here = _alternative(around, mechanics, position, avoid, position.leverage, position.entry_price)
    if here.own_liquidation_price != here.own_liquidation_price:
        raise ValueError(f"venue: {position.venue} has no liquidation price for a single position")
    allowed = min(leverage_max, int(most))
    mark_distance_pct = sign * (1 - here.own_liquidation_price / around.mark_price) * 100
    tried = _tried(around, mechanics, position, avoid, allowed)
    return PlacementReport(
        position=position,
        margin_usd=position.notional_usd / position.leverage,
        here=here,
        distance_pct=sign * (1 - here.own_liquidation_price / position.entry_price) * 100,
        mark_distance_pct=mark_distance_pct,
        verdict=_verdict(around.map, here, mark_distance_pct, avoid),
        code="LEVERAGE" if position.leverage > leverage_max else avoid_liquidity.code_of(here, avoid),
        cluster=_cluster_near(around.clusters, position.side, here.own_liquidation_price),
        leverage_max=allowed,
        tried=tried,
        best=_best(tried),
        assumed=mechanics.assumed,
    )


def _verdict(
    chart: LiquidationMap, here: Alternative, mark_distance_pct: float, avoid: AvoidLiquidityParams
) -> str:
    if mark_distance_pct <= 0:
        return "already liquidated"
    if not chart.edges[0] <= here.own_liquidation_price <= chart.edges[-1]:
        return "beyond the map"
    if math.isnan(here.density_percentile):
        return "unknown"
    return "thin" if here.density_percentile <= avoid.density_percentile_max else "dense"


def _tried(
    around: ReadMap, mechanics: Mechanics, position: PlacedPosition, avoid: AvoidLiquidityParams, leverage_max: int
) -> tuple[TriedPlacement, ...]:
    """As risk searches: deeper entries only where none at the entry asked about is acceptable, and none through the
    stop."""
    found: list[TriedPlacement] = []
    sign = int(position.side)
    for deeper_pct, leverage in avoid_liquidity.alternatives(leverage_max, avoid):
        if deeper_pct and any(one.code == ACCEPTED and one.place.entry_price == position.entry_price for one in found):
            break
        entry_price = float(Decimal(str(position.entry_price)) * (1 - sign * deeper_pct / 100))
        if position.stop_price is not None and sign * (entry_price - position.stop_price) <= 0:
            break
        one = _alternative(around, mechanics, position, avoid, leverage, entry_price)
        # Without a range nobody knows the chance; the other gates still tell thin from dense.
        found.append(TriedPlacement(one, avoid_liquidity.code_of(_without_chance(one), avoid)))
    return tuple(found)


def _best(tried: Sequence[TriedPlacement]) -> Alternative | None:
    accepted = [one.place for one in tried if one.code == ACCEPTED]
    return min(accepted, key=lambda one: avoid_liquidity.likelihood(_without_chance(one)), default=None)


def _without_chance(one: Alternative) -> Alternative:
    """One whose chance is not known, as if it were none."""
    known = one.sweep_chance_pct == one.sweep_chance_pct
    return one if known else msgspec.structs.replace(one, sweep_chance_pct=0.0)


def _alternative(
    around: ReadMap, mechanics: Mechanics, position: PlacedPosition, avoid: AvoidLiquidityParams, leverage: float,
    entry_price: float,
) -> Alternative:
    quantity_base = position.notional_usd / entry_price
    price = mechanics.isolated_liquidation_price(position.side, entry_price, quantity_base, leverage)
    stop_price = entry_price if position.stop_price is None else position.stop_price
    return avoid_liquidity.alternative(
        position.side, entry_price, stop_price, leverage, price, around, avoid, position.hold_ms
    )


def _cluster_near(clusters: Sequence[Cluster], side: Side, price: float) -> Cluster | None:
    slack = price * _NEAR_PCT / 100
    near = [c for c in clusters if c.side is side and c.price_low - slack <= price <= c.price_high + slack]
    return max(near, key=lambda cluster: cluster.usd, default=None)


def check_text(report: PlacementReport, percentile_max: float) -> list[str]:
    """For people."""
    position, here = report.position, report.here
    tiers = " (stand-in tiers: this venue's own are not recorded)" if report.assumed else ""
    away = f"{report.distance_pct:.2f}% from entry, {report.mark_distance_pct:.2f}% from the mark"
    held = f"{position.leverage:g}x on {position.venue}, isolated{tiers}"
    lines = [
        f"{position.side.word} {position.coin} at {position.entry_price:,.8g} with {held}",
        f"notional            {short_usd(position.notional_usd)}, margin {short_usd(report.margin_usd)}",
        f"liquidation price   {here.own_liquidation_price:,.8g}  ({away})",
        f"density percentile  {percentile_text(here)}  (thin is {percentile_max:g} or less)",
        f"chance of a sweep   {chance_text(here)} within {position.hold_ms / _HOUR_MS:g} h",
    ]
    if report.cluster is not None:
        cluster = report.cluster
        lines.append(
            f"cluster nearby      {short_usd(cluster.usd)} at {cluster.price_low:,.8g}..{cluster.price_high:,.8g}, "
            f"{cluster.distance_pct:.1f}% from the mark"
        )
    lines += [f"verdict             {report.verdict}{_limit(report)}", *_advice(report)]
    return [*lines, "USD is an estimate, and so is a chance"]


def _limit(report: PlacementReport) -> str:
    if report.position.leverage <= report.leverage_max:
        return "" if report.code == ACCEPTED else f"; the bot would refuse it ({report.code})"
    return f"; {report.position.leverage:g}x is above the limit of {report.leverage_max}x"


def _advice(report: PlacementReport) -> list[str]:
    best, here = report.best, report.here
    if best is None:
        why = ": the map does not say how dense it is there" if math.isnan(here.density_percentile) else ""
        return [f"no placement up to {report.leverage_max}x is acceptable{why}"]
    if (best.leverage, best.entry_price) == (here.leverage, here.entry_price):
        return [f"least likely swept  this one, of all up to {report.leverage_max}x"]
    margin = short_usd(report.position.notional_usd / best.leverage)
    there = f"{_price(best)}, percentile {percentile_text(best)}, chance {chance_text(best)}"
    return [
        f"least likely swept  {best.leverage:g}x at {best.entry_price:,.8g}, margin {margin}:",
        f"                    liquidation {there}",
    ]


def _price(one: Alternative) -> str:
    """Without leverage no price liquidates a long."""
    return f"{one.own_liquidation_price:,.8g}" if one.own_liquidation_price > 0 else "at no price"


def percentile_text(one: Alternative) -> str:
    return f"{one.density_percentile:.0f}" if one.density_percentile == one.density_percentile else "unknown"


def chance_text(one: Alternative) -> str:
    chance_pct = one.sweep_chance_pct
    if chance_pct != chance_pct:
        return "unknown (no range of price is kept with this map)"
    return f"{chance_pct:.2g}%" if chance_pct >= 0.001 else "below 0.001%"
