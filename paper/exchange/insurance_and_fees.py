"""The other side of every booking: what a venue took in fees, holds in its insurance fund, and what the market paid.

With a till beside the wallets every booking is a move of money between two of them, so their sum changes only when
money is paid in or out.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from paper.exchange.money import ExchangeWallet

ZERO: Final = Decimal(0)


class FeesAndInsurance(msgspec.Struct):
    """One venue's. `market_usd` is what everybody else won from our accounts, `funding_usd` what they were paid."""

    paid_in_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    insurance_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    market_usd: Decimal = ZERO

    def book(
        self,
        wallet: ExchangeWallet,
        *,
        realised_usd: Decimal = ZERO,
        fee_usd: Decimal = ZERO,
        funding_usd: Decimal = ZERO,
        transfer_usd: Decimal = ZERO,
        rebate_usd: Decimal = ZERO,
        penalty_usd: Decimal = ZERO,
    ) -> None:
        """Signs as the wallet sees them, fees and penalties positive when paid; penalties go to the insurance fund."""
        wallet.book(
            realised_usd=realised_usd, fee_usd=fee_usd + penalty_usd, funding_usd=funding_usd,
            transfer_usd=transfer_usd, rebate_usd=rebate_usd,
        )
        self.market_usd -= realised_usd
        self.fees_usd += fee_usd - rebate_usd
        self.insurance_usd += penalty_usd
        self.funding_usd -= funding_usd
        self.paid_in_usd += transfer_usd

    def insure(self, amount_usd: Decimal) -> None:
        """The insurance fund wins this from the market, or loses it."""
        self.insurance_usd += amount_usd
        self.market_usd -= amount_usd

    def missing_usd(self, wallets: Iterable[ExchangeWallet]) -> Decimal:
        """What has come from nowhere or is lost, all wallets of the venue counted: zero, always."""
        held_usd = self.fees_usd + self.insurance_usd + self.funding_usd + self.market_usd
        return self.paid_in_usd - held_usd - sum((wallet.wallet_usd for wallet in wallets), ZERO)
