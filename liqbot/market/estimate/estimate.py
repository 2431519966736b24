"""`PositionEstimator`: from bars to positions: how much each venue's step opens and closes, within open interest."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from liqbot.blocks import Rows
from liqbot.instruments import AGGREGATE, split_venue_key
from liqbot.market.estimate import fold_kernels, map_kernels
from liqbot.market.estimate.calibration import Calibration, Order, Sums
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.closing_rate_fit import ClosingRateFit
from liqbot.market.estimate.coverage import coverage, rest_share, room_usd
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.kernels import BINS, LONG, SHORT, Floats
from liqbot.market.estimate.leverage_prior import LeveragePrior
from liqbot.market.estimate.moved_rows import MovedRows
from liqbot.market.estimate.position_layer import PositionLayer
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.estimate.reported_positions import ReportedPositions, newest_snapshots
from liqbot.market.estimate.state import EstimateState
from liqbot.market.estimate.venue_worth import VenueWorth
from liqbot.market.observed.liquidations import ForcedFlow
from liqbot.market.observed.open_interest import OpenInterestFold
from liqbot.market.observed.prices import BarColumns, VenuePrice
from liqbot.market.params import CalibrationParams, EstimateParams, PositionLayerParams
from liqbot.venues.registry import VENUES

_EITHER_SIDE: Final = np.ones(2)


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
        self._grown = False
        """Whether the last step had rows that none before had."""
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

    def on_step(
        self,
        position: float,
        elapsed_ms: int,
        bars: BarColumns,
        prices: Sequence[VenuePrice],
        open_interest: OpenInterestFold,
        bounds_base: Mapping[int, float],
        now_ms: int,
    ) -> None:
        """The window follows the reference's `position`, and owners close positions. Then bars of one venue in order,
        venues side by side; a venue with marks alone is only swept."""
        self.state.now_ms = now_ms
        self.positions.centre(position)
        rows_before = self.state.positions.rows
        step = self._rows_of(bars, prices, open_interest, bounds_base)
        self._grown = self.state.positions.rows > rows_before
        if self.reported:
            self.reported.begin_step()
            for row, low, high in step.touches():
                self.reported.touch(row, low, high, now_ms)
        self._move(step, rows_before, elapsed_ms)
        self._bound(prices, bounds_base)

    def _rows_of(
        self, bars: BarColumns, prices: Sequence[VenuePrice], open_interest: OpenInterestFold,
        bounds_base: Mapping[int, float],
    ) -> MovedRows:
        found = MovedRows()
        moved = {venue for venue, price in enumerate(prices) if price.step_low == price.step_low}
        for number in range(bars.rounds or (1 if moved else 0)):
            for venue in sorted(bars.of_venue.keys() | moved) if number == 0 else sorted(bars.of_venue):
                of_venue = bars.of_venue.get(venue, range(0))
                bar = of_venue[number] if number < len(of_venue) else -1
                row = self._row(venue) if bar >= 0 or number == 0 else None
                if row is not None:
                    traded = bar >= 0 and bars.volume_usd[bar] > 0
                    change_usd = self._change_usd(bars, bar, open_interest, bounds_base) if traded else 0.0
                    found.add(row, prices[venue], bars, bar, change_usd)
            found.end_round()
        return found

    def _change_usd(
        self, bars: BarColumns, bar: int, open_interest: OpenInterestFold, bounds_base: Mapping[int, float]
    ) -> float:
        """Of open interest, in one bar."""
        venue = bars.venue[bar]
        return open_interest.change_usd(
            self._venues[venue], bounds_base.get(venue, 0.0), bars.close[bar], self.state.now_ms, bars.span_ms[bar]
        )

    def _move(self, step: MovedRows, rows_before: int, elapsed_ms: int) -> None:
        """Note what each row's mark crossed, and where it stands now: what it crosses next is new from there on."""
        state, crossed = self.state, np.empty((self.state.positions.rows, 3))
        crossed.fill(np.nan)
        if not self.positions.move(
            *step.arrays(), state.mark, state.unseen_usd, state.is_unseen(), crossed, rows_before, elapsed_ms,
            self._params.taker_weight, self._params.activity_share,
        ):  # fmt: skip
            step.require_on_grid()
        paths = crossed.tolist()
        self.crossed = {row: (paths[row][0], paths[row][1], paths[row][2]) for row in step.first_round()}

    def rest(self) -> None:
        """A step without a price: nothing is touched, nothing promised, and nothing compared."""
        self.crossed, self.orders, self.sums = {}, [], []
        self.reported_usd = np.zeros_like(self.reported_usd)

    # --- learning -----------------------------------------------------------------------------------------------------

    def learn(self, forced: ForcedFlow, elapsed_ms: int, *, history: bool = False) -> None:
        """Compare what the step's touches promised with the forced orders in it; `history`: before the start."""
        positions, reporting = self.state.positions, self.state.calibration.reporting
        modelled_usd = np.add.reduce(positions.touched_usd, axis=2) * reporting[:, None]
        self.reported_usd = modelled_usd
        sums, orders = self._take_forced(forced), self.orders
        touched_usd, hazard_usd = positions.touched_prior_usd, positions.touched_hazard_usd
        if self.reported:
            self.reported_usd = modelled_usd + self.reported.expect(modelled_usd, reporting, elapsed_ms)
            self.reported.count(orders)
        self.calibration.on_step(
            touched_usd, orders, sums, elapsed_ms, leverage_prior=self.state.leverage_prior.ratio, history=history
        )
        if orders or sums or self._grown:
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
        state, oi_usd = self.state, self.oi_usd(prices, bounds_base)
        most_usd = (self._params.leveraged_share * oi_usd)[:, None] * _EITHER_SIDE
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

    def oi_usd(self, prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]) -> Floats:
        """One-sided open interest per row; infinity where it is not known."""
        found = [bounds_base.get(venue, 0.0) * prices[venue].mark_price for venue in self.row_of]
        return np.array([oi_usd if oi_usd > 0 else np.inf for oi_usd in found])

    # --- reading ------------------------------------------------------------------------------------------------------

    def warmth_pct(self, oi_usd: Floats) -> tuple[float, float]:
        """Modelled positions, all of which were seen being opened, against those and the unseen ones still open, by
        open interest `oi_usd[row]`.

        (long, short). The unseen ones close at the same rates while a venue is watched, and are never more than open
        interest leaves room for. NaN before any venue's open interest is known.
        """
        state = self.state
        if not state.unseen_rows:
            return float("nan"), float("nan")
        # In prior USD on both sides of the comparison: what was learnt about the whole says nothing about the share.
        most_usd = self._params.leveraged_share * oi_usd
        rows, told_usd = state.unseen_rows, np.zeros((len(state.unseen_rows), 2))
        if self.reported:
            told_usd[:] = [[self.reported.total_usd(row, side, state.now_ms) for side in (LONG, SHORT)] for row in rows]
        positions = state.positions
        seen, unseen = map_kernels.seen_and_unseen(
            positions.total, positions.scale, positions.beside, state.unseen_usd, most_usd, told_usd, np.array(rows)
        )
        long_pct, short_pct = (
            100.0 * seen_usd / (seen_usd + unseen_usd) if seen_usd > 0 else 0.0
            for seen_usd, unseen_usd in zip(seen.tolist(), unseen.tolist(), strict=True)
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
        placed = [
            one for one in self.worth.placed(self.row_of, prices, reference_price)
            if venues is None or one.venue in venues
        ]
        parts = [one.usd_ratio if weighted else one.quote_ratio for one in placed]
        if not self.reported and not measured_only:
            self.layer.draw(placed, parts, learnt, [0.0] * len(placed), out, tiers)
            return out
        for one, part in zip(placed, parts, strict=True):
            if not measured_only:
                self.layer.draw([one], [part], learnt, [sum(self._covered(one.row))], out, tiers)
            if self.reported.newest(one.row) is not None:
                for side in (LONG, SHORT):
                    usd = self.reported.line(one.row, side, first, BINS, now_ms, tiers)
                    fold_kernels.add_moved(out[side], 0, usd if part == 1.0 else usd * part, one.shift_units)
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
