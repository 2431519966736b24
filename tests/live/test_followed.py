"""One collector feeds several bots: real processes over loopback, market facts through the collector's journal."""

from pathlib import Path
from typing import Any

import pytest

from liqbot.events import FeedDown, FeedUp
from liqbot.journal import JournalReader
from tests.builders.followers import House, houses, map_after, practice, records_of, rows_of, source_of
from tests.builders.loopback_house import place

EVERY_STEP_IS_WAITED_FOR = """
from liqbot.runtime import followed_feed
followed_feed.LATE_MS = followed_feed.SILENT_MS = 600_000
"""
"""A busy machine's collector is late, and a step that comes too late is folded with the next one: another map."""


def follows(status: dict[str, Any]) -> bool:
    """Fresh facts of the collector's arrive."""
    found = status["feeds"].get("collector", {})
    return bool(found and found["rows"] > 20 and not found["trouble"] and status["coins"]
                and status["coins"][0]["live_venues"] == 1)


def silent(status: dict[str, Any]) -> bool:
    """Its silence was noticed and has reached the map: the reader counts it a step before that step is folded."""
    return bool(status["feeds"]["collector"]["silences"]) and status["coins"][0]["live_venues"] == 0


def collects(status: dict[str, Any]) -> bool:
    return bool(status["coins"] and status["coins"][0]["live_venues"] == 1)


@pytest.mark.long
async def test_a_collector_feeds_two_bots_and_is_killed_and_starts_again(tmp_path: Path) -> None:
    async with place("bybit") as here:
        collector = House(here, tmp_path, "collector", "observe")
        followed = {"from_journal": f'"{collector.data}"'}
        bot = House(here, tmp_path, "bot", practice(here), feeds=followed, backfill_h=1.0)
        other = House(here, tmp_path, "other", "observe", feeds={"from_journal": f'"{collector.journal}"'},
                      backfill_h=1.0)
        async with houses(collector, bot, other):
            collector.start()
            await collector.status_when(collects, "it collects")
            bot.start()
            other.start()
            await bot.status_when(follows, "it follows")
            await other.status_when(follows, "it follows")

            collector.kill()
            await bot.status_when(silent, "silence is noticed")
            collector.start()
            await collector.status_when(collects, "it collects again")
            await bot.status_when(follows, "it follows again")
            await other.status_when(follows, "it follows again")
            other.kill()
            rows = (await bot.status_when(follows, "it goes on"))["feeds"]["collector"]["rows"]
            await bot.status_when(lambda now: now["feeds"]["collector"]["rows"] > rows, "there is something to miss")
            other.start()
            await other.status_when(follows, "it follows after its own death")
            for one in (bot, other, collector):
                assert await one.stop() == 0, one.log
        theirs = records_of(collector.journal)
        with JournalReader(collector.journal) as reader:
            journal_id, roster = reader.stamp.journal_id, reader.stamp.roster
        for follower in (bot, other):
            ours = records_of(follower.journal)
            source, upto_seq = source_of(ours)
            assert source == journal_id
            got = rows_of(ours, roster, ("bybit",), ("BTC",))
            assert got == rows_of([one for one in theirs if one.seq <= upto_seq], roster, ("bybit",), ("BTC",))
            assert len(got) > 40
            facts = [fact for one in ours for fact in one.block.facts if isinstance(fact, FeedDown | FeedUp)]
            fell = [number for number, fact in enumerate(facts)
                    if isinstance(fact, FeedDown) and "collector is silent" in fact.reason]
            assert fell
            assert any(isinstance(fact, FeedUp) for fact in facts[fell[0] :]), "and was heard again"


@pytest.mark.drawn(singly=True, dear=True)
async def test_a_follower_sees_the_same_map_bit_for_bit(tmp_path: Path) -> None:
    async with place("bybit") as here:
        collector = House(here, tmp_path, "collector", "observe")
        follower = House(here, tmp_path, "follower", "observe", feeds={"from_journal": f'"{collector.data}"'},
                         backfill_h=1.0, prelude=EVERY_STEP_IS_WAITED_FOR)
        async with houses(collector, follower):
            collector.start()
            await collector.status_when(collects, "it collects")
            sockets = len(here.loop.server.sockets)
            follower.start()
            await follower.status_when(follows, "it follows")
            assert len(here.loop.server.sockets) == sockets, "it dialled a feed of its own"
            seen = (await follower.status_when(follows, "it follows"))["feeds"]["collector"]["steps"]
            await follower.status_when(lambda now: now["feeds"]["collector"]["steps"] >= seen + 5, "it goes on")
            assert await follower.stop() == 0
            assert await collector.stop() == 0
        ours = records_of(follower.journal)
        _, upto_seq = source_of(ours)
        assert map_after(follower.journal, ours[-1].seq) == map_after(collector.journal, upto_seq)
