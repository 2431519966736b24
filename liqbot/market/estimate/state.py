"""`EstimateState`: every array of one coin's estimate, all venues in one: [row, side, tier, bin] and its marginals.

A row is a venue, in the order venues were first seen trading; a side is LONG or SHORT, of the position; a tier is a
component of leverage; a bin is one of the price grid, within the window. The estimator owns this object; the other
modules of this room hold parameters only and work on it through `kernels`.
"""

from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.market.estimate import fold_kernels
from liqbot.market.estimate.array_state import PerRow, RowArrays, packed, unpacked
from liqbot.market.estimate.coverage import Coverage
from liqbot.market.estimate.entry_to_liquidation import EntryToLiquidation
from liqbot.market.estimate.kernels import BINS, FAR, Floats, Whole

Flags = npt.NDArray[np.bool_]
NOWHERE = float("nan")


class PositionState(RowArrays):
    """Modelled positions. Cells hold prior USD before the row's scale; `multiplier`, which calibration learns, and
    `cap` turn them into the estimate when it is read.

    The *entry clock* of a tier counts the closings that a position of it has been exposed to (its cumulative hazard).
    Beside USD stands USD times the clock at entry, so that time passing touches no cell: hazard since entry is USD
    times the clock now, less that.
    """

    placement: EntryToLiquidation
    """From entry to liquidation; follows from `shift`."""
    shift: Annotated[Floats, PerRow(1)]
    """[offset, row, side, tier]: bins from entry to liquidation, NaN where the venue does not offer the tier."""
    cells: Annotated[Floats, PerRow(1, by_line=True)]
    """[kind, row, side, tier, bin]: USD, and USD times the clock at entry."""
    clock: Floats
    """[tier]."""
    scale: Annotated[Floats, PerRow(fill=1.0)]
    """[row, side, tier]: of all the cells of a line; closing by owners touches nothing else."""
    total: Annotated[Floats, PerRow()]
    """[row, side, tier]: running sum of the USD cells."""
    touched_usd: Annotated[Floats, PerRow(in_snapshot=False)]
    """[row, side, tier]: what the touches of this step are expected to have force-closed; `touched_prior_usd` the same
    before anything was learnt."""
    touched_prior_usd: Annotated[Floats, PerRow(in_snapshot=False)]
    touched_hazard_usd: Annotated[Floats, PerRow(in_snapshot=False)]
    """Touched prior USD times the closings it was exposed to while it was open, on average."""
    multiplier: Annotated[Floats, PerRow(fill=1.0)]
    """[row, tier]: real over prior USD."""
    covered: Annotated[Floats, PerRow()]
    """[row, side, tier]: of `total`, what positions stand for that the venue reports one by one."""
    beside: Annotated[Floats, PerRow(fill=1.0)]
    """[row, side, tier]: part that is not covered. Taken when the map is read and out of what touches promise, never
    out of the cells: what is modelled and learnt stands for all positions of a venue, whether it reports any or not, so
    that venues can be compared."""
    cap: Annotated[Floats, PerRow(fill=1.0)]
    """[row, side]: part that open interest leaves room for. Taken when the map is read, never out of the cells or of
    what their touch promises: learning would make up for it, and so erase the older positions."""
    frontier: Annotated[Floats, PerRow(fill=(-np.inf, np.inf))]
    """[row, side]: no long lies above the first position of the grid, no short below the second."""
    extent: Annotated[Whole, PerRow(fill=(FAR, 0))]
    """[row, side]: no long lies below the first bin, no short above the second."""
    first_bin: int = 0
    """Global index of the window's first bin; 0 until placed."""
    offset: int = 0
    """Which of a tier's offsets from entry to liquidation was taken last, see `EntryToLiquidation`."""

    @classmethod
    def empty(cls, offsets: int, mix: Floats) -> "PositionState":
        """No rows yet; `mix[tier]` is the share of each tier in what is opened."""
        tiers = len(mix)
        shift, by_tier = np.zeros((offsets, 0, 2, tiers)), np.zeros((0, 2, tiers))
        return cls(
            placement=EntryToLiquidation(shift, mix), shift=shift, cells=np.zeros((2, 0, 2, tiers, BINS)),
            clock=np.zeros(tiers), scale=by_tier, total=by_tier, touched_usd=by_tier, touched_prior_usd=by_tier,
            touched_hazard_usd=by_tier, multiplier=np.ones((0, tiers)), covered=by_tier, beside=by_tier,
            cap=np.ones((0, 2)), frontier=np.zeros((0, 2)), extent=np.zeros((0, 2), np.int64),
        )  # fmt: skip

    @property
    def rows(self) -> int:
        return len(self.frontier)

    def add_venue(self, shift: Floats) -> int:
        """A row for one more venue; `shift[side, tier]` in bins, or `[offset, side, tier]`."""
        self.add_row()
        self.shift[:, -1] = shift
        self._place()
        return self.rows - 1

    def span(self, row: int, side: int) -> tuple[int, int]:
        """First column of a row's side that holds anything, and the one after the last; (0, 0) where nothing does."""
        return fold_kernels.span_of(self.frontier.item(row, side), self.extent.item(row, side), self.first_bin, side)

    def alone(self, row: int) -> "PositionState":
        """A copy that has this row alone."""
        found = self.one_row(row)
        found._place()
        return found

    def load_state(self, record: dict[str, Any]) -> None:
        super().load_state(record)
        self._place()

    def _place(self) -> None:
        self.placement = EntryToLiquidation(self.shift, self.placement.mix)


