"""The journal: what is appended comes back byte for byte, durable when said so, and nothing queued is lost."""

import contextlib
import pathlib
import sqlite3
import subprocess
import sys
import textwrap
import threading
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from liqbot.blocks import DTYPES, KINDS, EventBlock, Roster
from liqbot.events import Balance, FundingPaid, Halt
from liqbot.journal import Journal, JournalLimits, JournalReader, backup, check, codec, restore, schema
from liqbot.journal.errors import (
    AlreadyRunningError,
    CorruptRecordError,
    JournalMissingError,
    JournalNewerError,
    JournalStuckError,
    JournalUnwritableError,
    MarketDroppedError,
    StampMismatchError,
    UnknownShapeError,
)
from liqbot.journal.shape import TODAY, readings
from liqbot.journal.steps import QUIET_STEPS_MAX

ROSTER = Roster(venues=("binance", "bybit"), coins=("BTC",))
DAY_MS = 86_400_000


class Answer:
    """A step that says what it is told to."""

    def __init__(self, text: bytes, commands: tuple[str, ...] = ()) -> None:
        self.text, self.commands, self.whales, self.feeds = text, commands, (), ()
        self.verdicts = self.decisions = ()

    def encoded(self) -> bytes:
        return self.text


def opened(path: pathlib.Path, **limits: int) -> Journal:
    return Journal.open(path, mode="paper", account="sim", roster=ROSTER, limits=JournalLimits(**limits))


