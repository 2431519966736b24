"""The observer that raises alerts: what a person must know at once, handed to the sinks that the configuration names.

Not enabled by default. A user's own sink is an observer of its own: `examples/alert_sink.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import Event, Flatten, Halt, PositionDeleveraged, PositionLiquidated
from liqbot.exits import Exit, ExpectedError
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext
from liqbot.signals.verdict import STRATEGY_FAILED

FILE_NAME: Final = "alerts.jsonl"
_log = structlog.get_logger(__name__)


class Alert(NamedTuple):
    """`code` is stable, `text` is for people."""

    time_ms: int
    code: str
    text: str


Sink = Callable[[Alert], None]


class AlertObserver(Observer):
    """An alert when the state begins, none while it lasts."""

    name = "alerts"

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._latched = False
        self._disabled: frozenset[str] = frozenset()

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        for fact in block.facts:
            for alert in alerts_of(fact):
                self._send(alert)
        disabled = engine.guard.disabled
        for name in disabled.keys() - self._disabled:
            self._send(Alert(step.time_ms, STRATEGY_FAILED, f"{name} enters nothing: {disabled[name]}"))
        self._disabled = frozenset(disabled)
        drawdown = engine.account.drawdown
        if drawdown.latched and not self._latched:
            text = f"{drawdown.drawdown_pct:.2f} % below the highest equity: nothing is entered"
            self._send(Alert(step.time_ms, "LOSS_LIMIT", text))
        self._latched = drawdown.latched

    def _send(self, alert: Alert) -> None:
        for sink in self._sinks:
            sink(alert)


def alerts_of(fact: Event) -> Iterator[Alert]:
    """What a person must know of one fact."""
    if isinstance(fact, Halt | Flatten):
        yield Alert(fact.time_ms, fact.code or type(fact).__name__.upper(), fact.reason)
    elif isinstance(fact, PositionLiquidated | PositionDeleveraged):
        code = "LIQUIDATED" if isinstance(fact, PositionLiquidated) else "DELEVERAGED"
        held = f"{fact.side.word} {fact.quantity_base} {fact.coin} on {fact.venue}"
        yield Alert(fact.time_ms, code, f"our {held} was taken at {fact.price}")


def log_sink(_context: ObserverContext) -> Sink:
    """One warning in the log."""
    return lambda alert: _log.warning("ALERT", code=alert.code, text=alert.text, time_ms=alert.time_ms)


def file_sink(context: ObserverContext) -> Sink | None:
    """One JSON line in `alerts.jsonl` of the state directory; None where there is none."""
    if context.data is None:
        return None
    path = context.data / FILE_NAME
    return lambda alert: _append(path, alert)


SINKS: Final[Mapping[str, Callable[[ObserverContext], Sink | None]]] = {"log": log_sink, "file": file_sink}


def require_sinks(names: Sequence[str]) -> None:
    """ExpectedError (configuration) for a sink that there is not."""
    for name in names:
        if name not in SINKS:
            known = ", ".join(SINKS)
            raise ExpectedError(f"observers.alert_sinks: {name!r} is no sink; there are {known}", Exit.CONFIG)


def alert_observer(context: ObserverContext) -> AlertObserver:
    """With the sinks of `observers.alert_sinks`; ExpectedError (configuration) for one that there is not."""
    require_sinks(context.settings.observers.alert_sinks)
    made = (SINKS[name](context) for name in context.settings.observers.alert_sinks)
    return AlertObserver([sink for sink in made if sink is not None])


def _append(path: Path, alert: Alert) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(alert._asdict()) + "\n")
