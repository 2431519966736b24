"""Hyperliquid: what is published of an account over the websocket: its orders and its fills."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from liqbot import events
from liqbot.commands import QueryOrder
from paper.dialects.accounts import VenueAccount, VenueOrderState
from paper.dialects.http import Socket
from paper.dialects.hyperliquid.account import HyperAccounts
from paper.dialects.hyperliquid.names import Row
from paper.dialects.hyperliquid.payloads import HyperRows, status_word
from paper.exchange.exchange import Happened

USER_KINDS: Final = ("orderUpdates", "userFills")
USER_PATTERNS: Final = tuple(f"ws {kind} <user>" for kind in USER_KINDS)
_SNAPSHOT_MAX: Final = 2_000
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
_OF_ORDERS: Final = (events.OrderAccepted, events.OrderRejected, events.OrderCancelled, events.Fill)
_FORCED: Final = (events.PositionLiquidated, events.PositionDeleveraged)


class HyperUserStream:
    def __init__(self, rows: HyperRows, accounts: HyperAccounts) -> None:
        self._rows, self._accounts = rows, accounts
        self._sent_fills: dict[str, int] = {}
        """Number of fills published, by account."""

    def topic(self, subscription: Row) -> str:
        kind, user = subscription.get("type"), subscription.get("user")
        return f"{kind} {user.lower()}" if kind in USER_KINDS and isinstance(user, str) else ""

    def first(self, socket: Socket, topic: str) -> None:
        """Fills of before come at once, marked as such."""
        kind, _, user = topic.partition(" ")
        account = self._accounts.of(user)
        socket.account = account or socket.account
        if kind == "userFills":
            known = [] if account is None else account.fills[-_SNAPSHOT_MAX:]
            rows = [self._rows.fill(account, one) for one in known] if account is not None else []
            socket.send_json({"channel": "userFills", "data": {"isSnapshot": True, "user": user, "fills": rows}})

    def messages(self, account: VenueAccount, happened: Happened) -> Iterator[tuple[str, bytes]]:
        """Fills first, then the orders as they stand now."""
        before, self._sent_fills[account.key] = self._sent_fills.get(account.key, 0), len(account.fills)
        new = account.fills[before:]
        if isinstance(happened.obeyed, QueryOrder):
            return
        if new:
            rows = [self._rows.fill(account, one) | {"cloid": self._rows.cloid(account.orders[one.fill.client_id])}
                    for one in new]
            yield f"userFills {account.key}", _encode(
                {"channel": "userFills", "data": {"user": account.key, "fills": rows}}
            )
        ids = dict.fromkeys(fact.client_id for fact in happened.facts if isinstance(fact, _OF_ORDERS))
        ids.update(dict.fromkeys(one.fill.client_id for one in new))
        known = [account.orders[client_id] for client_id in ids if client_id in account.orders]
        orders = [
            {"order": self._rows.basic(one), "status": status_word(one), "statusTimestamp": one.updated_ms}
            for one in known if one.state is not VenueOrderState.SENT
        ]
        if orders:
            yield f"orderUpdates {account.key}", _encode({"channel": "orderUpdates", "data": orders})
