"""Views to judge: worked examples, random ones, and the mirror image of any.

All numbers are multiples of 1/64 near a round mark; the mirror image of a price is mark * mark / price.
"""

import msgspec
import numpy as np
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.market.map.distances import Distances
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import Cluster, Sweep
from liqbot.market.view import MarketView, SideView

MARK = 65_536.0
NOW_MS = 1_750_000_000_000
NAN = float("nan")


def a_map(long_usd: float = 1e6, short_usd: float = 1e6, mark_price: float = MARK) -> LiquidationMap:
    """Thirty percent to each side in hundred bins a side, the same everywhere."""
    edges = np.linspace(mark_price * 0.7, mark_price * 1.3, 201)
    middle = (edges[:-1] + edges[1:]) / 2
    return LiquidationMap(
        "BTC",
        NOW_MS,
        mark_price,
        edges,
        np.where(middle < mark_price, long_usd, 0.0),
        np.where(middle > mark_price, short_usd, 0.0),
    )


def with_mass(view: MarketView, side: Side, low_price: float, high_price: float, usd: float) -> MarketView:
    """The view with `usd` more in each bin of that stretch of its map."""
    old = view.map
    middle = (old.edges[:-1] + old.edges[1:]) / 2
    more = np.where((middle >= low_price) & (middle <= high_price), usd, 0.0)
    name = "long_usd" if side is Side.LONG else "short_usd"
    return msgspec.structs.replace(view, map=msgspec.structs.replace(old, **{name: old.usd(side) + more}))


def a_cluster(side: Side, distance: float, usd: float = 2e8, ratio: float = 2.0, width: float = 512.0) -> Cluster:
    """`distance` and `width` in price units, outward from the mark."""
    sign = -float(side)
    near, far = MARK + sign * distance, MARK + sign * (distance + width)
    return Cluster(
        side=side,
        price_low=min(near, far),
        price_high=max(near, far),
        peak_price=(near + far) / 2,
        usd=usd,
        distance_pct=distance / MARK * 100.0,
        peak_distance_pct=(distance + width / 2) / MARK * 100.0,
        ratio=ratio,
    )


def a_sweep(side: Side, **changes: object) -> Sweep:
    """A textbook grab: a heavy cluster three percent away, swept in ten minutes, rejected two minutes ago."""
    sign = -float(side)
    near, far = MARK + sign * 128.0, MARK + sign * 640.0
    sweep = Sweep(
        side=side,
        started_ms=NOW_MS - 720_000,
        inside_ms=NOW_MS - 720_000,
        ended_ms=NOW_MS - 120_000,
        rejected=True,
        cluster_usd=2e8,
        cluster_ratio=2.5,
        distance_pct=3.0,
        price_low=min(near, far),
        price_high=max(near, far),
        extreme_price=MARK + sign * 768.0,
        printed_usd=4e7,
        volume_ratio=6.0,
        oi_change_pct=-2.0,
        taker_imbalance_after=0.25 * float(side),
        printed_after_usd=2e6,
        fuel_usd=1e9,
        fuel_spent_usd=4e8,
        beyond_ratio=0.25,
    )
    return msgspec.structs.replace(sweep, **changes)


def a_break(side: Side, **changes: object) -> Sweep:
    """A flush under way: price went into a cluster four minutes ago, is beyond half of it, and has not come back."""
    sign = -float(side)
    near, far = MARK - sign * 256.0, MARK + sign * 256.0
    inside = a_sweep(
        side, started_ms=NOW_MS - 240_000, inside_ms=NOW_MS - 240_000, ended_ms=NOW_MS, rejected=False,
        price_low=min(near, far), price_high=max(near, far), extreme_price=MARK,
    )  # fmt: skip
    return msgspec.structs.replace(inside, **changes)


def a_side(
    side: Side, fuel_usd: float = 1e9, clusters: tuple[Cluster, ...] = (), sweep: Sweep | None = None
) -> SideView:
    return SideView(side, fuel_usd, clusters, sweep)


