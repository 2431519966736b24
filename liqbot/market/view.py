"""`MarketView`: what the floors above read from the market, one row of a feature table per coin and tick.

Features are plain floats; NaN means absent. Gates are written with + - * / and comparisons only, so that the same
expression serves one row live and whole columns in research. `derived` names features that stand in for a measured one.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from liqbot.instruments import Side
from liqbot.market.forecast.forecast import Forecast
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.whales import Whale
from liqbot.market.map.zones import ABSENT, Cluster, Sweep, ThinZone


class SideView(msgspec.Struct, frozen=True):
    """One side of the mark: longs below it, or shorts above it."""

    side: Side
    fuel_usd: float
    """All mapped USD on this side within `fuel_distance_pct` of the mark."""
    clusters: Sequence[Cluster]
    """The one that stands out most first."""
    sweep: Sweep | None

    @property
    def largest(self) -> Cluster | None:
        return self.clusters[0] if self.clusters else None


class MarketView(msgspec.Struct, frozen=True, eq=False):
    """Everything a strategy or the risk floor may know about one coin at one tick."""

    coin: str
    time_ms: int
    backfilled: bool
    mark_price: float
    index_price: float
    """NaN where no venue gives one."""
    last_price: float
    high_price: float
    low_price: float
    """Range of the trading venue over this step."""
    bar_span_ms: int
    """Span of the newest trade bar: how coarse the picture is."""
    volume_ratio: float
    """Volume rate of this step over its rolling mean; 1.0 is usual."""
    taker_imbalance: float
    """(buys - sells) / volume of this step, -1..1."""
    return_1h_pct: float
    return_24h_pct: float
    trend_pct: float
    """Fast over slow moving average of the mark: the technical bias."""
    range_pct: float
    """Rolling mean of the true range per hour."""
    acceleration_ratio: float
    """How much more price rose over the last minutes (`rolling.acceleration_ms`) than over those before, in usual
    ranges of so long a stretch."""
    oi_usd: float
    """Sum over venues (or the `aggregate` bound)."""
    oi_change_1h_pct: float
    oi_change_24h_pct: float
    funding_8h_pct: float
    """Open-interest-weighted rate, scaled to eight hours; positive: longs pay."""
    funding_usual_8h_pct: float
    """Likewise, the median of each venue's history."""
    funding_percentile: float
    """0..100: each venue's rate within its own history, weighted likewise; NaN until one has history enough."""
    liquidated_long_1h_usd: float
    liquidated_short_1h_usd: float
    """Observed forced flow, a floor."""
    warmth_long_pct: float
    warmth_short_pct: float
    """Share of today's open interest explained by positions seen being opened."""
    age_ms: int
    """Age of the trading venue's newest price, in event time."""
    live_venues: int
    stale_venues: int
    lag_ms: int
    """Wall time behind event time as the edge saw it; 0 on a tape."""
    map: LiquidationMap
    below: SideView
    above: SideView
    thin_zones_of: Callable[[], tuple[ThinZone, ...]]
    """Reads `thin_zones` from the map, which never changes."""
    given_bias: Side | None
    """A direction given from outside (`BiasSet`) that has not run out."""
    derived: frozenset[str]
    minute_volume_usd: float = ABSENT
    """Rolling mean volume per minute on the trading venue: what our own size is measured against."""
    map_skill_share: float = ABSENT
    """The map's own score of the last days: share of the deviance of reported orders that it explains. 1 is perfect, 0
    no better than a constant."""
    map_printed_ratio: float = ABSENT
    """Printed over promised USD of the last days: 1 when the forecast's size is right."""
    forecasts_of: Callable[[], tuple[Forecast, ...]] = tuple
    """Reads the forecast layer, a forecast per horizon; () once the market has gone on. For the thread that folds the
    market alone: a view for another one is `kept`."""
    funding_us_8h_pct: float = ABSENT
    """As `funding_8h_pct`, of US-regulated venues alone; NaN where none tells a rate."""
    funding_offshore_8h_pct: float = ABSENT
    """Of the others."""
    funding_us_percentile: float = ABSENT
    funding_offshore_percentile: float = ABSENT
    """As `funding_percentile`, of either group."""
    funding_spread_pct: float = ABSENT
    """What longs pay at US-regulated venues more than offshore, per eight hours."""
    us_basis_pct: float = ABSENT
    """How far US-regulated contracts that expire (CME) trade above the index, else the mark; they pay no funding."""
    funding_of_venues: Mapping[str, tuple[float, float]] = {}
    """Venue key -> (rate per eight hours, its percentile within that venue's history), where a rate is known."""
    whales: tuple[Whale, ...] = ()
    """Large reported positions near their liquidation, nearest first."""
    contract_trouble: str = ""
    """Why the traded contract is none to enter: not listed, closed, or changed since the process began; empty: none."""
    price_accord: str = ""
    """`quarantined`: the traded venue's price is not that of most others, and is not used. `disputed`: no majority of
    the venues agrees, and nobody knows which is wrong. Empty: neither."""
    depeg_quote: str = ""
    """The quote that is too far from the dollar for entries; empty: none."""
    depeg_pct: float = 0.0
    """How far."""
    venues_live: tuple[str, ...] = ()
    """Keys of the venues whose prices are fresh."""

    def kept(self, *, forecasts: bool = True) -> "MarketView":
        """The same for whoever looks at it later or in another thread: what it would read of the market is read, or,
        without `forecasts`, is nothing."""
        found = self.forecasts_of() if forecasts else ()
        return msgspec.structs.replace(self, forecasts_of=lambda: found)

    def lent(self) -> "MarketView":
        """The same for code of the user's own: whatever it writes into the arrays is written into its copy."""
        return msgspec.structs.replace(
            self, map=self.map.copy(), funding_of_venues=dict(self.funding_of_venues),
            forecasts_of=lambda: tuple(one.copy() for one in self.forecasts_of()),
        )

    def ahead(self, side: Side) -> SideView:
        """The fuel a position of `side` runs into: shorts above for a long."""
        return self.above if side is Side.LONG else self.below

    def behind(self, side: Side) -> SideView:
        return self.below if side is Side.LONG else self.above

    @property
    def thin_zones(self) -> tuple[ThinZone, ...]:
        """Of both sides, nearest to the mark first."""
        return self.thin_zones_of()

    def funding_of(self, venue: str) -> float:
        """A venue's own rate per eight hours; NaN where it is not known."""
        return self.funding_of_venues.get(venue, (ABSENT, ABSENT))[0]

    @property
    def asymmetry(self) -> float:
        """Share of the nearby fuel that lies above, 0..1; NaN for an empty map."""
        return share_above(self.above.fuel_usd, self.below.fuel_usd)


def share_above(above_usd: float, below_usd: float) -> float:
    """0..1; NaN where there is neither."""
    total_usd = above_usd + below_usd
    return above_usd / total_usd if total_usd > 0 else ABSENT
