"""Whatever happens to a journal's file: it opens with all that was written before the damage, or says what is next."""

import pathlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from liqbot.blocks import DTYPES, EventBlock, Roster
from liqbot.events import Balance, ConfigLoaded, JournalOpened, JournalRepaired
from liqbot.exits import ExpectedError
from liqbot.journal import Journal, JournalReader, Record, Repaired, check, repair
from liqbot.journal.errors import AlreadyRunningError, CorruptRecordError, JournalError, RecordsMissingError

ROSTER = Roster(("binance",), ("BTC",))
RECORDS, SNAPSHOT_AT, VERSION = 900, 600, "v"
SEEDS = range(14)
BEGINNING_BYTES = 65_536
"""What a journal cannot be begun without lies within these."""


def opened(path: pathlib.Path) -> Journal:
    return Journal.open(path, mode="paper", account="sim", roster=ROSTER)


def block(number: int) -> EventBlock:
    if number == 1:
        return EventBlock(facts=(
            JournalOpened(time_ms=1, journal_id="abc123", mode="paper", venues=ROSTER.venues, coins=ROSTER.coins),
            ConfigLoaded(time_ms=1, config_json="{}", digest="d"),
        ))
    if number % 3:
        return EventBlock(tick_ms=number * 1_000)
    marks = np.zeros(4, DTYPES["marks"])
    marks["time_ms"] = number * 1_000
    marks["mark_price"] = np.random.default_rng(number).random(4)
    balance = Balance(time_ms=number, venue="binance", coin="BTC", wallet_usd=Decimal(number))
    return EventBlock(facts=(balance,), marks=marks)


class Quiet:
    time_ms, verdicts, decisions, commands, whales, feeds = 0, (), (), (), (), ()

    def encoded(self) -> bytes:
        return b"quiet"


def written(path: pathlib.Path, *, records: int = RECORDS, snapshot_at: int | None = SNAPSHOT_AT) -> list[Record]:
    with opened(path) as journal:
        for number in range(1, records + 1):
            seq = journal.append(block(number), "test", number)
            journal.record(seq, Quiet())
            if seq == snapshot_at:
                journal.save_snapshot("engine", seq, VERSION, random.Random(1).randbytes(50_000))
    with JournalReader(path) as reader:
        return list(reader.records())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, list[Record]]:
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite"
    return path, written(path)


def copy_of(sound: tuple[pathlib.Path, list[Record]], folder: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copyfile(sound[0], folder / "journal.sqlite"))


def same(one: Record, other: Record) -> bool:
    alike = (one.seq, one.time_ms, one.block.facts) == (other.seq, other.time_ms, other.block.facts)
    return alike and np.array_equal(one.block.marks, other.block.marks)


def refusal(deed: Callable[[], object]) -> str | None:
    """What it was refused with; None when it was not."""
    try:
        deed()
    except JournalError as refused:
        return str(refused)
    return None


def whole_or_next_step(path: pathlib.Path, before: list[Record]) -> bool:
    """Whether it opened, with every record that it says it has as it was."""
    found: list[Record] = []

    def read() -> None:
        opened(path).close()
        with JournalReader(path) as reader:
            found.extend(reader.records())

    refused = refusal(read)
    assert refused is None or "db repair" in refused or "move it away" in refused, refused
    assert all(map(same, found, before)), "a record is not what was written"
    return refused is None


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_cut_off_anywhere_it_opens_or_names_the_next_step_and_repair_keeps_what_was_before(
    sound: tuple[pathlib.Path, list[Record]], tmp_path: pathlib.Path, seed: int
) -> None:
    path, before = copy_of(sound, tmp_path), sound[1]
    cut_at = random.Random(seed).randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.truncate(cut_at)
    if whole_or_next_step(path, before):
        return
    repaired: list[Repaired] = []
    refused = refusal(lambda: repaired.append(repair(path, 1, snapshot_version=VERSION)))
    if refused is not None:
        assert "move it away" in refused, refused
        assert cut_at < BEGINNING_BYTES, f"seed {seed}: cut at {cut_at}, and nothing is recovered: {refused}"
        return
    (done,) = repaired
    with opened(path) as journal:
        assert journal.last_seq == done.last_seq + 1
    with JournalReader(path) as reader:
        kept = list(reader.records(reader.stamp.retained_seq))
        assert isinstance(kept.pop().block.facts[0], JournalRepaired)
        assert all(same(record, before[record.seq - 1]) for record in kept)
        assert [record.seq for record in kept] == list(range(reader.stamp.retained_seq, done.last_seq + 1))
    assert not check(path).problems
    assert pathlib.Path(done.kept).stat().st_size >= cut_at, "the damaged one is not kept"


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_overwritten_anywhere_nothing_ends_in_a_traceback(
    sound: tuple[pathlib.Path, list[Record]], tmp_path: pathlib.Path, seed: int
) -> None:
    path, chance = copy_of(sound, tmp_path), random.Random(seed)
    with path.open("r+b") as file:
        file.seek(chance.randrange(path.stat().st_size))
        file.write(chance.randbytes(chance.choice((1, 16, 512, 4_096, 20_000))))
    for attempt in (lambda: opened(path).close(), lambda: check(path), lambda: list(JournalReader(path).records()),
                    lambda: repair(path, 1, snapshot_version=VERSION), lambda: opened(path).close()):
        assert refusal(attempt) != "", seed


