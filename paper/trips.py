"""Round trips from fills: what each of our trades earned before fees, paid, and risked."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from liqbot import events
from liqbot.events import Event
from liqbot.instruments import Side
from liqbot.risk.decision import Target

_ZERO: Final = Decimal(0)


class Trip(msgspec.Struct):
    """One position from flat to flat. `gross_usd` is the profit of price alone; fees are positive when paid,
    funding is positive when received."""

    venue: str
    coin: str
    side: Side
    opened_ms: int
    strategy: str = ""
    decision_id: int = 0
    closed_ms: int | None = None
    entry_price: Decimal = _ZERO
    exit_price: Decimal = _ZERO
    quantity_base: Decimal = _ZERO
    """Largest size held."""
    held_base: Decimal = _ZERO
    """Size held now; 0 once closed."""
    entered_base: Decimal = _ZERO
    left_base: Decimal = _ZERO
    gross_usd: Decimal = _ZERO
    fees_usd: Decimal = _ZERO
    funding_usd: Decimal = _ZERO
    risk_usd: Decimal = _ZERO
    """Distance from the average entry to the first stop, times the largest size."""
    ended_by: str = "order"
    """`order`, `liquidation` or `deleveraging`."""

    @property
    def net_usd(self) -> Decimal:
        return self.gross_usd - self.fees_usd + self.funding_usd

    @property
    def r_multiple(self) -> float | None:
        return float(self.net_usd / self.risk_usd) if self.risk_usd > 0 else None


class Trips:
    """Folds account facts. Exact: Decimal throughout."""

    def __init__(self) -> None:
        self.closed: list[Trip] = []
        self.fees_usd = self.funding_usd = self.gross_usd = self.rebates_usd = self.transfers_usd = _ZERO
        self._open: dict[tuple[str, str], Trip] = {}
        self._targets: dict[tuple[str, str], Target] = {}

    @property
    def open(self) -> tuple[Trip, ...]:
        return tuple(self._open.values())

    def expect(self, target: Target) -> None:
        """The newest approved target of an instrument: it names the strategy and the first stop of the next trip."""
        self._targets[target.venue, target.coin] = target

    def fold(self, facts: Iterable[Event]) -> None:
        for fact in facts:
            match fact:
                case events.Fill(reduces=False):
                    self._enter(fact)
                case events.Fill():
                    self._leave(fact, fact.fee, "order")
                case events.PositionLiquidated():
                    self._leave(fact, fact.fee, "liquidation")
                case events.PositionDeleveraged():
                    self._leave(fact, _ZERO, "deleveraging")
                case events.FundingPaid():
                    self._fund(fact)
                case events.Rebate():
                    self.rebates_usd += fact.amount_usd
                case events.Transfer():
                    self.transfers_usd += fact.amount_usd
                case _:
                    pass

    def _enter(self, fill: events.Fill) -> None:
        key = fill.venue, fill.coin
        trip = self._open.get(key)
        target = self._targets.get(key)
        if trip is None:
            trip = self._open[key] = Trip(fill.venue, fill.coin, fill.side, fill.time_ms)
            if target is not None:
                trip.strategy, trip.decision_id = target.strategy, target.decision_id
        total = trip.entered_base + fill.quantity_base
        trip.entry_price = (trip.entry_price * trip.entered_base + fill.price * fill.quantity_base) / total
        trip.entered_base = total
        trip.held_base += fill.quantity_base
        trip.quantity_base = max(trip.quantity_base, trip.held_base)
        if target is not None and target.decision_id == trip.decision_id:
            trip.risk_usd = abs(trip.entry_price - target.stop_price) * trip.quantity_base
        self._charge(trip, fill.fee)

    def _leave(
        self,
        fact: events.Fill | events.PositionLiquidated | events.PositionDeleveraged,
        fee_usd: Decimal,
        ended_by: str,
    ) -> None:
        key = fact.venue, fact.coin
        trip = self._open.get(key)
        if trip is None:
            return
        gross_usd = int(trip.side) * (fact.price - trip.entry_price) * fact.quantity_base
        trip.gross_usd += gross_usd
        self.gross_usd += gross_usd
        self._charge(trip, fee_usd)
        total = trip.left_base + fact.quantity_base
        trip.exit_price = (trip.exit_price * trip.left_base + fact.price * fact.quantity_base) / total
        trip.left_base = total
        trip.held_base -= fact.quantity_base
        trip.ended_by = ended_by
        if trip.held_base <= 0:
            trip.closed_ms = fact.time_ms
            self.closed.append(trip)
            del self._open[key]

    def _fund(self, paid: events.FundingPaid) -> None:
        self.funding_usd += paid.amount_usd
        trip = self._open.get((paid.venue, paid.coin))
        if trip is not None:
            trip.funding_usd += paid.amount_usd

    def _charge(self, trip: Trip, fee_usd: Decimal) -> None:
        trip.fees_usd += fee_usd
        self.fees_usd += fee_usd