def a_view(**changes: object) -> MarketView:
    """A quiet, warm, fresh market without clusters."""
    view = MarketView(
        coin="BTC",
        time_ms=NOW_MS,
        backfilled=False,
        mark_price=MARK,
        index_price=MARK,
        last_price=MARK,
        high_price=MARK + 16.0,
        low_price=MARK - 16.0,
        bar_span_ms=1_000,
        volume_ratio=1.0,
        taker_imbalance=0.0,
        return_1h_pct=0.0,
        return_24h_pct=0.0,
        trend_pct=0.0,
        range_pct=0.75,
        acceleration_ratio=0.0,
        oi_usd=1e10,
        oi_change_1h_pct=0.0,
        oi_change_24h_pct=0.5,
        funding_8h_pct=0.0078125,
        funding_usual_8h_pct=0.0078125,
        funding_percentile=50.0,
        liquidated_long_1h_usd=0.0,
        liquidated_short_1h_usd=0.0,
        warmth_long_pct=90.0,
        warmth_short_pct=90.0,
        age_ms=0,
        live_venues=3,
        stale_venues=0,
        lag_ms=0,
        map=a_map(),
        below=a_side(Side.LONG),
        above=a_side(Side.SHORT),
        thin_zones_of=tuple,
        given_bias=None,
        derived=frozenset(),
        minute_volume_usd=1e8,
        venues_live=("binance", "bybit", "okx"),
    )
    return msgspec.structs.replace(view, **changes)


def grab_long() -> MarketView:
    """Longs below were swept and price came back: a LONG grab-and-reverse."""
    return a_view(below=a_side(Side.LONG, 5e8, sweep=a_sweep(Side.LONG)))


def cascade_long(**changes: object) -> MarketView:
    """Price ran up into a cluster of shorts and speeds up inside; the next one lies three percent above."""
    base = a_view(
        above=a_side(Side.SHORT, 2e9, (a_cluster(Side.SHORT, 1_966.0),), a_break(Side.SHORT)),
        trend_pct=0.75,
        return_1h_pct=0.5,
        acceleration_ratio=1.5,
        volume_ratio=2.0,
        taker_imbalance=0.25,
    )
    return msgspec.structs.replace(base, **changes)


def squeeze_long(**changes: object) -> MarketView:
    """Shorts pay dearly and their liquidations lie dense above."""
    base = a_view(
        above=a_side(Side.SHORT, 2e9, (a_cluster(Side.SHORT, 1_966.0),)),
        funding_8h_pct=-0.0625,
        funding_percentile=1.0,
        oi_change_24h_pct=3.0,
    )
    return msgspec.structs.replace(base, **changes)


# --- the mirror image ---------------------------------------------------------------------------------------------


def mirrored(view: MarketView) -> MarketView:
    """Up and down, long and short exchanged; distances, sizes and times stay."""
    centre = view.mark_price**2
    return msgspec.structs.replace(
        view,
        index_price=centre / view.index_price,
        last_price=centre / view.last_price,
        high_price=centre / view.low_price,
        low_price=centre / view.high_price,
        taker_imbalance=-view.taker_imbalance,
        return_1h_pct=-view.return_1h_pct,
        return_24h_pct=-view.return_24h_pct,
        trend_pct=-view.trend_pct,
        acceleration_ratio=-view.acceleration_ratio,
        funding_8h_pct=-view.funding_8h_pct,
        funding_usual_8h_pct=-view.funding_usual_8h_pct,
        funding_percentile=100.0 - view.funding_percentile,
        funding_us_percentile=100.0 - view.funding_us_percentile,
        funding_offshore_percentile=100.0 - view.funding_offshore_percentile,
        funding_us_8h_pct=-view.funding_us_8h_pct,
        funding_offshore_8h_pct=-view.funding_offshore_8h_pct,
        funding_spread_pct=-view.funding_spread_pct,
        us_basis_pct=-view.us_basis_pct,
        funding_of_venues={venue: (-rate, 100.0 - rank) for venue, (rate, rank) in view.funding_of_venues.items()},
        liquidated_long_1h_usd=view.liquidated_short_1h_usd,
        liquidated_short_1h_usd=view.liquidated_long_1h_usd,
        warmth_long_pct=view.warmth_short_pct,
        warmth_short_pct=view.warmth_long_pct,
        map=_mirrored_map(view.map),
        below=_mirrored_side(view.above, centre),
        above=_mirrored_side(view.below, centre),
        given_bias=None if view.given_bias is None else view.given_bias.opposite,
    )


def _mirrored_map(old: LiquidationMap) -> LiquidationMap:
    edges = old.mark_price**2 / old.edges[::-1]
    return LiquidationMap(
        old.coin, old.as_of_ms, old.mark_price, edges, old.short_usd[::-1], old.long_usd[::-1],
        distances=Distances(not old.distances.inverse),
    )


