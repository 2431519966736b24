"""A ping while all is well: it stays away with the house's health, with its thread, and with its process."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from market_views import NOW_MS, a_view
from patience import PATIENCE_S

from liqbot.observers.alerts import alert_observer
from liqbot.observers.dead_man import HealthPing
from liqbot.observers.house_health import HealthWatch
from liqbot.observers.registry import ObserverContext
from liqbot.settings import Settings, settings_model
from liqbot.settings.alerts import AlertParams

SETTINGS: Settings = settings_model()()


class Watcher(HTTPServer):
    """Counts the pings that it gets on loopback."""

    pings, answers = 0, 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ping/1234"


class _Answer(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.pings += self.path == "/ping/1234"
        self.send_response(self.server.answers)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextlib.contextmanager
def watcher() -> Iterator[Watcher]:
    with Watcher(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def until(true: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until_s, "never"
        time.sleep(0.01)


class Told:
    """A house as it stands, pinging often."""

    def __init__(self, url: str) -> None:
        self.now_s, self.journal = 0.0, ""
        params = AlertParams(ping_url=url).model_copy(update={"ping_every_s": 0.02})
        self.ping = HealthPing(params, HealthWatch(SETTINGS, lambda: self.journal, lambda: self.now_s))

    def tick(self, age_ms: int = 100) -> None:
        class Nothing:
            positions = ()

            def naked_ms(self, _ms: int) -> int:
                return 0

        class Standing:
            views = (a_view(age_ms=age_ms),)
            account = order_manager = Nothing()

        engine: Any = Standing()
        self.ping.on_tick(engine, NOW_MS)


def test_it_stays_away_in_every_trouble_and_comes_back() -> None:
    with watcher() as server:
        house = Told(server.url)
        try:
            for trouble, mended in (
                (lambda: house.tick(age_ms=99_000), house.tick),
                (lambda: setattr(house, "journal", "disk is full"), lambda: setattr(house, "journal", "")),
                (lambda: setattr(house, "now_s", 10_000.0), lambda: setattr(house, "now_s", 0.0)),
            ):
                house.tick()
                before = server.pings
                until(lambda before=before: server.pings > before)  # type: ignore[misc]
                trouble()
                time.sleep(0.05)  # one may be on its way
                quiet = server.pings
                time.sleep(0.15)
                assert server.pings == quiet
                mended()
        finally:
            house.ping.close()
        ended = server.pings
        time.sleep(0.1)
        assert server.pings == ended, "nothing is said of a house that has ended"


def test_a_receiver_that_refuses_is_a_trouble_and_its_address_is_not_told() -> None:
    with watcher() as server:
        server.answers = 500
        house = Told(server.url)
        house.tick()
        until(lambda: bool(house.ping.trouble))
        house.ping.close()
        assert house.ping.trouble == "ping: it answered 500"


def test_nothing_pings_without_an_address() -> None:
    observer = alert_observer(ObserverContext(SETTINGS))
    assert observer._ping is None
    with pytest.raises(ValueError, match="https://"):
        AlertParams(ping_url="http://example.com/ping")


@pytest.mark.long
def test_a_killed_bot_is_noticed(tmp_path: Path) -> None:
    words = (sys.executable, "-c", "import sys; from liqbot.cli import main; sys.exit(main())", "paper", "--data",
             str(tmp_path), "--for", "10m", "--set", "paper.world.backfill_days=0.1", "--set",
             "paper.world.burn_in_days=0.1", "--set", 'observers.enabled=["ledger", "alerts"]')  # fmt: skip
    with watcher() as server:
        ping = ("--set", f"alerts.ping_url={server.url}", "--set", "alerts.ping_every_s=1")
        with subprocess.Popen(
            [*words, *ping], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ.copy()
        ) as bot:
            try:
                until(lambda: server.pings >= 2 or bot.poll() is not None)
                assert bot.poll() is None
            finally:
                bot.send_signal(signal.SIGKILL)
        noticed = server.pings
        time.sleep(2.5)
        assert server.pings == noticed