# --- holes ------------------------------------------------------------------------------------------------------------


def with_hole(path: pathlib.Path, first: int, last: int) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM block WHERE seq BETWEEN ? AND ?", (first, last))
    connection.close()


def test_a_hole_is_said_when_the_journal_opens_and_stops_whoever_reads_over_it(
    sound: tuple[pathlib.Path, list[Record]], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy_of(sound, tmp_path)
    with_hole(path, 100, 110)
    opened(path).close()
    said = capsys.readouterr()
    assert '"first": 100' in said.err
    assert "liqbot db repair" in said.out + said.err
    with JournalReader(path) as reader, pytest.raises(RecordsMissingError, match="records 100 to 110 are missing"):
        list(reader.records())
    assert any("100 to 110" in problem for problem in check(path).problems)


@pytest.mark.parametrize(
    ("first", "last", "last_seq", "from_seq"),
    [(100, 110, RECORDS, 111), (700, 710, 699, 1), (590, 610, SNAPSHOT_AT, SNAPSHOT_AT + 1)],
    ids=["before the snapshot", "after the snapshot", "over the snapshot"],
)
def test_a_repaired_journal_can_be_recovered_from_its_snapshot_on(
    sound: tuple[pathlib.Path, list[Record]], tmp_path: pathlib.Path, first: int, last: int, last_seq: int,
    from_seq: int,
) -> None:
    path = copy_of(sound, tmp_path)
    with_hole(path, first, last)
    done = repair(path, 5, snapshot_version=VERSION)
    assert (done.last_seq, done.market_dropped_before_seq, done.snapshot_seq) == (last_seq, from_seq, SNAPSHOT_AT)
    with JournalReader(path) as reader:
        assert reader.newest_snapshot("engine", VERSION)[0] is not None
        after = [record.seq for record in reader.records(SNAPSHOT_AT + 1)]
        (told,) = next(iter(reader.records(last_seq + 1))).block.facts
    assert after == list(range(SNAPSHOT_AT + 1, last_seq + 2))
    assert isinstance(told, JournalRepaired)
    assert str(first) in told.lost or str(last_seq) in told.lost
    assert not check(path).problems


def test_without_a_snapshot_a_repaired_journal_ends_before_the_hole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.sqlite"
    before = written(path, records=60, snapshot_at=None)
    with_hole(path, 40, 41)
    done = repair(path, 5, snapshot_version=VERSION)
    assert (done.records, done.last_seq, done.lost) == (
        39, 39, "whatever followed record 39 (19 of them could be read, without what came before)"
    )
    with JournalReader(path) as reader:
        assert reader.stamp.journal_id == done.journal_id
        assert all(map(same, reader.records(to_seq=39), before))


# --- deleted, emptied, left over --------------------------------------------------------------------------------------


def test_a_journal_cut_to_nothing_is_no_new_journal(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    with pytest.raises(CorruptRecordError, match=r"is empty.*move it away"):
        opened(path)
    with pytest.raises(CorruptRecordError, match="move it away"):
        repair(path, 1, snapshot_version=VERSION)
    assert path.exists()


def test_pages_of_a_deleted_journal_do_not_enter_the_next_one(tmp_path: pathlib.Path) -> None:
    path, left = tmp_path / "journal.sqlite", tmp_path / "journal.sqlite-wal"
    journal = opened(path)
    journal.append(block(1), "test", 1)
    journal.wait_durable()
    pages = left.read_bytes()
    journal.close()
    path.unlink()
    left.write_bytes(pages)
    with opened(path) as journal:
        assert journal.last_seq == 0
    assert (tmp_path / "journal.sqlite.left-1-wal").read_bytes() == pages


def test_a_running_journal_is_not_repaired(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(path), pytest.raises(AlreadyRunningError):
        repair(path, 1, snapshot_version=VERSION)


def test_a_missing_journal_is_not_repaired(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ExpectedError, match="no such file"):
        repair(tmp_path / "journal.sqlite", 1, snapshot_version=VERSION)
