"""What may leave the house: the few commands a broker understands. Pure values that the edge turns into venue calls."""

import enum
from decimal import Decimal

import msgspec

from liqbot.instruments import Side


class Purpose(enum.StrEnum):
    ENTRY = "entry"
    STOP = "stop"
    TAKE = "take"
    EXIT = "exit"


class OrderKind(enum.StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    """Triggers on the mark price, then a market order."""


class PlaceOrder(msgspec.Struct, frozen=True, tag=True):
    """`side` is the side of the position it works on; an entry of LONG buys, a reduce-only order of LONG sells."""

    client_id: str
    venue: str
    coin: str
    decision_id: int
    purpose: Purpose
    kind: OrderKind
    side: Side
    quantity_base: Decimal
    reduce_only: bool
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    post_only: bool = False
    account: str = ""
    """Which of several accounts at the venue; empty is the only one."""
    immediate: bool = False
    """Of a limit: what does not fill at once is cancelled."""
    stop_price: Decimal | None = None
    """Of an entry: where the stop that rides on it triggers, on the mark; None: none does."""
    stop_client_id: str = ""
    """Our name for that stop."""


class CancelOrder(msgspec.Struct, frozen=True, tag=True):
    client_id: str
    venue: str
    coin: str
    account: str = ""


class SetLeverage(msgspec.Struct, frozen=True, tag=True):
    """Isolated margin, one-way mode and this leverage; the broker answers with `LeverageConfirmed`."""

    venue: str
    coin: str
    leverage: int
    account: str = ""


class QueryOrder(msgspec.Struct, frozen=True, tag=True):
    """Ask the venue what became of an order whose outcome is unknown; answered by any order fact or `OrderMissing`."""

    client_id: str
    venue: str
    coin: str
    account: str = ""
    stop_price: Decimal | None = None
    """Of a stop that rides on an entry: where it must trigger to count."""
    stop_base: Decimal | None = None
    """And how much it must cover at least."""


Command = PlaceOrder | CancelOrder | SetLeverage | QueryOrder


def adds_risk(command: Command) -> bool:
    """Whether it opens a position or prepares one. Everything else manages what is there and is never held back."""
    return isinstance(command, SetLeverage) or (isinstance(command, PlaceOrder) and not command.reduce_only)
