"""Every row of docs/performance.md, measured and written there, what is missed first.

    ./run bench                                 every row that is not measured yet at this code, then the page
    ./run bench performance --only map --only journal --again
    ./run bench performance --budget-min 10     what is not begun by then is named as not measured

Each row is a script of its own beside this one, in a process of its own, with its yardstick or peer in the same run.
Results are kept under bench/out by a digest of all sources, so that the same command goes on where it was; `--page`
only writes the page from what is kept.
"""

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).parent))

from _figures import ROOT, Found
from _performance_page import Measured, page

KEPT: Final = ROOT / "bench" / "out" / "performance"
PAGE: Final = ROOT / "docs" / "performance.md"
SOURCES: Final = ("liqbot", "paper", "bench")
TIMEOUT_S: Final = 900.0


class Row(NamedTuple):
    """A script and its words; `name` tells rows of one script apart."""

    name: str
    words: tuple[str, ...] = ()


ROWS: Final = (
    Row("backtest"),
    Row("tick_to_order"),
    Row("map"),
    Row("map_trades"),
    Row("reading"),
    Row("startup"),
    Row("journal"),
    Row("tape"),
    Row("wire_parse"),
    Row("scaling"),
    Row("memory"),
)


def digest(root: Path = ROOT) -> str:
    """Of everything that a figure may follow from."""
    state = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            if "out" not in path.relative_to(root).parts:
                state.update(path.read_bytes())
    return state.hexdigest()[:16]


class Bench:
    """Measures what is not kept, within a budget of wall time."""

    def __init__(self, rows: Sequence[Row], kept: Path, scripts: Path, key: str, *, budget_s: float) -> None:
        self._rows, self._kept, self._scripts, self._key = rows, kept, scripts, key
        self._until_s = time.monotonic() + budget_s

    def run(self, *, again: bool = False, only: Sequence[str] = (), measure: bool = True) -> list[Measured]:
        """Every row, with what is known of it; a script that fails is a row that says so."""
        found = []
        for row in self._rows:
            path = self._kept / f"{row.name}.json"
            wanted, why = measure and (not only or row.name in only), "not asked for"
            if wanted and (again or not self._current(self._of(path))):
                why = self._measure(row, path)
            kept = self._of(path)
            found.append(Measured(row.name, kept and kept.found, why, current=self._current(kept)))
        return found

    def _current(self, kept: "_Kept | None") -> bool:
        """Whether it was measured at this very code."""
        return kept is not None and kept.key == self._key

    @staticmethod
    def _of(path: Path) -> "_Kept | None":
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError):
            return None

    def _measure(self, row: Row, path: Path) -> str:
        """Why there is no result, else nothing."""
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            return "time was up before it began"
        self._kept.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        command = [sys.executable, str(self._scripts / f"{row.name}.py"), *row.words, "--figures", str(fresh)]
        print(f"--- {' '.join(command[1:-2])}", flush=True)
        try:
            ended = subprocess.run(command, cwd=ROOT, check=False, timeout=TIMEOUT_S).returncode
        except subprocess.TimeoutExpired:
            return f"took longer than {TIMEOUT_S:,.0f} s"
        if not fresh.is_file():
            return f"failed with exit code {ended}"
        kept = _Kept(self._key, msgspec.json.decode(fresh.read_bytes(), type=Found))
        path.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
        fresh.unlink()
        return ""


class _Kept(msgspec.Struct, frozen=True):
    key: str
    found: Found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS], default=[])
    parser.add_argument("--again", action="store_true", help="also what is measured already")
    parser.add_argument("--budget-min", type=float, default=60.0)
    parser.add_argument("--page", action="store_true", help="measure nothing")
    asked = parser.parse_args()
    key = digest()
    bench = Bench(ROWS, KEPT, Path(__file__).parent, key, budget_s=asked.budget_min * 60.0)
    measured = bench.run(again=asked.again, only=asked.only, measure=not asked.page)
    PAGE.write_text(page(measured, key), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
