"""The door for signed directions: HTTP in a thread of its own, so that nobody who knocks holds up the house.

All it can do is what `liqbot bias` can. Connections are few and short, whoever sends them.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from liqbot.control.protocol import Reply
from liqbot.control.signed_bias import BODY_BYTES_MAX, Direction, MessageRefused, SignedMessages
from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Settings
from liqbot.settings.params import WebhookParams

if TYPE_CHECKING:
    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATH: Final = "/bias"
CONNECTIONS_MAX: Final = 32
CONNECTIONS_S_MAX: Final = 50
"""New ones a second: beyond it they are turned away before a byte of them is read."""
CONNECTION_S: Final = 5.0
ANSWER_S: Final = 2.0
ENDING_S: Final = 3.0
CLOSED_S: Final = 0.05
SHORT_S: Final = 0.2
SAY_S: Final = 10.0
"""At most so often a refusal is logged."""
RETRY_S: Final = 5.0
_TURNED_AWAY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
Submit = Callable[[dict[str, Any]], Awaitable[Reply]]
_log = structlog.get_logger(__name__)


class WebhookStats(msgspec.Struct):
    taken: int = 0
    refused: int = 0
    turned_away: int = 0
    """Connections beyond what is served at once, or in a second."""
    refused_last: str = ""
    trouble: str = ""


class Webhook:
    """A feed of the house: what it brings goes the way of `liqbot bias`, through the same handler."""

    def __init__(self, settings: Settings, submit: Submit) -> None:
        """`submit` takes a command as the control socket does, on the house's loop."""
        self._params, self._submit = settings.webhook, submit
        self._socket: socket.socket | None = None
        self._begun_ms = 0
        """When it began to listen: what comes before the server runs waits in the socket and is taken."""
        self.stats = WebhookStats()

    def listen(self) -> None:
        """ExpectedError (configuration) without a secret, or when the port cannot be had."""
        require_secret(self._params)
        host, port = self._params.host, self._params.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=CONNECTIONS_MAX)
        except OSError as error:
            why = error.strerror or str(error)
            raise ExpectedError(
                f"webhook.port: {port} of {host} cannot be listened on ({why}); choose another one", Exit.CONFIG
            ) from None
        self._begun_ms, self.stats.trouble = _wall_ms(), ""
        _log.info("webhook listens", address=host, port=port, path=PATH)
        if not ipaddress.ip_address(host).is_loopback:
            _log.warning("the webhook is reachable from other machines, in plain HTTP", address=host)

    def close(self) -> None:
        """Listens no more, also where it never ran."""
        if self._socket is not None:
            self._socket.close()

    def not_listening(self, reason: str) -> None:
        """Said once; it is tried again while the house runs."""
        if not self.stats.trouble:
            _log.error("no webhook: it is tried again", reason=reason)
        self.stats.trouble = reason

    async def run(self, inbox: object) -> None:
        del inbox  # the handler has it
        while self._socket is None:
            await asyncio.sleep(RETRY_S)
            try:
                self.listen()
            except ExpectedError as error:
                self.not_listening(str(error))
        thread = _Thread(self, self._socket, asyncio.get_running_loop())
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(thread.end)

    def messages(self) -> SignedMessages:
        secret = self._params.secret
        return SignedMessages(self._params, secret.get_secret_value() if secret is not None else "", self._begun_ms)

    async def give(self, direction: Direction) -> Reply:
        """On the house's loop. ValueError with what would be right."""
        command: dict[str, Any] = {"verb": "bias", "coin": direction.coin, "side": direction.side, "why": direction.why}
        if direction.side is not None:
            # On the house's own clock: a simulated market has another day.
            command["until_ms"] = (await self._submit({"verb": "clock"}))["time_ms"] + direction.holds_ms
        return await self._submit(command)


def require_secret(params: WebhookParams) -> None:
    """ExpectedError (configuration) where messages are wanted and none could be verified."""
    if params.enabled and params.secret is None:
        raise ExpectedError(
            "webhook.secret: missing, and webhook.enabled is true; put it into LIQBOT_WEBHOOK__SECRET or a file of "
            "that name in the secrets directory (openssl rand -hex 32 makes one)", Exit.CONFIG,
        )


