"""Websockets that the unified client has no method for, with the same hooks as its own.

Raw messages go to the same taps; addresses are rewritten to loopback alike; dialling waits for its turn in the venue's
budget and is tried again with growing pauses; a connection that is lost, or given up for silence, ends every watch on
it, and the next one dials anew.
"""

import asyncio
import contextlib
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import aiohttp
import msgspec
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from liqbot.connection.endpoints import at_hosts, at_loopback
from liqbot.connection.error_mapping import host_in
from liqbot.connection.turns import SHARE_S, WAITED_S, turns_here
from liqbot.decode_errors import STUMBLES
from liqbot.venues.errors import VenueUnreachable
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import RawSocket

HEARTBEAT_S: Final = 20.0
"""Between frames that ask whether the other side is there; half of it later a connection without an answer ends."""
DIAL_S_MAX: Final = 8.0
CLOSE_S_MAX: Final = 1.0
ATTEMPTS_MAX: Final = 3
MESSAGE_BYTES_MAX: Final = 16 * 2**20
OURS: Final = "#ours"
"""Tells a socket from one of the unified client at the same address."""
_GZIP, _GZIP_BITS = b"\x1f\x8b", 16 + zlib.MAX_WBITS
_FAILURES: Final = (aiohttp.ClientError, OSError, TimeoutError)
_log = structlog.get_logger(__name__)


class _Connection:
    """One open websocket. `over` says why it ended."""

    def __init__(self, url: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.url, self.socket = url, socket
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.tasks: list[asyncio.Task[None]] = []

    def end(self, reason: str) -> None:
        """Everyone who watches learns of it at once."""
        if not self.over.done():
            self.over.set_result(reason)

    async def send(self, message: Any) -> None:
        await self.socket.send_str(message if isinstance(message, str) else msgspec.json.encode(message).decode())


class RawStreams:
    """Websockets of one venue, one for each address. Reusable within one event loop until `close`."""

    def __init__(
        self, venue: str, hosts: Mapping[str, str], loopback: str | None,
        turn: Callable[[], Awaitable[None]], on_message: Callable[[str | bytes, str], object],
    ) -> None:
        """`turn` waits until a request may leave; `on_message(raw, url)` receives every message, and must not raise."""
        self._venue, self._hosts, self._loopback = venue, hosts, loopback
        self._turn, self._on_message = turn, on_message
        self._session: aiohttp.ClientSession | None = None
        self._open: dict[str, _Connection] = {}
        self._connecting: dict[str, asyncio.Lock] = {}

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of the sockets in use."""
        return tuple(self._open)

    def address(self, url: str) -> str:
        """Where a venue's address is dialled."""
        placed = str(at_hosts(url, self._hosts, ""))
        return placed if self._loopback is None else str(at_loopback(placed, self._loopback, ""))

    async def watch(
        self, spec: RawSocket, contracts: tuple[WireContract, ...], on_url: Callable[[str], None] | None = None
    ) -> None:
        """Dial, subscribe and listen: ends only with VenueUnreachable, when the connection does. `on_url` learns which
        socket carries it."""
        connection = await self._connected(spec, self.address(spec.url(contracts)) + OURS)
        if on_url is not None:
            on_url(connection.url)
        try:
            for message in spec.subscribe(contracts):
                await connection.send(message)
        except _FAILURES as error:
            connection.end(f"{type(error).__name__} {error}".strip())
        raise VenueUnreachable(self._venue, host_in(connection.url), await asyncio.shield(connection.over))

    def drop(self, urls: Iterable[str], reason: str) -> None:
        """Give sockets up: everyone who watches one gets VenueUnreachable."""
        for url in urls:
            connection = self._open.get(url)
            if connection is not None:
                connection.end(reason)

    async def close(self) -> None:
        for connection in tuple(self._open.values()):
            await self._left(connection, "closed")
        if self._session is not None:
            await self._session.close()
            self._session = None

    # --- one connection -------------------------------------------------------------------------------------------

    async def _connected(self, spec: RawSocket, url: str) -> _Connection:
        """The one that is open at this address, or a new one."""
        async with self._connecting.setdefault(url, asyncio.Lock()):
            known = self._open.get(url)
            if known is not None and not known.over.done():
                return known
            if known is not None:
                await self._left(known, "over")
            attempts = AsyncRetrying(
                stop=stop_after_attempt(ATTEMPTS_MAX), wait=wait_exponential(multiplier=0.25, max=4.0),
                retry=retry_if_exception_type(_FAILURES), reraise=True,
            )
            try:
                connection: _Connection = await attempts(self._connect, url)
            except _FAILURES as error:
                raise VenueUnreachable(self._venue, host_in(url), f"{type(error).__name__} {error}".strip()) from error
            self._open[url] = connection
            connection.tasks = [
                asyncio.create_task(self._listen(connection, spec)), asyncio.create_task(_ping(connection, spec))
            ]
            return connection

    async def _connect(self, url: str) -> _Connection:
        await self._turn()
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with asyncio.timeout(DIAL_S_MAX):
            socket = await self._session.ws_connect(
                url.removesuffix(OURS), heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_BYTES_MAX,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S_MAX),
            )
        return _Connection(url, socket)

    async def _listen(self, connection: _Connection, spec: RawSocket) -> None:
        reason, turns, over_s = "the connection ended", turns_here(), 0.0
        try:
            while True:
                began_s = time.perf_counter()
                message = await connection.socket.receive()
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    break
                came_s = time.perf_counter()
                if came_s - began_s > WAITED_S:
                    over_s = came_s + SHARE_S
                await self._take(connection, spec, message.data)
                if time.perf_counter() >= over_s:
                    over_s = await turns.turn()
        except (*_FAILURES, *STUMBLES, zlib.error, msgspec.MsgspecError) as error:
            # Whatever a message did: an error beyond this would end the listening and leave the connection open.
            reason = f"{type(error).__name__} {error}".strip()
        code = connection.socket.close_code
        await self._left(connection, reason if code is None else f"{reason} ({code})")

    async def _take(self, connection: _Connection, spec: RawSocket, raw: str | bytes) -> None:
        if isinstance(raw, bytes) and raw.startswith(_GZIP):
            raw = _unpacked(raw)
        answer = spec.answer(raw) if spec.answer is not None else None
        if answer is not None:
            await connection.send(answer)
        self._on_message(raw, connection.url)

    async def _left(self, connection: _Connection, reason: str) -> None:
        connection.end(reason)
        if self._open.get(connection.url) is connection:
            del self._open[connection.url]
        current = asyncio.current_task()
        for task in connection.tasks:
            if task is not current:
                task.cancel()
        with contextlib.suppress(*_FAILURES):
            await connection.socket.close()


def _unpacked(raw: bytes) -> bytes:
    """ValueError for what becomes larger than a message may be, or is cut short; zlib.error for what is no gzip."""
    unpacking = zlib.decompressobj(wbits=_GZIP_BITS)
    found = unpacking.decompress(raw, MESSAGE_BYTES_MAX)
    if not unpacking.eof:
        raise ValueError(f"a packed message of {len(raw)} bytes is cut short, or larger than {MESSAGE_BYTES_MAX} bytes")
    return found


async def _ping(connection: _Connection, spec: RawSocket) -> None:
    """The venue's own ping, where it wants one, until the connection is over; then it is hung up."""
    while not connection.over.done():
        await asyncio.wait((connection.over,), timeout=spec.ping_s)
        if not connection.over.done() and spec.ping is not None:
            with contextlib.suppress(*_FAILURES):
                await connection.send(spec.ping())
    await connection.socket.close()
