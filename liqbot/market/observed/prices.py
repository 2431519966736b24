"""Each venue's own price of one coin: what is believed, the range it covered in a step, and how old it is.

A price far from the other venues is rejected and counted: one venue's broken feed must not wreck the aggregate.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from liqbot.market.params import HealthParams
from liqbot.price_change import change_pct, changed

ABSENT = float("nan")
LATE_MS: Final = 5_000
"""How late a bar of trades or a mark may be reported."""
BELIEVED_PRICE_MIN: Final = 1e-5
BELIEVED_PRICE_MAX: Final = 1e7
"""In USD. The price grid of the maps reaches ten times further either way, so that a map has room around every mark."""


class BarColumns(msgspec.Struct, frozen=True):
    """The believed trade bars of one step as columns, grouped by venue in the order in which venues first come."""

    of_venue: dict[int, range]
    """Venue index -> its bars, oldest first."""
    venue: Sequence[int]
    span_ms: Sequence[int]
    low: Sequence[float]
    high: Sequence[float]
    close: Sequence[float]
    volume_usd: Sequence[float]
    imbalance_usd: Sequence[float]
    """Buys minus sells; NaN without a taker split."""

    @classmethod
    def of(cls, believed: Mapping[int, Sequence[tuple[Any, ...]]]) -> "BarColumns":
        """Of rows (`blocks.DTYPES["bars"]`) by venue index."""
        of_venue: dict[int, range] = {}
        grouped: list[tuple[Any, ...]] = []
        for index, rows in believed.items():
            of_venue[index] = range(len(grouped), len(grouped) + len(rows))
            grouped += rows
        if not grouped:
            return NO_BARS
        _, venue, _, span_ms, _, high, low, close, volume_usd, buy_usd, sell_usd = zip(*grouped, strict=True)
        imbalance_usd = [
            buys - sells if abs(buys - sells) <= usd * 1.001 else ABSENT
            for usd, buys, sells in zip(volume_usd, buy_usd, sell_usd, strict=True)
        ]
        return cls(of_venue, venue, span_ms, low, high, close, volume_usd, imbalance_usd)

    @property
    def rounds(self) -> int:
        """Most bars that one venue has."""
        return max(map(len, self.of_venue.values()), default=0)


NO_BARS: Final = BarColumns({}, (), (), (), (), (), (), ())


class VenuePrice(msgspec.Struct):
    """One venue's prices of one coin. Mutable: folded row by row."""

    mark_price: float = ABSENT
    mark_ms: int = 0
    index_price: float = ABSENT
    last_price: float = ABSENT
    bar_span_ms: int = 0
    bar_ms: int = 0
    """End of the newest believed bar."""
    mark_row_ms: int = 0
    """Time of the newest mark row; `streaming` when such rows come close together."""
    streaming: bool = False
    seen_ms: int = 0
    """Time of the newest believed price, bar or mark."""
    gap_ms: float = 0.0
    """Mean gap between believed prices."""
    rejected: int = 0
    confirming: int = 0
    confirming_price: float = ABSENT
    step_low: float = ABSENT
    step_high: float = ABSENT
    """Range of streamed marks in this step, from the mark it began with; NaN when there were none."""

    @property
    def known(self) -> bool:
        return self.mark_price == self.mark_price

    def known_until(self, now_ms: int) -> int:
        """Until when it is known what the mark swept."""
        return path_known_ms(
            now_ms, mark_ms=self.mark_row_ms, bar_ms=self.bar_ms, bar_span_ms=self.bar_span_ms, streaming=self.streaming
        )

    def expects_bar(self, now_ms: int) -> bool:
        """Whether the next bar may still come: it is missing from twice its span after the one before."""
        return self.bar_ms > 0 and now_ms < self.bar_ms + 2 * self.bar_span_ms

    def stale(self, now_ms: int, params: HealthParams) -> bool:
        return now_ms - self.seen_ms > max(params.stale_ms_min, params.stale_factor * self.gap_ms)

    def begin_step(self) -> None:
        self.step_low = self.step_high = ABSENT

    def take_mark(self, time_ms: int, price: float, index_price: float, params: HealthParams) -> None:
        self.streaming = self.mark_row_ms > 0 and time_ms - self.mark_row_ms <= params.mark_gap_ms_max
        self.mark_row_ms = time_ms
        if self.streaming:
            start = self.mark_price if self.step_low != self.step_low else self.step_low
            self.step_low = min(start, price)
            self.step_high = max(self.mark_price if self.step_high != self.step_high else self.step_high, price)
        self._see(time_ms)
        self.mark_price, self.mark_ms, self.index_price = price, time_ms, index_price

    def take_bar(self, time_ms: int, span_ms: int, close: float, params: HealthParams) -> None:
        """The close stands for the mark unless a mark row is as new as this bar, or marks stream."""
        self.last_price, self.bar_span_ms, self.bar_ms = close, span_ms, max(self.bar_ms, time_ms)
        self._see(time_ms)
        if self.streaming and time_ms - self.mark_row_ms > params.mark_gap_ms_max:
            self.streaming = False
        if not self.streaming and self.mark_row_ms < time_ms:
            self.mark_price, self.mark_ms = close, time_ms

    def _see(self, time_ms: int) -> None:
        if 0 < self.seen_ms < time_ms:
            gap_ms = float(time_ms - self.seen_ms)
            # A silence counts for little: one long gap must not make the next one look usual.
            self.gap_ms = gap_ms if self.gap_ms == 0 else self.gap_ms + (min(gap_ms, 4 * self.gap_ms) - self.gap_ms) / 8
        self.seen_ms = max(self.seen_ms, time_ms)


