"""Laws of a house whose orders rest in a test market: judged by the ratio that the two markets truly had."""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.blocks import EventBlock
from liqbot.commands import Command, PlaceOrder, Purpose
from liqbot.engine import Engine, Step
from liqbot.events import TradingMark
from liqbot.risk.decision import Approved, Target
from paper.simulate.decision_invariants import REDUCTION, HouseLaws
from paper.simulate.practice_prices import PracticePrices
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

COMPARED_MS: Final = 65_000
"""The oldest comparison that a ratio may come from, and the way to it."""
SLACK_SHARE: Final = 0.003
"""Of a price: what lies between two readings, and between a gap and the first word of it."""
LATE_MS: Final = 1_000


class _Meant(msgspec.Struct, frozen=True):
    """An approved target, in prices of the map, and between which ratios the markets lay when it was."""

    target: Target
    lowest: Decimal
    highest: Decimal

    def holds(self, price: Decimal, in_map: Decimal | None, tick: Decimal) -> bool:
        return in_map is not None and in_map * self.lowest - tick <= price <= in_map * self.highest + tick


class TranslationLaws(Probe):
    """`MISTRANSLATED`, `ENTRY_MARK_STALE`, `ENTRY_MARK_DEVIATION`; without a test market there is nothing to judge."""

    def __init__(self, scenario: Scenario, laws: HouseLaws) -> None:
        self._scenario, self._laws = scenario, laws
        self._meant: dict[int, list[_Meant]] = {}
        """By decision, oldest first; of one that was made while prices were told wrong nothing is known."""
        self._told_ms, self._told_ratio = 0, 1.0
        """By the house's clock, when it heard of a mark last; what the ratio truly was then."""

    def answered(self, block: EventBlock, step: Step, engine: Engine) -> None:
        del engine
        practice = self._scenario.practice
        if practice is None:
            return
        for fact in block.facts:
            if isinstance(fact, TradingMark):
                self._told_ms, self._told_ratio = fact.time_ms, practice.ratio
        for decision in step.decisions:
            if isinstance(decision, Approved):
                self._approved(decision, block, practice)

    def _approved(self, decision: Approved, block: EventBlock, practice: PracticePrices) -> None:
        target, scenario = decision.target, self._scenario
        if scenario.distortions:
            self._meant.pop(target.decision_id, None)
            return
        lowest, highest = practice.between(scenario.now_ms - COMPARED_MS)
        meant = _Meant(target, _exact(lowest * (1 - SLACK_SHARE)), _exact(highest * (1 + SLACK_SHARE)))
        if decision.checks[0].name == REDUCTION:
            if target.decision_id in self._meant:
                self._meant[target.decision_id].append(meant)
            return
        self._meant[target.decision_id] = [meant]
        self._worth_an_entry(target, block)
        if not meant.lowest <= target.mark_ratio <= meant.highest:
            self._laws.broken("MISTRANSLATED", f"the ratio was {lowest:.5f} to {highest:.5f}: {target}")

    def _worth_an_entry(self, target: Target, block: EventBlock) -> None:
        limits = self._scenario.settings.risk
        age_ms = (block.tick_ms or 0) - self._told_ms
        if age_ms > limits.mark_age_ms_max + LATE_MS:
            self._laws.broken("ENTRY_MARK_STALE", f"no mark for {age_ms} ms: {target}")
        apart_pct = abs(self._told_ratio - 1.0) * 100.0
        if apart_pct > limits.mark_deviation_pct_max + SLACK_SHARE * 100.0:
            what = f"the markets were {apart_pct:.2f} % apart, {limits.mark_deviation_pct_max:g} % allowed: {target}"
            self._laws.broken("ENTRY_MARK_DEVIATION", what)

    def sending(self, command: Command) -> None:
        if not isinstance(command, PlaceOrder) or self._scenario.practice is None:
            return
        meant = self._meant.get(command.decision_id)
        if meant is None:
            return
        tick = self._scenario.listed[0].price_tick
        for name, price, in_map in _prices(command, meant):
            if not any(one.holds(price, wanted, tick) for one, wanted in in_map):
                where = ", ".join(f"{wanted} at {one.lowest:.5f} to {one.highest:.5f}" for one, wanted in in_map)
                self._laws.broken("MISTRANSLATED", f"{name} {price}, on the map {where}: {command}")

    def reborn(self, *, fresh: bool) -> None:
        """What a record decided whose answer died with the process is decided again while the journal is read, unseen:
        from here on what was recovered counts too, in the venue's prices."""
        if fresh:
            self._meant.clear()
            return
        same = Decimal(1)
        for book in self._scenario.house.engine.order_manager.books:
            if book.target is not None and book.target.decision_id in self._meant:
                self._meant[book.target.decision_id].append(_Meant(book.target, same, same))


def _prices(order: PlaceOrder, meant: list[_Meant]) -> list[tuple[str, Decimal, list[tuple[_Meant, Decimal | None]]]]:
    """What an order bears, beside what its decision wanted."""
    stops = [(one, one.target.stop_price) for one in meant]
    limits = [(one, one.target.limit_price) for one in meant]
    takes = [(one, one.target.take_price) for one in meant]
    borne = (
        ("stop", order.trigger_price if order.purpose is Purpose.STOP else order.stop_price, stops),
        ("take" if order.purpose is Purpose.TAKE else "limit", order.limit_price,
         takes if order.purpose is Purpose.TAKE else limits),
    )
    return [(name, price, list(in_map)) for name, price, in_map in borne if price is not None]


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