class CalibrationState(RowArrays):
    """What forced orders taught: `level` x `weights` x `tail_ratio` is real over prior USD.

    `tail_ratio` gives back what capping took: large positions print, though no one learns from a single one where. The
    position layer leaves it out: large ones are of low leverage and stand far from the mark, as open interest says.
    """

    complete: Annotated[Flags, PerRow()]
    """Venues that report every forced order, as far as anybody knows."""
    weights: Floats
    """[tier]."""
    level: Annotated[Floats, PerRow()]
    """[row]."""
    reporting: Annotated[Floats, PerRow()]
    """[row]: share of forced USD that the venue's feed reports."""
    expected: Annotated[Floats, PerRow()]
    """[row, tier]: touched prior USD, fading."""
    observed: Annotated[Floats, PerRow()]
    """[row, tier]: capped USD of orders attributed to it, fading alike."""
    reported: Annotated[Floats, PerRow()]
    """[row, 3]: number of orders, sum of capped USD, sum of squares; fading alike."""
    recent: Annotated[Floats, PerRow()]
    """[row, side, tier]: what was touched lately, fading within seconds."""
    since: Annotated[Floats, PerRow()]
    """[row, side, tier]: what was touched since the row's last sums."""
    tail_sums: Floats
    """Attributed USD as reported, and capped; fading slowly."""
    tail_ratio: float = 1.0

    @classmethod
    def empty(cls, tiers: int) -> "CalibrationState":
        by_tier, by_side, none = np.zeros((0, tiers)), np.zeros((0, 2, tiers)), np.zeros(0, np.bool_)
        return cls(
            complete=none, weights=np.ones(tiers), level=np.ones(0), reporting=np.ones(0),
            expected=by_tier, observed=by_tier, reported=np.zeros((0, 3)), recent=by_side, since=by_side,
            tail_sums=np.zeros(2),
        )  # fmt: skip

    @property
    def rows(self) -> int:
        return len(self.level)

    def add_venue(self, level: float, *, complete: bool = False, silent: bool = False) -> None:
        """Its feed reports every forced order, or none, as far as anybody knows."""
        self.add_row()
        self.complete[-1], self.level[-1], self.reporting[-1] = complete, level, 0.0 if silent else 1.0


