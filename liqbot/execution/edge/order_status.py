"""Finding out what became of an order, and telling it: acceptance, fills, end. Reads only; asks, never sends again."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import structlog

from liqbot.commands import Purpose
from liqbot.events import OrderAccepted, OrderCancelled, OrderMissing, OrderRejected
from liqbot.execution import client_order_id
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import (
    ZERO,
    Lane,
    OrderReport,
    OrderStatus,
    Retry,
    TradedContract,
    TradeReport,
    TradingAdapter,
    VenueCaller,
)

FILLS_LAG_S: Final = (0.0, 0.15, 0.3, 0.6)
"""Waits before looking for fills that an order says it has: venues list them a moment later."""
ASK_S_MAX: Final = 2.0
GIVE_UP_S: Final = 15.0
_log = structlog.get_logger(__name__)


class Protective:
    """The caller whose requests take the lane kept free for orders that protect."""

    def __init__(self, client: VenueCaller) -> None:
        self._client = client

    async def call(
        self, method: str, *args: Any, weight: int = 1, lane: Lane = "protective", retry: Retry = "read"
    ) -> Any:
        del lane
        return await self._client.call(method, *args, weight=weight, lane="protective", retry=retry)


class OrderStatusResolver:
    """Shared by whoever sends, listens and reconciles."""

    def __init__(self, client: VenueCaller, recipe: TradingAdapter, known: OrderCache, *, trades_since_ms: int) -> None:
        self._client, self._protective, self._recipe, self.known = client, Protective(client), recipe, known
        self.trades_since_ms = trades_since_ms
        """Fills before this have been told; moved on by reconciliations."""
        self._born_s = asyncio.get_running_loop().time()
        self._reading: dict[str, asyncio.Lock] = {}

    async def look(self, client_id: str, traded: TradedContract) -> OrderReport | None:
        """The venue's word on an order of ours; VenueError when it gives none."""
        stop = client_order_id.purpose_of(client_id) is Purpose.STOP
        ask = self._protective if stop else self._client
        word = await self._recipe.order(ask, traded, client_id, stop=stop)
        if word is not None:
            for venue_id in (word.venue_order_id, word.fills_order_id):
                self.known.own(traded.instrument.coin, venue_id, client_id)
        return word

    async def report(self, client_id: str, traded: TradedContract, word: OrderReport) -> None:
        """Tell everything that `word` says; fills first, because an end without them would look like a failure."""
        if word.filled_base > self.known.filled_base.get(client_id, ZERO):
            await self._find_fills(client_id, traded, word)
        now: dict[str, Any] = {
            "time_ms": self.known.clock(), "venue": traded.instrument.venue, "coin": traded.instrument.coin
        }
        reason = word.reason or word.fate.value
        if word.fate is OrderStatus.RESTING:
            self.known.tell(OrderAccepted(**now, client_id=client_id, venue_order_id=word.venue_order_id))
        elif word.fate is OrderStatus.REJECTED and not word.filled_base:
            self.known.tell(OrderRejected(**now, client_id=client_id, code="REJECTED", reason=reason))
        elif word.fate is not OrderStatus.FILLED:
            self.known.tell(OrderCancelled(**now, client_id=client_id, reason=reason))

    async def _find_fills(self, client_id: str, traded: TradedContract, word: OrderReport) -> None:
        for wait_s in FILLS_LAG_S:
            await asyncio.sleep(wait_s)
            await self.catch_up(traded)
            if word.filled_base <= self.known.filled_base.get(client_id, ZERO):
                return
        _log.warning("fills not listed yet", client_id=client_id, filled_base=str(word.filled_base))

    async def catch_up(self, traded: TradedContract) -> int:
        """Tell all executions that have not been told; gives their number."""
        coin = traded.instrument.coin
        async with self._reading.setdefault(coin, asyncio.Lock()):
            told = 0
            for trade in await self._recipe.trades(
                self._client, traded, self.trades_since_ms, self.known.clock()
            ):
                told += self.known.trade(traded, trade, await self.owner(traded, trade))
            return told

    async def owner(self, traded: TradedContract, trade: TradeReport) -> str:
        """Client id of ours; empty when it is none of ours."""
        coin = traded.instrument.coin
        owner = self.known.owner(coin, trade)
        if owner is None:
            found = await self._recipe.owner(self._client, traded, trade.venue_order_id)
            owner = found if self.known.ours(found) else ""
            self.known.own(coin, trade.venue_order_id, owner)
        return owner

    # --- orders of unknown outcome ----------------------------------------------------------------------------------

    def still_on_its_way(self, client_id: str) -> bool:
        """Whether a request for it may yet be carried out: then "no such order" proves nothing."""
        sent_s = self.known.sent_s.get(client_id, self._born_s)
        return asyncio.get_running_loop().time() < sent_s + self._recipe.valid_ms / 1000

    async def question(self, client_id: str, traded: TradedContract) -> None:
        """Answer a question of the desk. Silent while no answer can be believed: the desk asks again."""
        if client_id in self.known.placing:
            return
        word = await self.look(client_id, traded)
        if word is not None:
            await self.report(client_id, traded, word)
        elif not self.still_on_its_way(client_id):
            self._missing(client_id, traded)

    async def await_word(self, client_id: str, traded: TradedContract) -> OrderReport | None:
        """Ask about an order whose answer was lost until the venue knows it, or until it cannot come any more
        (OrderMissing is told). None also when the venue gives no answer for long: the desk goes on asking."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + self._recipe.valid_ms / 1000 + GIVE_UP_S
        for wait_s in _waits():
            await asyncio.sleep(wait_s)
            too_late = not self.still_on_its_way(client_id)
            try:
                word = await self.look(client_id, traded)
            except VenueError as error:
                _log.warning("no word about an order", client_id=client_id, error=str(error))
                if loop.time() > give_up_s:
                    return None
                continue
            if word is not None:
                return word
            if too_late:
                self._missing(client_id, traded)
                return None
        return None

    def _missing(self, client_id: str, traded: TradedContract) -> None:
        instrument = traded.instrument
        fact = OrderMissing(
            time_ms=self.known.clock(), venue=instrument.venue, coin=instrument.coin, client_id=client_id
        )
        self.known.tell(fact)


def _waits() -> Iterator[float]:
    wait_s = 0.1
    while True:
        yield wait_s
        wait_s = min(wait_s * 2, ASK_S_MAX)
