"""Whales: large positions that a venue tells, near their liquidation, followed from one snapshot to the next."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import position_of, price_at
from liqbot.market.estimate.state import ReportedSnapshot
from liqbot.market.observed.prices import VenuePrice
from liqbot.market.params import WhaleParams

_SIDES: Final = (Side.LONG, Side.SHORT)
_AWAY_FACTOR: Final = 1.5
"""How much farther than it came near a whale is let go: price that moves to and fro makes no news."""
_SAME_PRICE_PCT: Final = 1.0
_SAME_SIZE_RATIO: Final = 2.0
"""Venues give positions no names: within these two snapshots are taken to tell the same one."""
_CHANGED_PRICE_PCT: Final = 0.05
_CHANGED_SIZE_PCT: Final = 5.0
"""Beyond either, its owner changed it: funding and fees move a liquidation price a little every hour."""


class Whale(msgspec.Struct, frozen=True):
    """One position as its venue reported it last. `price` is that venue's own mark at which it is liquidated."""

    venue: str
    side: Side
    price: float
    usd: float
    distance_pct: float
    """From the venue's mark, positive."""
    told_ms: int
    """Time of the snapshot it is in."""

    def text(self) -> str:
        """For people; venue and coin stand beside it."""
        return f"{self.side.word} {self.usd:,.0f} USD, liquidated at {self.price:,.6g}, {self.distance_pct:.2f} % away"


class WhaleChange(StrEnum):
    """What became of a whale."""

    NEAR = "near"
    """It is followed from now on."""
    UPDATED = "updated"
    """Its size or its liquidation price was changed by its owner, or its venue closed a part."""
    REACHED = "reached"
    """Its venue's mark was where it is liquidated."""
    GONE = "gone"
    """Its venue tells it no more: closed."""
    AWAY = "away"
    """Price, or a changed liquidation price, is far from it again."""
    STALE = "stale"
    """Its venue has reported nothing for too long to say that it is there."""


class WhaleNews(msgspec.Struct, frozen=True):
    """`whale` is as it was last reported; for one that is let go, as it was then."""

    coin: str
    time_ms: int
    change: WhaleChange
    whale: Whale


class WhaleWatch:
    """All of one coin. News waits until it is taken."""

    def __init__(self, coin: str, params: WhaleParams) -> None:
        self._coin, self._params = coin, params
        self.near: tuple[Whale, ...] = ()
        """Nearest first."""
        self._news: list[WhaleNews] = []

    def on_step(
        self, snapshots: Mapping[str, ReportedSnapshot], prices: Mapping[str, VenuePrice],
        swept: Mapping[str, tuple[float, float]], now_ms: int,
    ) -> None:
        """By venue: its newest snapshot, its price, and lowest and highest position of its mark in the step."""
        fresh = {
            venue: one for venue, one in snapshots.items() if now_ms - one.taken_ms <= self._params.told_ms_max
        }
        reported = [
            whale for venue, one in fresh.items() for whale in self._reported(venue, one, prices[venue].mark_price)
        ]
        kept = []
        for whale in self.near:
            same = _same(whale, reported)
            if same is not None:
                reported.remove(same)
                kept.append(same)
                if _changed(whale, same):
                    self._say(WhaleChange.UPDATED, same, now_ms)
            else:
                self._say(self._end_of(whale, fresh.get(whale.venue), swept.get(whale.venue)), whale, now_ms)
        for whale in reported:
            if whale.distance_pct <= self._params.distance_pct_max:
                kept.append(whale)
                self._say(WhaleChange.NEAR, whale, now_ms)
        self.near = tuple(sorted(kept, key=lambda whale: whale.distance_pct))

    def _reported(self, venue: str, snapshot: ReportedSnapshot, mark_price: float) -> Iterator[Whale]:
        """Large ones that the mark has not reached since, out to where a whale is let go."""
        most_pct, mark = self._params.distance_pct_max * _AWAY_FACTOR, position_of(mark_price)
        for side, one in zip(_SIDES, snapshot.sides, strict=True):
            for position, usd in zip(one.position[one.first :].tolist(), one.usd[one.first :].tolist(), strict=True):
                price = price_at(position)
                distance_pct = (1.0 - price / mark_price) * 100.0 * float(side)
                if distance_pct > most_pct:
                    break
                if usd >= self._params.usd_min and (mark - position) * float(side) > 0:
                    yield Whale(venue, side, price, usd, distance_pct, snapshot.taken_ms)

    @staticmethod
    def _end_of(whale: Whale, fresh: ReportedSnapshot | None, swept: tuple[float, float] | None) -> WhaleChange:
        at = position_of(whale.price)
        if swept is not None and (swept[0] <= at if whale.side is Side.LONG else swept[1] >= at):
            return WhaleChange.REACHED
        if fresh is None:
            return WhaleChange.STALE
        return WhaleChange.AWAY if fresh.taken_ms == whale.told_ms else WhaleChange.GONE

    def _say(self, change: WhaleChange, whale: Whale, now_ms: int) -> None:
        self._news.append(WhaleNews(self._coin, now_ms, change, whale))

    def take_news(self) -> tuple[WhaleNews, ...]:
        """Everything since it was taken last, oldest first."""
        news, self._news = tuple(self._news), []
        return news

    def state(self) -> list[Any]:
        return [msgspec.to_builtins(self.near), msgspec.to_builtins(self._news)]

    def load_state(self, state: list[Any]) -> None:
        self.near = msgspec.convert(state[0], tuple[Whale, ...])
        self._news = msgspec.convert(state[1], list[WhaleNews])


def _same(whale: Whale, reported: Sequence[Whale]) -> Whale | None:
    """The nearest in price of those that may be the same position."""
    alike = [
        one for one in reported
        if (one.venue, one.side) == (whale.venue, whale.side)
        and _apart_pct(one.price, whale.price) <= _SAME_PRICE_PCT
        and max(one.usd, whale.usd) <= _SAME_SIZE_RATIO * min(one.usd, whale.usd)
    ]
    return min(alike, key=lambda one: _apart_pct(one.price, whale.price), default=None)


def _changed(before: Whale, now: Whale) -> bool:
    return now.told_ms != before.told_ms and (
        _apart_pct(now.price, before.price) > _CHANGED_PRICE_PCT or _apart_pct(now.usd, before.usd) > _CHANGED_SIZE_PCT
    )


def _apart_pct(one: float, other: float) -> float:
    return abs(one / other - 1.0) * 100.0