class _Thread:
    """The HTTP server and its loop."""

    def __init__(self, webhook: Webhook, listening: socket.socket, house: asyncio.AbstractEventLoop) -> None:
        self._webhook, self._socket, self._house = webhook, listening, house
        self._messages = webhook.messages()
        self._stats = webhook.stats
        self._said_s = 0.0
        self._second, self._in_second = 0, 0
        self._open: set[asyncio.Transport] = set()
        """Connections of the last seconds."""
        self._connecting: set[asyncio.Task[None]] = set()
        self._http: Any = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """What is under way is answered, or not; nobody waits longer than that."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(ENDING_S)

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            try:
                self._loop.run_until_complete(self._serve())
            except Exception as error:  # noqa: BLE001  the house goes on without it, and says so
                self._stats.trouble = f"{type(error).__name__}: {error}"
                _log.error("the webhook has failed", error=repr(error))

    async def _serve(self) -> None:
        from aiohttp import web

        @web.middleware
        async def in_json(request: web.Request, handler: "Handler") -> web.StreamResponse:
            return await self._in_json(request, handler)

        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[in_json])
        app.router.add_post(PATH, self._bias)
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, auto_decompress=False, keepalive_timeout=0.0,
            lingering_time=0.0, shutdown_timeout=0.5,
        )
        await runner.setup()
        self._socket.setblocking(False)
        self._http = runner.server
        self._accepting()
        await self._stop.wait()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._connecting:
            await asyncio.wait(self._connecting)
        await runner.cleanup()
        for transport in tuple(self._open):
            self._abort(transport)
        await asyncio.sleep(CLOSED_S)

    def _accepting(self) -> None:
        if not self._stop.is_set():
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        """One connection, which is ours to end."""
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return  # whoever knocked has gone
        except OSError as error:  # too many files are open, say
            self._stats.trouble = f"no connection is taken: {error.strerror}"
            self._loop.remove_reader(self._socket)
            self._loop.call_later(SHORT_S, self._accepting)
            return
        if self._may_connect():
            task = self._loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
            return
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.send(_TURNED_AWAY)

    async def _connect(self, connection: socket.socket) -> None:
        transport, _ = await self._loop.connect_accepted_socket(self._http, connection)
        self._open.add(transport)
        self._loop.call_later(CONNECTION_S, self._abort, transport)

    def _abort(self, transport: asyncio.Transport) -> None:
        """A connection that has had its time."""
        self._open.discard(transport)
        transport.abort()

    def _may_connect(self) -> bool:
        second = int(self._loop.time())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        connected = len(self._connecting) + sum(not one.is_closing() for one in self._open)
        may = connected < CONNECTIONS_MAX and self._in_second <= CONNECTIONS_S_MAX
        self._stats.turned_away += not may
        return may

    async def _in_json(self, request: "web.Request", handler: "Handler") -> "web.StreamResponse":
        from aiohttp import web

        try:
            answer = await handler(request)
        except MessageRefused as refused:
            answer = self._refusal(refused)
        except web.HTTPException as error:
            answer = self._refusal(MessageRefused(error.status, "", _SAID.get(error.status, error.reason)))
        answer.force_close()
        return answer

    def _refusal(self, refused: MessageRefused) -> "web.Response":
        from aiohttp import web

        self._stats.refused += 1
        self._stats.refused_last = str(refused)
        if time.monotonic() - self._said_s > SAY_S:
            self._said_s = time.monotonic()
            _log.warning("webhook: a message was refused", status=refused.status, reason=str(refused),
                         refused=self._stats.refused)
        return web.json_response({"ok": False, "field": refused.field, "error": refused.error}, status=refused.status)

    async def _bias(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        if request.content_type != "application/json":
            raise MessageRefused(415, "Content-Type", f"{request.content_type!r}: expected application/json")
        if "Content-Encoding" in request.headers:
            raise MessageRefused(415, "Content-Encoding", "expected none")
        if (request.content_length or 0) > BODY_BYTES_MAX:
            raise MessageRefused(413, "", _SAID[413])
        body = await request.read()
        direction = self._messages.take(request.headers, body, _wall_ms())
        reply = await self._given(direction)
        self._stats.taken += 1
        _log.info("webhook: a direction was given", coin=direction.coin, side=direction.side or "none",
                  holds_s=direction.holds_ms // 1_000, why=direction.why)
        return web.json_response(reply)

    async def _given(self, direction: Direction) -> Reply:
        """By the house."""
        giving = self._webhook.give(direction)
        try:
            answer: Future[Reply] = asyncio.run_coroutine_threadsafe(giving, self._house)
        except RuntimeError:  # its loop is closed
            giving.close()
            raise MessageRefused(503, "", "the bot is ending") from None
        waiting = asyncio.wrap_future(answer)
        await asyncio.wait((waiting,), timeout=ANSWER_S)
        if not waiting.done():
            answer.cancel()  # what it has not begun by now it does not do later
            raise MessageRefused(503, "", f"the bot did not answer within {ANSWER_S:g} s")
        if waiting.cancelled():
            raise MessageRefused(503, "", "the bot is ending")
        error = waiting.exception()
        if isinstance(error, ValueError):
            field, _, said = str(error).partition(": ")
            raise MessageRefused(400, field, said)
        return waiting.result()


_SAID: Final = {
    404: f"nothing is here: POST to {PATH}", 405: f"expected POST to {PATH}",
    413: f"the body is larger than {BODY_BYTES_MAX} bytes",
}


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
