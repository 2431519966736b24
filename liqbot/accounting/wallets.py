"""What one venue's wallet holds: the venue's word, moved along by our own facts between two of its words."""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.events import Fill

ZERO: Final = Decimal(0)
_DOLLARS: Final = ("USD", "USDT", "USDC", "FDUSD", "USDE")


class Wallet(msgspec.Struct):
    """`unexplained_usd`: how far the venue's words went beyond our facts; a fact on its way, or others' doing."""

    wallet_usd: Decimal
    unexplained_usd: Decimal = ZERO
    unexplained_since_ms: int = 0

    @property
    def explained_usd(self) -> Decimal:
        return self.wallet_usd - self.unexplained_usd

    def stated(self, wallet_usd: Decimal, time_ms: int) -> None:
        """The venue's word is the truth; what it changes beyond our facts waits for the fact that explains it."""
        moved = wallet_usd - self.wallet_usd
        if not moved:
            return
        if not self.unexplained_usd:
            self.unexplained_since_ms = time_ms
        self.wallet_usd = wallet_usd
        self.unexplained_usd += moved

    def flow(self, amount_usd: Decimal) -> None:
        """A fact of ours. If the venue's word already counted it, it explains; else it moves the wallet."""
        rest = self.unexplained_usd - amount_usd
        if abs(rest) < abs(self.unexplained_usd):
            self.unexplained_usd = rest
        else:
            self.wallet_usd += amount_usd

    def settle(self, time_ms: int, patience_ms: int) -> None:
        """After that long nothing will explain it any more: it counts as profit or loss."""
        if self.unexplained_usd and time_ms - self.unexplained_since_ms >= patience_ms:
            self.unexplained_usd = ZERO


def fee_usd(fill: Fill) -> Decimal:
    """What a fill's fee takes from the wallet: a fee in the coin itself at the fill's price, in any other coin nothing
    (that coin lies in another wallet)."""
    currency = fill.fee_currency.upper()
    if currency in _DOLLARS:
        return fill.fee
    return fill.fee * fill.price if currency == fill.coin else ZERO
