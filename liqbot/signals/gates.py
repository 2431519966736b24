"""Gates as data, and the one way to judge them: for a row with everything shown, for the bare code, for whole columns.

A gate's `value` is an expression over features and its strategy's parameters in + - * / and comparisons only, so that
the same expression serves floats and numpy columns and gives the same bits.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.signals.features import Features
from liqbot.signals.params import WAIVABLE, StrategyParams
from liqbot.signals.verdict import (
    DERIVED,
    MEASURED,
    MISSING,
    MISSING_INPUT,
    SIGNAL,
    Gate,
    Input,
    Signal,
    Verdict,
)

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class GateSpec(msgspec.Struct, frozen=True):
    """`value(features, params) op threshold`; `threshold` is the name of a parameter, or a number that nobody turns."""

    name: str
    inputs: tuple[str, ...]
    """Names of the features the value is made of."""
    value: Callable[[Features, Any], Any]
    op: str
    threshold: str | float

    @property
    def code(self) -> str:
        return self.name.upper()

    @property
    def waivable(self) -> bool:
        return self.name in WAIVABLE

    def threshold_of(self, params: StrategyParams) -> float | None:
        """None: the gate is not asked."""
        if isinstance(self.threshold, str):
            number: float | None = getattr(params, self.threshold)
            return number
        return self.threshold


class Exits(msgspec.Struct, frozen=True):
    """Distances from the entry, both positive. Take None: only stop and time end the trade."""

    stop_pct: float
    take_pct: float | None


class Strategy(msgspec.Struct, frozen=True):
    """A reason to trade: what must hold, how it ends, what it says. `name` is also its parameters' field."""

    name: str
    gates: tuple[GateSpec, ...]
    exits: Callable[[Features, Any], Exits]
    why: Callable[[Features, Exits], str]


def larger(first: Any, second: Any) -> Any:
    """The larger of two, for floats and columns alike; NaN when one is NaN."""
    return first * (first >= second) + second * (first < second)


def same(name: str) -> Callable[[Features, Any], Any]:
    """The expression that is a feature itself."""
    getter = operator.attrgetter(name)
    return lambda features, _params: getter(features)


MAP_SKILL: Final = GateSpec("map_skill", ("map_skill_share",), same("map_skill_share"), ">=", "map_skill_share_min")
"""Any strategy may require that the map has lately been worth something."""


def passes(spec: GateSpec, features: Features, params: StrategyParams, waive: tuple[str, ...]) -> Any:
    """Whether the gate lets through: a bool for a row, a column of bools for columns, True when it is not asked."""
    threshold = spec.threshold_of(params)
    if threshold is None:
        return True
    value = spec.value(features, params)
    passed = _COMPARE[spec.op](value, threshold)
    return passed | (value != value) if spec.name in waive else passed


Condition = tuple[Callable[[Features, Any], Any], Callable[[Any, Any], Any], float, bool, str]
"""A gate that is asked: its value, how that compares with the threshold, whether it may be absent, the gate's code."""


def conditions(strategy: Strategy, params: StrategyParams, waive: tuple[str, ...]) -> tuple[Condition, ...]:
    """The strategy's gates that these parameters ask."""
    return tuple(
        (spec.value, _COMPARE[spec.op], threshold, spec.name in waive, spec.code)
        for spec in strategy.gates
        if (threshold := spec.threshold_of(params)) is not None
    )


def code_of(asked: tuple[Condition, ...], features: Features, params: StrategyParams) -> str:
    """The verdict's code alone, for one row: stops at the first gate that fails."""
    for value_of, compare, threshold, waived, code in asked:
        value = value_of(features, params)
        if not compare(value, threshold):
            if value == value:
                return code
            if not waived:
                return MISSING_INPUT
    return SIGNAL


def judge(
    strategy: Strategy,
    side: Side,
    features: Features,
    view: MarketView,
    params: StrategyParams,
    waive: tuple[str, ...],
    derived: frozenset[str],
) -> Verdict:
    """The verdict on one row with every gate shown. `derived` names features that stand in for measured ones."""
    code = SIGNAL
    gates = []
    for spec in strategy.gates:
        gate = _gate(spec, features, params, waive, derived)
        gates.append(gate)
        if code is SIGNAL and not gate.passed:
            code = MISSING_INPUT if gate.value is None else spec.code
    signal = _signal(strategy, side, features, view, params) if code is SIGNAL else None
    return Verdict(strategy.name, view.coin, side, code, tuple(gates), signal)


def _gate(
    spec: GateSpec, features: Features, params: StrategyParams, waive: tuple[str, ...], derived: frozenset[str]
) -> Gate:
    inputs = []
    for name in spec.inputs:
        number = getattr(features, name)
        if number != number:
            inputs.append(Input(name, None, MISSING))
        else:
            inputs.append(Input(name, number, DERIVED if name in derived else MEASURED))
    value = spec.value(features, params)
    threshold = spec.threshold_of(params)
    absent = value != value
    waived = absent and threshold is not None and spec.name in waive
    passed = threshold is None or waived or _COMPARE[spec.op](value, threshold)
    return Gate(spec.name, tuple(inputs), None if absent else value, spec.op, threshold, passed, waived)


def _signal(strategy: Strategy, side: Side, features: Features, view: MarketView, params: StrategyParams) -> Signal:
    exits = strategy.exits(features, params)
    mark_price, sign = view.mark_price, float(side)
    take_price = None if exits.take_pct is None else mark_price * (1.0 + sign * exits.take_pct / 100.0)
    return Signal(
        strategy=strategy.name,
        coin=view.coin,
        side=side,
        entry_price=mark_price,
        limit=False,
        stop_price=mark_price * (1.0 - sign * exits.stop_pct / 100.0),
        take_price=take_price,
        # On bars the first chance to fill is a bar away.
        expires_ms=view.time_ms + view.bar_span_ms + params.expiry_ms,
        max_hold_ms=params.max_hold_ms,
        why=strategy.why(features, exits),
    )
