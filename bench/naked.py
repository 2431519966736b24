"""Naked time under faults of the outside: the real bot as a process of its own, over the loopback exchange.

Naked is a position of ours without a full stop at the venue: from the fill, as the exchange has it, until a stop covers
all of it or nothing is held. Where a fault keeps the venue away or takes the stop, it counts from then. A round that
ends its process must leave nothing naked behind.

    ./run bench naked [--venue binance] [--rounds 2] [--fault TEXT] [--seed 1] [--budget-min 20]
    ./run bench naked --again                keeps nothing
    ./run bench naked --page                 and write the table into docs/service.md

Results are kept under bench/out by a digest of all sources, so that the same command goes on where it was.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _figures import ROOT, commit, digest
from _soak_profile import write_profile
from kill9 import Trial, Venue
from naked_faults import FAULTS, Fault

from paper.dialects.accounts import VenueAccount
from paper.dialects.hub import Hub
from paper.dialects.serving import dialects_of, serving, traded
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments
from paper.world import World
from paper.world.params import WorldParams
from tests.builders.venue_keys import opened

KEPT = ROOT / "bench" / "out" / "naked.jsonl"
PAGE = ROOT / "docs" / "service.md"
_BEGIN, _END = "<!-- naked time: written by ./run bench naked --page -->\n", "<!-- end -->\n"
LIMIT_S = 5.0
PATIENCE_S = 40.0
VENUES = traded()
BOT = """
import os, sqlite3, sys, time
marker = sys.argv.pop(1)
class Connection(sqlite3.Connection):
    def execute(self, statement, *rest):
        while statement.lstrip().upper().startswith(("COMMIT", "END")) and os.path.exists(marker):
            time.sleep(0.02)
        return super().execute(statement, *rest)
    def commit(self):
        while os.path.exists(marker):
            time.sleep(0.02)
        super().commit()
opened = sqlite3.connect
sqlite3.connect = lambda *arguments, **named: opened(*arguments, **({"factory": Connection} | named))
from liqbot.cli import main
sys.exit(main())
"""
"""The program, whose commits hang while a file is there: a disk that does not answer."""


class Spawner:
    """Starts bots as a user does: a process from nothing."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, arguments: list[str], log: Path, environment: Mapping[str, str]) -> int:
        marker = str(log.parent / "hang")
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BOT, marker, *arguments], env={**os.environ, **environment}, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip
        return self.process.pid


