"""An observer of the house that `all_venues.py` watches, loaded by it like any of a user's own: what reached the map,
how old it was then, how long the loop stood still, and what the process takes. A line of JSON a second."""

import asyncio
import gc
import json
import os
import sys
import threading
import time
import traceback
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np

from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine, Step
from liqbot.events import FeedDown
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext

KINDS: Final = ("bars", "marks", "liquidations", "open_interest", "funding")
AGE_MS, AGES = 10, 3_000
"""Width and number of the classes of ages; the last one is open."""
GAP_S: Final = 0.004
SLOW_S: Final = 0.025
"""A turn of the loop that computed for longer is looked into."""
COINS_MAX: Final = 16
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Watch(Observer):
    """Counts since the start; stalls since the last line."""

    name = "cascade"

    def __init__(self, file: Path, roster: Roster, *, stacks: bool) -> None:
        self._file, self._roster, self._stacks = file, roster, stacks
        self._counts: dict[str, Any] = {}
        self._usd: dict[str, Any] = {}
        self._ages = {kind: np.zeros(AGES, np.int64) for kind in KINDS[:3]}
        self._turns_ms: list[float] = []
        self._computed_ms: list[float] = []
        self._began_s, self._used_s = time.perf_counter(), 0.0
        self._slow: Counter[str] = Counter()
        self._last_mark: dict[int, float] = {}
        self._grown: list[str] = []
        self._gc_s, self._gc_ms = 0.0, list[float]()
        self._downs = self._steps = self._said_s = 0.0
        self._names: dict[int, str] = {}

    def start(self, engine: Engine) -> None:
        del engine
        roster = self._roster
        self._names = {venue * COINS_MAX + coin: f"{venue_name} {coin_name}"
                       for venue, venue_name in enumerate(roster.venues)
                       for coin, coin_name in enumerate(roster.coins)}
        size = (len(roster.venues) + 1) * COINS_MAX
        self._counts = {kind: np.zeros(size, np.int64) for kind in KINDS}
        self._usd = {"bars": np.zeros(size), "liquidations": np.zeros(size)}
        self._task = asyncio.get_running_loop().create_task(self._turn())
        gc.callbacks.append(self._collected)
        if tracemalloc.is_tracing():
            threading.Thread(target=self._compare, daemon=True).start()
        if self._stacks:
            threading.Thread(target=self._look, args=(threading.get_ident(),), daemon=True).start()

    async def _turn(self) -> None:
        self._began_s, self._used_s = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(GAP_S)
            now_s, used_s = time.perf_counter(), time.thread_time()
            self._turns_ms.append((now_s - self._began_s - GAP_S) * 1_000)
            self._computed_ms.append((used_s - self._used_s) * 1_000)
            self._began_s, self._used_s = now_s, used_s

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._gc_s = time.perf_counter()
        elif info["generation"] == 2:
            self._gc_ms.append((time.perf_counter() - self._gc_s) * 1_000)

    def _look(self, main: int) -> None:
        """Where the loop's thread is while a turn computes for long."""
        clock = time.pthread_getcpuclockid(main)
        while True:
            time.sleep(0.005)
            if time.clock_gettime(clock) - self._used_s > SLOW_S:
                frames = traceback.extract_stack(sys._current_frames()[main])
                ours = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames[-14:]]
                self._slow[" < ".join(reversed(ours))] += 1

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq, step, engine
        now_ms = time.time_ns() / 1e6
        self._steps += 1
        self._downs += sum(type(fact) is FeedDown for fact in block.facts)
        for kind in KINDS:
            rows = block.rows(kind)
            if len(rows):
                self._take(kind, rows, now_ms)
        if block.tick_ms is not None and now_ms / 1_000 - self._said_s >= 1.0:
            self._said_s = now_ms / 1_000
            self._say()

    def _take(self, kind: str, rows: Any, now_ms: float) -> None:
        codes = rows["venue"].astype(np.int64) * COINS_MAX + rows["coin"]
        self._counts[kind] += np.bincount(codes, minlength=len(self._counts[kind]))
        if kind in self._usd:
            column = "volume_usd" if kind == "bars" else "size_usd"
            self._usd[kind] += np.bincount(codes, rows[column], len(self._usd[kind]))
        if kind == "marks":
            self._last_mark.update(zip(codes.tolist(), rows["mark_price"].tolist(), strict=True))
        if kind in self._ages:
            begun = rows["time_ms"] - (rows["span_ms"] if kind == "bars" else 0)
            places = np.clip((now_ms - begun) // AGE_MS, 0, AGES - 1).astype(np.int64)
            self._ages[kind] += np.bincount(places, minlength=AGES)

    def _say(self) -> None:
        resident_bytes = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_BYTES
        turns, computed = self._turns_ms, self._computed_ms
        self._turns_ms, self._computed_ms = [], []
        collected, self._gc_ms = self._gc_ms, []
        line = {
            "time_s": time.time(), "cpu_s": time.process_time(), "rss_mb": resident_bytes / 1e6,
            "gc_ms": [round(one, 1) for one in collected], "steps": self._steps, "downs": self._downs,
            "turns_ms": [round(one, 1) for one in turns if one > 5], "computed_ms": [
                round(one, 1) for one in computed if one > 5], "turns": len(turns),
            "counts": {kind: self._named(self._counts[kind]) for kind in KINDS},
            "usd": {kind: self._named(self._usd[kind]) for kind in self._usd},
            "marks": {self._names[code]: value for code, value in self._last_mark.items()},
            "ages": {kind: {int(place): int(ages[place]) for place in np.nonzero(ages)[0]}
                     for kind, ages in self._ages.items()},
            "slow": self._slow.most_common(40), "grown": self._grown,
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _compare(self) -> None:
        """What holds more memory than a minute after the start, by the line that took it; once a minute."""
        first = None
        while True:
            time.sleep(60.0)
            now = tracemalloc.take_snapshot().filter_traces((tracemalloc.Filter(False, tracemalloc.__file__),))
            first = first or now
            self._grown = [str(one) for one in now.compare_to(first, "lineno")[:25]]

    def _named(self, values: Any) -> dict[str, Any]:
        return {self._names[int(code)]: values[code].item() for code in np.nonzero(values)[0]}


def observer(context: ObserverContext) -> Observer | None:
    if context.data is None:
        return None
    roster = Roster(context.settings.venues, context.settings.coins)
    return Watch(context.data / "cascade.jsonl", roster, stacks="CASCADE_STACKS" in os.environ)
