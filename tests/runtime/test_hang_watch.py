"""Code that does not return: noticed, said with its stack, noted for the next start, and ended; a pause is none."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from patience import PATIENCE_S

from liqbot import hung_calls
from liqbot.exits import Exit
from liqbot.hung_calls import OBSERVER, STRATEGY, HungCall
from liqbot.runtime.hang_watch import HangWatch

CALL = HungCall(STRATEGY, "mine", "ab12")


class Left:
    """Where the process would have ended."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.once = threading.Event()

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        self.once.set()


def test_a_call_that_does_not_return_ends_the_process_and_is_noted(tmp_path: Path) -> None:
    left = Left()
    watch = HangWatch(tmp_path, left, call_s_max=0.5)
    watch.begin(CALL)
    watch.start()
    assert left.once.wait(PATIENCE_S)
    assert left.codes == [Exit.FAILED]
    assert hung_calls.read(tmp_path) == (CALL,)


class Looks:
    """Stands where the watch's event does: the next look is taken when the test says so, however long that takes."""

    def __init__(self) -> None:
        self.waiting, self.may_look, self.over = threading.Semaphore(0), threading.Semaphore(0), False

    def wait(self, _s: float) -> bool:
        self.waiting.release()
        return not self.may_look.acquire(timeout=PATIENCE_S) or self.over

    def set(self) -> None:
        self.over = True
        self.may_look.release()


def test_many_short_calls_and_a_loop_that_turns_are_no_hang(tmp_path: Path) -> None:
    left, looks = Left(), Looks()
    watch = HangWatch(tmp_path, left, call_s_max=0.5, loop_s_max=0.5)
    watch._over = looks  # type: ignore[assignment]
    watch.start()
    for _ in range(8):
        assert looks.waiting.acquire(timeout=PATIENCE_S)
        watch.end()
        watch.turn()
        watch.begin(CALL)  # under way when it looks, and another one than the last time
        looks.may_look.release()
    watch.stop()
    watch._thread.join(PATIENCE_S)
    assert left.codes == []
    assert hung_calls.read(tmp_path) == ()


def test_a_loop_that_does_not_turn_ends_the_process_and_names_nobody(tmp_path: Path) -> None:
    left = Left()
    watch = HangWatch(tmp_path, left, loop_s_max=0.5)
    watch.start()
    assert left.once.wait(PATIENCE_S)
    assert hung_calls.read(tmp_path) == ()


ALONE = """
import pathlib, sys
from liqbot import log
from liqbot.hung_calls import HungCall
from liqbot.runtime.hang_watch import HangWatch
log.configure("info", "json")
watch = HangWatch(pathlib.Path(sys.argv[1]), call_s_max=0.5)
watch.start()
def never_returns():
    while True:
        pass
watch.begin(HungCall("strategy", "mine"))
never_returns()
"""


@pytest.mark.drawn(singly=True)
def test_in_a_process_of_its_own_the_stack_is_on_stderr(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == Exit.FAILED
    assert "HUNG" in done.stderr
    assert "in never_returns" in done.stderr
    assert hung_calls.read(tmp_path) == (HungCall(STRATEGY, "mine"),)


TO_ITSELF = """
import pathlib, sys
from liqbot.runtime.hang_watch import HangWatch
HangWatch(pathlib.Path(sys.argv[1]), alone_s_max=0.6).start()
def never_returns():
    sum(range(10**15))
never_returns()
"""


@pytest.mark.drawn(singly=True)
def test_code_that_lets_nothing_else_run_ends_too_and_its_stack_is_on_stderr(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TO_ITSELF, str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == -signal.SIGPROF
    assert "in never_returns" in done.stderr


def test_the_timer_goes_with_the_watch(tmp_path: Path) -> None:
    watch = HangWatch(tmp_path, Left())
    watch.start()
    watch.stop()
    watch._thread.join(PATIENCE_S)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_notes_add_up_and_are_forgotten_together(tmp_path: Path) -> None:
    other = HungCall(OBSERVER, "/x/mine.py")
    for call in (CALL, other, CALL):
        hung_calls.write(tmp_path, call)
    assert hung_calls.read(tmp_path) == (CALL, other)
    hung_calls.forget(tmp_path)
    hung_calls.forget(tmp_path)
    assert hung_calls.read(tmp_path) == ()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[1]", b"\xff", b'[{"kind": "strategy"}]', b'{"a": 1}', b"[" * 100_000, b'[{"kind": "a", "name": ["x"]}]',
    ],
)
def test_a_note_that_cannot_be_read_is_none(text: bytes, tmp_path: Path) -> None:
    (tmp_path / hung_calls.NOTE).write_bytes(text)
    assert hung_calls.read(tmp_path) == ()


def test_a_pipe_in_its_place_is_not_waited_for_and_a_directory_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / hung_calls.NOTE)
    assert hung_calls.read(tmp_path) == ()
    hung_calls.forget(tmp_path)
    (tmp_path / hung_calls.NOTE).mkdir()
    assert hung_calls.read(tmp_path) == ()
    hung_calls.forget(tmp_path)
