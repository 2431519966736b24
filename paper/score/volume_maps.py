"""The maps others draw, as baselines: traded volume (or rising open interest) at fixed leverages, removed on touch."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.blocks import EventBlock
from liqbot.market.estimate.price_grid import shift_of
from liqbot.venues.registry import mechanics_of
from paper.score.price_path import FINE, LONG, OUTWARD, SHORT, Floats, PricePath, Whole

LEVERAGES: Final = (10.0, 25.0, 50.0, 100.0)
_BINS: Final = 8192
"""Window: price may fall or rise by a factor of seven from where the tape begins."""
_HALF: Final = _BINS // 2


def naive_shifts(venues: int) -> Floats:
    """[venue, side, leverage] grid bins from entry to entry x (1 -+ 1/L)."""
    shifts = [[shift_of(1.0 + sign / leverage) for leverage in LEVERAGES] for sign in (-1.0, 1.0)]
    return np.broadcast_to(np.array(shifts), (venues, 2, len(LEVERAGES))).copy()


def exact_shifts(venues: Sequence[str], coin: str) -> Floats:
    """The same by each venue's own margin rules; NaN where a leverage is not offered."""
    ratios = [mechanics_of(venue, coin).ratios(LEVERAGES).tolist() for venue in venues]
    return np.array([[[shift_of(ratio) for ratio in side] for side in venue] for venue in ratios])


