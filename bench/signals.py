"""SIGKILL, SIGTERM and SIGSTOP at seeded instants around entry, stop and exit, over three venues and three disks.

The real bot is a process of its own against the loopback exchange; commits of its journal are delayed by the bench, in
that process, by 0, 20 and 400 ms. Naked time is measured at the exchange, on its process's clock: from the moment a
position is not wholly under stops to the moment it is (or is gone), restarts and suspensions included; and once more
from the moment at which a process could act (started again, woken, or told to end). Whatever is finished is kept in a
file with a digest of all sources, and a second run of the same code goes on from there.
Usage: bench/signals.py [--kills 60] [--terms 30] [--stops 12] [--seed 1] [--budget-min 45] [--out DIR]
"""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import kill9
from _figures import commit, digest
from _soak_profile import write_profile
from kill9 import MOMENTS, PURPOSES, Nursery, Trial

from liqbot.commands import Purpose
from liqbot.exits import Exit
from paper.dialects.accounts import VenueAccount
from paper.dialects.hub import Hub
from paper.dialects.serving import dialects_of, serving, traded
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments
from paper.world import World
from paper.world.params import WorldParams
from tests.builders.venue_keys import opened

VENUES, DISKS_MS = traded(), (0, 20, 400)
FAULTS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP}
LIMIT_S = 5.0
END_S, SETTLE_S = 70.0, 25.0
"""How long an end in order may take; how long a bot may need to be protected again."""
DELAY = "SIGNALS_COMMIT_MS"


def slow_commits() -> None:
    """In a bot's process: every COMMIT that its journal gives takes so much longer, as on a slow disk."""
    delay_s = int(os.environ.get(DELAY, "0")) / 1000
    connect = sqlite3.connect

    class Slow(sqlite3.Connection):
        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                time.sleep(delay_s)
            return super().execute(sql, *more)

    def slowly(*args: Any, **more: Any) -> sqlite3.Connection:
        return connect(*args, **({"factory": Slow} | more))

    if delay_s:
        sqlite3.connect = slowly  # type: ignore[assignment]


class Venue(kill9.Venue):
    """Keeps every naked span."""

    def __init__(self, hub: Hub, account: VenueAccount) -> None:
        super().__init__(hub, account)
        self.spans: list[list[float]] = []

    @property
    def naked(self) -> bool:
        return self.stopped_base < self.position_base

    async def watch(self) -> None:
        was_base = self.position_base
        while True:
            held_base, now_s = self.position_base, time.monotonic()
            if held_base and not was_base and self.strike is not None and self.strike[:2] == (Purpose.STOP, "before"):
                self.kill_in(self.strike[2], "fill of the entry")
            was_base = held_base
            open_ = bool(self.spans) and len(self.spans[-1]) == 1
            if self.naked and not open_:
                self.spans.append([now_s])
            elif open_ and not self.naked:
                self.spans[-1].append(now_s)
            await asyncio.sleep(0.005)

    def naked_s(self, from_s: float, not_before_s: float) -> float:
        """The longest span that ended after `from_s`, as far as it lies after `not_before_s`."""
        now_s = time.monotonic()
        spans = [(one[0], one[1] if len(one) > 1 else now_s) for one in self.spans]
        return max((max(0.0, end - max(start, not_before_s)) for start, end in spans if end > from_s), default=0.0)


class Instant(NamedTuple):
    number: int
    fault: str
    venue: str
    disk_ms: int

    @property
    def chance(self) -> random.Random:
        return random.Random(repr(self))


def instants(options: argparse.Namespace) -> Iterator[Instant]:
    """Spread evenly over venues and disks, in a seeded order within each."""
    faults = ["kill"] * options.kills + ["term"] * options.terms + ["stop"] * options.stops
    random.Random(options.seed).shuffle(faults)
    cells = [(venue, disk_ms) for venue in options.venues for disk_ms in options.disks_ms]
    for number, fault in enumerate(faults):
        yield Instant(options.seed * 1_000_000 + number, fault, *cells[number % len(cells)])