class ClosingRateState(RowArrays):
    """What forced orders taught about how fast owners close their positions."""

    touched: Annotated[Floats, PerRow(1)]
    """[kind, row, side, tier]: prior USD touched in this stretch, and times its hazard."""
    reported: Annotated[Floats, PerRow()]
    """[row, side]: capped USD of orders reported in this stretch."""
    baseline: Annotated[Floats, PerRow(1)]
    """[kind, row, tier]: prior USD touched, and times its hazard; fading."""
    in_sums: Annotated[Flags, PerRow()]
    """Rows reported in sums: their stretch ends with each sum."""
    stood: Floats
    """[tier]: logarithm of the pace that what stands of each tier was closing at: a mean over the tier's lifetime."""
    evidence: Floats
    """Slope and curvature of the parabolas at pace 1, in orders x closings, and x closings squared; fading."""
    pace_log_ratio: float = 0.0
    """Logarithm of the learnt pace."""
    window_ms: int = 0
    hour_ms: int = 0

    @classmethod
    def empty(cls, tiers: int) -> "ClosingRateState":
        return cls(
            touched=np.zeros((2, 0, 2, tiers)), reported=np.zeros((0, 2)), baseline=np.zeros((2, 0, tiers)),
            in_sums=np.zeros(0, np.bool_), stood=np.zeros(tiers), evidence=np.zeros(2),
        )  # fmt: skip


class SnapshotSide(msgspec.Struct):
    """Positions of one side that a venue reported one by one, from the mark outward; those before `first` were touched.

    `position` in fractional bins of the price grid; `tier` is the one whose leverage fits the distance best.
    """

    position: Floats
    usd: Floats
    tier: Whole
    near: Flags
    """Leveraged, by the distance from the mark then."""
    standing_usd: Floats
    """[near or not, tier] of those that were not touched."""
    first: int = 0

    def packed(self) -> dict[str, Any]:
        return {name: packed(getattr(self, name)) for name in _SNAPSHOT_ARRAYS} | {"first": self.first}

    @classmethod
    def unpacked(cls, record: dict[str, Any]) -> "SnapshotSide":
        return cls(**{name: unpacked(record[name]) for name in _SNAPSHOT_ARRAYS}, first=record["first"])


_SNAPSHOT_ARRAYS = ("position", "usd", "tier", "near", "standing_usd")


class ReportedSnapshot(msgspec.Struct):
    """What a venue reported at one time."""

    taken_ms: int
    covers: Coverage
    sides: list[SnapshotSide]


class ReportedState(RowArrays):
    """Positions that venues report one by one, and how much of them is reported again when price arrives."""

    snapshots: dict[int, ReportedSnapshot]
    """Row -> the newest one."""
    touched_usd: Annotated[Floats, PerRow(in_snapshot=False)]
    """[row, side]: what the touches of this step closed, before stops and early leavers."""
    recent: Annotated[Floats, PerRow()]
    """[row, side, 2]: expected to be reported lately, of reported and of modelled positions."""
    smallest_usd: Annotated[Floats, PerRow(fill=np.inf)]
    """[row, side]: of the reported positions touched lately."""
    cap: Annotated[Floats, PerRow(fill=1.0)]
    """[row, side]: part that open interest leaves room for."""
    sums: Floats
    """Reported and expected USD of these positions; number of orders, and their USD summed; fading."""

    @classmethod
    def empty(cls) -> "ReportedState":
        by_side = np.zeros((0, 2))
        return cls(
            snapshots={}, touched_usd=by_side, recent=np.zeros((0, 2, 2)), smallest_usd=by_side, cap=by_side,
            sums=np.zeros(4),
        )  # fmt: skip

    def packed(self) -> dict[str, Any]:
        snapshots = [
            [row, one.taken_ms, [one.covers.of_oi, one.covers.of_leveraged], [side.packed() for side in one.sides]]
            for row, one in self.snapshots.items()
        ]  # fmt: skip
        return super().packed() | {"snapshots": snapshots}

    def load_state(self, record: dict[str, Any]) -> None:
        super().load_state(record)
        self.snapshots = {
            row: ReportedSnapshot(
                taken_ms, Coverage(*map(tuple, covers)), [SnapshotSide.unpacked(side) for side in sides]
            )
            for row, taken_ms, covers, sides in record["snapshots"]
        }


