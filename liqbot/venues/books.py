"""Which book of positions a row of somebody's data is about: venue, contract and coin in any known spelling."""

from collections.abc import Collection
from typing import NamedTuple

from liqbot.instruments import AGGREGATE, CONTRACTS, MAIN_CONTRACT, split_venue_key, venue_key
from liqbot.venues.coin_spelling import main_or, spelt_coin
from liqbot.venues.registry import VENUES


class Book(NamedTuple):
    venue_key: str
    coin: str


class SpellingError(ValueError):
    """Text that names no book; `column` is `venue`, `coin` or `contract`, the message says what would be right."""

    def __init__(self, column: str, wanted: str) -> None:
        super().__init__(wanted)
        self.column = column


def book_of(venue: str, coin: str, contract: str = MAIN_CONTRACT, *, also: Collection[str] = ()) -> Book:
    """The book by its one name. Venue and coin may imply the contract; where they do it must be the given one.

    Names in `also` are venues though no spec has them. SpellingError for what is not known.
    """
    key = _venue_key(venue, also)
    name, venue_contract = split_venue_key(key)
    spec = VENUES.get(name)
    try:
        spelt = spelt_coin(coin, spec)
    except ValueError as error:
        raise SpellingError("coin", str(error)) from None
    if name == AGGREGATE:
        return Book(name, spelt.coin)
    if contract and contract not in CONTRACTS:
        raise SpellingError("contract", f"one of {', '.join(CONTRACTS)} is right")
    names = ((venue, venue_contract or None), (coin, spelt.contract))
    stated = {word: named for word, named in names if named is not None}
    if contract:
        stated[contract] = main_or(contract, spec)
    if len(set(stated.values())) > 1:
        column = "contract" if contract else "coin"
        said = ", ".join(f"{word!r} is {_named(name, one)!r}" for word, one in stated.items())
        raise SpellingError(column, f"venue, coin and contract disagree: {said}")
    return Book(venue_key(name, next(iter(stated.values()), MAIN_CONTRACT)), spelt.coin)


def _named(venue: str, contract: str) -> str:
    return contract or (main.settle.lower() if (main := VENUES[venue].contract(MAIN_CONTRACT)) is not None else "")


def _venue_key(text: str, also: Collection[str]) -> str:
    if (known := VENUES.spelt(text)) is not None:
        return known
    if text in also:
        return text
    name, contract = split_venue_key(text)
    if contract in CONTRACTS and VENUES.spelt(name) is not None:
        raise SpellingError("venue", f"the contract has a column of its own: {name!r} and {contract!r} are right")
    near = VENUES.nearest(text)
    hint = f"did you mean {near!r}?" if near else "'liqbot venues' lists those that are known"
    raise SpellingError("venue", f"no such venue; {hint}")