def path_known_ms(now_ms: int, *, mark_ms: int, bar_ms: int, bar_span_ms: int, streaming: bool) -> int:
    """Until when the path of a mark is known: by its own rows where they come densely or nothing else does, else by
    bars. `mark_ms` and `bar_ms` are the newest row's times, 0 for none. A bar that does not come is waited for twice
    its span."""
    reported_ms = mark_ms if streaming or not bar_ms else bar_ms
    return max(reported_ms, now_ms - 2 * max(0 if streaming else bar_span_ms, LATE_MS))


def known_by_venue(own_ms: Sequence[int | None], leading: int) -> tuple[list[int], int]:
    """Until when each venue's path is known, and until when the `leading` venue's is, or anybody's where it has none.
    A venue without a price (None) goes by that one."""
    lead_ms = own_ms[leading] if leading >= 0 else None
    path_ms = max((one for one in own_ms if one is not None), default=0) if lead_ms is None else lead_ms
    return [path_ms if one is None else one for one in own_ms], path_ms


def known_until(prices: Sequence[VenuePrice], traded: int, now_ms: int) -> tuple[list[int], int]:
    """`known_by_venue` of what the fold knows; sweeps follow the `traded` venue."""
    return known_by_venue([price.known_until(now_ms) if price.known else None for price in prices], traded)


def swept_range(price: VenuePrice, bars: BarColumns, bar: int) -> tuple[float, float]:
    """Range the venue's mark covered: streamed marks where there are, else the bar's low..high (derived).

    `bar` is one of the step's bars; -1 for a venue without one.
    """
    if price.streaming and price.step_low == price.step_low:
        return price.step_low, price.step_high
    if bar >= 0 and not price.streaming:
        return bars.low[bar], bars.high[bar]
    return price.mark_price, price.mark_price


def believable(price: VenuePrice, new_price: float, others: Iterable[float], params: HealthParams) -> bool:
    """Whether a venue's new price fits the median of all venues, or its own last one when it stands alone."""
    if not BELIEVED_PRICE_MIN < new_price < BELIEVED_PRICE_MAX:
        return _reject(price)
    voters = [*others, new_price]
    if len(voters) > 1:
        # The venue's own last price has a voice: of two venues the one that jumped is the broken one.
        ordered = sorted([*voters, price.mark_price] if price.known else voters)
        return _near(new_price, ordered[(len(ordered) - 1) // 2], params.outlier_pct_max) or _reject(price)
    if not price.known or _near(new_price, price.mark_price, params.jump_pct_max):
        price.confirming = 0
        return True
    agrees = price.confirming > 0 and _near(new_price, price.confirming_price, params.outlier_pct_max)
    price.confirming = price.confirming + 1 if agrees else 1
    price.confirming_price = new_price
    if price.confirming >= params.jump_confirmations:
        price.confirming = 0
        return True
    return _reject(price)


def _near(price: float, anchor: float, pct: float) -> bool:
    return abs(price - anchor) * 100.0 <= pct * anchor


def _reject(price: VenuePrice) -> bool:
    price.rejected += 1
    return False


def possible(
    span_ms: int, first: float, high: float, low: float, close: float, volume_usd: float, params: HealthParams
) -> bool:
    """Whether a bar with these numbers can be."""
    ordered = 0 < low <= first <= high and low <= close <= high
    if not (ordered and span_ms > 0 and 0 <= volume_usd < 1e15):
        return False
    wick = params.wick_pct_max * close
    return not ((high - close) * 100.0 > wick or (close - low) * 100.0 > wick)


def reference_price(marks: Iterable[tuple[float, float]]) -> float:
    """Geometric mean of (mark, weight), the mean change from the first; equal weights when all are zero. NaN of
    nothing."""
    pairs = list(marks)
    if not pairs:
        return ABSENT
    total, first = sum(weight for _, weight in pairs), pairs[0][0]
    if not total > 0:
        pairs, total = [(mark, 1.0) for mark, _ in pairs], float(len(pairs))
    return float(changed(first, sum(change_pct(first, mark) * weight for mark, weight in pairs) / total))
