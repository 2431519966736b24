"""A venue's public side on loopback as a script tells it: answers by path, acknowledgements, and frames when asked to.

Independent of the simulated exchange: it only sends what stands in a venue's own examples.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from aiohttp import WSMsgType, web

from liqbot.venues.examples import VenueExamples

Acknowledge = Callable[[Any, str], list[Any]]
"""(what the client sent, address of the server) -> what it is answered."""


class Script(NamedTuple):
    answers: Mapping[str, Any]
    """`host/path` -> JSON, or what makes it of the server's address."""
    acknowledge: Acknowledge
    requests: Mapping[str, str] = {}
    """`host/path` -> the client's method whose example is the answer."""
    greeting: tuple[Any, ...] = ()
    """Sent to every socket at once."""
    gzipped: bool = False
    """Every frame is binary and compressed."""


class ScriptedVenue:
    """`async with ScriptedVenue(script, examples) as venue: ... venue.url`."""

    def __init__(self, script: Script, examples: VenueExamples) -> None:
        self._script = script
        answered = {one.method: one.payload for one in examples.responses}
        self._answers = {**script.answers, **{path: answered[method] for path, method in script.requests.items()}}
        self.sockets: dict[web.WebSocketResponse, str] = {}
        """Open socket -> `host/path` it was dialled at."""
        self.heard: list[Any] = []
        """Everything that clients sent over sockets."""
        self.unknown: list[str] = []

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in tuple(self.sockets):
            await socket.close()
        await self._runner.cleanup()

    async def send(self, *frames: Any) -> None:
        """Over the socket that was opened first: a feed reads a frame wherever it comes from."""
        socket = next(iter(self.sockets))
        for frame in frames:
            await self._send(socket, frame)

    async def _send(self, socket: web.WebSocketResponse, frame: Any) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":"))
        await (socket.send_bytes(gzip.compress(text.encode())) if self._script.gzipped else socket.send_str(text))

    async def _any(self, request: web.Request) -> web.StreamResponse:
        place = request.path.removeprefix("/")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request, place)
        answer = self._answers.get(place)
        if answer is None:
            self.unknown.append(place)
            return web.Response(status=404, text="not known here")
        return web.json_response(answer(self.url) if callable(answer) else answer)

    async def _socket(self, request: web.Request, place: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[socket] = place
        for frame in self._script.greeting:
            await self._send(socket, frame)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    told = json.loads(message.data) if message.data[:1] in ("{", "[") else message.data
                    self.heard.append(told)
                    for frame in self._script.acknowledge(told, self.url):
                        await self._send(socket, frame)
        finally:
            del self.sockets[socket]
        return socket
