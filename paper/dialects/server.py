"""The one server: requests and websockets, by the original host in the path, handed to their dialect."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from liqbot.blocks import EventBlock
from paper.dialects.accounts import VenueAccount
from paper.dialects.delivery import delivered
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import Hub
from paper.exchange.exchange import Happened

LOG_MAX: Final = 10_000
REFUSALS_MAX: Final = 1_000
"""Kinds of refusals that are counted apart."""
TURN_MESSAGES: Final = 200
_BEFORE: Final = (
    Kind.DROP_REQUEST, Kind.HANG_REQUEST, Kind.HTTP_429, Kind.HTTP_5XX, Kind.MAINTENANCE, Kind.REFUSED
)


class Logged(msgspec.Struct, frozen=True):
    """One request and how it ended; status 0: the connection was dropped."""

    endpoint: str
    query: str
    body: str
    status: int


class _Room(msgspec.Struct):
    """A dialect with its handlers and open sockets."""

    dialect: Dialect
    handlers: dict[str, Handler]
    sockets: list[Socket]


class Server:
    """Serves `http://127.0.0.1:PORT/<original host>/<original path>`, websockets alike."""

    def __init__(self, hub: Hub, dialects: Iterable[Dialect]) -> None:
        self.hub = hub
        self.log: list[Logged] = []
        self.refusals: Counter[str] = Counter()
        """Requests that the venues said no to, by endpoint and reason, trouble on order left out."""
        self.requests = 0
        """Ever."""
        self.requests_running = 0
        self.port = 0
        self._rooms: dict[str, list[_Room]] = {}
        """By host; several where a venue has a market for practice too."""
        self._all: list[_Room] = []
        for dialect in dialects:
            room = _Room(dialect, dict(dialect.routes()), [])
            self._all.append(room)
            for host in dialect.hosts:
                # Of two that answer alike the newest does.
                others = [one for one in self._rooms.get(host, ()) if one.dialect.practice is not dialect.practice]
                self._rooms[host] = [room, *others]
        self._runner: web.AppRunner | None = None
        self._late: set[asyncio.Task[None]] = set()
        """Requests whose connection is gone and that have not reached the venue yet."""
        self._hubs = list(dict.fromkeys([hub, *(room.dialect.hub for room in self._all)]))
        for one in self._hubs:
            one.outlet = self

    @property
    def unknown(self) -> list[str]:
        return [what for hub in self._hubs for what in hub.unknown]

    @property
    def held(self) -> int:
        return sum(hub.held for hub in self._hubs)

    @property
    def sockets(self) -> list[Socket]:
        return [socket for room in self._all for socket in room.sockets]

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; 0 takes a free port. The answer is the port."""
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{host}/{path:.*}", self._serve)
        app.router.add_route("*", "/{host}", self._serve)  # an address without a path
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self.port

    async def stop(self) -> None:
        for socket in self.sockets:
            socket.close()
        for late in self._late:
            late.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    # --- requests --------------------------------------------------------------------------------------------------

    async def _serve(self, got: web.Request) -> web.StreamResponse:
        host, path = got.match_info["host"], "/" + got.match_info.get("path", "")
        headers = {name.lower(): value for name, value in got.headers.items()}
        room = self._room(host, headers)
        if room is None:
            self.hub.note_unknown(host, f"{got.method} {path}: no such host")
            return web.Response(status=404, text="no such host")
        if got.headers.get("Upgrade", "").lower() == "websocket":
            return await self._connect(got, room, Socket(host, path, got.rel_url.raw_query_string))
        request = Request(
            got.method,
            host,
            path,
            got.rel_url.raw_query_string,
            headers,
            await got.read(),
        )
        endpoint = room.dialect.endpoint(request)
        fault = room.dialect.hub.faults.take(endpoint)
        self.requests += 1
        self.requests_running += 1
        try:
            answer = await self._answer(room, request, fault)
        finally:
            self.requests_running -= 1
        self._note(request, endpoint, 0 if answer is None else answer.status)
        if answer is not None and fault is None and (refusal := answer.refusal):
            self._refuse(f"{room.dialect.venue} {endpoint}: {refusal}")
        return await delivered(got, answer, fault)

    def _room(self, host: str, headers: Mapping[str, str]) -> _Room | None:
        """Of whoever answers there."""
        return next((one for one in self._rooms.get(host, ()) if one.dialect.meant_for(host, headers)), None)

    async def _answer(self, room: _Room, request: Request, fault: WireFault | None) -> HttpAnswer | None:
        """None: the connection breaks, or hangs, instead."""
        if fault is not None and fault.kind in _BEFORE:
            return _refused(room.dialect, fault, request)
        if fault is not None and fault.kind is Kind.SKEW_MS:
            request = msgspec.structs.replace(request, skew_ms=fault.value)
        endpoint = room.dialect.endpoint(request)
        handler = room.handlers.get(endpoint)
        if handler is None:
            room.dialect.hub.note_unknown(room.dialect.venue, endpoint)
            return room.dialect.not_found(request)
        if fault is not None and fault.kind is Kind.LATE_MS:
            late = asyncio.create_task(self._carried_out_late(handler, request, fault.value))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return None
        answer = await handler(request)
        if fault is not None and fault.kind in (Kind.DROP_ANSWER, Kind.HANG_ANSWER):
            return None
        if fault is not None and fault.kind is Kind.DELAY_MS:
            await asyncio.sleep(fault.value / 1000)
        if fault is not None and fault.change is not None:
            answer = msgspec.structs.replace(answer, body=fault.change(answer.payload))
        return answer

    def _refuse(self, what: str) -> None:
        if what in self.refusals or len(self.refusals) < REFUSALS_MAX:
            self.refusals[what] += 1

    @staticmethod
    async def _carried_out_late(handler: Handler, request: Request, late_ms: int) -> None:
        await asyncio.sleep(late_ms / 1000)
        await handler(request)

    def _note(self, request: Request, endpoint: str, status: int) -> None:
        self.log.append(Logged(endpoint, request.query, request.body.decode(errors="replace"), status))
        del self.log[:-LOG_MAX]

    # --- websockets ------------------------------------------------------------------------------------------------

    async def _connect(self, got: web.Request, room: _Room, socket: Socket) -> web.StreamResponse:
        if not room.dialect.opened(socket):
            room.dialect.hub.note_unknown(room.dialect.venue, f"ws {socket.path}")
            self._refuse(f"{room.dialect.venue} ws {socket.path}: no such stream root, or its key is not known")
            return web.Response(status=404, text="no such stream")
        connection = web.WebSocketResponse(max_msg_size=2**22, compress=False)
        await connection.prepare(got)
        room.sockets.append(socket)
        writer = asyncio.create_task(_write(connection, socket))
        try:
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    await room.dialect.on_message(socket, message.data)
        finally:
            room.sockets.remove(socket)
            socket.close()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return connection

    # --- what the hub sends ----------------------------------------------------------------------------------------

    async def public(self, hub: Hub, block: EventBlock) -> None:
        """Every dialect's view of a block, to its subscribers; others get their turn in the middle of a flood."""
        for room in self._of(hub):
            wanted = {topic for socket in room.sockets for topic in socket.topics}
            for number, (topic, message) in enumerate(room.dialect.public(block, wanted) if wanted else (), 1):
                self._send(room, topic, message, None)
                if number % TURN_MESSAGES == 0:
                    await asyncio.sleep(0)

    def private(self, hub: Hub, account: VenueAccount, happened: Happened) -> None:
        for room in self._of(hub):
            if room.dialect.venue == account.venue:
                for topic, message in room.dialect.private(account, happened):
                    self._send(room, topic, message, account)

    def _of(self, hub: Hub) -> list[_Room]:
        return [room for room in self._all if room.dialect.hub is hub]

    def _send(self, room: _Room, topic: str, message: bytes, account: VenueAccount | None) -> None:
        for socket in room.sockets:
            if topic in socket.topics and (account is None or socket.account is account):
                socket.send(room.dialect.frame(socket, topic, message))

    def cut(self, path: str) -> None:
        """Break every websocket whose path starts so; an empty path or `*` means all."""
        for socket in self.sockets:
            if socket.path.startswith(path):
                socket.close()

    async def flushed(self) -> None:
        """Until every queued message has been written."""
        for socket in self.sockets:
            await socket.drained.wait()


def _refused(dialect: Dialect, fault: WireFault, request: Request) -> HttpAnswer | None:
    if fault.kind in (Kind.DROP_REQUEST, Kind.HANG_REQUEST):
        return None
    if fault.kind is Kind.HTTP_5XX:
        page = b"<html><head><title>Bad Gateway</title></head><body>Bad Gateway</body></html>"
        return HttpAnswer(page, fault.value or 502, {"Content-Type": "text/html"})
    return dialect.trouble(fault, request)


async def _write(connection: web.WebSocketResponse, socket: Socket) -> None:
    """Drain the queue in order until the socket closes."""
    with contextlib.suppress(ConnectionError):
        while not socket.closing:
            await socket.filled.wait()
            socket.filled.clear()
            while socket.queue:
                message = socket.queue.popleft()
                if socket.pack is None:
                    await connection.send_str(message.decode())
                else:
                    await connection.send_bytes(socket.pack(message))
            socket.drained.set()
    socket.drained.set()
    await connection.close()
