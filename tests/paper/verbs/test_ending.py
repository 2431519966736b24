"""Sessions that are ended from outside: SIGTERM, and a disk that takes no more."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE_S
from sqlalchemy.exc import OperationalError

from liqbot import places
from liqbot.blocks import DTYPES, EventBlock, Roster
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.journal.errors import JournalStuckError
from paper.tapes.writer import write_tape
from paper.verbs.ending import books_written

LIQBOT = (sys.executable, "-c", "import sys; from liqbot.cli import main; sys.exit(main())")
PAST = ("--set", "paper.world.backfill_days=0.1", "--set", "paper.world.burn_in_days=0.1")
FILE_BYTES_MAX = 700_000
START_MS = 1_700_000_000_000


def _little_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))


def on_a_little_disk(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LIQBOT, *words, "--set", "journal.stuck_after_ms=1000"], capture_output=True, text=True, timeout=PATIENCE_S,
        check=False, preexec_fn=_little_disk,
    )


def assert_one_line(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == Exit.DATABASE, done.stderr
    (complaint,) = [line for line in done.stderr.splitlines() if line.startswith("liqbot: ")]
    assert "written" in complaint
    assert "Traceback" not in done.stderr


@pytest.mark.drawn(dear=True)
def test_paper_on_a_full_disk(tmp_path: Path) -> None:
    assert_one_line(on_a_little_disk("paper", "--speed", "0", "--for", "60s", *PAST, "--data", str(tmp_path / "data")))


@pytest.mark.long
def test_backtest_on_a_full_disk(tmp_path: Path) -> None:
    made = []
    for index in range(6_000):
        bars = np.zeros(1, DTYPES["bars"])
        bars["time_ms"], bars["span_ms"] = START_MS + 60_000 * index, 60_000
        for name in ("open", "high", "low", "close"):
            bars[name] = 60_000.0 + index % 7
        bars["volume_usd"], bars["buy_usd"], bars["sell_usd"] = 1e6, np.nan, np.nan
        made.append(EventBlock(bars=bars, tick_ms=START_MS + 60_000 * index))
    tape = tmp_path / "quiet.parquet"
    write_tape(tape, made, Roster(("binance",), ("BTC",)))
    assert_one_line(on_a_little_disk("backtest", str(tape), "--data", str(tmp_path / "data")))


@pytest.mark.drawn(dear=True)
def test_sigterm_ends_a_session_in_order(tmp_path: Path) -> None:
    command = [*LIQBOT, "paper", "--speed", "60", *PAST, "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONUNBUFFERED": "1"}) as session:  # fmt: skip
        assert session.stdout is not None
        for line in session.stdout:
            if line.startswith("map of BTC"):  # its past is read
                break
        session.send_signal(signal.SIGTERM)
        try:
            said, complained = session.communicate(timeout=PATIENCE_S)
        finally:
            session.kill()
    assert session.returncode == Exit.OK, complained
    assert "interrupted: the books are complete up to here" in said
    assert re.search(rf"^next      \S+ (trades|decisions --by-code) --data {tmp_path}$", said, re.MULTILINE), said
    with JournalReader(places.journal_path(tmp_path)) as reader:
        assert reader._connection.execute("SELECT count(*) FROM snapshot WHERE name = 'engine'").fetchone()[0] >= 1


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (JournalStuckError("journal j: full"), "journal j: full"),
        (OperationalError("INSERT", {}, Exception("disk is full")), "the ledger cannot be written: disk is full"),
        (OSError(28, "No space left on device", "x"), "the books cannot be written: x: No space left on device"),
        (ExceptionGroup("tasks", [ValueError(), JournalStuckError("journal j: full")]), "journal j: full"),
    ],
)
def test_each_kind_of_full_disk_is_one_line(error: Exception, says: str) -> None:
    with pytest.raises(ExpectedError) as caught, books_written():
        raise error
    assert (str(caught.value), caught.value.exit_code) == (says, Exit.DATABASE)


@pytest.mark.parametrize("error", [ConnectionError("gone"), ExceptionGroup("tasks", [ValueError()])])
def test_other_trouble_goes_on_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, books_written():
        raise error
    assert caught.value is error
