"""One account at one venue: broker, user stream and reconciliation put together, run and stopped as one."""

import asyncio
from collections.abc import Container, Sequence
from typing import Any, Final, Protocol

from liqbot.execution.edge.account_alerts import AccountAlerts
from liqbot.execution.edge.broker import Broker
from liqbot.execution.edge.order_cache import Clock, OrderCache, Publish
from liqbot.execution.edge.order_status import OrderStatusResolver
from liqbot.execution.edge.presence import AccountPresence
from liqbot.execution.edge.protection_check import ProtectionCheck, Watched, nothing_watched
from liqbot.execution.edge.reconcile import Reconciler
from liqbot.execution.edge.trading_marks import TradingMarks
from liqbot.execution.edge.user_stream import Listening, UserStream
from liqbot.execution.edge.vanished import Vanished
from liqbot.instruments import Instrument
from liqbot.venues.spec import VenueSpec
from liqbot.venues.trading import OrderCaller, TradedContract, TradingAdapter

CHECK_S: Final = 2.5


class Client(OrderCaller, Listening, Protocol):
    """What an account needs of a venue client; its contracts must be loaded."""

    spec: VenueSpec
    answers_malformed: int
    answer_malformed_newest: str

    @property
    def exchange(self) -> Any: ...


class AccountEdge:
    """`publish` takes facts and must not block. Fills and payments since `since_ms` are published, again if need be."""

    def __init__(
        self, client: Client, adapter: TradingAdapter, instruments: Sequence[Instrument], publish: Publish,
        clock: Clock, journal_id: str, *, period_s: float, since_ms: int, watched: Watched = nothing_watched,
        check_s: float = CHECK_S, at_once: bool = False, began_s: float | None = None,
        presence: AccountPresence | None = None, kin: Container[str] = (), trading_mark_s: float | None = None,
        request_share: float = 1.0,
    ) -> None:
        """To be made in the loop it will run in. `watched` says which stops should rest, every `check_s` somebody
        looks; `at_once`: a position may be open, so that is done before anything else is read. `began_s`: no request of
        an earlier process was sent after this moment of the loop's clock. `presence` looks for other instances on the
        account; `kin` are the journals that count as ours beside `journal_id`. `trading_mark_s`: the account is a test
        network's or a demo's, whose mark is read so often; None: it trades where the map's prices come from."""
        self.adapter, self.client = adapter, client
        self.traded = tuple(traded_on(client, one) for one in instruments)
        self.orders = OrderCache(publish, clock, journal_id, kin)
        self.resolver = OrderStatusResolver(
            client, adapter, self.orders, trades_since_ms=since_ms, began_s=began_s
        )
        self.broker = Broker(client, adapter, self.traded, self.orders, self.resolver)
        self.alerts = AccountAlerts(clock)
        self.reconciler = Reconciler(
            client, adapter, self.traded, self.orders, self.resolver, self.broker, self.alerts, period_s=period_s,
            payments_since_ms=since_ms, presence=presence, vanished=Vanished(self.orders, watched),
        )
        self.check = ProtectionCheck(
            client, adapter, self.traded, self.orders, self.resolver, watched, period_s=check_s, at_once=at_once,
            by_name=client.spec.stops_by_name,
        )
        self.stream = UserStream(
            client, adapter, self.traded, self.resolver, on_down=self.reconciler.down, on_up=self.reconciler.request
        )
        coins = [one.coin for one in instruments]
        self.marks = None if trading_mark_s is None else TradingMarks(
            client, coins, publish, clock, period_s=trading_mark_s, share=request_share
        )
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def run(self) -> None:
        """Until cancelled. The first error that is no venue's is raised, in a group, and the others work on until
        `close`: whoever has to end can still protect what is open."""
        marks = () if self.marks is None else (self.marks.run(),)
        self._tasks = tuple(
            asyncio.create_task(one) for one in
            (self.broker.run(), self.check.run(), self.stream.run(), self.alerts.run(), self._reconcile(), *marks)
        )
        try:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            await self.close()
            raise
        raise BaseExceptionGroup("the account's edge", [error for task in done if (error := task.exception())])

    async def close(self) -> None:
        """The broker last."""
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.wait((task,))
        await self.broker.close()

    @property
    def notices(self) -> dict[str, Any]:
        """What the venue says of the account beside its state: how much of it was not what it documents and the last
        of that, how near deleveraging and the key's end are."""
        return {
            "answers_malformed": self.client.answers_malformed, "messages_malformed": self.stream.malformed,
            "malformed_newest": self.client.answer_malformed_newest, **self.alerts.notices,
        }

    async def _reconcile(self) -> None:
        await self.check.tried.wait()  # the long reading holds up nobody who may be naked
        await self.reconciler.run()

    async def ready(self) -> None:
        """The account has been read in full."""
        await self.reconciler.ready.wait()


def traded_on(client: Client, instrument: Instrument) -> TradedContract:
    """With the venue's own id of the contract."""
    return TradedContract(instrument, str(client.exchange.market(instrument.symbol)[client.spec.message_id]))
