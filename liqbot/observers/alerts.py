"""The observer that raises alerts: what a person must know at once, handed to the sinks that the configuration names.

Not enabled by default. A user's own sink is an observer of its own: `examples/alert_sink.py`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.exits import Exit, ExpectedError
from liqbot.observers.alert_delivery import Delivery, notify_sender, webhook_sender
from liqbot.observers.alert_gate import AlertGate, told
from liqbot.observers.alert_rules import Alert, Rule, rules_of
from liqbot.observers.dead_man import HealthPing
from liqbot.observers.house_health import HealthWatch
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext

FILE_NAME: Final = "alerts.jsonl"
_log = structlog.get_logger(__name__)
Sink = Callable[[Alert], None]


class AlertObserver(Observer):
    """An alert when the state begins, none while it lasts. `deliveries` are sinks that have a thread of their own;
    `ping` tells that all is well."""

    name = "alerts"

    def __init__(
        self, sinks: Sequence[Sink], rules: Sequence[Rule], gate: AlertGate, deliveries: Sequence[Delivery] = (),
        ping: HealthPing | None = None,
    ) -> None:
        self._sinks, self._rules, self._gate = tuple(sinks), tuple(rules), gate
        self._deliveries, self._ping = tuple(deliveries), ping

    @property
    def trouble(self) -> str:  # type: ignore[override]  # read, not set: a receiver may fail and come back
        troubles = [one.trouble for one in self._deliveries if one.trouble]
        return "; ".join((*troubles, *([self._ping.trouble] if self._ping and self._ping.trouble else [])))

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        if self._ping is not None and block.tick_ms is not None:
            self._ping.on_tick(engine, step.time_ms)
        for rule in self._rules:
            for alert in told(rule.look(block, step, engine), self._gate):
                for sink in self._sinks:
                    sink(alert)

    def close(self) -> None:
        """What waits is still sent, for a moment."""
        if self._ping is not None:
            self._ping.close()
        for delivery in self._deliveries:
            delivery.close()


def log_sink(_context: ObserverContext) -> Sink:
    """One warning in the log."""
    return lambda alert: _log.warning("ALERT", code=alert.code, text=alert.text, time_ms=alert.time_ms)


def file_sink(context: ObserverContext) -> Sink | None:
    """One JSON line in `alerts.jsonl` of the state directory; None where there is none."""
    if context.data is None:
        return None
    path = context.data / FILE_NAME
    return lambda alert: _append(path, alert)


def notify_sink(context: ObserverContext) -> Delivery:
    """Chats, pagers and mail by the library apprise: `alerts.notify`. ExpectedError (configuration) without it."""
    return Delivery("notify", notify_sender(context.settings.alerts))


def webhook_sink(context: ObserverContext) -> Delivery:
    """A signed POST to `alerts.webhook_url`. ExpectedError (configuration) without it."""
    return Delivery("webhook", webhook_sender(context.settings.alerts))


SINKS: Final[Mapping[str, Callable[[ObserverContext], Sink | None]]] = {
    "log": log_sink, "file": file_sink, "notify": notify_sink, "webhook": webhook_sink,
}


def require_sinks(names: Sequence[str]) -> None:
    """ExpectedError (configuration) for a sink that there is not."""
    for name in names:
        if name not in SINKS:
            known = ", ".join(SINKS)
            raise ExpectedError(f"observers.alert_sinks: {name!r} is no sink; there are {known}", Exit.CONFIG)


def alert_observer(context: ObserverContext) -> AlertObserver:
    """With the sinks of `observers.alert_sinks`; ExpectedError (configuration) for one that there is not."""
    require_sinks(context.settings.observers.alert_sinks)
    made = [SINKS[name](context) for name in context.settings.observers.alert_sinks]
    params = context.settings.alerts
    health = HealthWatch(context.settings, context.journal_trouble, time.monotonic)
    return AlertObserver(
        [sink for sink in made if sink is not None], rules_of(params), AlertGate(params),
        [sink for sink in made if isinstance(sink, Delivery)], HealthPing(params, health) if params.ping_url else None,
    )


def _append(path: Path, alert: Alert) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time_ms": alert.time_ms, "code": alert.code, "text": alert.text}) + "\n")
