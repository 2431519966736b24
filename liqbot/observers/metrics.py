"""The observer that serves figures for Prometheus and the house's health, in a thread of its own."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, make_wsgi_app

from liqbot.blocks import EventBlock
from liqbot.commands import PlaceOrder
from liqbot.engine import Engine, Step
from liqbot.events import FeedDown, Fill, OrderRejected
from liqbot.exits import Exit, ExpectedError
from liqbot.observers.house_health import HealthWatch
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext
from liqbot.risk.decision import Refused
from liqbot.settings import Settings

HEALTH, FIGURES = "/healthz", "/metrics"
_CLOSE_S: Final = 2.0
_log = structlog.get_logger(__name__)


class HouseFigures:
    """What is counted and measured, in a registry of its own. USD in a map is an estimate."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.equity = self._gauge("equity_usd", "Equity of the account.")
        self.drawdown = self._gauge("drawdown_pct", "Below the highest equity, percent.")
        self.halted = self._gauge("halted", "1 while nothing may be entered.")
        self.naked = self._gauge("unprotected_ms", "How long a position has been without a confirmed stop; 0: none is.")
        self.position = self._gauge("position_base", "Size of an open position.", "venue", "coin", "side")
        self.price_age = self._gauge("price_age_ms", "Age of the trading venue's newest price.", "coin")
        self.mark = self._gauge("mark_price", "Mark of the map.", "coin")
        self.live_venues = self._gauge("live_venues", "Venues whose feeds are fresh.", "coin")
        self.fuel = self._gauge("map_fuel_usd", "Estimated liquidations near the mark.", "coin", "side")
        self.skill = self._gauge("map_skill_share", "The map's own score of the last days.", "coin")
        self.journal = self._gauge("journal_stuck", "1 while the journal cannot be written.")
        self.tick = self._gauge("last_tick_timestamp_seconds", "Market time of the newest Tick.")
        self.fills = self._counter("fills", "Fills of ours.", "side", "reduces")
        self.orders = self._counter("orders_sent", "Orders sent.", "purpose")
        self.rejected = self._counter("orders_rejected", "Orders that a venue refused.", "code")
        self.decided = self._counter("decisions", "Answers of risk to signals.", "code")
        self.feeds = self._counter("feed_down", "Times that a feed went down.", "venue", "feed")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"liqbot_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"liqbot_{name}", text, labels, registry=self.registry)

    def count(self, block: EventBlock, step: Step) -> None:
        """What happened in a step."""
        for fact in (*block.facts, *step.feeds):
            if isinstance(fact, Fill):
                self.fills.labels(fact.side.word, str(fact.reduces).lower()).inc()
            elif isinstance(fact, OrderRejected):
                self.rejected.labels(fact.code).inc()
            elif isinstance(fact, FeedDown):
                self.feeds.labels(fact.venue, fact.feed).inc()
        for command in step.commands:
            if isinstance(command, PlaceOrder):
                self.orders.labels(command.purpose.value).inc()
        for decision in step.decisions:
            self.decided.labels(decision.code.value if isinstance(decision, Refused) else "APPROVED").inc()

    def measure(self, engine: Engine, time_ms: int, *, journal_stuck: bool) -> None:
        """How things stand at a Tick."""
        account = engine.account
        self.equity.set(float(account.equity_usd))
        self.drawdown.set(account.drawdown.drawdown_pct)
        self.halted.set(bool(account.halted or account.drawdown.latched))
        self.naked.set(engine.order_manager.naked_ms(time_ms))
        self.journal.set(journal_stuck)
        self.tick.set(time_ms / 1_000)
        self.position.clear()
        for held in account.positions:
            self.position.labels(held.venue, held.coin, held.side.word).set(float(held.quantity_base))
        for view in engine.views:
            self.price_age.labels(view.coin).set(view.age_ms)
            self.mark.labels(view.coin).set(view.mark_price)
            self.live_venues.labels(view.coin).set(view.live_venues)
            self.skill.labels(view.coin).set(view.map_skill_share)
            for side in (view.above, view.below):
                self.fuel.labels(view.coin, side.side.word).set(side.fuel_usd)


class MetricsObserver(Observer):
    """Counts on the house's thread, answers on its own. `journal_trouble` says why the journal cannot be written."""

    name = "metrics"

    def __init__(
        self, settings: Settings, journal_trouble: Callable[[], str], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._journal_trouble = settings, journal_trouble
        self._figures = HouseFigures()
        self._health = HealthWatch(settings, journal_trouble, clock_s)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Which one it listens on; 0 while it does not."""
        return 0 if self._server is None else int(self._server.server_port)

    def listen(self, port: int) -> None:
        """ExpectedError (configuration) when the port cannot be had; 0 takes a free one."""
        host = self._settings.metrics.host
        try:
            self._server = make_server(host, port, self._answer, _Server, _Quiet)
        except OSError as error:
            raise ExpectedError(
                f"metrics.port: {port} of {host} cannot be listened on ({error.strerror}); choose another one",
                Exit.CONFIG,
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        _log.info("metrics are served", address=host, port=self.port)

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        self._figures.count(block, step)
        if block.tick_ms is None:
            return
        self._figures.measure(engine, step.time_ms, journal_stuck=bool(self._journal_trouble()))
        self._health.on_tick(engine, step.time_ms)

    def close(self) -> None:
        """Answers no more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(_CLOSE_S)
            self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == FIGURES:
            figures: Iterable[bytes] = make_wsgi_app(self._figures.registry)(environ, start_response)
            return figures
        if path == HEALTH:
            troubles = self._health.troubles()
            return _json(start_response, "503 Service Unavailable" if troubles else "200 OK", {
                "healthy": not troubles, "troubles": troubles,
            })
        return _json(start_response, "404 Not Found", {"error": f"nothing is here: GET {HEALTH} or {FIGURES}"})


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A slow reader holds up no other."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, *_: object) -> None:
        """Every scrape would be a line."""


def _json(start_response: Callable[..., Any], status: str, value: dict[str, Any]) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(value).encode() + b"\n"]


def metrics_observer(context: ObserverContext) -> MetricsObserver:
    """Listens from now on. ExpectedError (configuration) when it cannot."""
    observer = MetricsObserver(context.settings, context.journal_trouble)
    observer.listen(context.settings.metrics.port)
    return observer
