"""`CoinMarket`: all that is folded of one coin, step by step, and its map as it stands."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import Rows, stage_of
from liqbot.instruments import AGGREGATE, Side
from liqbot.market.estimate.estimate import PositionEstimator
from liqbot.market.estimate.kernels import BINS, Floats
from liqbot.market.estimate.price_grid import edges, position_of
from liqbot.market.forecast.evaluation import ForecastEvaluation
from liqbot.market.forecast.forecast import Forecast
from liqbot.market.map.clusters import Windows, clusters_in, clusters_of, windows_of
from liqbot.market.map.distances import Distances
from liqbot.market.map.history import MapHistory
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.sweeps import SweepsFold, SweepStep
from liqbot.market.map.thin_zones import ThinZones
from liqbot.market.map.usual_sizes import UsualSizes
from liqbot.market.map.whales import WhaleWatch
from liqbot.market.map.zones import Cluster
from liqbot.market.observed.bars import BarsFold
from liqbot.market.observed.funding import FundingFold
from liqbot.market.observed.liquidations import ForcedFlow
from liqbot.market.observed.open_interest import OpenInterestFold
from liqbot.market.observed.outliers import Columns, OutlierFilter
from liqbot.market.observed.prices import BarColumns, VenuePrice, known_until, reference_price, swept_range
from liqbot.market.observed.trust import TrustFold
from liqbot.market.params import MarketParams
from liqbot.market.view import SideView
from liqbot.price_change import change_pct
from liqbot.venues.registry import has_us_basis, mechanics_of

ABSENT = float("nan")
SIDES: Final = (Side.LONG, Side.SHORT)
_PRICES: Final = frozenset({"bars", "marks"})
_NO_MAP: Final = LiquidationMap("", 0, ABSENT, edges()[:1], edges()[:0], edges()[:0])


class Now(msgspec.Struct):
    """Scalars of the newest step."""

    time_ms: int = 0
    reference_price: float = ABSENT
    """Mean mark weighted by open interest: where the map is drawn."""
    last_price: float = ABSENT
    low_price: float = ABSENT
    high_price: float = ABSENT
    oi_base: float = ABSENT
    """At the reference price."""
    oi_ratio: float = ABSENT
    """See `OpenInterestFold`."""
    path_ms: int = 0
    """Until when the price path that sweeps follow is reported."""


class CoinMarket:
    """`fold` a step that has rows of this coin; then read. `map`, `clusters` and `thin_zones` follow from the state."""

    def __init__(self, coin: str, venues: Sequence[str], trade_venue: str, params: MarketParams) -> None:
        self.coin, self.venues, self.params = coin, venues, params
        self.trade_venue = venues.index(trade_venue) if trade_venue in venues else -1
        """Index of the venue whose mark, range and age the views carry; -1 when it is none of the roster's."""
        self._us_dated = tuple(index for index, venue in enumerate(venues) if has_us_basis(venue))
        aggregate = venues.index(AGGREGATE) if AGGREGATE in venues else -1
        self.outliers = OutlierFilter(coin, venues, aggregate, params)
        self.estimator = PositionEstimator(coin, venues, params.estimate, params.calibration, params.positions)
        self.trust = TrustFold(venues, params.trust)
        inverse = [venue for venue in venues if mechanics_of(venue, coin).inverse]
        self.open_interest = OpenInterestFold(params.estimate, params.rolling, inverse)
        self.funding = FundingFold(params.rolling)
        self.evaluation = ForecastEvaluation(params.forecast, params.scoring)
        self.history = MapHistory(coin, params.history)
        self.forced = ForcedFlow(venues)
        self.bars = BarsFold(params.rolling)
        self.distances = Distances(mechanics_of(trade_venue, coin).inverse)
        self.sweeps = SweepsFold(params.sweeps, params.clusters.fuel_distance_pct, self.distances)
        self.whales = WhaleWatch(coin, params.whales)
        self.now = Now()
        self.usual = UsualSizes(params.clusters)
        self.map = _NO_MAP
        self.clusters: dict[Side, Sequence[Cluster]] = dict.fromkeys(SIDES, ())
        self._windows: dict[Side, Windows] = {}
        """Of the map."""
        self.sides = {side: SideView(side, 0.0, (), None) for side in SIDES}
        self.thin_zones = ThinZones(self.map, params.clusters)
        self._unread = False
        """Whether the last step that had a price was folded without reading the map."""
        self.warmth_pct = (ABSENT, ABSENT)
        """Positions seen being opened against all that must be open, (long, short); NaN without open interest."""

    @property
    def prices(self) -> list[VenuePrice]:
        return self.outliers.prices

    @property
    def ready(self) -> bool:
        """Whether any venue ever gave a believable price."""
        return self.now.reference_price == self.now.reference_price

    def expects_bar(self, now_ms: int) -> bool:
        """Of the traded venue."""
        return self.trade_venue >= 0 and self.prices[self.trade_venue].expects_bar(now_ms)

    def fold(self, columns: Columns, tick_ms: int, *, backfilled: bool = False, reading: bool = True) -> None:
        """One step. Nobody decides on history, so while it is backfilled the map is read only when it is remembered.

        What is reported without a price waits for the next one: positions and whatever is rolled up follow the path.
        """
        bars = self.outliers.take(columns, tick_ms)
        if not self.outliers.priced:
            self.catch_up()
        if self.outliers.agreement.left_out:
            columns = self._without(columns, self.outliers.agreement.left_out)
        self._take_flows(columns)
        if bars.rounds:
            self.bars.take_bars(bars, self.venues)
        bounds = self.bounds_base()
        if self.outliers.priced:
            self._refer(bounds, tick_ms)
        self._take_open_interest(columns)
        if self.outliers.priced and self.ready:
            self._follow(bars, columns, bounds, tick_ms, backfilled=backfilled, reading=reading)
            return
        self.estimator.rest()
        if self.ready and "positions" in columns:
            self.estimator.take_snapshots(columns["positions"], self.prices, bounds)
            self.read(bound=True)

    def _follow(
        self, bars: BarColumns, columns: Columns, bounds: dict[int, float], tick_ms: int, *, backfilled: bool,
        reading: bool,
    ) -> None:
        """The stretch of the price path since the last step that had one."""
        now, before_ms = self.now, self.now.time_ms or tick_ms
        path_before_ms, oi_ratio_before = now.path_ms or tick_ms, now.oi_ratio
        known_ms, now.path_ms = known_until(self.prices, self.trade_venue, tick_ms)
        now.time_ms = tick_ms
        if self.trust.due(tick_ms, apart=self.outliers.agreement.apart):
            self.trust.judge(self.outliers, self.bars, self.open_interest, bounds, tick_ms)
        self.estimator.worth.follow(self.outliers.quotes.of_venue, self.trust.weights)
        self.forced.begin_step(known_ms, now.path_ms)
        changed = self.open_interest.remember(tick_ms)
        now.oi_base = self.open_interest.total_base(now.reference_price)
        now.oi_ratio = self.open_interest.ratio
        self.funding.on_tick(tick_ms, self.trust.weighted(self.open_interest.reported_usd()))
        self._estimate(bars, columns, bounds, tick_ms - before_ms, backfilled=backfilled)
        self._follow_prices(bars, path_before_ms, oi_ratio_before)
        self._watch_whales()
        drawn_usd = self._remember_map()
        self._unread = not reading and not backfilled
        if (reading and not backfilled) or self.usual.due(tick_ms):
            self.read(drawn_usd, bound=not changed)
            for side in SIDES:
                self.sweeps.take_clusters(side, tick_ms, self.clusters[side])
            if self.usual.due(tick_ms):
                self.usual.remember(tick_ms, *(self._windows[side].excess_usd for side in SIDES))

    def _estimate(
        self, bars: BarColumns, columns: Columns, bounds: dict[int, float], elapsed_ms: int, *, backfilled: bool
    ) -> None:
        """The step's positions, what forced orders say of them, and how good the forecast was."""
        now, estimator = self.now, self.estimator
        position = position_of(now.reference_price)
        estimator.on_step(position, elapsed_ms, bars, self.prices, self.open_interest, bounds, now.time_ms)
        estimator.learn(self.forced, elapsed_ms, history=backfilled)
        if "positions" in columns:
            estimator.take_snapshots(columns["positions"], self.prices, bounds)
        self.evaluation.count_volume(sum(bars.volume_usd), elapsed_ms)
        # Few venues give past forced orders: a history without any says nothing about what prints.
        if not backfilled or estimator.calibration.sample_size() > 0:
            self.evaluation.on_step(
                estimator, self.prices, self.trade_venue, now.reference_price, now.time_ms, elapsed_ms
            )

    def _take_flows(self, columns: Columns) -> None:
        part = [ratio * trust for ratio, trust in zip(self.outliers.quotes.of_venue, self.trust.weights, strict=True)]
        for time_ms, venue, side, size_usd in _columns(columns, "liquidations", "side", "size_usd"):
            self._count(venue, self.forced.take_order(part[venue], time_ms, venue, side, size_usd))
        for time_ms, venue, *sums in _columns(columns, "totals", "span_ms", "long_usd", "short_usd"):
            self._count(venue, self.forced.take_totals(part[venue], time_ms, venue, *sums))
        rates = _columns(columns, "funding", "rate_pct", "interval_h", "rate_stage")
        for time_ms, venue, rate_pct, interval_h, stored in rates:
            self._count(venue, self.funding.take(time_ms, self.venues[venue], rate_pct, interval_h, stage_of(stored)))

    def _take_open_interest(self, columns: Columns) -> None:
        for time_ms, venue, oi_usd in _columns(columns, "open_interest", "oi_usd"):
            own = self.prices[venue]
            price = own.mark_price if own.known else self.now.reference_price / self.outliers.quotes.of_venue[venue]
            # A venue without a price of its own trades at everybody's.
            self._count(venue, self.open_interest.take(time_ms, self.venues[venue], oi_usd, price))

    def _without(self, columns: Columns, left_out: frozenset[int]) -> Columns:
        """Without the rows of these venues, which are counted. Their prices are refused already."""
        kept: dict[str, Rows] = {}
        for kind, rows in columns.items():
            stays = ~np.isin(rows["venue"], list(left_out))
            if kind not in _PRICES:
                for venue in rows["venue"][~stays].tolist():
                    self.prices[venue].rejected += 1
            kept[kind] = rows[stays]
        return kept

    def us_basis_pct(self, underlying_price: float) -> float:
        """How far US-regulated contracts that expire trade above the underlying; NaN without a live price of any."""
        live = set(self.outliers.live(self.now.time_ms)) if self._us_dated else ()
        bases = [change_pct(underlying_price, self.prices[venue].mark_price) for venue in self._us_dated
                 if venue in live]
        return sum(bases) / len(bases) if bases else ABSENT

    def _count(self, venue: int, believed: bool) -> None:  # noqa: FBT001 - the answer of a `take`
        if not believed:
            self.prices[venue].rejected += 1

    def bounds_base(self) -> dict[int, float]:
        """Open interest per venue that ever gave a price: its own, or its share of what the aggregate leaves."""
        known = [venue for venue, price in enumerate(self.prices) if price.known]
        silent = [self.venues[venue] for venue in known if not self.open_interest.known(self.venues[venue])]
        shares = dict(zip(silent, self.bars.volume_shares(silent), strict=True)) if silent else {}
        return {
            venue: self.open_interest.bound_base(
                self.venues[venue], shares.get(self.venues[venue], 0.0), self.prices[venue].mark_price
            )
            for venue in known
        }

    def _refer(self, bounds: dict[int, float], tick_ms: int) -> None:
        # What expires trades away from the index: its price places no position.
        live = [venue for venue in self.outliers.live(tick_ms) if venue not in self._us_dated]
        if live:
            trust = self.trust.weights
            weights = [bounds.get(venue, ABSENT) * trust[venue] for venue in live]
            pairs = [(self.outliers.usd_price(one), w if w > 0 else 0.0) for one, w in zip(live, weights, strict=True)]
            self.now.reference_price = reference_price(pairs)

    def _follow_prices(self, bars: BarColumns, path_before_ms: int, oi_ratio_before: float) -> None:
        """Returns, trend and range of the trade venue's mark; sweeps in distance from it."""
        now, traded = self.now, bars.of_venue.get(self.trade_venue, range(0))
        own = self.prices[self.trade_venue] if self.trade_venue >= 0 and self.prices[self.trade_venue].known else None
        reference = now.reference_price
        mark = own.mark_price if own else reference
        low = high = mark
        now.last_price = now.low_price = now.high_price = mark
        if own:
            ranges = [swept_range(own, bars, bar) for bar in traded or (-1,)]
            low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
            now.last_price = own.last_price if own.last_price == own.last_price else mark
            now.low_price = min([bars.low[bar] for bar in traded], default=low)
            now.high_price = max([bars.high[bar] for bar in traded], default=high)
        moved = self.estimator.worth.moved(self.trade_venue) if own else 1.0
        if moved != 1.0:
            low, high = self._follow_quote(low, high, mark, moved)
        self.bars.take_mark(now.time_ms, mark, low, high)
        split = [both for both in zip(bars.volume_usd, bars.imbalance_usd, strict=True) if both[1] == both[1]]
        self.sweeps.on_step(
            SweepStep(
                began_ms=path_before_ms,
                time_ms=now.time_ms,
                low_price=low * (reference / mark),
                high_price=high * (reference / mark),
                mark_price=reference,
                price_before=self.bars.price_ago(now.time_ms, self.params.sweeps.lookback_ms) * (reference / mark),
                volume_ratio=self.bars.volume_ratio if bars.rounds else ABSENT,
                range_pct=self.bars.range_pct,
                volume_usd=sum(bars.volume_usd),
                split_usd=sum(usd for usd, _ in split),
                imbalance_usd=sum(taken_usd for _, taken_usd in split) if split else ABSENT,
                oi_ratio=now.oi_ratio, oi_ratio_before=oi_ratio_before,
                highest_oi_ratio=self.open_interest.highest_since,
                oi_ms=self.open_interest.reported_ms,
                printed=self.forced.of_path,
                reported=self.forced.reports(now.time_ms),
                map_at=self.history.at,
            )
        )

    def _follow_quote(self, low: float, high: float, mark: float, moved: float) -> tuple[float, float]:
        """A departure of the traded quote is no move of the price: the past is put at today's rate, and of a step's
        range by the rate before and by today's the narrower end counts, around the mark."""
        self.bars.rescale(moved)
        return min(max(low, low * moved), mark), max(min(high, high * moved), mark)

    def _watch_whales(self) -> None:
        estimator = self.estimator
        if not estimator.reported and not self.whales.near:
            return
        venue_of = {row: self.venues[venue] for venue, row in estimator.row_of.items()}
        self.whales.on_step(
            {venue_of[row]: one for row, one in estimator.reported.state.snapshots.items()},
            {self.venues[venue]: self.prices[venue] for venue in estimator.row_of},
            {venue_of[row]: (low, high) for row, (_, low, high) in estimator.crossed.items()},
            self.now.time_ms,
        )

    def read(self, drawn_usd: tuple[Floats, Floats] | None = None, *, bound: bool = False) -> None:
        """Map, clusters, thin zones, warmth as the state has them: nothing here is remembered. `drawn_usd`: the map's
        sides, where they are known already. `bound`: positions were bound by open interest as it is now."""
        self._unread = False
        self.map = self.map_of(drawn_usd=drawn_usd)
        self._rescale()
        usual = self.usual.now()
        for side in SIDES:
            windows = self._windows[side] = windows_of(self.map, side, self.params.clusters)
            self.clusters[side] = clusters_in(windows, self.map, side, self.params.clusters, usual)
            fuel_usd = self.map.within_usd(side, self.params.clusters.fuel_distance_pct)
            self.sides[side] = SideView(side, fuel_usd, self.clusters[side], self.sweeps.latest(side))
        oi_usd = self.estimator.state.oi_usd if bound else self.estimator.oi_usd(self.prices, self.bounds_base())
        self.warmth_pct = self.estimator.warmth_pct(oi_usd)
        self.thin_zones = ThinZones(self.map, self.params.clusters)

    def catch_up(self) -> None:
        """Read the map where a step was folded without, before anything that comes later is known."""
        if self._unread:
            self.read()

    def _remember_map(self) -> tuple[Floats, Floats] | None:
        """What was drawn for it; None when it was not time to."""
        if not self.history.due(self.now.time_ms):
            return None
        reference, first = self.now.reference_price, self.estimator.state.positions.first_bin
        usd = self.estimator.open_usd(self.prices, reference)
        self.history.add(self.now.time_ms, reference, position_of(reference), first, usd)
        return usd

    def _rescale(self) -> None:
        """Usual sizes are given at the scale of the map as it is read: real over prior USD of all of it."""
        prior_usd = float(self.estimator.positions.prior_usd().sum())
        open_usd = self.map.total_usd(Side.LONG) + self.map.total_usd(Side.SHORT)
        if prior_usd > 0 and open_usd > 0:
            self.usual.scale = open_usd / prior_usd

    def clusters_now(self) -> tuple[Cluster, ...]:
        """Of both sides, read anew."""
        drawn, usual = self.map_of(), self.usual.now()
        return tuple(cluster for side in SIDES for cluster in clusters_of(drawn, side, self.params.clusters, usual))

    def map_of(
        self, venues: Sequence[int] | None = None, tiers: Sequence[int] | None = None, *,
        drawn_usd: tuple[Floats, Floats] | None = None,
    ) -> LiquidationMap:
        """The map at the reference price, of all or some venues (indices) and tiers."""
        reference, first = self.now.reference_price, self.estimator.state.positions.first_bin
        if drawn_usd is None:
            drawn_usd = self.estimator.open_usd(self.prices, reference, venues=venues, tiers=tiers)
        long_usd, short_usd = drawn_usd
        spread = self.estimator.calibration.open_spread(self.params.positions.error_share)
        return LiquidationMap(
            self.coin, self.now.time_ms, reference, edges()[first : first + BINS + 1], long_usd, short_usd,
            self._measured_usd(venues, tiers), spread, self.distances,
        )

    def _measured_usd(self, venues: Sequence[int] | None, tiers: Sequence[int] | None) -> Floats | None:
        """Of both sides; None where no venue reports its positions."""
        if not self.estimator.reported:
            return None
        long_usd, short_usd = self.estimator.open_usd(
            self.prices, self.now.reference_price, venues=venues, tiers=tiers, measured_only=True
        )
        found: Floats = long_usd + short_usd
        return found

    def forecasts(self, *horizons_h: int) -> tuple[Forecast, ...]:
        """Reported USD expected from each band that price visits within a horizon."""
        return self.evaluation.forecasts(
            self.coin, self.now.time_ms, horizons_h, self.estimator, self.prices, self.now.reference_price
        )

    def forecasts_at(self, time_ms: int) -> tuple[Forecast, ...]:
        """Of every horizon; () when steps were folded since `time_ms`."""
        return self.forecasts(*self.params.forecast.horizons_h) if self.now.time_ms == time_ms else ()


def _columns(columns: Columns, kind: str, *names: str) -> Iterator[tuple[Any, ...]]:
    """Time and venue index of each row of a kind, and its columns of these names."""
    rows = columns.get(kind)
    if rows is None:
        return iter(())
    return zip(*(rows[name].tolist() for name in ("time_ms", "venue", *names)), strict=True)
