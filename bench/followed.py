"""How fast a follower reads a collector's past, how late the present reaches it, and what looking costs.

    python bench/followed.py [--past 3600] [--live 60] [--venues 8]

The collector is a process of its own that writes a bar and a mark of every venue each second. The past is read into
nothing (reading alone) and folded (reading and the map). Delay: from the collector's Tick to the follower's inbox.
"""

import argparse
import asyncio
import json
import multiprocessing
import pathlib
import tempfile
import time

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import MarkPrice, TradeBar
from liqbot.journal import Journal
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.runtime.followed_feed import FollowedFeed
from liqbot.runtime.journal_tailer import JournalTailer
from liqbot.venues.registry import VENUES


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def step(roster: Roster, tick_ms: int) -> EventBlock:
    price = 50_000.0 + 100.0 * (tick_ms // 1_000 % 97)
    rows: list[TradeBar | MarkPrice] = []
    for venue in roster.venues:
        rows.append(TradeBar(time_ms=tick_ms, venue=venue, coin="BTC", span_ms=1_000, open=price, high=price + 9.0,
                             low=price - 9.0, close=price, volume_usd=1e6, buy_usd=5e5, sell_usd=5e5))
        rows.append(MarkPrice(time_ms=tick_ms, venue=venue, coin="BTC", mark_price=price))
    return block_of(rows, roster, tick_ms=tick_ms)


def collect(path: pathlib.Path, roster: Roster, live_s: int) -> None:
    with Journal.open(path, mode="observe", account="none", roster=roster) as journal:
        for _ in range(live_s):
            time.sleep(1.0 - time.time() % 1.0)
            journal.append(step(roster, wall_ms() // 1_000 * 1_000), "inbox", 1)
        time.sleep(1.0)


class Taken:
    """Counts what comes, and folds it where there is a market."""

    def __init__(self, market: Market | None) -> None:
        self.steps, self.steps_waiting, self._market = 0, 0, market

    def put(self, part: EventBlock) -> None:
        self.steps += part.source != ""
        if self._market is not None:
            self._market.collect(part)
            if part.tick_ms is not None:
                self._market.on_tick(part.tick_ms, part.lag_ms)


async def past(path: pathlib.Path, roster: Roster, steps: int, market: Market | None) -> float:
    feed = FollowedFeed(JournalTailer(path, None, 0), roster, wall_ms, held=lambda: False)
    taken, begun_s = Taken(market), time.perf_counter()
    running = asyncio.create_task(feed.run(taken))  # type: ignore[arg-type]
    while taken.steps < steps:  # noqa: ASYNC110 -- brief
        await asyncio.sleep(0.002)
    running.cancel()
    return steps / (time.perf_counter() - begun_s)


async def present(path: pathlib.Path, roster: Roster, live_s: int) -> dict[str, float]:
    feed = FollowedFeed(JournalTailer(path, None, wall_ms()), roster, wall_ms, held=lambda: False)
    begun_s, used_s = time.perf_counter(), time.process_time()
    running = asyncio.create_task(feed.run(Taken(None)))  # type: ignore[arg-type]
    await asyncio.sleep(live_s)
    share_pct = (time.process_time() - used_s) / (time.perf_counter() - begun_s) * 100
    running.cancel()
    stats = feed.stats
    return {"delay_p50_ms": stats.delay_p50_ms, "delay_p99_ms": stats.delay_p99_ms, "delay_max_ms": stats.delay_max_ms,
            "late_steps": stats.late_steps, "cpu_pct": round(share_pct, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--past", type=int, default=3_600)
    parser.add_argument("--live", type=int, default=60)
    parser.add_argument("--venues", type=int, default=8)
    chosen = parser.parse_args()
    roster = Roster(tuple(VENUES)[: chosen.venues], ("BTC",))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "journal.sqlite"
        first_ms = wall_ms() // 1_000 * 1_000 - chosen.past * 1_000
        with Journal.open(path, mode="observe", account="none", roster=roster) as journal:
            for number in range(chosen.past):
                journal.append(step(roster, first_ms + number * 1_000), "inbox", 1)
        found: dict[str, float] = {
            "read_steps_s": round(asyncio.run(past(path, roster, chosen.past, None))),
            "folded_steps_s": round(asyncio.run(past(
                path, roster, chosen.past, Market(MarketParams(), roster, roster.venues[0])))),
        }
        collector = multiprocessing.get_context("spawn").Process(target=collect, args=(path, roster, chosen.live + 3))
        collector.start()
        time.sleep(3.0)
        found |= asyncio.run(present(path, roster, chosen.live))
        collector.join()
    print(json.dumps(vars(chosen) | found))


if __name__ == "__main__":
    main()
