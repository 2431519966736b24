"""What we hold of one instrument, from our own fills; and how far the venue's account of it differs.

Sums per side, not running averages: the order in which fills arrive does not matter, and a close that is learnt before
its open waits for it.
"""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.instruments import Side

ZERO: Final = Decimal(0)


class Position(msgspec.Struct, frozen=True):
    """One open position. Money since it was opened from flat; `leverage`, `liquidation_price` are the venue's words."""

    venue: str
    coin: str
    side: Side
    quantity_base: Decimal
    entry_price: Decimal
    opened_ms: int
    realised_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    leverage: float | None = None
    isolated: bool | None = None
    liquidation_price: Decimal | None = None


class PositionLeg(msgspec.Struct):
    """One side's round trip: everything opened and closed since it was last flat."""

    opened_base: Decimal = ZERO
    opened_usd: Decimal = ZERO
    closed_base: Decimal = ZERO
    closed_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    opened_ms: int = 0

    @property
    def open_base(self) -> Decimal:
        """Never negative: a close without its open yet closes nothing."""
        return max(ZERO, self.opened_base - self.closed_base)

    @property
    def entry_price(self) -> Decimal:
        return self.opened_usd / self.opened_base if self.opened_base else ZERO

    @property
    def done(self) -> bool:
        return self.opened_base == self.closed_base != 0

    def realised_usd(self, side: Side) -> Decimal:
        """Of what is both opened and closed, before fees."""
        if self.opened_base == self.closed_base:
            return side * (self.closed_usd - self.opened_usd)
        matched = min(self.opened_base, self.closed_base)
        if not matched:
            return ZERO
        return side * matched * (self.closed_usd / self.closed_base - self.opened_usd / self.opened_base)


class FillResult(msgspec.Struct, frozen=True):
    """What a fill did: `flow_usd` to the wallet; `trade_usd` is the result of the round trip it ended, else None."""

    flow_usd: Decimal
    trade_usd: Decimal | None = None


class Holding(msgspec.Struct):
    """One instrument on one venue. `unexplained_base` (signed) is the venue's position minus ours: what others did."""

    venue: str
    coin: str
    long: PositionLeg = msgspec.field(default_factory=PositionLeg)
    short: PositionLeg = msgspec.field(default_factory=PositionLeg)
    unexplained_base: Decimal = ZERO
    settled_base: Decimal = ZERO
    """Closed on the venue's word alone, without a fill; a late fill explains it instead of closing more."""
    settled_ms: int = 0
    """When that was."""
    confirmed: bool = False
    """The venue has confirmed a position of ours since: only fills from before can still belong to what was settled."""
    snapshot_base: Decimal | None = None
    leverage: float | None = None
    isolated: bool | None = None
    liquidation_price: Decimal | None = None
    mark_price: Decimal | None = None
    reconciled: bool = False
    cooldown_until_ms: int = 0

    def leg(self, side: Side) -> PositionLeg:
        return self.long if side is Side.LONG else self.short

    @property
    def signed_base(self) -> Decimal:
        return self.long.open_base - self.short.open_base

    def position(self) -> Position | None:
        signed = self.signed_base
        if not signed:
            return None
        side = Side.LONG if signed > 0 else Side.SHORT
        leg = self.leg(side)
        return Position(
            venue=self.venue,
            coin=self.coin,
            side=side,
            quantity_base=abs(signed),
            entry_price=leg.entry_price,
            opened_ms=leg.opened_ms,
            realised_usd=leg.realised_usd(side),
            fees_usd=leg.fees_usd,
            funding_usd=leg.funding_usd,
            leverage=self.leverage,
            isolated=self.isolated,
            liquidation_price=self.liquidation_price,
        )

    def unrealised_usd(self) -> Decimal:
        signed = self.signed_base
        if not signed or self.mark_price is None:
            return ZERO
        side = Side.LONG if signed > 0 else Side.SHORT
        return signed * (self.mark_price - self.leg(side).entry_price)

    # --- facts ----------------------------------------------------------------------------------------------------

    def fill(
        self, side: Side, *, reduces: bool, price: Decimal, quantity_base: Decimal, fee_usd: Decimal, time_ms: int
    ) -> FillResult:
        """Book one fill. The caller has seen to it that it is not booked twice."""
        leg = self.leg(side)
        before_signed, before_usd = self.signed_base, leg.realised_usd(side)
        leg.fees_usd += fee_usd
        if reduces:
            fresh = quantity_base
            if not self.confirmed or time_ms <= self.settled_ms:
                fresh -= min(quantity_base, self.settled_base)
                self.settled_base -= quantity_base - fresh
            leg.closed_base += fresh
            leg.closed_usd += fresh * price
        else:
            if not leg.open_base:
                leg.opened_ms, self.liquidation_price = time_ms, None
            leg.opened_base += quantity_base
            leg.opened_usd += quantity_base * price
        self._explain(self.signed_base - before_signed)
        flow_usd = leg.realised_usd(side) - before_usd - fee_usd
        return FillResult(flow_usd, self._end(side) if leg.done else None)

    def funding(self, amount_usd: Decimal) -> None:
        """Belongs to the round trip that is open."""
        signed = self.signed_base
        if signed:
            self.leg(Side.LONG if signed > 0 else Side.SHORT).funding_usd += amount_usd

    def snapshot(self, signed_base: Decimal) -> None:
        """The venue's own count: a difference that no fill explains is somebody else's doing."""
        self.snapshot_base = signed_base
        self.unexplained_base = signed_base - self.signed_base
        self.confirmed = self.confirmed or (not self.unexplained_base and signed_base != 0)

    def reconcile(self, time_ms: int) -> Decimal | None:
        """All was read in full. What the venue no longer holds for us is closed on its word, at entry (the balance
        tells the profit); what it holds beyond ours stays somebody else's. Returns the result of a trade this ends."""
        self.reconciled = True
        signed, seen = self.signed_base, self.snapshot_base
        if not signed or seen is None or not self.unexplained_base:
            return None
        side = Side.LONG if signed > 0 else Side.SHORT
        kept = max(ZERO, side * (signed + self.unexplained_base))
        gone = abs(signed) - kept
        if gone <= 0:
            return None
        leg = self.leg(side)
        leg.closed_base += gone
        leg.closed_usd += gone * leg.entry_price
        self.settled_base = gone if self.confirmed else self.settled_base + gone
        self.settled_ms, self.confirmed = time_ms, False
        self.unexplained_base += side * gone
        return self._end(side) if leg.done else None

    def _explain(self, moved_base: Decimal) -> None:
        """A fill learnt after the snapshot that counted it makes the difference smaller; any other leaves it."""
        rest = self.unexplained_base - moved_base
        if abs(rest) < abs(self.unexplained_base):
            self.unexplained_base = rest

    def _end(self, side: Side) -> Decimal:
        leg = self.leg(side)
        result_usd = leg.realised_usd(side) - leg.fees_usd + leg.funding_usd
        fresh = PositionLeg()
        if side is Side.LONG:
            self.long = fresh
        else:
            self.short = fresh
        self.liquidation_price = None
        return result_usd
