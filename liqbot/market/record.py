"""The one shape a map is stored and printed in: plain JSON, small, complete enough to draw and to query.

Bins are 20 basis points wide and reach 45 % from the mark. `venues`, `by_leverage` and `by_venue` need the market
itself and are left out without it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.instruments import Side, side_of
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.forecast.forecast import BINS, Forecast, edge_prices
from liqbot.market.map.clusters import clusters_of
from liqbot.market.map.liquidation_map import Floats, LiquidationMap
from liqbot.market.map.thin_zones import ThinZones
from liqbot.market.map.zones import Cluster, ThinZone
from liqbot.market.market import Market
from liqbot.market.params import ClusterParams
from liqbot.market.view import MarketView, share_above

RECORD_VERSION: Final = 1
_TOGETHER: Final = 4
_REACH_PCT: Final = 45.0
_SPLIT_REACH_PCT: Final = 15.0
_CHANGES: Final = 8
_FUNDING: Final = (
    "funding_8h_pct", "funding_percentile", "funding_us_8h_pct", "funding_offshore_8h_pct", "funding_spread_pct",
    "us_basis_pct",
)
_NOTE: Final = "USD is an estimate"

Record = dict[str, Any]


def map_record(view: MarketView, market: Market | None = None, *, split: bool = False) -> Record:
    """What is kept of a view's map. `split` adds the map by leverage and by venue, within 15 % of the mark."""
    record: Record = {
        "version": RECORD_VERSION,
        "note": _NOTE,
        "coin": view.coin,
        "time_ms": view.map.as_of_ms,
        "mark_price": view.map.mark_price,
        "bins": bins_of(view.map),
        "forecast": forecast_record(view.forecasts_of()),
        "clusters": [cluster_record(cluster) for side in (view.above, view.below) for cluster in side.clusters],
        "thin_zones": [msgspec.to_builtins(zone) for zone in view.thin_zones],
        "fuel_above_usd": round(view.above.fuel_usd),
        "fuel_below_usd": round(view.below.fuel_usd),
        "asymmetry": _known(view.asymmetry),
        "oi_usd": _known(view.oi_usd),
        "range_pct": _known(view.range_pct),
        **{name: _known(getattr(view, name)) for name in _FUNDING},
        "warmth_long_pct": _known(view.warmth_long_pct),
        "warmth_short_pct": _known(view.warmth_short_pct),
        "live_venues": view.live_venues,
        "stale_venues": view.stale_venues,
        "derived": sorted(view.derived),
    }
    if market is not None:
        record |= _learnt(market, view, record["bins"])
        record["venues"] = [
            {name: _known(value) for name, value in msgspec.to_builtins(health).items()}
            for health in market.venue_health(view.coin, view.time_ms)
        ]
        record["venues"] = [
            venue | shares for venue, shares in zip(record["venues"], _shares(record["venues"]), strict=True)
        ]
        record["beyond_map_share"] = _beyond_map(record["venues"])
        if split:
            record |= _splits(market, view.coin, [venue["venue"] for venue in record["venues"]])
    return record


def filtered_record(
    record: Record, liq_map: LiquidationMap, params: ClusterParams, chosen: Mapping[str, Any]
) -> Record:
    """The record of a part of its map: some venues, some leverages (`chosen` says which). Of a part nothing is
    forecast."""
    above, below = (clusters_of(liq_map, side, params) for side in (Side.SHORT, Side.LONG))
    above_usd, below_usd = (liq_map.within_usd(side, params.fuel_distance_pct) for side in (Side.SHORT, Side.LONG))
    zones = ThinZones(liq_map, params)()
    return record | {
        "filter": dict(chosen),
        "forecast": None,
        "bins": bins_of(liq_map),
        "clusters": [cluster_record(cluster) for cluster in (*above, *below)],
        "thin_zones": [msgspec.to_builtins(zone) for zone in zones],
        "fuel_above_usd": round(above_usd),
        "fuel_below_usd": round(below_usd),
        "asymmetry": _known(share_above(above_usd, below_usd)),
    }


