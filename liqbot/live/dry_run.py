"""A dry run: everything but the last POST. Orders are shown and refused, leverage is taken as set."""

from collections.abc import Sequence

import structlog

from liqbot.commands import CancelOrder, Command, PlaceOrder, SetLeverage
from liqbot.events import CancelRejected, LeverageConfirmed, OrderMissing, OrderRejected
from liqbot.execution.edge.account import AccountEdge

_log = structlog.get_logger(__name__)


class DryRunBroker:
    """Stands in for the broker of an account that is only read."""

    def __init__(self, edge: AccountEdge) -> None:
        self._edge = edge
        self._traded = {(one.instrument.venue, one.instrument.coin): one for one in edge.traded}

    async def send(self, commands: Sequence[Command], now_ms: int) -> None:
        for command in commands:
            self._answer(command, now_ms)

    def _answer(self, command: Command, now_ms: int) -> None:
        orders, venue, coin = self._edge.orders, command.venue, command.coin
        if isinstance(command, SetLeverage):
            _log.info("dry run: would set", leverage=command.leverage, coin=coin)
            orders.publish(LeverageConfirmed(
                time_ms=now_ms, venue=venue, coin=coin, leverage=command.leverage, isolated=True
            ))  # fmt: skip
        elif isinstance(command, PlaceOrder):
            call = self._edge.adapter.place(command, self._traded[venue, coin])
            _log.info("dry run: would send", method=call.method, arguments=repr(call.args))
            orders.publish(OrderRejected(
                time_ms=now_ms, venue=venue, coin=coin, client_id=command.client_id, code="DRY_RUN",
                reason="a dry run sends nothing",
            ))  # fmt: skip
        elif isinstance(command, CancelOrder):
            orders.publish(CancelRejected(
                time_ms=now_ms, venue=venue, coin=coin, client_id=command.client_id, reason="a dry run sends nothing"
            ))  # fmt: skip
        else:
            orders.publish(OrderMissing(time_ms=now_ms, venue=venue, coin=coin, client_id=command.client_id))
