"""What `optimize` may turn: parameters of strategies with the values each may take, as one writes them, or as the
gates of a strategy suggest."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Settings
from liqbot.signals.strategy import Strategy

Candidate = Mapping[str, Any]
"""Full name of a parameter, `signals.<strategy>.<name>` -> value."""
_SUGGESTED: Final = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Of a threshold that nobody gives values for: these times what it is set to."""
_VALUES_MAX: Final = 1_000
"""Of one parameter."""


class Dimension(msgspec.Struct, frozen=True):
    """One parameter and the values it may take, in ascending order where they are numbers."""

    name: str
    values: tuple[Any, ...]


class SearchSpace(msgspec.Struct, frozen=True):
    dimensions: tuple[Dimension, ...]

    @property
    def size(self) -> int:
        return math.prod(len(one.values) for one in self.dimensions)

    def grid(self) -> Iterator[dict[str, Any]]:
        """Every combination, the last parameter changing fastest."""
        for values in itertools.product(*(one.values for one in self.dimensions)):
            yield dict(zip((one.name for one in self.dimensions), values, strict=True))


def key_of(candidate: Candidate) -> str:
    """Equal candidates, equal text."""
    return json.dumps(dict(candidate), sort_keys=True)


def written_space(lines: Sequence[str]) -> SearchSpace:
    """Of `name=low:high:step` or `name=value,value,...`, each name once. ExpectedError (usage) with what would be
    right."""
    dimensions = tuple(_dimension(line) for line in lines)
    names = [one.name for one in dimensions]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ExpectedError(f"--search {lines[number]!r}: {name} is searched already; once is right", Exit.USAGE)
    return SearchSpace(dimensions)


def _dimension(line: str) -> Dimension:
    name, _, text = line.partition("=")
    try:
        values = _range(text) if ":" in text else tuple(json.loads(f"[{text}]"))
    except ValueError:
        values = ()
    if len(values) > _VALUES_MAX:
        raise ExpectedError(
            f"--search {line!r}: more than {_VALUES_MAX:,} values; a larger STEP or fewer values are right", Exit.USAGE
        )
    if not values or name.count(".") != 2 or not name.startswith("signals."):
        raise ExpectedError(
            f"--search {line!r}: signals.STRATEGY.PARAMETER=LOW:HIGH:STEP, or values as in =1,2,null", Exit.USAGE
        )
    return Dimension(name, _each_once(values))


def _each_once(values: Sequence[Any]) -> tuple[Any, ...]:
    """As they come; 1 and 1.0 are alike, true is neither."""
    found: list[Any] = []
    for value in values:
        if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in found):
            found.append(value)
    return tuple(found)


def _range(text: str) -> tuple[float, ...]:
    """One more than there may be where there would be more."""
    low, high, step = (float(part) for part in text.split(":"))
    if not step > 0 or not high >= low or not math.isfinite(high - low):
        raise ValueError(text)
    count = math.floor(min((high - low) / step + 1e-9, _VALUES_MAX)) + 1
    return tuple(round(low + step * number, 12) for number in range(count))


def suggested_space(settings: Settings, strategies: Sequence[str]) -> SearchSpace:
    """The thresholds of these strategies' gates, or of all that are enabled, around what they are set to. What a
    parameter's own bounds forbid is left out. ExpectedError (usage) for a strategy that is not loaded."""
    signals, found = settings.signals, []
    known = {one.name: one for one in signals.strategies}
    for name in strategies or [one.name for one in signals.strategies if signals.of(one).enabled]:
        if name not in known:
            raise ExpectedError(f"--strategy {name!r}: one of {', '.join(known)}", Exit.USAGE)
        found += _thresholds(known[name], signals.of(known[name]))
    return SearchSpace(tuple(found))


def _thresholds(strategy: Strategy, params: Any) -> list[Dimension]:
    names = dict.fromkeys(gate.threshold for gate in strategy.gates if isinstance(gate.threshold, str))
    found = []
    for name in names:
        now = getattr(params, name)
        if isinstance(now, float) and now:
            near = sorted(round(now * factor, 9) for factor in _SUGGESTED)
            values = tuple(value for value in near if _allowed(params, name, value))
            if len(values) > 1:
                found.append(Dimension(f"signals.{strategy.name}.{name}", values))
    return found


def _allowed(params: Any, name: str, value: float) -> bool:
    try:
        type(params).model_validate({**params.model_dump(), name: value})
    except ValueError:
        return False
    return True


def with_candidate(settings: Settings, candidate: Candidate) -> Settings:
    """ExpectedError (usage) for a strategy that is not loaded, a parameter it lacks, or a value that does not hold."""
    signals = settings.signals
    changes: dict[str, dict[str, Any]] = {}
    for full, value in candidate.items():
        _, strategy, name = full.split(".")
        changes.setdefault(strategy, {})[name] = value
    sections = {}
    for strategy, values in changes.items():
        params = getattr(signals, strategy, None) if strategy in type(signals).model_fields else None
        if params is None or not hasattr(params, "model_dump"):
            known = ", ".join(one.name for one in signals.strategies)
            raise ExpectedError(f"signals.{strategy}: no such strategy; there are {known}", Exit.USAGE)
        try:
            sections[strategy] = type(params).model_validate({**params.model_dump(), **values})
        except ValueError as error:
            said = str(error).splitlines()
            raise ExpectedError(f"signals.{strategy}: {' '.join(said[1:3])}", Exit.USAGE) from None
    return settings.model_copy(update={"signals": signals.model_copy(update=sections)})
