"""`LeveragePrior`: how open positions are spread over leverage tiers, learnt from venues that make them known.

A reporting venue keeps a second estimate, as if nothing were known of it. What is reported at a distance from the mark
is shared among the tiers that this estimate holds there (expectation-maximisation for Poisson sums), and compared with
what it holds of each tier. Only the shape is used: how large the whole is follows from forced orders. Evidence is the
number of positions, less where a few are large; snapshots show the same ones again and again, so theirs is an average
over time.
"""

from collections.abc import Sequence

import numpy as np

from liqbot.market.estimate import kernels
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import BINS, DISTANCES, LONG, SHORT, Floats, Whole
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.state import LeveragePriorState, PositionState
from liqbot.market.params import CalibrationParams, EstimateParams


class LeveragePrior:
    """Works on the `LeveragePriorState` it is given, and keeps parameters only."""

    def __init__(
        self, estimate: EstimateParams, params: CalibrationParams, closing: ClosingRate, state: LeveragePriorState
    ) -> None:
        self._params, self._closing, self.state = params, closing, state
        self._leverages = np.array(estimate.leverages)

    def __bool__(self) -> bool:
        """Whether any venue is watched."""
        return bool(self.state.unreplaced)

    # --- the estimate as if nothing were known ------------------------------------------------------------------------

    def watch(self, row: int, positions: PositionState) -> None:
        """From now on keep what is modelled of a row; nothing of it has been replaced yet. Once per row."""
        if row not in self.state.unreplaced:
            self.state.unreplaced[row] = positions.alone(row)

    def _alone(self, row: int) -> Positions:
        return Positions(self.state.unreplaced[row], self._closing)

    def decay(self, position: float, elapsed_ms: int) -> None:
        """The window follows the mark; owners close positions, at the pace of the others."""
        for row in self.state.unreplaced:
            alone = self._alone(row)
            alone.begin_step()
            alone.centre(position)
            alone.decay(elapsed_ms)

    def touch(self, rows: Whole, lows: Floats, highs: Floats) -> None:
        """As `Positions.touch`; rows that nobody reports are left out."""
        for index, one in self._watched(rows):
            one.touch(_FIRST, lows[index : index + 1], highs[index : index + 1])

    def open(self, rows: Whole, entries: Floats, opened_usd: Floats, swept: Floats) -> None:
        """As `Positions.open`; rows that nobody reports are left out."""
        for index, one in self._watched(rows):
            at = slice(index, index + 1)
            one.open(_FIRST, entries[:, at], opened_usd[at], swept[:, at])

    def _watched(self, rows: Whole) -> list[tuple[int, Positions]]:
        """(Place in `rows`, the estimate of that row)."""
        return [(at, self._alone(row)) for at, row in enumerate(rows.tolist()) if row in self.state.unreplaced]

    def bound(self, most_usd: Floats, multiplier: Floats) -> None:
        """As `Positions.bound`; `multiplier[row, tier]` is that of the map."""
        for row, state in self.state.unreplaced.items():
            state.multiplier[0] = multiplier[row]
            self._alone(row).bound(most_usd[row : row + 1])

    # --- what a snapshot says -----------------------------------------------------------------------------------------

    def compare(self, row: int, sides: Sequence[tuple[Floats, Floats]], mark: float, now_ms: int) -> None:
        """A snapshot of a watched row: (positions, USD) of longs and of shorts, and the mark's position."""
        state = self.state
        elapsed_ms = max(0, now_ms - state.compared_ms.get(row, now_ms))
        state.compared_ms[row] = now_ms
        classes = len(DISTANCES) - 1
        found, squares = np.zeros((2, 2, classes))
        held = self.held_usd(row, mark)
        for side, (position, usd) in zip((LONG, SHORT), sides, strict=True):
            away = np.abs(position - mark)
            found[side], squares[side] = kernels.by_distance(away, usd), kernels.by_distance(away, usd * usd)
        if not (held.sum() > 0 and found.sum() > 0):
            return
        # A tier nobody holds a position in says nothing; the others get their share of a class.
        share = held * np.where(state.ratio > 0, state.ratio, 1.0)[:, None]
        total = share.sum(axis=1, keepdims=True)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        reported = (share * found[:, None]).sum(axis=(0, 2))
        square = (share * squares[:, None]).sum(axis=(0, 2))
        by_tier = held.sum(axis=(0, 2))
        kept = fading(elapsed_ms, self._params.leverage_prior_h)
        state.sums *= kept
        state.sums += (1.0 - kept) * np.stack([reported, by_tier * (reported.sum() / by_tier.sum()), square])
        state.ratio = kernels.leverage_ratio(state.sums, self._leverages, self._params.leverage_prior_weight)

    def held_usd(self, row: int, mark: float) -> Floats:
        """Prior USD that the row's own estimate holds around the mark's position, [side, tier, class of distance]."""
        alone = self._alone(row)
        held = np.zeros((2, len(self.state.ratio), len(DISTANCES) - 1))
        middle = alone.state.first_bin + np.arange(BINS) + 0.5
        for side, tier in np.ndindex(held.shape[:2]):
            start, usd = alone.prior_line(0, side, tier)
            held[side, tier] = kernels.by_distance(np.abs(middle[start : start + len(usd)] - mark), usd)
        return held


_FIRST: Whole = np.zeros(1, np.int64)
