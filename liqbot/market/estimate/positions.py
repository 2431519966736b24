"""`Positions`: what happens to one coin's modelled positions, and what is read from them. The arrays are `state`'s.

Decay only touches one scale per row; price touching a row removes slices; opening positions adds one small block.
"""

from collections.abc import Sequence

import numpy as np

from liqbot.market.estimate import fold_kernels, kernels, step_kernels
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.kernels import LONG, Floats, Whole
from liqbot.market.estimate.price_grid import edges
from liqbot.market.estimate.state import PositionState


class Positions:
    """Works on the `PositionState` it is given, and keeps nothing else."""

    def __init__(self, state: PositionState, closing: ClosingRate) -> None:
        self.state, self.closing = state, closing

    # --- the update ---------------------------------------------------------------------------------------------------

    def begin_step(self) -> None:
        """Forget what was touched before."""
        state = self.state
        state.touched_usd[:] = state.touched_prior_usd[:] = state.touched_hazard_usd[:] = 0.0

    def decay(self, elapsed_ms: int) -> None:
        """Owners close positions."""
        state = self.state
        step_kernels.decay(
            state.cells, state.clock, state.scale, state.total, state.covered, self.closing.hazard(elapsed_ms),
            state.rows,
        )  # fmt: skip

    def move(
        self, starts: Whole, rows: Whole, told: Floats, mark: Floats, unseen_usd: Floats, unseen: Whole,
        crossed: Floats, rows_before: int, elapsed_ms: int, taker_weight: float, activity_share: float,
    ) -> bool:
        """All of a step, see `step_kernels.move`: what is touched and opened, round by round. False, and nothing is
        changed, when a price is not on the grid."""
        state, placed = self.state, self.state.placement
        offset = step_kernels.move(
            state.cells, state.clock, state.scale, state.total, state.covered, state.multiplier, state.beside,
            state.frontier, state.extent, state.touched_usd, state.touched_prior_usd, state.touched_hazard_usd, mark,
            unseen_usd, placed.whole, placed.part, placed.rest, placed.weight, placed.ends, self.closing.rates, edges(),
            starts, rows, told, unseen, crossed, state.first_bin, state.offset, rows_before, self.closing.pace,
            elapsed_ms, taker_weight, activity_share,
        )  # fmt: skip
        if offset < 0:
            return False
        state.offset = offset
        return True

    def touch(self, rows: Whole, lows: Floats, highs: Floats) -> None:
        """Remove what the venues' own marks, moving within low..high, would have force-closed. Rows are distinct."""
        state = self.state
        step_kernels.touch(
            state.cells, state.clock, state.scale, state.total, state.covered, state.multiplier, state.beside,
            state.frontier, state.touched_usd, state.touched_prior_usd, state.touched_hazard_usd, state.first_bin,
            rows, lows, highs,
        )  # fmt: skip

    def open(self, rows: Whole, entries: Floats, opened_usd: Floats, swept: Floats) -> None:
        """Positions opened evenly over each row's entries [low or high, row], in USD [row, side].

        What would lie within `swept` [low or high, row], the range of the row's own mark meanwhile, was closed again
        and is not added. Rows are distinct.
        """
        state, placed = self.state, self.state.placement
        offset = state.offset = (state.offset + 1) % len(state.shift)
        fold_kernels.open_positions(
            state.cells, state.clock, state.scale, state.total, state.frontier, state.extent, placed.whole[offset],
            placed.part[offset], placed.rest[offset], placed.weight, placed.ends,
            state.first_bin, rows, entries[0], entries[1], opened_usd, swept[0], swept[1],
        )  # fmt: skip

    def bound(self, most_usd: Floats) -> None:
        """Read no more than `most_usd` [row, side]; infinity leaves a side alone."""
        state = self.state
        step_kernels.bound(state.cap, state.total, state.scale, state.multiplier, state.beside, most_usd)

    def cover(self, row: int, shares: Floats) -> None:
        """Positions reported one by one stand for a share [side, tier] of what is modelled of a row."""
        self.state.covered[row] = self.state.total[row] * shares

    def leave_out_covered(self, rows: Sequence[int]) -> None:
        """From now on read what lies beside the positions that these rows report."""
        kernels.leave_out_covered(self.state.beside, self.state.covered, self.state.total, np.array(rows, np.int64))

    def centre(self, position: float) -> None:
        """Keep the window around a position; moved only after a long drift. Mass beyond it goes to its end bins."""
        state, before = self.state, self.state.first_bin
        state.first_bin = kernels.recentred(before, position)
        if before and state.first_bin != before and state.rows:
            state.cells = kernels.moved_cells(state.cells, state.first_bin - before)
            state.total = state.cells[kernels.USD].sum(axis=3)

    # --- reading ------------------------------------------------------------------------------------------------------

    def prior_usd(self) -> Floats:
        """[row, side, tier], as it was before anything was learnt and before any position was reported."""
        usd: Floats = self.state.total * self.state.scale
        return usd

    def open_mix(self, row: int) -> Floats:
        """Share of each tier in what stands open when opening and closing are in balance."""
        standing = self.state.placement.weight[row, LONG] / self.closing.rates
        total = standing.sum()
        mix: Floats = standing / (total if total > 0 else 1.0)
        return mix

    def line(self, row: int, side: int, tiers: Sequence[int] | None = None) -> tuple[int, Floats]:
        """USD per bin of one row and side, all tiers or some: (first column, values); beyond it there is none."""
        state = self.state
        scale = state.scale[row, side] * state.multiplier[row] * state.beside[row, side] * state.cap[row, side]
        return self._line(row, side, tiers, scale)

    def prior_line(self, row: int, side: int, tier: int) -> tuple[int, Floats]:
        """The same of one tier, as it was before anything was learnt and before any position was reported."""
        return self._line(row, side, [tier], self.state.scale[row, side])

    def _line(self, row: int, side: int, tiers: Sequence[int] | None, scale: Floats) -> tuple[int, Floats]:
        state = self.state
        start, stop = state.span(row, side)
        if stop == start:
            return 0, np.zeros(0)
        cells = state.cells[kernels.USD, row, side, :, start:stop]
        if tiers is not None:
            cells, scale = cells[list(tiers)], scale[list(tiers)]
        return start, kernels.line_usd(cells, scale)
