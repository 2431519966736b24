"""`ReportedPositions`: positions that a venue itself makes known, one by one, with the price each is liquidated at.

A snapshot replaces the venue's former one. What it covers of open interest replaces that share of the modelled
positions; what is opened afterwards is modelled, as on any venue. Until the next snapshot reported positions are
removed when the venue's mark reaches them, and fade at the rate at which owners close, so that a snapshot that gets old
gives way to the model. Positions here are fractional bins of the price grid, of the venue's own mark.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.blocks import Rows
from liqbot.market.estimate.calibration import LATE_MS
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import LONG, SHORT, Floats, grid_positions
from liqbot.market.estimate.price_grid import edges
from liqbot.market.estimate.state import ReportedSnapshot, ReportedState, SnapshotSide
from liqbot.market.params import CalibrationParams

_DAY_MS: Final = 86_400_000
_SIDES: Final = (LONG, SHORT)
_OUTWARD: Final = (-1.0, 1.0)


def newest_snapshots(rows: Rows) -> dict[int, list[tuple[Floats, Floats]]]:
    """Newest snapshot per venue index, [longs, shorts] as (positions, USD); impossible rows are left out.

    `rows` are the columns of `blocks.DTYPES["positions"]`; those of one venue and time are one snapshot.
    """
    table = edges()
    found: dict[int, list[tuple[Floats, Floats]]] = {}
    for venue in dict.fromkeys(rows["venue"].tolist()):
        mine = rows[rows["venue"] == venue]
        mine = mine[mine["time_ms"] == mine["time_ms"].max()]
        sides = []
        for sign in (1, -1):
            price, usd = (mine[name][mine["side"] == sign] for name in ("price", "size_usd"))
            sound = (price > 0) & (price < np.inf) & (usd > 0) & (usd < 1e12)
            sides.append((grid_positions(np.clip(price[sound], table[0], table[-2]), table), usd[sound]))
        found[venue] = sides
    return found


class ReportedPositions:
    """Works on the `ReportedState` it is given, and keeps parameters only.

    `ratio` is how much of what the mark reaches complete feeds report: owners leave, or are stopped out, before.
    """

    def __init__(
        self, closing: ClosingRate, leverages: tuple[float, ...], params: CalibrationParams, state: ReportedState
    ) -> None:
        self._closing, self._leverages, self._params, self.state = closing, np.array(leverages), params, state

    def __bool__(self) -> bool:
        return bool(self.state.snapshots)

    # --- the update ---------------------------------------------------------------------------------------------------

    def kept_share(self, row: int, prior_usd: Floats, share: float, now_ms: int) -> Floats:
        """[side, tier] of the row's modelled positions that stay when a snapshot covers `share` of open interest.

        What the former snapshot left standing was not in it and is not in this one: only later openings shrink.
        """
        former = self.state.snapshots.get(row)
        before: Floats = np.zeros_like(prior_usd)
        if former is not None:
            kept = self._closing.kept_share(max(0, now_ms - former.taken_ms))
            before = np.minimum(former.beside_usd * kept, prior_usd)
        stays = before + (1.0 - share) * (prior_usd - before)
        found: Floats = np.divide(stays, prior_usd, out=np.ones_like(prior_usd), where=prior_usd > 0)
        return found

    def replace(
        self, row: int, sides: Sequence[tuple[Floats, Floats]], mark: float, share: float, beside_usd: Floats,
        now_ms: int,
    ) -> None:
        """A new snapshot: (positions, USD) of longs and of shorts, the mark's position, the share covered, and the
        prior USD [side, tier] of the modelled positions that stay beside it."""
        kept = []
        for side, (position, usd) in zip(_SIDES, sides, strict=True):
            order = np.argsort(position * _OUTWARD[side], kind="stable")
            away = np.maximum((position[order] - mark) * _OUTWARD[side], 1.0) * 5e-4
            # The tier whose leverage fits the distance best says how soon such positions are closed.
            tier = np.abs(self._leverages * away[:, None] - 1.0).argmin(axis=1)
            kept.append(SnapshotSide(position[order], usd[order], tier))
        self.state.snapshots[row] = ReportedSnapshot(now_ms, share, beside_usd, kept)

    def begin_step(self) -> None:
        if self.state.snapshots:
            self.state.touched_usd[:] = 0.0

    def touch(self, row: int, low: float, high: float, now_ms: int) -> None:
        """The row's own mark moved within low..high."""
        snapshot = self.state.snapshots.get(row)
        if snapshot is None:
            return
        for side, reached in ((LONG, low), (SHORT, high)):
            one = snapshot.sides[side]
            stop = one.first
            while stop < len(one.position) and (one.position[stop] - reached) * _OUTWARD[side] <= 0:
                stop += 1
            if stop > one.first:
                self.state.touched_usd[row, side] += self._usd(snapshot, side, now_ms)[: stop - one.first].sum()
                one.first = stop

    def expect(self, modelled_usd: Floats, reporting: Floats, elapsed_ms: int) -> Floats:
        """[row, side] expected to be reported of what was touched; `modelled_usd` is the same of modelled positions."""
        state = self.state
        own: Floats = state.touched_usd * (self.ratio * reporting)[:, None]
        if not state.snapshots:
            return own
        state.recent *= max(0.0, 1.0 - elapsed_ms / LATE_MS)
        state.recent[:, :, 0] += own
        state.recent[:, :, 1] += modelled_usd
        state.sums *= fading(elapsed_ms, self._params.tail_h)
        state.sums[1] += (state.touched_usd * reporting[:, None]).sum()
        return own

    def count(self, row: int, side: int, usd: float) -> None:
        """A reported order: part of it is of reported positions, in proportion to what was expected of either."""
        ours, modelled = self.state.recent[row, side].tolist()
        if ours > 0:
            own = usd * ours / (ours + modelled)
            self.state.sums += (own, 0.0, own / usd, own)

    def fresh(self, now_ms: int) -> list[int]:
        """Rows whose newest snapshot is of the last day."""
        return [row for row, one in self.state.snapshots.items() if now_ms - one.taken_ms <= _DAY_MS]

    @property
    def ratio(self) -> float:
        """Reported over expected USD, pulled toward 1 by a prior worth a number of orders; the same for all rows."""
        reported, expected, orders, usd = self.state.sums.tolist()
        if not orders > 0:
            return 1.0
        prior = self._params.row_weight * usd / orders
        return min(float(reported + prior) / float(expected + prior), 1.0)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _usd(self, snapshot: ReportedSnapshot, side: int, now_ms: int) -> Floats:
        one = snapshot.sides[side]
        kept = self._closing.kept_share(max(0, now_ms - snapshot.taken_ms))
        usd: Floats = one.usd[one.first :] * kept[one.tier[one.first :]]
        return usd

    def total_usd(self, row: int, side: int, now_ms: int) -> float:
        """Still standing; 0 where nothing is reported."""
        snapshot = self.state.snapshots.get(row)
        return float(self._usd(snapshot, side, now_ms).sum()) if snapshot is not None else 0.0

    def share(self, row: int) -> float:
        """Of the venue's open interest, covered by its last snapshot; 0 without one."""
        return self.state.snapshots[row].share if row in self.state.snapshots else 0.0

    def line(
        self, row: int, side: int, first: int, bins: int, now_ms: int, tiers: Sequence[int] | None = None
    ) -> Floats:
        """USD per bin of a window that begins at `first`; of some tiers. Empty where nothing is reported."""
        snapshot = self.state.snapshots.get(row)
        if snapshot is None:
            return np.zeros(0)
        one = snapshot.sides[side]
        at = one.position[one.first :].astype(np.int64) - first
        inside = (at >= 0) & (at < bins)
        if tiers is not None:
            inside &= np.isin(one.tier[one.first :], list(tiers))
        return np.asarray(np.bincount(at[inside], self._usd(snapshot, side, now_ms)[inside], minlength=bins))
