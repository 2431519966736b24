"""A stop far away, placed, read back and cancelled: the way every position will be protected, tried before one is
there.

What it proves hangs on the venue: one that refuses a reduce-only stop without a position proves key, contract and
fields, but not that it would rest.
"""

import asyncio
from decimal import Decimal
from typing import Any, Final, NamedTuple

import structlog

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.events import Halt, HaltCode
from liqbot.execution import client_order_id
from liqbot.execution.edge.account import AccountEdge
from liqbot.execution.edge.broker import stop_mismatch
from liqbot.instruments import Instrument, Side
from liqbot.venues.errors import OutcomeUnknown, VenueError, VenueRefused
from liqbot.venues.registry import VENUES
from liqbot.venues.trading import OrderReport, TradedContract, TradingAdapter, VenueCaller

AWAY: Final = Decimal("0.5")
"""Of the last price: nothing triggers it."""
LOOKS_S: Final = (0.0, 0.2, 0.5, 1.0)
CANCELS_S: Final = (0.0, 0.5, 1.0, 2.0)
TRIES: Final = 3
AGAIN_S: Final = 1.0
_log = structlog.get_logger(__name__)


class CanaryResult(NamedTuple):
    """`failure` says what is wrong, empty when nothing is; `note` what was not proven."""

    failure: str = ""
    note: str = ""


async def fly(client: VenueCaller, adapter: TradingAdapter, traded: TradedContract, client_id: str) -> CanaryResult:
    """VenueError when the venue does not answer."""
    order = far_stop(traded.instrument, await _last_price(client, traded), client_id)
    call = adapter.place(order, traded)
    try:
        await client.call(call.method, *call.args, weight=call.weight, channel="priority", retry="never")
    except VenueRefused as refusal:
        said = f"{refusal.code} {refusal.reason}".strip()
        if refusal.code in VENUES[adapter.venue].flat_stop_refusals:
            return CanaryResult(note=f"without a position the venue takes no stop ({said}): not proven that one rests")
        return CanaryResult(f"a far stop was refused: {said}")
    except OutcomeUnknown:
        pass  # looking tells
    found = await _seen(client, adapter, traded, client_id)
    failure = "a far stop was placed and is not there" if found is None else stop_mismatch(order, found)
    left = await _cancelled(client, adapter, traded, client_id)
    return CanaryResult(failure or left)


def far_stop(instrument: Instrument, last_price: Decimal, client_id: str) -> PlaceOrder:
    """Of the least size that the venue takes."""
    least_base = max(instrument.quantity_step_base, instrument.min_notional_usd / last_price * 3)
    return PlaceOrder(
        client_id=client_id,
        venue=instrument.venue,
        coin=instrument.coin,
        decision_id=0,
        purpose=Purpose.STOP,
        kind=OrderKind.STOP_MARKET,
        side=Side.LONG,
        quantity_base=instrument.round_quantity(least_base),
        reduce_only=True,
        trigger_price=instrument.round_price(last_price * AWAY),
    )


class StopCanary:
    """Of one account, at its start; its halt is what came of it."""

    def __init__(self, edge: AccountEdge, client: VenueCaller, time_ms: int) -> None:
        """`time_ms` of the start: the sequences of this process are higher, those of earlier ones lower."""
        self._edge, self._client, self._time_ms = edge, client, time_ms

    async def run(self) -> None:
        """On every contract that is flat and where nothing rests. Entries are halted when one does not come back."""
        for number, traded in enumerate(self._edge.traded):
            client_id = client_order_id.client_id(
                self._edge.orders.journal_id, self._time_ms - number, Purpose.STOP
            )
            # Nobody else is to take it for an order of the house.
            self._edge.orders.submitting.add(client_id)
            try:
                found = await self._tried(traded, client_id)
            finally:
                self._edge.orders.submitting.discard(client_id)
            self._say(traded, found)

    async def _tried(self, traded: TradedContract, client_id: str) -> CanaryResult:
        said = ""
        for _ in range(TRIES):
            try:
                if await self._occupied(traded):
                    return CanaryResult(note="not tried: something is open or rests there")
                return await fly(self._client, self._edge.adapter, traded, client_id)
            except VenueError as error:
                said = str(error)
                await asyncio.sleep(AGAIN_S)
        return CanaryResult(f"no answer: {said}")

    async def _occupied(self, traded: TradedContract) -> bool:
        position = await self._edge.adapter.position(self._client, traded)
        return bool(position.signed_base or await self._edge.adapter.resting(self._client, traded))

    def _say(self, traded: TradedContract, found: CanaryResult) -> None:
        coin, orders = traded.instrument.coin, self._edge.orders
        if found.failure:
            reason = f"stop canary of {traded.instrument.venue} {coin}: {found.failure}"
            _log.error("halted", code=HaltCode.STOP_CANARY, reason=reason)
            orders.publish(Halt(time_ms=orders.clock(), reason=reason, code=HaltCode.STOP_CANARY))
        else:
            _log.info("stop canary", coin=coin, result=found.note or "placed, read back and cancelled")


async def _last_price(client: VenueCaller, traded: TradedContract) -> Decimal:
    ticker: Any = await client.call("fetch_ticker", traded.instrument.symbol)
    return Decimal(str(ticker["last"]))


async def _seen(
    client: VenueCaller, adapter: TradingAdapter, traded: TradedContract, client_id: str
) -> OrderReport | None:
    for wait_s in LOOKS_S:
        await asyncio.sleep(wait_s)
        found = await adapter.order(client, traded, client_id, stop=True)
        if found is not None:
            return found
    return None


async def _cancelled(client: VenueCaller, adapter: TradingAdapter, traded: TradedContract, client_id: str) -> str:
    """What is wrong when it cannot be taken away again."""
    said = ""
    for wait_s in CANCELS_S:
        await asyncio.sleep(wait_s)
        call = adapter.cancel(client_id, traded, stop=True)
        try:
            await client.call(call.method, *call.args, weight=call.weight, channel="priority", retry="read")
        except VenueError as error:
            said = str(error)
        if client_id not in {order.client_id for order in await adapter.resting(client, traded)}:
            return ""
    return f"a far stop could not be cancelled: {said or 'it rests on'}"
