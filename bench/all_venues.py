"""All venues at once over loopback, in a cascade: one house on one core, two coins, nothing may be lost.

One process serves every venue that is read live, another is the house as a user starts it (`liqbot record`), pinned to
a core of its own, with the unmodified clients and the raw streams. How much each venue sends is an assumption with its
sources (`_cascade_rates.py`). After every minute the market falls silent until all that was sent has arrived or is
lost: trades by number and by their volume, forced orders one by one, marks by number and by the last price. Finished
minutes are kept in `--out`; started again with the same place the bench does those that are missing. With `--raw` the
recording is read again at the end: journal and raw messages must give the identical map.

    python bench/all_venues.py [--minutes 10] [--seconds 60] [--venues gate,okx] [--factor 20] [--seed 1] [--raw]
                               [--house-core 1] [--market-core 0] [--out DIR] [--stacks] [--grown]
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

from _cascade_market import COINS, READ, cascade_process
from _cascade_rates import CASCADE
from _cascade_replay import text_of_replay
from _cascade_report import Minute, good, minute_of, text_of

from liqbot.control import protocol

ROOT: Final = Path(__file__).parents[1]
ARRIVING_S_MAX: Final = 20.0
READY_S_MAX: Final = 240.0
LINES: Final = "cascade.jsonl"
PROFILE: Final = """mode = "observe"
coins = {coins}
venues = {venues}
trade_venue = "{trade_venue}"
[network]
loopback = "{url}"
backfill_h = 0.0
[feeds]
inferred = true
[observers]
enabled = ["ledger", "snapshots", "log", "cascade_observer.py"]
[log]
format = "json"
"""


class House:
    """The product in a process of its own, and what its observer says of it."""

    def __init__(self, place: Path, url: str, venues: tuple[str, ...], asked: argparse.Namespace) -> None:
        self.data, config = place / "data", place / "config"
        shutil.rmtree(self.data, ignore_errors=True)
        config.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(ROOT / "bench" / "_cascade_observer.py", config / "cascade_observer.py")
        trade_venue = "binance" if "binance" in venues else venues[0]
        profile = PROFILE.format(coins=list(COINS), venues=list(venues), trade_venue=trade_venue, url=url)
        (config / "cascade.toml").write_text(profile.replace("'", '"'), encoding="utf-8")
        self.lines, self._read, self._rest = list[dict[str, Any]](), 0, b""
        log = (place / "house.log").open("ab")
        self.process = subprocess.Popen(
            [*pinned(asked.house_core), str(Path(sys.executable).parent / "liqbot"), "record", "--profile", "cascade",
             "--config", str(config), "--data", str(self.data), *(["--raw"] if asked.raw else [])],
            stdout=log, stderr=log, cwd=ROOT,
            env=os.environ | ({"CASCADE_STACKS": "1"} if asked.stacks else {})
            | ({"PYTHONTRACEMALLOC": "1"} if asked.grown else {}),
        )

    def newest(self) -> dict[str, Any] | None:
        with contextlib.suppress(FileNotFoundError), (self.data / LINES).open("rb") as file:
            file.seek(self._read)
            *whole, rest = (self._rest + file.read()).split(b"\n")
            self._read, self._rest = file.tell(), rest
            self.lines += [json.loads(line) for line in whole]
        if self.process.poll() is not None:
            raise RuntimeError(f"the house ended with {self.process.returncode}: see house.log")
        return self.lines[-1] if self.lines else None

    async def status(self) -> dict[str, Any]:
        return await asyncio.to_thread(protocol.request, self.data, {"verb": "status"})

    async def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.process.wait, 40.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return -9


def pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)] if core >= 0 and shutil.which("taskset") else []


async def ask(orders: Connection, *order: Any) -> Any:
    orders.send(order)
    return await asyncio.to_thread(orders.recv)


async def ready(house: House, orders: Connection) -> None:
    """Until every contract's trades, and forced orders and marks where they are streamed, have reached the map."""
    until_s = time.monotonic() + READY_S_MAX
    while True:
        await asyncio.sleep(1.0)
        sent, line = await ask(orders, "how"), house.newest()
        counts = line["counts"] if line is not None else {}
        missing = [f"{name} {kind}" for name, one in sent["contracts"].items()
                   for kind, field in (("bars", "trades"), ("marks", "marks"), ("liquidations", "forced"))
                   if one[field] and not counts.get(kind, {}).get(name)]
        if not missing:
            return
        if time.monotonic() > until_s:
            raise TimeoutError(f"never arrived: {', '.join(missing)}")