def _shares(venues: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Each venue's part of all USD that is open, and of what the map holds of it: by the trust in each."""
    open_usd = [one["long_usd"] + one["short_usd"] for one in venues]
    drawn_usd = [usd * one["trust_weight"] for usd, one in zip(open_usd, venues, strict=True)]
    whole_usd, all_drawn_usd = sum(open_usd) or 1.0, sum(drawn_usd) or 1.0
    return [
        {"raw_share": round(usd / whole_usd, 4), "weighted_share": round(drawn / all_drawn_usd, 4)}
        for usd, drawn in zip(open_usd, drawn_usd, strict=True)
    ]


def _beyond_map(venues: Sequence[Mapping[str, Any]]) -> Record:
    """Share of open interest that is not on the map, per side: hedged, hardly leveraged, or never seen being opened.
    Of the venues whose open interest is known; null without any."""
    known = [one for one in venues if one["oi_usd"] is not None and one["oi_usd"] > 0]
    oi_usd = sum(one["oi_usd"] for one in known)
    return {
        side: round(1.0 - sum(one[f"{side}_usd"] for one in known) / oi_usd, 4) if oi_usd > 0 else None
        for side in ("long", "short")
    }


def forecast_record(forecasts: Sequence[Forecast]) -> Record | None:
    """USD that feeds are expected to report from a band if price visits it: {edges, by_horizon_h: {hours: {long_usd,
    long_sd_usd, short_usd, short_sd_usd}}}, edges ascending, one more than bins. None without a forecast."""
    if not forecasts:
        return None
    edges = [float(f"{price:.8g}") for price in edge_prices(position_of(forecasts[0].mark_price))]
    return {"edges": edges, "by_horizon_h": {f"{one.horizon_h}": _forecast_bins(one) for one in forecasts}}


def _forecast_bins(one: Forecast) -> dict[str, list[int]]:
    """Longs lie below the mark, shorts above it."""
    below = {"long_usd": one.long_usd, "long_sd_usd": one.long_sd_usd}
    above = {"short_usd": one.short_usd, "short_sd_usd": one.short_sd_usd}
    none = [0] * BINS
    return {name: [*map(round, usd[::-1].tolist()), *none] for name, usd in below.items()} | {
        name: [*none, *map(round, usd.tolist())] for name, usd in above.items()
    }


def _learnt(market: Market, view: MarketView, bins: Mapping[str, list[float]]) -> Record:
    """What the map knows of itself: its score, its spread per bin, what each feed reports, what changed."""
    coin, spread = view.coin, view.map.spread
    skill, ratio = market.map_skill(coin)
    by_bin = {
        f"{side}_sd_usd": [round(usd) for usd in spread.sds_usd(np.array(bins[f"{side}_usd"], float)).tolist()]
        for side in ("long", "short")
    }
    changes = [msgspec.to_builtins(one) | {"side": one.side.word} for one in market.map_drift(coin)[:_CHANGES]]
    return {
        "bins": {**bins, **by_bin},
        "skill": _known(skill),
        "printed_over_promised": _known(ratio),
        "reporting_shares": market.reporting_shares(coin),
        "closing_pace": round(market.closing_pace(coin), 3),
        "drift": changes,
    }


def _splits(market: Market, coin: str, venues: list[str]) -> Record:
    by_leverage = {
        f"{leverage:g}": bins_of(market.map_of(coin, leverages=[leverage]), _SPLIT_REACH_PCT)
        for leverage in market.leverages()
    }
    by_venue = {venue: bins_of(market.map_of(coin, venues=[venue]), _SPLIT_REACH_PCT) for venue in venues}
    return {"by_leverage": by_leverage, "by_venue": by_venue}


def bins_of(liq_map: LiquidationMap, reach_pct: float = _REACH_PCT) -> dict[str, list[float]]:
    """{edges, long_usd, short_usd}: edges one more than bins, USD whole."""
    first = liq_map.span(Side.LONG, reach_pct).start
    last = liq_map.span(Side.SHORT, reach_pct * 100.0 / (100.0 - reach_pct)).stop
    last = first + (last - first) // _TOGETHER * _TOGETHER
    bins = {
        "edges": [float(f"{edge:.8g}") for edge in liq_map.edges[first : last + 1 : _TOGETHER].tolist()],
        "long_usd": _together(liq_map.long_usd[first:last]),
        "short_usd": _together(liq_map.short_usd[first:last]),
    }
    if liq_map.measured_usd is not None:
        bins["measured_usd"] = _together(liq_map.measured_usd[first:last])
    return bins


def _together(usd: Floats) -> list[float]:
    return [round(total) for total in usd.reshape(-1, _TOGETHER).sum(axis=1).tolist()]


def _known(value: Any) -> Any:
    """JSON has no NaN: absent is null."""
    return None if value != value else value


def cluster_record(cluster: Cluster) -> Record:
    """As it is stored and printed; what is not known is null."""
    plain: Record = {name: _known(value) for name, value in msgspec.to_builtins(cluster).items()}
    return plain | {"side": cluster.side.word, "usd": round(cluster.usd)}


# --- reading back -------------------------------------------------------------------------------------------------


def map_from(record: Mapping[str, Any]) -> LiquidationMap:
    """The map in a record, in its bins. ValueError that names what is missing or wrong."""
    bins = record.get("bins")
    mark_price = record.get("mark_price")
    if not isinstance(bins, Mapping) or not {"edges", "long_usd", "short_usd"} <= bins.keys():
        raise ValueError("map: has no bins {edges, long_usd, short_usd}")
    if not isinstance(mark_price, int | float) or not mark_price > 0:
        raise ValueError(f"map: mark_price is {mark_price!r}, it must be a positive number")
    edges, long_usd, short_usd = (np.array(bins[name], np.float64) for name in ("edges", "long_usd", "short_usd"))
    if len(edges) < 2 or not len(long_usd) == len(short_usd) == len(edges) - 1 or not (np.diff(edges) > 0).all():
        raise ValueError("map: bins need ascending edges, one more than long_usd and short_usd")
    return LiquidationMap(
        str(record.get("coin", "")), int(record.get("time_ms", 0)), float(mark_price), edges, long_usd, short_usd
    )


def clusters_from(record: Mapping[str, Any]) -> tuple[Cluster, ...]:
    """The clusters in a record; () where it has none stored."""
    return tuple(_cluster_from(plain) for plain in record.get("clusters", ()))


def _cluster_from(plain: Mapping[str, Any]) -> Cluster:
    known: dict[str, Any] = {name: float("nan") if value is None else value for name, value in plain.items()}
    return Cluster(**known | {"side": side_of(plain["side"])})


def thin_zones_from(record: Mapping[str, Any]) -> tuple[ThinZone, ...]:
    """The thin zones in a record; () where it has none stored."""
    return tuple(ThinZone(**plain) for plain in record.get("thin_zones", ()))
