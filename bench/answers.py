"""Answers of status 200 that are nonsense: seeded mutations of the simulated venues' own answers, over every endpoint
that the house reads, with orders under way.

    ./run bench answers                      10,000 for each venue, and bots among them
    ./run bench answers --answers 1000 --bots 1 --venue okx --seed 5
    ./run bench answers --again              forget earlier results

Most go through the unmodified client, adapter and account edge without a socket and on a clock that waits for nothing;
the bots are whole ones over loopback, on the wall clock, in which a fill is followed by its stop. Results are kept
under bench/out by the commit and a digest of all sources, so that the same command goes on where it was.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import structlog
from _figures import ROOT, commit, digest

sys.path.insert(0, str(ROOT))

from liqbot.exits import ExpectedError
from tests.builders.answer_fuzz import FuzzedFaults, HurriedLoop, counted, fuzzed
from tests.builders.earlier_life import entry_sent
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, place, running

KEPT = ROOT / "bench" / "out" / "answers.jsonl"
SOURCES = ("liqbot", "paper", "tests/builders", "bench")
CHUNK = 1_000
BOT_SHARE = 0.25
NAKED_MS_MAX = 5_000
RUN_S = 8.0
STARTS_MAX = 6


def edge_chunk(venue: str, seed: int) -> dict[str, Any]:
    """`CHUNK` mutated answers or a few more."""
    quiet()

    async def work() -> dict[str, Any]:
        async with fuzzed(venue, seed) as fuzz:
            episodes = 0
            while fuzz.faults.count.total() < CHUNK:
                await fuzz.episode()
                episodes += 1
            wrong = [*fuzz.wrong, *([] if counted(fuzz) else ["some are not counted"])]
            return {
                "answers": fuzz.faults.count.total(), "episodes": episodes, "wrong": wrong,
                "endpoints": dict(fuzz.faults.count), "kinds": dict(fuzz.faults.kinds),
                "outcomes": dict(fuzz.outcomes.count),
            }  # fmt: skip

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        return runner.run(work())


def bot_run(venue: str, seed: int) -> dict[str, Any]:
    """A whole bot whose entry fills while a part of all answers is nonsense."""
    quiet()

    async def work(data: Path) -> dict[str, Any]:
        async with place(venue) as here:
            settings = here.settings()
            entry = await entry_sent(here, settings, data)
            faults = FuzzedFaults(seed, BOT_SHARE)
            here.hub.faults, faults.nonsense, faults.on = faults, True, True
            refused = 0
            while True:
                try:
                    async with running(settings, data) as bot:
                        watch = asyncio.create_task(_naked_ms(here, RUN_S))
                        await here.hub.execute(here.account, entry)
                        await here.advance()
                        naked_ms = await watch
                        alive, told = not bot.task.done(), (await bot.status())["account_told"]
                        faults.on = False
                        break
                except (ExpectedError, AssertionError):  # a start may be refused, in one line
                    refused += 1
                    if refused >= STARTS_MAX:
                        raise
            covered = here.stopped_base >= abs(here.held_base)
            wrong = [] if alive and covered and naked_ms <= NAKED_MS_MAX else [f"alive {alive}, covered {covered}"]
            return {
                "answers": faults.count.total(), "naked_ms": naked_ms, "refused_starts": refused, "wrong": wrong,
                "malformed": told["answers_malformed"], "endpoints": dict(faults.count),
            }  # fmt: skip

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(work(Path(folder)))


async def _naked_ms(here: Place, for_s: float) -> int:
    """How long, looked at all the time, stops at the venue did not cover what was held."""
    naked_s, last_s = 0.0, time.monotonic()
    until_s = last_s + for_s
    while last_s < until_s:
        naked = here.stopped_base < abs(here.held_base)
        await asyncio.sleep(0.005)
        now_s = time.monotonic()
        naked_s, last_s = naked_s + (now_s - last_s) * naked, now_s
    return round(naked_s * 1_000)


def quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


def kept(key: str) -> dict[str, Any]:
    if not KEPT.is_file():
        return {}
    rows = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    return {row["job"]: row for row in rows if row["code"] == key}


def report(rows: dict[str, Any], venue: str) -> list[str]:
    """Lines for one venue; prints them."""
    mine = [row for job, row in rows.items() if job.split()[1] == venue]
    edges = [row for row in mine if "outcomes" in row]
    bots = [row for row in mine if "naked_ms" in row]
    outcomes: Counter[str] = sum((Counter(row["outcomes"]) for row in edges), Counter())
    endpoints: Counter[str] = sum((Counter(row["endpoints"]) for row in mine), Counter())
    wrong = [f"{row['job']}: {fault}" for row in mine for fault in row["wrong"]]
    print(f"\n{venue}: {sum(row['answers'] for row in edges):,} mutated answers over {len(endpoints)} endpoints, "
          f"{sum(row['episodes'] for row in edges)} trades under way")
    print("  became " + ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common()))
    if bots:
        naked = sorted(row["naked_ms"] for row in bots)
        print(f"  {len(bots)} bots among {sum(row['answers'] for row in bots):,}: naked ms {naked}, "
              f"malformed and counted {sum(row['malformed'] for row in bots):,}, "
              f"starts refused in one line {sum(row['refused_starts'] for row in bots)}")
    for endpoint, count in sorted(endpoints.items()):
        print(f"    {count:>6,}  {endpoint}")
    for fault in wrong[:20]:
        print(f"  WRONG {fault}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=10_000, help="for each venue, at least")
    parser.add_argument("--bots", type=int, default=3, help="whole bots for each venue")
    parser.add_argument("--venue", choices=VENUES_SERVED, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    if asked.again:
        KEPT.unlink(missing_ok=True)
    venues, key = asked.venue or VENUES_SERVED, f"{commit()} {digest(*SOURCES)}"
    print(f"commit {commit()}, seed {asked.seed}: ./run bench answers {' '.join(sys.argv[1:])}".rstrip())
    jobs = {
        f"{work.__name__} {venue} {seed}": (work, venue, seed)
        for venue in venues
        for work, count in ((edge_chunk, -(-asked.answers // CHUNK)), (bot_run, asked.bots))
        for seed in range(asked.seed * 1_000, asked.seed * 1_000 + count)
    }
    rows = {job: row for job, row in kept(key).items() if job in jobs}
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    started_s = time.monotonic()
    with ProcessPoolExecutor(asked.jobs) as pool, KEPT.open("a", encoding="utf-8") as book:
        runs = {pool.submit(*work): job for job, work in jobs.items() if job not in rows}
        for run in as_completed(runs):
            row = {"code": key, "job": runs[run], **run.result()}
            rows[row["job"]] = row
            book.write(json.dumps(row) + "\n")
            book.flush()
            print(f"  {len(rows)} of {len(jobs)}: {row['job']}, {time.monotonic() - started_s:.0f} s", flush=True)
    wrong = [fault for venue in venues for fault in report(rows, venue)]
    print(f"\n{len(wrong)} wrong, {time.monotonic() - started_s:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
