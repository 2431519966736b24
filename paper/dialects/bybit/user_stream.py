"""Bybit v5: the private websocket: what an account receives about its orders, executions, positions and wallet."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from liqbot import events
from liqbot.commands import QueryOrder
from paper.dialects.accounts import VenueAccount
from paper.dialects.bybit.errors import VENUE, BybitNames, Row
from paper.dialects.bybit.history import FORCED_FACTS, Executions, forced_fill
from paper.dialects.bybit.payloads import Rows, visible
from paper.exchange.exchange import Happened

TOPICS: Final = ("order", "execution", "position", "wallet")
PATTERNS: Final = tuple(f"ws {topic}" for topic in TOPICS)
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
_OF_ORDERS: Final = (events.OrderAccepted, events.OrderRejected, events.OrderCancelled, events.Fill)
_MOVES_POSITION: Final = (events.Fill, events.PositionLiquidated, events.PositionDeleveraged, events.LeverageConfirmed)


class BybitUserStream:
    def __init__(self, names: BybitNames, rows: Rows, executions: Executions) -> None:
        self._names, self._rows, self._executions = names, rows, executions
        self._sent_count = 0

    def messages(self, account: VenueAccount, happened: Happened) -> Iterator[tuple[str, bytes]]:
        """Executions first, then the orders as they stand now, positions and wallet."""
        executed = self._executions.note(account, happened)
        if isinstance(happened.obeyed, QueryOrder):
            return
        yield from self._message("execution", executed, happened)
        yield from self._message("order", self._orders(account, happened), happened)
        moved = dict.fromkeys(fact.coin for fact in happened.facts if isinstance(fact, _MOVES_POSITION))
        listed = [self._names.by_symbol[self._names.symbol(coin)] for coin in moved]
        yield from self._message("position", [self._rows.position(account, one) for one in listed], happened)
        if any(isinstance(fact, events.Balance) for fact in happened.facts):
            yield from self._message("wallet", [self._rows.wallet(account)], happened)

    def _orders(self, account: VenueAccount, happened: Happened) -> list[Row]:
        ids = dict.fromkeys(fact.client_id for fact in happened.facts if isinstance(fact, _OF_ORDERS))
        closed = [fact for fact in happened.facts if isinstance(fact, FORCED_FACTS)]
        ids.update(dict.fromkeys(forced_fill(account, fact).fill.client_id for fact in closed))
        known = [account.orders[client_id] for client_id in ids if client_id in account.orders]
        return [self._rows.order(order) for order in known if visible(order)]

    def _message(self, topic: str, rows: list[Row], happened: Happened) -> Iterator[tuple[str, bytes]]:
        if rows:
            self._sent_count += 1
            name = f"{VENUE}_{topic}_{self._sent_count}"
            yield topic, _encode({"id": name, "topic": topic, "creationTime": happened.time_ms, "data": rows})
