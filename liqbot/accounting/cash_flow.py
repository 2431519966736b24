"""The cash account: every movement of money in whole micro-dollars, so that rows add up to the wallets' change.

Amounts are kept exactly; a movement gets the difference of the rounded running totals, so that the movements of any
stretch of time add up to what the wallets changed, however often a single amount had to be rounded.
"""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.micro_usd import to_micro

ZERO: Final = Decimal(0)


class CashAccount(msgspec.Struct):
    """State: running totals of everything that flowed, exact, and sums by kind since the account was opened. Gross,
    fees and funding are sums of what was booked, in whole micro-dollars; fees are positive when paid, funding when
    received."""

    total_usd: Decimal = ZERO
    """Everything that ever flowed, openings included."""
    apart_usd: Decimal = ZERO
    """Fees that another coin's wallet paid: a cost, but no flow of these wallets."""
    gross_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    rebates_usd: Decimal = ZERO
    transfers_usd: Decimal = ZERO
    """Deposits and withdrawals."""
    openings_usd: Decimal = ZERO
    fees_unvalued: dict[str, Decimal] = {}
    """By currency: fees that nothing values."""

    def book(self, amount_usd: Decimal) -> Decimal:
        """A flow; gives its amount in whole micro-dollars."""
        before = to_micro(self.total_usd)
        self.total_usd += amount_usd
        return to_micro(self.total_usd) - before

    def book_apart(self, cost_usd: Decimal) -> Decimal:
        """A cost paid by another coin's wallet; gives it in whole micro-dollars."""
        before = to_micro(self.apart_usd)
        self.apart_usd += cost_usd
        return to_micro(self.apart_usd) - before

    @property
    def paid_apart_usd(self) -> Decimal:
        """Fees that another coin's wallet paid, in whole micro-dollars; part of `fees_usd`."""
        return to_micro(self.apart_usd)

    @property
    def brought_usd(self) -> Decimal:
        """Money that came or went without a trade: openings, deposits, withdrawals, rebates."""
        return self.openings_usd + self.transfers_usd + self.rebates_usd


def add_amount(amounts: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    """One more amount of a currency; zero leaves no entry."""
    if amount:
        amounts[currency] = amounts.get(currency, ZERO) + amount
