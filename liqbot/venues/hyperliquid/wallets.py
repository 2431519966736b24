"""What Hyperliquid tells about any wallet: its open positions, and forced closings among its fills."""

from typing import Any, Final

import msgspec

from liqbot.events import Liquidation
from liqbot.instruments import Side
from liqbot.venues.parsing import MalformedMessage, WireBook
from liqbot.venues.public_accounts import AccountPosition
from liqbot.venues.rows import answered_rows, foreign, typed_row


class _Position(msgspec.Struct, rename="camel"):
    coin: str
    szi: float
    """In coin, negative for a short."""
    position_value: float
    liquidation_px: float | None = None
    """None where the collateral is enough for any mark."""


class _State(msgspec.Struct, rename="camel"):
    asset_positions: list[Any]


class _Liquidation(msgspec.Struct, rename="camel"):
    mark_px: float
    liquidated_user: str = ""


class _Fill(msgspec.Struct):
    coin: str
    px: float
    sz: float
    side: str
    time: int
    liquidation: _Liquidation | None = None


_CLOSED: Final = {"A": Side.LONG, "B": Side.SHORT}
"""A forced sell closes a long."""


def positions(payload: Any, book: WireBook) -> tuple[AccountPosition, ...]:
    """All that the wallet holds in the book's contracts. A position that cannot be read makes the whole answer
    MalformedMessage: left out, it would count as closed."""
    rows = book.convert(payload, _State, "clearinghouseState").asset_positions
    found = []
    for row in rows:
        held = row.get("position") if isinstance(row, dict) else None
        if foreign(held, "coin", book):
            continue
        one = book.convert(held, _Position, "clearinghouseState position")
        index = book.index_of.get(one.coin)
        if index is None or one.szi == 0.0:
            continue
        size_usd = book.positive("position value", abs(one.position_value))
        price = one.liquidation_px
        if price is not None and not 0.0 < price < float("inf"):
            price = None  # Below zero: no mark gets there.
        found.append(AccountPosition(index, Side.LONG if one.szi > 0 else Side.SHORT, size_usd, price))
    return tuple(found)


def forced_closings(payload: Any, book: WireBook, wallet: str) -> list[Liquidation]:
    """Fills by which positions of this wallet were force-closed. Those of whoever took the other side carry the same
    mark, with another wallet in it: they are not its own."""
    found: list[Liquidation] = []
    for row in answered_rows(payload, dict, "userFillsByTime", book):
        liquidation = row.get("liquidation")
        if liquidation is None or foreign(row, "coin", book):
            continue
        fill = typed_row(row, _Fill, "userFillsByTime", book)
        if fill is None or fill.liquidation is None or fill.liquidation.liquidated_user.lower() != wallet:
            continue
        index, side = book.index_of.get(fill.coin), _CLOSED.get(fill.side)
        if index is None or side is None:
            book.reject(book.malformed("userFillsByTime side", fill.side, row))
            continue
        try:
            found.append(book.liquidation(index, fill.time, side, fill.liquidation.mark_px, fill.sz, fill.px))
        except MalformedMessage as error:
            book.reject(error, row)
    return found
