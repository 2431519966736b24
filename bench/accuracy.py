"""How good the map is: frozen simulated markets, recorded tapes and recorded wallets, scored; writes docs/accuracy.md.

    python bench/accuracy.py [--minutes-budget 55] [--data var/accuracy] [--recordings ../shared/data]

Resumable: what is finished for this very code is kept under --data and not made again, so an interrupted run goes on
where it stopped. Without recordings only the simulated markets are scored, with the reason on the page.
"""

import argparse
import concurrent.futures
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from accuracy_page import Made, Warmth, drawn, page
from accuracy_worlds import EVERY, PUBLISHED, STEP, TELLING, market_name

from liqbot.exits import ExpectedError
from liqbot.market.params import MarketParams
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.venues.registry import mechanics_of
from paper.score import wallets
from paper.score.models import LiqbotModel
from paper.score.params import ScoreParams
from paper.score.setting import setting_of
from paper.score.tape_score import code_hash, score_tape
from paper.score.warmth import ColdStarts, history_codes, warmth_table
from paper.tapes.reader import read_tape
from paper.tapes.truth import KnownMarket, export

ROOT = Path(__file__).parents[1]
SEED = 1
WARMTH_WORLD = "stops"
_HOUR_MS = 3_600_000
_FIRST_GUESS_S = 600.0


class Task(NamedTuple):
    """`kind` is world, tape, wallets or warmth; `result` appears when it is done for this code."""

    kind: str
    name: str
    source: Path
    result: Path


def world_files(data: Path, name: str, days: float | None) -> tuple[KnownMarket, Path, Path]:
    """A frozen market from its beginning, its tape and its truth; the files' names carry its fingerprint."""
    market = EVERY[name].market(days)
    stem = f"{market_name(name)}-{market.fingerprint}-{len(TELLING.venues)}"
    return market, data / "worlds" / f"{stem}.tape.parquet", data / "worlds" / f"{stem}.truth.parquet"


def make_world(data: Path, name: str, days: float | None) -> tuple[Path, Path]:
    market, tape, truth = world_files(data, name, days)
    if not (tape.is_file() and truth.is_file()):
        telling = None if EVERY[name].family == STEP else TELLING
        export(market, tape, truth, every_ms=_HOUR_MS, told=telling)
    return tape, truth


def run(task: Task, data: Path, days: float | None) -> float:
    """Do one task and write its result; returns the seconds it took. Runs in a process of its own."""
    began = time.perf_counter()
    use_compiled()
    made = {"world": _world, "tape": _tape, "wallets": _wallets, "warmth": _warmth}[task.kind](task, data, days)
    task.result.parent.mkdir(parents=True, exist_ok=True)
    part = task.result.with_suffix(".part")
    part.write_bytes(msgspec.msgpack.encode(made))
    part.replace(task.result)
    return time.perf_counter() - began


def _world(task: Task, data: Path, days: float | None) -> object:
    tape, truth = make_world(data, task.name, days)
    shown = EVERY[task.name].positions_of
    return score_tape(read_tape(tape), ScoreParams(), truth=truth, seed=SEED, positions_of=shown).score


def _tape(task: Task, data: Path, days: float | None) -> object:  # noqa: ARG001 - tasks are called alike
    return score_tape(read_tape(task.source), ScoreParams(), seed=SEED).score


def _wallets(task: Task, data: Path, days: float | None) -> object:  # noqa: ARG001
    return wallets.rebuild(task.source)


def _warmth(task: Task, data: Path, days: float | None) -> object:
    """Fresh maps every four days of the scored part, without and with three days of history."""
    tape = read_tape(make_world(data, task.name, days)[0])
    params = ScoreParams()
    setting = setting_of(tape, params)
    span = tape.last_ms - tape.first_ms
    first_ms = tape.first_ms + int(span * (params.warmup_share + params.train_share))
    starts = [
        ColdStarts(
            lambda: LiqbotModel(tape.roster, setting.coin, setting.home, MarketParams()), first_ms, every_h=96,
            backfill_h=hours, primary_h=params.primary_h, origin_every_ms=setting.origin_every_ms, bins=params.bins,
            history_codes=history_codes(tape.roster.venues),
        )
        for hours in (0, 72)
    ]
    scoring = score_tape(tape, params, seed=SEED, others=tuple(starts)).scoring
    return Warmth(starts[0].starts, *(warmth_table(scoring, one) for one in starts))


