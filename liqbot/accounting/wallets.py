"""What one venue's wallet holds: the venue's statement, moved along by our own facts between two statements."""

from decimal import Decimal
from typing import Final

import msgspec

ZERO: Final = Decimal(0)


class Wallet(msgspec.Struct):
    """`unexplained_usd`: how far the venue's statements went beyond our facts; a fact on its way, or others' doing."""

    venue: str
    account: str = ""
    stated_usd: Decimal | None = None
    """As the venue last stated it; None before it did, and until then nothing of it counts."""
    wallet_usd: Decimal = ZERO
    flows_usd: Decimal = ZERO
    """Everything that ever flowed by our facts, the opening included."""
    unexplained_usd: Decimal = ZERO
    unexplained_since_ms: int = 0

    @property
    def is_open(self) -> bool:
        return self.stated_usd is not None

    @property
    def explained_usd(self) -> Decimal:
        return self.wallet_usd - self.unexplained_usd

    @property
    def difference_usd(self) -> Decimal:
        """The statement minus all flows: zero when every change has its fact. Zero before the first statement."""
        return ZERO if self.stated_usd is None else self.stated_usd - self.flows_usd

    def state(self, wallet_usd: Decimal, time_ms: int) -> None:
        """The venue's statement is the truth; what it changes beyond our facts waits for the fact that explains it."""
        first = self.stated_usd is None
        self.stated_usd = wallet_usd
        if first:
            self.wallet_usd = wallet_usd
            return
        moved = wallet_usd - self.wallet_usd
        if not moved:
            return
        if not self.unexplained_usd:
            self.unexplained_since_ms = time_ms
        self.wallet_usd = wallet_usd
        self.unexplained_usd += moved

    def flow(self, amount_usd: Decimal) -> None:
        """A fact of ours. If the venue's statement already counted it, it explains; else it moves the wallet."""
        self.flows_usd += amount_usd
        if self.stated_usd is None:
            return  # the first statement will count it
        rest = self.unexplained_usd - amount_usd
        if abs(rest) < abs(self.unexplained_usd):
            self.unexplained_usd = rest
        else:
            self.wallet_usd += amount_usd

    def settle(self, time_ms: int, patience_ms: int) -> None:
        """After that long nothing will explain it any more: it counts as profit or loss."""
        if self.unexplained_usd and time_ms - self.unexplained_since_ms >= patience_ms:
            self.unexplained_usd = ZERO
