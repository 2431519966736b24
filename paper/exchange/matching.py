"""What happens next on an instrument's course: which resting order fills or triggers, or whether margin runs out."""

import enum
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.instruments import Instrument, Side
from paper.exchange.money import ExchangeHolding
from paper.exchange.price_path import PathLeg


class Resting(msgspec.Struct):
    """An accepted order. `crossing`: a limit that could have traded at once when it came, so it takes liquidity."""

    command: PlaceOrder
    number: int
    crossing: bool = False
    filled_base: Decimal = Decimal(0)
    pieces: int = 0
    """How many fills it has had."""
    not_before_ms: int = 0
    """From when it, or the next piece of it, may fill: a path that is told later may lie before that."""
    rode_in: bool = False
    """A stop that came with an entry."""

    @property
    def rest_base(self) -> Decimal:
        """What is still to fill."""
        return self.command.quantity_base - self.filled_base

    @property
    def triggered(self) -> bool:
        """A stop whose first piece has filled: the rest is a market order."""
        return self.pieces > 0 and self.command.kind is OrderKind.STOP_MARKET

    @property
    def buys(self) -> bool:
        return (self.command.side is Side.LONG) is not self.command.reduce_only

    @property
    def level(self) -> tuple[float, bool]:
        """(price it waits for, whether that lies below). What trades at once or never waits for any price."""
        command = self.command
        price = command.limit_price if command.kind is OrderKind.LIMIT else command.trigger_price
        if price is None or self.triggered or command.immediate:
            return math.inf, True
        return float(price), self.buys is (command.kind is OrderKind.LIMIT)


class Rank(enum.IntEnum):
    """Who comes first at the same instant. Inside a jump margin is checked before stops: the price they wait for never
    traded."""

    MARGIN_IN_JUMP = 0
    STOP = 1
    MARGIN = 2
    LIMIT = 3
    MARKET = 4
    FUNDING = 5
    ARRIVAL = 6


class Happening(NamedTuple):
    time_ms: float
    rank: Rank
    key: tuple[str, str]
    order: Resting | None
    leg: int = 0
    holder: str = ""
    """Whose margin runs out; ours has no name."""


