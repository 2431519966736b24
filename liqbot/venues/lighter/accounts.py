"""What Lighter tells about any account: its open positions. Accounts go by number, as trades name both sides."""

from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.venues.parsing import WireBook
from liqbot.venues.public_accounts import AccountPosition
from liqbot.venues.rows import foreign

_DIGITS_MAX: Final = 18
_SIDES: Final = {1: Side.LONG, -1: Side.SHORT}


class _Position(msgspec.Struct):
    market_id: int
    sign: int
    position: float
    """In coin, without its sign."""
    position_value: float
    """At the mark, in USD."""
    liquidation_price: float
    """Zero, or below, where no mark liquidates it."""


class _Account(msgspec.Struct):
    positions: list[Any]


class _Accounts(msgspec.Struct):
    accounts: list[_Account]


def is_account(text: str) -> bool:
    """A number as trades name it."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX


def positions(payload: Any, book: WireBook) -> tuple[AccountPosition, ...]:
    """All that the account holds in the book's contracts. A position that cannot be read makes the whole answer
    MalformedMessage: left out, it would count as closed. Markets that it has left stay in the list, with nothing."""
    found = []
    for account in book.convert(payload, _Accounts, "account").accounts:
        for row in account.positions:
            named = row.get("market_id") if isinstance(row, dict) else None
            if foreign({"id": str(named)} if type(named) is int else None, "id", book):
                continue
            one = book.convert(row, _Position, "account position")
            index = book.index_of.get(str(one.market_id))
            if index is None or one.position == 0.0:
                continue
            side = _SIDES.get(one.sign)
            if side is None:
                raise book.malformed("account position sign", one.sign, row)
            price = one.liquidation_price
            size_usd = book.positive("account position_value", abs(one.position_value))
            found.append(AccountPosition(index, side, size_usd, price if 0.0 < price < float("inf") else None))
    return tuple(found)