class Session:
    """One venue, one disk: a market, an exchange, and a bot that is struck again and again."""

    def __init__(self, trial: Trial, venue: Venue) -> None:
        self.trial, self.venue = trial, venue

    async def strike(self, one: Instant) -> dict[str, Any]:
        chance, venue = one.chance, self.venue
        purpose, moment = chance.choice(PURPOSES), chance.choice(MOMENTS)
        longest_s = {"before": 1.3 if purpose is Purpose.ENTRY else 0.15, "arrived": 0.3, "answered": 0.4}[moment]
        delay_s = chance.uniform(0.0, longest_s)
        venue.signal = FAULTS[one.fault]
        began_s = time.monotonic()
        await self.trial.instant(purpose, moment, delay_s)
        struck_s = able_s = time.monotonic()
        wrong: list[str] = []
        if one.fault == "stop":
            await asyncio.sleep(chance.uniform(3.0, 40.0))
            able_s = time.monotonic()
            os.kill(venue.pid, signal.SIGCONT)
        else:
            if one.fault == "term":
                wrong = await self.ended(one)
            else:
                await self.gone(5.0)
            able_s = struck_s if one.fault == "term" else time.monotonic()
            await self.trial.start()
        back_s = time.monotonic() - able_s
        wrong += await self.settled()
        return {
            **one._asdict(), "purpose": purpose.value, "moment": moment, "delay_ms": round(delay_s * 1000),
            "naked_s": round(venue.naked_s(began_s, 0.0), 3), "naked_able_s": round(venue.naked_s(began_s, able_s), 3),
            "back_s": round(back_s, 1), "wrong": wrong,
        }

    async def gone(self, for_s: float) -> bool:
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            try:
                os.kill(self.venue.pid, 0)
            except ProcessLookupError:
                return True
            await asyncio.sleep(0.02)
        return False

    async def ended(self, one: Instant) -> list[str]:
        """After SIGTERM: in order and protected, or loudly."""
        if not await self.gone(END_S):
            os.kill(self.venue.pid, signal.SIGKILL)
            await self.gone(5.0)
            return [f"{one.fault}: not ended after {END_S:g} s"]
        code = int((self.trial.data / "bot.exit").read_text(encoding="utf-8") or "-1")
        if self.venue.naked:
            return [f"ended naked with exit code {code}"]
        return [] if code == Exit.OK else [f"protected, but exit code {code}"]

    async def settled(self) -> list[str]:
        """Faults that are left once the bot has had time to mend what it has to mend."""
        until_s = time.monotonic() + SETTLE_S
        while (found := self.trial.faults()) and time.monotonic() < until_s:  # noqa: ASYNC110 -- read, not told
            await asyncio.sleep(0.5)
        return found


def market(venue: str, options: argparse.Namespace) -> tuple[World, Hub, VenueAccount, float]:
    """One that begins in a moment: on a busy machine making it takes longer than on an idle one."""
    warm_s = options.warm_s
    while True:
        start_ms = int((time.time() + warm_s) * 1_000)
        world = World(WorldParams(start_ms=start_ms, backfill_days=2, burn_in_days=1), options.seed)
        listed = [one for name in VENUES for one in paper_instruments(name, ("BTC",))]
        hub = Hub(world.roster, listed, PaperParams())
        account = opened(hub, venue)
        hub.warm(world.backfill())
        if (wait_s := start_ms / 1000 - time.time()) > 0:
            return world, hub, account, wait_s
        warm_s = warm_s * 2 - wait_s


async def cell(venue: str, disk_ms: int, todo: list[Instant], options: argparse.Namespace, nursery: Nursery) -> bool:
    """False when the time was up before all of them were made."""
    data = Path(options.out) / f"{venue}-{disk_ms}-{time.time_ns() // 1_000_000}"
    data.mkdir(parents=True)
    world, hub, account, wait_s = market(venue, options)
    dialects = dialects_of(hub, traded(), demo_key="key")
    async with serving(hub, dialects) as loop:
        write_profile(data, "kill9", venue=venue, url=loop.url)
        watched = Venue(hub, account)
        trial = Trial(watched, nursery, data, data, venue)
        trial.environment[DELAY] = str(disk_ms)
        await asyncio.sleep(wait_s)
        tasks = [asyncio.create_task(hub.run(world.blocks(), 1.0)), asyncio.create_task(watched.watch())]
        try:
            return await _struck(Session(trial, watched), todo, options)
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.kill(watched.pid, signal.SIGCONT)
                os.kill(watched.pid, signal.SIGKILL)


