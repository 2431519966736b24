"""What each strategy did on the recorded tapes, beside what knows nothing, with misses first, into docs/strategies.md.

    python bench/strategies.py [--tapes DIR] [--minutes 55] [--processes 1] [--draws 100] [--page FILE]
    python bench/strategies.py --knobs all --days 25 [...]   simulated markets, one knob on and off, instead of tapes

Resumable: every finished pass over a tape is kept under --data for this state of the code, and the page is written from
what is there. Tapes go from small to large.
"""

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from _knob_markets import MARKETS, tape_of  # noqa: E402

from liqbot.code_version import source_digest  # noqa: E402
from liqbot.settings import load  # noqa: E402
from paper.backtest.planned_trips import TripLine  # noqa: E402
from paper.backtest.report_text import headline  # noqa: E402
from paper.research.main_pass import MainPass, main_pass  # noqa: E402
from paper.research.researched import Researched, Wanted, beside  # noqa: E402
from paper.research.setup import Setup, ready  # noqa: E402
from paper.research.text import controls_text, edge_of, monte_carlo_text, refusals_text  # noqa: E402
from paper.research.work import LocalWorkers, Workers  # noqa: E402

WAIVED: Final = "signals.waive=flow,flow_flipped,oi_dropped,oi_rising,prints_stopped,prior_funding"
"""Old recordings lack feeds; what was waived is counted in every report."""


class TimeIsUp(Exception):
    pass


class Kept:
    """Workers whose results are kept in a folder, and none is begun once the time is up."""

    def __init__(self, workers: Workers, folder: Path, until_s: float) -> None:
        self._workers, self._folder, self._until_s = workers, folder, until_s

    def results(self, call: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        paths = {id(job): self._folder / f"{_digest(job)}.trips" for job in jobs}
        for job in jobs:
            if paths[id(job)].is_file():
                yield job, msgspec.msgpack.decode(paths[id(job)].read_bytes(), type=tuple[TripLine, ...])
        for job in [job for job in jobs if not paths[id(job)].is_file()]:
            if time.monotonic() > self._until_s:
                raise TimeIsUp
            for done, found in self._workers.results(call, [job]):
                paths[id(done)].write_bytes(msgspec.msgpack.encode(found))
                yield done, found

    def close(self) -> None:
        self._workers.close()


def _digest(job: Any) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(job)).hexdigest()[:16]


def run(setup: Setup, folder: Path, workers: Workers, until_s: float, draws: int) -> Researched | None:
    """None when the time was up before it was whole."""
    kept = folder / f"{Path(setup.tape).stem}.{_digest(setup)}.main"
    if kept.is_file():
        main = msgspec.msgpack.decode(kept.read_bytes(), type=MainPass)
    elif time.monotonic() > until_s:
        return None
    else:
        main = main_pass(setup)
        kept.write_bytes(msgspec.msgpack.encode(main))
    try:
        return beside(setup, main, Kept(workers, folder, until_s), Wanted(draws=draws, monte_carlo=1_000))
    except TimeIsUp:
        return None


def section(name: str, found: Researched) -> str:
    """Misses first, then the tables."""
    report, research = found.report, found.research
    verdicts = {strategy: edge_of(strategy, report, research) for strategy in report.strategies}
    misses_first = sorted(verdicts.items(), key=lambda one: one[1].startswith("better"))
    lines = [f"- `{strategy}`: {said}" for strategy, said in misses_first]
    lacks = [f"- lacks {line}" for line in report.tape.lacks]
    tables = "\n\n".join((
        controls_text(report, research), refusals_text(research.refusals, report.strategies),
        monte_carlo_text(research.monte_carlo),
    ))  # fmt: skip
    return "\n".join((f"### {name}", "", headline(report) + ".", "", *lines, *lacks, "", "```text", tables, "```"))


def marks_of(mark: str) -> tuple[str, str]:
    """What stands before and after the results in a page."""
    return f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"


def require_page(page: Path, mark: str) -> None:
    """Before anything is measured: a page that takes no results ends the command."""
    if not page.is_file():
        sys.exit(f"--page {page}: no such file; name one with the lines {' and '.join(marks_of(mark))}")
    text = page.read_text(encoding="utf-8")
    if missing := [line for line in marks_of(mark) if line not in text]:
        sys.exit(f"--page {page}: the line {missing[0]} is missing; results are written between it and its other")


def written(page: Path, mark: str, text: str) -> None:
    begin, end = marks_of(mark)
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def sources(asked: argparse.Namespace, until_s: float) -> Iterator[tuple[str, Path | None]]:
    """Tapes by name, those first that take least. A simulated one is made when it is its turn; None when there is no
    time left for that."""
    if asked.knobs is None:
        found = sorted(asked.tapes.glob("*.parquet"), key=lambda path: (path.stat().st_size, path.name))
        if not found:
            sys.exit(f"--tapes {asked.tapes}: no tapes there")
        yield from ((path.stem, path) for path in found)
        return
    names = list(MARKETS) if asked.knobs == "all" else asked.knobs.split(",")
    if unknown := [name for name in names if name not in MARKETS]:
        sys.exit(f"--knobs {unknown[0]!r}: there are {', '.join(MARKETS)}")
    for name in names:
        yield name, tape_of(name, asked.days, asked.data / "worlds", make=time.monotonic() <= until_s)


def code() -> str:
    """Of every source that a result depends on."""
    digest = hashlib.sha256(source_digest().encode())
    for path in sorted((ROOT / "paper").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tapes", type=Path, default=ROOT.parent / "shared" / "data" / "tapes")
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "strategies")
    parser.add_argument("--page", type=Path, help="Write the results between the marks of this page.")
    parser.add_argument("--minutes", type=float, default=55.0, help="No pass is begun after so long.")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--knobs", help=f"All, or of {', '.join(MARKETS)}.")
    parser.add_argument("--days", type=float, default=25.0, help="Of each of those markets.")
    asked = parser.parse_args()
    mark = "knobs" if asked.knobs else "results"
    if asked.page is not None:
        require_page(asked.page, mark)
    folder = asked.data / code()
    folder.mkdir(parents=True, exist_ok=True)
    until_s, sections, missing = time.monotonic() + asked.minutes * 60.0, [], []
    knobs = f" --knobs {asked.knobs} --days {asked.days:g}" if asked.knobs else ""
    command = f"`./run bench strategies --draws {asked.draws}{knobs}` at {commit()}"
    for name, path in sources(asked, until_s):
        if path is None:
            missing.append(name)
            continue
        settings = load("paper", config=ROOT / "config", overrides=(WAIVED,), environment={}).settings
        setup = Setup.of(path, settings, "paper", ROOT / "config")
        found = run(setup, folder, LocalWorkers(asked.processes), until_s, asked.draws)
        if found is None:
            missing.append(name)
            continue
        sections.append(section(name, found))
        print(sections[-1], flush=True)
        ready.cache_clear()
    notes = [f"Not finished within the time, and so not told: {', '.join(missing)}."] if missing else []
    if asked.page is not None:
        written(asked.page, mark, "\n\n".join((f"By {command}.", *notes, *sections)))


if __name__ == "__main__":
    main()
