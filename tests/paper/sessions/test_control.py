"""A paper session under control, as its user has it: the session in a process of its own, commands from another."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE_S

from liqbot import places
from liqbot.cli import main
from liqbot.control import protocol
from liqbot.events import BiasSet, Flatten, Halt, HaltCode, Resume
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.settings import load
from paper.sessions.markets import market_of
from paper.tapes.writer import write_tape

LIQBOT = (sys.executable, "-c", "import sys; from liqbot.cli import main; sys.exit(main())")
PAST = ("--set", "paper.world.backfill_days=0.1", "--set", "paper.world.burn_in_days=0.1")
HOUR_MS = 3_600_000


class Session:
    """A running `liqbot paper`."""

    def __init__(self, data: Path, process: subprocess.Popen[str]) -> None:
        self.data, self.process = data, process

    def command(self, *words: str) -> int:
        return main([*words, "--data", str(self.data)])

    def status(self) -> dict[str, Any]:
        return protocol.request(self.data, {"verb": "status"})

    def until(self, true: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The status once it is so."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            assert self.process.poll() is None, self.process.communicate()
            with contextlib.suppress(ExpectedError):
                status = self.status()
                if true(status):
                    return status
            time.sleep(0.05)
        raise AssertionError(f"never: {what}")

    def ended(self) -> str:
        """What it printed; it must have ended in order."""
        printed, complained = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == Exit.OK, complained
        return printed


@contextlib.contextmanager
def session(data: Path, *words: str) -> Iterator[Session]:
    command = [*LIQBOT, "paper", "--for", "10m", *PAST, "--data", str(data), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONUNBUFFERED": "1"}) as process:  # fmt: skip
        try:
            one = Session(data, process)
            one.until(lambda status: bool(status["coins"]), "a first tick")
            yield one
        finally:
            process.kill()


@pytest.fixture(params=["world", pytest.param("tape", marks=pytest.mark.long), "wire"])
def market(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ...]:
    """The words that choose it."""
    if request.param == "wire":
        return ("--wire", "--speed", "30")
    if request.param == "world":
        return ("--speed", "60")
    overrides = ("paper.world.backfill_days=0.01", "paper.world.burn_in_days=0.1", "paper.world.days=0.05")
    _, made = market_of("world", load("paper", overrides=overrides).settings, 7)
    tape = tmp_path / "made.parquet"
    write_tape(tape, made.live, made.roster)
    return ("--market", str(tape), "--speed", "10")


def facts_of(data: Path, *kinds: type) -> list[Any]:
    with JournalReader(places.journal_path(data)) as reader:
        return [fact for record in reader.records(facts_only=True) for fact in record.block.facts
                if isinstance(fact, kinds)]  # fmt: skip


@pytest.mark.drawn(dear=True)
def test_every_command_works_on_every_session(
    market: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "state"
    with session(data, *market) as one:
        assert one.command("status") == Exit.OK
        assert "mode paper" in capsys.readouterr().out
        assert one.command("pause", "--why", "lunch \udcff\x07") == Exit.OK
        paused = one.until(lambda status: status["halt_code"] == HaltCode.OPERATOR_PAUSE, "paused")
        assert paused["halted"] == "paused: lunch \\udcff\\x07"
        assert one.command("resume", "--why", "back") == Exit.OK
        one.until(lambda status: not status["halt_code"], "resumed")
        assert one.command("bias", "set", "BTC", "long", "--until", "2h", "--why", "x") == Exit.OK
        until_ms = one.until(lambda _status: bool(biases(one)), "a bias")["time_ms"] + 2 * HOUR_MS
        assert [held["side"] for held in biases(one)] == ["long"]
        assert biases(one)[0]["until_ms"] == pytest.approx(until_ms, abs=HOUR_MS), "counted in market time"
        assert one.command("bias", "set", "DOGE", "long", "--until", "2h", "--why", "x") == Exit.FAILED
        assert one.command("close") == Exit.OK
        closed = one.until(lambda status: status["flattening"], "closing")
        assert (closed["halt_code"], closed["positions"]) == (HaltCode.OPERATOR_CLOSE, [])
        assert one.command("stop", "--flatten") == Exit.OK
        printed = one.ended()
    assert "database" in printed
    assert one.command("status") == Exit.NOT_FOUND
    kinds = [type(fact) for fact in facts_of(data, Halt, Resume, BiasSet, Flatten)]
    assert kinds == [Halt, Resume, BiasSet, Flatten, Flatten], "each command is a fact of the journal"
    assert main(["replay", "--data", str(data), "--json"]) == Exit.OK
    assert '"equality": "byte-identical steps"' in capsys.readouterr().out


def biases(one: Session) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = protocol.request(one.data, {"verb": "biases"})["biases"]
    return found


@pytest.mark.drawn(dear=True)
def test_a_session_at_full_speed_answers_too(tmp_path: Path) -> None:
    with session(tmp_path, "--speed", "0") as one:
        assert one.status()["mode"] == "paper"
        assert one.command("stop") == Exit.OK
        one.ended()


@pytest.mark.drawn(dear=True)
def test_a_signal_ends_it_like_a_stop(tmp_path: Path) -> None:
    with session(tmp_path, "--speed", "60", "--json") as one:
        one.process.send_signal(signal.SIGINT)
        assert json.loads(one.ended())["fills"] >= 0
    assert not protocol.socket_path(tmp_path).exists()


@pytest.mark.long
def test_a_panic_latch_halts_a_session_that_runs(tmp_path: Path) -> None:
    with session(tmp_path, "--speed", "60") as one:
        protocol.write_latch(tmp_path, protocol.PANIC, time_ms=1, why="fire")
        panicked = one.until(lambda status: status["flattening"], "flattening")
        assert (panicked["halt_code"], panicked["halted"]) == (HaltCode.PANIC, "panic: fire")
        assert one.command("resume") == Exit.OK
        one.until(lambda status: not status["halted"], "resumed")
