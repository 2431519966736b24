"""`CoinMarket`: all that is folded of one coin, step by step, and its map as it stands."""

from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.estimate.cells import BINS
from liqbot.market.estimate.entry_to_liquidation import LONG, SHORT, Floats
from liqbot.market.estimate.estimate import PositionEstimator
from liqbot.market.estimate.price_grid import edges, position_of
from liqbot.market.forecast.evaluation import ForecastEvaluation
from liqbot.market.forecast.forecast import Forecast
from liqbot.market.map.clusters import ThinZones, clusters_of
from liqbot.market.map.history import MapHistory
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.sweeps import SweepsFold, SweepStep
from liqbot.market.map.zones import Cluster
from liqbot.market.observed.bars import BarsFold
from liqbot.market.observed.funding import FundingFold
from liqbot.market.observed.health import VenueHealth
from liqbot.market.observed.liquidations import ForcedFlow
from liqbot.market.observed.open_interest import AGGREGATE, OpenInterestFold
from liqbot.market.observed.outliers import OutlierFilter, Rows
from liqbot.market.observed.prices import PriceBar, VenuePrice, reference_price, swept_range
from liqbot.market.observed.sampled_series import SampledSeries
from liqbot.market.params import MarketParams
from liqbot.market.view import SideView

ABSENT = float("nan")
SIDES: Final = (Side.LONG, Side.SHORT)
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


