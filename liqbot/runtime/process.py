"""Manners of a service: the wall clock, signals, and word to the service manager."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.runtime.clock_watch import SteadyWall

BEGAN_S: Final = time.monotonic()
"""When this process had imported the program, on the clock of its event loop."""


_WALL: Final = SteadyWall()


def wall_ms() -> int:
    """UTC milliseconds that never go back, whatever is done to the clock."""
    return _WALL()


def stop_on_signals(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT ask for an orderly end, as long as the running loop lives."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


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
