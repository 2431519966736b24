"""What a strategy must keep to: parameters with defaults, gates over features and thresholds that exist, exits that
give numbers. Found at load, on a row of features, instead of while it trades."""

import difflib
import inspect
import json
import math
import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from pydantic import ValidationError

from liqbot.market.map.distances import Distances
from liqbot.raised import said_by
from liqbot.signals.features import FEATURE_NAMES, VIEW_NUMBERS, Features
from liqbot.signals.gates import OPERATORS, GateSpec
from liqbot.signals.own_answers import WrongAnswer, answering
from liqbot.signals.strategy import Exits, Strategy, StrategyParams

_VALUES: Final[tuple[Any, ...]] = (
    *[1.0] * (len(Features.__struct_fields__) - 1),
    SimpleNamespace(**dict.fromkeys(VIEW_NUMBERS, 1.0), funding_of=lambda _venue: 1.0, thin_zones=(),
                    map=SimpleNamespace(distances=Distances())),
)  # fmt: skip
_ROW: Final = Features(*_VALUES)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")
_MISTAKES: Final = (AttributeError, NameError, TypeError, UnboundLocalError)
"""Errors of the code itself, whatever the numbers are."""
_LISTED: Final = (tuple, list)


def faults_of(strategy: Strategy) -> Iterator[str]:
    """One line for each thing that is wrong with a strategy's own description."""
    kind: Any = strategy.params
    if not (isinstance(kind, type) and issubclass(kind, StrategyParams)):
        yield f"params: expected a subclass of StrategyParams, found {kind!r}"
        return
    try:
        params = strategy.params()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        yield f"params: {'.'.join(map(str, first['loc']))} needs a default that holds ({first['msg']})"
        return
    for name in type(params).model_fields:
        yield from _parameter_faults(params, name)
    shape = (*_gate_faults(strategy, params), *_invalidation_faults(strategy))
    yield from shape
    if not shape:
        yield from _call_faults(answering(strategy), params)


def _parameter_faults(params: StrategyParams, name: str) -> Iterator[str]:
    """A parameter is compared at every tick and kept in the journal, from which a replay reads it."""
    value = getattr(params, name)
    if name in StrategyParams.model_fields:
        try:
            StrategyParams.model_validate({name: value}, strict=True)
        except ValidationError as error:
            yield f"params: {name} is {value!r}; {error.errors(include_url=False)[0]['msg']}, as for every strategy"
    if isinstance(value, frozenset) or not isinstance(value, Hashable):
        yield f"params: {name} is a {type(value).__name__}; expected what keeps its order and content, as a tuple does"
        return
    try:
        written = json.dumps(params.model_dump(mode="json", include={name}), allow_nan=False)
        kept = getattr(type(params).model_validate(json.loads(written)), name) == value
    except (TypeError, ValueError):
        kept = False
    if not kept:
        shown = f"a {type(value).__name__}" if callable(value) else _ADDRESS.sub("0x..", repr(value))
        yield f"params: {name} is {shown}, which no journal can keep; expected a finite number, text, bool or a tuple"


def _gate_faults(strategy: Strategy, params: StrategyParams) -> Iterator[str]:
    gates: Any = strategy.gates
    yield from _listed_faults("gates", gates, "GateSpecs")
    if not isinstance(gates, _LISTED):
        return
    if not gates:
        yield "gates: expected at least one"
    names = [getattr(spec, "name", None) for spec in gates]
    for number, spec in enumerate(gates):
        if not isinstance(spec, GateSpec):
            yield f"gates: entry {number + 1} is a {type(spec).__name__}, expected a GateSpec"
            continue
        name: Any = spec.name
        where = f"gate {name!r}"
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            yield f"{where}: expected a name that can be printed in a line"
        elif names.count(name) > 1:
            yield f"{where}: there are two of this name"
        if spec.op not in OPERATORS:
            yield f"{where}: compares by {spec.op!r}, expected one of {', '.join(OPERATORS)}"
        inputs: Any = spec.inputs
        yield from _listed_faults(f"{where}: inputs", inputs, "names")
        for one in inputs if isinstance(inputs, _LISTED) else ():
            if one not in FEATURE_NAMES:
                yield f"{where}: input {one!r} is no feature{_nearest(str(one), FEATURE_NAMES)}"
        yield from _threshold_faults(where, spec.threshold, params)


def _threshold_faults(where: str, threshold: Any, params: StrategyParams) -> Iterator[str]:
    """A number, or the name of a parameter that is one or null."""
    fields = type(params).model_fields
    if isinstance(threshold, str) and threshold not in fields:
        yield f"{where}: threshold {threshold!r} is no parameter{_nearest(threshold, fields)}"
        return
    named = isinstance(threshold, str)
    value = getattr(params, threshold) if named else threshold
    if named and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        of = f"{threshold!r}, which is {value!r}" if named else repr(value)
        yield f"{where}: threshold {of}; expected a finite number or the name of a parameter that is one"


def _invalidation_faults(strategy: Strategy) -> Iterator[str]:
    asked: Any = strategy.invalidations
    yield from _listed_faults("invalidations", asked, "functions")
    for number, ask in enumerate(asked if isinstance(asked, _LISTED) else ()):
        where = f"invalidations: entry {number + 1}"
        if not callable(ask):
            yield f"{where} is a {type(ask).__name__}, expected a function of view, position and parameters"
            continue
        try:
            inspect.signature(ask).bind(None, None, None)
        except TypeError:
            yield f"{where} cannot be called with view, position and parameters"
        except ValueError:
            continue  # written in C: nobody knows what it takes


def _listed_faults(where: str, several: Any, of: str) -> Iterator[str]:
    """What is gone through at every tick: a tuple of one needs its comma, and a generator is spent after the first."""
    if not isinstance(several, _LISTED):
        yield f"{where}: expected a tuple of {of}, as in (one,); found a {type(several).__name__}"


def _call_faults(strategy: Strategy, params: StrategyParams) -> Iterator[str]:
    for spec in strategy.gates:
        yield from _fault_of(f"gate {spec.name!r}", partial(spec.value, _ROW, params))
    yield from _fault_of("exits", lambda: strategy.exits(_ROW, params))
    yield from _fault_of("why", lambda: strategy.why(_ROW, Exits(1.0, 2.0)))


def _fault_of(where: str, call: Callable[[], Any]) -> Iterator[str]:
    try:
        call()
    except WrongAnswer as error:
        yield str(error)
    except _MISTAKES as error:
        yield f"{where}: {type(error).__name__}: {said_by(error)}"
    except ArithmeticError:
        return  # on other numbers it may well answer


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
