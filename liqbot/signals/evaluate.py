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


def asked(params: SignalParams) -> tuple[tuple[Strategy, Side], ...]:
    """What is evaluated, in the order of the answers of `evaluate` and `codes`."""
    return tuple(
        (strategy, side) for strategy in STRATEGIES if getattr(params, strategy.name).enabled for side in SIDES
    )


def evaluate(view: MarketView, params: SignalParams) -> tuple[Verdict, ...]:
    """A verdict per enabled strategy and side, every gate shown."""
    features = {side: features_of(view, side, params.cluster_reach_pct) for side in SIDES}
    derived = _derived(view.derived)
    return tuple(
        judge(strategy, side, features[side], view, getattr(params, strategy.name), params.waive, derived)
        for strategy, side in asked(params)
    )


def codes(view: MarketView, params: SignalParams) -> tuple[str, ...]:
    """The codes of `evaluate` alone, several times faster: the gates matter when a code changes or signals."""
    features = {side: features_of(view, side, params.cluster_reach_pct) for side in SIDES}
    return tuple(
        code_of(strategy, features[side], getattr(params, strategy.name), params.waive)
        for strategy, side in asked(params)
    )