class TierMap:
    """Positions opened over each step's range, an equal share at each leverage, and gone when the mark touches them.

    Several maps of the same venues are folded as one: `shifts`, `opened_usd` and `touched_usd` then hold the venues of
    the first map, those of the second and so on.
    """

    def __init__(self, shifts: Floats) -> None:
        self._offered = ~np.isnan(shifts)
        self._shift = np.nan_to_num(shifts)
        self._share = self._offered / np.maximum(self._offered.sum(axis=2, keepdims=True), 1)
        venues = len(shifts)
        self._usd = np.zeros((venues, 2, _BINS))
        self._first: int | None = None
        self._reach = [[-np.inf, np.inf] for _ in range(venues)]
        self.touched_usd = np.zeros((venues, 2))
        """Per venue and side, of the last step."""

    def step(self, frame: PricePath, opened_usd: Floats) -> None:
        """`opened_usd` is [venue, side]."""
        if self._first is None:
            self._first = int(frame.mark[frame.home]) - _HALF
        maps = len(self._usd) // len(frame.mark)
        low, high, bar_low, bar_high = (
            np.tile(one, maps) - self._first for one in (frame.low, frame.high, frame.bar_low, frame.bar_high)
        )
        self._sweep(low.tolist(), high.tolist())
        rows = np.flatnonzero((opened_usd.sum(axis=1) > 0) & np.isfinite(low))
        if len(rows):
            entries = (
                np.where(np.isnan(bar_low), low, bar_low)[rows], np.where(np.isnan(bar_high), high, bar_high)[rows]
            )
            self._open(rows, entries, opened_usd[rows], low[rows], high[rows])

    def _sweep(self, low: Sequence[float], high: Sequence[float]) -> None:
        self.touched_usd[:] = 0.0
        for row, reach in enumerate(self._reach):
            if low[row] < reach[LONG]:
                end = max(int(low[row]), 0)
                kept = (low[row] - end) / (min(reach[LONG], end + 1.0) - end)
                self.touched_usd[row, LONG] = self._remove(row, LONG, end, int(reach[LONG]) + 1, end, kept)
                reach[LONG] = low[row]
            if high[row] > reach[SHORT]:
                end = min(int(high[row]), _BINS - 1)
                kept = (end + 1.0 - high[row]) / (end + 1.0 - max(reach[SHORT], float(end)))
                self.touched_usd[row, SHORT] = self._remove(row, SHORT, int(reach[SHORT]), end + 1, end, kept)
                reach[SHORT] = high[row]

    def _remove(self, row: int, side: int, start: int, stop: int, end: int, kept: float) -> float:
        cells = self._usd[row, side, start:stop]
        stays = self._usd[row, side, end] * min(max(kept, 0.0), 1.0)
        gone = float(cells.sum() - stays)
        cells[:] = 0.0
        self._usd[row, side, end] = stays
        return gone

    def _open(
        self, rows: Whole, entries: tuple[Floats, Floats], opened_usd: Floats, low: Floats, high: Floats
    ) -> None:
        shift = self._shift[rows]
        begin = entries[0][:, None, None] + shift
        end = np.maximum(entries[1], entries[0] + 1e-3)[:, None, None] + shift
        first = np.floor(begin)
        bins = first[..., None] + np.arange(int((end - first).max()) + 1)
        inside = np.minimum(end[..., None], bins + 1.0) - np.maximum(begin[..., None], bins)
        usd = np.maximum(inside, 0.0) / (end - begin)[..., None]
        usd *= (opened_usd[:, :, None] * self._share[rows])[..., None]
        # What lies within this step's own range was closed again.
        usd[:, LONG] *= np.clip(low[:, None, None] - bins[:, LONG], 0.0, 1.0)
        usd[:, SHORT] *= np.clip(bins[:, SHORT] + 1.0 - high[:, None, None], 0.0, 1.0)
        column = np.clip(bins, 0, _BINS - 1).astype(np.int64)
        flat = (rows[:, None] * 2 + np.arange(2))[:, :, None, None] * _BINS + column
        np.add.at(self._usd.reshape(-1), flat.ravel(), usd.ravel())
        tops, bottoms = end[:, LONG].max(axis=1).tolist(), begin[:, SHORT].min(axis=1).tolist()
        for row, top, bottom in zip(rows.tolist(), tops, bottoms, strict=True):
            reach = self._reach[row]
            reach[LONG] = max(reach[LONG], min(top, _BINS - 1.0))
            reach[SHORT] = min(reach[SHORT], max(bottom, 0.0))

    def outward_usd(self, frame: PricePath, bins: int, number: int = 0) -> Floats:
        """[side, bins] USD per score bin outward from each venue's own mark, all venues of one map together."""
        out = np.zeros((2, bins))
        if self._first is None:
            return out
        own = self._usd[number * len(frame.mark) : (number + 1) * len(frame.mark)]
        below = np.concatenate((np.zeros((*own.shape[:2], 1)), np.cumsum(own, axis=2)), axis=2)
        known = np.flatnonzero(np.isfinite(frame.mark))
        for side in (LONG, SHORT):
            at = (frame.mark[known, None] - self._first) + OUTWARD[side] * FINE * np.arange(bins + 1)
            at = np.clip(at, 0.0, _BINS - 1e-6)
            whole = at.astype(np.int64)
            left = np.take_along_axis(below[known, side], whole, axis=1)
            right = np.take_along_axis(below[known, side], whole + 1, axis=1)
            value = left + (at - whole) * (right - left)
            out[side] = np.maximum(np.diff(value, axis=1) * OUTWARD[side], 0.0).sum(axis=0)
        return out


class RisingInterest:
    """USD by which each venue's open interest grew, given to the side of the candle: green longs, red shorts."""

    def __init__(self, venues: int, aggregate: int) -> None:
        self._aggregate = aggregate
        self._base = np.full(venues, np.nan)
        self._mark = np.full(venues, np.nan)

    def opened_usd(self, block: EventBlock, frame: PricePath, prices: Floats) -> Floats:
        """[venue, side]; `prices` are the venues' marks in USD. An aggregate's growth is the home venue's."""
        out = np.zeros((len(self._base), 2))
        for _, venue, _, oi_usd in frame.own(block.open_interest).tolist():
            book = frame.home if venue == self._aggregate else venue
            if not prices[book] > 0:
                continue
            base = oi_usd / prices[book]
            grown = base - self._base[venue]
            if grown > 0 and frame.mark[book] != self._mark[venue]:
                out[book, LONG if frame.mark[book] > self._mark[venue] else SHORT] += grown * prices[book]
            self._base[venue], self._mark[venue] = base, frame.mark[book]
        return out
