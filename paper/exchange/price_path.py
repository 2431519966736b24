"""How a price went through a bar: the legs that orders are matched along.

A bar tells four prices and not their order. It is walked open, then the extreme that is adverse for us, then the other
extreme, then close, its span divided evenly; the step from the last price to the open is a jump, as gaps are. Where
mark prices are dense they step the mark at their own times; where they are not, traded prices carry the mark along.
"""

from collections.abc import Iterable
from typing import NamedTuple

from liqbot.instruments import Side


class PathBar(NamedTuple):
    end_ms: int
    span_ms: int
    open: float
    high: float
    low: float
    close: float
    volume_usd: float = 0.0


class PathMark(NamedTuple):
    time_ms: int
    price: float


class PathLeg(NamedTuple):
    """Price going from `start_price` to `end_price`, evenly over time; a jump when the times are equal."""

    start_ms: float
    end_ms: float
    start_price: float
    end_price: float
    trades: bool
    """The traded price moves."""
    marks: bool
    """The mark price moves."""

    @property
    def jump(self) -> bool:
        return self.start_ms == self.end_ms

    def price_at(self, time_ms: float) -> float:
        """Within the leg's times; the end of a jump."""
        if time_ms >= self.end_ms:
            return self.end_price
        share = (time_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return self.start_price + (self.end_price - self.start_price) * share

    def reaches(self, from_ms: float, level: float, *, falling: bool, through: bool) -> float | None:
        """When the price is first at or beyond `level` (`through`: beyond it), looking downwards when `falling`.

        A price that is beyond the level already reaches it at `from_ms`. A jump visits only its end. None: not here.
        """
        sign = 1.0 if falling else -1.0
        from_ms = max(from_ms, self.start_ms)
        ends_there = _beyond(sign * self.end_price, sign * level, through=through)
        if self.jump:
            return from_ms if ends_there else None
        if _beyond(sign * self.price_at(from_ms), sign * level, through=through):
            return from_ms
        if not ends_there:
            return None
        share = (level - self.start_price) / (self.end_price - self.start_price)
        return min(max(from_ms, self.start_ms + (self.end_ms - self.start_ms) * share), self.end_ms)


def _beyond(price: float, level: float, *, through: bool) -> bool:
    return price < level if through else price <= level


def course(
    bars: Iterable[PathBar],
    marks: Iterable[PathMark],
    *,
    adverse_to: Side,
    from_ms: int,
    last_price: float,
    last_mark: PathMark,
    mark_gap_ms_max: int,
) -> list[PathLeg]:
    """The legs of one instrument, in time order and never before `from_ms`. A price of 0 means none yet.

    `last_mark` is the mark as it stands, with the time of the newest mark that was told (0: none was).
    """
    legs: list[PathLeg] = []
    waiting = sorted(marks, key=lambda mark: mark.time_ms)
    told_ms, at_ms = last_mark.time_ms, float(from_ms)
    for bar in bars:
        marked = dense(bar, told_ms, waiting, mark_gap_ms_max)
        for leg in _walk(bar, at_ms, last_price, falling_first=adverse_to is Side.LONG, marks=not marked):
            while waiting and waiting[0].time_ms <= leg.start_ms:
                told_ms = _step(legs, waiting.pop(0), last_mark, at_ms)
            rest = leg
            while waiting and waiting[0].time_ms < leg.end_ms:
                price = leg.price_at(waiting[0].time_ms)
                legs.append(rest._replace(end_ms=waiting[0].time_ms, end_price=price))
                rest = rest._replace(start_ms=waiting[0].time_ms, start_price=price)
                told_ms = _step(legs, waiting.pop(0), last_mark, at_ms)
            legs.append(rest)
        last_price, at_ms = bar.close, max(at_ms, float(bar.end_ms))
    for mark in waiting:
        _step(legs, mark, last_mark, at_ms)
    return legs


def _step(legs: list[PathLeg], mark: PathMark, last_mark: PathMark, from_ms: float) -> int:
    """The mark jumps; the answer is when that was told."""
    time_ms = max(from_ms, float(mark.time_ms), legs[-1].end_ms if legs else from_ms)
    before = next((leg.end_price for leg in reversed(legs) if leg.marks), last_mark.price)
    legs.append(PathLeg(time_ms, time_ms, before or mark.price, mark.price, trades=False, marks=True))
    return mark.time_ms


def dense(bar: PathBar, told_ms: int, coming: Iterable[PathMark], gap_ms_max: int) -> bool:
    """Marks come often enough to tell what the mark did inside this bar."""
    for mark in coming:
        if mark.time_ms >= bar.end_ms:
            break
        inside = mark.time_ms > bar.end_ms - bar.span_ms
        if inside and (not told_ms or mark.time_ms - told_ms > gap_ms_max):
            return False
        told_ms = max(told_ms, mark.time_ms)
    return told_ms > 0 and bar.end_ms - told_ms <= gap_ms_max


def _walk(bar: PathBar, from_ms: float, last_price: float, *, falling_first: bool, marks: bool) -> list[PathLeg]:
    begin = max(float(bar.end_ms - bar.span_ms), from_ms)
    end = max(float(bar.end_ms), begin)
    third = (end - begin) / 3.0
    times = (begin, begin + third, begin + 2.0 * third, end)
    first, second = (bar.low, bar.high) if falling_first else (bar.high, bar.low)
    prices = (bar.open, first, second, bar.close)
    gap = PathLeg(begin, begin, last_price or bar.open, bar.open, trades=True, marks=marks)
    return [
        gap,
        *(PathLeg(times[i], times[i + 1], prices[i], prices[i + 1], trades=True, marks=marks) for i in range(3)),
    ]
