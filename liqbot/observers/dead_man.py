"""`HealthPing`: a request now and then while all is well, so that somebody else notices when it stays away."""

import threading
import urllib.request
from typing import Final

import structlog

from liqbot.engine import Engine
from liqbot.observers.alert_delivery import CLOSE_S, NotTakenError, taken
from liqbot.observers.house_health import HealthWatch
from liqbot.settings.alerts import AlertParams

NAME: Final = "ping"
_log = structlog.get_logger(__name__)


class HealthPing:
    """In a thread of its own, begun with the first Tick. One that is not taken is not made up for: the next one counts.
    While the house is in trouble, or its thread hangs, none leaves; nor once it has ended."""

    def __init__(self, params: AlertParams, health: HealthWatch) -> None:
        self._params, self._health = params, health
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why the newest ping was not taken; empty while all goes well."""

    def on_tick(self, engine: Engine, time_ms: int) -> None:
        self._health.on_tick(engine, time_ms)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """No more pings."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._health.troubles():
                self._ping()
            self._closing.wait(self._params.ping_every_s)

    def _ping(self) -> None:
        try:
            taken(urllib.request.Request(self._params.ping_url), self._params.timeout_s)  # noqa: S310  checked
        except NotTakenError as error:
            if not self.trouble:  # once for as long as it lasts; the address may bear a key
                _log.warning("a ping was not taken", reason=str(error))
            self.trouble = f"{NAME}: {error}"
        else:
            self.trouble = ""
