"""One side's features: the market's row seen by somebody who wants to be on `side`, so that gates need no sides.

Signed features point toward the trade: `return_1h_pct` is positive when price moved its way. `ahead_` is where the
trade goes and the liquidations of the opposite side lie, `behind_` is where price would move against it. NaN means
absent. Every value may as well be a numpy column: the gates over it use + - * / and comparisons only.
"""

from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.map.cluster_memory import beyond, farther
from liqbot.market.map.clusters import first_within, near_edge_price
from liqbot.market.map.zones import ABSENT, Cluster, Sweep
from liqbot.market.view import MarketView, SideView
from liqbot.venues.registry import VENUES

_MINUTE_MS: Final = 60_000.0
_WEEK_MIN: Final = 10_080.0


class Features(msgspec.Struct, frozen=True):
    """A row (floats) or a table (float64 columns of one length). Sizes of clusters and sweeps are positive or absent,
    so that they may be divided by; what was printed may be zero."""

    side: Any
    """1 for a LONG, -1 for a SHORT: for a strategy that takes one side alone."""
    mark_price: Any
    bar_span_min: Any
    volume_ratio: Any
    range_pct: Any
    """Mean true range per hour."""
    flow: Any
    """Taker imbalance toward the trade, -1..1."""
    return_1h_pct: Any
    acceleration_ratio: Any
    """How much more price moved toward the trade over the last minutes than over those before, in usual ranges."""
    bias: Any
    funding_pct: Any
    """What the opposite side pays per eight hours."""
    funding_apart_pct: Any
    """What it pays more than usually."""
    opposite_funding_percentile: Any
    """How crowded the opposite side is by funding: 100 is the most in the kept history."""
    own_funding_percentile: Any
    funding_spread_pct: Any
    """What the trade's own side pays at US-regulated venues more than offshore, per eight hours."""
    us_basis_pct: Any
    """How far US-regulated contracts that expire lie on the trade's side of the index."""
    oi_change_1h_pct: Any
    oi_change_24h_pct: Any
    notional_ahead_share: Any
    """Share of the liquidation notional in range that lies ahead, 0..1: the map's asymmetry, from the trade's side."""
    map_skill_share: Any
    """The map's own score of the last days."""
    ahead_seen: Any
    """Of the cluster ahead that stands out most; while price is inside one, of those beyond that."""
    ahead_usd: Any
    ahead_ratio: Any
    ahead_distance_pct: Any
    ahead_peak_distance_pct: Any
    ahead_rejected_age_min: Any
    """Minutes since price last came back out of a cluster ahead; a week stands for longer or never."""
    ahead_inside_min: Any
    """Minutes since price went into a cluster ahead that it is still in or beyond; a week stands for in none."""
    ahead_inside_ratio: Any
    """How far what it went through there stood out, against what usually does; 0 in none."""
    behind_usd: Any
    """0 without a cluster behind."""
    behind_ratio: Any
    """Likewise."""
    sweep_seen: Any
    sweep_usd: Any
    sweep_ratio: Any
    sweep_distance_pct: Any
    sweep_rejected: Any
    sweep_duration_min: Any
    """For how long price was beyond the near edge that it came back over."""
    sweep_age_min: Any
    """Since it was last seen there; a week stands for longer or never."""
    sweep_volume_ratio: Any
    sweep_printed_usd: Any
    sweep_printed_after_usd: Any
    sweep_oi_change_pct: Any
    sweep_flow_after: Any
    sweep_fuel_spent_share: Any
    """Of the fuel that lay on that side before the approach, the part that price has gone through, 0..1."""
    sweep_beyond_ratio: Any
    """How dense the map is next beyond the extreme and the swept clusters, over how dense they were."""
    sweep_far_distance_pct: Any
    """From the mark back to the farther of the wick's extreme and the cluster's far edge."""
    view: Any
    """The market's own row, for numbers that have no side: a gate names them as in `view.return_24h_pct`."""

    def value(self, name: str) -> Any:
        """A feature, a number of the view as `view.<name>`, or the rate of one venue as `view.funding_of.<venue>`."""
        own, _, inner = name.partition(".")
        if name.startswith(VENUE_FUNDING):
            return self.view.funding_of(name.removeprefix(VENUE_FUNDING))
        return getattr(getattr(self, own), inner) if inner else getattr(self, own)


VENUE_FUNDING: Final = "view.funding_of."
"""Per eight hours, as published by the venue that is named behind it."""
VIEW_NUMBERS: Final = (*(name for name, kind in MarketView.__annotations__.items() if kind is float), "asymmetry")
FEATURE_NAMES: Final = (
    *(name for name in Features.__struct_fields__ if name != "view"),
    *(f"view.{name}" for name in VIEW_NUMBERS),
    *(f"{VENUE_FUNDING}{venue}" for venue in VENUES),
)
"""What a gate may name as its input."""


ROOTS: Final[dict[str, tuple[str, ...]]] = {
    "flow": ("taker_imbalance",),
    "bar_span_min": ("bar_span_ms",),
    "bias": ("trend_pct", "range_pct"),
    "funding_pct": ("funding_8h_pct",),
    "funding_apart_pct": ("funding_8h_pct", "funding_usual_8h_pct"),
    "opposite_funding_percentile": ("funding_percentile",),
    "own_funding_percentile": ("funding_percentile",),
    "funding_spread_pct": ("funding_us_8h_pct", "funding_offshore_8h_pct"),
    "sweep_volume_ratio": ("volume_ratio",),
    "sweep_oi_change_pct": ("oi_usd",),
    "oi_change_1h_pct": ("oi_change_1h_pct", "oi_usd"),
    "oi_change_24h_pct": ("oi_change_24h_pct", "oi_usd"),
    "sweep_flow_after": ("taker_imbalance",),
}
"""View fields behind a feature of another name: a feature is derived when one of its roots is."""


