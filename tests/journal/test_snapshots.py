"""Which snapshots a journal keeps: the newest always, the others spread over the past within their room."""

import itertools
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.blocks import DTYPES, EventBlock, Roster, unknown_rows
from liqbot.events import Balance
from liqbot.journal import Journal, JournalLimits, JournalReader
from liqbot.journal.snapshots import FOR_RECOVERY

ROSTER = Roster(("binance",), ("BTC",))
NAME, VERSION = "engine", "v1"
NOISE = random.Random(1).randbytes(20_000)
"""Does not become smaller when it is stored."""


def opened(path: Path, **limits: int) -> Journal:
    return Journal.open(path, mode="paper", account="x", roster=ROSTER, limits=JournalLimits(**limits))


def saved(path: Path, sizes: list[int], bytes_max: int) -> list[tuple[int, int]]:
    """(seq, bytes as stored) of what is left when a snapshot of each size was saved, one a record."""
    with opened(path, snapshot_bytes_max=bytes_max) as journal:
        for size in sizes:
            seq = journal.append(EventBlock(), "feed", 1)
            journal.save_snapshot(NAME, seq, VERSION, NOISE[:size])
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT seq, length(data) FROM snapshot ORDER BY seq").fetchall()


@pytest.mark.drawn
@given(sizes=st.lists(st.integers(0, 3_000), min_size=1, max_size=40), bytes_max=st.integers(0, 40_000))
def test_the_newest_are_there_and_the_rest_has_room(
    sizes: list[int], bytes_max: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    left = saved(tmp_path_factory.mktemp("book") / "journal.sqlite", sizes, bytes_max)
    seqs, last = [seq for seq, _ in left], len(sizes)
    newest = list(range(max(1, last - FOR_RECOVERY + 1), last + 1))
    assert seqs[-len(newest):] == newest
    assert sum(size for _, size in left) <= bytes_max or seqs == newest


@pytest.mark.parametrize("room", [10, 25, 60])
def test_they_are_spread_evenly_over_the_past(room: int, tmp_path: Path) -> None:
    count = 240
    left = [seq for seq, _ in saved(tmp_path / "journal.sqlite", [1_000] * count, room * 1_012)]
    assert room * 0.9 <= len(left) <= room
    gaps = [after - before for before, after in itertools.pairwise(left)]
    assert max(gaps) <= 3.0 * count / room, "no time lies much farther from a snapshot than another"
    assert left[0] == 1


def test_what_this_program_cannot_read_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(path, snapshot_bytes_max=6 * 1_012) as journal:
        for number in range(12):
            seq = journal.append(EventBlock(), "feed", 1)
            journal.save_snapshot(NAME, seq, VERSION if number >= 5 else "v0", NOISE[:1_000])
    with JournalReader(path) as reader:
        passed_over: list[str] = []
        assert len(list(reader.snapshots(NAME, VERSION, passed_over=passed_over))) == 6
        assert passed_over == []


def test_contracts_and_states_of_gaps_are_no_beginnings(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.sqlite") as journal:
        for number in range(6):
            seq = journal.append(EventBlock(), "feed", number)
            for name in ("contracts", "gap"):
                journal.save_snapshot(name, seq, VERSION, b"x")
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        assert [one.seq for one in reader.snapshots("contracts", VERSION)] == [6, 5, 4]
        assert [one.seq for one in reader.snapshots("gap", VERSION)] == [6, 5, 4, 3, 2, 1], "each where it lies"


def test_a_stretch_is_read_from_either_end_and_only_as_far_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    saved(path, [10] * 9, 1_000_000)
    with JournalReader(path) as reader:
        assert [one.seq for one in reader.snapshots(NAME, VERSION, from_seq=3, to_seq=6)] == [6, 5, 4, 3]
        assert [one.seq for one in reader.snapshots(NAME, VERSION, from_seq=7, oldest_first=True)] == [7, 8, 9]
        rest = reader.snapshots(NAME, VERSION)
        assert next(rest).seq == 9
        with sqlite3.connect(path) as other:
            other.execute("DELETE FROM snapshot WHERE seq = 8")
        assert next(rest).seq == 7, "one that was thinned out meanwhile is passed over"


def test_retention_takes_the_snapshots_of_what_it_dropped_and_keeps_what_the_newest_need(tmp_path: Path) -> None:
    path, rows = tmp_path / "journal.sqlite", unknown_rows("marks", 3)
    assert rows.dtype == DTYPES["marks"]
    with opened(path) as journal:
        for number in range(40):
            seq = journal.append(EventBlock(marks=rows, tick_ms=number * 86_400_000), "feed", number)
            if number % 4 == 3:
                journal.save_snapshot(NAME, seq, VERSION, b"x")
        while not journal.retain(days=1, max_bytes=10**12, rows=7).result(20).done:
            pass
    with JournalReader(path) as reader:
        left = [one.seq for one in reader.snapshots(NAME, VERSION)]
        assert left == [40, 36, 32], "those that recovery may begin from"
        assert reader.stamp.retained_seq == 33
        assert len(list(reader.records(33))) == 8


def test_facts_are_found_from_behind_and_the_present_by_time(tmp_path: Path) -> None:
    fact = Balance(time_ms=5, venue="binance", coin="", wallet_usd=1)
    with opened(tmp_path / "journal.sqlite") as journal:
        for number in range(1, 31):
            facts = (fact,) if number % 10 == 0 else ()
            journal.append(EventBlock(facts=facts, tick_ms=number * 100, backfilled=number == 15), "feed", number)
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        assert [one.seq for one in reader.with_facts(29)] == [20, 10]
        assert all(one.block.facts == (fact,) for one in reader.with_facts(30))
        assert [reader.seq_at(ms) for ms in (99, 100, 1_499, 1_500, 1_601, 10**6)] == [0, 1, 14, 14, 16, 30]
        plan = reader._connection.execute(
            "EXPLAIN QUERY PLAN SELECT seq FROM block WHERE facts IS NOT NULL AND seq <= 9 ORDER BY seq DESC"
        ).fetchall()
        assert "block_facts" in plan[0][3]
