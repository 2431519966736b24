"""Panic: entries cancelled, positions closed, flatness confirmed by REST, and only then the stops cancelled.

It needs no running bot and takes no lock: it works on the venue alone, and every order it sends only reduces.
"""

import asyncio
import secrets
import string
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar

import structlog

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.execution import client_order_id
from liqbot.instruments import Side
from liqbot.venues.errors import OutcomeUnknown, VenueError
from liqbot.venues.trading import Dispatch, OrderCaller, OrderReport, PositionReport, TradedContract, TradingAdapter

ROUND_S: Final = 0.5
AFTER_TROUBLE_S: Final = 2.0
_log = structlog.get_logger(__name__)
Say = Callable[[str], None]
Word = TypeVar("Word")
_STRANGE: Final = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What an answer raises that is not what the venue documents: no reason to leave a position open."""


class Left(NamedTuple):
    """What is still there."""

    positions: tuple[str, ...]
    orders: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        return not self.positions and not self.orders


class Panic:
    """One account, the given contracts."""

    def __init__(self, client: OrderCaller, recipe: TradingAdapter, traded: Sequence[TradedContract], say: Say) -> None:
        self._client, self._recipe, self._traded, self._say = client, recipe, tuple(traded), say
        # Ids of its own: nothing of the bot's books is needed, and nothing of theirs can be hit.
        self._name = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))
        self._count = 0
        self._not_before_s: dict[str, float] = {}

    async def run(self, for_s: float) -> Left:
        """Round after round until nothing is left or the time is up; a venue's trouble is waited out."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + for_s
        left = Left(("unknown",), ("unknown",))
        while True:
            pause_s = ROUND_S
            try:
                left = await self._round()
            except VenueError as error:
                self._say(f"no answer: {error}")
                pause_s = AFTER_TROUBLE_S
            if left.nothing or loop.time() + pause_s > until_s:
                return left
            await asyncio.sleep(pause_s)

    async def _round(self) -> Left:
        held: list[str] = []
        for traded in self._traded:
            await self._cancel_entries(traded)
            position = await self._read(self._recipe.position(self._client, traded))
            if position.signed_base:
                held.append(_shown(traded, position))
                await self._close(traded, position)
        if held:
            return Left(tuple(held), ())
        return await self._tidy()

    async def _cancel_entries(self, traded: TradedContract) -> None:
        """Orders that cannot be read keep nobody from closing what can be."""
        try:
            resting = await self._read(self._recipe.resting(self._client, traded))
        except VenueError as error:
            self._say(f"orders not read: {error}")
            return
        for order in resting:
            if not order.reduce_only:
                await self._cancel(traded, order)

    async def _read(self, reading: Awaitable[Word]) -> Word:
        """VenueError also for an answer that is not understood: it is waited out like none."""
        try:
            return await reading
        except _STRANGE as error:
            raise VenueError(self._recipe.venue, f"answer not understood: {type(error).__name__}: {error}") from error

    async def _tidy(self) -> Left:
        """All is flat, says REST: what still rests protects nothing any more."""
        rest: list[str] = []
        for traded in self._traded:
            for order in await self._read(self._recipe.resting(self._client, traded)):
                await self._cancel(traded, order)
                rest.append(f"{traded.instrument.symbol} {order.client_id or order.venue_order_id}")
        return Left((), tuple(rest))

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
        call = self._recipe.place(order, traded)
        self._say(f"close {_shown(traded, position)}")
        self._not_before_s[coin] = loop.time() + ROUND_S
        try:
            await self._client.call(
                call.method, *call.args, channel="priority", retry="never",
                dispatch=Dispatch(self._recipe.valid_ms, lambda: None),
            )
        except (OutcomeUnknown, *_STRANGE) as error:
            self._not_before_s[coin] = loop.time() + self._recipe.valid_ms / 1000
            self._say(f"unclear: {error}")
        except VenueError as error:
            self._say(f"not closed: {error}")


def _shown(traded: TradedContract, position: PositionReport) -> str:
    side = "long" if position.signed_base > 0 else "short"
    return f"{side} {abs(position.signed_base)} {traded.instrument.symbol}"
