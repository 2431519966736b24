"""How many calls, market rows and bytes of memory a tick of the whole house takes: counted, not timed, so that the same
code gives the same numbers whatever else the machine does.

    python bench/counts.py              beside the baseline; 1 where a count has grown by more than its tolerance
    python bench/counts.py --write      what is counted now is the baseline

Counted on a made market, in the plain form of the fold and in the compiled one where it loads, each in a process of its
own with a fixed hash seed: functions of Python entered, compiled functions called from Python (builtins), those of
numpy among them and apart, and memory by the interpreter's own books. Arithmetic operators on arrays are no calls and
are not seen; neither is the journal's writer, which is another thread.
"""

import argparse
import contextlib
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _made_market import made_tape

from liqbot.places import UNCOMPILED_VARIABLE
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import settings_model
from paper.backtest.run import house_of, run
from paper.sessions.tape_settings import fitted

BASELINE: Final = Path(__file__).with_suffix(".json")
VENUES: Final = (1, 8)
SEED, WARM_TICKS, TICKS = 7, 120, 60
TOLERANCE: Final = {"python_calls": 0.01, "builtin_calls": 0.01, "numpy_calls": 0.01, "market_rows": 0.0,
                    "peak_bytes": 0.05, "kept_bytes": 1.0}
"""By what share of the baseline a count may grow. Calls are exact; what tables and the collector keep is not."""
Counts = dict[str, float]
"""Per tick."""


class Calls:
    """A profiler that counts. Comprehensions are no calls: later interpreters inline them."""

    def __init__(self) -> None:
        self.python = self.builtin = self.numpy = 0

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if frame.f_code in _OURS:
            return
        if event == "call":
            name = frame.f_code.co_name
            self.python += name[0] != "<" or name == "<lambda>"
        elif event == "c_call":
            if _of_numpy(called):
                self.numpy += not _in_numpy(frame)
            else:
                self.builtin += 1


class _Counted:
    """A function of numpy that the profiler does not see."""

    def __init__(self, function: Any, calls: Calls) -> None:
        self._function, self._calls = function, calls

    def __call__(self, *given: Any, **named: Any) -> Any:
        self._calls.numpy += 1
        return self._function(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


_OURS: Final = frozenset((_Counted.__call__.__code__, _Counted.__getattr__.__code__))
"""Of the counting itself."""


def _of_numpy(called: Any) -> bool:
    owner = called.__module__ or type(called.__self__).__module__
    return owner.partition(".")[0] == "numpy"


def _in_numpy(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "numpy"


@contextlib.contextmanager
def counting() -> Iterator[Calls]:
    """Calls of this thread; functions of `numpy` are seen where they are named by their module."""
    calls, dispatched = Calls(), type(np.concatenate)
    hidden = {name: value for name, value in vars(np).items() if isinstance(value, np.ufunc | dispatched)}
    for name, value in hidden.items():
        setattr(np, name, _Counted(value, calls))
    gc.disable()
    sys.setprofile(calls)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        gc.enable()
        for name, value in hidden.items():
            setattr(np, name, value)


def counted(venues: int, folder: Path) -> Counts:
    """What the ticks after the warm ones take, on average."""
    tape = made_tape(folder / f"{venues}.parquet", 2 * (WARM_TICKS + TICKS), venues, SEED)
    house = house_of(fitted(settings_model()(), tape), tape)
    blocks = list(tape.blocks())
    run(house, blocks[:WARM_TICKS])
    first, second = blocks[WARM_TICKS : WARM_TICKS + TICKS], blocks[WARM_TICKS + TICKS :]
    with counting() as calls:
        run(house, first)
    peak_bytes, kept_bytes = memory(house, second)
    return {
        "python_calls": calls.python / TICKS, "builtin_calls": calls.builtin / TICKS,
        "numpy_calls": calls.numpy / TICKS, "market_rows": sum(block.market_rows for block in first) / TICKS,
        "peak_bytes": peak_bytes, "kept_bytes": kept_bytes,
    }  # fmt: skip


def memory(house: Any, blocks: list[Any]) -> tuple[float, float]:
    """Bytes that a tick has allocated at once, at most, beyond what was there before it, and bytes that it leaves. What
    is kept for a while and then replaced must all have been seen to come before it is seen to go: hence warm ticks."""
    gc.collect()
    tracemalloc.start(1)
    try:
        run(house, blocks[:WARM_TICKS])
        gc.collect()
        begin, _ = tracemalloc.get_traced_memory()
        peaks = 0
        for block in blocks[WARM_TICKS:]:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            run(house, [block])
            peaks += tracemalloc.get_traced_memory()[1] - before
        gc.collect()
        end, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peaks / TICKS, (end - begin) / TICKS


def in_a_process(form: str, venues: int) -> Counts:
    """Of one form and size; nothing that ran before has a part in it."""
    environment = os.environ | {"PYTHONHASHSEED": "0", UNCOMPILED_VARIABLE: "1" if form == "plain" else ""}
    command = [sys.executable, __file__, "--one", str(venues)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    found: Counts = json.loads(done.stdout)
    return found


def forms() -> tuple[str, ...]:
    """`plain`, and `compiled` where the compiled fold loads."""
    ask = f"from {use_compiled.__module__} import use_compiled; print(use_compiled())"
    environment = {**os.environ, UNCOMPILED_VARIABLE: ""}
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
    reason = done.stdout.strip()
    if reason:
        print(f"only the plain form is counted: {reason}", file=sys.stderr)
    return ("plain",) if reason else ("plain", "compiled")


def grown(baseline: dict[str, Counts], now: dict[str, Counts]) -> list[str]:
    """Every count that is larger than the baseline allows, in words, the worst first."""
    found: list[tuple[float, str]] = []
    for case, counts in now.items():
        for name, value in counts.items():
            before = baseline.get(case, {}).get(name)
            if before is None:
                found.append((float("inf"), f"{case}: {name}: {value:,.1f}, and the baseline has none: --write"))
            elif value > before * (1.0 + TOLERANCE[name]) + 1e-9:
                share = value / before - 1.0 if before else float("inf")
                what = f"{case}: {name}: {before:,.1f} -> {value:,.1f} a tick"
                found.append((share, f"{what} (+{share:.1%}, {TOLERANCE[name]:.0%} is allowed)"))
    return [text for _, text in sorted(found, reverse=True)]


def interpreter() -> str:
    """Which calls there are depends on its minor version."""
    return f"{platform.python_implementation()} {'.'.join(platform.python_version_tuple()[:2])}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--form", choices=("plain", "compiled"), action="append", help="only this one")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(counted(asked.one, Path(folder))))
        return 0
    cases = [(form, venues) for form in asked.form or forms() for venues in VENUES]
    now = {f"{form}, {venues} venues": in_a_process(form, venues) for form, venues in cases}
    kept = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.is_file() else {"counts": {}}
    for case, counts in now.items():
        print(f"{case}: " + ", ".join(f"{name} {value:,.1f}" for name, value in counts.items()))
    if asked.write:
        text = json.dumps({"interpreter": interpreter(), "counts": kept["counts"] | now}, indent=1)
        BASELINE.write_text(text + "\n", encoding="utf-8")
        return 0
    if kept.get("interpreter") != interpreter():
        print(f"the baseline is of {kept.get('interpreter')}, this is {interpreter()}: not comparable")
        return 0
    complaints = grown(kept["counts"], now)
    print("\n".join(["GROWN:", *complaints] if complaints else ["nothing has grown"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
