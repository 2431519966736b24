"""The whole execution edge of one venue over the loopback exchange, and what it told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, TypeVar

from liqbot.commands import CancelOrder, Command, OrderKind, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.connection.client import VenueClient
from liqbot.events import Event
from liqbot.execution import client_order_id
from liqbot.execution.edge.account import AccountEdge
from liqbot.instruments import Side
from liqbot.venues.registry import VENUES, trading_of
from liqbot.venues.spec import RequestBudget
from paper.dialects.dialect import Dialect
from paper.dialects.hub import Hub
from paper.dialects.serving import Loopback, dialect_class, serving, traded
from tests.builders import loopback_market as market
from tests.builders.patience import PATIENCE_S
from tests.builders.venue_keys import credentials_of, opened

JOURNAL_ID = "abc123"
VENUES_SERVED = traded()
"""Those that the bot trades on and the simulated exchange speaks."""
F = TypeVar("F")


class EngineStandIn:
    """Stands for the engine: keeps what it is told, and makes client ids like the real one."""

    def __init__(self, venue: str) -> None:
        self.venue, self.facts, self._count = venue, [], 0
        self.facts: list[Event] = []

    def tell(self, facts: tuple[Event, ...]) -> None:
        self.facts += facts

    def of(self, kind: type[F], client_id: str | None = None) -> list[F]:
        return [
            fact for fact in self.facts
            if isinstance(fact, kind) and client_id in (None, getattr(fact, "client_id", None))
        ]

    def order(self, purpose: Purpose, side: Side = Side.LONG, quantity: str = "0.01", **more: Any) -> PlaceOrder:
        self._count += 1
        kind = OrderKind.MARKET
        if "limit_price" in more:
            kind = OrderKind.LIMIT
        elif "trigger_price" in more:
            kind = OrderKind.STOP_MARKET
        prices = {name: Decimal(more.pop(name)) for name in ("limit_price", "trigger_price") if name in more}
        return PlaceOrder(
            client_id=client_order_id.client_id(JOURNAL_ID, self._count, purpose),
            venue=self.venue,
            coin="BTC",
            decision_id=1,
            purpose=purpose,
            kind=kind,
            side=side,
            quantity_base=Decimal(quantity),
            reduce_only=purpose is not Purpose.ENTRY,
            **prices,
            **more,
        )


class Rig:
    """Everything a test touches."""

    def __init__(
        self, hub: Hub, loop: Loopback, account: Any, edge: AccountEdge, engine: EngineStandIn, client: VenueClient
    ) -> None:
        self.hub, self.loop, self.account, self.edge = hub, loop, account, edge
        self.engine, self.client = engine, client
        self.venue = engine.venue
        self.second = 1

    async def send(self, *commands: Command) -> None:
        await self.edge.broker.send(commands, self.hub.now_ms)

    async def leverage(self, leverage: int = 3) -> None:
        await self.send(SetLeverage(self.venue, "BTC", leverage))

    async def cancel(self, order: PlaceOrder) -> None:
        await self.send(CancelOrder(order.client_id, self.venue, "BTC"))

    async def ask(self, order: PlaceOrder) -> None:
        await self.send(QueryOrder(order.client_id, self.venue, "BTC"))

    async def advance(self, price: float = market.PRICE, *rows: Any) -> None:
        self.second += 1
        await self.hub.advance(
            market.block(self.second, *market.flat(self.venue, "BTC", self.second, price), *rows)
        )

    async def until(
        self, kind: type[F], client_id: str | None = None, count: int = 1
    ) -> list[F]:
        """Waits for facts of a kind; market time stands still."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while len(found := self.engine.of(kind, client_id)) < count:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"no {kind.__name__} {client_id}; told: {self.engine.facts[-8:]}")
            await asyncio.sleep(0.01)
        return found

    def endpoints(self, part: str) -> list[str]:
        return [one.endpoint for one in self.loop.server.log if part in one.endpoint]


def spoken(hub: Hub, venue: str) -> Dialect:
    """The venue's dialect; the same one for every client of the hub, because a venue remembers."""
    known: dict[str, Dialect] = vars(hub).setdefault("spoken", {})
    if venue not in known:
        known[venue] = dialect_class(venue)(hub)
    return known[venue]


@contextlib.asynccontextmanager
async def rig(
    venue: str, *, secret: str | None = None, running: bool = True, hub: Hub | None = None, period_s: float = 60.0,
    prepare: Callable[[VenueClient, Loopback], None] | None = None,
) -> AsyncIterator[Rig]:
    """`running=False` leaves starting the edge to the test; `prepare` gets the client before its first request."""
    hub = hub or market.hub_of(venue)
    account = opened(hub, venue)
    async with serving(hub, [spoken(hub, venue)]) as loop:
        client = VenueClient(
            VENUES[venue], credentials=credentials_of(venue, secret),
            loopback=loop.url, budget=RequestBudget(units=10_000), options=trading_of(venue).options,
        )
        engine = EngineStandIn(venue)
        try:
            if prepare is not None:
                prepare(client, loop)
            await client.open(("BTC",))
            edge = AccountEdge(
                client,
                trading_of(venue),
                client.instruments(("BTC",)),
                engine.tell,
                lambda: hub.now_ms,
                JOURNAL_ID,
                period_s=period_s,
                since_ms=market.START_MS,
            )
            one = Rig(hub, loop, account, edge, engine, client)
            if not running:
                yield one
                return
            task = asyncio.create_task(edge.run())
            ready = asyncio.create_task(edge.ready())
            await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
            if task.done():
                task.result()
            assert edge.reconciler.ready.is_set(), engine.facts
            try:
                yield one
                failed = task.done() and not task.cancelled()
                if failed:
                    task.result()
            finally:
                task.cancel()
                ready.cancel()
                await asyncio.gather(task, ready, return_exceptions=True)
        finally:
            await client.close()
