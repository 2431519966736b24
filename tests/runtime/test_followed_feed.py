"""Market facts out of a journal that another process writes, and all that can happen to such a file."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from collector_life import T0, Collector, Follower, following, market, without_column
from patience import PATIENCE_S, until

from liqbot.blocks import DTYPES, EventBlock, block_of
from liqbot.events import Balance, BiasSet, FeedDown, FeedUp, Fill, Halt, MarkPrice, OrderAccepted
from liqbot.instruments import Side
from liqbot.journal.errors import JournalError
from liqbot.journal.shape import TODAY, Shape
from liqbot.journal.tail import Bookmark, JournalTail, bookmark_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "collector" / "journal.sqlite"


def written(path: Path, seconds: range) -> Collector:
    collector = Collector(path)
    for second in seconds:
        collector.step(second)
    return collector


async def test_the_past_and_the_present_come_once_each_in_our_codes(path: Path) -> None:
    collector = written(path, range(1, 30))
    follower = Follower(path)
    follower.at(29.1)
    async with following(follower):
        await follower.has(range(1, 30))
        for second in range(30, 40):
            collector.step(second)
            follower.at(second + 0.1)
            await follower.has(range(1, second + 1))
        assert {(row.venue, row.coin) for row in follower.sink.of(MarkPrice)} == {("binance", "BTC")}
        assert follower.ticks == [T0 + second * 1_000 for second in range(1, 40)]
        # How long each was on its way is said with it.
        assert [block.lag_ms for block in follower.sink.blocks if block.tick_ms][-1] >= 100
        assert follower.feed.stats.delay_max_ms >= 100
    collector.close()


async def test_account_facts_and_commands_of_the_collector_never_cross(path: Path) -> None:
    collector = Collector(path)
    at = {"time_ms": T0 + 1_000, "venue": "binance", "coin": "BTC"}
    own = (
        Fill(**at, client_id="a", fill_id="f", side=Side.LONG, reduces=False, price=Decimal(1),
             quantity_base=Decimal(1), fee=Decimal(0)),
        Balance(**at, wallet_usd=Decimal(1_000)), OrderAccepted(**at, client_id="a", venue_order_id="v"),
        BiasSet(time_ms=T0, coin="BTC", side=Side.LONG, until_ms=T0 + 10**9, why="theirs"),
        Halt(time_ms=T0, reason="their own"),
        FeedDown(**at, feed="account", reason="theirs"), FeedDown(**at, feed="clock", reason="theirs"),
    )
    collector.write(EventBlock(facts=own))
    collector.step(1, *own, FeedDown(**at, feed="funding", reason="silent"))
    collector.step(2)
    follower = Follower(path)
    follower.at(2)
    async with following(follower):
        await follower.has([1, 2])
    crossed = [fact for block in follower.sink.blocks for fact in block.facts]
    assert {type(fact) for fact in crossed} <= {FeedUp, FeedDown}
    assert [(fact.feed, fact.reason) for fact in crossed if isinstance(fact, FeedDown)] == [("funding", "silent")]
    collector.close()


async def test_after_our_own_death_it_goes_on_behind_the_bookmark(path: Path) -> None:
    collector = written(path, range(1, 6))
    first = Follower(path)
    first.at(5)
    async with following(first):
        await first.has(range(1, 6))
    for second in range(6, 9):
        collector.step(second)
    again = Follower(path, first.bookmark())
    again.at(8)
    async with following(again):
        await again.has(range(6, 9))
    collector.close()


async def test_a_new_journal_in_its_place_gives_only_what_is_newer(path: Path) -> None:
    collector = written(path, range(1, 6))
    follower = Follower(path)
    follower.at(5)
    async with following(follower):
        await follower.has(range(1, 6))
        collector.close()
        shutil.move(path, path.with_name("earlier.sqlite"))
        collector = Collector(path)
        collector.write(EventBlock(facts=(Halt(time_ms=T0 + 8_500, reason="what it began with"),)))
        for second in range(2, 9):  # the past as venues tell it again
            collector.step(second, backfilled=True)
        collector.step(9)
        follower.at(9)
        await follower.has_late(range(1, 10))
        assert follower.feed.stats.openings == 2
    collector.close()


async def test_an_older_copy_that_went_its_own_way_is_not_taken_for_the_same(path: Path, tmp_path: Path) -> None:
    collector = written(path, range(1, 4))
    collector.close()
    shutil.copy(path, tmp_path / "kept")
    collector = written(path, range(4, 9))
    follower = Follower(path)
    follower.at(8)
    async with following(follower):
        await follower.has(range(1, 9))
    collector.close()
    bookmark = follower.bookmark()
    shutil.copy(tmp_path / "kept", path)
    collector = written(path, range(20, 30))
    again = Follower(path, bookmark)
    again.at(29)
    async with following(again):
        await again.has(range(20, 30))
    collector.close()


async def test_what_retention_took_is_counted_and_the_rest_is_read(path: Path) -> None:
    collector = written(path, range(1, 11))
    collector.journal.save_snapshot("engine", 6, "some", b"state")
    collector.journal.retain(days=1e-5, max_bytes=10**12).result(PATIENCE_S)
    collector.journal.wait_durable(None, PATIENCE_S)  # its answer comes before its commit
    follower = Follower(path)
    follower.at(10)
    async with following(follower):
        await until(lambda: follower.prints and follower.prints[-1] == 10)
        assert follower.prints == sorted(set(follower.prints))
        assert follower.prints[0] > 1
    collector.close()


async def test_columns_are_read_by_name(path: Path) -> None:
    older = without_column(TODAY, "funding", "rate_stage")
    collector = Collector(path, shape=older)
    collector.step(1)
    follower = Follower(path)
    follower.at(1)
    async with following(follower):
        await follower.has([1])
    collector.close()


async def test_a_newer_writer_is_named_and_ticks_go_on(path: Path) -> None:
    wider = {kind: np.dtype([*((name, dtype[name]) for name in dtype.names or ()), ("depth_usd", "<f8")])
             if kind == "marks" else dtype for kind, dtype in DTYPES.items()}
    collector = Collector(path, shape=Shape.of(wider))
    rows = np.zeros(1, wider["marks"])
    rows["venue"] = 1
    collector.write(msgspec.structs.replace(EventBlock(tick_ms=T0 + 1_000), marks=rows))
    await silent_because(path, "newer liqbot wrote it")
    collector.close()


async def silent_because(path: Path, reason: str) -> Follower:
    follower = Follower(path)
    follower.at(0)
    async with following(follower):
        for second in range(1, 7):
            follower.at(second)
            await until(lambda second=second: follower.ticks and follower.ticks[-1] == T0 + second * 1_000)
        fallen = follower.facts_of(FeedDown)
        assert {(one.venue, one.feed) for one in fallen} == {
            ("binance", "trades"), ("binance", "mark"), ("bybit", "trades"), ("bybit", "mark")}
        assert all(reason in one.reason for one in fallen), fallen
        assert reason in follower.feed.stats.trouble
    return follower


async def test_no_journal_an_empty_one_and_none_at_all_are_said(path: Path) -> None:
    await silent_because(path, "no such file")
    put(path, b"")
    await silent_because(path, "is empty")
    put(path, os.urandom(9_000))
    await silent_because(path, "not a database")


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


async def test_a_file_that_is_cut_off_is_silence_until_it_is_whole_again(path: Path, tmp_path: Path) -> None:
    collector = written(path, range(1, 6))
    follower = Follower(path)
    follower.at(5)
    async with following(follower):
        await follower.has(range(1, 6))
    collector.close()
    shutil.copy(path, tmp_path / "whole")
    os.truncate(path, 5_000)
    again = Follower(path, follower.bookmark())
    again.at(5)
    async with following(again):
        again.at(9)
        await until(lambda: again.facts_of(FeedDown))
        assert "malformed" in again.facts_of(FeedDown)[0].reason
        shutil.move(tmp_path / "whole", path)
        collector = written(path, range(10, 13))
        again.at(12)
        await again.has_late([10, 11, 12])
        assert {fact.feed for fact in again.facts_of(FeedUp)} == {"trades", "mark", "liquidation"}
    collector.close()


async def test_a_lock_of_somebody_is_silence_and_nothing_is_lost(path: Path) -> None:
    collector = written(path, range(1, 4))
    collector.close()
    follower = Follower(path)
    follower.at(3)
    async with following(follower):
        await follower.has(range(1, 4))
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("PRAGMA locking_mode = EXCLUSIVE")
    locker.execute("BEGIN EXCLUSIVE")
    again = Follower(path, follower.bookmark())
    again.at(3)
    async with following(again):
        again.at(8)
        await until(lambda: again.facts_of(FeedDown))
        assert "locked" in again.facts_of(FeedDown)[0].reason
        locker.execute("COMMIT")
        locker.close()
        collector = written(path, range(8, 10))
        again.at(9)
        await again.has_late([8, 9])
    collector.close()


async def test_a_late_step_waits_for_nobody_and_is_folded_with_the_next(path: Path) -> None:
    collector = written(path, range(1, 3))
    follower = Follower(path)
    follower.at(2)
    async with following(follower):
        await follower.has([1, 2])
        follower.at(4.9)
        await asyncio.sleep(0.6)
        assert follower.ticks[-1] == T0 + 2_000, "its Tick is waited for"
        follower.at(5.1)
        await until(lambda: follower.ticks[-1] == T0 + 5_000)
        collector.step(3)
        collector.step(4)
        # Read before the clock goes on: a Tick of our own would take one without the other.
        await until(lambda: follower.feed.stats.late_steps == 2)
        collector.step(6)
        await follower.has([1, 2, 3, 4, 6])
        assert follower.ticks[-1] == T0 + 6_000
        assert follower.feed.stats.late_steps == 2
        assert follower.bookmark().seq == 5
    collector.close()


@pytest.mark.drawn(singly=True)
async def test_with_a_position_ticks_are_waited_for_less_and_the_past_is_short(path: Path) -> None:
    collector = written(path, range(1, 400))
    follower = Follower(path, held=True, since_s=99)
    follower.at(399)
    async with following(follower):
        await until(lambda: follower.ticks and follower.ticks[-1] == T0 + 399_000)
        assert follower.ticks[0] == T0 + 100_000
        follower.at(401.1)
        await until(lambda: follower.ticks[-1] == T0 + 401_000)
    collector.close()


async def test_steps_of_another_time_are_no_market(path: Path) -> None:
    collector = written(path, range(10_000, 10_003))
    follower = await silent_because(path, "")
    assert not follower.prints
    assert "ahead of our clock" in follower.facts_of(FeedDown)[0].reason
    collector.close()


def mounted_read_only(source: Path, target: Path) -> bool:
    if os.geteuid() != 0:
        return False
    target.mkdir()
    bound = subprocess.run(["mount", "--bind", source, target], check=False, capture_output=True)
    if bound.returncode:
        return False
    subprocess.run(["mount", "-o", "remount,ro,bind", target], check=True)
    return True


def unmounted(target: Path) -> None:
    subprocess.run(["umount", "--lazy", target], check=True)


async def test_a_journal_on_a_read_only_mount_is_followed(path: Path, tmp_path: Path) -> None:
    collector = written(path, range(1, 4))
    target = tmp_path / "mount"
    if not mounted_read_only(path.parent, target):
        pytest.skip("only root may mount")
    try:
        follower = Follower(target / path.name)
        follower.at(3)
        async with following(follower):
            await follower.has([1, 2, 3])
            collector.step(4)
            follower.at(4)
            await follower.has([1, 2, 3, 4])
            collector.close()  # in order: nothing lies beside it any more
            collector = written(path, range(5, 7))
            follower.at(6)
            await follower.has([1, 2, 3, 4, 5, 6])
        collector.close()
        still = Follower(target / path.name)
        still.at(6)
        async with following(still):
            await still.has([1, 2, 3, 4, 5, 6])
    finally:
        unmounted(target)


def test_looking_at_a_journal_never_keeps_its_writer_from_tidying_up(path: Path) -> None:
    collector = written(path, range(1, 50))
    with JournalTail(path) as tail:
        assert tail.changed()
        assert not tail.changed()
        tail.read(0, 500)
        collector.step(50)
        assert tail.changed()
        with sqlite3.connect(path) as other:
            busy, pages, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        other.close()
        assert (busy, pages, moved) == (0, 0, 0)
        assert len(tail.read(0, 500).records) == 50
    collector.close()


def test_our_own_journal_remembers_how_far_it_came(path: Path) -> None:
    own = Collector(path)
    assert bookmark_of(path) is None
    block = block_of(market(1), own.roster, tick_ms=T0 + 1_000)
    own.journal.append(block, "journal abc123", 41)
    own.journal.append(EventBlock(tick_ms=T0 + 2_000), "inbox", 3)
    own.journal.wait_durable(None, PATIENCE_S)
    assert bookmark_of(path) == Bookmark("abc123", 41, T0 + 1_000)
    own.step(3)  # of feeds of its own since: nothing is to be read twice
    assert bookmark_of(path) is None
    own.close()


def test_a_journal_of_a_newer_format_is_named(path: Path) -> None:
    written(path, range(1, 2)).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(JournalError, match="upgrade liqbot"):
        JournalTail(path)


async def test_two_hundred_readings_of_a_quiet_journal_cost_next_to_nothing(path: Path) -> None:
    collector = written(path, range(1, 3))
    with JournalTail(path) as tail:
        tail.changed()
        before_s = time.thread_time()
        for _ in range(200):
            assert not tail.changed()
        assert time.thread_time() - before_s < 0.2
    collector.close()
