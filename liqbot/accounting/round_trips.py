"""The arithmetic of one round trip: average cost, realised profit, excursions. Exact in Decimal, linear contracts."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from liqbot.instruments import Side

ZERO: Final = Decimal(0)
_FINE: Final = Decimal("1e-12")


class OpenTrade(msgspec.Struct):
    """State of a trade that is not flat yet."""

    id: int
    venue: str
    coin: str
    side: int
    strategy: str
    open_base: Decimal = ZERO
    cost_usd: Decimal = ZERO
    """Of what is still open."""
    entered_base: Decimal = ZERO
    entered_usd: Decimal = ZERO
    left_base: Decimal = ZERO
    left_usd: Decimal = ZERO
    gross_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    worst_usd: Decimal = ZERO
    best_usd: Decimal = ZERO
    exit_reason: str = ""
    fresh: bool = False
    """Entered since the last tick: of this step's range only its end is known to come after."""
    stop_price: Decimal | None = None
    """The initial one: what was risked."""

    def enter(self, quantity_base: Decimal, price: Decimal) -> None:
        """More of the same side."""
        self.fresh = True
        self.open_base += quantity_base
        self.cost_usd += quantity_base * price
        self.entered_base += quantity_base
        self.entered_usd += quantity_base * price

    def leave(self, quantity_base: Decimal, price: Decimal) -> Decimal:
        """Closes a part, at most what is open; gives the realised profit before fees."""
        whole = quantity_base == self.open_base
        # A part's cost may be a periodic decimal: it is rounded once, and what remains keeps the rest, so that the
        # parts of a trade always add up exactly.
        share = self.cost_usd * quantity_base / self.open_base
        cost = self.cost_usd if whole else share.quantize(_FINE, ROUND_HALF_EVEN)
        self.open_base -= quantity_base
        self.cost_usd -= cost
        self.left_base += quantity_base
        self.left_usd += quantity_base * price
        return self.side * (quantity_base * price - cost)

    def seen(self, price: Decimal) -> None:
        """A price that occurred while the trade was open."""
        result_usd = self.side * (self.open_base * price - self.cost_usd)
        self.worst_usd = min(self.worst_usd, result_usd)
        self.best_usd = max(self.best_usd, result_usd)

    @property
    def entry_price(self) -> Decimal:
        return self.entered_usd / self.entered_base if self.entered_base else ZERO

    @property
    def exit_price(self) -> Decimal | None:
        return self.left_usd / self.left_base if self.left_base else None

    @property
    def risk_usd(self) -> Decimal | None:
        """Loss at the initial stop, before fees, on everything that was entered."""
        if self.stop_price is None:
            return None
        return abs(self.entered_usd - self.entered_base * self.stop_price)

    @property
    def position_side(self) -> Side:
        return Side(self.side)
