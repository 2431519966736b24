"""The purse: every movement of money, so that the wallets' balance is explained to the micro-dollar.

Amounts are kept exactly; a row gets the difference of the rounded running totals, so that the rows of any stretch of
time add up to what the wallets changed, however often a single amount had to be rounded.
"""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.micro_usd import to_micro

ZERO: Final = Decimal(0)
DOLLARS: Final = ("USD", "USDT", "USDC")
"""Currencies that count as dollars in the wallet; fees in others are kept apart."""


class CashAccount(msgspec.Struct):
    """State: wallets as the venues state them, flows as the facts tell them."""

    total_usd: Decimal = ZERO
    """Everything that ever flowed, openings included."""
    transfers_usd: Decimal = ZERO
    """Openings, deposits, withdrawals, rebates."""
    wallets_usd: dict[str, Decimal] = {}
    flows_usd: dict[str, Decimal] = {}

    def book(self, venue: str, amount_usd: Decimal) -> Decimal:
        """A flow; gives its amount in whole micro-dollars."""
        before = to_micro(self.total_usd)
        self.total_usd += amount_usd
        self.flows_usd[venue] = self.flows_usd.get(venue, ZERO) + amount_usd
        return to_micro(self.total_usd) - before

    def book_transfer(self, venue: str, amount_usd: Decimal) -> Decimal:
        """A flow that is no result of trading."""
        self.transfers_usd += amount_usd
        return self.book(venue, amount_usd)

    def state_wallet(self, venue: str, wallet_usd: Decimal) -> None:
        """What the venue says it is now."""
        self.wallets_usd[venue] = wallet_usd

    def is_opened(self, venue: str) -> bool:
        """Whether the wallet's first balance has been booked."""
        return venue in self.wallets_usd

    @property
    def wallet_usd(self) -> Decimal:
        return sum(self.wallets_usd.values(), ZERO)

    @property
    def unexplained_usd(self) -> Decimal:
        """Wallets minus flows of those venues that have stated a wallet. Zero when every change has its fact."""
        return self.wallet_usd - sum((self.flows_usd.get(venue, ZERO) for venue in self.wallets_usd), ZERO)
