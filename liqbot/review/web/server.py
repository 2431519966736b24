"""The HTTP server of the page: read-only, for browsers and scripts on this machine alone.

Readings run in threads, one of each kind at a time, and are given again for a moment: however many ask, the bot is
asked once a second.
"""

import asyncio
import functools
import ipaddress
import json
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from liqbot import __version__
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import without_passwords
from liqbot.review.tables import json_text
from liqbot.review.web.answers import ENDPOINTS, Endpoint, WatchedHouse
from liqbot.review.web.asked import Asked

STATIC: Final = Path(__file__).parent / "static"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUSES: Final = {Exit.USAGE: 400, Exit.NOT_FOUND: 404}
_KEPT_MAX: Final = 64
_ENDING_S: Final = 1.0
_COMPRESSED_FROM: Final = 2_048


def loopback(host: str) -> str:
    """The address to listen on. ExpectedError (usage) for one that other machines reach."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ExpectedError(f"--host {host!r}: an address of this machine alone, as in 127.0.0.1", Exit.USAGE) from None
    if not address.is_loopback:
        raise ExpectedError(
            f"--host {host}: the page is for this machine alone (127.0.0.1); from elsewhere use ssh -L, or a reverse "
            "proxy with a login of its own", Exit.USAGE,
        )
    return str(address)


def listening(host: str, port: int) -> socket.socket:
    """ExpectedError where the port cannot be had; 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = error.strerror or str(error)
        raise ExpectedError(f"--port {port}: cannot be listened on ({why}); choose another one") from None


async def serve(house: WatchedHouse, listener: socket.socket, begun: Callable[[], None], stop: asyncio.Event) -> None:
    """Until `stop`; `begun` is called once requests are taken."""
    runner = web.AppRunner(page_app(house), access_log=None, handle_signals=False, shutdown_timeout=_ENDING_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        begun()
        await stop.wait()
    finally:
        await runner.cleanup()


def page_app(house: WatchedHouse) -> web.Application:
    app = web.Application(middlewares=[_guarded])
    answers = _Answers(house)
    for name in ENDPOINTS:
        app.router.add_get(f"/api/{name}", answers.of(name), allow_head=False)
    app.router.add_get("/api", _listed, allow_head=False)
    app.router.add_get("/{path:.*}", _file, allow_head=False)
    return app


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuses what no reader sends: other methods, other names than this machine's (a page elsewhere whose name was
    made to lead here), requests from other sites. The same headers go with every answer."""
    refused = _refusal(request)
    try:
        answer = refused or await handler(request)
    except web.HTTPException as error:
        answer = _json({"ok": False, "error": error.reason}, error.status)
    answer.headers.update(HEADERS)
    if answer.content_length is not None and answer.content_length >= _COMPRESSED_FROM:
        answer.enable_compression()
    return answer


def _refusal(request: web.Request) -> web.StreamResponse | None:
    if request.method != "GET":
        answer = _json({"ok": False, "error": f"{request.method}: this page is read-only, expected GET"}, 405)
        answer.headers["Allow"] = "GET"
        return answer
    if not _is_local(request.headers.get("Host", "")):
        said = "Host: expected localhost, 127.0.0.1 or [::1]; a reverse proxy sends one of them (docs/page.md)"
        return _json({"ok": False, "error": said}, 403)
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path.startswith("/api"):
        return _json({"ok": False, "error": "other sites are not answered"}, 403)
    return None


def _is_local(host: str) -> bool:
    """Of a Host header, with or without a port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Answers:
    """Asks for each kind of answer in one thread at a time."""

    def __init__(self, house: WatchedHouse) -> None:
        self._house = house
        self._one_at_a_time = {name: asyncio.Lock() for name in ENDPOINTS}
        self._kept: dict[str, tuple[float, int, str]] = {}
        """By address: until when, status, body."""

    def of(self, name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._answer(name, request.query)

        return answer

    async def _answer(self, name: str, words: Mapping[str, str]) -> web.StreamResponse:
        endpoint = ENDPOINTS[name]
        key = json.dumps([name, sorted(words.items())])
        async with self._one_at_a_time[name]:
            now_s = time.monotonic()
            until_s, status, body = self._kept.get(key, (0.0, 0, ""))
            if now_s >= until_s:
                status, body = await asyncio.to_thread(_asked, self._house, endpoint, words)
                self._keep(key, endpoint.keep_s, status, body)
        return web.Response(text=body, status=status, content_type="application/json")

    def _keep(self, key: str, keep_s: float, status: int, body: str) -> None:
        while len(self._kept) >= _KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept.pop(key, None)
        self._kept[key] = (time.monotonic() + keep_s, status, body)


def _asked(house: WatchedHouse, endpoint: Endpoint, words: Mapping[str, str]) -> tuple[int, str]:
    """Status and body. What a user can cause and mend is told with its exit code, as a verb ends."""
    try:
        return 200, json_text(endpoint.answer(house, Asked(words, endpoint.words)))
    except ExpectedError as error:
        told = {"ok": False, "error": without_passwords(str(error)), "exit_code": int(error.exit_code)}
        return _STATUSES.get(error.exit_code, 503), json_text(told)


async def _listed(request: web.Request) -> web.StreamResponse:
    """What can be asked."""
    del request
    listed = {f"/api/{name}": {"words": one.words, "like": one.like} for name, one in ENDPOINTS.items()}
    return _json({"version": __version__, "addresses": listed})


async def _file(request: web.Request) -> web.StreamResponse:
    """A file of the page, from this package alone."""
    file = _files().get(request.match_info["path"] or "index.html")
    if file is None:
        return _json({"ok": False, "error": "nothing is here: / is the page, /api lists what can be asked"}, 404)
    return web.Response(text=file.read_text(encoding="utf-8"), content_type=TYPES[file.suffix], charset="utf-8")


@functools.cache
def _files() -> Mapping[str, Path]:
    """By the path under which it is asked for."""
    return {str(one.relative_to(STATIC)): one for one in STATIC.rglob("*") if one.suffix in TYPES}


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=json_text(value), status=status, content_type="application/json")