async def settled(house: House, orders: Connection) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Silent, and what was sent and what has arrived by then."""
    sent = await ask(orders, "silent")
    until_s = time.monotonic() + ARRIVING_S_MAX
    before: Any = None
    while True:
        await asyncio.sleep(2.5)
        line, status = house.newest() or {}, await house.status()
        trades = {venue: feed["trades"] for venue, feed in status["feeds"].items()}
        now = (trades, line["usd"], line["counts"]["liquidations"])
        if now == before or time.monotonic() > until_s:
            return sent, line, status
        before = now


async def measured(asked: argparse.Namespace, place: Path, minutes: list[Minute]) -> None:
    venues = tuple(asked.venues.split(","))
    mine, its = multiprocessing.Pipe()
    market = multiprocessing.get_context("spawn").Process(
        target=cascade_process, args=(its, venues, asked.seed + len(minutes)), daemon=True)
    market.start()
    its.close()
    if asked.market_core >= 0:
        os.sched_setaffinity(market.pid or 0, {asked.market_core})
    url, keys = await asyncio.to_thread(mine.recv)
    house = House(place, url, keys, asked)
    try:
        await ready(house, mine)
        before = await settled(house, mine)
        while len(minutes) < asked.minutes:
            began, first = time.time(), len(house.lines) - 1
            await ask(mine, "pace", asked.factor)
            await asyncio.sleep(asked.seconds)
            busy, flooded_s = await ask(mine, "how"), time.time() - began
            busy_line = house.newest() or {}
            after = await settled(house, mine)
            minutes.append(minute_of(before, after, busy, busy_line, house.lines[first:], flooded_s, os.getloadavg()))
            with (place / "minutes.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(minutes[-1]) + "\n")
            print(text_of([minutes[-1]], short=True), flush=True)
            before = after
    finally:
        with contextlib.suppress(BrokenPipeError, EOFError):
            mine.send(("over",))
            print("asked for, but not modelled:", await asyncio.to_thread(mine.recv), flush=True)
        print("the house ended with", await house.end(), flush=True)
        market.join(5)
        market.kill()


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("minutes", 10), ("seed", 1), ("house-core", 1), ("market-core", 0)):
        reader.add_argument(f"--{name}", type=int, default=default)
    for name, default_s in (("seconds", 60.0), ("factor", CASCADE)):
        reader.add_argument(f"--{name}", type=float, default=default_s)
    reader.add_argument("--venues", default=",".join(READ))
    reader.add_argument("--raw", action="store_true")
    reader.add_argument("--stacks", action="store_true", help="where the loop was while a turn lasted long")
    reader.add_argument("--grown", action="store_true", help="what takes more memory, by line; slow")
    reader.add_argument("--out", type=Path)
    asked = reader.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}  seed {asked.seed}  python {platform.python_version()}  "
          f"command: {' '.join(sys.argv)}", flush=True)
    place = asked.out or Path(tempfile.mkdtemp(prefix="cascade-"))
    place.mkdir(parents=True, exist_ok=True)
    kept = place / "minutes.jsonl"
    minutes: list[Minute] = [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept.exists() else []
    if len(minutes) < asked.minutes:
        asyncio.run(measured(asked, place, minutes))
    print(text_of(minutes, short=False), flush=True)
    same = True
    if asked.raw:
        same, said = text_of_replay(place / "data")
        print(said)
    return 0 if good(minutes) and same else 1


if __name__ == "__main__":
    raise SystemExit(main())
