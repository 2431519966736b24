"""`Broker`: commands out to one venue, their outcomes back as facts. A submit leaves once; doubts are queried."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog

from liqbot.commands import CancelOrder, Command, OrderKind, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.events import (
    CancelRejected,
    Halt,
    HaltCode,
    LeverageConfirmed,
    OrderAccepted,
    OrderRejected,
)
from liqbot.execution import client_order_id
from liqbot.execution.edge.attached_stops import AttachedStopReader
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.execution.edge.order_status import ChannelCaller, OrderStatusResolver
from liqbot.venues.answers import answer
from liqbot.venues.entry_stops import entry_of
from liqbot.venues.errors import (
    AnswerMalformed,
    NeverSent,
    OutcomeUnknown,
    VenueAuth,
    VenueBusy,
    VenueError,
    VenueRefused,
)
from liqbot.venues.trading import (
    AccountSettings,
    Call,
    Channel,
    Dispatch,
    OrderCaller,
    OrderReport,
    OrderStatus,
    TradedContract,
    TradingAdapter,
    whole,
)
from liqbot.venues.unified_order import PlacedOrder

READ_BACK_S: Final = (0.0, 0.1, 0.25, 0.5, 1.0)
"""Waits before reading an accepted order: venues show it a moment later."""
TURN_MS_MAX: Final = 2_000
"""An entry whose turn has not come by then is given up: its reasons are old. What reduces keeps its place."""
EARLY_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Waits before a stop is sent again that the venue refused because it does not show its position yet."""
REFUSED_PAUSE_S: Final = 1.0
"""Longest wait before a request that a venue had no time for is reported as refused: the answer to it comes at once."""
UNKNOWN_WORDS: Final = ("ExchangeError",)
"""What the unified client calls a refusal whose code it does not know."""
_log = structlog.get_logger(__name__)


