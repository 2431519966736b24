"""Every strategy on both sides of one view, in a fixed order."""

from functools import lru_cache
from typing import Final

from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.signals.cascade import CASCADE
from liqbot.signals.features import derived_features, features_of
from liqbot.signals.funding_squeeze import FUNDING_SQUEEZE
from liqbot.signals.gates import Strategy, code_of, judge
from liqbot.signals.grab_reverse import GRAB_REVERSE
from liqbot.signals.params import SignalParams
from liqbot.signals.verdict import Verdict

STRATEGIES: Final[tuple[Strategy, ...]] = (GRAB_REVERSE, CASCADE, FUNDING_SQUEEZE)
SIDES: Final = (Side.LONG, Side.SHORT)

_derived = lru_cache(maxsize=64)(derived_features)


@lru_cache(maxsize=64)
def asked(params: SignalParams) -> tuple[tuple[Strategy, Side], ...]:
    """What is evaluated, in the order of the answers of `evaluate` and `codes`."""
    return tuple(
        (strategy, side) for strategy in STRATEGIES if getattr(params, strategy.name).enabled for side in SIDES
    )


def evaluate(view: MarketView, params: SignalParams) -> tuple[Verdict, ...]:
    """A verdict per enabled strategy and side, every gate shown."""
    return Weighing(view, params).verdicts()


def codes(view: MarketView, params: SignalParams) -> tuple[str, ...]:
    """The codes of `evaluate` alone, several times faster: the gates matter when a code changes or signals."""
    return Weighing(view, params).codes()


class Weighing:
    """One view under one set of parameters: codes at once, verdicts with all their gates for those that matter."""

    def __init__(self, view: MarketView, params: SignalParams) -> None:
        self._view, self._params = view, params
        self._features = {side: features_of(view, side, params.cluster_reach_pct) for side in SIDES}
        self._asked = asked(params)

    def codes(self) -> tuple[str, ...]:
        """In the order of `asked`."""
        return tuple(
            code_of(strategy, self._features[side], getattr(self._params, strategy.name), self._params.waive)
            for strategy, side in self._asked
        )

    def verdict(self, index: int) -> Verdict:
        """Of the strategy and side at this place of `asked`."""
        strategy, side = self._asked[index]
        params = getattr(self._params, strategy.name)
        derived = _derived(self._view.derived)
        return judge(strategy, side, self._features[side], self._view, params, self._params.waive, derived)

    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(self.verdict(index) for index in range(len(self._asked)))
