"""Round trips as the books have them, each with the decision it grew from, what it risked and what ended it."""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.changes import Change, FillBooked, TripClosed
from liqbot.accounting.round_trips import TripFigures
from liqbot.blocks import EventBlock
from liqbot.commands import PlaceOrder, Purpose
from liqbot.engine import Engine, Step
from liqbot.risk.decision import PARTS, Approved, Target, why_of

ZERO: Final = Decimal(0)


class TripLine(msgspec.Struct, frozen=True):
    """One round trip; `closed_ms` is null while it is open at the end of the tape."""

    venue: str
    coin: str
    side: str
    strategy: str
    decision_id: int
    opened_ms: int
    closed_ms: int | None
    entry_price: Decimal
    exit_price: Decimal | None
    quantity_base: Decimal
    gross_usd: Decimal
    fees_usd: Decimal
    funding_usd: Decimal
    net_usd: Decimal
    r_multiple: float | None
    ended_by: str
    fees_other: str = ""
    """Fees that nothing values, by currency; not in `fees_usd`."""
    mae_r: float | None = None
    """Worst unrealised result while it was open, in R (maximum adverse excursion); R is what the entry would have lost
    at its first stop."""
    mfe_r: float | None = None
    """Best (maximum favourable excursion)."""
    costs_r: float | None = None
    """Fees less funding received."""
    exit_reason: str = ""
    """`stop`, `take`, the code of the adjustment that moved the stop or ended it (`trail`, `time`, ...), or how the
    venue ended it; empty while it is open."""


class _Plan(msgspec.Struct):
    """Why a round trip was entered, and what it risked: the distance from its average entry to the first stop, times
    its largest size."""

    strategy: str = ""
    decision_id: int = 0
    risk_usd: Decimal = ZERO
    exit_reason: str = ""


class PlannedTrips:
    """An observer of a house. A trip that is closed is in `closed`; `line` tells one of them or one that is open."""

    def __init__(self) -> None:
        self.closed: list[TripFigures] = []
        self.approved: set[int] = set()
        """Decisions on entries."""
        self._plans: dict[int, _Plan] = {}
        self._targets: dict[tuple[str, str], Target] = {}
        self._purposes: dict[str, Purpose] = {}
        """Of the orders of trips under way, by client id."""
        self._moved: dict[tuple[str, str], str] = {}
        """Code of the newest adjustment since the entry that moved the stop."""
        self._left: dict[tuple[str, str], str] = {}
        """And of the newest that closes something at market."""

    def __call__(self, _seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        for decision in step.decisions:
            if isinstance(decision, Approved):
                self._expect(decision.target)
        for command in step.commands:
            if isinstance(command, PlaceOrder):
                self._purposes[command.client_id] = command.purpose
                if command.stop_client_id:
                    self._purposes[command.stop_client_id] = Purpose.STOP
        if block.facts:
            for changes in engine.account.changes:
                for change in changes:
                    self.fold(change)

    def _expect(self, target: Target) -> None:
        """The newest approved target of an instrument: it names the strategy and the first stop of the next trip. What
        is approved under the same decision later takes risk away, and says why in the first word of its reason."""
        key = target.venue, target.coin
        if target.decision_id in self.approved:
            code = why_of(target.reason)
            kind = self._left if code in PARTS or not target.quantity_base else self._moved
            kind[key] = code
            return
        self.approved.add(target.decision_id)
        self._targets[key] = target
        self._moved.pop(key, None)
        self._left.pop(key, None)

    def fold(self, change: Change) -> None:
        """One change of the books, in their order."""
        if isinstance(change, FillBooked) and change.trip is not None:
            if change.reduces:
                self._plan(change.trip).exit_reason = self._exit_reason(change, change.trip)
            else:
                self._enter(change.trip)
        elif isinstance(change, TripClosed):
            self.closed.append(change.trip)

    def _plan(self, trip: TripFigures) -> _Plan:
        return self._plans.setdefault(trip.number, _Plan())

    def _enter(self, trip: TripFigures) -> None:
        target, known = self._targets.get((trip.venue, trip.coin)), trip.number in self._plans
        plan = self._plan(trip)
        if target is not None and not known:
            plan.strategy, plan.decision_id = target.strategy, target.decision_id
        if target is not None and target.decision_id == plan.decision_id:
            plan.risk_usd = abs(trip.entry_price - target.stop_price) * trip.largest_base

    def _exit_reason(self, booked: FillBooked, trip: TripFigures) -> str:
        """`stop`, `take`, the code of the adjustment that moved the stop or ordered the exit, or how the venue ended
        it."""
        if booked.kind != "fill":
            return booked.kind
        purpose = self._purposes.get(getattr(booked.fact, "client_id", ""))
        if purpose is None:
            return "unknown"
        codes = {Purpose.STOP: self._moved, Purpose.EXIT: self._left}.get(purpose, {})
        return codes.get((trip.venue, trip.coin), purpose.value).lower()

    def line(self, trip: TripFigures) -> TripLine:
        """A trip that is closed, or open as it stands."""
        plan = self._plans.get(trip.number, _Plan())
        return TripLine(
            trip.venue, trip.coin, trip.side.word, plan.strategy, plan.decision_id, trip.opened_ms, trip.closed_ms,
            trip.entry_price, trip.exit_price, trip.largest_base, trip.gross_usd, trip.fees_usd, trip.funding_usd,
            trip.net_usd, self.r_multiple(trip), trip.ended_by, trip.fees_other,
            mae_r=self._in_r(trip, trip.worst_usd), mfe_r=self._in_r(trip, trip.best_usd),
            costs_r=self._in_r(trip, trip.fees_usd - trip.funding_usd),
            exit_reason=plan.exit_reason if trip.closed_ms is not None else "",
        )  # fmt: skip

    def r_multiple(self, trip: TripFigures) -> float | None:
        """Net result over what was risked; None where no decision says."""
        return self._in_r(trip, trip.net_usd)

    def _in_r(self, trip: TripFigures, amount_usd: Decimal) -> float | None:
        risk_usd = self._plans.get(trip.number, _Plan()).risk_usd
        return float(amount_usd / risk_usd) if risk_usd > 0 else None