class Broker:
    """Implements what the runtime sends to. Nothing leaves before `run` has begun, or after `close`."""

    def __init__(
        self,
        client: OrderCaller,
        adapter: TradingAdapter,
        traded: Sequence[TradedContract],
        orders: OrderCache,
        resolver: OrderStatusResolver,
    ) -> None:
        self._client, self._adapter, self._orders, self._resolver = client, adapter, orders, resolver
        self._traded = {(one.instrument.venue, one.instrument.coin): one for one in traded}
        self._attached = AttachedStopReader(client, adapter, orders, resolver)
        self._open = False
        self._waiting: list[Command] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._setting: set[str] = set()
        """Coins whose leverage is being set."""
        self._first_error: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Carries out commands. The first error that is no venue's is raised; what else is under way, and what comes
        later, is carried out all the same until `close`: one wrong command must not take a stop with it."""
        self._open = True
        waiting, self._waiting = self._waiting, []
        await self.send(waiting, self._orders.clock())
        await asyncio.shield(self._first_error)

    async def close(self) -> None:
        """Nothing leaves any more, and nobody waits for answers."""
        self._open = False
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, commands: Sequence[Command], now_ms: int) -> None:
        """Returns at once: each command is a task of its own, so that a stop never waits for a read."""
        del now_ms
        if not self._open:
            self._waiting += commands
            return
        for command in commands:
            if isinstance(command, PlaceOrder):
                # From here on nobody but this task may conclude that the order does not exist.
                self._orders.submitting.add(command.client_id)
            task = asyncio.create_task(self._carried_out(command))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._first_error.done():
            self._first_error.set_exception(error)

    async def _carried_out(self, command: Command) -> None:
        traded = self._traded[command.venue, command.coin]
        self._orders.mark_dirty(command.coin)
        try:
            await self._work(command, traded)
        except VenueError as error:
            # What is still open the order manager will query.
            _log.warning("unanswered", command=type(command).__name__, coin=command.coin, error=str(error))
        finally:
            self._orders.mark_dirty(command.coin)

    def _work(self, command: Command, traded: TradedContract) -> Coroutine[Any, Any, None]:
        if isinstance(command, PlaceOrder):
            return self._place(command, traded)
        if isinstance(command, CancelOrder):
            return self._cancel(command.client_id, traded)
        if isinstance(command, SetLeverage):
            return self._set_leverage(command, traded)
        return self._query(command, traded)

    async def _query(self, command: QueryOrder, traded: TradedContract) -> None:
        if entry_of(command.client_id) is not None:
            await self._attached.read(command, traded)
        else:
            await self._resolver.resolve(command.client_id, traded)

    # --- placing --------------------------------------------------------------------------------------------------

    async def _place(self, order: PlaceOrder, traded: TradedContract) -> None:
        try:
            placed_as = await self._submitted(order, traded)
        except NeverSent as late:
            self._refused(order, "NOT_SENT", late.detail)
        except OutcomeUnknown as error:
            _log.warning("outcome unknown: querying", client_id=order.client_id, error=str(error))
            await self._after_silence(order, traded)
        except VenueRefused as refusal:
            if refusal.code in self._adapter.duplicate_codes | self._adapter.unclear_codes:
                await self._after_silence(order, traded)
            else:
                await self._handle_refusal(order, traded, refusal)
        except VenueError as error:
            await self._not_carried_out(order, error)
        else:
            await self._accepted(order, traded, placed_as)
        finally:
            self._orders.submitting.discard(order.client_id)

    async def _submitted(self, order: PlaceOrder, traded: TradedContract) -> str:
        """The venue's id of it. An early refusal is no refusal: the same order again, under the same id."""
        for wait_s in EARLY_S if order.purpose is Purpose.STOP and self._adapter.early_codes else ():
            try:
                return await self._leave(order, traded)
            except VenueRefused as refusal:
                if refusal.code not in self._adapter.early_codes:
                    raise
            await asyncio.sleep(wait_s)
        return await self._leave(order, traded)

    async def _leave(self, order: PlaceOrder, traded: TradedContract) -> str:
        loop, call = asyncio.get_running_loop(), self._adapter.place(order, traded)
        call = await whole(call, ChannelCaller(self._client, "priority" if order.reduce_only else "order"))
        dispatch = Dispatch(
            self._adapter.valid_ms, lambda: self._orders.sent(order.client_id, loop.time()),
            None if order.reduce_only else TURN_MS_MAX,
        )
        channel: Channel = "priority" if order.reduce_only else "order"
        placed_as: str = await self._client.call(
            call.method, *call.args, weight=call.weight, channel=channel, retry="never", decode=self._placed,
            dispatch=dispatch,
        )
        return placed_as

    async def _sent(self, call: Call, channel: Channel) -> Any:
        return await self._client.call(call.method, *call.args, weight=call.weight, channel=channel, retry="never")

    def _placed(self, payload: Any) -> str:
        """The venue's id of an order that it took. An answer that does not give it leaves open what was done."""
        return answer(self._adapter.venue, "create_order", payload, PlacedOrder, lambda placed: placed.id)

    async def _handle_refusal(self, order: PlaceOrder, traded: TradedContract, refusal: VenueRefused) -> None:
        """A no in words that nobody knows may be no answer at all: whether the order stands is looked at first."""
        if refusal.kind in UNKNOWN_WORDS:
            try:
                report = await self._resolver.query(order.client_id, traded)
            except VenueError as error:
                _log.warning("refused in unknown words: querying", client_id=order.client_id, error=str(error))
                await self._after_silence(order, traded)
                return
            if report is not None:
                await self._read_back(order, traded, report)
                return
        self._refused(order, refusal.code or refusal.kind, refusal.reason or str(refusal))

    async def _not_carried_out(self, order: PlaceOrder, error: VenueError) -> None:
        if isinstance(error, VenueAuth):
            self._orders.publish(
                Halt(time_ms=self._orders.clock(), reason=f"key refused: {error}", code=HaltCode.KEY_REFUSED)
            )
        wait_s = error.retry_after_s if isinstance(error, VenueBusy) else None
        await asyncio.sleep(min(wait_s or REFUSED_PAUSE_S, REFUSED_PAUSE_S))
        self._refused(order, type(error).__name__, str(error))

    def _refused(self, order: PlaceOrder, code: str, reason: str) -> None:
        _log.warning("order refused", client_id=order.client_id, code=code, reason=reason)
        fact = OrderRejected(
            time_ms=self._orders.clock(), venue=order.venue, coin=order.coin, client_id=order.client_id, code=code,
            reason=reason,
        )
        self._orders.publish(fact)

    async def _after_silence(self, order: PlaceOrder, traded: TradedContract) -> None:
        report = await self._resolver.await_report(order.client_id, traded)
        if report is not None:
            await self._read_back(order, traded, report)

    async def _accepted(self, order: PlaceOrder, traded: TradedContract, venue_order_id: str) -> None:
        self._orders.link(order.coin, venue_order_id, order.client_id)
        if order.purpose is not Purpose.STOP:
            fact = OrderAccepted(
                time_ms=self._orders.clock(), venue=order.venue, coin=order.coin, client_id=order.client_id,
                venue_order_id=venue_order_id,
            )
            self._orders.publish(fact)
        report = None
        for wait_s in READ_BACK_S:
            await asyncio.sleep(wait_s)
            report = await self._resolver.query(order.client_id, traded)
            if report is not None and not _goes_on(order, report):
                break
        if report is not None:
            await self._read_back(order, traded, report)
        elif order.purpose is Purpose.STOP:
            await self._after_silence(order, traded)

    async def _read_back(self, order: PlaceOrder, traded: TradedContract, report: OrderReport) -> None:
        """A stop counts only if it is what was ordered; any other order is reported as it is."""
        is_stop = order.purpose is Purpose.STOP and report.status is OrderStatus.RESTING
        wrong = stop_mismatch(order, report) if is_stop else ""
        if not wrong:
            await self._resolver.publish_report(order.client_id, traded, report)
            return
        self._orders.publish(
            Halt(
                time_ms=self._orders.clock(), code=HaltCode.STOP_MISPLACED,
                reason=f"{order.venue} did not place the stop as ordered: {wrong}",
            )
        )
        await self._sent(self._adapter.cancel(order.client_id, traded, stop=True), "priority")
        self._refused(order, "STOP_MISREAD", wrong)

    # --- cancelling -----------------------------------------------------------------------------------------------

    async def _cancel(self, client_id: str, traded: TradedContract) -> None:
        """Then query it: of an order that filled before its cancel arrived the fill is published."""
        stop = client_order_id.purpose_of(client_id) is Purpose.STOP
        call = self._adapter.cancel(client_id, traded, stop=stop)
        refused = ""
        try:
            await self._client.call(call.method, *call.args, weight=call.weight, channel="priority", retry="read")
        except VenueRefused as refusal:
            refused = refusal.reason or str(refusal)
        except AnswerMalformed as error:
            # It was answered: whether the order is gone can be read.
            refused = str(error)
        except VenueError as error:
            self._cancel_failed(client_id, traded, str(error))
            return
        for wait_s in READ_BACK_S:
            await asyncio.sleep(wait_s)
            report = await self._resolver.query(client_id, traded)
            if report is None:
                # An order that never filled leaves the venue's books soon after it is cancelled.
                await self._resolver.resolve(client_id, traded)
                return
            if report.status not in (OrderStatus.RESTING, OrderStatus.UNKNOWN):
                await self._resolver.publish_report(client_id, traded, report)
                return
        self._cancel_failed(client_id, traded, refused or "still resting after the cancel was accepted")

    def _cancel_failed(self, client_id: str, traded: TradedContract, reason: str) -> None:
        instrument = traded.instrument
        fact = CancelRejected(
            time_ms=self._orders.clock(), venue=instrument.venue, coin=instrument.coin, client_id=client_id,
            reason=reason,
        )
        self._orders.publish(fact)

    # --- leverage -------------------------------------------------------------------------------------------------

    async def _set_leverage(self, command: SetLeverage, traded: TradedContract) -> None:
        """Read, change what differs, read again: only what the venue says afterwards is confirmed. The order manager
        asks again every few seconds: while one is under way, or waits for its turn, that is once too often."""
        if command.coin in self._setting:
            return
        self._setting.add(command.coin)
        try:
            await self._set(command, traded)
        finally:
            self._setting.discard(command.coin)

    async def _set(self, command: SetLeverage, traded: TradedContract) -> None:
        asking = ChannelCaller(self._client, "order")
        found = await self._adapter.settings(asking, traded)
        for call in self._adapter.settings_changes(traded, command.leverage, found):
            try:
                await self._sent(call, "order")
            except (VenueRefused, OutcomeUnknown) as error:
                _log.info("not set", method=call.method, answer=str(error))
            found = await self._adapter.settings(asking, traded)
        self.confirm(traded, found)
        if not found.isolated or found.leverage != command.leverage:
            _log.warning("leverage differs", wanted=command.leverage, is_now=found.leverage, isolated=found.isolated)

    def confirm(self, traded: TradedContract, found: AccountSettings) -> None:
        """Publish leverage and margin mode. An account in hedge mode is not traded on."""
        instrument, now_ms = traded.instrument, self._orders.clock()
        if not found.one_way:
            reason = f"{instrument.venue} is in hedge mode, one-way is needed"
            self._orders.publish(Halt(time_ms=now_ms, reason=reason, code=HaltCode.ACCOUNT_MODE))
            return
        fact = LeverageConfirmed(
            time_ms=now_ms, venue=instrument.venue, coin=instrument.coin, leverage=found.leverage,
            isolated=found.isolated,
        )
        self._orders.publish(fact)


def _goes_on(order: PlaceOrder, report: OrderReport) -> bool:
    """Whether another look a moment later will tell more."""
    moving = order.kind is OrderKind.MARKET and report.status is OrderStatus.RESTING
    return moving or report.status is OrderStatus.UNKNOWN


def stop_mismatch(order: PlaceOrder, report: OrderReport) -> str:
    """What about a resting stop is not as ordered; empty when all is."""
    if not report.reduce_only:
        return "it is not reduce-only"
    if not report.on_mark:
        return "it does not trigger on the mark price"
    if report.trigger_price != order.trigger_price:
        return f"its trigger is {report.trigger_price}, not {order.trigger_price}"
    if report.quantity_base != order.quantity_base:
        return f"its quantity is {report.quantity_base}, not {order.quantity_base}"
    return ""