def random_rows(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    rows = np.frombuffer(rng.bytes(count * DTYPES[kind].itemsize), DTYPES[kind]).copy()
    rows["time_ms"] = 1_700_000_000_000 + rng.integers(0, 1000, count)
    return rows


def random_block(seed: int, tick_ms: int | None = None) -> EventBlock:
    rng = np.random.default_rng(seed)
    columns = {kind: random_rows(kind, int(rng.integers(0, 30)), rng) for kind in KINDS if rng.random() < 0.6}
    facts = (
        Halt(time_ms=seed, reason="a reason"),
        FundingPaid(time_ms=seed, venue="binance", coin="BTC", amount_usd=Decimal("-1.25"), rate_pct=0.01),
    )[: int(rng.integers(0, 3))]
    return EventBlock(**columns, facts=facts, tick_ms=tick_ms, backfilled=bool(rng.random() < 0.3), lag_ms=seed % 7)


def same(one: EventBlock, other: EventBlock) -> bool:
    return (
        all(getattr(one, name) == getattr(other, name) for name in ("facts", "tick_ms", "backfilled", "lag_ms"))
        and all(one.rows(kind).dtype == other.rows(kind).dtype for kind in KINDS)
        and all(one.rows(kind).tobytes() == other.rows(kind).tobytes() for kind in KINDS)
    )


@pytest.mark.drawn(singly=True)
@given(st.lists(st.integers(0, 10_000), max_size=12), st.integers(1, 7), st.integers(1, 400))
@settings(max_examples=25, deadline=None)
def test_what_is_appended_comes_back_in_any_chunking(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[int], chunk: int, group_rows: int
):
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    blocks = [random_block(seed, tick_ms=1_700_000_000_000 + n if n % 2 else None) for n, seed in enumerate(seeds)]
    with opened(path, group_rows=group_rows, commit_ms=1) as journal:
        assert [journal.append(block, "feed", n) for n, block in enumerate(blocks)] == list(range(1, len(blocks) + 1))
    with JournalReader(path) as reader:
        records = list(reader.records(chunk=chunk))
        assert [(r.seq, r.source, r.source_seq) for r in records] == [(n + 1, "feed", n) for n in range(len(blocks))]
        assert all(same(r.block, b) for r, b in zip(records, blocks, strict=True))
        middle = len(blocks) // 2 + 1
        assert [r.seq for r in reader.records(middle, chunk=chunk)] == list(range(middle, len(blocks) + 1))


def test_sequence_goes_on_after_reopening(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path) as journal:
        journal.append(random_block(1), "feed", 1)
        first_id = journal.stamp.journal_id
    with opened(path) as journal:
        assert journal.stamp.journal_id == first_id
        assert len(first_id) == 6
        assert first_id.isascii()
        assert first_id.isalnum()
        assert first_id.lower() == first_id
        assert journal.append(random_block(2), "feed", 2) == 2


@pytest.mark.drawn(singly=True)
def test_durable_covers_everything_before_it_and_survives_a_kill(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    script = textwrap.dedent(f"""
        import os, pathlib, signal
        from liqbot.blocks import EventBlock, Roster
        from liqbot.events import Halt
        from liqbot.journal import Journal, JournalLimits
        class Answer:
            verdicts = decisions = whales = feeds = (); commands = ("order",)
            def encoded(self): return b"intent"
        journal = Journal.open(pathlib.Path({str(path)!r}), mode="paper", account="sim",
                               roster=Roster(("binance", "bybit"), ("BTC",)), limits=JournalLimits(commit_ms=60_000))
        for n in range(40):
            seq = journal.append(EventBlock(facts=(Halt(time_ms=n, reason="x"),)), "feed", n)
        journal.record(seq, Answer())
        journal.wait_durable(seq, {PATIENCE_S})
        journal.append(EventBlock(), "feed", 99)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    with opened(path) as journal, journal.reader() as reader:
        assert [r.source_seq for r in reader.records()] == list(range(40))
        assert [(s.seq, s.step) for s in reader.steps()] == [(40, b"intent")]


def test_durable_answers_at_once_when_nothing_is_outstanding(tmp_path: pathlib.Path):
    with opened(tmp_path / "journal.sqlite", commit_ms=60_000) as journal:
        assert journal.durable().done()
        seq = journal.append(random_block(3), "feed", 1)
        journal.wait_durable(seq, PATIENCE_S)
        assert journal.durable(seq).done()
        with pytest.raises(ValueError, match="never appended"):
            journal.durable(seq + 1)


def test_steps_that_say_nothing_share_a_row_with_the_next_that_does(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path) as journal:
        for n in range(1, 8):
            journal.append(random_block(n), "feed", n)
            if n != 6:
                journal.record(n, Answer(b"order", commands=("place",)) if n == 3 else Answer(b"nothing"))
            if n == 4:
                journal.save_snapshot("engine", 4, "v", b"")
    with JournalReader(path) as reader:
        rows = list(reader.steps())
    assert [(row.first_seq, row.seq, row.step) for row in rows] == [
        (1, 3, b"order"), (4, 4, None), (5, 5, None), (7, 7, None)
    ], "a snapshot ends a range, as do a step never recorded and the end of the process"
    assert all(len(row.digest) == 16 for row in rows)


def test_closing_twice_is_closing(tmp_path: pathlib.Path):
    journal = opened(tmp_path / "journal.sqlite")
    journal.append(EventBlock(tick_ms=1), "feed", 1)
    journal.record(1, Answer(b"nothing"))
    journal.close()
    journal.close()
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        assert [(row.first_seq, row.seq) for row in reader.steps()] == [(1, 1)]


def test_a_journal_opens_while_somebody_else_holds_the_database(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    opened(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        journal = opened(path)  # nothing is written before something is appended
        blocker.execute("ROLLBACK")
    assert journal.stamp.schema_version == schema.SCHEMA_VERSION
    assert len(journal.stamp.shapes) == 2
    journal.close()


def test_quiet_steps_never_wait_for_long(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path) as journal:
        for n in range(1, 3 * QUIET_STEPS_MAX):
            journal.append(EventBlock(tick_ms=n), "feed", n)
            journal.record(n, Answer(b"nothing"))
    with JournalReader(path) as reader:
        rows = [(row.first_seq, row.seq) for row in reader.steps()]
    assert rows == [(1, QUIET_STEPS_MAX), (QUIET_STEPS_MAX + 1, 2 * QUIET_STEPS_MAX),
                    (2 * QUIET_STEPS_MAX + 1, 3 * QUIET_STEPS_MAX - 1)]


def test_durable_means_on_disk_even_when_only_quiet_steps_are_queued(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path, commit_ms=1) as journal:
        journal.append(EventBlock(tick_ms=1), "feed", 1)
        while journal.queued_rows:
            threading.Event().wait(0.005)  # committed without fsync
        journal.record(1, Answer(b"nothing"))
        before = commits(path)
        journal.wait_durable(timeout_s=PATIENCE_S)
        assert commits(path) == before + 1, "a transaction without rows would not reach the disk"


def commits(path: pathlib.Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT commits FROM durable").fetchone()[0])


def test_appending_threads_each_get_their_own_seq(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    got: list[int] = []
    with opened(path, queue_rows_max=20, group_rows=5, commit_ms=1) as journal:
        def work(name: str) -> None:
            got.extend(journal.append(EventBlock(facts=(Halt(time_ms=n, reason=name),)), name, n) for n in range(50))

        threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(got) == list(range(1, 201))
    with JournalReader(path) as reader:
        order = [(r.source, r.source_seq) for r in reader.records()]
    for name in ("t0", "t1", "t2", "t3"):
        assert [n for source, n in order if source == name] == list(range(50))


def test_second_writer_is_refused_while_the_first_lives_but_readers_are_not(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path) as journal:
        with pytest.raises(AlreadyRunningError, match="process") as refused:
            opened(path)
        assert refused.value.exit_code == 8
        journal.append(random_block(1), "feed", 1)
        journal.wait_durable(timeout_s=PATIENCE_S)
        with JournalReader(path) as reader:
            assert reader.last_seq == 1
    opened(path).close()


@pytest.mark.parametrize(
    ("mode", "account", "roster", "word"),
    [("live", "sim", ROSTER, "mode"), ("paper", "other", ROSTER, "account"),
     ("paper", "sim", Roster(("bybit", "binance"), ("BTC",)), "venues")],
)
def test_a_stamp_of_something_else_is_refused(
    tmp_path: pathlib.Path, mode: str, account: str, roster: Roster, word: str
):
    path = tmp_path / "journal.sqlite"
    opened(path).close()
    with pytest.raises(StampMismatchError, match=word) as refused:
        Journal.open(path, mode=mode, account=account, roster=roster)
    assert refused.value.exit_code == 3
    opened(path).close()


def test_newer_schema_foreign_file_missing_file_and_unwritable_place(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    opened(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(JournalNewerError) as newer:
        opened(path)
    assert newer.value.exit_code == 7
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    with pytest.raises(CorruptRecordError, match="not a liqbot journal"):
        opened(other)
    with pytest.raises(JournalMissingError) as missing:
        JournalReader(tmp_path / "none.sqlite")
    assert missing.value.exit_code == 6
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalUnwritableError) as unwritable:
        opened(tmp_path / "file" / "journal.sqlite")
    assert unwritable.value.exit_code == 7
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(JournalUnwritableError):
        opened(tmp_path / "folder.sqlite")


def test_a_locked_database_delays_but_loses_nothing(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path, stuck_after_ms=60_000) as journal:
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        for n in range(10):
            journal.append(random_block(n), "feed", n)
        waiting = journal.durable()
        assert not waiting.done()
        assert journal.trouble is None
        blocker.execute("ROLLBACK")
        blocker.close()
        waiting.result(PATIENCE_S)
        with journal.reader() as reader:
            assert reader.last_seq == 10


def test_a_stuck_journal_says_so_keeps_what_it_has_and_recovers(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path, stuck_after_ms=50, queue_rows_max=5) as journal:
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        kept = journal.append(EventBlock(), "feed", 1)
        with pytest.raises(JournalStuckError):
            journal.wait_durable(kept, PATIENCE_S)
        assert isinstance(journal.trouble, JournalStuckError)
        for n in range(4):
            kept = journal.append(EventBlock(), "feed", 2 + n)
        with pytest.raises(JournalStuckError):
            journal.append(EventBlock(), "feed", 9)
        blocker.execute("ROLLBACK")
        blocker.close()
        while journal.trouble is not None:
            threading.Event().wait(0.01)
        assert journal.append(EventBlock(), "feed", 100) == kept + 1
        journal.wait_durable(timeout_s=PATIENCE_S)
        with journal.reader() as reader:
            assert [r.seq for r in reader.records()] == list(range(1, kept + 2))


def test_closing_a_stuck_journal_reports_what_was_not_written(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    journal = opened(path, stuck_after_ms=50)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    journal.append(EventBlock(), "feed", 1)
    with pytest.raises(JournalStuckError):
        journal.close()
    blocker.close()
    opened(path).close()


def _append_for_ever(journal: Journal) -> None:
    while True:
        journal.append(EventBlock(), "feed", 1)
        threading.Event().wait(0.005)


def test_a_crash_of_the_writer_is_trouble_at_once_and_reaches_the_next_append(tmp_path: pathlib.Path):
    journal = opened(tmp_path / "journal.sqlite", commit_ms=1)
    journal.append(EventBlock(), "feed", None)  # type: ignore[arg-type]  # breaks NOT NULL in the thread
    with pytest.raises(JournalStuckError, match="crashed"):
        _append_for_ever(journal)
    assert "NOT NULL" in str(journal.trouble)
    with pytest.raises(sqlite3.IntegrityError):
        journal.close()


def test_newest_readable_snapshot_wins_and_bad_ones_are_named(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path, snapshot_bytes_max=0) as journal:
        for n in range(1, 6):
            journal.append(EventBlock(), "feed", n)
            journal.save_snapshot("engine", n, "v1" if n < 5 else "v2", b"state %d" % n)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM snapshot").fetchone() == (3,)
    connection.execute("UPDATE snapshot SET checksum = x'00' WHERE seq = 4")
    connection.commit()
    with JournalReader(path) as reader:
        found, warnings = reader.newest_snapshot("engine", "v1")
        assert found is not None
        assert (found.seq, found.data) == (3, b"state 3")
        assert len(warnings) == 2
        assert "version v2" in warnings[0]
        assert "checksum" in warnings[1]
        connection.execute("UPDATE snapshot SET data = x'00' WHERE seq = 3")
        connection.commit()
        assert reader.newest_snapshot("engine", "v1")[0] is None
        assert reader.newest_snapshot("other", "v1") == (None, ())
    connection.close()


def test_retention_drops_old_market_rows_and_keeps_facts_steps_and_what_recovery_needs(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    fact = Balance(time_ms=0, venue="binance", coin="", wallet_usd=Decimal(1))
    marks = np.zeros(3, DTYPES["marks"])
    with opened(path) as journal:
        for n in range(40):
            block = EventBlock(marks=marks, facts=(fact,) if n % 10 == 0 else (), tick_ms=n * DAY_MS // 10)
            seq = journal.append(block, "feed", n)
            journal.record(seq, Answer(b"x", ("order",) if n == 5 else ()))
        nothing = journal.retain(days=1, max_bytes=10**12)
        journal.wait_durable(timeout_s=PATIENCE_S)
        assert nothing.result() == nothing.result().__class__(0, 1, True)  # no snapshot: all is needed for recovery
        journal.save_snapshot("engine", 35, "v", b"s")
        done, bites = False, 0
        while not done:
            bites += 1
            done = journal.retain(days=1, max_bytes=10**12, rows=7).result(PATIENCE_S).done
        assert bites == 5
    with JournalReader(path) as reader:
        first_kept = reader.stamp.retained_seq
        assert first_kept == 30
        assert [r.seq for r in reader.records(first_kept)] == list(range(30, 41))
        assert all(r.block.market_rows == 3 for r in reader.records(first_kept))
        with pytest.raises(MarketDroppedError):
            next(iter(reader.records()))
        with_facts = [r.seq for r in reader.records(facts_only=True) if r.block.facts]
        assert with_facts == [1, 11, 21, 31]
        assert [s.seq for s in reader.steps() if s.step] == [6]
        quiet = [(s.first_seq, s.seq) for s in reader.steps() if not s.step]
        assert quiet == [(7, 40)], "one row for all since the last that spoke"


def test_retention_by_size_takes_the_oldest_first(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    with opened(path) as journal:
        for n in range(200):
            journal.append(random_block(n, tick_ms=n), "feed", n)
        journal.save_snapshot("engine", 150, "v", b"s")
        dropped = journal.retain(days=1e6, max_bytes=1, rows=1_000).result(PATIENCE_S)
        assert 0 < dropped.dropped < 60
        kept = journal.retain(days=1e6, max_bytes=10**12).result(PATIENCE_S)
        assert kept.done
        assert kept.dropped == 0


def test_backup_is_whole_and_restore_draws_a_new_id(tmp_path: pathlib.Path):
    path, copy, again = tmp_path / "journal.sqlite", tmp_path / "copy.sqlite", tmp_path / "again" / "journal.sqlite"
    again.parent.mkdir()
    with opened(path) as journal:
        journal.append(random_block(7), "feed", 1)
        journal.wait_durable(timeout_s=PATIENCE_S)
        backup(path, copy)
        old_id = journal.stamp.journal_id
    with pytest.raises(JournalUnwritableError, match="exists"):
        backup(path, copy)
    new_id = restore(copy, again)
    assert new_id != old_id
    with opened(again) as journal, journal.reader() as reader:
        assert journal.stamp.journal_id == new_id
        assert same(next(iter(reader.records())).block, random_block(7))
    with pytest.raises(JournalUnwritableError, match="exists"):
        restore(copy, again)


def test_check_counts_a_sound_book_and_names_a_broken_record(tmp_path: pathlib.Path):
    path = tmp_path / "journal.sqlite"
    blocks = [random_block(n) for n in range(10)]
    with opened(path) as journal:
        for n, block in enumerate(blocks):
            journal.append(block, "feed", n)
    sound = check(path)
    assert (sound.records, sound.problems) == (10, ())
    assert sound.market_rows == sum(block.market_rows for block in blocks)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE market SET rows = x'01ff' WHERE seq = (SELECT max(seq) FROM market)")
    connection.commit()
    connection.close()
    assert any("do not decode" in problem for problem in check(path).problems)


def test_a_damaged_page_is_one_clear_error_to_every_reader(tmp_path: pathlib.Path):
    path, copy = tmp_path / "journal.sqlite", tmp_path / "copy.sqlite"
    with opened(path) as journal:
        for n in range(40):
            journal.append(random_block(n), "feed", n)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    mangled = bytearray(path.read_bytes())
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'block'").fetchone()
    connection.close()
    mangled[(root - 1) * page_bytes : root * page_bytes] = b"\xa5" * page_bytes
    path.write_bytes(mangled)
    with JournalReader(path) as reader, pytest.raises(CorruptRecordError, match=r"journal .* cannot be read"):
        list(reader.records(to_seq=40))
    with pytest.raises(CorruptRecordError, match=r"journal .* cannot be copied"):
        backup(path, copy)
    assert not copy.exists(), "no half copy stays behind"
    assert check(path).problems


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_mangled_bytes_are_corrupt_records_never_other_errors(data: bytes):
    for unpack in (codec.unpack_facts, lambda stored: codec.unpack_market(stored, readings(TODAY))):
        with contextlib.suppress(CorruptRecordError, UnknownShapeError):
            unpack(data)


def test_block_time_is_the_tick_else_the_newest_of_facts_and_rows():
    marks = np.zeros(2, DTYPES["marks"])
    marks["time_ms"] = (5, 9)
    assert codec.block_time_ms(EventBlock(marks=marks, facts=(Halt(time_ms=7, reason=""),)), 1) == 9
    assert codec.block_time_ms(EventBlock(marks=marks, tick_ms=4), 1) == 4
    assert codec.block_time_ms(EventBlock(), 1) == 1


def test_records_need_a_positive_chunk(tmp_path: pathlib.Path):
    opened(tmp_path / "journal.sqlite").close()
    with JournalReader(tmp_path / "journal.sqlite") as reader, pytest.raises(ValueError, match="chunk"):
        next(iter(reader.records(chunk=0)))
