"""`PositionLayer`: USD open at each liquidation price, from what is expected to print there and open interest.

The forecast layer says what prints when price arrives. More is open there, for two reasons, and both are kept apart:

- Owners leave, or are stopped out, on the way: the farther price has to come, the more of them. Open over printing
  rises with distance from the mark as 1 + leaving_ratio x d / (d + leaving_half_pct).
- Tiers that price hardly ever reaches are not sized by prints. What of a tier is not learnt is sized half-way between
  what the tiers learnt so far suggest (the more orders they rest on, the more that counts) and what the venue's own
  open interest leaves: `open_share` of it, both sides, as far as it was seen being opened.

Positions that a venue reports one by one lie beside this layer, and it covers the rest of the open interest.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from liqbot.market.estimate.calibration import Calibration
from liqbot.market.estimate.kernels import BINS, LONG, SHORT, USD, Floats, line_span, line_usd, weighted_sums
from liqbot.market.estimate.price_grid import BIN_BPS
from liqbot.market.estimate.state import EstimateState
from liqbot.market.params import PositionLayerParams

_SIDES: Final = (LONG, SHORT)
_MIDDLES: Final = np.asarray(np.arange(BINS) + 0.5, np.float64)
_ANCHOR_RATIO_MAX: Final = 10.0
"""Open interest raises or lowers a tier by this much at most."""
_SUGGESTION_ORDERS: Final = 20.0
"""From so many orders on, tiers that were learnt count as much as a quarter of what is said of the others."""
Span = tuple[int, Floats]
"""First column of the window, USD per bin from there on."""


class LearntSizes(NamedTuple):
    """What forced orders say of all rows."""

    printing: Floats
    """[row, tier]: real over prior USD."""
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

    def learnt(self) -> LearntSizes:
        """For `lines`, of all rows at once."""
        orders = self._calibration.sample_size()
        return LearntSizes(
            self._calibration.multiplier(), (1.0 - self._calibration.learnt_share()) ** 2,
            1.0 - orders / (orders + _SUGGESTION_ORDERS) / 2.0,
        )

    def lines(
        self, row: int, learnt: LearntSizes, covered: tuple[float, float], tiers: Sequence[int] | None = None
    ) -> tuple[Span, Span]:
        """(Longs, shorts) of one row; shares `covered` of its leveraged longs and shorts are reported one by one."""
        spans = [self._span(row, side) for side in _SIDES]
        ratios = [self._open_ratio(row, start, stop) for start, stop in spans]
        by_tier = self._by_tier(row, spans, ratios)
        multiplier = self._multiplier(row, by_tier, learnt, covered)
        room = self._room(row, np.add.reduce(by_tier * multiplier, axis=1))
        chosen = slice(None) if tiers is None else list(tiers)
        long, short = (
            (start, self._line(row, side, (start, stop), ratios[side], multiplier * room[side], chosen))
            for side, (start, stop) in zip(_SIDES, spans, strict=True)
        )
        return long, short

    def _span(self, row: int, side: int) -> tuple[int, int]:
        positions = self._state.positions
        return line_span(positions.frontier, positions.extent, positions.first_bin, row, side)

    def _open_ratio(self, row: int, start: int, stop: int) -> Floats:
        """Open over printing USD of each bin of a span: what is behind the mark already counts as at it."""
        mark = self._state.mark.item(row) - self._state.positions.first_bin
        half, most = self._params.leaving_half_pct * (100.0 / BIN_BPS), self._params.leaving_ratio
        # 1 + most x d / (d + half), in bins.
        found: Floats = _MIDDLES[start:stop] - mark
        np.abs(found, out=found)
        found += half
        np.divide(most * half, found, out=found)
        np.subtract(1.0 + most, found, out=found)
        return found

    def _by_tier(self, row: int, spans: Sequence[tuple[int, int]], ratios: Sequence[Floats]) -> Floats:
        """[side, tier]: prior USD open, over all bins."""
        positions = self._state.positions
        held = [
            weighted_sums(positions.cells[USD, row, side, :, start:stop], ratios[side])
            for side, (start, stop) in zip(_SIDES, spans, strict=True)
        ]
        return np.asarray(np.array(held) * positions.scale[row] * positions.beside[row])

    def _multiplier(
        self, row: int, by_tier: Floats, learnt: LearntSizes, covered: tuple[float, float]
    ) -> Floats:
        """[tier]: real over prior USD of what is open."""
        printing: Floats = learnt.printing[row]
        oi_usd = self._state.oi_usd.item(row)
        if oi_usd == np.inf:
            return printing
        held = np.add.reduce(by_tier, axis=0) * printing
        suggested_usd = float(np.add.reduce(held * learnt.unlearnt))
        known_usd = float(np.add.reduce(held)) - suggested_usd
        if not suggested_usd > 0:
            return printing
        seen = self._state.seen_share(row, self._leveraged_share)
        left_usd = self._params.open_share * (2.0 - sum(covered)) * oi_usd * seen - known_usd
        ratio = min(max(left_usd / suggested_usd, 1.0 / _ANCHOR_RATIO_MAX), _ANCHOR_RATIO_MAX)
        return np.asarray(printing * (1.0 + (ratio - 1.0) * learnt.anchored_share * learnt.unlearnt))

    def _room(self, row: int, held_usd: Floats) -> list[float]:
        """Part of each side that open interest leaves room for, beside what is reported position by position."""
        both = zip(self._state.room_usd[row].tolist(), held_usd.tolist(), strict=True)
        return [most_usd / usd if usd > most_usd else 1.0 for most_usd, usd in both]

    def _line(
        self, row: int, side: int, span: tuple[int, int], ratio: Floats, multiplier: Floats, tiers: slice | list[int]
    ) -> Floats:
        positions, (start, stop) = self._state.positions, span
        scale = (positions.scale[row, side] * positions.beside[row, side] * multiplier)[tiers]
        cells = positions.cells[USD, row, side, :, start:stop][tiers]
        found = line_usd(cells, scale)
        found *= ratio
        return found
