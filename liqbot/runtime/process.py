"""Manners of a service: one process per account, the wall clock, signals, and word to the service manager."""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.errors import AlreadyRunningError
from liqbot.journal.lock import WriterLock
from liqbot.runtime.clock_watch import SteadyWall

BEGAN_S: Final = time.monotonic()
"""When this process had imported the program, on the clock of its event loop."""


_WALL: Final = SteadyWall()


def wall_ms() -> int:
    """UTC milliseconds that never go back, whatever is done to the clock."""
    return _WALL()


@contextlib.contextmanager
def only_one(account: str) -> Iterator[None]:
    """Holds the account on this machine, whatever the state directory. ExpectedError when somebody else does."""
    name = hashlib.sha256(account.encode()).hexdigest()[:16]
    try:
        lock = WriterLock(Path(tempfile.gettempdir()) / f"liqbot-{name}")
    except AlreadyRunningError as error:
        holder = str(error).rsplit(" ", 1)[-1]
        raise ExpectedError(f"account {account.strip()} is traded by process {holder} already", Exit.RUNNING) from None
    try:
        yield
    finally:
        lock.release()


def stop_on_signals(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT ask for an orderly end, as long as the running loop lives."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def beat(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
    """After every step: the service manager's watchdog hears of each Tick."""
    del seq, step, engine
    if block.tick_ms is not None:
        notify("WATCHDOG=1")


def notify(word: str) -> None:
    """`READY=1`, `WATCHDOG=1`, `STOPPING=1` to systemd; nothing where none is listening."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        try:
            connection.sendto(word.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return  # a service manager that went away is no reason to stop
