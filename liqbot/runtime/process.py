"""Manners of a service: the wall clock, signals, and word to the service manager."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.runtime.clock_watch import SteadyWall

STARTED_S: Final = (10.0, 60.0)
"""By then what a start makes is there: sockets first, then what is asked for once a minute."""
_WALL: Final = SteadyWall()


def wall_ms() -> int:
    """UTC milliseconds that never go back, whatever is done to the clock."""
    return _WALL()


@contextlib.asynccontextmanager
async def short_collections(after_s: Sequence[float] = STARTED_S) -> AsyncIterator[None]:
    """While this is entered, whole collections of garbage pass over what a start has made: with the clients of many
    venues one would look through so much that the loop stands still for a tenth of a second and more. Once at the
    beginning, and again `after_s` seconds, when what is loaded on first use is there too."""

    async def later() -> None:
        for pause_s in after_s:
            await asyncio.sleep(pause_s)
            gc.freeze()

    gc.freeze()
    freezing = asyncio.create_task(later())
    try:
        yield
    finally:
        freezing.cancel()
        gc.unfreeze()


def stop_on_signals(stop: Callable[[], None], hung_up: Callable[[], None]) -> None:
    """SIGTERM and SIGINT ask for an orderly end, as long as the running loop lives; so does a terminal that is gone,
    which is told by more than one signal, unless we are to outlive it (`nohup`)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, hung_up)


def signals_end_it() -> None:
    """The next SIGTERM or SIGINT ends the process on the spot."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


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
