"""Laws of what the house decides and sends: judged by what it was told and by what it had approved before."""

from decimal import Decimal
from typing import Final, NoReturn

import msgspec

from liqbot import events
from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, Command, PlaceOrder, Purpose, QueryOrder, adds_risk
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.execution.client_order_id import sequence_of
from liqbot.risk.account import ACCOUNT_FEED
from liqbot.risk.decision import Approved, Target
from liqbot.risk.limits import LEVERAGE_CEILING
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import in_cluster
from liqbot.venues.entry_stops import attached_order
from paper.exchange.matching import Resting
from paper.exchange.money import ExchangeHolding
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

ORDERS_PER_STEP_MAX: Final = 200
"""No trouble of a minute justifies more."""
REDUCTION: Final = "exit_base"
"""The first question of the door that is for reductions alone."""


class Violation(msgspec.Struct, frozen=True):
    """A law that was broken, when and how."""

    law: str
    step: int
    time_ms: int
    what: str


class Broken(Exception):
    """Ends a run at its first violation."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(f"{violation.law}: {violation.what}")
        self.violation = violation


class HouseLaws(Probe):
    """Raises `Broken` at the first violation."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.foreign = False
        """What is open or resting at the exchange belongs to a journal that is gone."""
        self._halted = self._reconciled = self._ending = False
        self._targets: dict[int, Target] = {}
        self._placed: dict[str, PlaceOrder] = {}
        self._burst, self._burst_step = 0, -1
        self._nearest: dict[int, Decimal] = {}
        """The last stop of each decision."""
        self._heard: set[str] = set()
        self._strangers: set[str] = set()
        """Orders that the house was told of and that are not its own."""
        self._missing: set[str] = set()
        """Orders of which the house was told that the venue has none."""
        self._told_ms = 0

    @property
    def held(self) -> ExchangeHolding | None:
        """The position as the exchange has it."""
        return self.scenario.exchange.accounts.holding(self.scenario.key)

    @property
    def _resting(self) -> list[Resting]:
        """At the exchange, whoever placed them."""
        return self.scenario.exchange.accounts.resting(self.scenario.key)

    def broken(self, law: str, what: str) -> NoReturn:
        raise Broken(Violation(law, self.scenario.steps, self.scenario.now_ms, what))

    # --- on the way out --------------------------------------------------------------------------------------------

    def sending(self, command: Command) -> None:
        scenario = self.scenario
        if not scenario.journal.is_durable(command) and (adds_risk(command) or scenario.journal.writes):
            self.broken("JOURNAL_FIRST", f"sent before it was durable: {command}")
        if not isinstance(command, PlaceOrder | CancelOrder | QueryOrder):
            return
        if sequence_of(command.client_id, scenario.journal.journal_id) is None:
            self.broken("FOREIGN_TOUCHED", f"not our order: {command}")
        if isinstance(command, PlaceOrder):
            self._placing(command)

    def _placing(self, order: PlaceOrder) -> None:
        if order.client_id in self._placed:
            self.broken("ID_REUSED", f"{order}")
        self._placed[order.client_id] = order
        if order.stop_client_id:
            self._placed[order.stop_client_id] = attached_order(order)
        self._burst = self._burst + 1 if self._burst_step == self.scenario.steps else 1
        self._burst_step = self.scenario.steps
        if self._burst > ORDERS_PER_STEP_MAX:
            self.broken("TOO_MANY_ORDERS", f"{self._burst} orders in one step: {order}")
        if self.foreign and (order.reduce_only or self.held is not None):
            self.broken("FOREIGN_TOUCHED", f"the position is not ours: {order}")
        if order.purpose is Purpose.ENTRY:
            target = self._targets.get(order.decision_id)
            if target is None or order.side is not target.side or order.quantity_base > target.quantity_base:
                self.broken("NOT_APPROVED", f"{order} for {target}")
            if self._ending:
                self.broken("ENTRY_WHILE_ENDING", f"{order}")
            if self._halted or not self._reconciled:
                self.broken("ENTRY_WHILE_HALTED" if self._halted else "ENTRY_UNRECONCILED", f"{order}")
        elif not order.reduce_only:
            self.broken("NOT_APPROVED", f"not an entry and not reduce-only: {order}")
        elif order.purpose is Purpose.STOP and order.trigger_price is not None:
            nearest = self._nearest.setdefault(order.decision_id, order.trigger_price)
            if order.side * (order.trigger_price - nearest) < 0:
                self.broken("STOP_LOOSENED", f"{order}, it was at {nearest}")
            self._nearest[order.decision_id] = order.trigger_price

    # --- in the house ----------------------------------------------------------------------------------------------

    def answered(self, block: EventBlock, step: Step, engine: Engine) -> None:
        for fact in block.facts:
            self._hear_halts(fact)
            if isinstance(fact, events.Ending | events.JournalOpened):
                self._ending = isinstance(fact, events.Ending)
            if isinstance(fact, events.JournalOpened) or _account_is_dark(fact):
                self._reconciled = False
            elif isinstance(fact, events.Reconciled):
                self._reconciled = True
            elif isinstance(fact, events.OrderMissing):
                self._missing.add(fact.client_id)
            elif isinstance(fact, events.OrderAccepted) and fact.client_id not in self._placed:
                self._strangers.add(fact.client_id)
        self._hear_prices(block)
        for decision in step.decisions:
            if isinstance(decision, Approved) and decision.checks[0].name != REDUCTION:
                self._approved(decision.target, block, engine)

    def _hear_halts(self, fact: Event) -> None:
        if isinstance(fact, events.Halt | events.Flatten | events.PositionLiquidated):
            self._halted = self._halted or repr(fact) not in self._heard
            self._heard.add(repr(fact))
        elif isinstance(fact, events.Resume):
            self._halted = False

    def _remember_halts(self) -> None:
        """A process knows what its journal has kept: with a disk that did not write, a halt may be lost."""
        self._halted, self._heard = False, set()
        for record in self.scenario.journal.records:
            for fact in record.block.facts:
                self._hear_halts(fact)

    def _hear_prices(self, block: EventBlock) -> None:
        """When the house last heard a believable price of the traded venue."""
        for rows in (block.bars, block.marks):
            for row in rows:
                price = float(row["close"] if "close" in (rows.dtype.names or ()) else row["mark_price"])
                near = abs(price - self.scenario.market.price) < 0.5 * self.scenario.market.price
                if row["venue"] == 0 and (near or self.scenario.asleep_until_ms):
                    self._told_ms = max(self._told_ms, int(row["time_ms"]))

    def _approved(self, target: Target, block: EventBlock, engine: Engine) -> None:
        self._targets[target.decision_id] = target
        self._nearest.pop(target.decision_id, None)
        self._at_the_right_time(target, block)
        self._at_the_right_place(target, engine)

    def _at_the_right_time(self, target: Target, block: EventBlock) -> None:
        limits = self.scenario.settings.risk
        if self._halted:
            self.broken("ENTRY_WHILE_HALTED", f"{target}")
        if not self._reconciled:
            self.broken("ENTRY_UNRECONCILED", f"{target}")
        if self.foreign or self._strangers & {one.command.client_id for one in self._resting}:
            self.broken("ENTRY_BESIDE_FOREIGN", f"{target}")
        age_ms = (block.tick_ms or 0) - self._told_ms
        if age_ms > limits.age_ms_max + 1_000:
            self.broken("ENTRY_STALE", f"no price for {age_ms} ms: {target}")
        if block.lag_ms > limits.lag_ms_max:
            self.broken("ENTRY_LAGGING", f"{block.lag_ms} ms behind: {target}")

    def _at_the_right_place(self, target: Target, engine: Engine) -> None:
        limits, signals = self.scenario.settings.risk, self.scenario.settings.signals
        avoid = signals.of(avoid_liquidity.STRATEGY)
        if not 1 <= target.leverage <= min(limits.leverage_max, LEVERAGE_CEILING):
            self.broken("LEVERAGE", f"{target}")
        sign, own = int(target.side), float(target.liquidation_price)
        entry = float(target.limit_price or 0) or engine.views[0].mark_price
        if sign * (float(target.stop_price) - own) < entry * avoid.stop_buffer_pct / 100 * 0.999:
            self.broken("STOP_BEYOND_LIQUIDATION", f"{target}")
        (view,) = engine.views
        dense = not view.map.density_percentile(target.side, own) <= avoid.density_percentile_max
        if dense or in_cluster(target.side, own, view, avoid):
            self.broken("LIQUIDATION_IN_CLUSTER", f"{target}")


def _account_is_dark(fact: Event) -> bool:
    return isinstance(fact, events.FeedDown) and fact.feed == ACCOUNT_FEED
