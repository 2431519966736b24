"""What we hold of one instrument, from our own fills; and how far the venue's account of it differs."""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.round_trips import BY_ORDER, BY_VENUE, RoundTrip
from liqbot.instruments import Side

ZERO: Final = Decimal(0)
_FORCED_KEPT: Final = 16


class Position(msgspec.Struct, frozen=True):
    """One open position. Money since it was opened from flat; `leverage` and `liquidation_price` as the venue states
    them."""

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
    account: str = ""


class Part(msgspec.Struct, frozen=True):
    """What a fill, or a part of one, did to a round trip. A part that is not `matched` closed what was not open: it
    waits for its entry, or the venue's statement had closed it before."""

    trip: RoundTrip
    side: Side
    quantity_base: Decimal
    reduces: bool
    realised_usd: Decimal = ZERO
    matched: bool = True
    foreign: bool = False


class ForcedWithoutEntry(msgspec.Struct, frozen=True):
    """What the venue closed by force while nothing of ours was known to be open."""

    side: Side
    quantity_base: Decimal
    price: Decimal
    time_ms: int


OneTrip = tuple[Side, RoundTrip, bool]
"""Side, round trip, whether it is foreign: adopted from the venue."""


class Settled(msgspec.Struct, frozen=True):
    """What reading the account in full changed: round trips that it ended, and one that was adopted from the venue."""

    held_base: Decimal
    """What the books held before, adopted positions included; signed."""
    venue_base: Decimal
    ended: tuple[OneTrip, ...]
    changed: tuple[OneTrip, ...] = ()
    """Still open, or adopted now."""


