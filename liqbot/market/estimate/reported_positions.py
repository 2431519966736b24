"""`ReportedPositions`: positions that a venue itself makes known, one by one, with the price each is liquidated at.

A snapshot replaces the venue's former one. What it covers of open interest replaces that share of the modelled
positions; what is opened afterwards is modelled, as on any venue. Until the next snapshot measured positions are
removed when the venue's mark reaches them, and fade at the rate at which owners close, so that a snapshot that gets old
gives way to the model. Positions here are fractional bins of the price grid, of the venue's own mark.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.entry_to_liquidation import LONG, SHORT, Floats
from liqbot.market.estimate.price_grid import edges
from liqbot.market.params import CalibrationParams

Whole = npt.NDArray[np.int64]

_DAY_MS: Final = 86_400_000
_LATE_MS: Final = 30_000.0
"""As in `calibration`: orders are told a little after the touch."""
_SIDES: Final = (LONG, SHORT)
_OUTWARD: Final = (-1.0, 1.0)


def told_positions(rows: Sequence[tuple[Any, ...]]) -> dict[int, list[tuple[Floats, Floats]]]:
    """Newest snapshot per venue code, [longs, shorts] as (positions, USD); impossible rows are left out.

    Rows are (time, venue code, coin code, side, liquidation price, USD); those of one venue and time are one snapshot.
    """
    newest: dict[int, int] = {}
    for row in rows:
        newest[row[1]] = max(newest.get(row[1], 0), row[0])
    table = edges()
    found: dict[int, list[tuple[Floats, Floats]]] = {}
    for code, time_ms in newest.items():
        sides = []
        for sign in (1, -1):
            mine = [row[4:6] for row in rows if row[1] == code and row[0] == time_ms and row[3] == sign]
            price, usd = np.array(mine, np.float64).reshape(-1, 2).T
            sound = (price > 0) & (price < np.inf) & (usd > 0) & (usd < 1e12)
            price, usd = np.clip(price[sound], table[0], table[-2]), usd[sound]
            index = np.searchsorted(table, price, side="right") - 1
            sides.append((index + (price - table[index]) / (table[index + 1] - table[index]), usd))
        found[code] = sides
    return found


class _Side(msgspec.Struct):
    """Ordered from the mark outward; those before `first` were touched."""

    position: Floats
    usd: Floats
    tier: Whole
    first: int = 0


class _Snapshot(msgspec.Struct):
    taken_ms: int
    share: float
    """Of the venue's open interest, that is in it."""
    beside_usd: Floats
    """[side, tier]: prior USD of modelled positions that it left standing, as of then."""
    sides: list[_Side]