def _mirrored_side(side: SideView, centre: float) -> SideView:
    clusters = tuple(
        msgspec.structs.replace(
            cluster,
            side=cluster.side.opposite,
            price_low=centre / cluster.price_high,
            price_high=centre / cluster.price_low,
            peak_price=centre / cluster.peak_price,
        )
        for cluster in side.clusters
    )
    sweep = side.sweep
    if sweep is not None:
        sweep = msgspec.structs.replace(
            sweep,
            side=sweep.side.opposite,
            price_low=centre / sweep.price_high,
            price_high=centre / sweep.price_low,
            extreme_price=centre / sweep.extreme_price,
            taker_imbalance_after=-sweep.taker_imbalance_after,
        )
    return SideView(side.side.opposite, side.fuel_usd, clusters, sweep)


# --- random views -------------------------------------------------------------------------------------------------


def dyadic(low: float, high: float, *, absent: bool = False) -> st.SearchStrategy[float]:
    """Multiples of 1/64 within bounds, sometimes absent."""
    numbers = st.integers(round(low * 64), round(high * 64)).map(lambda n: n / 64)
    return numbers | st.just(NAN) if absent else numbers


def _clusters(side: Side) -> st.SearchStrategy[tuple[Cluster, ...]]:
    one = st.builds(
        a_cluster,
        st.just(side),
        dyadic(0.0, 6_000.0),
        dyadic(0.0, 4e8),
        dyadic(0.0, 4.0),
        dyadic(32.0, 1_024.0),
    )
    return st.lists(one, max_size=3).map(lambda found: tuple(sorted(found, key=lambda c: -c.usd)))


@st.composite
def _sweeps(draw: st.DrawFn, side: Side) -> Sweep:
    sign = -float(side)
    ended_ms = NOW_MS - 1_000 * draw(st.integers(0, 1_800))
    return a_sweep(
        side,
        inside_ms=ended_ms - 1_000 * draw(st.integers(0, 3_600)),
        ended_ms=ended_ms,
        rejected=draw(st.booleans()),
        cluster_usd=draw(dyadic(0.0, 4e8)),
        cluster_ratio=draw(dyadic(0.0, 4.0, absent=True)),
        distance_pct=draw(dyadic(0.0, 8.0, absent=True)),
        extreme_price=MARK + sign * draw(dyadic(0.0, 2_000.0)),
        printed_usd=draw(dyadic(0.0, 1e8, absent=True)),
        volume_ratio=draw(dyadic(0.0, 10.0, absent=True)),
        oi_change_pct=draw(dyadic(-5.0, 1.0, absent=True)),
        taker_imbalance_after=draw(dyadic(-1.0, 1.0, absent=True)),
        printed_after_usd=draw(dyadic(0.0, 1e7, absent=True)),
        fuel_spent_usd=draw(dyadic(0.0, 1e9, absent=True)),
        beyond_ratio=draw(dyadic(0.0, 4.0, absent=True)),
    )


def _sides(side: Side) -> st.SearchStrategy[SideView]:
    return st.builds(SideView, st.just(side), dyadic(0.0, 4e9), _clusters(side), st.none() | _sweeps(side))


def views() -> st.SearchStrategy[MarketView]:
    """Any view, most of them without a reason to trade."""
    return st.builds(
        a_view,
        bar_span_ms=st.sampled_from((1_000, 60_000, 300_000, 3_600_000)),
        volume_ratio=dyadic(0.0, 10.0, absent=True),
        taker_imbalance=dyadic(-1.0, 1.0, absent=True),
        return_1h_pct=dyadic(-3.0, 3.0, absent=True),
        trend_pct=dyadic(-2.0, 2.0, absent=True),
        range_pct=dyadic(0.0, 3.0, absent=True),
        acceleration_ratio=dyadic(-4.0, 4.0, absent=True),
        oi_change_1h_pct=dyadic(-5.0, 5.0, absent=True),
        oi_change_24h_pct=dyadic(-5.0, 5.0, absent=True),
        funding_8h_pct=dyadic(-0.5, 0.5, absent=True),
        funding_usual_8h_pct=dyadic(-0.5, 0.5, absent=True),
        funding_percentile=dyadic(0.0, 100.0, absent=True),
        funding_spread_pct=dyadic(-0.5, 0.5, absent=True),
        us_basis_pct=dyadic(-2.0, 2.0, absent=True),
        below=_sides(Side.LONG),
        above=_sides(Side.SHORT),
        given_bias=st.sampled_from((None, Side.LONG, Side.SHORT)),
    )


def reasons() -> st.SearchStrategy[MarketView]:
    """Views that do give a reason, on either side."""
    examples = st.sampled_from((grab_long(), cascade_long(), squeeze_long()))
    return st.builds(lambda view, flip: mirrored(view) if flip else view, examples, st.booleans())