def tasks(data: Path, recordings: Path, names: list[str], days: float | None) -> list[Task]:
    results, code = data / "results", code_hash()
    found = []
    for name in names:
        fingerprint = EVERY[name].market(days).fingerprint
        stem = f"{name}-{fingerprint}"
        found.append(Task("world", name, Path(), results / f"{stem}.{code}.msgpack"))
    paths = sorted((recordings / "tapes").glob("*.parquet"))
    found += [Task("tape", path.stem, path, results / f"tape-{path.stem}.{code}.msgpack") for path in paths]
    directory = recordings / "positions" / "hyperliquid_2023"
    if wallets.present(directory):
        found.append(Task("wallets", directory.name, directory, results / f"wallets.{code}.msgpack"))
    if WARMTH_WORLD in names:
        stem = world_files(data, WARMTH_WORLD, days)[1].name.removesuffix(".tape.parquet")
        found.append(Task("warmth", WARMTH_WORLD, Path(), results / f"warmth-{stem}.{code}.msgpack"))
    return found


def _next(waiting: list[Task], running: list[Task]) -> Task | None:
    """One whose market nobody works on: tasks of one market read the tape that the first of them makes."""
    busy = {market_name(task.name) for task in running}
    return next((task for task in waiting if market_name(task.name) not in busy), None)


def work(todo: list[Task], workers: int, budget_s: float, start: Callable[[Task], tuple[Any, ...]]) -> list[str]:
    """Run tasks until they are done or the budget is; returns what went wrong."""
    began, longest, faults = time.monotonic(), _FIRST_GUESS_S, []
    waiting = list(todo)
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        running: dict[concurrent.futures.Future[float], Task] = {}
        while waiting or running:
            in_time = time.monotonic() - began + longest < budget_s
            while in_time and len(running) < workers and (task := _next(waiting, list(running.values()))):
                waiting.remove(task)
                running[pool.submit(*start(task))] = task
            if not running:
                break
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                try:
                    seconds = future.result()
                except ExpectedError as error:
                    faults.append(f"{task.kind} {task.name}: {error}")
                    continue
                longest = max(seconds, longest if longest != _FIRST_GUESS_S else 0.0)
                print(f"{time.monotonic() - began:6.0f} s  {task.kind} {task.name} in {seconds:.0f} s", flush=True)
    return faults


def made(asked: argparse.Namespace) -> Made:
    """The command (what changes figures, not where files lie), and what the tree and the tables were."""
    told = {name: getattr(asked, name) for name in ("days", "worlds") if getattr(asked, name) is not None}
    if told.get("worlds") == ",".join(PUBLISHED):
        del told["worlds"]
    words = " ".join(["python bench/accuracy.py", *(f"--{name} {value}" for name, value in told.items())])
    venues = dict.fromkeys(one.venue for world in PUBLISHED.values() for one in world.params.venues)
    dates = ", ".join(f"{venue} {mechanics_of(venue, 'BTC').table.as_of}" for venue in venues)
    return Made(words, SEED, commit(), code_hash(), dates)


def commit() -> str:
    """Of the tree, and whether anything tracked differs from it; a copy without history says so."""
    git = shutil.which("git")
    if git is None:
        return "unknown (no git)"
    told = [
        subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no", "--", "*.py"))
    ]
    if told[0].returncode:
        return "unknown (no history here)"
    return told[0].stdout.strip() + (" and uncommitted changes" if told[1].stdout.strip() else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes-budget", type=float, default=55.0)
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "accuracy")
    parser.add_argument("--recordings", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--worlds", default=",".join(PUBLISHED), help="Names, separated by commas.")
    parser.add_argument("--days", type=float, help="Shorter markets, for a trial; they are not the published ones.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", type=Path, help="Where the page goes [default: docs/accuracy.md; a trial: --data].")
    asked = parser.parse_args()
    every = tasks(asked.data, asked.recordings, asked.worlds.split(","), asked.days)
    todo = [task for task in every if not task.result.is_file()]
    print(f"code {code_hash()}: {len(every) - len(todo)} of {len(every)} results are there", flush=True)
    faults = work(
        todo, asked.workers, asked.minutes_budget * 60, lambda task: (run, task, asked.data, asked.days)
    )
    missing = [task for task in every if not task.result.is_file()]
    path = asked.page or (ROOT / "docs" / "accuracy.md" if asked.days is None else asked.data / "accuracy.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(every, made(asked), faults), encoding="utf-8")
    for name, picture in drawn(every).items():
        path.with_name(name).write_text(picture, encoding="utf-8")
    print(f"{path}: written from {len(every) - len(missing)} of {len(every)} results")
    for fault in faults:
        print(fault, file=sys.stderr)
    if missing:
        print(f"unfinished: {', '.join(f'{task.kind} {task.name}' for task in missing)}; run it again to go on")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
