"""A journal that refused records keeps the state after them as long as the records around it, and no longer."""

import sqlite3
from pathlib import Path

import pytest
from patience import PATIENCE_S

from liqbot.blocks import EventBlock, Roster
from liqbot.events import JournalGap
from liqbot.journal import Journal, JournalLimits
from liqbot.journal.errors import JournalStuckError
from liqbot.journal.rerun import SNAPSHOT_NAME

VERSION = "1"
DAY_MS = 86_400_000


def opened(path: Path, **limits: int) -> Journal:
    roster = Roster(("binance",), ("BTC",))
    return Journal.open(path, mode="demo", account="x", roster=roster, limits=JournalLimits(**limits))


def write(journal: Journal, time_ms: int, *, gap: bool = False) -> int:
    facts = (JournalGap(time_ms=time_ms, blocks=1, since_ms=time_ms),) if gap else ()
    return journal.append(EventBlock(facts=facts, tick_ms=time_ms), "test", 1)


def fill(journal: Journal) -> None:
    while True:
        journal.append(EventBlock(tick_ms=1), "test", 1, 0.2)


def test_every_state_is_kept_and_is_no_beginning(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(path) as journal:
        for number in range(1, 6):
            write(journal, number * 1_000)
            journal.save_gap(VERSION, lambda number=number: b"%d" % number)
            write(journal, number * 1_000, gap=True)
        journal.wait_durable()
        with journal.reader() as reader:
            kept = [reader.gap_state(seq, VERSION) for seq in (1, 3, 5, 7, 9)]
            assert [one.data for one in kept if one is not None] == [b"1", b"2", b"3", b"4", b"5"]
            assert reader.gap_state(2, VERSION) is None
            assert reader.gap_state(1, "2") is None, "of another program"
    with opened(path) as journal:
        assert journal.snapshot_seq == 0


def test_a_full_journal_is_asked_for_no_state(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(path, commit_ms=5, queue_rows_max=4, stuck_after_ms=100) as journal:
        other = sqlite3.connect(path, isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalStuckError):
            fill(journal)
        made: list[int] = []
        with pytest.raises(JournalStuckError):
            journal.save_gap(VERSION, lambda: bytes(made.append(1) or 1), 0.0)
        assert made == []
        other.execute("ROLLBACK")
        other.close()


def test_retention_takes_a_state_with_its_records_and_is_not_held_up_by_it(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.sqlite") as journal:
        write(journal, 1_000)
        journal.save_gap(VERSION, lambda: b"old")
        write(journal, 2_000, gap=True)
        for day in range(2, 12):
            write(journal, day * DAY_MS)
        journal.save_gap(VERSION, lambda: b"new")
        write(journal, 12 * DAY_MS, gap=True)
        journal.save_snapshot(SNAPSHOT_NAME, journal.last_seq, VERSION, b"newest")
        kept = journal.retain(days=3, max_bytes=1 << 40).result(PATIENCE_S)
        assert kept.dropped > 3
        journal.wait_durable()
        with journal.reader() as reader:
            assert reader.gap_state(1, VERSION) is None
            found = reader.gap_state(12, VERSION)
            assert found is not None
            assert found.data == b"new"