class LeveragePriorState(msgspec.Struct):
    """What reported positions say about the mix of leverages."""

    ratio: Floats
    """[tier]: reported over modelled USD, 1 where price comes soonest; 0 for tiers nobody reported."""
    sums: Floats
    """[3, tier]: reported USD attributed, modelled USD, squares of reported positions; averages over time, from 0."""
    compared_ms: dict[int, int]
    """Per reported row, when its last snapshot was compared."""

    @classmethod
    def empty(cls, tiers: int) -> "LeveragePriorState":
        return cls(ratio=np.zeros(tiers), sums=np.zeros((3, tiers)), compared_ms={})

    def packed(self) -> dict[str, Any]:
        compared = list(self.compared_ms.items())
        return {"ratio": packed(self.ratio), "sums": packed(self.sums), "compared": compared}

    def load_state(self, record: dict[str, Any]) -> None:
        self.ratio, self.sums = unpacked(record["ratio"]), unpacked(record["sums"])
        self.compared_ms = {row: time_ms for row, time_ms in record["compared"]}  # noqa: C416 - may come as lists


class EstimateState(RowArrays):
    """All of one coin."""

    positions: PositionState
    calibration: CalibrationState
    closing: ClosingRateState
    reported: ReportedState
    leverage_prior: LeveragePriorState
    mark: Annotated[Floats, PerRow(fill=NOWHERE)]
    """[row]: position of the venue's own mark after the last step that moved it; NaN before the first."""
    unseen_usd: Annotated[Floats, PerRow()]
    """[row, tier]: positions of either side that were open before they could be seen, and still are."""
    oi_usd: Annotated[Floats, PerRow(fill=np.inf)]
    """[row]: the venue's open interest as of the last step; infinity while unknown."""
    room_usd: Annotated[Floats, PerRow(fill=np.inf)]
    """[row, side]: what its modelled positions may be at most."""
    unseen_rows: list[int]
    """Rows whose open interest has been known, in the order it came to be: in `unseen_usd`."""
    row_of: dict[int, int]
    """Venue index -> row, in the order of the rows."""
    now_ms: int = 0

    @classmethod
    def empty(cls, offsets: int, mix: Floats) -> "EstimateState":
        """No venue yet; `offsets` per tier, `mix[tier]` of what is opened."""
        tiers = len(mix)
        return cls(
            positions=PositionState.empty(offsets, mix), calibration=CalibrationState.empty(tiers),
            closing=ClosingRateState.empty(tiers), reported=ReportedState.empty(),
            leverage_prior=LeveragePriorState.empty(tiers), mark=np.zeros(0), unseen_usd=np.zeros((0, tiers)),
            oi_usd=np.zeros(0), room_usd=np.zeros((0, 2)), unseen_rows=[], row_of={},
        )  # fmt: skip

    def add_venue(self, venue: int, shift: Floats, level: float, *, complete: bool, silent: bool) -> int:
        """A row for one more venue of the roster, in every array."""
        row = self.row_of[venue] = self.positions.add_venue(shift)
        self.calibration.add_venue(level, complete=complete, silent=silent)
        self.closing.add_row()
        self.reported.add_row()
        self.add_row()
        return row

    def is_unseen(self) -> Whole:
        """[row]: 1 where there are positions that were open before they could be seen, else 0."""
        found = np.zeros(len(self.mark), np.int64)
        found[self.unseen_rows] = 1
        return found

    def seen_share(self, row: int, leveraged_share: float) -> float:
        """Of a row's modelled positions and those that were open before they could be seen: the former, prior USD."""
        if row not in self.unseen_rows:
            return 1.0
        positions, most_usd = self.positions, leveraged_share * self.oi_usd.item(row)
        return fold_kernels.seen_share(positions.total[row], positions.scale[row], self.unseen_usd[row], most_usd)

    def packed(self) -> dict[str, Any]:
        parts = {name: getattr(self, name).packed() for name in _PARTS}
        return super().packed() | parts | {"unseen_rows": list(self.unseen_rows), "row_of": list(self.row_of.items())}

    def load_state(self, record: dict[str, Any]) -> None:
        super().load_state(record)
        for name in _PARTS:
            getattr(self, name).load_state(record[name])
        self.unseen_rows = list(record["unseen_rows"])
        self.row_of = {venue: row for venue, row in record["row_of"]}  # noqa: C416 - may come as lists


_PARTS = ("positions", "calibration", "closing", "reported", "leverage_prior")
