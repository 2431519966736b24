"""Every strategy on both sides of one view, in a fixed order."""

from functools import lru_cache
from typing import Final

from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.signals.features import derived_features, features_of
from liqbot.signals.gates import Condition, Strategy, code_of, conditions, judge
from liqbot.signals.params import SignalParams, StrategyParams
from liqbot.signals.strategies.cascade import CASCADE
from liqbot.signals.strategies.funding_squeeze import FUNDING_SQUEEZE
from liqbot.signals.strategies.grab_reverse import GRAB_REVERSE
from liqbot.signals.verdict import Verdict

STRATEGIES: Final[tuple[Strategy, ...]] = (GRAB_REVERSE, CASCADE, FUNDING_SQUEEZE)
SIDES: Final = (Side.LONG, Side.SHORT)

Questions = tuple[tuple[Strategy, Side, StrategyParams, tuple[Condition, ...]], ...]

_derived = lru_cache(maxsize=64)(derived_features)


@lru_cache(maxsize=64)
def enabled_strategies(params: SignalParams) -> tuple[tuple[Strategy, Side], ...]:
    """What is evaluated, in the order of the answers of `evaluate` and `codes`."""
    return tuple(
        (strategy, side) for strategy in STRATEGIES if getattr(params, strategy.name).enabled for side in SIDES
    )


@lru_cache(maxsize=64)
def gate_index(params: SignalParams) -> Questions:
    """`enabled_strategies` with the parameters and gates of each strategy at hand."""
    found = []
    for strategy, side in enabled_strategies(params):
        own = getattr(params, strategy.name)
        found.append((strategy, side, own, conditions(strategy, own, params.waive)))
    return tuple(found)


def evaluate(view: MarketView, params: SignalParams) -> tuple[Verdict, ...]:
    """A verdict per enabled strategy and side, every gate shown."""
    return StrategyEvaluator(view, params).verdicts()


def codes(view: MarketView, params: SignalParams) -> tuple[str, ...]:
    """The codes of `evaluate` alone, several times faster: the gates matter when a code changes or signals."""
    return StrategyEvaluator(view, params).codes()


class StrategyEvaluator:
    """One view under one set of parameters: codes at once, verdicts with all their gates for those that matter."""

    def __init__(self, view: MarketView, params: SignalParams, questions: Questions | None = None) -> None:
        """`questions` are `questions_of(params)`, for those who weigh view after view."""
        self._view, self._params = view, params
        self._features = {side: features_of(view, side, params.cluster_reach_pct) for side in SIDES}
        self._questions = gate_index(params) if questions is None else questions

    def codes(self) -> tuple[str, ...]:
        """In the order of `enabled_strategies`."""
        features = self._features
        return tuple([code_of(gates, features[side], params) for _, side, params, gates in self._questions])

    def verdict(self, index: int) -> Verdict:
        """Of the strategy and side at this place of `enabled_strategies`."""
        strategy, side, params, _ = self._questions[index]
        derived = _derived(self._view.derived)
        return judge(strategy, side, self._features[side], self._view, params, self._params.waive, derived)

    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(self.verdict(index) for index in range(len(self._questions)))
