"""Code that does not return: noticed, said with its stack, noted for the next start, and ended; a pause is none."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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


def until(true: Callable[[], bool], s: float = 30.0) -> None:
    until_s = time.monotonic() + s
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_call_that_does_not_return_ends_the_process_and_is_noted(tmp_path: Path) -> None:
    left = Left()
    watch = HangWatch(tmp_path, left, call_s_max=0.5)
    watch.begin(CALL)
    watch.start()
    assert left.once.wait(30)
    assert left.codes == [Exit.FAILED]
    assert hung_calls.read(tmp_path) == (CALL,)


def test_many_short_calls_and_a_loop_that_turns_are_no_hang(tmp_path: Path) -> None:
    left = Left()
    watch = HangWatch(tmp_path, left, call_s_max=0.5, loop_s_max=0.5)
    watch.start()
    until_s = time.monotonic() + 1.5
    while time.monotonic() < until_s:
        watch.turn()
        watch.begin(CALL)
        time.sleep(0.01)
        watch.end()
    watch.stop()
    assert left.codes == []
    assert hung_calls.read(tmp_path) == ()


def test_a_loop_that_does_not_turn_ends_the_process_and_names_nobody(tmp_path: Path) -> None:
    left = Left()
    watch = HangWatch(tmp_path, left, loop_s_max=0.5)
    watch.start()
    assert left.once.wait(30)
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


def test_in_a_process_of_its_own_the_stack_is_on_stderr(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == Exit.FAILED
    assert "HUNG" in done.stderr
    assert "in never_returns" in done.stderr
    assert hung_calls.read(tmp_path) == (HungCall(STRATEGY, "mine"),)


def test_notes_add_up_and_are_forgotten_together(tmp_path: Path) -> None:
    other = HungCall(OBSERVER, "/x/mine.py")
    for call in (CALL, other, CALL):
        hung_calls.write(tmp_path, call)
    assert hung_calls.read(tmp_path) == (CALL, other)
    hung_calls.forget(tmp_path)
    hung_calls.forget(tmp_path)
    assert hung_calls.read(tmp_path) == ()


@pytest.mark.parametrize("text", [b"", b"[1]", b"\xff", b'[{"kind": "strategy"}]', b'{"a": 1}'])
def test_a_note_that_cannot_be_read_is_none(text: bytes, tmp_path: Path) -> None:
    (tmp_path / hung_calls.NOTE).write_bytes(text)
    assert hung_calls.read(tmp_path) == ()