class ReportedPositions:
    """`touched_usd[row, side]` is what the touches since `begin_step` closed of it, before stops and early leavers.

    `ratio` is how much of that is told by complete feeds: owners leave, or are stopped out, before price arrives.
    """

    def __init__(self, closing: ClosingRate, leverages: tuple[float, ...], params: CalibrationParams) -> None:
        self._closing, self._leverages, self._params = closing, np.array(leverages), params
        self._books: dict[int, _Snapshot] = {}
        self.touched_usd: Floats = np.zeros((0, 2))
        self._recent: Floats = np.zeros((0, 2, 2))
        """Expected to be told lately, of measured and of modelled positions."""
        self._sums: Floats = np.zeros(4)
        """Told and expected USD of measured positions; number of orders, and their usual USD summed; fading."""

    def admit(self) -> None:
        """One more row."""
        self.touched_usd = np.concatenate([self.touched_usd, np.zeros((1, 2))])
        self._recent = np.concatenate([self._recent, np.zeros((1, 2, 2))])

    def __bool__(self) -> bool:
        return bool(self._books)

    # --- the update ---------------------------------------------------------------------------------------------------

    def kept_share(self, row: int, prior_usd: Floats, share: float, now_ms: int) -> Floats:
        """[side, tier] of the row's modelled positions that stay when a snapshot covers `share` of open interest.

        What the former snapshot left standing was not in it and is not in this one: only later openings shrink.
        """
        book = self._books.get(row)
        before: Floats = np.zeros_like(prior_usd)
        if book is not None:
            before = np.minimum(book.beside_usd * self._closing.kept_share(max(0, now_ms - book.taken_ms)), prior_usd)
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
            kept.append(_Side(position[order], usd[order], tier))
        self._books[row] = _Snapshot(now_ms, share, beside_usd, kept)

    def begin_step(self) -> None:
        if self._books:
            self.touched_usd[:] = 0.0

    def touch(self, row: int, low: float, high: float, now_ms: int) -> None:
        """The row's own mark moved within low..high."""
        book = self._books.get(row)
        if book is None:
            return
        for side, reached in ((LONG, low), (SHORT, high)):
            one = book.sides[side]
            stop = one.first
            while stop < len(one.position) and (one.position[stop] - reached) * _OUTWARD[side] <= 0:
                stop += 1
            if stop > one.first:
                self.touched_usd[row, side] += self._usd(book, side, now_ms)[: stop - one.first].sum()
                one.first = stop

    def expect(self, expected_usd: Floats, reporting: Floats, elapsed_ms: int) -> Floats:
        """[row, side] expected to be told of what was touched; `expected_usd` is the same of modelled positions."""
        own: Floats = self.touched_usd * (self.ratio * reporting)[:, None]
        if not self._books:
            return own
        self._recent *= max(0.0, 1.0 - elapsed_ms / _LATE_MS)
        self._recent[:, :, 0] += own
        self._recent[:, :, 1] += expected_usd
        self._sums *= fading(elapsed_ms, self._params.tail_h)
        self._sums[1] += (self.touched_usd * reporting[:, None]).sum()
        return own

    def count(self, row: int, side: int, usd: float) -> None:
        """A told order: part of it is of measured positions, in proportion to what was expected of either."""
        measured, modelled = self._recent[row, side].tolist()
        if measured > 0:
            own = usd * measured / (measured + modelled)
            self._sums += (own, 0.0, own / usd, own)

    def fresh(self, now_ms: int) -> list[int]:
        """Rows whose newest snapshot is of the last day."""
        return [row for row, book in self._books.items() if now_ms - book.taken_ms <= _DAY_MS]

    @property
    def ratio(self) -> float:
        """Told over measured USD, pulled toward 1 by a prior worth a number of usual orders; the same for all rows."""
        told, expected, orders, usd = self._sums.tolist()
        if not orders > 0:
            return 1.0
        prior = self._params.row_weight * usd / orders
        return min(float(told + prior) / float(expected + prior), 1.0)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _usd(self, book: _Snapshot, side: int, now_ms: int) -> Floats:
        one = book.sides[side]
        kept = self._closing.kept_share(max(0, now_ms - book.taken_ms))
        usd: Floats = one.usd[one.first :] * kept[one.tier[one.first :]]
        return usd

    def total_usd(self, row: int, side: int, now_ms: int) -> float:
        """Still standing; 0 where nothing is measured."""
        book = self._books.get(row)
        return float(self._usd(book, side, now_ms).sum()) if book is not None else 0.0

    def share(self, row: int) -> float:
        """Of the venue's open interest, covered by its last snapshot; 0 without one."""
        return self._books[row].share if row in self._books else 0.0

    def line(
        self, row: int, side: int, first: int, bins: int, now_ms: int, tiers: Sequence[int] | None = None
    ) -> Floats:
        """USD per bin of a window that begins at `first`; of some tiers. Empty where nothing is measured."""
        book = self._books.get(row)
        if book is None:
            return np.zeros(0)
        one = book.sides[side]
        at = one.position[one.first :].astype(np.int64) - first
        inside = (at >= 0) & (at < bins)
        if tiers is not None:
            inside &= np.isin(one.tier[one.first :], list(tiers))
        return np.asarray(np.bincount(at[inside], self._usd(book, side, now_ms)[inside], minlength=bins))

    def state(self) -> dict[str, Any]:
        books = [
            [row, book.taken_ms, book.share, packed(book.beside_usd),
             [[packed(one.position), packed(one.usd), packed(one.tier), one.first] for one in book.sides]]
            for row, book in self._books.items()
        ]  # fmt: skip
        arrays = [packed(array) for array in (self.touched_usd, self._recent, self._sums)]
        return {"books": books, "arrays": arrays}

    def load_state(self, state: dict[str, Any]) -> None:
        self._books = {}
        for row, taken_ms, share, beside, sides in state["books"]:
            kept = [
                _Side(unpacked(position), unpacked(usd), unpacked(tier), first) for position, usd, tier, first in sides
            ]
            self._books[row] = _Snapshot(taken_ms, share, unpacked(beside), kept)
        self.touched_usd, self._recent, self._sums = (unpacked(array) for array in state["arrays"])
