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


class FillSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account's forced orders are found among its fills, of a venue that has no public stream of them."""

    method: str
    params: Callable[[str, int, int], dict[str, Any]]
    """Of an account from one instant to another, in ms."""
    parse: Callable[[Any, WireBook, str], list[Liquidation]]
    """(answer, book, account) -> its own forced closings. MalformedMessage for an answer that is none."""
    weight: int
    """Of a request for the fills of some minutes."""


class PositionSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account's positions are public. `parse(payload, book)` gives all of them in the book's contracts;
    MalformedMessage when the answer is not what it should be."""

    is_account: Callable[[str], bool]
    """Whether a text can be the name of an account there."""
    method: str
    params: Callable[[str], dict[str, Any]]
    parse: Callable[[Any, WireBook], tuple[AccountPosition, ...]]
    weight: int
    reads_min: float | None = None
    """Accounts that are read a minute at most, where the venue's limits leave room for fewer than the profile wants."""
    fills: FillSource | None = None
    """None where forced orders come by a stream."""
