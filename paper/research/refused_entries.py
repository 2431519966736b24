"""What every refusal was worth: entries that one gate alone, or risk, refused, priced as if they had been made.

Of entries that a gate and nothing else refused one is priced at a time, as a house would hold one position: the next
comes up when it is over. That is the gate's ablation: without it the strategy would have made these trades too.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.risk.decision import Approved, Refused
from liqbot.settings import Settings
from liqbot.signals.evaluate import SIDES, EnabledStrategy, enabled_strategies
from liqbot.signals.failures import StrategyGuard
from liqbot.signals.features import Features, features_of
from liqbot.signals.gates import Condition
from liqbot.signals.verdict import SIGNAL
from paper.backtest.strategy_stats import TradeSample, expectancy
from paper.research.priced_entries import Entry, EntryPricer, PricedEntry
from paper.score.bootstrap import Estimate

BY_GATE: Final = "gate"
BY_RISK: Final = "risk"


class RefusalPrice(msgspec.Struct, frozen=True):
    """What a gate or a refusal by risk kept a strategy from. A negative mean is what it saved."""

    strategy: str
    by: str
    """gate or risk."""
    code: str
    entries: int
    """Priced."""
    open: int
    """Not over when the tape ended, or that could not be entered all the same; in no mean."""
    expectancy_r: Estimate


class RefusedEntries:
    """An observer of the house whose refusals are priced."""

    def __init__(self, settings: Settings, pricer: EntryPricer) -> None:
        self._settings, self._pricer = settings, pricer
        self._enabled, self._guard = enabled_strategies(settings.signals), StrategyGuard()
        self._refused: dict[tuple[str, str, Side], str] = {}
        """By coin, strategy and side: why risk refuses its standing signal."""

    def __call__(self, _seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if block.tick_ms is None or step.time_ms < block.tick_ms:
            return
        self._hear(step)
        refused = [
            entry
            for view in engine.views
            if not view.backfilled and view.coin in self._settings.coins
            for entry in self._entries(view)
        ]
        # What could not be entered is not tried again while nothing changes about why it is refused.
        self._pricer.hopeless &= {entry.key for entry in refused}
        taken = self._pricer.busy | self._pricer.hopeless
        for entry in refused:
            if entry.key not in taken:
                self._pricer.enter(entry)
        self._pricer.step(block)

    def _hear(self, step: Step) -> None:
        """A refusal is told when it changes, an approval always."""
        for decision in step.decisions:
            if isinstance(decision, Refused) and decision.side is not None:
                self._refused[decision.coin, decision.strategy, decision.side] = decision.code.value
            elif isinstance(decision, Approved):
                target = decision.target
                self._refused.pop((target.coin, target.strategy, target.side), None)

    def _entries(self, view: MarketView) -> Iterator[Entry]:
        features = {side: features_of(view, side, self._settings.signals.cluster_reach_pct) for side in SIDES}
        for one in self._enabled:
            code, by = self._code(one, features[one.side]), BY_GATE
            if code == SIGNAL:
                by, code = BY_RISK, self._refused.get((view.coin, one.strategy.name, one.side), "")
            if code:
                yield Entry(f"{one.strategy.name} {by} {code}", one.strategy.name, view.coin, one.side)

    def _code(self, one: EnabledStrategy, features: Features) -> str:
        """A user's own gates may raise anything; then the strategy is heard no more, as in the house."""
        if not one.own:
            return only_refusal(one.conditions, features, one.params)
        return self._guard.attempt(one.strategy, lambda: only_refusal(one.conditions, features, one.params), "")


def only_refusal(required: tuple[Condition, ...], features: Features, params: object) -> str:
    """The code of the one gate that fails, SIGNAL when none does, empty when several do. An absent input fails."""
    found = ""
    for value_of, compare, threshold, waived, code in required:
        value = value_of(features, params)
        if compare(value, threshold) or (waived and value != value):
            continue
        if found:
            return ""
        found = code
    return found or SIGNAL


def prices_of(priced: tuple[PricedEntry, ...]) -> tuple[RefusalPrice, ...]:
    """By strategy, gates first in the order they came up, then risk's codes."""
    labels = sorted({one.label for one in priced}, key=lambda label: label.split(" "))
    found = []
    for label in labels:
        strategy, by, code = label.split(" ")
        trips = [one.trip for one in priced if one.label == label]
        sample = TradeSample.of(trip for trip in trips if trip is not None)
        found.append(RefusalPrice(strategy, by, code, len(sample), len(trips) - len(sample), expectancy(sample)))
    return tuple(found)
