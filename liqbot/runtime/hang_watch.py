"""Code that does not return: a thread of its own notices it, and ends the process loudly for an immediate restart.

A call of the user's own that hangs holds the loop, and with it every stop; no thread can take it away. What is left is
to say where it hangs, to note its name so that the next start leaves it out, and to go. It counts its own looks, not
the clock: a machine that slept has not hung.

Code that keeps the interpreter to itself (one long sum, one pattern that is tried for ever) stops that thread as well.
Then the kernel's timer of computing time goes off, which the thread puts back at each look, and ends the process.
"""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from liqbot import hung_calls
from liqbot.exits import Exit
from liqbot.hung_calls import HungCall
from liqbot.log import LINES

LOOK_S: Final = 0.25
CALL_S_MAX: Final = 2.0
LOOP_S_MAX: Final = 30.0
LAST_S_MAX: Final = 1.0
ALONE_S_MAX: Final = 10.0
"""Of computing, in which not even this thread came to its turn."""
_log = structlog.get_logger(__name__)


class HangWatch:
    """`begin` and `end` stand around each call of somebody else's code, `turn` says that the loop goes round."""

    def __init__(
        self, data: Path, leave: Callable[[int], object] = os._exit, *, call_s_max: float = CALL_S_MAX,
        loop_s_max: float = LOOP_S_MAX, alone_s_max: float = ALONE_S_MAX,
    ) -> None:
        self._data, self._leave = data, leave
        self._call_looks, self._loop_looks = round(call_s_max / LOOK_S), round(loop_s_max / LOOK_S)
        self._alone_s_max = alone_s_max
        self._call: HungCall | None = None
        self._calls = self._turns = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hang-watch", daemon=True)

    def begin(self, call: HungCall) -> None:
        self._calls += 1
        self._call = call

    def end(self) -> None:
        self._call = None

    def turn(self) -> None:
        self._turns += 1

    def start(self) -> None:
        if sys.__stderr__ is not None:
            faulthandler.register(signal.SIGPROF, sys.__stderr__.fileno(), all_threads=True, chain=True)
        signal.setitimer(signal.ITIMER_PROF, self._alone_s_max)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def _run(self) -> None:
        try:
            self._look()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)

    def _look(self) -> None:
        call_looks = loop_looks = 0
        calls = turns = -1
        while not self._over.wait(LOOK_S):
            signal.setitimer(signal.ITIMER_PROF, self._alone_s_max)
            call = self._call
            call_looks = call_looks + 1 if call is not None and calls == self._calls else 0
            loop_looks = loop_looks + 1 if turns == self._turns else 0
            calls, turns = self._calls, self._turns
            if call is not None and call_looks >= self._call_looks:
                self._end(call)
                return
            if loop_looks >= self._loop_looks:
                self._end(None)
                return

    def _end(self, call: HungCall | None) -> None:
        """Nothing here may hang in its turn: each step has a second, and a thread."""
        what = f"{call.kind} {call.name}" if call is not None else "the loop"
        _log.error("HUNG: this process ends, to be started again at once", hung=what)
        LINES.flush(LAST_S_MAX)
        _within_a_second(_dump)
        if call is not None:
            _within_a_second(lambda: hung_calls.write(self._data, call))
        self._leave(Exit.FAILED)


def _dump() -> None:
    """Where every thread is, straight to the descriptor."""
    stream = sys.__stderr__
    if stream is not None:
        faulthandler.dump_traceback(stream.fileno(), all_threads=True)


def _within_a_second(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LAST_S_MAX)
