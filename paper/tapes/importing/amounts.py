"""How the amounts that a venue or an archive tells of one book become USD."""

import msgspec

from liqbot.instruments import split_venue_key
from liqbot.venues.books import Book
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import Unit
from paper.tapes.format import TapeError
from paper.tapes.validation import Floats


class BookAmounts(msgspec.Struct, frozen=True):
    """One book of positions, and the units in which its venue tells trades and open interest; None: not known."""

    venue_key: str
    coin: str
    inverse: bool = False
    trade_unit: Unit | None = None
    open_interest_unit: Unit | None = None
    contract_units: float | None = None
    """One contract in base coin, of an inverse contract in USD."""
    open_interest_two_sided: bool = False

    def traded_usd(self, amounts: Floats, prices: Floats) -> Floats:
        """TapeError where it is not known what an amount is."""
        return self._usd(amounts, prices, self.trade_unit)

    def open_interest_usd(self, amounts: Floats, prices: Floats) -> Floats:
        """One-sided. TapeError where it is not known what an amount is."""
        usd = self._usd(amounts, prices, self.open_interest_unit)
        return usd / 2.0 if self.open_interest_two_sided else usd

    def _usd(self, amounts: Floats, prices: Floats, unit: Unit | None) -> Floats:
        if unit == "usd":
            return amounts
        if unit == "base":
            return amounts * prices
        if unit is None or self.contract_units is None:
            what = "in which unit amounts are" if unit is None else "what one contract is"
            right = f"in {'USD' if self.inverse else self.coin}"
            raise TapeError(f"{self.venue_key} {self.coin}: {what} is not known; say it with --contract-units, {right}")
        contracts_usd = amounts * self.contract_units
        return contracts_usd if self.inverse else contracts_usd * prices


def amounts_of(book: Book, contract_units: float | None = None) -> BookAmounts:
    """By what the venue's spec says; `contract_units` says that amounts are contracts, and what one is, where it does
    not."""
    venue, name = split_venue_key(book.venue_key)
    contract = VENUES[venue].contract(name) if venue in VENUES else None
    if contract is None:
        return BookAmounts(book.venue_key, book.coin)
    listed = next((one.contract_units for one in contract.listings if one.coin == book.coin), None)
    unknown: Unit | None = None if contract_units is None else "contracts"
    return BookAmounts(
        book.venue_key, book.coin, contract.inverse, contract.trade_unit or unknown,
        contract.open_interest_unit or unknown, contract_units or listed, bool(contract.open_interest_two_sided),
    )  # fmt: skip
