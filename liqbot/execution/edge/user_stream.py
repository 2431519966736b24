"""The user stream: a hint, never the truth. Executions are published at once, orders it mentions are read by REST."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from liqbot.decode_errors import STUMBLES
from liqbot.execution.edge.order_status import OrderStatusResolver
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import Call, OrderHint, TradedContract, TradeReport, TradingAdapter

REDIAL_S_MAX: Final = 30.0
DIALLING_S: Final = 1.0
"""A reading made this long after dialling began misses nothing that the new connection did not report."""
HINTS_MAX: Final = 10_000
ERROR_LENGTH_MAX: Final = 300
_JSON: Final = ("{", "[", b"{", b"[")
_log = structlog.get_logger(__name__)


class Listening(Protocol):
    """The part of a venue client that listens."""

    def tap(self, callback: Callable[[str | bytes, str], bool]) -> Any: ...

    async def watch(self, method: str, *args: Any) -> Any: ...

    def sign_in_again(self) -> None: ...


class UserStream:
    """`on_down` is called when the stream broke, `on_up` when it has been dialled again, and when a message was not
    understood: the account is to be read."""

    def __init__(
        self,
        client: Listening,
        adapter: TradingAdapter,
        traded: Sequence[TradedContract],
        resolver: OrderStatusResolver,
        *,
        on_down: Callable[[str], None],
        on_up: Callable[[], None],
    ) -> None:
        self._client, self._adapter, self._traded, self._resolver = client, adapter, tuple(traded), resolver
        self._on_down, self._on_up = on_down, on_up
        self._hints: asyncio.Queue[tuple[TradedContract, OrderHint | TradeReport]] = asyncio.Queue(HINTS_MAX)
        self._requested: set[str] = set()
        """Client ids waiting in the queue: one look answers them all."""
        self.malformed = 0
        client.tap(self._tapped)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            for call in self._adapter.streams(self._traded):
                group.create_task(self._keep(call))

    async def _keep(self, call: Call) -> None:
        wait_s = 0.5
        while True:
            try:
                await self._client.watch(call.method, *call.args)
                wait_s = 0.5
            except VenueError as error:
                _log.warning("user stream broke", stream=call.method, error=str(error))
                self._on_down(str(error))
                self._client.sign_in_again()
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, REDIAL_S_MAX)
                # Dialled again at once; what happened meanwhile is read by REST.
                asyncio.get_running_loop().call_later(DIALLING_S, self._on_up)

    def _tapped(self, raw: str | bytes, url: str) -> bool:
        """True when it was about our orders. Never raises: this runs in the socket's receive loop."""
        del url
        try:
            message = msgspec.json.decode(raw)
            found = self._adapter.user_events(message, self._traded)
        except (msgspec.DecodeError, VenueError, *STUMBLES) as error:
            if raw[:1] not in _JSON:
                return False  # plain text, such as a pong
            self.malformed += 1
            _log.warning("user stream: not understood", error=f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX])
            # Whatever it was to say can be read.
            self._on_up()
            return False
        for traded, hint in found or ():
            self._take(traded, hint)
        return found is not None

    def _take(self, traded: TradedContract, hint: OrderHint | TradeReport) -> None:
        orders = self._resolver.orders
        if isinstance(hint, TradeReport):
            owner = orders.owner(traded.instrument.coin, hint)
            if owner is not None:
                orders.trade(traded, hint, owner)
                return
        else:
            if not orders.ours(hint.client_id):
                return
            orders.mark_dirty(traded.instrument.coin)
            orders.link(traded.instrument.coin, hint.venue_order_id, hint.client_id)
            orders.link(traded.instrument.coin, hint.alias, hint.client_id)
            if hint.client_id in orders.submitting or hint.client_id in self._requested:
                return
            self._requested.add(hint.client_id)
        if not self._hints.full():  # beyond that the next reconciliation reports it
            self._hints.put_nowait((traded, hint))

    async def _follow(self) -> None:
        while True:
            traded, hint = await self._hints.get()
            try:
                if isinstance(hint, TradeReport):
                    self._resolver.orders.trade(traded, hint, await self._resolver.owner(traded, hint))
                else:
                    self._requested.discard(hint.client_id)
                    await self._resolver.resolve(hint.client_id, traded)
            except VenueError as error:
                _log.warning("hint not followed", error=str(error))
