"""Every venue that the simulated exchange speaks, dialled over loopback by the unmodified client, under a flood and on
a bad line.

Flood: a burst of forced orders and trades without pause; shows whether all arrive, how many messages a second get
through, and the longest time the event loop stood still. Line: a cut, a stall (the socket stays open and is silent),
a half-open connection, messages in another order; shows when each is noticed and over, and that the feed said so. The
venue runs in a process of its own; what it costs the receiver is the receiver's own. Clocks run faster than the wall.

    python bench/wire_venues.py [--venues gate,okx] [--trades 100000] [--forced 1000] [--seed 1] [--json FILE]
"""

import argparse
import asyncio
import contextlib
import gc
import json
import multiprocessing
import platform
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "builders"))
sys.path.insert(0, str(Path(__file__).parent))

from _wire_market import COIN, clock_of, market_process
from edge_sink import Gathered

from liqbot.blocks import Roster
from liqbot.connection import raw_streams
from liqbot.connection.client import VenueClient
from liqbot.events import FeedDown, FeedUp
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.registry import VENUES, wire_of
from liqbot.venues.spec import RequestBudget
from paper.dialects.serving import DIALECTS

SPEED: Final = 10.0
"""Market seconds per second: patience with silence is half a minute of the market."""
PATIENCE_S: Final = 120.0
FAULTS: Final = ("cut", "stall", "half_open")


class Stalls:
    """The longest time between two turns of the loop that should be a millisecond apart: by the wall, and of what the
    loop's own thread computed meanwhile, which others on the machine do not lengthen."""

    def __init__(self) -> None:
        self.longest_s = self.computed_s = 0.0

    async def watch(self) -> None:
        before, used = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now, computed = time.perf_counter(), time.thread_time()
            self.longest_s = max(self.longest_s, now - before - 0.001)
            self.computed_s = max(self.computed_s, computed - used)
            before, used = now, computed


class Place:
    """One venue, its feed, and the process that plays it."""

    def __init__(self, venue: str, orders: Connection, url: str, began_s: float) -> None:
        self.venue, self.orders = venue, orders
        self.roster = Roster((venue,), (COIN,))
        self.client = VenueClient(VENUES[venue], loopback=url, budget=RequestBudget(units=1_000))
        self.feed = VenueFeed(self.client, wire_of(venue), self.roster, clock_of(began_s, SPEED),
                              FeedParams(inferred=True, retry_s_max=1.0))
        self.sink = Gathered(self.roster)
        self.streamed = {feed for stream in wire_of(venue).streams for feed in stream.feeds}
        self.forces = "liquidation" in self.streamed

    async def ask(self, *order: Any) -> Any:
        self.orders.send(order)
        return await asyncio.to_thread(self.orders.recv)

    def said(self, kind: type[FeedUp] | type[FeedDown], since: int) -> set[str]:
        """Feeds, in what the inbox got after its first `since` parts."""
        return {fact.feed for block in self.sink.blocks[since:] for fact in block.facts  # type: ignore[union-attr]
                if isinstance(fact, kind)}

    async def up(self) -> float:
        """Until every stream delivers trades, marks and forced orders that were sent after this was asked; seconds."""
        began_s, stats = time.time(), self.feed.stats
        trades, forced, parts = stats.trades, stats.forced_orders, len(self.sink.blocks)
        await until(lambda: stats.trades > trades and (stats.forced_orders > forced or not self.forces) and (
            "mark" not in self.streamed or any(len(one.marks) for one in self.sink.blocks[parts:])), self.venue)
        return time.time() - began_s


async def until(true: Any, what: str, seconds: float = PATIENCE_S) -> None:
    deadline_s = time.time() + seconds
    while not true():
        if time.time() > deadline_s:
            raise TimeoutError(f"{what}: it did not come true in {seconds:g} s")
        await asyncio.sleep(0.005)


async def flooded(place: Place, trades: int, forced: int) -> dict[str, Any]:
    """Everything that was sent must have arrived, of the seconds before as well."""
    before, stats = await place.ask("quiet"), place.feed.stats
    await asyncio.sleep(0.3)
    had_trades, had_forced = stats.trades, stats.forced_orders
    stalls, used_s = Stalls(), time.process_time()
    watching = asyncio.create_task(stalls.watch())
    sent_trades, sent_forced, began_s = await place.ask("flood", trades, forced if place.forces else 0)
    sent_trades, sent_forced = sent_trades - before[0], (sent_forced - before[1]) if place.forces else 0
    with contextlib.suppress(TimeoutError):  # What is missing is told.
        await until(lambda: stats.trades - had_trades >= sent_trades and
                    stats.forced_orders - had_forced >= sent_forced, place.venue)
    took_s, used_s = time.time() - began_s, time.process_time() - used_s
    await asyncio.sleep(0.3)
    watching.cancel()
    arrived = stats.trades - had_trades, stats.forced_orders - had_forced
    return {
        "sent": [sent_trades, sent_forced], "arrived": list(arrived), "messages_per_s": sum(arrived) / took_s,
        "us_each": used_s / max(sum(arrived), 1) * 1e6, "longest_stall_ms": stalls.longest_s * 1_000,
        "computed_ms": stalls.computed_s * 1_000,
        "malformed": stats.malformed + stats.malformed_rows, "whole": arrived == (sent_trades, sent_forced),
    }