def derived_features(derived_fields: frozenset[str]) -> frozenset[str]:
    """The features that rest on a derived view field."""
    return frozenset(
        name
        for name in FEATURE_NAMES
        if not derived_fields.isdisjoint(ROOTS.get(name, (name.removeprefix("view."),)))
    )


def features_of(view: MarketView, side: Side, reach_pct: float) -> Features:
    """One row. Clusters farther than `reach_pct` from the mark are not looked at."""
    sign = float(side)
    ahead, behind = view.ahead(side), view.behind(side)
    inside = under_way(ahead.sweep, view)
    target, threat = next_cluster(ahead, inside, reach_pct), _within(behind, reach_pct)
    notional_usd = ahead.fuel_usd + behind.fuel_usd
    percentile = view.funding_percentile
    row: tuple[Any, ...] = (
        sign,
        view.mark_price,
        view.bar_span_ms / _MINUTE_MS,
        view.volume_ratio,
        view.range_pct,
        sign * view.taker_imbalance,
        sign * view.return_1h_pct,
        sign * view.acceleration_ratio,
        _bias(view, side),
        -sign * view.funding_8h_pct,
        -sign * (view.funding_8h_pct - view.funding_usual_8h_pct),
        100.0 - percentile if side is Side.LONG else percentile,
        percentile if side is Side.LONG else 100.0 - percentile,
        sign * view.funding_spread_pct,
        sign * view.us_basis_pct,
        view.oi_change_1h_pct,
        view.oi_change_24h_pct,
        ahead.fuel_usd / notional_usd if notional_usd > 0 else ABSENT,
        view.map_skill_share,
        *_target(target),
        _rejected_age_min(ahead.sweep, view.time_ms),
        _WEEK_MIN if inside is None else (view.time_ms - inside.inside_ms) / _MINUTE_MS,
        0.0 if inside is None else inside.cluster_ratio,
        threat.usd if threat is not None else 0.0,
        threat.ratio if threat is not None else 0.0,
        *(_NO_SWEEP if behind.sweep is None else _sweep(behind.sweep, view, sign)),
        view,
    )
    return Features(*row)


def under_way(sweep: Sweep | None, view: MarketView) -> Sweep | None:
    """The flush that is under way: not rejected, and followed until now."""
    if sweep is None or sweep.rejected or view.time_ms - sweep.ended_ms > view.bar_span_ms:
        return None
    return sweep


def next_cluster(side_view: SideView, inside: Sweep | None, reach_pct: float) -> Cluster | None:
    """The cluster within reach that stands out most, of those beyond what is being swept."""
    if inside is None:
        return _within(side_view, reach_pct)
    far_price = farther(inside.side, inside.price_low, inside.price_high)
    further = (one for one in side_view.clusters if beyond(inside.side, near_edge_price(one), far_price))
    return next((one for one in further if one.distance_pct <= reach_pct), None)


def _bias(view: MarketView, side: Side) -> float:
    """Which way price leans, toward `side`, -1..1: a direction given from outside, else the technical one. A given
    bias is full; the technical one is the trend (fast over slow average) in mean hourly ranges, cut off at one. NaN
    without a trend or a range."""
    if view.given_bias is not None:
        return 1.0 if view.given_bias is side else -1.0
    if not view.range_pct > 0:
        return ABSENT
    leaning = float(side) * view.trend_pct / view.range_pct
    if leaning != leaning:
        return ABSENT
    return max(-1.0, min(1.0, leaning))


def _within(side_view: SideView, reach_pct: float) -> Cluster | None:
    """The cluster within reach that stands out most: they come in that order."""
    return first_within(side_view.clusters, reach_pct)


def _target(cluster: Cluster | None) -> tuple[float, ...]:
    if cluster is None:
        return 0.0, ABSENT, ABSENT, ABSENT, ABSENT
    return 1.0, _positive(cluster.usd), _positive(cluster.ratio), cluster.distance_pct, cluster.peak_distance_pct


def _rejected_age_min(sweep: Sweep | None, time_ms: int) -> float:
    if sweep is None or not sweep.rejected:
        return _WEEK_MIN
    return min(_WEEK_MIN, (time_ms - sweep.ended_ms) / _MINUTE_MS)


_NO_SWEEP: Final = (0.0, *(ABSENT,) * 5, _WEEK_MIN, *(ABSENT,) * 8)


def _sweep(sweep: Sweep, view: MarketView, sign: float) -> tuple[float, ...]:
    """For a long the far side is down: the lower of the extreme and the cluster's low edge."""
    edge_price = sweep.price_low if sign > 0 else sweep.price_high
    far_price = farther(sweep.side, sweep.extreme_price, edge_price)
    return (
        1.0,
        _positive(sweep.cluster_usd),
        sweep.cluster_ratio,
        sweep.distance_pct,
        1.0 if sweep.rejected else 0.0,
        (sweep.ended_ms - sweep.inside_ms) / _MINUTE_MS,
        min(_WEEK_MIN, (view.time_ms - sweep.ended_ms) / _MINUTE_MS),
        sweep.volume_ratio,
        sweep.printed_usd,
        sweep.printed_after_usd,
        sweep.oi_change_pct,
        sign * sweep.taker_imbalance_after,
        sweep.fuel_spent_usd / _positive(sweep.fuel_usd),
        sweep.beyond_ratio,
        -sign * view.map.distances.moved_pct(view.mark_price, far_price),
    )


def _positive(value: float) -> float:
    """A denominator: zero is absent."""
    return value if value > 0 else ABSENT
