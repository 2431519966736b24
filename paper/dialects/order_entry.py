"""From what a venue's order says to the order the simulated exchange understands."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.execution.client_order_id import purpose_of
from liqbot.instruments import Side
from paper.dialects.accounts import VenueAccount


class Terms(msgspec.Struct, frozen=True):
    """How an order may fill; plain ones are good till cancelled."""

    post_only: bool = False
    immediate: bool = False

    @classmethod
    def of(cls, order: PlaceOrder) -> "Terms":
        return cls(order.post_only, order.immediate)


PLAIN: Final = Terms()
POST_ONLY: Final = Terms(post_only=True)
IMMEDIATE: Final = Terms(immediate=True)
USUAL: Final[Mapping[str, Terms]] = {"GTC": PLAIN, "IOC": IMMEDIATE}
"""Times in force that venues know by the same names, but for upper and lower case."""


def terms_by_word(spelled: Callable[[str], str] = str, **others: Terms) -> dict[str, Terms]:
    """The usual times in force as a venue spells them, and what it calls otherwise."""
    return {spelled(word): terms for word, terms in USUAL.items()} | others


def word_for(order: PlaceOrder, words: Mapping[str, Terms]) -> str:
    """The last of several words for the same. No word for it is a KeyError: the order did not come this way."""
    return {terms: word for word, terms in words.items()}[Terms.of(order)]


class OrderRequest(msgspec.Struct, frozen=True):
    """An order as every venue means it. A trigger makes it a stop-market on the mark."""

    client_id: str
    coin: str
    buys: bool
    quantity_base: Decimal
    reduce_only: bool = False
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    terms: Terms = PLAIN
    stop_price: Decimal | None = None
    """Of a stop on the mark that rides on the order."""
    stop_client_id: str = ""


class NotModelled(ValueError):
    """A legal order that the simulated exchange cannot carry out: to be noted as unknown, never to be guessed at."""


def passes_by(wish: OrderRequest, last_price: float) -> bool:
    """An immediate order whose price does not trade: it ends as it comes, whatever margin mode the account is in."""
    if not wish.terms.immediate or wish.limit_price is None:
        return False
    return float(wish.limit_price) < last_price if wish.buys else float(wish.limit_price) > last_price


def order_of(wish: OrderRequest, account: VenueAccount) -> PlaceOrder:
    """In one-way mode a buy opens or adds to a long, or reduces a short. What would turn a position around in one order
    is NotModelled; what reduces without saying so is taken as reducing."""
    side = Side.LONG if wish.buys else Side.SHORT
    held = account.holding(wish.coin)
    reduces = wish.reduce_only
    if not reduces and held is not None and held.side is not side and wish.trigger_price is None:
        if wish.quantity_base > held.quantity_base:
            raise NotModelled(f"{wish.client_id}: would turn a {held.side.word} position around in one order")
        reduces = True
    if wish.stop_price is not None and reduces:
        raise NotModelled(f"{wish.client_id}: a stop with an order that reduces")
    if wish.trigger_price is not None and not reduces:
        raise NotModelled(f"{wish.client_id}: a stop that opens a position")
    return PlaceOrder(
        client_id=wish.client_id,
        venue=account.venue,
        coin=wish.coin,
        decision_id=0,
        purpose=_purpose(wish, reduces=reduces),
        kind=_kind(wish),
        side=side.opposite if reduces else side,
        quantity_base=wish.quantity_base,
        reduce_only=reduces,
        limit_price=wish.limit_price,
        trigger_price=wish.trigger_price,
        post_only=wish.terms.post_only,
        immediate=wish.terms.immediate,
        stop_price=wish.stop_price,
        stop_client_id=wish.stop_client_id,
    )


def _kind(wish: OrderRequest) -> OrderKind:
    if wish.trigger_price is not None:
        return OrderKind.STOP_MARKET
    return OrderKind.MARKET if wish.limit_price is None else OrderKind.LIMIT


def _purpose(wish: OrderRequest, *, reduces: bool) -> Purpose:
    """Own ids say it; for others what the order does says it."""
    if (purpose := purpose_of(wish.client_id)) is not None:
        return purpose
    if wish.trigger_price is not None:
        return Purpose.STOP
    return Purpose.EXIT if reduces else Purpose.ENTRY
