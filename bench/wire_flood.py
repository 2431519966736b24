"""A flood over loopback: forced orders in one burst and trades without pause, dialled by the unmodified client.

Shows whether all arrive, how many messages a second get through, and the longest time the event loop stood still. The
sender runs in a process of its own; what it costs the receiver is the receiver's own.

    python bench/wire_flood.py [--trades 100000] [--forced 1000] [--seed 1]
"""

import argparse
import asyncio
import multiprocessing
import platform
import random
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "builders"))

from edge_sink import Gathered, until
from public_venue import VENUES, PublicVenue, forced, now_ms, trade

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import Liquidation
from liqbot.market.feeds.feed import VenueFeed
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import wire_of

PATIENCE_S = 120.0


def sender(orders: Connection, trades: int, bursts: int, seed: int) -> None:
    """The venue, in its own process: waits to be told `(venue)`, floods, says when it is done."""
    asyncio.run(_sender(orders, trades, bursts, seed))


async def _sender(orders: Connection, trades: int, bursts: int, seed: int) -> None:
    async with PublicVenue() as server:
        orders.send(server.url)
        while venue := await asyncio.to_thread(orders.recv):
            chance = random.Random(seed)
            flood = [
                trade(venue, round(60_000 + chance.gauss(0, 5), 1), 1, bought=chance.random() < 0.5)
                for _ in range(trades)
            ]
            burst = [forced(venue, 60_000.0, number + 1, long=True) for number in range(bursts)]
            await until(lambda: {"trades", "liquidation"} <= set().union(*server.sockets.values()), 30)
            orders.send(time.time())
            await asyncio.gather(server.send("liquidation", *burst), server.send("trades", *flood))


class Stalls:
    """The longest time between two turns of the loop that should be a millisecond apart."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def watch(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - before - 0.001)
            before = now


async def flooded(venue: str, url: str, orders: Connection, trades: int, bursts: int) -> bool:
    roster = Roster((venue,), ("BTC",))
    client = VenueClient(SPECS[venue], loopback=url)
    await client.open(("BTC",))
    feed, sink, stalls = VenueFeed(client, wire_of(venue), roster, now_ms), Gathered(roster), Stalls()
    running = asyncio.create_task(feed.run(sink))
    await until(lambda: len(client.sockets) > 0, 30)
    orders.send(venue)
    began_s = await asyncio.to_thread(orders.recv)
    watching = asyncio.create_task(stalls.watch())
    used_s = time.process_time()
    await until(lambda: feed.stats.trades >= trades and feed.stats.forced_orders >= bursts, PATIENCE_S)
    took_s, used_s = time.time() - began_s, time.process_time() - used_s
    await asyncio.sleep(0.6)
    for task in (watching, running):
        task.cancel()
    await asyncio.wait([watching, running])
    await client.close()
    whole = feed.stats.trades == trades and len(sink.of(Liquidation)) == bursts and not feed.stats.malformed
    print(f"{venue:8} trades {feed.stats.trades:,} of {trades:,}, forced orders {len(sink.of(Liquidation)):,} of "
          f"{bursts:,}; {(trades + bursts) / took_s:,.0f} messages/s, {used_s / (trades + bursts) * 1e6:.1f} us of "
          f"processor each; longest stall {stalls.longest_s * 1_000:.0f} ms; bars {feed.stats.bars}")
    return whole


async def measured(url: str, orders: Connection, asked: argparse.Namespace) -> bool:
    return all([await flooded(venue, url, orders, asked.trades, asked.forced) for venue in VENUES])


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("trades", 100_000), ("forced", 1_000), ("seed", 1)):
        reader.add_argument(f"--{name}", type=int, default=default)
    asked = reader.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}  seed {asked.seed}  python {platform.python_version()}  "
          f"command: {' '.join(sys.argv)}")
    mine, its = multiprocessing.Pipe()
    venue = multiprocessing.get_context("spawn").Process(
        target=sender, args=(its, asked.trades, asked.forced, asked.seed), daemon=True
    )
    venue.start()
    whole = asyncio.run(measured(mine.recv(), mine, asked))
    mine.send("")
    venue.join(10)
    print("everything arrived" if whole else "SOMETHING IS MISSING")
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
