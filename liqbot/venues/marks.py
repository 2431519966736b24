"""How instances that trade one account see each other at the venue: client ids of recent orders, and the order that is
nothing but such a mark."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from liqbot.venues.trading import Call, TradedContract, VenueCaller, plain

RECENT_PAGES: Final = 4
"""Pages of ended orders that are read, newest first."""


class OrderMark(msgspec.Struct, frozen=True):
    """An order that the account has, or had of late: `time_ms` is when the venue made it."""

    client_id: str
    time_ms: int
    resting: bool


class AccountMarks(Protocol):
    """What a venue must supply so that a second instance is seen. Reads only, but for the order that `place` describes.

    Seen must be every order of the contracts given, whoever placed it, and of others what the venue lists without being
    a query by name.
    """

    taken_codes: frozenset[str]
    """Refusals of a mark that met nobody, where the venue lists such an order all the same."""
    away_pct: Decimal
    """How far below the market a mark is placed: as far as the venue's own price limits allow on every contract."""

    async def recent(
        self, client: VenueCaller, traded: Sequence[TradedContract], *, everywhere: bool
    ) -> list[OrderMark]:
        """Everything that rests, and some hundred orders that ended last. `everywhere`: also what rests in contracts
        that are not ours, where that takes a request of its own and costs more."""
        ...

    def place(self, client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal) -> Call:
        """A buy limit that the venue ends as it comes: immediate or cancel. It never rests, whatever becomes of us."""
        ...


def immediate_or_cancel(
    client_id: str, traded: TradedContract, quantity_base: Decimal, price: Decimal, **more: Any
) -> Call:
    """As a call of the unified client."""
    params = {"clientOrderId": client_id, "timeInForce": "IOC", **more}
    amount, limit = float(plain(traded.contracts(quantity_base))), float(plain(price))
    return Call("create_order", (traded.instrument.symbol, "limit", "buy", amount, limit, params))
