"""Golden digests: what the house decides on three recorded tapes and two simulated markets, line by line as it was.

Without words every run is made again and compared; the first difference is named with before and after.
Usage: bench/golden.py [NAME ...] [--quick] [--write] [--processes 2]
"""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "builders")]

from golden_files import compared, summary, write  # noqa: E402
from golden_house import RUNS, Run  # noqa: E402
from golden_lines import RENAMES  # noqa: E402


def one(run: Run, *, anew: bool, whole: bool) -> tuple[str, bool]:
    """In a process of its own: what to print, and whether it is as it was."""
    if run.missing:
        return f"skipped  {run.name}: {run.missing}", True
    started_s = time.perf_counter()
    complaints = [] if anew else compared(run, whole=whole)
    told = write(run) if anew else summary(run)
    part = told["whole"] if whole or anew or run.quick_h is None else told["quick"]
    word = "DIFFERS" if complaints else "written" if anew else "the same"
    line = (
        f"{word:8} {run.name}: seed {run.seed}, profile {run.profile}, {part['blocks']:,} blocks, "
        f"{part['lines']:,} lines, digest {part['digest'][:16]}, {time.perf_counter() - started_s:.1f} s"
    )
    return "\n".join([line, *complaints]), not complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(run.name for run in RUNS)}")
    parser.add_argument("--quick", action="store_true", help="compare what every test run compares")
    parser.add_argument("--write", action="store_true", help="keep what comes out now as what must come out")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    runs = [run for run in RUNS if not chosen.names or run.name in chosen.names]
    print(f"command: {' '.join(sys.argv)}; commit {commit()}")
    print(f"renames: {', '.join(f'{old} -> {new}' for old, new in RENAMES.items()) or 'none'}", flush=True)
    sound = True
    with ProcessPoolExecutor(chosen.processes) as pool:
        for found in [pool.submit(one, run, anew=chosen.write, whole=not chosen.quick) for run in runs]:
            text, same = found.result()
            print(text, flush=True)
            sound = sound and same
    return 0 if sound else 1


def commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