class CoinMarket:
    """`fold` a step that has rows of this coin; then read. `map`, `clusters` and `thin_zones` follow from the state."""

    def __init__(self, coin: str, venues: Sequence[str], trade_venue: str, params: MarketParams) -> None:
        self.coin, self.venues, self.params = coin, venues, params
        self.home = venues.index(trade_venue) if trade_venue in venues else -1
        self.intake = OutlierFilter(venues, venues.index(AGGREGATE) if AGGREGATE in venues else -1, params.health)
        self.exposure = PositionEstimator(coin, venues, params.estimate, params.calibration)
        self.open_interest = OpenInterestFold(params.estimate, params.rolling)
        self.funding = FundingFold(params.rolling)
        self.foresight = ForecastEvaluation(params.forecast, params.scoring)
        self.history = MapHistory(coin, params.history)
        self.forced = ForcedFlow()
        self.bars = BarsFold(params.rolling)
        self.sweeps = SweepsFold(params.sweeps)
        self.now = Now()
        self.largest = [SampledSeries(params.clusters.history_step_ms, params.clusters.history_ms) for _ in SIDES]
        self.usual_read = (ABSENT, ABSENT)
        """Median of the largest cluster, (long, short), that the present clusters were measured against."""
        self._usual_next: tuple[float, float] | None = None
        """The same for the next step; None: to be taken from the history anew."""
        self.map = _NO_MAP
        self.clusters: dict[Side, tuple[Cluster, ...]] = dict.fromkeys(SIDES, ())
        self.sides = {side: SideView(side, 0.0, (), None) for side in SIDES}
        self.thin_zones = ThinZones(self.map, params.clusters)
        self.warmth_pct = (ABSENT, ABSENT)
        """Positions seen being opened against all that must be open, (long, short); NaN without open interest."""

    @property
    def prices(self) -> list[VenuePrice]:
        return self.intake.prices

    @property
    def ready(self) -> bool:
        """Whether any venue ever gave a believable price."""
        return self.now.reference_price == self.now.reference_price

    def fold(self, rows: Rows, tick_ms: int, *, backfilled: bool = False, reading: bool = True) -> None:
        """One step. Nobody decides on history, so while it is backfilled the map is read only when it is remembered."""
        before_ms = self.now.time_ms or tick_ms
        self.now.time_ms = tick_ms
        oi_base_before = self.now.oi_base
        taken = self.intake.take(rows)
        self._take_flows(rows)
        if taken:
            self.bars.take_bars({self.venues[code]: bars for code, bars in taken.items()})
        bounds = self._bounds_base()
        self._refer(bounds, tick_ms)
        self._take_open_interest(rows, tick_ms)
        self.funding.on_tick(tick_ms, self.open_interest.told_base())
        if not self.ready:
            return
        self.exposure.decay(position_of(self.now.reference_price), tick_ms - before_ms)
        self.exposure.on_step(taken, self.prices, self.open_interest, bounds, tick_ms)
        self.exposure.learn(self.forced, tick_ms - before_ms, history=backfilled)
        self.exposure.measure(rows.get("positions", ()), self.prices, bounds)
        volume_usd = sum(bar.volume_usd for bars in taken.values() for bar in bars)
        self.foresight.count_volume(volume_usd, tick_ms - before_ms)
        # Few venues give past forced orders: a history without any says nothing about what prints.
        if not backfilled or self.exposure.calibration.orders_heard() > 0:
            self.foresight.on_step(
                self.exposure, self.prices, self.home, self.now.reference_price, tick_ms, tick_ms - before_ms
            )
        self._follow_prices(taken, before_ms, oi_base_before)
        self._remember_map()
        if (reading and not backfilled) or any(history.due(tick_ms) for history in self.largest):
            self.usual_read = self._usual_usd()
            self.read(bounds if "open_interest" not in rows else None)
            for side in SIDES:
                self.sweeps.know(side, self.clusters[side])
            self._remember_largest()

    def _take_flows(self, rows: Rows) -> None:
        self.forced.begin_step()
        for time_ms, code, _, side, _, size_usd in rows.get("liquidations", ()):
            self._count(code, self.forced.take_order(time_ms, self.venues[code], side, size_usd))
        for time_ms, code, _, span_ms, long_usd, short_usd in rows.get("totals", ()):
            self._count(code, self.forced.take_totals(time_ms, self.venues[code], span_ms, long_usd, short_usd))
        for time_ms, code, _, rate_pct, interval_h in rows.get("funding", ()):
            self._count(code, self.funding.take(time_ms, self.venues[code], rate_pct, interval_h))

    def _take_open_interest(self, rows: Rows, tick_ms: int) -> None:
        told = rows.get("open_interest", ())
        for time_ms, code, _, oi_usd in told:
            own = self.prices[code]
            price = own.mark_price if own.known else self.now.reference_price
            # A venue that has not been heard of trades at everybody's price.
            self._count(code, self.open_interest.take(time_ms, self.venues[code], oi_usd, price))
        if told and self.open_interest.told_any:
            self.open_interest.remember(tick_ms)
            self.now.oi_base = self.open_interest.total_base()

    def _count(self, code: int, believed: bool) -> None:  # noqa: FBT001 - the answer of a `take`
        if not believed:
            self.prices[code].rejected += 1

    def _bounds_base(self) -> dict[int, float]:
        """Open interest per venue that ever gave a price: its own, or its share of what the aggregate leaves."""
        codes = [code for code, price in enumerate(self.prices) if price.known]
        untold = [self.venues[code] for code in codes if not self.open_interest.known(self.venues[code])]
        shares = dict(zip(untold, self.bars.volume_shares(untold), strict=True)) if untold else {}
        return {
            code: self.open_interest.bound_base(self.venues[code], shares.get(self.venues[code], 0.0)) for code in codes
        }

    def _refer(self, bounds: dict[int, float], tick_ms: int) -> None:
        live = self.intake.live(tick_ms)
        if live:
            weights = [bounds.get(code, ABSENT) for code in live]
            pairs = [(self.prices[code].mark_price, w if w > 0 else 0.0) for code, w in zip(live, weights, strict=True)]
            self.now.reference_price = reference_price(pairs)

    def _follow_prices(self, taken: dict[int, list[PriceBar]], before_ms: int, oi_base_before: float) -> None:
        """Returns, trend and range of the home venue's mark; sweeps in distance from it."""
        now, bars = self.now, taken.get(self.home, [])
        home = self.prices[self.home] if self.home >= 0 and self.prices[self.home].known else None
        reference = now.reference_price
        mark = home.mark_price if home else reference
        low = high = mark
        now.last_price = now.low_price = now.high_price = mark
        if home:
            ranges = [swept_range(home, bar) for bar in bars] or [swept_range(home, None)]
            low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
            now.last_price = home.last_price if home.last_price == home.last_price else mark
            now.low_price = min([bar.low for bar in bars], default=low)
            now.high_price = max([bar.high for bar in bars], default=high)
        self.bars.take_mark(now.time_ms, mark, low, high)
        split = [bar for venue_bars in taken.values() for bar in venue_bars if bar.imbalance_usd == bar.imbalance_usd]
        self.sweeps.on_step(
            SweepStep(
                began_ms=before_ms,
                time_ms=now.time_ms,
                low_price=low * (reference / mark),
                high_price=high * (reference / mark),
                mark_price=reference,
                price_before=self.bars.price_ago(now.time_ms, self.params.sweeps.lookback_ms) * (reference / mark),
                volume_ratio=self.bars.volume_ratio if taken else ABSENT,
                volume_usd=sum(bar.volume_usd for bar in split),
                imbalance_usd=sum(bar.imbalance_usd for bar in split) if split else ABSENT,
                oi_base=now.oi_base,
                oi_base_before=oi_base_before,
                oi_ms=self.open_interest.told_ms,
                printed=self.forced.printed,
                reported=self.forced.reports(now.time_ms),
            )
        )

    def read(self, bounds: dict[int, float] | None = None) -> None:
        """Map, clusters, thin zones, warmth as the state has them: nothing here is remembered."""
        self.map = self.drawn()
        for side, usual_usd in zip(SIDES, self.usual_read, strict=True):
            self.clusters[side] = clusters_of(self.map, side, usual_usd, self.params.clusters)
            fuel_usd = self.map.within_usd(side, self.params.clusters.fuel_distance_pct)
            self.sides[side] = SideView(side, fuel_usd, self.clusters[side], self.sweeps.latest(side))
        self.warmth_pct = self.exposure.warmth_pct(self._bounds_base() if bounds is None else bounds, self.prices)
        self.thin_zones = ThinZones(self.map, self.params.clusters)

    def _remember_map(self) -> None:
        if self.history.due(self.now.time_ms):
            reference, first = self.now.reference_price, self.exposure.positions.window_first
            long_usd, short_usd = (self.exposure.drawn(side, self.prices, reference) for side in (LONG, SHORT))
            self.history.add(self.now.time_ms, reference, position_of(reference), first, (long_usd, short_usd))

    def _remember_largest(self) -> None:
        for side, history in zip(SIDES, self.largest, strict=True):
            if self.clusters[side] and history.due(self.now.time_ms):
                history.add(self.now.time_ms, self.clusters[side][0].usd / self.exposure.calibration.scale)
                self._usual_next = None

    def _usual_usd(self) -> tuple[float, float]:
        """Median of the largest cluster, (long, short). Taken before the step's own clusters are remembered."""
        if self._usual_next is None:
            medians = []
            for history in self.largest:
                ordered = sorted(history.values)
                median = ordered[len(ordered) // 2] if ordered else 0.0
                enough = len(ordered) >= self.params.clusters.history_count_min and median > 0
                medians.append(median if enough else ABSENT)
            self._usual_next = medians[0], medians[1]
        # Remembered without the scale: what is learnt about all of the map makes no cluster large or small.
        scale = self.exposure.calibration.scale
        return self._usual_next[0] * scale, self._usual_next[1] * scale

    def drawn(self, codes: Sequence[int] | None = None, tiers: Sequence[int] | None = None) -> LiquidationMap:
        """The map at the reference price, of all or some venues and tiers."""
        reference, first = self.now.reference_price, self.exposure.positions.window_first
        usd = [
            self.exposure.drawn(side, self.prices, reference, codes=codes, tiers=tiers) for side in (LONG, SHORT)
        ]
        return LiquidationMap(
            self.coin, self.now.time_ms, reference, edges()[first : first + BINS + 1], usd[LONG], usd[SHORT],
            self._measured_usd(codes, tiers),
        )

    def _measured_usd(self, codes: Sequence[int] | None, tiers: Sequence[int] | None) -> Floats | None:
        """Of both sides; None where no venue tells its positions."""
        if not self.exposure.measured:
            return None
        long_usd, short_usd = (
            self.exposure.drawn(
                side, self.prices, self.now.reference_price, codes=codes, tiers=tiers, measured_only=True
            )
            for side in (LONG, SHORT)
        )
        found: Floats = long_usd + short_usd
        return found

    def forecast(self, horizon_h: int) -> Forecast:
        """Reported USD expected from each band that price visits within the horizon."""
        return self.foresight.forecast(
            self.coin, self.now.time_ms, horizon_h, self.exposure, self.prices, self.now.reference_price
        )

    def venue_health(self, now_ms: int) -> tuple[VenueHealth, ...]:
        """Every venue that ever gave a price, in the roster's order."""
        bounds, totals = self._bounds_base(), self.exposure.side_totals_usd()
        return tuple(
            VenueHealth(
                venue=self.venues[code],
                mark_price=price.mark_price,
                age_ms=now_ms - price.seen_ms,
                stale=self.intake.stale(code, now_ms),
                down=self.intake.health.down(self.venues[code]),
                rejected=price.rejected,
                oi_usd=bounds[code] * price.mark_price,
                long_usd=totals[self.exposure.row_of[code]][LONG] if code in self.exposure.row_of else 0.0,
                short_usd=totals[self.exposure.row_of[code]][SHORT] if code in self.exposure.row_of else 0.0,
                measured_share=self.exposure.measured.share(self.exposure.row_of.get(code, -1)),
            )
            for code, price in enumerate(self.prices)
            if price.known
        )
