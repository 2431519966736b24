"""Thirty days of recording in compressed time, on real files: raw messages and journal stay below the disk that is
configured for them at every look, the oldest go first, the list of files is right, and a recorder that is killed leaves
nothing that cannot be read. Sizes are scaled down; the retention is the product's own.

    python bench/retention.py [--days 30] [--kills 40] [--seed 1]
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "builders"))

from recorded_days import Watched, journal_days, killed_recorders, raw_days

RAW_CAP, RAW_FILE = 400_000, 24_000
MINUTE_MESSAGES, MINUTE_ROWS = 2, 100
KEEP_GB, KEEP_DAYS = 0.05, 14.0


def shown(name: str, cap: float, found: Watched, took_s: float, more: str) -> None:
    print(f"{name}: at most {found.bytes_max / 1e6:.2f} of {cap / 1e6:.2f} MB in {found.looks:,} looks; {more}; "
          f"{took_s:.0f} s", flush=True)


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("days", 30), ("kills", 40), ("seed", 1)):
        reader.add_argument(f"--{name}", type=int, default=default)
    asked = reader.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}  seed {asked.seed}  python {platform.python_version()}  "
          f"command: {' '.join(sys.argv)}", flush=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as place:
        began_s = time.monotonic()
        found = raw_days(Path(place) / "raw", asked.days, cap=RAW_CAP, file_bytes=RAW_FILE,
                         minute_messages=MINUTE_MESSAGES)
        shown(f"raw messages, {asked.days} days", RAW_CAP, found, time.monotonic() - began_s,
              f"{found.files_ever} files and {found.written_bytes / 1e6:.1f} MB written, the newest {found.files_left} "
              "files are left")
        began_s = time.monotonic()
        found = killed_recorders(Path(place) / "killed", asked.kills, cap=400_000, file_bytes=40_000, seed=asked.seed)
        shown(f"killed {asked.kills} times", 400_000, found, time.monotonic() - began_s,
              f"{found.files_left} files, {found.files_ever} of them torn and readable up to the tear")
        journal = Path(place) / "books" / "journal.sqlite"
        journal.parent.mkdir()
        began_s = time.monotonic()
        found = journal_days(journal, asked.days, keep_gb=KEEP_GB, keep_days=KEEP_DAYS, minute_rows=MINUTE_ROWS)
        shown(f"journal, {asked.days} days", KEEP_GB * 1e9, found, time.monotonic() - began_s,
              f"market rows of the newest {found.files_left:,} of {found.files_ever:,} minutes are left")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
