"""`LeveragePrior`: how open positions are spread over leverage tiers, learnt from venues that make them known.

A measured venue keeps a second estimate, as if nothing were known of it. What is measured at a distance from the mark
is shared among the tiers that this estimate holds there (expectation-maximisation for Poisson sums), and compared with
what it holds of each tier. Only the shape is used: how large the whole is, prints tell. Evidence is the number of
positions, less where a few are large; snapshots show the same ones again and again, so theirs is an average over time.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.cells import BINS
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.entry_to_liquidation import LONG, SHORT, Floats
from liqbot.market.estimate.positions import Positions
from liqbot.market.params import CalibrationParams, EstimateParams

_CLASSES: Final = np.array([0, 10, 20, 40, 60, 100, 150, 200, 300, 400, 600, 900, 1400])
"""Bins from the mark where a class of distance begins; the last one only ends the one before. 1400 bins: half price."""


class LeveragePrior:
    """`standing[tier]` is measured over modelled USD, 1 where price comes soonest; 0 for tiers nobody measured."""

    def __init__(self, estimate: EstimateParams, params: CalibrationParams) -> None:
        self._estimate, self._params, self._leverages = estimate, params, np.array(estimate.leverages)
        tiers = len(estimate.leverages)
        self._as_modelled: dict[int, Positions] = {}
        """Per measured row, an estimate of that row alone."""
        self._compared_ms: dict[int, int] = {}
        self._sums: Floats = np.zeros((3, tiers))
        """Measured USD attributed, modelled USD, squares of measured positions; averages over time, from 0."""
        self.standing: Floats = np.zeros(tiers)

    def __bool__(self) -> bool:
        return bool(self._as_modelled)

    # --- the estimate as if nothing were known ------------------------------------------------------------------------

    def watch(self, row: int, positions: Positions) -> None:
        """From now on keep what is modelled of a row; nothing of it has been replaced yet. Once per row."""
        if row in self._as_modelled:
            return
        state, tiers = positions.state(), len(positions.leverages)
        for name in ("scale", "sum", "touched_usd", "multiplier", "cap"):
            state[name] = packed(unpacked(state[name])[row : row + 1])
        state["shift"] = packed(unpacked(state["shift"])[:, row : row + 1])
        for name in ("usd", "born"):
            state[name] = state[name][2 * tiers * row : 2 * tiers * (row + 1)]
        state["reach"], state["far"] = state["reach"][row : row + 1], state["far"][row : row + 1]
        alone = self._as_modelled[row] = Positions(self._estimate)
        alone.load_state(state)

    def decay(self, position: float, elapsed_ms: int, pace: float) -> None:
        """The window follows the mark; owners close positions, at the pace of the others."""
        for alone in self._as_modelled.values():
            alone.closing.pace = pace
            alone.begin_step()
            alone.centre(position)
            alone.decay(elapsed_ms)

    def touch(self, row: int, low: float, high: float) -> None:
        if row in self._as_modelled:
            self._as_modelled[row].touch(0, low, high)

    def open(
        self,
        rows: Sequence[int],
        entries: Sequence[tuple[float, float]],
        opened_usd: Sequence[tuple[float, float]],
        swept: Sequence[tuple[float, float]],
    ) -> None:
        """As `Positions.open`; rows that nobody measures are left out."""
        for row, *one in zip(rows, entries, opened_usd, swept, strict=True):
            if row in self._as_modelled:
                self._as_modelled[row].open([0], *([values] for values in one))

    def bound(self, usd_max: Sequence[float], multiplier: Floats) -> None:
        """As `Positions.bound`; `multiplier[row, tier]` is that of the map."""
        for row, alone in self._as_modelled.items():
            alone.multiplier = multiplier[row : row + 1]
            alone.bound([usd_max[row]])

    # --- comparing ----------------------------------------------------------------------------------------------------

    def compare(self, row: int, sides: Sequence[tuple[Floats, Floats]], mark: float, now_ms: int) -> None:
        """A snapshot of a watched row: (positions, USD) of longs and of shorts, and the mark's position."""
        elapsed_ms = max(0, now_ms - self._compared_ms.get(row, now_ms))
        self._compared_ms[row] = now_ms
        held = np.zeros((2, len(self.standing), len(_CLASSES) - 1))
        found, squares = np.zeros((2, 2, len(_CLASSES) - 1))
        for side, (position, usd) in zip((LONG, SHORT), sides, strict=True):
            away = np.abs(position - mark)
            found[side], squares[side] = _by_class(away, usd), _by_class(away, usd * usd)
            held[side] = self._held_usd(row, side, mark)
        if not (held.sum() > 0 and found.sum() > 0):
            return
        # A tier nobody holds a position in says nothing; the others are told by their share of a class.
        share = held * np.where(self.standing > 0, self.standing, 1.0)[:, None]
        total = share.sum(axis=1, keepdims=True)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        told = (share * found[:, None]).sum(axis=(0, 2))
        square = (share * squares[:, None]).sum(axis=(0, 2))
        by_tier = held.sum(axis=(0, 2))
        kept = fading(elapsed_ms, self._params.standing_h)
        self._sums *= kept
        self._sums += (1.0 - kept) * np.stack([told, by_tier * (told.sum() / by_tier.sum()), square])
        self._estimate_standing()

    def _held_usd(self, row: int, side: int, mark: float) -> Floats:
        """Prior USD the row's own estimate holds, [tier, class]."""
        alone, held = self._as_modelled[row], np.zeros((len(self.standing), len(_CLASSES) - 1))
        alone.multiplier = np.ones_like(alone.multiplier)
        middle = alone.window_first + np.arange(BINS) + 0.5
        for tier in range(len(self.standing)):
            start, usd = alone.line(0, side, [tier])
            held[tier] = _by_class(np.abs(middle[start : start + len(usd)] - mark), usd)
        return held

    def _estimate_standing(self) -> None:
        told, held, squares = self._sums
        heard = np.divide(told * told, squares, out=np.zeros_like(told), where=squares > 0)
        ratio = np.divide(told, held, out=np.ones_like(told), where=held > 0)
        weight = self._params.standing_weight
        standing = np.where(held > 0, (ratio * heard + weight) / (heard + weight), 0.0)
        # Until prints tell how large these tiers are together, those near the mark are taken to be as modelled.
        near = held * self._leverages * self._leverages
        size = float((near * standing).sum())
        self.standing = standing * (float(near.sum()) / size) if size > 0 else standing

    def state(self) -> dict[str, Any]:
        alone = [[row, one.state()] for row, one in self._as_modelled.items()]
        compared = list(self._compared_ms.items())
        return {"alone": alone, "compared": compared, "arrays": [packed(self._sums), packed(self.standing)]}

    def load_state(self, state: dict[str, Any]) -> None:
        self._as_modelled = {}
        for row, one in state["alone"]:
            self._as_modelled[row] = Positions(self._estimate)
            self._as_modelled[row].load_state(one)
        self._compared_ms = {row: time_ms for row, time_ms in state["compared"]}  # noqa: C416 - may come as lists
        self._sums, self.standing = (unpacked(array) for array in state["arrays"])


def _by_class(away: Floats, usd: Floats) -> Floats:
    """USD per class of distance; what lies beyond the last is left out."""
    at = np.searchsorted(_CLASSES, away, side="right") - 1
    inside = at < len(_CLASSES) - 1
    return np.asarray(np.bincount(at[inside], usd[inside], minlength=len(_CLASSES) - 1), np.float64)
