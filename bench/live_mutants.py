"""Mutants of the live path against the tests of the ordinary run: which of them catches each.

    ./run bench live_mutants                 all that have no result at this code yet
    ./run bench live_mutants --mutant NAME   one
    ./run bench live_mutants --again         forget earlier results
    ./run bench live_mutants --page          write the table into docs/proofs.md

Each runs in a process of its own, in which the live code is broken in one way before any test is collected. Results are
kept under bench/out by a digest of all sources and tests, so that the same command goes on where it was.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.mutants.table import LIVE_MUTANTS  # noqa: E402

KEPT = ROOT / "bench" / "out" / "live_mutants.jsonl"
PAGE = ROOT / "docs" / "proofs.md"
LIMIT_S = 900
PATIENCE_S = 60
"""Of tests that wait for what a defect keeps from happening: nothing else runs beside them."""
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "TEST_PATIENCE_S": str(PATIENCE_S)}
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_BROKEN = re.compile(r"^tests/mutants/defects\.py:\d+: \w*Error", re.MULTILINE)
"""The defect itself does not run any more: that is no proof of anything."""
_BEGIN, _END = "<!-- live mutants: written by ./run bench live_mutants --page -->\n", "<!-- end -->\n"


class Found(NamedTuple):
    """What became of one mutant; `test` is the first that failed, empty when none did."""

    mutant: str
    test: str
    seconds: float
    output: str = ""

    @property
    def caught(self) -> bool:
        return bool(self.test)


def hunted(name: str) -> Found:
    """Runs the one test that should catch it. A run that breaks off before any test fails counts as not caught, and so
    does a defect that only crashes."""
    mutant = LIVE_MUTANTS[name]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.mutants.activate", "-p", "no:cacheprovider",
               mutant.caught_by]  # fmt: skip
    started_s = time.monotonic()
    try:
        run = subprocess.run(
            command, cwd=ROOT, env=_ENVIRONMENT | {"LIVE_MUTANT": name}, capture_output=True,
            text=True, check=False, timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        return Found(name, "", time.monotonic() - started_s, str(error))
    failed = _FAILED.search(run.stdout) if run.returncode == 1 and not _BROKEN.search(run.stdout) else None
    return Found(name, failed.group(1) if failed else "", time.monotonic() - started_s, run.stdout + run.stderr)


def sound(names: list[str]) -> bool:
    """Whether the named tests pass on the code as it is: else they prove nothing."""
    tests = sorted({LIVE_MUTANTS[name].caught_by for name in names})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode == 0


def digest() -> str:
    """Of everything that a result depends on."""
    state = hashlib.sha256()
    for folder in ("liqbot", "paper", "tests", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            state.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return state.hexdigest()[:16]


def kept(code: str) -> dict[str, Found]:
    if not KEPT.exists():
        return {}
    rows = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    return {row["mutant"]: Found(row["mutant"], row["test"], row["seconds"]) for row in rows if row["code"] == code}


def keep(found: Found, code: str) -> None:
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    row = {"code": code, "mutant": found.mutant, "test": found.test, "seconds": found.seconds}
    with KEPT.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def page() -> str:
    """The table as docs/proofs.md shows it."""
    rows = [
        f"| `{one.name}` | {one.what} | `{one.target}` | `{one.caught_by}` |\n" for one in LIVE_MUTANTS.values()
    ]
    return "| mutant | what goes wrong | where | caught by |\n|---|---|---|---|\n" + "".join(rows)


def write_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(before + _BEGIN + page() + _END + after, encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    answered = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return answered.stdout.strip() or "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutant", choices=LIVE_MUTANTS)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--page", action="store_true")
    chosen = parser.parse_args()
    if chosen.page:
        write_page()
        return 0
    if importlib.util.find_spec("pytest") is None:
        print("needs the environment of the tests: ./run test tests/test_places.py builds it")
        return 1
    code, names = digest(), [chosen.mutant] if chosen.mutant else list(LIVE_MUTANTS)
    print(f"command: {' '.join(sys.argv)}; commit {commit()}; code {code}; "
          "properties draw the same examples every time (profile quick), no other chance")
    results = {} if chosen.again else kept(code)
    missing = [name for name in names if name not in results]
    if missing and not sound(missing):
        print("the named tests fail on the code as it is: nothing can be said about mutants")
        return 1
    for name in names:
        if name in missing:
            results[name] = hunted(name)
            keep(results[name], code)
        found = results[name]
        print(f"{name:26} {found.test or 'NOT CAUGHT':100} {found.seconds:5.1f} s", flush=True)
    missed = [name for name in names if not results[name].caught]
    print(f"caught: {len(names) - len(missed)} of {len(names)}{'; not: ' + ', '.join(missed) if missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
