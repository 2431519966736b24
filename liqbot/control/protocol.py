"""How a running house is reached from outside: a socket for commands, and latches on disk that work without it.

The socket lies in the state directory, is readable by its owner alone, and speaks one JSON line each way.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog

from liqbot.exits import Exit, ExpectedError
from liqbot.legible import spelled_and_cut
from liqbot.private_files import PRIVATE_DIRECTORY, PRIVATE_FILE

SOCKET_NAME: Final = "control.sock"
LINE_MAX: Final = 65_536
SERVE_AGAIN_S: Final = 5.0
ADDRESS_BYTES_MAX: Final = 107
"""Of a socket in the file system."""
ACCEPTING_TURNS: Final = 3
"""Of the event loop, from an accepted connection to the call that learns of it."""
PANIC: Final = "panic.latch"
RESUME: Final = "resume.latch"
Reply = dict[str, Any]
Handle = Callable[[dict[str, Any]], Awaitable[Reply]]
_log = structlog.get_logger(__name__)


def socket_path(data: Path) -> Path:
    return data / SOCKET_NAME


# --- latches ----------------------------------------------------------------------------------------------------------


def write_latch(data: Path, name: str, *, time_ms: int, why: str) -> None:
    """Durable before it returns: whoever starts or runs on this directory from now on honours it."""
    data.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    file = os.open(data / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        os.write(file, json.dumps({"time_ms": time_ms, "why": why}).encode())
        os.fsync(file)
    finally:
        os.close(file)


def read_latch(data: Path, name: str) -> str:
    """Why it was set; empty when it is not. Whatever lies there is neither waited for nor read without an end."""
    try:
        text = _beginning_of(data / name)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except IsADirectoryError:
        return "set"
    try:
        return spelled_and_cut(str(json.loads(text)["why"])) or "set"
    except (ValueError, LookupError, TypeError, RecursionError):
        return "set"  # a latch that cannot be read is a latch


def _beginning_of(path: Path) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(file, LINE_MAX)
    finally:
        os.close(file)


def take_latch(data: Path, name: str) -> bool:
    """As `drop_latch`, of a start: what cannot be removed is said, and counts as not set."""
    try:
        return drop_latch(data, name)
    except OSError as error:
        _log.error("a mark cannot be removed: it counts for nothing", mark=str(data / name), reason=error.strerror)
        return False


def drop_latch(data: Path, name: str) -> bool:
    """Whether it was set."""
    try:
        (data / name).unlink()
    except FileNotFoundError:
        return False
    return True


# --- the house's side -------------------------------------------------------------------------------------------------


async def serve(path: Path, handle: Handle) -> None:
    """Answer commands until cancelled. `handle` gives the reply, or raises ValueError with what would be right. Where
    no socket can be made it is said, and tried again: what is open is managed all the same."""
    said = ""
    while True:
        try:
            await _serve(path, handle)
        except OSError as error:
            if str(error) != said:
                said = str(error)
                _log.error("no commands are taken", reason=said, next=f"make room for a socket at {path}")
            await asyncio.sleep(SERVE_AGAIN_S)


async def _serve(path: Path, handle: Handle) -> None:
    # A socket left behind by a process that was killed: the journal's lock says that we are the only one.
    _remove(path)
    answered: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
    ended = asyncio.Event()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if ended.is_set():  # it was accepted before
            writer.close()
            return
        task = asyncio.ensure_future(_answer(reader, writer, handle))
        answered[task] = writer
        task.add_done_callback(lambda task: answered.pop(task).close())

    mask = os.umask(0o177)
    try:
        with _address(path) as address:
            server = await asyncio.start_unix_server(connected, address, limit=LINE_MAX)
    finally:
        os.umask(mask)
    try:
        async with server:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()
                await _accept_no_more(server)
    finally:
        for task, writer in answered.items():  # a server that ends leaves its connections open
            task.cancel()
            writer.close()
        _remove(path)


async def _accept_no_more(server: asyncio.Server) -> None:
    """What was accepted is handed over before the server is closed: it would stay open, known to nobody."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(ACCEPTING_TURNS):
        await asyncio.sleep(0)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: Handle) -> None:
    try:
        request = json.loads(await reader.readline())
        reply = await handle(_in_text(request) if isinstance(request, dict) else {})
    except (ValueError, OSError, RecursionError) as error:
        reply = {"ok": False, "error": str(error)}
    with contextlib.suppress(ConnectionError):  # nobody waits for the answer any more
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()


def _in_text(request: dict[str, Any]) -> dict[str, Any]:
    return {name: spelled_and_cut(value) if isinstance(value, str) else value for name, value in request.items()}


# --- the operator's side ----------------------------------------------------------------------------------------------


def request(data: Path, command: dict[str, Any], *, timeout_s: float = 10.0) -> Reply:
    """One command to the bot that runs on this directory. ExpectedError (not found) when none does, or when it does
    not answer in time."""
    path = socket_path(data)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            with _address(path) as address:
                connection.connect(address)
            connection.sendall(json.dumps(command).encode() + b"\n")
            text = _line(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        raise ExpectedError(f"no bot is running on {data}", Exit.NOT_FOUND) from None
    except ConnectionError:
        text = b""
    except TimeoutError:
        raise ExpectedError(f"the bot on {data} did not answer within {timeout_s:g} s", Exit.FAILED) from None
    if not text:
        raise ExpectedError(f"the bot on {data} ended before it answered", Exit.FAILED)
    reply: Reply = json.loads(text)
    if not reply.get("ok", False):
        raise ExpectedError(str(reply.get("error", "refused")), Exit.FAILED)
    return reply


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """The path as the system takes it: relative if that is shorter, through its directory's descriptor if still too
    long."""
    short = min(str(path), os.path.relpath(path), key=len)
    if len(os.fsencode(short)) <= ADDRESS_BYTES_MAX:
        yield short
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _line(connection: socket.socket) -> bytes:
    text = b""
    while not text.endswith(b"\n") and (more := connection.recv(LINE_MAX)):
        text += more
    return text
