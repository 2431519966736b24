"""What the calls of a user's own strategy answer, as what the house reckons with: plain numbers, text, reasons.

Whoever writes with numpy answers with its numbers, which no journal takes, and whoever forgets what a call is to answer
answers with something else. The former become plain, the latter are named.
"""

import functools
import numbers
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.market.view import MarketView
from liqbot.signals.gates import GateSpec
from liqbot.signals.strategy import Exits, Invalidation, Reason, Strategy

_SHOWN_MAX: Final = 60
_PLAIN: Final = (float, int)


class WrongAnswer(TypeError):
    """Which call answered what, and what would be right."""


def answering(strategy: Strategy) -> Strategy:
    """The same, whose calls answer with nothing else, else WrongAnswer; one of these is itself."""
    if isinstance(strategy.exits, functools.partial) and strategy.exits.func is _exits:
        return strategy
    return msgspec.structs.replace(
        strategy,
        gates=tuple(_gate(spec) for spec in strategy.gates),
        exits=functools.partial(_exits, strategy.exits),
        why=functools.partial(_why, strategy.why),
        invalidations=tuple(functools.partial(_reason, ask) for ask in strategy.invalidations),
    )


def _gate(spec: GateSpec) -> GateSpec:
    def value(features: Any, params: Any) -> Any:
        answer = spec.value(features, params)
        return answer if isinstance(answer, bool) else _number(answer, f"gate {spec.name!r}")

    return msgspec.structs.replace(spec, value=value)


def _number(answer: Any, where: str) -> Any:
    """Columns stay columns."""
    if type(answer) in _PLAIN or (isinstance(answer, np.ndarray) and answer.ndim):
        return answer
    if isinstance(answer, bool) or not isinstance(answer, numbers.Real | Decimal | np.bool_ | np.ndarray):
        raise WrongAnswer(f"{where} answered {_shown(answer)}; a number is right")
    return float(answer)


def _exits(call: Callable[[Any, Any], Any], features: Any, params: Any) -> Exits:
    answer = call(features, params)
    if not isinstance(answer, Exits):
        raise WrongAnswer(f"exits answered {_shown(answer)}; Exits(stop_pct, take_pct) is right")
    stop_pct, take_pct = _number(answer.stop_pct, "exits: stop_pct"), answer.take_pct
    return Exits(stop_pct, None if take_pct is None else _number(take_pct, "exits: take_pct"))


def _why(call: Callable[[Any, Exits], Any], features: Any, exits: Exits) -> str:
    answer = call(features, exits)
    if not isinstance(answer, str):
        raise WrongAnswer(f"why answered {_shown(answer)}; text is right")
    return answer


def _reason(ask: Invalidation, view: MarketView, position: Any, params: Any) -> Reason | None:
    answer: Any = ask(view, position, params)
    if answer is None:
        return None
    words = isinstance(answer, tuple) and len(answer) == 2 and all(isinstance(word, str) for word in answer)
    if not words or not answer[0].strip():
        raise WrongAnswer(f"an invalidation answered {_shown(answer)}; None or Reason(code, why) is right")
    return Reason(*answer)


def _shown(answer: Any) -> str:
    return repr(answer)[:_SHOWN_MAX]
