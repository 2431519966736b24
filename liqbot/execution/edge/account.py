"""One account at one venue: broker, user stream and reconciliation put together, run and stopped as one."""

import asyncio
from collections.abc import Container, Sequence
from typing import Any, Protocol

from liqbot.execution.edge.broker import Broker
from liqbot.execution.edge.order_cache import Clock, OrderCache, Publish
from liqbot.execution.edge.order_status import OrderStatusResolver
from liqbot.execution.edge.presence import AccountPresence
from liqbot.execution.edge.reconcile import Reconciler
from liqbot.execution.edge.user_stream import Listening, UserStream
from liqbot.instruments import Instrument
from liqbot.venues.trading import TradedContract, TradingAdapter, VenueCaller


class Client(VenueCaller, Listening, Protocol):
    """What an account needs of a venue client; its contracts must be loaded."""

    @property
    def exchange(self) -> Any: ...


class AccountEdge:
    """`publish` takes facts and must not block. Fills and payments since `since_ms` are published, again if need be."""

    def __init__(
        self, client: Client, adapter: TradingAdapter, instruments: Sequence[Instrument], publish: Publish,
        clock: Clock, journal_id: str, *, period_s: float, since_ms: int, presence: AccountPresence | None = None,
        kin: Container[str] = (),
    ) -> None:
        """To be made in the loop it will run in. `presence` looks for other instances on the account; `kin` are the
        journals that count as ours beside `journal_id`."""
        self.adapter, self._client = adapter, client
        self.traded = tuple(traded_on(client, one) for one in instruments)
        self.orders = OrderCache(publish, clock, journal_id, kin)
        self.resolver = OrderStatusResolver(client, adapter, self.orders, trades_since_ms=since_ms)
        self.broker = Broker(client, adapter, self.traded, self.orders, self.resolver)
        self.reconciler = Reconciler(
            client, adapter, self.traded, self.orders, self.resolver, self.broker, period_s=period_s,
            payments_since_ms=since_ms, presence=presence,
        )
        self.stream = UserStream(
            client, adapter, self.traded, self.resolver, on_down=self.reconciler.down, on_up=self.reconciler.request
        )

    async def run(self) -> None:
        """Until cancelled; errors that are no venue's are raised."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.broker.run())
            group.create_task(self.stream.run())
            group.create_task(self.reconciler.run())

    async def ready(self) -> None:
        """The account has been read in full."""
        await self.reconciler.ready.wait()


def traded_on(client: Client, instrument: Instrument) -> TradedContract:
    """With the venue's own id of the contract."""
    return TradedContract(instrument, str(client.exchange.market(instrument.symbol)["id"]))