class Watch:
    """Looks at the exchange all the time; the figures are of the present round."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.filled, self.safe = asyncio.Event(), asyncio.Event()
        self.naked_s = 0.0
        self._since_s: float | None = None

    def begin(self) -> None:
        self.filled.clear()
        self.safe.clear()
        self.naked_s, self._since_s = 0.0, None

    def excuse(self) -> None:
        """Counts from now."""
        self.naked_s = 0.0
        if self._since_s is not None:
            self._since_s = time.monotonic()

    @property
    def is_naked(self) -> bool:
        return self._venue.stopped_base < self._venue.position_base

    async def run(self) -> None:
        while True:
            if self._venue.position_base:
                self.filled.set()
            if self.is_naked:
                self.safe.clear()
                self._since_s = self._since_s or time.monotonic()
                self.naked_s = max(self.naked_s, time.monotonic() - self._since_s)
            else:
                self._since_s = None
                self.safe.set()
            await asyncio.sleep(0.005)


class NakedRound:
    """See `naked_faults.Round`."""

    def __init__(self, hub: Hub, trial: Trial, spawner: Spawner, watch: Watch, chance: random.Random) -> None:
        self.hub, self.account, self.data, self.chance = hub, trial.venue.account, trial.data, chance
        self._trial, self._spawner, self._watch = trial, spawner, watch

    @property
    def pid(self) -> int:
        return self._trial.venue.pid

    def excuse(self) -> None:
        self._watch.excuse()

    async def covered(self) -> None:
        await asyncio.wait_for(self._watch.safe.wait(), PATIENCE_S)

    async def again(self) -> None:
        await self._trial.start()

    async def ended(self) -> int:
        assert self._spawner.process is not None
        return await asyncio.to_thread(self._spawner.process.wait, PATIENCE_S)

    async def run(self, fault: Fault) -> dict[str, Any]:
        """What became of one entry under this fault."""
        await self._flat()
        self._watch.begin()
        resumed = None
        async with contextlib.AsyncExitStack() as stack:
            if fault.early:
                await stack.enter_async_context(fault.act(self))
            resumed = asyncio.create_task(self._trial.ask(verb="resume"))
            await asyncio.wait_for(self._watch.filled.wait(), 90)
            if not fault.early:
                await stack.enter_async_context(fault.act(self))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._watch.safe.wait(), PATIENCE_S)
            await asyncio.sleep(0.5)
            left_naked = self._watch.is_naked
            ended = self._spawner.process is not None and self._spawner.process.poll() is not None
        await resumed
        return {"naked_s": round(self._watch.naked_s, 3), "left_naked": left_naked, "ended": ended}

    async def _flat(self) -> None:
        """A running bot that holds nothing; whatever the round before did to it."""
        process = self._spawner.process
        if process is None or process.poll() is not None:
            await self._trial.start()
        for _ in range(3):
            await self._trial.ask(verb="close", wait_s=15)
            for _ in range(100):
                if not self._trial.venue.position_base:
                    return
                await asyncio.sleep(0.1)
        raise SystemExit(f"not flat; see {self.data}/bot.log")


async def of_venue(name: str, options: argparse.Namespace, done: dict[str, dict[str, Any]], until_s: float) -> None:
    data = Path(tempfile.mkdtemp(prefix=f"naked-{name}-"))
    start_ms = int((time.time() + options.warm_s) * 1_000)
    world = World(WorldParams(start_ms=start_ms, backfill_days=2, burn_in_days=1), options.seed)
    listed = [one for venue in VENUES for one in paper_instruments(venue, ("BTC",))]
    hub = Hub(world.roster, listed, PaperParams())
    account = opened(hub, name)
    hub.warm(world.backfill())
    async with serving(hub, dialects_of(hub, traded(), demo_key="key")) as loop:
        write_profile(data, "kill9", venue=name, url=loop.url)
        await asyncio.sleep(max(0.0, start_ms / 1000 - time.time()))
        spawner = Spawner()
        await _rounds(name, hub, account, data, spawner, world, options, done, until_s)


async def _rounds(
    name: str, hub: Hub, account: VenueAccount, data: Path, spawner: Spawner, world: World,
    options: argparse.Namespace, done: dict[str, dict[str, Any]], until_s: float,
) -> None:
    venue = Venue(hub, account)
    trial, watch = Trial(venue, spawner, data, data, name), Watch(venue)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(hub.run(world.blocks(), 1.0)), asyncio.create_task(watch.run())]
    try:
        await trial.start()
        await trial.ask(verb="bias", coin="BTC", side="long", until_ms=int(time.time() * 1_000) + 10**7, why="naked")
        for fault in FAULTS:
            for number in range(options.rounds):
                key = f"{name} | {fault.name} | {number}"
                if key in done or options.fault not in fault.name or time.monotonic() > until_s:
                    continue
                chance = random.Random(f"{options.seed} {key}")
                try:
                    done[key] = await NakedRound(hub, trial, spawner, watch, chance).run(fault)
                except (TimeoutError, SystemExit) as error:
                    why = str(error) or "nothing was entered in time"
                    print(f"{key:60} NOT MADE: {why}; see {data}/bot.log", flush=True)
                    continue
                if not options.again:
                    _keep(options.code, key, done[key])
                print(f"{key:60} {done[key]}", flush=True)
    finally:
        for task in tasks:
            task.cancel()
        if spawner.process is not None and spawner.process.poll() is None:
            spawner.process.send_signal(signal.SIGCONT)
            spawner.process.kill()


def _keep(code: str, key: str, found: Mapping[str, Any]) -> None:
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with KEPT.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"code": code, "key": key} | found) + "\n")


def kept(code: str) -> dict[str, dict[str, Any]]:
    if not KEPT.exists():
        return {}
    rows = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    return {row["key"]: row for row in rows if row["code"] == code}


def percentile(sorted_s: Sequence[float], pct: float) -> float:
    """The smallest value that so many percent do not exceed."""
    return sorted_s[max(0, math.ceil(len(sorted_s) * pct / 100) - 1)]


def table(done: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], bool]:
    """Lines of Markdown, all rounds of a venue and then its faults, worst first; whether all is within the limit."""
    rounds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for key, one in done.items():
        venue, fault, _ = key.split(" | ")
        rounds.setdefault((venue, "all"), []).append(one)
        rounds.setdefault((venue, fault), []).append(one)
    lines = ["| venue | fault | rounds | p50 s | p99 s | max s | left naked |", "|---|---|---|---|---|---|---|"]
    ordered = sorted(rounds.items(), key=lambda item: (item[0][0], item[0][1] != "all", -_times_s(item[1])[-1]))
    for (venue, fault), found in ordered:
        times_s, left = _times_s(found), sum(bool(one["left_naked"]) for one in found)
        figures = " | ".join(f"{percentile(times_s, pct):.2f}" for pct in (50, 99, 100))
        lines.append(f"| {venue} | {fault} | {len(found)} | {figures} | {left or ''} |")
    return lines, all(one["naked_s"] <= LIMIT_S and not one["left_naked"] for one in done.values())


def _times_s(found: Sequence[Mapping[str, Any]]) -> list[float]:
    return sorted(one["naked_s"] for one in found)


def write_page(lines: Sequence[str], made: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text("\n".join((before + _BEGIN + made, "", *lines, _END)) + after, encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venue", choices=VENUES, default="")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--fault", default="", help="only those whose name has this in it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget-min", type=float, default=20.0)
    parser.add_argument("--warm-s", type=float, default=25.0, help="until the market begins")
    parser.add_argument("--again", action="store_true", help="keep nothing, and use nothing that was kept")
    parser.add_argument("--page", action="store_true", help="write what was found into docs/service.md")
    options = parser.parse_args()
    code = digest("liqbot", "paper", "tests/builders", "bench")
    options.code = f"{code} {options.seed}"
    command = f"./run bench naked {' '.join(word for word in sys.argv[1:] if word != '--page')}".rstrip()
    print(f"command: {command}; seed {options.seed}; commit {commit()}; code {code}", flush=True)
    before = {} if options.again else kept(options.code)
    done = {key: row for key, row in before.items() if int(key.rsplit(" | ", 1)[1]) < options.rounds
            and key.startswith(options.venue) and options.fault in key.split(" | ")[1]}
    until_s = time.monotonic() + options.budget_min * 60
    for name in [options.venue] if options.venue else VENUES:
        asyncio.run(of_venue(name, options, done, until_s))
    lines, within = table(done)
    print("\n".join(lines))
    wanted = sum(options.fault in fault.name for fault in FAULTS) * options.rounds
    missing = wanted * (1 if options.venue else len(VENUES)) - len(done)
    if missing:
        print(f"{missing} rounds were not made")
    if options.page:
        write_page(lines, f"`{command}` at commit `{commit()}`, seed {options.seed}: {len(done)} rounds, "
                   f"{missing} not made.")
    return 0 if within and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
