"""One round trip, from flat to flat: average cost, realised profit, fees, funding, excursions. Exact in Decimal, for
linear contracts."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from liqbot.accounting.currencies import amounts_text
from liqbot.accounting.micro_usd import to_micro
from liqbot.instruments import Side

ZERO: Final = Decimal(0)
_FINE: Final = Decimal("1e-15")
_FINE_PLACES: Final = -15

BY_ORDER: Final = "order"
BY_LIQUIDATION: Final = "liquidation"
BY_DELEVERAGING: Final = "deleveraging"
BY_VENUE: Final = "mismatch"
"""The venue's position said so, without a fill."""


class TripFigures(msgspec.Struct, frozen=True):
    """A round trip as it stands. Money is what was booked, in whole micro-dollars: gross is the profit of price alone,
    fees are positive when paid, funding when received. `fees_unvalued` is by currency what nothing values."""

    key: str
    """One at a time: account, venue, coin and side."""
    number: int
    """Counts all round trips of the books."""
    account: str
    venue: str
    coin: str
    side: Side
    foreign: bool
    """Not opened by a fill of ours: adopted from what the venue holds."""
    opened_ms: int
    closed_ms: int | None
    entry_price: Decimal
    """Average of everything that was entered."""
    exit_price: Decimal | None
    entered_base: Decimal
    entered_usd: Decimal
    open_base: Decimal
    largest_base: Decimal
    gross_usd: Decimal
    fees_usd: Decimal
    funding_usd: Decimal
    fees_unvalued: dict[str, Decimal]
    worst_usd: Decimal
    """Lowest unrealised result of what was open; 0 when it never lost."""
    best_usd: Decimal
    ended_by: str
    """`order`, `liquidation`, `deleveraging` or `mismatch`; empty while it is open."""

    @property
    def net_usd(self) -> Decimal:
        """Without the fees that nothing values."""
        return self.gross_usd - self.fees_usd + self.funding_usd

    @property
    def fees_other(self) -> str:
        """The fees that nothing values, as people read them."""
        return amounts_text(self.fees_unvalued)


