"""Venues where anybody may read anybody's positions: what is requested per account, and what comes back."""

from collections.abc import Callable
from typing import Any

import msgspec

from liqbot.events import Liquidation
from liqbot.instruments import Side
from liqbot.venues.parsing import WireBook


class AccountPosition(msgspec.Struct, frozen=True):
    """One open position of an account in one of the book's contracts."""

    index: int
    side: Side
    size_usd: float
    """At the venue's mark when it was read."""
    liquidation_price: float | None
    """The mark at which it is liquidated as the account stands; None where no mark does it."""


class PositionSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account's positions are public, and its forced orders among its fills.

    `parse(payload, book)` gives all positions of the account in the book's contracts; `parse_fills(payload, book,
    account)` its own forced closings. Both raise MalformedMessage when the answer is not what it should be.
    """

    is_account: Callable[[str], bool]
    """Whether a text can be the name of an account there."""
    method: str
    params: Callable[[str], dict[str, Any]]
    parse: Callable[[Any, WireBook], tuple[AccountPosition, ...]]
    weight: int
    fills_method: str
    fills_params: Callable[[str, int, int], dict[str, Any]]
    """Of an account from one instant to another, in ms."""
    parse_fills: Callable[[Any, WireBook, str], list[Liquidation]]
    fills_weight: int
    """Of a request for the fills of some minutes."""
