"""From bars to positions: how much each venue's step opens and closes, within what open interest allows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from liqbot.instruments import Side, split_venue_key
from liqbot.market.estimate.calibration import Calibration, Order
from liqbot.market.estimate.cells import BINS
from liqbot.market.estimate.closing_rate_fit import ClosingRateFit
from liqbot.market.estimate.entry_to_liquidation import LONG, SHORT, Floats
from liqbot.market.estimate.leverage_prior import LeveragePrior
from liqbot.market.estimate.opened_positions import opened_usd, shifts_of
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.estimate.reported_positions import ReportedPositions, told_positions
from liqbot.market.observed.liquidations import ForcedFlow
from liqbot.market.observed.open_interest import AGGREGATE, OpenInterestFold
from liqbot.market.observed.prices import PriceBar, VenuePrice, swept_range
from liqbot.market.params import CalibrationParams, EstimateParams
from liqbot.venues.registry import VENUES


class PositionEstimator:
    """One coin's `Positions` and which of its rows is which venue's."""

    def __init__(
        self, coin: str, venues: Sequence[str], params: EstimateParams, calibration: CalibrationParams
    ) -> None:
        self._coin, self._venues, self._params = coin, venues, params
        self.calibration = Calibration(calibration, len(params.leverages))
        self.positions = Positions(params)
        self.closing_pace = ClosingRateFit(calibration, self.positions.closing)
        self.measured = ReportedPositions(self.positions.closing, params.leverages, calibration)
        self.tier_prior = LeveragePrior(params, calibration)
        self.now_ms = 0
        self.row_of: dict[int, int] = {}
        """Venue code -> row, in the order venues were first seen trading."""
        self.reported_usd: Floats = np.zeros((0, 2))
        """[row, side]: what feeds were expected to tell of the last step's touches."""
        self.crossed: dict[int, tuple[float, float, float]] = {}
        """Per row that moved in the last step: where its mark stood before, its lowest and highest (positions)."""
        self.before: dict[int, float] = {}
        """Per row: position of its mark after the last step."""
        self.orders: list[Order] = []
        self.sums: list[tuple[str, float, float]] = []
        """Forced orders, and sums of them by venue (longs, shorts), told in the last step."""
        self.unseen_usd: dict[int, Floats] = {}
        """Per row and tier: positions of either side that were open before they could be seen, and still are."""

    def _row(self, code: int) -> int | None:
        row = self.row_of.get(code)
        if row is None and self._mapped(self._venues[code]):
            row = self.row_of[code] = self.positions.admit(shifts_of(self._venues[code], self._coin, self._params))
            venue = VENUES.get(split_venue_key(self._venues[code])[0])
            told = venue.liquidations.completeness if venue is not None else None
            self.calibration.admit(complete=told == "complete", silent=told == "none")
            self.closing_pace.admit()
            self.measured.admit()
        return row

    @staticmethod
    def _mapped(venue: str) -> bool:
        """Venues whose mark never force-closes anybody hold no mass."""
        row = VENUES.get(split_venue_key(venue)[0])
        return venue != AGGREGATE and (row is None or row.mapped)

    def decay(self, position: float, elapsed_ms: int) -> None:
        """The window follows the reference; owners close positions."""
        self.positions.centre(position)
        self.positions.decay(elapsed_ms)
        self.tier_prior.decay(position, elapsed_ms, self.positions.closing.pace)

    def on_step(
        self,
        bars: Mapping[int, list[PriceBar]],
        prices: Sequence[VenuePrice],
        open_interest: OpenInterestFold,
        bounds_base: Mapping[int, float],
        now_ms: int,
    ) -> None:
        """Bars of one venue in order, venues side by side; a venue with marks alone is only swept."""
        self._begin_step(now_ms)
        moved = {code for code, price in enumerate(prices) if price.step_low == price.step_low}
        rounds = max((len(venue_bars) for venue_bars in bars.values()), default=1 if moved else 0)
        for turn in range(rounds):
            rows, entries, opened, swept = [], [], [], []
            for code in sorted(bars.keys() | moved) if turn == 0 else sorted(bars):
                venue_bars = bars.get(code, ())
                bar = venue_bars[turn] if turn < len(venue_bars) else None
                row = self._row(code) if bar is not None or turn == 0 else None
                if row is None:
                    continue
                low, high = swept_range(prices[code], bar)
                positions = position_of(low), position_of(high)
                self._cross(row, *positions)
                if bar is not None and row in self.unseen_usd:
                    self.unseen_usd[row] *= self.positions.closing.kept_share(bar.span_ms)
                if bar is not None and bar.volume_usd > 0:
                    change_base = open_interest.change_base(
                        self._venues[code], bounds_base.get(code, 0.0), now_ms, bar.span_ms
                    )
                    rows.append(row)
                    same = low == bar.low and high == bar.high
                    entries.append(positions if same else (position_of(bar.low), position_of(bar.high)))
                    opened.append(opened_usd(bar, change_base * bar.close, self._params))
                    swept.append(positions)
            if rows:
                self.positions.open(rows, entries, opened, swept)
                self.tier_prior.open(rows, entries, opened, swept)
        self._stand(prices)
        self._bound(prices, bounds_base)

    def _begin_step(self, now_ms: int) -> None:
        self.positions.begin_step()
        self.measured.begin_step()
        self.crossed, self.now_ms = {}, now_ms

    def _cross(self, row: int, low: float, high: float) -> None:
        self.positions.touch(row, low, high)
        self.tier_prior.touch(row, low, high)
        self.measured.touch(row, low, high, self.now_ms)
        start, lowest, highest = self.crossed.get(row, (self.before.get(row, low), low, high))
        self.crossed[row] = start, min(lowest, low), max(highest, high)

    def _stand(self, prices: Sequence[VenuePrice]) -> None:
        """Note where the marks that moved stand now: what they cross next is new from here on."""
        for code, row in self.row_of.items():
            if row in self.crossed:
                self.before[row] = position_of(prices[code].mark_price)

    def learn(self, forced: ForcedFlow, elapsed_ms: int, *, history: bool = False) -> None:
        """Compare what the step's touches promised with the forced orders told in it; `history`: before the start."""
        reporting = self.calibration.reporting
        modelled_usd = np.add.reduce(self.positions.touched_usd, axis=2) * reporting[:, None]
        self.reported_usd = modelled_usd + self.measured.expect(modelled_usd, reporting, elapsed_ms)
        row_of = {self._venues[code]: row for code, row in self.row_of.items()}
        self.orders = orders = [
            (row_of[venue], LONG if side is Side.LONG else SHORT, usd)
            for venue, side, usd in forced.orders
            if venue in row_of
        ]
        untold = [row for venue, row in row_of.items() if not forced.told_by(venue)]
        self.sums = [told for told in forced.sums if told[0] in row_of or (told[0] == AGGREGATE and untold)]
        sums = [
            (untold if venue == AGGREGATE else [row_of[venue]], long_usd, short_usd)
            for venue, long_usd, short_usd in self.sums
        ]
        touched_usd, hazard_usd = self.positions.touched_prior_usd, self.positions.touched_hazard_usd
        if self.measured:
            for row, side, usd in orders:
                self.measured.count(row, side, usd)
            led = self.measured.fresh(self.now_ms)
            self.calibration.lead(led)
            orders = [order for order in orders if order[0] not in led]
            touched_usd, hazard_usd = touched_usd.copy(), hazard_usd.copy()
            touched_usd[led] = hazard_usd[led] = 0.0
        self.calibration.on_step(touched_usd, orders, sums, elapsed_ms, history=history)
        self.positions.multiplier = self.calibration.multiplier()
        self.closing_pace.on_step(
            touched_usd, hazard_usd, orders, sums, self.calibration, elapsed_ms, history=history
        )

    def measure(
        self, rows: Sequence[tuple[Any, ...]], prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]
    ) -> None:
        """Positions that venues tell one by one take the place of the modelled ones they cover."""
        for code, sides in told_positions(rows).items():
            row = self.row_of.get(code)
            if row is None or not prices[code].known:
                continue
            oi_usd = bounds_base.get(code, 0.0) * prices[code].mark_price
            both_usd = sum(float(usd.sum()) for _, usd in sides)
            # Without open interest a snapshot is taken to be of everything.
            share = min(both_usd / (2.0 * oi_usd), 1.0) if oi_usd > 0 else 1.0
            prior_usd = self.positions.prior_usd()[row]
            kept = self.measured.kept_share(row, prior_usd, share, self.now_ms)
            mark = position_of(prices[code].mark_price)
            self.tier_prior.watch(row, self.positions)
            self.tier_prior.compare(row, sides, mark, self.now_ms)
            self.calibration.standing = self.tier_prior.standing
            self.positions.keep(row, kept)
            self.measured.replace(row, sides, mark, share, prior_usd * kept, self.now_ms)
            if row in self.unseen_usd:
                self.unseen_usd[row] *= 1.0 - share

    def _bound(self, prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]) -> None:
        most_usd = self._most_usd(prices, bounds_base)
        self.positions.bound(most_usd)
        self.tier_prior.bound(most_usd, self.positions.multiplier)
        for row, most in enumerate(most_usd):
            if row not in self.unseen_usd and most < float("inf"):
                self.unseen_usd[row] = most * self.positions.standing_mix(row)

    def _most_usd(self, prices: Sequence[VenuePrice], bounds_base: Mapping[int, float]) -> list[float]:
        """Per row, what a side may hold at most; infinity where open interest is not known."""
        most_usd = [float("inf")] * self.positions.rows
        for code, row in self.row_of.items():
            bound_usd = bounds_base.get(code, 0.0) * prices[code].mark_price
            if bound_usd > 0:
                most_usd[row] = self._params.leveraged_share * bound_usd
        return most_usd

    def warmth_pct(self, bounds_base: Mapping[int, float], prices: Sequence[VenuePrice]) -> tuple[float, float]:
        """Modelled positions, all of which were seen being opened, against those and the unseen ones still open.

        (long, short). The unseen ones close at the same rates while a venue is watched, and are never more than open
        interest leaves room for. NaN before any venue's open interest is known.
        """
        if not self.unseen_usd:
            return float("nan"), float("nan")
        seen, unseen = [0.0, 0.0], [0.0, 0.0]
        # In prior USD on both sides of the comparison: what was learnt about the whole says nothing about the share.
        most_usd = self._most_usd(prices, bounds_base)
        totals = np.add.reduce(self.positions.prior_usd(), axis=2).tolist()
        for row, left in self.unseen_usd.items():
            left_usd = sum(left.tolist())
            for side in (LONG, SHORT):
                known_usd = totals[row][side] + self.measured.total_usd(row, side, self.now_ms)
                seen[side] += known_usd
                unseen[side] += max(0.0, min(left_usd, most_usd[row] - known_usd))
        long_pct, short_pct = (
            100.0 * seen[side] / (seen[side] + unseen[side]) if seen[side] > 0 else 0.0 for side in (LONG, SHORT)
        )
        return long_pct, short_pct

    def drawn(
        self,
        side: int,
        prices: Sequence[VenuePrice],
        reference_price: float,
        *,
        codes: Sequence[int] | None = None,
        tiers: Sequence[int] | None = None,
        reported: bool = False,
        measured_only: bool = False,
    ) -> Floats:
        """USD per bin of the window, every venue moved from its own mark to the reference; some venues, some tiers.

        `reported`: only what its feed is expected to tell. `measured_only`: without what is modelled.
        """
        out = np.zeros(BINS)
        reference = position_of(reference_price)
        for code, row in self.row_of.items():
            if (codes is None or code in codes) and prices[code].known:
                offset = reference - position_of(prices[code].mark_price)
                start, values = (0, out[:0]) if measured_only else self.positions.line(row, side, tiers)
                told = self.calibration.reporting[row] if reported else 1.0
                if len(values):
                    _add_moved(out, start, values * told if reported else values, offset)
                values = self.measured.line(row, side, self.positions.window_first, BINS, self.now_ms, tiers)
                if len(values):
                    _add_moved(out, 0, values * (told * self.measured.ratio) if reported else values, offset)
        return out

    def side_totals_usd(self) -> list[tuple[float, float]]:
        """(long, short) per row."""
        modelled = self.positions.total_usd().sum(axis=2).tolist()
        long_usd, short_usd = (
            [totals[side] + self.measured.total_usd(row, side, self.now_ms) for row, totals in enumerate(modelled)]
            for side in (LONG, SHORT)
        )
        return list(zip(long_usd, short_usd, strict=True))


def _add_moved(out: Floats, start: int, values: Floats, offset: float) -> None:
    """Add a stretch moved by a fractional number of bins; what leaves the window is left out."""
    whole = int(offset // 1)
    part = offset - whole
    if part:
        moved = np.zeros(len(values) + 1)
        moved[:-1] = values * (1.0 - part)
        moved[1:] += values * part
        values = moved
    first = start + whole
    low, high = max(first, 0), min(first + len(values), len(out))
    if low < high:
        out[low:high] += values[low - first : high - first]
