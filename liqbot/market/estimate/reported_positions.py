"""`ReportedPositions`: positions that a venue itself makes known, one by one, with the price each is liquidated at.

A snapshot replaces the venue's former one. What it covers of the venue's leveraged positions is left out of the
modelled ones wherever these are read. Until the next snapshot reported positions are removed when the venue's mark
reaches them, and fade at the rate at which owners close. What is opened meanwhile is modelled, as on any venue, so that
a snapshot that gets old gives way to the model. Positions here are fractional bins of the price grid, of the venue's
own mark.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.blocks import Rows
from liqbot.market.estimate.calibration import LATE_MS, Order
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.coverage import Coverage, SidePositions, near
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import LONG, SHORT, Floats, weighted_sums
from liqbot.market.estimate.price_grid import edges
from liqbot.market.estimate.state import ReportedSnapshot, ReportedState, SnapshotSide
from liqbot.market.estimate.step_kernels import grid_positions
from liqbot.market.params import CalibrationParams

_SIDES: Final = (LONG, SHORT)
_OUTWARD: Final = (-1.0, 1.0)
_PART_MIN: Final = 0.1
"""Venues close large positions in parts; an order below this share of the smallest one reached is no part of it."""


def newest_snapshots(rows: Rows) -> dict[int, list[SidePositions]]:
    """Newest snapshot per venue index, [longs, shorts]; impossible rows are left out, as are those without size, which
    say that the venue has none to tell.

    `rows` are the columns of `blocks.DTYPES["positions"]`; those of one venue and time are one snapshot.
    """
    table = edges()
    found: dict[int, list[SidePositions]] = {}
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

    `ratio` is how much of what the mark reaches complete feeds report: owners leave, or are stopped out, before, and
    venues close large positions in parts.
    """

    def __init__(
        self, closing: ClosingRate, leverages: tuple[float, ...], params: CalibrationParams, state: ReportedState
    ) -> None:
        self._closing, self._leverages, self._params, self.state = closing, np.array(leverages), params, state

    def __bool__(self) -> bool:
        return bool(self.state.snapshots)

    # --- the update ---------------------------------------------------------------------------------------------------

    def replace(
        self, row: int, sides: Sequence[SidePositions], mark: float, covers: Coverage, now_ms: int
    ) -> None:
        """A new snapshot of longs and of shorts: the mark's position, and what it covers."""
        kept = [self._ordered(side, *positions, mark) for side, positions in zip(_SIDES, sides, strict=True)]
        self.state.snapshots[row] = ReportedSnapshot(now_ms, covers, kept)

    def _ordered(self, side: int, position: Floats, usd: Floats, mark: float) -> SnapshotSide:
        """From the mark outward."""
        order = np.argsort(position * _OUTWARD[side], kind="stable")
        position, usd = position[order], usd[order]
        away = np.maximum((position - mark) * _OUTWARD[side], 1.0) * 5e-4
        # The tier whose leverage fits the distance best says how soon such positions are closed.
        tier = np.abs(self._leverages * away[:, None] - 1.0).argmin(axis=1)
        inside, tiers = near(position, mark), len(self._leverages)
        standing = [np.bincount(tier[one], usd[one], minlength=tiers) for one in (inside, ~inside)]
        return SnapshotSide(position, usd, tier, inside, np.stack(standing).astype(np.float64))

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
                taken, before = slice(one.first, stop), self.state.smallest_usd[row, side]
                self.state.touched_usd[row, side] += self._usd(snapshot, row, side, now_ms)[: stop - one.first].sum()
                self.state.smallest_usd[row, side] = min(before, one.usd[taken].min())
                np.subtract.at(one.standing_usd, ((~one.near[taken]).astype(np.int64), one.tier[taken]), one.usd[taken])
                one.first = stop

    def bound(self, row: int, oi_usd: float, now_ms: int) -> None:
        """Read no more of either side than the venue's open interest."""
        snapshot = self.state.snapshots.get(row)
        if snapshot is not None:
            for side in _SIDES:
                told_usd = float(self._standing_usd(snapshot, side, now_ms).sum())
                self.state.cap[row, side] = oi_usd / told_usd if told_usd > oi_usd else 1.0

    def expect(self, modelled_usd: Floats, reporting: Floats, elapsed_ms: int) -> Floats:
        """[row, side] expected to be reported of what was touched; `modelled_usd` is the same of modelled positions."""
        state = self.state
        own: Floats = state.touched_usd * (self.ratio * reporting)[:, None]
        state.recent *= max(0.0, 1.0 - elapsed_ms / LATE_MS)
        state.recent[:, :, 0] += own
        state.recent[:, :, 1] += modelled_usd
        state.smallest_usd[state.recent[:, :, 0] <= 0] = np.inf
        state.sums *= fading(elapsed_ms, self._params.tail_h)
        state.sums[1] += (state.touched_usd * reporting[:, None]).sum()
        return own

    def count(self, orders: Sequence[Order]) -> None:
        """What forced orders say of these positions: how much of them is reported.

        An order is of these or of modelled ones in proportion to what was expected of them; one that is too small to be
        a part of any position reached is of the model alone.
        """
        for row, side, usd in orders:
            ours, modelled = self.state.recent[row, side].tolist()
            if ours > 0 and usd >= _PART_MIN * self.state.smallest_usd[row, side]:
                own = ours / (ours + modelled)
                self.state.sums += (own * usd, 0.0, own, own * usd)

    @property
    def ratio(self) -> float:
        """Reported over expected USD, pulled toward the usual by a prior worth a number of orders; the same for all
        rows."""
        params = self._params
        reported, expected, orders, usd = self.state.sums.tolist()
        if not orders > 0:
            return params.told_ratio
        prior_usd = params.told_weight * usd / orders
        return min(float(reported + prior_usd) / float(expected + prior_usd / params.told_ratio), 1.0)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _kept(self, snapshot: ReportedSnapshot, now_ms: int) -> Floats:
        return self._closing.kept_share(max(0, now_ms - snapshot.taken_ms))

    def _usd(self, snapshot: ReportedSnapshot, row: int, side: int, now_ms: int) -> Floats:
        one = snapshot.sides[side]
        kept = self._kept(snapshot, now_ms) * self.state.cap[row, side]
        usd: Floats = one.usd[one.first :] * kept[one.tier[one.first :]]
        return usd

    def _standing_usd(self, snapshot: ReportedSnapshot, side: int, now_ms: int) -> Floats:
        """[near, far]."""
        return weighted_sums(snapshot.sides[side].standing_usd, self._kept(snapshot, now_ms))

    def standing_usd(self, row: int, side: int, now_ms: int) -> tuple[float, float]:
        """Still standing (near the mark at the snapshot, too far to be leveraged); 0 where nothing is reported."""
        snapshot = self.state.snapshots.get(row)
        if snapshot is None:
            return 0.0, 0.0
        near_usd, far_usd = (self._standing_usd(snapshot, side, now_ms) * self.state.cap[row, side]).tolist()
        return near_usd, far_usd

    def total_usd(self, row: int, side: int, now_ms: int) -> float:
        """Still standing; 0 where nothing is reported."""
        return sum(self.standing_usd(row, side, now_ms))

    def newest(self, row: int) -> ReportedSnapshot | None:
        """The row's last snapshot, what of it was touched since included."""
        return self.state.snapshots.get(row)

    def covered(self, row: int, now_ms: int) -> dict[str, float]:
        """What the row's newest snapshot covers and how old it is, as fields of `VenueHealth`; none without one."""
        snapshot = self.newest(row)
        if snapshot is None:
            return {}
        long_share, short_share = snapshot.covers.of_oi
        return {
            "measured_share": (long_share + short_share) / 2.0, "measured_long_share": long_share,
            "measured_short_share": short_share, "measured_age_ms": now_ms - snapshot.taken_ms,
        }  # fmt: skip

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
        usd = self._usd(snapshot, row, side, now_ms)[inside]
        return np.bincount(at[inside], usd, minlength=bins).astype(np.float64, copy=False)  # of nothing it counts whole
