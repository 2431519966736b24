"""`PositionEstimator`: from bars to positions: how much each venue's step opens and closes, within open interest."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from liqbot.blocks import Rows
from liqbot.instruments import AGGREGATE, split_venue_key
from liqbot.market.estimate import fold_kernels
from liqbot.market.estimate.calibration import Calibration, Order, Sums
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.closing_rate_fit import ClosingRateFit
from liqbot.market.estimate.coverage import coverage, rest_share, room_usd
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.kernels import BINS, LONG, SHORT, Floats, opened_usd
from liqbot.market.estimate.leverage_prior import LeveragePrior
from liqbot.market.estimate.position_layer import PositionLayer
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import position_of, positions_of
from liqbot.market.estimate.reported_positions import ReportedPositions, newest_snapshots
from liqbot.market.estimate.state import EstimateState
from liqbot.market.estimate.venue_worth import VenueWorth
from liqbot.market.observed.liquidations import ForcedFlow
from liqbot.market.observed.open_interest import OpenInterestFold
from liqbot.market.observed.prices import BarColumns, VenuePrice, swept_range
from liqbot.market.params import CalibrationParams, EstimateParams, PositionLayerParams
from liqbot.venues.registry import VENUES


class _Round(msgspec.Struct):
    """At most one bar of each venue; a list per column, prices in USD."""

    rows: list[int]
    low_price: list[float]
    high_price: list[float]
    mark_price: list[float]
    bars: list[int]
    """Which of the step's bars; -1 where a venue's marks alone moved."""
    by_trades: bool = True
    """Whether every mark swept what its bar traded in: no marks stream."""


class PositionEstimator:
    """One coin's estimate. Owns the `EstimateState` that the other modules of this room work on."""

    def __init__(
        self, coin: str, venues: Sequence[str], params: EstimateParams, calibration: CalibrationParams,
        layer: PositionLayerParams,
    ) -> None:
        self._coin, self._venues, self._params = coin, venues, params
        self._level = calibration.level_ratio
        self.state = EstimateState.empty(len(params.smear_factors), np.array(params.leverage_mix))
        self.closing = ClosingRate(params.leverages, params.close_h)
        self.positions = Positions(self.state.positions, self.closing)
        self.calibration = Calibration(calibration, self.state.calibration)
        self.layer = PositionLayer(layer, params.leveraged_share, self.state, self.calibration)
        self.closing_fit = ClosingRateFit(calibration, self.closing, self.state.closing)
        self.reported = ReportedPositions(self.closing, params.leverages, calibration, self.state.reported)
        self.leverage_prior = LeveragePrior(params, calibration, self.positions, self.state.leverage_prior)
        self.reported_usd: Floats = np.zeros((0, 2))
        """[row, side]: what feeds were expected to report of the last step's touches."""
        self.crossed: dict[int, tuple[float, float, float]] = {}
        """Per row that moved in the last step: where its mark stood before, its lowest and highest (positions)."""
        self.worth = VenueWorth(len(venues))
        self.orders: list[Order] = []
        self.sums: list[tuple[str, float, float]] = []
        """Forced orders, and sums of them by venue (longs, shorts), reported in the last step."""

    @property
    def row_of(self) -> dict[int, int]:
        """Venue index -> row, in the order venues were first seen trading."""
        return self.state.row_of

    def _row(self, venue: int) -> int | None:
        row = self.state.row_of.get(venue)
        if row is None and self._mapped(self._venues[venue]):
            facts = VENUES.get(split_venue_key(self._venues[venue])[0])
            completeness = facts.liquidations.completeness if facts is not None else None
            row = self.state.add_venue(
                venue, shifts_of(self._venues[venue], self._coin, self._params), self._level,
                complete=completeness == "complete", silent=completeness == "none",
            )  # fmt: skip
        return row

    @staticmethod
    def _mapped(venue: str) -> bool:
        """Venues whose mark never force-closes anybody hold no mass."""
        facts = VENUES.get(split_venue_key(venue)[0])
        return venue != AGGREGATE and (facts is None or facts.mapped)

    # --- the update ---------------------------------------------------------------------------------------------------

    def decay(self, position: float, elapsed_ms: int) -> None:
        """The window follows the reference; owners close positions."""
        self.positions.centre(position)
        self.positions.decay(elapsed_ms)

    def on_step(
        self,
        bars: BarColumns,
        prices: Sequence[VenuePrice],
        open_interest: OpenInterestFold,
        bounds_base: Mapping[int, float],
        now_ms: int,
    ) -> None:
        """Bars of one venue in order, venues side by side; a venue with marks alone is only swept."""
        self.state.now_ms = now_ms
        self.positions.begin_step()
        self.reported.begin_step()
        self.crossed = {}
        moved = {venue for venue, price in enumerate(prices) if price.step_low == price.step_low}
        for number in range(bars.rounds or (1 if moved else 0)):
            venues = sorted(bars.of_venue.keys() | moved) if number == 0 else sorted(bars.of_venue)
            self._take_round(self._round(bars, number, venues, prices), bars, open_interest, bounds_base)
        self._bound(prices, bounds_base)

    def _round(self, bars: BarColumns, number: int, venues: list[int], prices: Sequence[VenuePrice]) -> _Round:
        found = _Round([], [], [], [], [])
        for venue in venues:
            of_venue = bars.of_venue.get(venue, range(0))
            bar = of_venue[number] if number < len(of_venue) else -1
            row = self._row(venue) if bar >= 0 or number == 0 else None
            if row is not None:
                low_price, high_price = swept_range(prices[venue], bars, bar)
                found.rows.append(row)
                found.low_price.append(low_price)
                found.high_price.append(high_price)
                found.mark_price.append(prices[venue].mark_price)
                found.bars.append(bar)
                if bar < 0 or low_price != bars.low[bar] or high_price != bars.high[bar]:
                    found.by_trades = False
        return found

    def _take_round(
        self, taken: _Round, bars: BarColumns, open_interest: OpenInterestFold, bounds_base: Mapping[int, float]
    ) -> None:
        """Sweep every row of the round, then open."""
        if not taken.rows:
            return
        lows, highs = positions_of(taken.low_price), positions_of(taken.high_price)
        rows, swept = np.array(taken.rows), np.array((lows, highs))
        self._touch(taken.rows, lows, highs, positions_of(taken.mark_price))
        self.positions.touch(rows, swept[0], swept[1])
        opening: list[int] = []
        opened: list[tuple[float, float]] = []
        for index, (row, bar) in enumerate(zip(taken.rows, taken.bars, strict=True)):
            if bar < 0:
                continue
            if row in self.state.unseen_rows:
                self.state.unseen_usd[row] *= self.closing.kept_share(bars.span_ms[bar])
            if bars.volume_usd[bar] > 0:
                opening.append(index)
                opened.append(self._opened_usd(bars, bar, open_interest, bounds_base))
        if opening:
            if len(opening) < len(rows):
                rows, swept = rows[opening], np.ascontiguousarray(swept[:, opening])
            entries, usd = swept, np.array(opened)
            if not taken.by_trades:
                traded = [taken.bars[index] for index in opening]
                entries = np.array([positions_of(column[bar] for bar in traded) for column in (bars.low, bars.high)])
            self.positions.open(rows, entries, usd, swept)

    def _opened_usd(
        self, bars: BarColumns, bar: int, open_interest: OpenInterestFold, bounds_base: Mapping[int, float]
    ) -> tuple[float, float]:
        """(Longs, shorts) that one bar opened."""
        venue = bars.venue[bar]
        change_usd = open_interest.change_usd(
            self._venues[venue], bounds_base.get(venue, 0.0), bars.close[bar], self.state.now_ms, bars.span_ms[bar]
        )
        return opened_usd(
            bars.volume_usd[bar], bars.imbalance_usd[bar], change_usd, self._params.taker_weight,
            self._params.activity_share,
        )  # fmt: skip

    def _touch(self, rows: list[int], lows: list[float], highs: list[float], marks: list[float]) -> None:
        """Note what each row's mark crossed, and where it stands now: what it crosses next is new from there on.

        Positions that venues reported one by one are touched one by one.
        """
        for row, low, high, mark in zip(rows, lows, highs, marks, strict=True):
            self.reported.touch(row, low, high, self.state.now_ms)
            before = self.crossed.get(row)
            if before is None:
                start = self.state.mark.item(row)
                self.crossed[row] = start if start == start else low, low, high
            else:
                self.crossed[row] = before[0], min(before[1], low), max(before[2], high)
            self.state.mark[row] = mark

    def rest(self) -> None:
        """A step without a price: nothing is touched, nothing promised, and nothing compared."""
        self.crossed, self.orders, self.sums = {}, [], []
        self.reported_usd = np.zeros_like(self.reported_usd)

    # --- learning -----------------------------------------------------------------------------------------------------

    def learn(self, forced: ForcedFlow, elapsed_ms: int, *, history: bool = False) -> None:
        """Compare what the step's touches promised with the forced orders in it; `history`: before the start."""
        positions, reporting = self.state.positions, self.state.calibration.reporting
        modelled_usd = np.add.reduce(positions.touched_usd, axis=2) * reporting[:, None]
        self.reported_usd = modelled_usd + self.reported.expect(modelled_usd, reporting, elapsed_ms)
        sums, orders = self._take_forced(forced), self.orders
        touched_usd, hazard_usd = positions.touched_prior_usd, positions.touched_hazard_usd
        if self.reported:
            self.reported.count(orders)
        self.calibration.on_step(
            touched_usd, orders, sums, elapsed_ms, leverage_prior=self.state.leverage_prior.ratio, history=history
        )
        positions.multiplier = self.calibration.multiplier()
        self.closing_fit.on_step(touched_usd, hazard_usd, orders, sums, self.calibration, elapsed_ms, history=history)

    def _take_forced(self, forced: ForcedFlow) -> list[Sums]:
        """Keep the step's orders and sums of mapped venues; the sums with the rows that they are of.

        An aggregate is of the venues that reported nothing themselves.
        """
        self.orders, self.sums = [], []
        if not forced.of_venue:
            return []
        for one in forced.of_venue:
            row = self.row_of.get(one.venue)
            if one.span_ms:
                self.sums.append((self._venues[one.venue], one.long_usd, one.short_usd))
            elif row is not None:
                side = LONG if one.long_usd > 0 else SHORT
                self.orders.append((row, side, one.long_usd + one.short_usd))
        row_of = {self._venues[venue]: row for venue, row in self.row_of.items()}
        others = [row for venue, row in row_of.items() if not forced.reported_by(venue)]
        self.sums = [one for one in self.sums if one[0] in row_of or (one[0] == AGGREGATE and others)]
        return [
            (others if venue == AGGREGATE else [row_of[venue]], long_usd, short_usd)
            for venue, long_usd, short_usd in self.sums
        ]

    def take_snapshots(self, rows: Rows, prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]) -> None:
        """Positions that venues report one by one take the place of the modelled ones they cover."""
        for venue, sides in newest_snapshots(rows).items():
            row = self.row_of.get(venue)
            if row is None or not prices[venue].known:
                continue
            oi_usd, mark = bounds_base.get(venue, 0.0) * prices[venue].mark_price, position_of(prices[venue].mark_price)
            covers = coverage(sides, mark, oi_usd, self._params.leveraged_share)
            self.leverage_prior.compare(row, sides, mark, self.state.now_ms)
            rest = rest_share(self.leverage_prior.held_usd(row, mark), sides, mark, covers.of_leveraged)
            self.positions.cover(row, 1.0 - rest)
            self.reported.replace(row, sides, mark, covers, self.state.now_ms)
        self._bound(prices, bounds_base)

    def _bound(self, prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]) -> None:
        state, oi_usd = self.state, self._oi_usd(prices, bounds_base)
        most_usd = self._params.leveraged_share * np.repeat(oi_usd[:, None], 2, axis=1)
        if self.reported:
            self._leave_room(most_usd, oi_usd)
        self.positions.bound(most_usd)
        state.oi_usd, state.room_usd = oi_usd, most_usd
        if len(state.unseen_rows) < len(oi_usd):
            for row, row_usd in enumerate((self._params.leveraged_share * oi_usd).tolist()):
                if row not in state.unseen_rows and row_usd < float("inf"):
                    state.unseen_rows.append(row)
                    state.unseen_usd[row] = row_usd * self.positions.open_mix(row)

    def _leave_room(self, most_usd: Floats, oi_usd: Floats) -> None:
        """Reported and modelled positions together are never more than open interest. `out`: most_usd."""
        now_ms = self.state.now_ms
        self.positions.leave_out_covered(list(self.reported.state.snapshots))
        for row in self.reported.state.snapshots:
            self.reported.bound(row, oi_usd.item(row), now_ms)
            for side in (LONG, SHORT):
                near_usd, far_usd = self.reported.standing_usd(row, side, now_ms)
                if oi_usd[row] < np.inf:
                    most_usd[row, side] = room_usd(near_usd, far_usd, oi_usd.item(row), self._params.leveraged_share)

    def _oi_usd(self, prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]) -> Floats:
        """One-sided open interest per row; infinity where it is not known."""
        found = np.full(self.state.positions.rows, np.inf)
        for venue, row in self.row_of.items():
            oi_usd = bounds_base.get(venue, 0.0) * prices[venue].mark_price
            if oi_usd > 0:
                found[row] = oi_usd
        return found

    # --- reading ------------------------------------------------------------------------------------------------------

    def warmth_pct(self, bounds_base: Mapping[int, float], prices: Sequence[VenuePrice]) -> tuple[float, float]:
        """Modelled positions, all of which were seen being opened, against those and the unseen ones still open.

        (long, short). The unseen ones close at the same rates while a venue is watched, and are never more than open
        interest leaves room for. NaN before any venue's open interest is known.
        """
        state = self.state
        if not state.unseen_rows:
            return float("nan"), float("nan")
        seen, unseen = [0.0, 0.0], [0.0, 0.0]
        # In prior USD on both sides of the comparison: what was learnt about the whole says nothing about the share.
        most_usd = (self._params.leveraged_share * self._oi_usd(prices, bounds_base)).tolist()
        totals = np.add.reduce(self.positions.beside_usd(), axis=2).tolist()
        left = (state.unseen_usd[:, None] * state.positions.beside).tolist()
        for row in state.unseen_rows:
            for side in (LONG, SHORT):
                left_usd = sum(left[row][side])
                known_usd = totals[row][side] + self.reported.total_usd(row, side, state.now_ms)
                seen[side] += known_usd
                unseen[side] += max(0.0, min(left_usd, most_usd[row] - known_usd))
        long_pct, short_pct = (
            100.0 * seen[side] / (seen[side] + unseen[side]) if seen[side] > 0 else 0.0 for side in (LONG, SHORT)
        )
        return long_pct, short_pct

    def open_usd(
        self,
        prices: Sequence[VenuePrice],
        reference_price: float,
        *,
        venues: Sequence[int] | None = None,
        tiers: Sequence[int] | None = None,
        measured_only: bool = False,
        weighted: bool = True,
    ) -> tuple[Floats, Floats]:
        """(Longs, shorts) of the position layer: USD per bin of the window, every venue moved from its own mark to the
        reference.

        `venues`, `tiers`: of some alone. `measured_only`: without what is modelled. `weighted`: by trust in each venue.
        """
        out = np.zeros(BINS), np.zeros(BINS)
        first, now_ms, learnt = self.state.positions.first_bin, self.state.now_ms, self.layer.learnt()
        for venue, row, offset, quote_ratio, usd_ratio in self.worth.placed(self.row_of, prices, reference_price):
            if venues is not None and venue not in venues:
                continue
            part = usd_ratio if weighted else quote_ratio
            if not measured_only:
                self.layer.draw(row, learnt, self._covered(row), offset, part, out, tiers)
            if self.reported.newest(row) is not None:
                for side in (LONG, SHORT):
                    usd = self.reported.line(row, side, first, BINS, now_ms, tiers)
                    fold_kernels.add_moved(out[side], 0, usd if part == 1.0 else usd * part, offset)
        return out

    def reportable_usd(self, prices: Sequence[VenuePrice], reference_price: float) -> tuple[Floats, Floats]:
        """(Longs, shorts) of the forecast layer: USD per bin of the window that its feeds are expected to report when
        price arrives, moved likewise."""
        out = np.zeros(BINS), np.zeros(BINS)
        first, now_ms, ratio = self.state.positions.first_bin, self.state.now_ms, self.reported.ratio
        for _, row, offset, _, part in self.worth.placed(self.row_of, prices, reference_price):
            share, reports = self.state.calibration.reporting.item(row) * part, self.reported.newest(row) is not None
            for side in (LONG, SHORT):
                start, usd = self.positions.line(row, side)
                fold_kernels.add_moved(out[side], start, usd * share, offset)
                if reports:
                    usd = self.reported.line(row, side, first, BINS, now_ms)
                    fold_kernels.add_moved(out[side], 0, usd * (share * ratio), offset)
        return out

    def _covered(self, row: int) -> tuple[float, float]:
        """Share of a row's leveraged positions that its newest snapshot tells, (longs, shorts)."""
        newest = self.reported.newest(row)
        return newest.covers.of_leveraged if newest is not None else (0.0, 0.0)

    def side_totals_usd(self) -> list[tuple[float, float]]:
        """(long, short) open per row, whatever trust there is in its venue."""
        found, learnt = [], self.layer.learnt()
        rate_of = {row: self.worth.rates[venue] for venue, row in self.row_of.items()}
        for row in range(self.state.positions.rows):
            modelled = self.layer.lines(row, learnt, self._covered(row))
            own = [self.reported.total_usd(row, side, self.state.now_ms) for side in (LONG, SHORT)]
            long_usd, short_usd = (float(usd.sum()) + one for (_, usd), one in zip(modelled, own, strict=True))
            found.append((long_usd * rate_of[row], short_usd * rate_of[row]))
        return found

    def load_state(self, record: dict[str, object]) -> None:
        """The state from a snapshot."""
        self.state.load_state(record)
        self.closing_fit.set_pace()
