"""A ledger in a thread of its own: locked, slow or damaged it delays nobody, and loses nothing."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_story import story
from patience import PATIENCE_S, until_elsewhere

from liqbot.exits import ExpectedError
from liqbot.ledger import LedgerThread, LedgerWriter
from liqbot.ledger.background import Remake
from liqbot.ledger.connect import engine_for
from liqbot.ledger.migrate import upgrade
from tests.ledger.test_ledger import everything, written

STORY = tuple(story())
LAST = STORY[-1].seq


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """By another program, which goes on to write for as long as this lasts."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def told(ledger: LedgerThread) -> None:
    """The story."""
    for observation in STORY:
        ledger.put(observation)


def as_written_at_once(tmp_path: Path) -> object:
    return everything(written(f"sqlite:///{tmp_path / 'at_once.sqlite'}"))


@pytest.mark.drawn(singly=True)
def test_what_is_put_is_written_as_if_it_were_written_at_once(tmp_path: Path, any_url: str) -> None:
    with LedgerThread(any_url, "abc123", written=lambda: LAST) as ledger:
        told(ledger)
        assert ledger.flush(PATIENCE_S)
        assert ledger.seq == LAST
    assert everything(any_url) == as_written_at_once(tmp_path)


def test_nobody_who_tells_it_something_waits_for_a_commit(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go, flush = threading.Event(), threading.Event(), LedgerWriter.flush

    def hanging(writer: LedgerWriter) -> None:
        begun.set()
        assert may_go.wait(PATIENCE_S), "whoever told it something waits"
        flush(writer)

    monkeypatch.setattr(LedgerWriter, "flush", hanging)
    with LedgerThread(sqlite_url, "abc123", written=lambda: LAST) as ledger:
        ledger.put(STORY[0])
        assert not ledger.flush(0.0)
        assert begun.wait(PATIENCE_S)
        for observation in STORY[1:]:
            ledger.put(observation)
        assert ledger.seq == 0
        may_go.set()
        assert ledger.flush(PATIENCE_S)
    assert everything(sqlite_url) == as_written_at_once(tmp_path)


def test_a_ledger_locked_by_another_program_misses_nothing(tmp_path: Path, sqlite_url: str) -> None:
    with LedgerThread(sqlite_url, "abc123", written=lambda: LAST) as ledger:
        with locked(sqlite_url):
            told(ledger)
            assert not ledger.flush(0.05)
            until_elsewhere(lambda: "locked" in ledger.trouble)
        assert ledger.flush(PATIENCE_S)
        assert ledger.trouble == ""
    assert everything(sqlite_url) == as_written_at_once(tmp_path)


def test_a_ledger_that_is_locked_at_the_start_is_opened_later(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liqbot.ledger.background.OPEN_S_MAX", 0.1)
    with locked(sqlite_url):
        ledger = LedgerThread(sqlite_url, "abc123", written=lambda: LAST)
        assert not ledger.opened
        told(ledger)
    assert ledger.flush(PATIENCE_S)
    ledger.close()
    assert everything(sqlite_url) == as_written_at_once(tmp_path)


def test_nothing_is_committed_that_the_journal_has_not_written(sqlite_url: str) -> None:
    reached = 3
    with LedgerThread(sqlite_url, "abc123", written=lambda: reached) as ledger:
        told(ledger)
        assert not ledger.flush(0.3)
        until_elsewhere(lambda: ledger.seq == 3)
        reached = LAST
        assert ledger.flush(PATIENCE_S)


@pytest.mark.drawn(singly=True)
def test_one_that_falls_behind_says_so_and_takes_the_rest_at_the_next_start(tmp_path: Path, sqlite_url: str) -> None:
    reached = 4
    with LedgerThread(sqlite_url, "abc123", written=lambda: reached, waiting_max=2) as ledger:
        for observation in STORY[:4]:
            ledger.put(observation, 30.0)
        assert ledger.flush(PATIENCE_S)
        told(ledger)
        assert "behind since record 4" in ledger.trouble
        assert "db rebuild" in ledger.trouble
        reached = LAST
        ledger.put(STORY[-1])
        assert not ledger.flush(0.1), "a later record is not taken without those before it"
        assert ledger.seq == 4
    with LedgerThread(sqlite_url, "abc123", written=lambda: LAST) as ledger:
        told(ledger)
        assert ledger.flush(PATIENCE_S)
    assert everything(sqlite_url) == as_written_at_once(tmp_path)


def test_a_gap_is_not_passed_over(sqlite_url: str) -> None:
    with LedgerThread(sqlite_url, "abc123", written=lambda: LAST) as ledger:
        for observation in (STORY[0], *STORY[2:]):
            ledger.put(observation)
        until_elsewhere(lambda: ledger.trouble)
        assert "it ends at record 1, the next that came is 3" in ledger.trouble


@pytest.mark.drawn(singly=True)
def test_a_ledger_that_is_too_far_behind_is_made_anew_in_its_thread(tmp_path: Path, sqlite_url: str) -> None:
    begun, may_go = threading.Event(), threading.Event()

    def make() -> None:
        begun.set()
        assert may_go.wait(PATIENCE_S)
        with LedgerWriter(sqlite_url, "abc123") as writer:
            for observation in STORY[:-2]:
                writer.observe(observation)

    remake = Remake(needed=lambda seq: seq < 5, make=make)
    ledger = LedgerThread(sqlite_url, "abc123", written=lambda: LAST, remake=remake)
    assert begun.wait(PATIENCE_S)
    assert not ledger.opened, "nobody waits for it"
    for observation in STORY[-4:]:
        ledger.put(observation)
    may_go.set()
    assert ledger.flush(PATIENCE_S)
    ledger.close()
    assert everything(sqlite_url) == as_written_at_once(tmp_path)


def test_one_that_nothing_can_be_made_of_begins_with_a_gap(sqlite_url: str) -> None:
    def make() -> None:
        raise ExpectedError("rows of another journal too")

    remake = Remake(needed=lambda seq: seq < 5, make=make)
    with LedgerThread(sqlite_url, "abc123", written=lambda: LAST, remake=remake) as ledger:
        for observation in STORY[-4:]:
            ledger.put(observation)
        assert ledger.flush(PATIENCE_S)


def test_a_ledger_that_breaks_stops_its_thread_and_nothing_else(sqlite_url: str) -> None:
    with LedgerThread(sqlite_url, "abc123", written=lambda: LAST) as ledger:
        until_elsewhere(lambda: ledger.opened)
        with contextlib.closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other, other:
            other.execute("DROP TABLE fold_state")
            other.execute("CREATE TABLE fold_state (other)")
        told(ledger)
        until_elsewhere(lambda: ledger.trouble)
        told(ledger)


def test_a_newer_ledger_is_refused_at_once(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liqbot.ledger.background.OPEN_S_MAX", PATIENCE_S)
    engine = engine_for(sqlite_url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(ExpectedError, match="9999"):
        LedgerThread(sqlite_url, "abc123", written=lambda: LAST)
