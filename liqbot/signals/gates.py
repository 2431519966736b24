"""Gates as data, and the one way to evaluate them: for a row with everything shown, for the bare code, for columns.

A gate's `value` is an expression over features and its strategy's parameters in + - * / and comparisons only, so that
the same expression serves floats and numpy columns and gives the same bits.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.signals.features import VENUE_FUNDING
from liqbot.signals.verdict import DERIVED, MEASURED, MISSING, MISSING_INPUT, SIGNAL, Gate, Input

OPERATORS: Final = (">=", "<=", ">", "<")
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
    value: Callable[[Any, Any], Any]
    op: str
    threshold: str | float
    waivable: bool = False
    """A profile may let it pass when its input is absent: recorded tapes often lack this feed."""

    @property
    def code(self) -> str:
        return self.name.upper()

    def threshold_of(self, params: Any) -> float | None:
        """None: the gate is switched off; it is shown and passes."""
        if isinstance(self.threshold, str):
            number: float | None = getattr(params, self.threshold)
            return number
        return self.threshold

    def waived_by(self, waive: tuple[str, ...]) -> bool:
        return self.waivable and self.name in waive


def larger(first: Any, second: Any) -> Any:
    """The larger of two, for floats and columns alike; NaN when one is NaN."""
    return first * (first >= second) + second * (first < second)


def same(name: str) -> Callable[[Any, Any], Any]:
    """The expression that is a feature itself."""
    if name.startswith(VENUE_FUNDING):
        return lambda features, _params: features.value(name)
    getter = operator.attrgetter(name)
    return lambda features, _params: getter(features)


MAP_SKILL: Final = GateSpec("map_skill", ("map_skill_share",), same("map_skill_share"), ">=", "map_skill_share_min")
"""Any strategy may require that the map has lately been worth something."""


FUEL_BEHIND: Final = GateSpec(
    "fuel_behind", ("notional_ahead_share",), same("notional_ahead_share"), ">=", "notional_ahead_share_min"
)
"""Of a strategy that follows liquidations: few ahead and many behind means that it is reconsidered."""


def passes(spec: GateSpec, features: Any, params: Any, waive: tuple[str, ...]) -> Any:
    """Whether the gate lets through: a bool for a row, a column of bools for columns, True when it is switched off."""
    threshold = spec.threshold_of(params)
    if threshold is None:
        return True
    value = spec.value(features, params)
    passed = _COMPARE[spec.op](value, threshold)
    return passed | (value != value) if spec.waived_by(waive) else passed


Condition = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any], float, bool, str]
"""A gate that is switched on: its value, how that compares with the threshold, whether it may be absent, its code."""


def conditions(gates: tuple[GateSpec, ...], params: Any, waive: tuple[str, ...]) -> tuple[Condition, ...]:
    """The gates that these parameters switch on."""
    return tuple(
        (spec.value, _COMPARE[spec.op], threshold, spec.waived_by(waive), spec.code)
        for spec in gates
        if (threshold := spec.threshold_of(params)) is not None
    )


def code_of(required: tuple[Condition, ...], features: Any, params: Any) -> str:
    """The code alone, for one row: that of the first gate that fails, SIGNAL when none does."""
    for value_of, compare, threshold, waived, code in required:
        value = value_of(features, params)
        if not compare(value, threshold):
            if value == value:
                return code
            if not waived:
                return MISSING_INPUT
    return SIGNAL


def shown(
    gates: tuple[GateSpec, ...], features: Any, params: Any, waive: tuple[str, ...], derived: frozenset[str]
) -> tuple[str, tuple[Gate, ...]]:
    """The code of one row, and every gate with its inputs, value and threshold. `derived` names features that stand in
    for measured ones."""
    code = SIGNAL
    found = []
    for spec in gates:
        gate = _gate(spec, features, params, waive, derived)
        found.append(gate)
        if code is SIGNAL and not gate.passed:
            code = MISSING_INPUT if gate.value is None else spec.code
    return code, tuple(found)


def _gate(spec: GateSpec, features: Any, params: Any, waive: tuple[str, ...], derived: frozenset[str]) -> Gate:
    inputs = []
    for name in spec.inputs:
        number = features.value(name)
        if number != number:
            inputs.append(Input(name, None, MISSING))
        else:
            inputs.append(Input(name, number, DERIVED if name in derived else MEASURED))
    value = spec.value(features, params)
    threshold = spec.threshold_of(params)
    absent = value != value
    waived = absent and threshold is not None and spec.waived_by(waive)
    passed = threshold is None or waived or _COMPARE[spec.op](value, threshold)
    return Gate(spec.name, tuple(inputs), None if absent else value, spec.op, threshold, passed, waived)