class RoundTrip(msgspec.Struct):
    """State of one side of one instrument since it was last flat.

    Sums since the last entry that followed a close, not running averages: the order in which the fills of a stretch
    arrive does not matter, and a close that is learnt before its open waits for it. An entry that follows a close
    begins a new stretch with what is still open at its average cost, as venues count it.
    """

    opened_base: Decimal = ZERO
    opened_usd: Decimal = ZERO
    closed_base: Decimal = ZERO
    closed_usd: Decimal = ZERO
    banked_usd: Decimal = ZERO
    """Realised before this stretch."""
    entered_base: Decimal = ZERO
    entered_usd: Decimal = ZERO
    left_base: Decimal = ZERO
    left_usd: Decimal = ZERO
    largest_base: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    fees_unvalued: dict[str, Decimal] = {}
    opened_ms: int = 0
    number: int = 0
    """0 before the first entry."""
    booked_gross_usd: Decimal = ZERO
    booked_fees_usd: Decimal = ZERO
    booked_funding_usd: Decimal = ZERO
    worst_usd: Decimal = ZERO
    best_usd: Decimal = ZERO
    fresh: bool = False
    """Entered since the last tick: of this step's range only its end is known to come after."""
    ended_by: str = ""
    closed_ms: int | None = None

    @property
    def open_base(self) -> Decimal:
        """Never negative: a close without its open yet closes nothing."""
        return max(ZERO, self.opened_base - self.closed_base)

    @property
    def entry_price(self) -> Decimal:
        """Average of everything that was entered."""
        return self.entered_usd / self.entered_base if self.entered_base else ZERO

    @property
    def exit_price(self) -> Decimal | None:
        return self.left_usd / self.left_base if self.left_base else None

    @property
    def cost_price(self) -> Decimal:
        """Average cost of what is open."""
        return self.opened_usd / self.opened_base if self.opened_base else ZERO

    @property
    def cost_usd(self) -> Decimal:
        """Of what is open."""
        return self.opened_usd if not self.closed_base else _fine(self.open_base * self.cost_price)

    @property
    def done(self) -> bool:
        return self.opened_base == self.closed_base != 0

    def realised_usd(self, side: Side) -> Decimal:
        """Of what is both opened and closed, before fees."""
        return self.banked_usd + self._stretch_usd(side)

    def _stretch_usd(self, side: Side) -> Decimal:
        if self.opened_base == self.closed_base:
            return side * (self.closed_usd - self.opened_usd)
        matched = min(self.opened_base, self.closed_base)
        if not matched:
            return ZERO
        return _fine(side * matched * (self.closed_usd / self.closed_base - self.opened_usd / self.opened_base))

    def enter(self, side: Side, quantity_base: Decimal, price: Decimal, time_ms: int) -> Decimal:
        """More of the same side; gives what that realises, which is nothing unless a close was waiting for it."""
        before_usd = self.realised_usd(side)
        if not self.open_base:
            self.opened_ms = time_ms
        elif self.closed_base:
            cost_usd = self.cost_usd
            self.banked_usd += side * (self.closed_usd - (self.opened_usd - cost_usd))
            self.opened_base, self.opened_usd = self.open_base, cost_usd
            self.closed_base = self.closed_usd = ZERO
        self.opened_base += quantity_base
        self.opened_usd += quantity_base * price
        self.entered_base += quantity_base
        self.entered_usd += quantity_base * price
        self.largest_base = max(self.largest_base, self.open_base)
        self.fresh = True
        return self.realised_usd(side) - before_usd

    def leave(self, side: Side, quantity_base: Decimal, price: Decimal) -> Decimal:
        """Closes a part; gives the realised profit before fees. What is more than is open waits for its entry."""
        before_usd = self.realised_usd(side)
        self.closed_base += quantity_base
        self.closed_usd += quantity_base * price
        self.left_base += quantity_base
        self.left_usd += quantity_base * price
        return self.realised_usd(side) - before_usd

    def settle(self, quantity_base: Decimal) -> None:
        """A part is gone by the venue's statement, at a price that nobody reported: it closes at its cost."""
        cost_usd = quantity_base * self.cost_price
        self.closed_base += quantity_base
        self.closed_usd += cost_usd

    def give_up(self, quantity_base: Decimal) -> None:
        """A part of what is open was never ours to count: it goes at its cost, and nothing is realised."""
        share_usd = _fine(quantity_base * self.cost_price)
        self.opened_base -= quantity_base
        self.opened_usd -= share_usd

    def see_price(self, side: Side, price: Decimal) -> None:
        """A price that occurred while it was open."""
        result_usd = side * (self.open_base * price - self.cost_usd)
        self.worst_usd = min(self.worst_usd, result_usd)
        self.best_usd = max(self.best_usd, result_usd)

    def figures(
        self, key: str, *, account: str, venue: str, coin: str, side: Side, foreign: bool = False
    ) -> TripFigures:
        """As it stands now."""
        return TripFigures(
            key=key, number=self.number, account=account, venue=venue, coin=coin, side=side, foreign=foreign,
            opened_ms=self.opened_ms, closed_ms=self.closed_ms, entry_price=self.entry_price,
            exit_price=self.exit_price, entered_base=self.entered_base, entered_usd=self.entered_usd,
            open_base=self.open_base, largest_base=self.largest_base, gross_usd=self.booked_gross_usd,
            fees_usd=self.booked_fees_usd, funding_usd=self.booked_funding_usd, fees_unvalued=dict(self.fees_unvalued),
            worst_usd=to_micro(self.worst_usd), best_usd=to_micro(self.best_usd), ended_by=self.ended_by,
        )


def _fine(amount_usd: Decimal) -> Decimal:
    """A periodic decimal rounded once, so that the parts of a round trip always add up exactly."""
    exponent = amount_usd.as_tuple().exponent
    fine = not isinstance(exponent, int) or exponent >= _FINE_PLACES
    return amount_usd if fine else amount_usd.quantize(_FINE, ROUND_HALF_EVEN)
