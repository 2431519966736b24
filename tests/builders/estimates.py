"""The parts of the estimate on states of their own, and calls in plain numbers."""

from collections.abc import Sequence

import numpy as np

from liqbot.market.estimate.calibration import Calibration
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.closing_rate_fit import ClosingRateFit
from liqbot.market.estimate.leverage_prior import LeveragePrior
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.reported_positions import ReportedPositions
from liqbot.market.estimate.state import (
    CalibrationState,
    ClosingRateState,
    LeveragePriorState,
    PositionState,
    ReportedState,
)
from liqbot.market.params import CalibrationParams, EstimateParams

Pairs = Sequence[tuple[float, float]]


def positions_with(params: EstimateParams, *shifts: np.ndarray) -> Positions:
    """A row for each of the shifts."""
    state = PositionState.empty(len(params.smear_factors), np.array(params.leverage_mix))
    for shift in shifts:
        state.add_venue(shift)
    return Positions(state, ClosingRate(params.leverages, params.close_h))


def expected_usd(positions: Positions) -> np.ndarray:
    """[row, side, tier], as learnt and within its bound."""
    state = positions.state
    return positions.prior_usd() * state.multiplier[:, None, :] * state.cap[:, :, None]


def calibration_with(params: CalibrationParams, tiers: int, *complete: bool) -> Calibration:
    """A row for each of the venues, some of which report every forced order."""
    calibration = Calibration(params, CalibrationState.empty(tiers))
    for whole in complete:
        calibration.state.add_venue(params.level_ratio, complete=whole)
    return calibration


def closing_fit(params: CalibrationParams, closing: ClosingRate, rows: int = 1) -> ClosingRateFit:
    fit = ClosingRateFit(params, closing, ClosingRateState.empty(len(closing.rates)))
    for _ in range(rows):
        fit.state.add_row()
    return fit


def leverage_prior(estimate: EstimateParams, params: CalibrationParams, positions: Positions) -> LeveragePrior:
    return LeveragePrior(estimate, params, positions, LeveragePriorState.empty(len(estimate.leverages)))


def reported_positions(estimate: EstimateParams, params: CalibrationParams) -> ReportedPositions:
    """One row."""
    closing = ClosingRate(estimate.leverages, estimate.close_h)
    reported = ReportedPositions(closing, estimate.leverages, params, ReportedState.empty())
    reported.state.add_row()
    return reported


def touch(positions: Positions, row: int, low: float, high: float) -> None:
    positions.touch(np.array([row]), np.array([low]), np.array([high]))


def open_in(positions: Positions, rows: Sequence[int], entries: Pairs, opened_usd: Pairs, swept: Pairs) -> None:
    """Per row: (low, high) of the entries, USD of (longs, shorts), (low, high) of what was swept."""
    positions.open(np.array(rows), np.array(entries).T.copy(), np.array(opened_usd), np.array(swept).T.copy())
