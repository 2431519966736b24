"""Panic: entries and takes cancelled, positions closed, flatness confirmed by REST, and only then the stops cancelled.

It needs no running bot and takes no lock: it works on the venue alone, and every order it sends only reduces. Each step
stands on its own: what one contract or one question does not answer keeps nobody from the next.
"""

import asyncio
import secrets
import string
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar

import structlog

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.execution import client_order_id
from liqbot.execution.edge.order_status import ChannelCaller
from liqbot.instruments import Side
from liqbot.runtime.process import wall_ms
from liqbot.venues.errors import OutcomeUnknown, VenueError
from liqbot.venues.trading import (
    Dispatch,
    OrderCaller,
    OrderReport,
    PositionReport,
    TradedContract,
    TradingAdapter,
    whole,
)

PANIC_NAME: Final = "panic"
ROUND_S: Final = 0.5
AFTER_TROUBLE_S: Final = 2.0
TAKES_S: Final = 2.0
"""How long a close waits for takes to be seen gone: venues that count open reduce-only orders refuse it beside one."""
FLAT_ROUNDS: Final = 2
"""Readings in a row that must find nothing: a request of somebody's may still have been on its way."""
STOP_KEPT_S: Final = 3.0
"""For so long every reading must find nothing held before a stop goes that still rests: an answer can be well-formed
and wrong, and then that stop is all there is."""
_log = structlog.get_logger(__name__)
Say = Callable[[str], None]
Word = TypeVar("Word")
STRANGE: Final = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What an answer raises that is not what the venue documents: no reason to leave a position open."""


class Left(NamedTuple):
    """What is still there, or not known to be gone."""

    positions: tuple[str, ...]
    orders: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        return not self.positions and not self.orders


class _Found(NamedTuple):
    """Of one contract."""

    held: str
    rests: tuple[str, ...]


class Panic:
    """One account, the given contracts."""

    def __init__(self, client: OrderCaller, recipe: TradingAdapter, traded: Sequence[TradedContract], say: Say) -> None:
        self._client, self._recipe, self._traded, self._say = client, recipe, tuple(traded), say
        # A venue that says we are too fast closes the channel of ordinary reads for as long as it likes.
        self._asking = ChannelCaller(client, "urgent")
        # Ids of its own: nothing of the bot's books is needed, nothing of theirs can be hit, and nobody takes them for
        # those of an instance that trades. They count on from the time, so that no two panics share one.
        self._name = PANIC_NAME + secrets.choice(string.ascii_lowercase + string.digits)
        self._count = wall_ms()
        self._not_before_s: dict[str, float] = {}
        self._waits_until_s: dict[str, float] = {}
        """By coin: how long a close waits for takes."""
        self._flat_since_s: dict[str, float] = {}
        """By coin: since when nothing has been found held."""
        self._trouble = False

    async def run(self, for_s: float) -> Left:
        """Round after round until nothing is left or the time is up; a venue's trouble is waited out."""
        loop = asyncio.get_running_loop()
        until_s, found_nothing = loop.time() + for_s, 0
        while True:
            left = await self._round()
            found_nothing = found_nothing + 1 if left.nothing else 0
            pause_s = AFTER_TROUBLE_S if self._trouble else ROUND_S
            if found_nothing >= FLAT_ROUNDS or loop.time() + pause_s > until_s:
                return left
            await asyncio.sleep(pause_s)

    async def _round(self) -> Left:
        """All contracts at once: one that answers late, or not at all, keeps no other open."""
        self._trouble = False
        found = await asyncio.gather(*(self._contract(traded) for traded in self._traded))
        return Left(tuple(one.held for one in found if one.held), tuple(word for one in found for word in one.rests))

    async def _contract(self, traded: TradedContract) -> _Found:
        held = await self._flatten(traded)
        if held:
            self._flat_since_s.pop(traded.instrument.coin, None)
        return _Found(held, ()) if held else _Found("", await self._tidy(traded))

    async def _flatten(self, traded: TradedContract) -> str:
        """What is held, or why it is not known; empty when flat."""
        cleared = await self._clear(traded)
        try:
            position = await self._read(self._recipe.position(self._asking, traded))
        except VenueError as error:
            return self._unread(f"{traded.instrument.symbol}: position not known", error)
        if not position.signed_base:
            self._waits_until_s.pop(traded.instrument.coin, None)
            return ""
        if self._may_close(traded, cleared=cleared):
            await self._close(traded, position)
        return _shown(traded, position)

    def _may_close(self, traded: TradedContract, *, cleared: bool) -> bool:
        """The close does not wait for ever: a take that cannot be cancelled may be none that counts."""
        now_s = asyncio.get_running_loop().time()
        return cleared or now_s >= self._waits_until_s.setdefault(traded.instrument.coin, now_s + TAKES_S)

    async def _clear(self, traded: TradedContract) -> bool:
        """Entries and takes go, stops stay. True once none of them rests any more, or where the orders cannot be read:
        that keeps nobody from closing."""
        for _ in range(2):
            try:
                resting = await self._read(self._recipe.resting(self._asking, traded))
            except VenueError as error:
                self._unread(f"{traded.instrument.symbol}: orders not known", error)
                return True
            going = [order for order in resting if order.trigger_price is None and not _closes(order)]
            if not going:
                return True
            for order in going:
                await self._cancel(traded, order)
        return False

    async def _read(self, reading: Awaitable[Word]) -> Word:
        """VenueError also for an answer that is not understood: it is waited out like none."""
        try:
            return await reading
        except STRANGE as error:
            raise VenueError(self._recipe.venue, f"answer not understood: {type(error).__name__}: {error}") from error

    def _unread(self, what: str, error: VenueError) -> str:
        self._trouble = True
        self._say(f"no answer: {error}")
        return what

    async def _tidy(self, traded: TradedContract) -> tuple[str, ...]:
        """It is flat, says REST: what still rests protects nothing any more, once that has been said for a while."""
        now_s = asyncio.get_running_loop().time()
        sure = now_s - self._flat_since_s.setdefault(traded.instrument.coin, now_s) >= STOP_KEPT_S
        try:
            resting = await self._read(self._recipe.resting(self._asking, traded))
        except VenueError as error:
            return (self._unread(f"{traded.instrument.symbol}: orders not known", error),)
        for order in resting:
            if sure or order.trigger_price is None:
                await self._cancel(traded, order)
        return tuple(f"{traded.instrument.symbol} {order.client_id or order.venue_order_id}" for order in resting)

    async def _cancel(self, traded: TradedContract, order: OrderReport) -> None:
        stop = order.trigger_price is not None
        call = self._recipe.cancel(order.client_id, traded, stop=stop)
        self._say(f"cancel {traded.instrument.symbol} {order.client_id or order.venue_order_id}")
        try:
            await self._read(self._client.call(call.method, *call.args, channel="priority", retry="read"))
        except VenueError as error:
            self._say(f"not cancelled: {error}")

    async def _close(self, traded: TradedContract, position: PositionReport) -> None:
        """At market. After a lost answer nothing is sent until it can no longer be on its way."""
        loop, coin = asyncio.get_running_loop(), traded.instrument.coin
        if loop.time() < self._not_before_s.get(coin, 0.0):
            return
        self._count += 1
        order = PlaceOrder(
            client_id=client_order_id.client_id(self._name, self._count, Purpose.EXIT),
            venue=traded.instrument.venue,
            coin=coin,
            decision_id=0,
            purpose=Purpose.EXIT,
            kind=OrderKind.MARKET,
            side=Side.LONG if position.signed_base > 0 else Side.SHORT,
            quantity_base=abs(position.signed_base),
            reduce_only=True,
        )
        self._say(f"close {_shown(traded, position)}")
        self._not_before_s[coin] = loop.time() + ROUND_S
        try:
            call = await whole(self._recipe.place(order, traded), ChannelCaller(self._client, "priority"))
            await self._client.call(
                call.method, *call.args, channel="priority", retry="never",
                dispatch=Dispatch(self._recipe.valid_ms, lambda: None),
            )
        except (OutcomeUnknown, *STRANGE) as error:
            self._not_before_s[coin] = loop.time() + self._recipe.valid_ms / 1000
            self._say(f"unclear: {error}")
        except VenueError as error:
            self._say(f"not closed: {error}")


def _closes(order: OrderReport) -> bool:
    """A close of ours, or of the running bot, that the market has not filled yet."""
    return order.reduce_only and client_order_id.purpose_of(order.client_id) is Purpose.EXIT


def _shown(traded: TradedContract, position: PositionReport) -> str:
    side = "long" if position.signed_base > 0 else "short"
    return f"{side} {abs(position.signed_base)} {traded.instrument.symbol}"
