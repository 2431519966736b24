"""The log goes to stderr, in the form that was asked for, without the values of local variables."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

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
