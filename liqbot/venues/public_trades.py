"""Trades of a venue's frames as a book keeps them: checked, in USD; one that does not fit costs itself alone."""

from typing import Any

from liqbot.venues.parsing import AMOUNT_MAX, PRICE_MAX, TIME_MS_MAX, Trade, WireBook


def trade_of(
    book: WireBook, what: str, row: Any, index: int, time_ms: int, price: float, amount: float, *, bought: bool | None
) -> Trade | None:
    """`amount` in the venue's unit of the contract; `bought`: the taker did, None where the venue's word for it is none
    that is known. None for a row that cannot be, which is noted."""
    if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
        book.reject(book.malformed(what, (time_ms, price, amount), row))
        return None
    if bought is None:
        book.reject(book.malformed(f"{what} side", row, row))
        return None
    per_price, flat = book.factors[index]
    return index, time_ms, price, amount * (per_price * price + flat), bought


def taker_bought(word: Any, buy: Any, sell: Any) -> bool | None:
    """Whether the taker bought, in the venue's words; None for any other word."""
    return True if word == buy else False if word == sell else None
