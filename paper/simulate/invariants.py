"""What must hold after every step, judged by what the simulated exchange knows and not by what the house believes."""

from decimal import Decimal
from typing import Final

from liqbot import events
from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, Command, OrderKind, PlaceOrder, Purpose, QueryOrder
from liqbot.engine import Engine
from liqbot.risk.decision import Target
from liqbot.risk.limits import LEVERAGE_CEILING
from paper.exchange.exchange import Happened
from paper.exchange.money import ExchangeHolding
from paper.simulate.decision_invariants import HouseLaws
from paper.simulate.equity import TrueEquity
from paper.simulate.scenario import RECONCILE_MS, Scenario

ZERO: Final = Decimal(0)
CALM_AFTER_MS: Final = 60_000
"""This long after the last trouble the house has no excuse left."""
STEP_MS_MAX: Final = 60_000
STRAY_MS_MAX: Final = 2 * RECONCILE_MS
PATIENCE_MS: Final = 25_000
"""After trouble: time to notice, to ask, to give up a stop and to leave at market."""


class Laws(HouseLaws):
    """All of them; counts what happened on the way."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.entries = self.liquidations = self.adl = 0
        self.sound_ms = 0
        """Since when orders and the news about them have gone through unimpeded."""
        self._filled_base: dict[int, Decimal] = {}
        self._known_base: dict[str, Decimal] = {}
        """What we knew to be open when we sent a cancel, less what has been closed since."""
        self._counted: set[str] = set()
        self._uncovered_ms = 0
        self._must_go_ms = self._beyond_ms = 0
        self._stray_since_ms: dict[str, int] = {}
        """Orders of ours that rest and that the house does not take for its own."""
        self._entered_decision = 0
        self._equity = TrueEquity(scenario)

    def sending(self, command: Command) -> None:
        super().sending(command)
        if isinstance(command, CancelOrder):
            position = self.scenario.engine.account.position(*self.scenario.key)
            self._known_base[command.client_id] = ZERO if position is None else position.quantity_base

    def _approved(self, target: Target, block: EventBlock, engine: Engine) -> None:
        super()._approved(target, block, engine)
        lost_pct, limit_pct = self._equity.lost_today_pct, self.scenario.settings.risk.daily_loss_pct_max
        if lost_pct > 1.5 * limit_pct + 0.5:
            self.broken("ENTRY_AFTER_LOSS", f"{lost_pct:.2f} % lost today, {limit_pct} % allowed: {target}")

    # --- at the exchange -------------------------------------------------------------------------------------------

    def seeing(self, happened: Happened) -> None:
        retold = isinstance(happened.obeyed, QueryOrder)
        for fact in () if retold else happened.facts:
            if isinstance(fact, events.Fill):
                (self._reduced if fact.reduces else self._entered)(fact)
            elif isinstance(fact, events.PositionLiquidated):
                self.liquidations += 1
            elif isinstance(fact, events.PositionDeleveraged):
                self.adl += 1
        self._came(happened)
        self._equity.saw(happened)
        self._look()
        if isinstance(happened.obeyed, CancelOrder) and not self.foreign:
            self._cancelled(happened.obeyed, happened)

    def _came(self, happened: Happened) -> None:
        """What was told as missing does not come any more."""
        order = happened.obeyed
        if not isinstance(order, PlaceOrder) or order.client_id not in self._missing:
            return
        if any(isinstance(fact, events.OrderAccepted | events.Fill) for fact in happened.facts):
            self.broken("MISSING_CAME", f"told as missing, and there after all: {order}")

    def _cancelled(self, command: CancelOrder, happened: Happened) -> None:
        """We may take a stop away only when another one covers what we know of."""
        order, held = self._placed.get(command.client_id), self.held
        if order is None or order.purpose is not Purpose.STOP or held is None:
            return
        if not any(isinstance(fact, events.OrderCancelled) for fact in happened.facts):
            return
        known_base = self._known_base.pop(command.client_id, ZERO)
        if self.covered_base(held) < min(known_base, held.quantity_base):
            self.broken("CANCEL_UNPROTECTS", f"{command} left {held} without a stop")

    def _reduced(self, fill: events.Fill) -> None:
        """While a cancel is on its way the stop that covers all that we know of may fill."""
        self._known_base = {one: max(known - fill.quantity_base, ZERO) for one, known in self._known_base.items()}

    def _entered(self, fill: events.Fill) -> None:
        order = self._placed.get(fill.client_id)
        if order is None:
            return
        if fill.client_id not in self._counted:
            self._counted.add(fill.client_id)
            self.entries += 1
        self._entered_decision = order.decision_id
        filled_base = self._filled_base.get(order.decision_id, ZERO) + fill.quantity_base
        self._filled_base[order.decision_id] = filled_base
        target = self._targets[order.decision_id]
        if filled_base > target.quantity_base:
            self.broken("ENTERED_TWICE", f"decision {order.decision_id}: {filled_base} of {target.quantity_base}")
        held = self.held
        if held is not None and held.leverage > LEVERAGE_CEILING and not self.scenario.tampered_ms:
            self.broken("LEVERAGE", f"entered at {held.leverage}x")

    def _look(self) -> None:
        """State of the exchange after something happened or time passed."""
        now_ms, held, resting = self.scenario.now_ms, self.held, self._resting
        self._sound(now_ms)
        self._protected(now_ms)
        if held is None:
            self._uncovered_ms = self._must_go_ms = self._beyond_ms = 0
            self.foreign = self.foreign and bool(resting)
            return
        if self.foreign:
            return
        ours = [order for order in resting if order.command.client_id in self._placed]
        entries = [order for order in ours if not order.command.reduce_only]
        if len(entries) > 1:
            self.broken("TWO_ENTRIES", f"{entries}")
        if self.covered_base(held) >= held.quantity_base:
            self._uncovered_ms = 0
        elif not self._uncovered_ms:
            self._uncovered_ms = now_ms

    def covered_base(self, held: ExchangeHolding) -> Decimal:
        """Under stops that rest at the exchange."""
        covered_base = ZERO
        for order in self._resting:
            if order.command.kind is OrderKind.STOP_MARKET and order.command.side is held.side:
                covered_base += order.command.quantity_base
                self._before_liquidation(order.command, held)
        return covered_base

    def _before_liquidation(self, stop: PlaceOrder, held: ExchangeHolding) -> None:
        if self.scenario.tampered_ms or held.liquidation_price is None or stop.trigger_price is None:
            return
        if int(held.side) * (stop.trigger_price - held.liquidation_price) > 0:
            return
        # The price ran away while the entry was on its way: the house sees it in the fill, and leaves.
        self._beyond_ms = self._beyond_ms or self.scenario.now_ms
        if self.scenario.now_ms - max(self._beyond_ms, self.sound_ms) > PATIENCE_MS:
            self.broken("STOP_BEYOND_LIQUIDATION", f"{stop} with liquidation at {held.liquidation_price}")

    # --- as time passes --------------------------------------------------------------------------------------------

    def stepped(self) -> None:
        scenario, now_ms = self.scenario, self.scenario.now_ms
        self._look()
        self._protected(now_ms)
        self._leaves(now_ms)
        self._overstays(now_ms)
        self._equity.stepped()
        why = self._equity.false_latch(scenario.engine.account.drawdown, scenario.settings.risk)
        if why:
            self.broken("FALSE_LATCH", why)

    def _sound(self, now_ms: int) -> None:
        """A disk that refuses is no excuse: stops and exits leave without it. One that hangs is waited for, no longer
        than `NAKED` allows."""
        scenario = self.scenario
        away_until_ms = max(scenario.asleep_until_ms, scenario.halted_until_ms)
        if scenario.link.disturbed or scenario.journal.hanging or now_ms < away_until_ms:
            self.sound_ms = now_ms

    def _protected(self, now_ms: int) -> None:
        if not self._uncovered_ms or self.foreign:
            return
        latency_ms = self.scenario.settings.model_dump()["paper"]["exchange"]["latency_ms"]
        calm = now_ms - self.sound_ms > CALM_AFTER_MS and self._uncovered_ms - self.sound_ms > CALM_AFTER_MS
        limit_ms = 2 * latency_ms + 2_500 if calm else PATIENCE_MS
        bare_ms = now_ms - max(self._uncovered_ms, self.sound_ms)
        if bare_ms > limit_ms:
            self.broken("UNPROTECTED", f"{self.held} without a stop for {bare_ms} ms, calm: {calm}")

    def _overstays(self, now_ms: int) -> None:
        """A position is given up when its time is over."""
        target = self._targets.get(self._entered_decision)
        if self.held is None or self.foreign or target is None or self.scenario.link.impeded:
            return
        late_ms = now_ms - max(target.exit_by_ms, self.sound_ms)
        if late_ms > STEP_MS_MAX + 2 * PATIENCE_MS:
            self.broken("OVERSTAYED", f"{self.held} of {target} is {late_ms} ms too old")

    def _leaves(self, now_ms: int) -> None:
        """A position that must go is gone in time: leverage changed by hand, or everything is to be closed."""
        account = self.scenario.engine.account
        held = self.held
        if held is None or self.foreign or not (held.leverage > LEVERAGE_CEILING or account.flattening):
            self._must_go_ms = 0
            return
        self._must_go_ms = self._must_go_ms or now_ms
        late_ms = now_ms - max(self._must_go_ms, self.sound_ms)
        if late_ms > RECONCILE_MS + 2 * STEP_MS_MAX + PATIENCE_MS:
            self.broken("EXIT_REFUSED", f"{self.held} should have gone {late_ms} ms ago")

    def reconciled(self) -> None:
        """With nothing under way, account and exchange agree."""
        scenario = self.scenario
        if not scenario.link.quiet or scenario.link.impeded:
            return
        self._strays(scenario.now_ms)
        account, held = scenario.engine.account, self.held
        theirs_base = ZERO if held is None else held.side * held.quantity_base
        holding = account.holding(*scenario.key)
        known_base = ZERO if holding is None else holding.signed_base
        unexplained_base = ZERO if holding is None else holding.unexplained_base
        if known_base + unexplained_base != theirs_base or (unexplained_base and not self.foreign):
            what = f"exchange {theirs_base}, account {known_base}, unexplained {unexplained_base}"
            self.broken("DISAGREEMENT", what)
        wallet_usd = scenario.exchange.wallet(scenario.key[0]).wallet_usd
        if account.wallet_usd(scenario.key[0]) != wallet_usd:
            what = f"exchange {wallet_usd}, account {account.wallet_usd(scenario.key[0])}"
            self.broken("WALLET_DIFFERS", what)

    def _strays(self, now_ms: int) -> None:
        """What an earlier process left goes, once nothing depends on it; until then it is known."""
        book, held = self.scenario.engine.order_manager.book(*self.scenario.key), self.held
        known = {order.client_id for order in book.live()}
        resting = [one.command.client_id for one in self._resting if one.command.client_id in self._placed]
        strays = [one for one in resting if one not in known]
        if held is not None and book.confirmed_base(held.side) < held.quantity_base:
            strays = []
        self._stray_since_ms = {one: self._stray_since_ms.get(one, now_ms) for one in strays}
        for stray, since_ms in self._stray_since_ms.items():
            if now_ms - max(since_ms, self.sound_ms) > STRAY_MS_MAX:
                self.broken("LEFT_BEHIND", f"{stray} rests, {now_ms - since_ms} ms after it could have gone")

    def ended(self, left_open: tuple[str, ...], began_ms: int) -> None:
        if left_open and self.sound_ms < began_ms:
            self.broken("ENDED_NAKED", f"asked to end {self.scenario.now_ms - began_ms} ms ago: {left_open}")

    def reborn(self, *, fresh: bool) -> None:
        self._reconciled = False
        self._strangers.clear()
        if not fresh:
            self._remember_halts()
        self.sound_ms = self.scenario.now_ms
        if fresh:
            self.foreign = self.held is not None or bool(self._resting)
            self._targets, self._filled_base, self._placed, self._nearest = {}, {}, {}, {}
            self._equity.forget()
            self._halted = False

    def settled(self) -> None:
        """In the end: everything is closed, nothing is left behind, every dollar is explained."""
        scenario = self.scenario
        if self.held is not None and not self.foreign:
            self.broken("NOT_FLAT", f"{self.held}")
        ours = [one for one in self._resting if one.command.client_id in self._placed]
        if ours:
            self.broken("LEFT_BEHIND", f"{ours}")
        believed = scenario.engine.order_manager.book(*scenario.key).live()
        if believed:
            self.broken("NEVER_SETTLED", f"{believed}")
        wallet = scenario.exchange.wallet(scenario.key[0])
        booked_usd = (
            wallet.start_usd + wallet.realised_usd - wallet.fees_usd + wallet.funding_usd + wallet.transfers_usd
            + wallet.rebates_usd
        )
        if booked_usd != wallet.wallet_usd:
            self.broken("MONEY", f"{wallet}")