class Cursor:
    """Where one instrument stands on its course through a block."""

    def __init__(self, key: tuple[str, str], legs: list[PathLeg], from_ms: float, price: float, mark: float) -> None:
        self.key = key
        self.price, self.mark = price, mark
        """Traded price and mark before the current leg; 0: none yet."""
        self._legs, self._index, self._from_ms = legs, 0, from_ms
        self._on_leg: int | None = None

    def next(self, orders: Iterable[Resting], holders: Sequence[tuple[str, ExchangeHolding]]) -> Happening | None:
        """The earliest event on the rest of the course."""
        waiting = list(orders)
        for index in range(self._index, len(self._legs)):
            leg = self._legs[index]
            found = [self._meets(leg, index, order) for order in waiting]
            if leg.marks:
                found += [self._margin_call(leg, index, name, holding) for name, holding in holders]
            happenings = [happening for happening in found if happening is not None]
            if happenings:
                return min(happenings, key=_first)
        return None

    def _meets(self, leg: PathLeg, index: int, order: Resting) -> Happening | None:
        command, rank = order.command, Rank.MARKET
        from_ms = max(self._from_ms, leg.start_ms, order.not_before_ms)
        when: float | None = None
        if from_ms > leg.end_ms:
            return None
        if command.kind is OrderKind.STOP_MARKET and command.trigger_price is not None and not order.triggered:
            rank = Rank.STOP
            if leg.marks:
                when = leg.reaches(from_ms, float(command.trigger_price), falling=not order.buys, through=False)
        elif command.kind is OrderKind.LIMIT and command.limit_price is not None and not command.immediate:
            rank = Rank.LIMIT
            if leg.trades:
                when = leg.reaches(from_ms, float(command.limit_price), falling=order.buys, through=True)
        elif leg.trades:
            when = from_ms
        return None if when is None else Happening(when, rank, self.key, order, index)

    def _margin_call(self, leg: PathLeg, index: int, name: str, holding: ExchangeHolding) -> Happening | None:
        from_ms = max(self._from_ms, holding.waits_ms)
        if holding.liquidation_price is None or from_ms > leg.end_ms:
            return None
        level, falling = float(holding.liquidation_price), holding.side is Side.LONG
        when = leg.reaches(from_ms, level, falling=falling, through=False)
        rank = Rank.MARGIN_IN_JUMP if leg.jump else Rank.MARGIN
        return None if when is None else Happening(when, rank, self.key, None, index, name)

    def stand_at(self, time_ms: float, *, on_leg: int | None = None, inclusive: bool = True) -> None:
        """Move on. What ends by then lies behind (`inclusive`), or only what ended before, because more may happen at
        this very instant. `on_leg`: stay on the leg that an event was found on."""
        while self._index < len(self._legs) and self._index != on_leg:
            ends_ms = self._legs[self._index].end_ms
            if ends_ms > time_ms or (ends_ms == time_ms and not inclusive and on_leg is None):
                break
            self._leave(self._legs[self._index])
        self._from_ms, self._on_leg = max(self._from_ms, time_ms), on_leg

    def finish(self) -> None:
        while self._index < len(self._legs):
            self._leave(self._legs[self._index])

    def _leave(self, leg: PathLeg) -> None:
        if leg.trades:
            self.price = leg.end_price
        if leg.marks:
            self.mark = leg.end_price
        self._index += 1

    def prices(self) -> tuple[float, float]:
        """(traded price, mark) at the instant it stands at; on the leg of an event, as that leg has it."""
        price, mark = self.price, self.mark
        for index in range(self._index, len(self._legs)):
            leg = self._legs[index]
            if leg.start_ms > self._from_ms or (self._on_leg is not None and index > self._on_leg):
                break
            here = leg.price_at(self._from_ms)
            price, mark = (here if leg.trades else price), (here if leg.marks else mark)
        return price, mark


def _first(happening: Happening) -> tuple[float, int, int]:
    return happening.time_ms, happening.rank, 0 if happening.order is None else happening.order.number


def first_of(happenings: Iterable[Happening | None]) -> Happening | None:
    """The earliest; at the same instant by rank, then by age of the order."""
    known = [happening for happening in happenings if happening is not None]
    return min(known, key=_first) if known else None


def impact_bps(minute_impact_bps: float, taken_usd: float, minute_usd: float) -> float:
    """How far an order moves the price that it takes: with the square root of its share of a usual minute's volume."""
    return minute_impact_bps * math.sqrt(taken_usd / minute_usd) if minute_usd > 0 else 0.0


def worse(price: float, slippage_bps: float, instrument: Instrument, *, buys: bool) -> Decimal:
    """On the tick grid, `slippage_bps` worse for us; at least one tick above zero."""
    # A price found between two others is off by float noise, which must not cost a tick.
    ticks = Decimal(str(round(price / float(instrument.price_tick), 4)))
    factor = 1 + Decimal(str(slippage_bps)) / 10_000 * (1 if buys else -1)
    rounded = instrument.round_stop(Side.LONG if buys else Side.SHORT, ticks * instrument.price_tick * factor)
    return max(rounded, instrument.price_tick)


def stop_price(order: Resting, traded: float, slippage_bps: float, instrument: Instrument) -> Decimal:
    """A stop fills at its trigger or worse: at the traded price when that lies beyond the trigger."""
    trigger = float(order.command.trigger_price or 0)
    base = (max(trigger, traded) if order.buys else min(trigger, traded)) if traded else trigger
    return worse(base, slippage_bps, instrument, buys=order.buys)


def limit_price(order: Resting, traded: float, slippage_bps: float, instrument: Instrument) -> Decimal:
    """Its own price; a crossing limit pays what a market order would, but never worse than its own price."""
    own = order.command.limit_price or Decimal(0)
    if not order.crossing:
        return own
    taken = worse(traded, slippage_bps, instrument, buys=order.buys)
    return min(own, taken) if order.buys else max(own, taken)
