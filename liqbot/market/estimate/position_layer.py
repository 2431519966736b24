"""`PositionLayer`: USD open at each liquidation price, from what is expected to print there and open interest.

The forecast layer says what prints when price arrives. Of that, what capped orders teach of each tier is taken: what a
few large orders printed beyond the cap is not given to every bin. More is open than prints, for two reasons, and both
are kept apart:

- Owners leave, or are stopped out, on the way: the farther price has to come, the more of them. Open over printing
  rises with distance from the mark as 1 + leaving_ratio x d / (d + leaving_half_pct).
- Tiers that price hardly ever reaches are not sized by prints. What of a tier is not learnt is sized half-way between
  what the tiers learnt so far suggest (the more orders they rest on, the more that counts) and what the venue's own
  open interest leaves: `open_share` of it, both sides, as far as it was seen being opened.

Positions that a venue reports one by one lie beside this layer, and it covers the rest of the open interest.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from liqbot.market.estimate import map_kernels
from liqbot.market.estimate.calibration import Calibration
from liqbot.market.estimate.kernels import BINS, LONG, SHORT, Floats
from liqbot.market.estimate.price_grid import BIN_BPS
from liqbot.market.estimate.state import EstimateState
from liqbot.market.estimate.venue_worth import PlacedRow
from liqbot.market.params import PositionLayerParams

Span = tuple[int, Floats]
"""First column of the window, USD per bin from there on."""


class LearntSizes(NamedTuple):
    """What forced orders say of all rows."""

    printing: Floats
    """[row, tier]: real over prior USD, of positions that are no larger than the cap on orders."""
    unlearnt: Floats
    """[tier]: how far it rests on no order. Squared: a tier that was learnt half-way is left nearly as it is."""
    anchored_share: float
    """Weight of open interest in what is said of unlearnt tiers."""


class PositionLayer:
    """A reading of the `EstimateState`: it keeps parameters only. Arrays are [row, side, tier, bin] as there."""

    def __init__(
        self, params: PositionLayerParams, leveraged_share: float, state: EstimateState, calibration: Calibration
    ) -> None:
        self._params, self._leveraged_share = params, leveraged_share
        self._state, self._calibration = state, calibration
        self._all = np.ones(len(state.positions.clock))
        """[tier]: every one is drawn."""

    def learnt(self) -> LearntSizes:
        """Of all rows at once, for `draw`."""
        return LearntSizes(*self._calibration.learnt_sizes())

    def lines(
        self, row: int, learnt: LearntSizes, covered: tuple[float, float], tiers: Sequence[int] | None = None
    ) -> tuple[Span, Span]:
        """(Longs, shorts) of one row, where its own mark is; as `draw`."""
        drawn = np.zeros(BINS), np.zeros(BINS)
        self.draw([PlacedRow(-1, row, 0.0, 1.0, 1.0)], [1.0], learnt, [sum(covered)], drawn, tiers)
        long, short = (self._state.positions.span(row, side) for side in (LONG, SHORT))
        return (long[0], drawn[LONG][slice(*long)]), (short[0], drawn[SHORT][slice(*short)])

    def draw(
        self, placed: Sequence[PlacedRow], parts: Sequence[float], learnt: LearntSizes, covered: Sequence[float],
        out: tuple[Floats, Floats], tiers: Sequence[int] | None = None,
    ) -> None:
        """Add a part of each of these rows to the map's lines (longs, shorts), where they are placed; of its leveraged
        longs and shorts shares are reported one by one that sum to `covered`. `tiers`: of some alone."""
        state, positions, params = self._state, self._state.positions, self._params
        chosen = self._all if tiers is None else np.array([float(tier in tiers) for tier in range(len(self._all))])
        rows = np.array([one.row for one in placed], np.int64)
        offsets, shares, told = np.array([[one.shift_units for one in placed], parts, covered])
        map_kernels.draw_rows(
            positions.cells, positions.scale, positions.beside, positions.total, positions.frontier, positions.extent,
            learnt.printing, learnt.unlearnt, state.unseen_usd, state.room_usd, state.oi_usd, state.mark,
            state.is_unseen(), chosen, rows, offsets, shares, told, positions.first_bin,
            params.leaving_half_pct * (100.0 / BIN_BPS), params.leaving_ratio, self._leveraged_share,
            params.open_share, learnt.anchored_share, *out,
        )  # fmt: skip