async def _struck(session: Session, todo: list[Instant], options: argparse.Namespace) -> bool:
    await session.trial.start()
    until_ms = int(time.time() * 1_000) + 10**7
    await session.trial.ask(verb="bias", coin="BTC", side="long", until_ms=until_ms, why="signals")
    for one in todo:
        if time.monotonic() > options.until_s:
            return False
        found = await session.strike(one)
        with (Path(options.out) / "instants.jsonl").open("a", encoding="utf-8") as kept:
            kept.write(json.dumps({**found, "code": code()}) + "\n")
        print(json.dumps(found), flush=True)
    return True


def kept(options: argparse.Namespace) -> list[dict[str, Any]]:
    path = Path(options.out) / "instants.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [row for row in map(json.loads, lines) if row.get("code") == code()]


@functools.cache
def code() -> str:
    return digest("liqbot", "paper", "tests/builders", "bench")


def table(found: list[dict[str, Any]]) -> str:
    head = ("fault", "venue", "disk ms", "n", "wrong", "p50 s", "p99 s", "max s", "able p50", "able p99", "able max")
    rows: list[tuple[str, ...]] = [head]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in found:
        for key in ((one["fault"], one["venue"], str(one["disk_ms"])), (one["fault"], "all", "all")):
            groups.setdefault(key, []).append(one)
    for key, ones in sorted(groups.items()):
        numbers = [f"{value:.2f}" for name in ("naked_s", "naked_able_s") for value in spread(ones, name)]
        rows.append((*key, str(len(ones)), str(sum(bool(one["wrong"]) for one in ones)), *numbers))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join(f"{text:>{width}}" for text, width in zip(row, widths, strict=True)) for row in rows)


def spread(ones: list[dict[str, Any]], name: str) -> tuple[float, float, float]:
    ordered = sorted(one[name] for one in ones)
    last = len(ordered) - 1
    return ordered[round(last * 0.5)], ordered[round(last * 0.99)], ordered[-1]


async def run(options: argparse.Namespace, nursery: Nursery) -> int:
    done = {one["number"] for one in kept(options)}
    todo = [one for one in instants(options) if one.number not in done]
    print(f"seed {options.seed}, commit {commit()}, code {code()}, {' '.join(sys.argv)}; {len(done)} made before, "
          f"{len(todo)} to make", flush=True)
    whole = True
    for venue in options.venues:
        for disk_ms in options.disks_ms:
            here = [one for one in todo if (one.venue, one.disk_ms) == (venue, disk_ms)]
            if here and whole:
                whole = await cell(venue, disk_ms, here, options, nursery)
    found = kept(options)
    print(table(found))
    late = [one for one in found if one["naked_able_s"] > LIMIT_S]
    for one in found:
        if one["wrong"] or one in late:
            print(f"WRONG {json.dumps(one)}")
    print(f"{len(found)} instants, {sum(bool(one['wrong']) for one in found)} wrong, {len(late)} naked for more than "
          f"{LIMIT_S:g} s of a process that could act; {'all made' if whole else 'time was up: run again to go on'}")
    return int(bool(late) or any(one["wrong"] for one in found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("kills", 60), ("terms", 30), ("stops", 12), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--venues", nargs="+", default=VENUES, choices=VENUES)
    parser.add_argument("--disks-ms", nargs="+", type=int, default=DISKS_MS)
    parser.add_argument("--budget-min", type=float, default=45.0)
    parser.add_argument("--warm-s", type=float, default=25.0)
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    options.out = options.out or f"var/signals-{options.seed}"
    options.until_s = time.monotonic() + options.budget_min * 60
    Path(options.out).mkdir(parents=True, exist_ok=True)
    # Before there are threads or a loop.
    nursery = Nursery(slow_commits)
    try:
        return asyncio.run(run(options, nursery))
    finally:
        nursery.close()


if __name__ == "__main__":
    sys.exit(main())