async def on_a_bad_line(place: Place, fault: str) -> dict[str, Any]:
    """Noticed: the feed said FeedDown. Over: it said FeedUp, and all that streams carry comes again."""
    await place.ask("tell")
    await place.up()
    parts, began_s = len(place.sink.blocks), time.time()
    resyncs = place.feed.stats.resyncs
    sockets = await place.ask("suffer", fault)
    await until(lambda: place.said(FeedDown, parts), f"{place.venue} {fault}: noticed")
    noticed_s, down = time.time() - began_s, place.said(FeedDown, parts)
    await until(lambda: place.said(FeedUp, parts) >= place.said(FeedDown, parts), f"{place.venue} {fault}: over")
    await place.up()
    return {"sockets": sockets, "noticed_s": noticed_s, "over_s": time.time() - began_s,
            "market_s": noticed_s * SPEED, "down": sorted(down), "resyncs": place.feed.stats.resyncs - resyncs}


async def out_of_order(place: Place) -> dict[str, Any]:
    before, stats = await place.ask("quiet"), place.feed.stats
    await asyncio.sleep(0.3)
    had = stats.trades, stats.forced_orders
    sent = await place.ask("shuffled", 20)
    wanted = sent[0] - before[0], (sent[1] - before[1]) if place.forces else 0
    with contextlib.suppress(TimeoutError):  # What is missing is told.
        await until(lambda: stats.trades - had[0] >= wanted[0] and stats.forced_orders - had[1] >= wanted[1],
                    place.venue, 10.0)
    arrived = stats.trades - had[0], stats.forced_orders - had[1]
    return {"sent": list(wanted), "arrived": list(arrived), "whole": arrived == wanted}


async def measured(venue: str, orders: Connection, asked: argparse.Namespace) -> dict[str, Any]:
    began_s = time.time()
    orders.send(("venue", venue, began_s, SPEED, asked.seed))
    place = Place(venue, orders, await asyncio.to_thread(orders.recv), began_s)
    found: dict[str, Any] = {"venue": venue}
    running: asyncio.Task[None] | None = None
    try:
        await place.client.open((COIN,))
        running = asyncio.create_task(place.feed.run(place.sink))
        await place.ask("tell")
        await place.up()
        gc.freeze()  # as a house does: what earlier venues left here is none of this one's
        found["flood"] = await flooded(place, asked.trades, asked.forced)
        found["reorder"] = await out_of_order(place)
        for fault in FAULTS:
            found[fault] = await on_a_bad_line(place, fault)
    except Exception as error:  # noqa: BLE001 - one venue's trouble is told, and the next one measured
        found["failed"] = f"{type(error).__name__}: {error}"
    finally:
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        await place.client.close()
        found["unknown"] = await place.ask("over")
    found["handler_errors"] = place.client.handler_errors
    return found


def shown(found: dict[str, Any]) -> str:
    flood = found.get("flood")
    if flood is None:
        return f"{found['venue']:14} {found.get('failed')}"
    line = (f"{found['venue']:14} trades {flood['arrived'][0]:,} of {flood['sent'][0]:,}, forced "
            f"{flood['arrived'][1]:,} of {flood['sent'][1]:,}; {flood['messages_per_s']:,.0f}/s, "
            f"{flood['us_each']:.1f} us each, longest stall {flood['longest_stall_ms']:.0f} ms, "
            f"{flood['computed_ms']:.0f} ms of it computing")
    order = found.get("reorder")
    if order is not None:
        line += f"; out of order {order['arrived'][0]} and {order['arrived'][1]} of {order['sent']}"
    for fault in FAULTS:
        if fault in found:
            one = found[fault]
            line += f"; {fault}: noticed {one['noticed_s']:.1f} s, over {one['over_s']:.1f} s"
    return line + (f"; FAILED {found['failed']}" if "failed" in found else "")


def good(found: dict[str, Any]) -> bool:
    return ("failed" not in found and found["flood"]["whole"] and found["reorder"]["whole"] and not found["unknown"]
            and not found["flood"]["malformed"] and not found["handler_errors"])


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("trades", 100_000), ("forced", 1_000), ("seed", 1)):
        reader.add_argument(f"--{name}", type=int, default=default)
    reader.add_argument("--venues", default=",".join(one for one in DIALECTS if VENUES[one].wire is not None))
    reader.add_argument("--json", type=Path)
    asked = reader.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}  seed {asked.seed}  python {platform.python_version()}  "
          f"command: {' '.join(sys.argv)}", flush=True)
    raw_streams.HEARTBEAT_S = 1.0  # type: ignore[misc]  # as fast as the rest
    mine, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=market_process, args=(its,), daemon=True)
    process.start()
    results = []
    for venue in asked.venues.split(","):
        results.append(asyncio.run(measured(venue, mine, asked)))
        print(shown(results[-1]), flush=True)
    mine.send(("done",))
    process.join(10)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    bad = [found["venue"] for found in results if not good(found)]
    print(f"{len(results) - len(bad)} of {len(results)} venues: everything arrived, every fault noticed and over"
          + (f"; not at {', '.join(bad)}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
