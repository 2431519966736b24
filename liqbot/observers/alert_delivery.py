"""Alerts on their way out: a thread for each receiver, which may be slow or gone; nobody waits for it."""

import http.client
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Final

import structlog
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from liqbot.exits import Exit, ExpectedError
from liqbot.message_signature import SIGNATURE, TIMESTAMP, signature
from liqbot.observers.alert_rules import NOT_URGENT, Alert
from liqbot.settings.alerts import AlertParams

WAITING_MAX: Final = 1_000
CLOSE_S: Final = 3.0
TRIES: Final = 4
Sender = Callable[[Alert], None]
"""Blocks until the receiver has taken it; NotTakenError where it has not."""
_log = structlog.get_logger(__name__)


class NotTakenError(Exception):
    """Why a receiver did not take an alert; it may take it later."""


class Delivery:
    """A sink: hands alerts to its thread. Each is tried `TRIES` times and, if nobody takes it, logged and left."""

    def __init__(self, name: str, send: Sender, *, first_wait_s: float = 0.5) -> None:
        self._name, self._send, self._first_wait_s = name, send, first_wait_s
        self._waiting: queue.Queue[Alert | None] = queue.Queue(WAITING_MAX)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why the newest alert was not taken; empty while all goes well."""

    def __call__(self, alert: Alert) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"alerts-{self._name}", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(alert)
        except queue.Full:
            self.trouble = f"{self._name}: {WAITING_MAX} alerts wait; the newest was dropped"

    def close(self) -> None:
        """What waits is still tried, for a moment."""
        if self._thread is None:
            return
        self._closing.set()
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (alert := self._waiting.get()) is not None:
            self._deliver(alert)

    def _pause(self, wait_s: float) -> None:
        """Between two tries; none once the house is ending."""
        self._closing.wait(wait_s)

    def _deliver(self, alert: Alert) -> None:
        retrying = Retrying(
            stop=stop_after_attempt(TRIES), wait=wait_exponential(self._first_wait_s), reraise=True,
            retry=retry_if_exception_type(NotTakenError), sleep=self._pause,
        )
        try:
            retrying(self._send, alert)
        except (NotTakenError, RetryError) as error:
            self.trouble = f"{self._name}: {error}"
            _log.error("an alert was not taken", sink=self._name, code=alert.code, text=alert.text, reason=str(error))
        else:
            self.trouble = ""


def notify_sender(params: AlertParams) -> Sender:
    """By the library apprise. ExpectedError (configuration) without addresses, for one that it does not know, and where
    it is not installed."""
    try:
        import apprise
    except ImportError:
        raise ExpectedError(
            "observers.alert_sinks: notify needs the package apprise: pip install 'liqbot[notify]'", Exit.CONFIG
        ) from None
    addresses = params.notify.get_secret_value().split() if params.notify is not None else []
    if not addresses:
        raise ExpectedError(
            "alerts.notify: missing, and observers.alert_sinks has notify; put addresses of apprise into "
            "LIQBOT_ALERTS__NOTIFY or a file of that name in the secrets directory", Exit.CONFIG,
        )
    receivers = apprise.Apprise()
    for number, address in enumerate(addresses, 1):
        if not receivers.add(address):
            raise ExpectedError(f"alerts.notify: address {number} is none that apprise knows", Exit.CONFIG)

    def send(alert: Alert) -> None:
        kind = apprise.NotifyType.INFO if alert.code in NOT_URGENT else apprise.NotifyType.WARNING
        if not receivers.notify(title=f"liqbot {alert.code}", body=alert.text, notify_type=kind):
            raise NotTakenError("a receiver did not take it")

    return send


def webhook_sender(params: AlertParams) -> Sender:
    """POST of {time_ms, code, text} as JSON, signed where there is a secret. ExpectedError (configuration) without an
    address."""
    if not params.webhook_url:
        raise ExpectedError("alerts.webhook_url: missing, and observers.alert_sinks has webhook", Exit.CONFIG)
    secret = params.webhook_secret.get_secret_value() if params.webhook_secret is not None else ""

    def send(alert: Alert) -> None:
        body = json.dumps({"time_ms": alert.time_ms, "code": alert.code, "text": alert.text}).encode()
        stamp = str(time.time_ns() // 1_000_000_000)
        headers = {"Content-Type": "application/json", TIMESTAMP: stamp}
        if secret:
            headers[SIGNATURE] = signature(secret, stamp, body)
        taken(urllib.request.Request(params.webhook_url, body, headers, method="POST"), params.timeout_s)  # noqa: S310

    return send


def taken(request: urllib.request.Request, timeout_s: float) -> None:
    """Returns once the receiver has taken it; NotTakenError where it has not. The settings checked its address."""
    try:
        with urllib.request.urlopen(request, timeout=timeout_s):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        raise NotTakenError(f"it answered {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotTakenError(f"it cannot be reached: {getattr(error, 'reason', error)}") from error
