"""`ForecastEvaluation`: what the map promised and what came of it, step by step: the forecast layer and the map's own
score."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from liqbot.market.estimate.estimate import PositionEstimator
from liqbot.market.estimate.kernels import LONG, SHORT, Floats
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.forecast.forecast import FINE, Forecast, ForecastFold, outward
from liqbot.market.forecast.live_score import LiveTouchScore, SideTouch
from liqbot.market.observed.prices import VenuePrice
from liqbot.market.params import ForecastParams, ScoringParams

Band = tuple[float, float]
_SIDES: Final = (LONG, SHORT)
_NOTHING_PRINTED: Final[Sequence[float]] = (0.0, 0.0)


class ForecastEvaluation:
    """One step at a time, after its touches were compared with its prints."""

    def __init__(self, forecast: ForecastParams, scoring: ScoringParams) -> None:
        self.fold = ForecastFold(forecast)
        self.score = LiveTouchScore(scoring)
        self._since: dict[str, list[float]] = {}
        """Per venue that reports sums: where the reference stood at the last one, its lowest and highest since."""

    def count_volume(self, volume_usd: float, elapsed_ms: int) -> None:
        """What was traded in the step, history included."""
        if volume_usd > 0 and elapsed_ms > 0:
            self.fold.count_volume(volume_usd, elapsed_ms)

    def on_step(
        self, estimator: PositionEstimator, prices: Sequence[VenuePrice], trade_venue: int, reference_price: float,
        now_ms: int, elapsed_ms: int,
    ) -> None:
        reference, rates = position_of(reference_price), estimator.worth.rates
        offset = {
            row: reference - position_of(prices[venue].mark_price * rates[venue])
            for venue, row in estimator.row_of.items()
        }
        path = self._path(estimator, estimator.row_of.get(trade_venue), offset)
        if path is not None:
            if estimator.worth.rates_before is not rates:
                path = self._in_reference(path, estimator, prices, trade_venue)
            self.fold.on_path(path[1], path[2])
        parts = estimator.worth.parts(estimator.row_of)
        for row, side, usd in estimator.orders:
            low, high = _newly(estimator.crossed.get(row), side, reference - offset[row])
            self.fold.on_print(side, low + offset[row], high + offset[row], usd if parts is None else usd * parts[row])
        self._take_sums(estimator, path or (reference, reference, reference))
        self._judge(estimator, parts, elapsed_ms)
        if self.fold.due(now_ms):
            self.fold.begin_origin(now_ms, reference, self.mapped_usd(estimator, prices, reference_price))

    @staticmethod
    def _path(
        estimator: PositionEstimator, traded: int | None, offset: dict[int, float]
    ) -> tuple[float, float, float] | None:
        """Start, low and high of the reference: the trade venue's row's, or the first one's that moved."""
        row = traded if traded in estimator.crossed else next(iter(estimator.crossed), None)
        if row is None:
            return None
        start, low, high = estimator.crossed[row]
        return start + offset[row], low + offset[row], high + offset[row]

    @staticmethod
    def _in_reference(
        path: tuple[float, float, float], estimator: PositionEstimator, prices: Sequence[VenuePrice], trade_venue: int
    ) -> tuple[float, float, float]:
        """Of the traded venue, where its quote's rate moved in this step: what the quote did is no path of a price."""
        before, now = estimator.worth.rates_before[trade_venue], estimator.worth.rates[trade_venue]
        if trade_venue < 0 or before == now or estimator.row_of.get(trade_venue) not in estimator.crossed:
            return path
        mark_price = prices[trade_venue].mark_price
        moved = position_of(mark_price * before) - position_of(mark_price * now)
        start, low, high = path
        return start + moved, max(low, low + moved), max(min(high, high + moved), low + moved, low)

    def _take_sums(self, estimator: PositionEstimator, path: tuple[float, float, float]) -> None:
        """Sums over an interval come from anywhere the reference newly went in it."""
        for band in self._since.values():
            band[1], band[2] = min(band[1], path[1]), max(band[2], path[2])
        for venue, long_usd, short_usd in estimator.sums:
            start, low, high = self._since.get(venue, list(path))
            self.fold.on_print(LONG, low, max(low, start), long_usd)
            self.fold.on_print(SHORT, min(start, high), high, short_usd)
            self._since[venue] = [path[0], path[0], path[0]]

    def _judge(self, estimator: PositionEstimator, parts: dict[int, float] | None, elapsed_ms: int) -> None:
        crossed = [0.0, 0.0]
        for start, low, high in estimator.crossed.values():
            crossed[LONG] += max(0.0, start - low) / FINE
            crossed[SHORT] += max(0.0, high - start) / FINE
        orders, promised_usd = estimator.orders, estimator.reported_usd
        if parts is not None:
            orders = [(row, side, usd * parts[row]) for row, side, usd in orders]
            promised_usd = promised_usd * np.array([[parts[row]] for row in range(len(promised_usd))])
        printed = [sum(usd for _, side, usd in orders if side == one) for one in _SIDES] if orders else _NOTHING_PRINTED
        promised = promised_usd.sum(axis=0).tolist() if len(promised_usd) else [0.0, 0.0]
        self.score.fade(elapsed_ms)
        self.score.count(SideTouch(*both) for both in zip(crossed, promised, printed, strict=True))

    @staticmethod
    def mapped_usd(estimator: PositionEstimator, prices: Sequence[VenuePrice], reference_price: float) -> Floats:
        """[side, bin]: the map in reported USD, outward from the reference."""
        first, position = estimator.state.positions.first_bin, position_of(reference_price)
        usd = estimator.reportable_usd(prices, reference_price)
        return np.stack([outward(usd[side], first, position, side) for side in _SIDES])

    def forecasts(
        self, coin: str, as_of_ms: int, horizons_h: Sequence[int], estimator: PositionEstimator,
        prices: Sequence[VenuePrice], reference_price: float,
    ) -> tuple[Forecast, ...]:
        """As things stand. A horizon that is not learnt is a ValueError."""
        mapped_usd = self.mapped_usd(estimator, prices, reference_price)
        spread, found = estimator.calibration.reported_spread(), []
        for horizon_h in horizons_h:
            usd = self.fold.expected(horizon_h, mapped_usd)
            sd_usd = spread.sds_usd(usd)
            found.append(Forecast(
                coin, as_of_ms, horizon_h, reference_price, usd[LONG], usd[SHORT], sd_usd[LONG], sd_usd[SHORT]
            ))
        return tuple(found)

    def state(self) -> dict[str, Any]:
        since = {venue: list(band) for venue, band in self._since.items()}
        return {"forecast": self.fold.state(), "score": self.score.state(), "since": since}

    def load_state(self, state: dict[str, Any]) -> None:
        self.fold.load_state(state["forecast"])
        self.score.load_state(state["score"])
        self._since = {venue: list(band) for venue, band in state["since"].items()}


def _newly(crossed: tuple[float, float, float] | None, side: int, otherwise: float) -> Band:
    """Low and high of what a row's own mark newly crossed toward a side's liquidations; its mark if nothing."""
    if crossed is None:
        return otherwise, otherwise
    start, low, high = crossed
    return (low, max(low, min(start, high))) if side == LONG else (min(high, max(start, low)), high)
