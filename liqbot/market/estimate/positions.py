"""`Positions`: the estimate of one coin's open leveraged positions, all venues in one array [venue, side, tier, bin].

A cell holds USD notional that would be force-closed when its venue's own mark reaches that bin. Decay only touches one
scale per row; price touching a row removes slices; opening positions adds one small block. Positions of the price grid
are fractional bins, see `grid`.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.cells import BINS, Cells
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.entry_to_liquidation import LONG, SHORT, EntryToLiquidation, Floats
from liqbot.market.estimate.price_grid import bin_shares
from liqbot.market.params import EstimateParams

_HALF: Final = BINS // 2
_DRIFT_BINS: Final = 512
_SCALE_MIN: Final = 1e-9
_NO_WIDTH: Final = 1e-3
"""Bins: a bar that traded at one price opens positions in this narrow a range."""
_FAR: Final = 1 << 40


class Positions:
    """`touched_usd[row, side, tier]` is what the touches since `begin_step` are expected to have force-closed.

    Cells hold prior USD; `multiplier[row, tier]`, which calibration sets, turns them into the estimate when read.
    `touched_hazard_usd` is touched prior USD times the closings it was exposed to while it was open, on average.
    """

    def __init__(self, params: EstimateParams) -> None:
        self.leverages = params.leverages
        tiers = len(self.leverages)
        self._mix = np.array(params.leverage_mix)
        self.closing = ClosingRate(params.leverages, params.close_h)
        self.window_first = 0
        """Global index of the window's first bin; 0 until placed."""
        self._cells = Cells(tiers)
        self._scale = np.ones((0, 2, tiers))
        self._sum = np.zeros((0, 2, tiers))
        self._at = EntryToLiquidation(np.zeros((len(params.smear_factors), 0, 2, tiers)), self._mix)
        self._turn = 0
        self.touched_usd = np.zeros((0, 2, tiers))
        self.touched_prior_usd = np.zeros((0, 2, tiers))
        self.touched_hazard_usd = np.zeros((0, 2, tiers))
        self.multiplier = np.ones((0, tiers))
        self._cap = np.ones((0, 2))
        """Part of a row's side that open interest leaves room for. Taken when the map is read, never out of the cells
        or of what their touch promises: learning would make up for it, and so erase the older positions."""
        self._reach: list[list[float]] = []
        """Per row [long, short]: no long mass lies above the first position, no short mass below the second."""
        self._far: list[list[int]] = []
        """Per row [long, short]: no long mass lies below the first bin, no short mass above the second."""
        self._lay_out()

    def _lay_out(self) -> None:
        """Where the rows begin: less the window's first bin, so that global bins index the flat array."""
        weight = self._at.weight
        self._row_start = np.arange(weight.size).reshape(weight.shape) * BINS - self.window_first
        self._all_rows = list(range(self.rows))

    @property
    def rows(self) -> int:
        return len(self._reach)

    @property
    def nbytes(self) -> int:
        """Memory held by the cells, which is nearly all."""
        return self._cells.nbytes

    def admit(self, shift: Floats) -> int:
        """A row for one more venue; `shift[side, tier]` in bins, NaN where it does not offer the tier.

        `shift[turn, side, tier]` gives each of a tier's distances its own.
        """
        sides_and_tiers = self._sum.shape[1:]
        self._at = self._at.with_row(shift, self._mix)
        self._cells.admit()
        self._scale = np.concatenate([self._scale, np.ones((1, *sides_and_tiers))])
        self._sum = np.concatenate([self._sum, np.zeros((1, *sides_and_tiers))])
        for name in _TOUCHED:
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros((1, *sides_and_tiers))]))
        self.multiplier = np.concatenate([self.multiplier, np.ones((1, len(self.leverages)))])
        self._cap = np.concatenate([self._cap, np.ones((1, 2))])
        self._reach.append([-np.inf, np.inf])
        self._far.append([_FAR, 0])
        self._lay_out()
        return self.rows - 1

    # --- the update ---------------------------------------------------------------------------------------------------

    def begin_step(self) -> None:
        """Forget what was touched before."""
        for name in _TOUCHED:
            getattr(self, name)[:] = 0.0

    def standing_mix(self, row: int) -> Floats:
        """Share of each tier in what stands open when opening and closing are in balance."""
        standing = self._at.weight[row, LONG] / self.closing.rates
        total = standing.sum()
        mix: Floats = standing / (total if total > 0 else 1.0)
        return mix

    def decay(self, elapsed_ms: int) -> None:
        """Owners close positions."""
        self._scale *= self.closing.kept_share(elapsed_ms)
        self._cells.clock += self.closing.hazard(elapsed_ms)
        if self._reach and np.minimum.reduce(self._scale, axis=None) < _SCALE_MIN:
            self._settle()

    def _settle(self) -> None:
        """Write the scales into the cells and sum them afresh, which also ends the drift of running sums."""
        self._cells.settle(self._scale)
        self._scale[:] = 1.0
        self._sum = self._cells.usd.sum(axis=3)

    def touch(self, row: int, low: float, high: float) -> None:
        """Remove what the venue's own mark, moving within low..high, would have force-closed."""
        reach = self._reach[row]
        if low < reach[LONG]:
            first = self._inside(int(low))
            stop = self._inside(-int(-reach[LONG] // 1))
            kept = max(0.0, low - int(low)) / (min(reach[LONG], int(low) + 1.0) - int(low))
            self._remove(row, LONG, slice(first, stop), first, kept)
            reach[LONG] = low
        if high > reach[SHORT]:
            first = self._inside(int(reach[SHORT]))
            last = self._inside(int(high))
            kept = (int(high) + 1.0 - high) / (int(high) + 1.0 - max(reach[SHORT], float(int(high))))
            self._remove(row, SHORT, slice(first, last + 1), last, kept)
            reach[SHORT] = high

    def _remove(self, row: int, side: int, crossed: slice, end: int, kept: float) -> None:
        """Empty the crossed bins; of the end bin a share is kept, as price crossed only a part of it."""
        gone, hazard = self._cells.remove(row, side, crossed, end, kept)
        scale = self._scale[row, side]
        prior_usd = gone * scale
        self.touched_prior_usd[row, side] += prior_usd
        self.touched_hazard_usd[row, side] += hazard * scale
        self.touched_usd[row, side] += prior_usd * self.multiplier[row]
        self._sum[row, side] = np.maximum(self._sum[row, side] - gone, 0.0)

    def _inside(self, position: int) -> int:
        return min(max(position - self.window_first, 0), BINS - 1)

    def open(
        self,
        rows: Sequence[int],
        entries: Sequence[tuple[float, float]],
        opened_usd: Sequence[tuple[float, float]],
        swept: Sequence[tuple[float, float]],
    ) -> None:
        """Positions opened evenly over each row's `entries` (low, high), in USD (long, short).

        What would lie within `swept`, the range of the row's own mark meanwhile, was closed again and is not added.
        """
        # All rows in order, as when every venue has a bar: views instead of copies.
        row = slice(None) if list(rows) == self._all_rows else np.array(rows)
        shares = [bin_shares(low, max(high, low + _NO_WIDTH)) for low, high in entries]
        count = max(map(len, shares))
        share = np.array([[0.0, *of_row, *(0.0,) * (count + 1 - len(of_row))] for of_row in shares])[:, None, None]
        first = [math.floor(low) for low, _ in entries]
        turn = self._turn = (self._turn + 1) % self._at.turns
        part, whole = self._at.part[turn, row], self._at.whole[turn, row]
        added = (1.0 - part) * share[..., 1:]
        added += part * share[..., :-1]
        added *= (np.array(opened_usd)[:, :, None] * self._at.weight[row] / self._scale[row])[..., None]
        bins = np.array(first)[:, None, None, None] + np.arange(count + 1)
        if self._raise_reach(rows, first, count, swept):
            self._clear_swept(added, whole[..., None] + bins, swept)
        if self._fits(rows, first, count):
            # No cell is named twice, so one indexed addition is exact.
            self._cells.add((whole + self._row_start[row])[..., None] + bins, added)
        else:
            # What falls outside the window goes to its ends.
            self._add_clipped(rows, added, np.clip(whole[..., None] + bins - self.window_first, 0, BINS - 1))
        self._sum[row] += np.add.reduce(added, axis=3)

    def _fits(self, rows: Sequence[int], first: Sequence[int], count: int) -> bool:
        """Whether all that these rows may open lies within the window, whatever their turn."""
        low, high = self.window_first, self.window_first + BINS - count
        around = [(at, self._at.ends[row]) for at, row in zip(first, rows, strict=True)]
        return all(at + min(ends) >= low and at + max(ends) < high for at, ends in around)

    def _raise_reach(
        self, rows: Sequence[int], first: Sequence[int], count: int, swept: Sequence[tuple[float, float]]
    ) -> bool:
        """Note how near to and far from the mark each row now holds mass; whether some of it lies in what was swept."""
        overlaps = False
        for row, bin_first, (low, high) in zip(rows, first, swept, strict=True):
            near_long, near_short, far_long, far_short = self._at.ends[row]
            top, bottom = bin_first + near_long + count + 1.0, float(bin_first + near_short)
            overlaps = overlaps or top > low or bottom < high
            reach, far = self._reach[row], self._far[row]
            reach[LONG] = max(reach[LONG], min(top, low))
            reach[SHORT] = min(reach[SHORT], max(bottom, high))
            far[LONG] = min(far[LONG], bin_first + far_long)
            far[SHORT] = max(far[SHORT], bin_first + far_short + count)
        return overlaps

    @staticmethod
    def _clear_swept(added: Floats, target: npt.NDArray[np.int64], swept: Sequence[tuple[float, float]]) -> None:
        low, high = np.array(swept).T
        added[:, LONG] *= np.clip(low[:, None, None] - target[:, LONG], 0.0, 1.0)
        added[:, SHORT] *= np.clip(target[:, SHORT] + 1.0 - high[:, None, None], 0.0, 1.0)

    def _add_clipped(self, rows: Sequence[int], added: Floats, column: npt.NDArray[np.int64]) -> None:
        for index, row in enumerate(rows):
            for side in (LONG, SHORT):
                for tier in range(len(self.leverages)):
                    usd = np.bincount(column[index, side, tier], added[index, side, tier], minlength=BINS)
                    self._cells.add_line(row, side, tier, usd.astype(np.float64))

    def bound(self, usd_max: Sequence[float]) -> None:
        """Read no more than `usd_max` of each row's sides; infinity leaves a row alone."""
        totals = np.add.reduce(self.prior_usd() * self.multiplier[:, None, :], axis=2).tolist()
        for row, (most, sides) in enumerate(zip(usd_max, totals, strict=True)):
            for side, total_usd in enumerate(sides):
                self._cap[row, side] = most / total_usd if total_usd > most else 1.0

    def keep(self, row: int, shares: Floats) -> None:
        """Keep a share [side, tier] of a row's positions, wherever they are."""
        self._cells.keep(row, shares)
        self._sum[row] *= shares

    def centre(self, position: float) -> None:
        """Keep the window around a position; moved only after a long drift. Mass beyond it goes to its end bins."""
        middle = int(position)
        if self.window_first and abs(middle - self.window_first - _HALF) <= _DRIFT_BINS:
            return
        first = max(1, middle - _HALF)
        moved = first - self.window_first if self.window_first else 0
        self.window_first = first
        self._lay_out()
        if moved == 0 or not self.rows:
            return
        self._cells.move(moved)
        self._sum = self._cells.usd.sum(axis=3)

    # --- reading ------------------------------------------------------------------------------------------------------

    def total_usd(self) -> Floats:
        """[row, side, tier]."""
        usd: Floats = self.prior_usd() * self.multiplier[:, None, :] * self._cap[:, :, None]
        return usd

    def prior_usd(self) -> Floats:
        """[row, side, tier], as it was before anything was learnt."""
        usd: Floats = self._sum * self._scale
        return usd

    def offers(self, row: int) -> bool:
        """Whether the row has any tier at all."""
        return bool(self._at.weight[row].any())

    def line(self, row: int, side: int, tiers: Sequence[int] | None = None) -> tuple[int, Floats]:
        """USD per bin of one row and side, all tiers or some: (first column, values); beyond it there is none."""
        near, far = self._reach[row][side], self._far[row][side]
        if not -np.inf < near < np.inf:
            return 0, np.zeros(0)
        if side == LONG:
            start, stop = self._inside(far), self._inside(-int(-near // 1)) + 1
        else:
            start, stop = self._inside(int(near)), self._inside(far) + 1
        cells = self._cells.usd[row, side, :, start:stop]
        scale = self._scale[row, side] * self.multiplier[row] * self._cap[row, side]
        if tiers is not None:
            cells, scale = cells[list(tiers)], scale[list(tiers)]
        values: Floats = np.add.reduce(cells * scale[:, None], axis=0)
        return start, values

    def state(self) -> dict[str, Any]:
        return {
            "window_first": self.window_first, **self._cells.state(),
            "scale": packed(self._scale), "sum": packed(self._sum), "shift": packed(self._at.shift),
            "turn": self._turn, "touched_usd": packed(self.touched_usd),
            "multiplier": packed(self.multiplier), "cap": packed(self._cap),
            "reach": [list(reach) for reach in self._reach], "far": [list(far) for far in self._far],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.window_first = state["window_first"]
        self._scale, self._sum = unpacked(state["scale"]), unpacked(state["sum"])
        self._at, self.touched_usd = (
            EntryToLiquidation(unpacked(state["shift"]), self._mix),
            unpacked(state["touched_usd"]),
        )
        self._turn, self.multiplier, self._cap = state["turn"], unpacked(state["multiplier"]), unpacked(state["cap"])
        self.touched_prior_usd, self.touched_hazard_usd = np.zeros((2, *self.touched_usd.shape))
        self._cells.load_state(state, self._scale.shape)
        self._reach = [list(reach) for reach in state["reach"]]
        self._far = [list(far) for far in state["far"]]
        self._lay_out()


_TOUCHED: Final = ("touched_usd", "touched_prior_usd", "touched_hazard_usd")
