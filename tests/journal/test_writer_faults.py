"""The journal's writer among faults: records that are none, disks that hang, files that go away under it."""

import pathlib
import sqlite3
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S, until_elsewhere

from liqbot.blocks import EventBlock, Roster
from liqbot.events import Halt
from liqbot.journal import Journal, JournalLimits, JournalReader, codec
from liqbot.journal.errors import JournalStuckError
from liqbot.journal.writer import GroupWriter, Item

ROSTER = Roster(venues=("binance", "bybit"), coins=("BTC",))


def opened(path: pathlib.Path, **limits: int) -> Journal:
    return Journal.open(path, mode="paper", account="sim", roster=ROSTER, limits=JournalLimits(**limits))


def test_a_record_that_cannot_be_encoded_is_trouble_and_what_came_before_it_is_kept(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    journal = opened(path, commit_ms=60_000)  # one group holds all of it
    for n in range(3):
        journal.append(EventBlock(tick_ms=n), "feed", n)
    journal.append(EventBlock(facts=(object(),)), "feed", 4)  # type: ignore[arg-type]
    journal.append(EventBlock(), "feed", 5)
    with pytest.raises(JournalStuckError, match="a record cannot be written"):
        journal.wait_durable(timeout_s=PATIENCE_S)
    assert "restart" in str(journal.trouble)
    with pytest.raises(AttributeError):
        journal.close()
    with JournalReader(path) as reader:
        assert reader.last_seq == 3, "nothing after the bad one, or a replay would leave it out without a word"


@given(text=st.text(st.characters(exclude_categories=()), max_size=20), number=st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_fact_that_can_be_made_can_be_written_down(text: str, number: int):
    halt = Halt(time_ms=number, reason=text)
    assert codec.unpack_facts(codec.pack_facts((halt,))) == (halt,)
    assert halt.reason == text or not text.isascii()


def test_a_whole_number_that_no_book_can_keep_is_no_fact():
    with pytest.raises(ValueError, match=r"Halt.time_ms: 9223372036854775808 is not a number of 64 bits"):
        Halt(time_ms=2**63, reason="")


class Hanging(sqlite3.Connection):
    """A disk that takes a COMMIT and does not return from it until it is freed."""

    free: threading.Event

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self.free.wait()
        return super().execute(sql, *parameters)


def hanging(path: pathlib.Path, free: threading.Event, **limits: int) -> GroupWriter:
    connection = sqlite3.connect(path, factory=Hanging, isolation_level=None, check_same_thread=False)
    connection.free = free
    connection.executescript(
        "CREATE TABLE given (n); CREATE TABLE durable (commits); INSERT INTO durable VALUES (0)"
    )
    bounds = {"commit_ms": 5, "group_rows": 100, "queue_rows_max": 1_000, "stuck_after_ms": 50}
    return GroupWriter(connection, path, **(bounds | limits))


def test_a_disk_that_hangs_in_a_commit_is_trouble_until_it_answers(tmp_path: pathlib.Path):
    free = threading.Event()
    writer = hanging(tmp_path / "any.sqlite", free, stuck_after_ms=600_000)
    assert writer.trouble is None
    writer.put(Item(1, lambda: lambda connection: connection.execute("INSERT INTO given VALUES (1)")))
    first = writer.durable()
    writer._stuck_after_ms = 50  # only now: a busy machine may take longer than that to get here
    until_elsewhere(lambda: writer.trouble is not None)
    assert "waits for the disk" in str(writer.trouble)
    assert not first.done(), "nobody could tell it"
    writer.put(Item(1, lambda: None))
    with pytest.raises(JournalStuckError):
        writer.durable().result(0)
    free.set()
    first.result(PATIENCE_S)
    until_elsewhere(lambda: writer.trouble is None)
    writer.close()


def test_closing_does_not_wait_for_ever_for_a_disk_that_hangs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    free = threading.Event()
    writer = hanging(tmp_path / "any.sqlite", free)
    monkeypatch.setattr("liqbot.journal.writer.CLOSE_S_MAX", 0.2)
    writer.put(Item(1, lambda: lambda _connection: None))
    with pytest.raises(JournalStuckError):
        writer.close()
    free.set()


@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_journal_whose_file_goes_while_it_is_written_says_so(what: str, tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    journal = opened(path)
    journal.append(EventBlock(), "feed", 1)
    journal.wait_durable(timeout_s=PATIENCE_S)
    path.unlink()
    if what == "replaced":
        path.write_bytes(b"another")
    until_elsewhere(lambda: journal.trouble is not None, "it is missed")
    assert f"was {what}" in str(journal.trouble)
    with pytest.raises(JournalStuckError, match="no entries"):
        journal.durable(journal.append(EventBlock(), "feed", 2)).result(PATIENCE_S)
    assert journal.trouble is not None, "for good: no later commit makes it well"
    with pytest.raises(JournalStuckError):
        journal.close()


@pytest.mark.parametrize(
    ("fault", "mended", "says"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 100000", "full"),
        ("PRAGMA query_only = 1", "PRAGMA query_only = 0", "readonly"),
    ],
)
def test_a_full_or_read_only_disk_is_trouble_and_nothing_queued_is_lost(
    fault: str, mended: str, says: str, tmp_path: pathlib.Path
):
    connection = sqlite3.connect(tmp_path / "any.sqlite", isolation_level=None, check_same_thread=False)
    connection.executescript("CREATE TABLE given (n); CREATE TABLE durable (commits); INSERT INTO durable VALUES (0)")
    connection.execute(fault)
    writer = GroupWriter(
        connection, tmp_path / "any.sqlite", commit_ms=5, group_rows=100, queue_rows_max=1_000, stuck_after_ms=100
    )
    for n in range(20):
        row = (n, b"x" * 4_000)
        writer.put(Item(1, lambda row=row: lambda given: given.execute("INSERT INTO given VALUES (?)", row[1:])))
    with pytest.raises(JournalStuckError, match=says):
        writer.durable().result(PATIENCE_S)
    assert says in str(writer.trouble)
    connection.execute(mended)
    until_elsewhere(lambda: writer.trouble is None)
    writer.durable().result(PATIENCE_S)
    assert connection.execute("SELECT count(*) FROM given").fetchone() == (20,)
    writer.close()