class Holding(msgspec.Struct):
    """One instrument on one venue. `unexplained_base` (signed) is the venue's position minus ours: what others did."""

    venue: str
    coin: str
    account: str = ""
    long: RoundTrip = msgspec.field(default_factory=RoundTrip)
    short: RoundTrip = msgspec.field(default_factory=RoundTrip)
    foreign: RoundTrip | None = None
    """What the venue holds beyond ours, as it was when the account was last read in full."""
    foreign_side: Side = Side.LONG
    unexplained_base: Decimal = ZERO
    settled_base: Decimal = ZERO
    """Closed on the venue's statement alone, without a fill; a late fill explains it instead of closing more."""
    settled_side: Side = Side.LONG
    settled_ms: int = 0
    """When that was."""
    forced: list[ForcedWithoutEntry] = []
    """Oldest first. An entry from before one of them takes it; one that came after it does not: then it was somebody
    else's, or an earlier journal's. A close by an order of ours is of what is ours, and waits in its round trip."""
    confirmed: bool = False
    """The venue has confirmed a position of ours since: only fills from before can still belong to what was settled."""
    snapshot_base: Decimal | None = None
    snapshot_price: Decimal = ZERO
    snapshot_new: bool = False
    """Stated since the account was last read in full."""
    leverage: float | None = None
    isolated: bool | None = None
    liquidation_price: Decimal | None = None
    mark_price: Decimal | None = None
    reconciled: bool = False

    def leg(self, side: Side) -> RoundTrip:
        return self.long if side is Side.LONG else self.short

    @property
    def signed_base(self) -> Decimal:
        return self.long.open_base - self.short.open_base

    @property
    def open_side(self) -> Side | None:
        """Of our position; None when flat."""
        signed = self.signed_base
        return None if not signed else Side.LONG if signed > 0 else Side.SHORT

    def position(self) -> Position | None:
        side = self.open_side
        if side is None:
            return None
        leg = self.leg(side)
        return Position(
            venue=self.venue,
            coin=self.coin,
            side=side,
            quantity_base=abs(self.signed_base),
            entry_price=leg.entry_price,
            opened_ms=leg.opened_ms,
            realised_usd=leg.realised_usd(side),
            fees_usd=leg.fees_usd,
            funding_usd=leg.funding_usd,
            leverage=self.leverage,
            isolated=self.isolated,
            liquidation_price=self.liquidation_price,
            account=self.account,
        )

    def unrealised_usd(self) -> Decimal:
        side = self.open_side
        if side is None or self.mark_price is None:
            return ZERO
        return self.signed_base * (self.mark_price - self.leg(side).cost_price)

    def open_trips(self) -> tuple[OneTrip, ...]:
        """Those with something open."""
        found = [(side, self.leg(side), False) for side in Side if self.leg(side).open_base]
        if self.foreign is not None and self.foreign.open_base:
            found.append((self.foreign_side, self.foreign, True))
        return tuple(found)

    # --- facts ----------------------------------------------------------------------------------------------------

    def fill(
        self, side: Side, *, reduces: bool, price: Decimal, quantity_base: Decimal, time_ms: int,
        fee_usd: Decimal = ZERO, ended_by: str = BY_ORDER,
    ) -> tuple[Part, ...]:
        """Book one fill; the caller has seen to it that it is not booked twice. Positions are one-way: an entry against
        an open position closes that first. The fee belongs to the first part's round trip."""
        before_signed = self.signed_base
        if reduces:
            self._paying(side).fees_usd += fee_usd
            parts = self._close(side, quantity_base, price, time_ms, ended_by)
        else:
            netted = min(quantity_base, self.leg(side.opposite).open_base)
            self.leg(side.opposite if netted else side).fees_usd += fee_usd
            parts = [self._leave(side.opposite, netted, price, time_ms, ended_by)] if netted else []
            if quantity_base > netted:
                parts.append(self._enter(side, quantity_base - netted, price, time_ms))
        self._explain(self.signed_base - before_signed)
        return tuple(parts)

    def _enter(self, side: Side, quantity_base: Decimal, price: Decimal, time_ms: int) -> Part:
        leg = self.leg(side)
        if leg.open_base:
            leg.see_price(side, price)
        else:
            self.liquidation_price = None
        realised_usd = self._take_forced(leg, side, quantity_base, time_ms)
        realised_usd += leg.enter(side, quantity_base, price, time_ms)
        if leg.done:
            self._end(side, leg, BY_ORDER, time_ms)
        return Part(leg, side, quantity_base, False, realised_usd)

    def _take_forced(self, leg: RoundTrip, side: Side, quantity_base: Decimal, time_ms: int) -> Decimal:
        """What was closed by force after the entry that is booked now is closed of it; gives what that realises before
        it is."""
        left: list[ForcedWithoutEntry] = []
        realised_usd = ZERO
        for one in self.forced:
            taken = min(quantity_base, one.quantity_base) if one.side is side and time_ms <= one.time_ms else ZERO
            quantity_base -= taken
            if taken:
                realised_usd += leg.leave(side, taken, one.price)
            if taken < one.quantity_base:
                left.append(msgspec.structs.replace(one, quantity_base=one.quantity_base - taken))
        self.forced = left
        return realised_usd

    def _leave(self, side: Side, quantity_base: Decimal, price: Decimal, time_ms: int, ended_by: str) -> Part:
        leg = self.leg(side)
        leg.see_price(side, price)
        realised_usd = leg.leave(side, quantity_base, price)
        if leg.done:
            self._end(side, leg, ended_by, time_ms)
        return Part(leg, side, quantity_base, True, realised_usd)

    def _close(
        self, side: Side, quantity_base: Decimal, price: Decimal, time_ms: int, ended_by: str
    ) -> list[Part]:
        fresh = quantity_base
        if side is self.settled_side and (not self.confirmed or time_ms <= self.settled_ms):
            fresh -= min(quantity_base, self.settled_base)
            self.settled_base -= quantity_base - fresh
        parts: list[Part] = []
        ours = min(fresh, self.leg(side).open_base)
        if ours:
            parts.append(self._leave(side, ours, price, time_ms, ended_by))
        foreign, others = self.foreign, ZERO
        if foreign is not None and self.foreign_side is side:
            others = min(fresh - ours, foreign.open_base)
            if others:
                foreign.see_price(side, price)
                realised_usd = foreign.leave(side, others, price)
                if foreign.done:
                    self._end_foreign(ended_by, time_ms)
                parts.append(Part(foreign, side, others, True, realised_usd, foreign=True))
        waits = fresh - ours - others
        realised_usd = ZERO
        if waits and ended_by == BY_ORDER:
            realised_usd = self.leg(side).leave(side, waits, price)
        elif waits:
            self.forced = [*self.forced[1 - _FORCED_KEPT :], ForcedWithoutEntry(side, waits, price, time_ms)]
        if quantity_base > ours + others:
            parts.append(Part(self.leg(side), side, quantity_base - ours - others, True, realised_usd, matched=False))
        return parts

    def _paying(self, side: Side) -> RoundTrip:
        """Whose a closing fill's fee is."""
        leg = self.leg(side)
        if self.foreign is not None and self.foreign_side is side and not leg.open_base and self.foreign.open_base:
            return self.foreign
        return leg

    def funding(self, amount_usd: Decimal) -> OneTrip | None:
        """Belongs to the round trip that is open; None without one."""
        side = self.open_side
        found = next(iter(self.open_trips()), None) if side is None else (side, self.leg(side), False)
        if found is not None:
            found[1].funding_usd += amount_usd
        return found

    def snapshot(self, signed_base: Decimal, entry_price: Decimal = ZERO) -> None:
        """The venue's own count: a difference that no fill explains is somebody else's doing."""
        self.snapshot_base, self.snapshot_price, self.snapshot_new = signed_base, entry_price, True
        self.unexplained_base = signed_base - self.signed_base
        self.confirmed = self.confirmed or (not self.unexplained_base and signed_base != 0)

    def reconcile(self, time_ms: int) -> Settled | None:
        """All was read in full. What the venue no longer holds for us is closed on its statement, at cost (the balance
        shows the profit); what it holds beyond ours stays somebody else's. None when the books agree with it."""
        self.reconciled = True
        signed, seen = self.signed_base, self.snapshot_base
        if seen is None:
            return None
        foreign_base = ZERO if self.foreign is None else self.foreign_side * self.foreign.open_base
        side = self.open_side
        ended: list[OneTrip] = []
        changed: list[OneTrip] = []
        gone = ZERO if side is None else abs(signed) - max(ZERO, side * (signed + self.unexplained_base))
        if side is not None and gone > 0:
            leg = self.leg(side)
            leg.settle(gone)
            goes_on = side is self.settled_side and not self.confirmed
            self.settled_base = self.settled_base + gone if goes_on else gone
            self.settled_side, self.settled_ms, self.confirmed = side, time_ms, False
            self.unexplained_base += side * gone
            if leg.done:
                self._end(side, leg, BY_VENUE, time_ms)
            (ended if leg.ended_by else changed).append((side, leg, False))
        if self.snapshot_new and foreign_base != self.unexplained_base:
            if self.foreign is not None:
                ended.append((self.foreign_side, self.foreign, True))
                self._end_foreign(BY_VENUE, time_ms)
            if self.unexplained_base:
                changed.append(self._adopt(time_ms))
        self.snapshot_new = False
        if not ended and not changed:
            return None
        return Settled(signed + foreign_base, seen, tuple(ended), tuple(changed))

    def _adopt(self, time_ms: int) -> OneTrip:
        self.foreign, self.foreign_side = RoundTrip(), Side.LONG if self.unexplained_base > 0 else Side.SHORT
        self.foreign.enter(self.foreign_side, abs(self.unexplained_base), self.snapshot_price, time_ms)
        return self.foreign_side, self.foreign, True

    def _explain(self, moved_base: Decimal) -> None:
        """A fill learnt after the snapshot that counted it makes the difference smaller; any other leaves it."""
        rest = self.unexplained_base - moved_base
        if abs(rest) < abs(self.unexplained_base):
            self.unexplained_base = rest

    def take_over(
        self, side: Side, quantity_base: Decimal, price: Decimal, time_ms: int
    ) -> tuple[OneTrip | None, OneTrip] | None:
        """What was somebody else's becomes ours, as far as the venue holds it and no fill explains it: the round trip
        that ends by that, and the one that begins. None when there is nothing of that side."""
        taken_base = min(quantity_base, side * self.unexplained_base)
        if taken_base <= 0:
            return None
        foreign = self.foreign
        ended = None if foreign is None else (self.foreign_side, foreign, True)
        self._end_foreign(BY_VENUE, time_ms)
        self.unexplained_base -= side * taken_base
        leg = self.leg(side)
        leg.enter(side, taken_base, price, time_ms)
        return ended, (side, leg, False)

    def disowned(self, time_ms: int) -> OneTrip | None:
        """The adopted position when fills of ours have explained some of it since; that part was ours all along."""
        foreign = self.foreign
        if foreign is None or foreign.open_base <= abs(self.unexplained_base):
            return None
        side = self.foreign_side
        foreign.give_up(foreign.open_base - abs(self.unexplained_base))
        if not foreign.open_base:
            self._end_foreign(BY_VENUE, time_ms)
        return side, foreign, True

    def _end(self, side: Side, leg: RoundTrip, ended_by: str, time_ms: int) -> None:
        leg.ended_by, leg.closed_ms = ended_by, time_ms
        fresh = RoundTrip()
        if side is Side.LONG:
            self.long = fresh
        else:
            self.short = fresh
        self.liquidation_price = None

    def _end_foreign(self, ended_by: str, time_ms: int) -> None:
        if self.foreign is not None:
            self.foreign.ended_by, self.foreign.closed_ms = ended_by, time_ms
            self.foreign = None
