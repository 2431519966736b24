"""The log goes to stderr, in the form that was asked for, without the values of local variables."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from patience import PATIENCE_S

from liqbot import log


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_json_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    logger = structlog.get_logger()
    logger.debug("unseen")
    logger.info("venue up", venue="binance")
    assert log.LINES.flush(PATIENCE_S)
    printed = capsys.readouterr()
    assert printed.out == ""
    line = json.loads(printed.err)
    assert (line["event"], line["venue"], line["level"]) == ("venue up", "binance", "info")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_values(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", form)
    secret = "canary-55"
    try:
        raise OSError(len(secret))
    except OSError:
        structlog.get_logger().exception("edge failed")
    assert log.LINES.flush(PATIENCE_S)
    printed = capsys.readouterr().err
    assert "edge failed" in printed
    assert "OSError" in printed
    assert "canary-55" not in printed


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log.configure("info", "json")
    line = structlog.get_logger("anywhere")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    line.error("nobody reads this")
    assert log.LINES.flush(PATIENCE_S)


def test_libraries_speak_through_the_same_log(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    logging.getLogger("somebody.else").warning("%d tasks left", 3)
    assert log.LINES.flush(PATIENCE_S)
    assert "3 tasks left" in capsys.readouterr().err


def test_a_pipe_that_nobody_reads_delays_nobody_and_what_it_lost_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe, os.fdopen(reading, encoding="utf-8") as reader:
        monkeypatch.setattr(sys, "stderr", pipe)
        lines = log.LineWriter(lines_max=1_000)
        for number in range(3_000):
            lines.put(f"{number} {'x' * 1_000}")  # many times what a pipe holds
        assert not lines.flush(0.05)
        assert 1_000 < lines.dropped < 2_001
        read: list[str] = []
        while not read or read[-1] != "2999 read":
            read.append(reader.readline().split("x")[0].strip())
            if len(read) == 500:
                lines.put("2999 read")  # there is room again
    said = [line for line in read[:-1] if "dropped" in line]
    seen = [int(line) for line in read[:-1] if "dropped" not in line]
    assert seen == sorted(seen)
    assert len(seen) + lines.dropped == 3_000
    assert sum(int(line.split()[0]) for line in said) == lines.dropped
    assert all(line.endswith("lines of the log were dropped: nobody read it") for line in said)


HEADLESS = """
import structlog
from liqbot import log
log.configure("info", "json")
for number in range(300):
    structlog.get_logger().error("x" * 1_000)
print("done", flush=True)
"""


@pytest.mark.drawn(singly=True)
def test_a_process_whose_stderr_nobody_reads_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HEADLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        assert process.wait(PATIENCE_S) == 0
