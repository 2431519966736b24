"""Memory of a house over simulated hours: what it holds after a warm-up, and by how much that grows.

The whole house with its journal and ledger on a made market, compiled as a house that trades. Every simulated quarter
of an hour its resident memory is read, and a line is fitted through what follows the first day, in which the market's
windows fill. The goal for the slope is 0: it is met where the slope is no larger than twice its own uncertainty, and
the figure is what goes beyond that.

    python bench/memory.py [--hours 72] [--venues 8] [--coins 2] [--every-s 60] [--seed 7]
"""

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from _made_market import made_tape

from liqbot.observers.observer import OnStep
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import settings_model
from paper.backtest.run import backtest

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
LOOK_MS: Final = 900_000
GOAL_MB: Final = 350.0
_WINDOWS_H: Final = 24.0


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1e6


class Looks:
    """Resident memory by simulated hour."""

    def __init__(self) -> None:
        self.hours, self.megabytes, self._next_ms = list[float](), list[float](), 0

    def observer(self) -> OnStep:
        def look(seq: int, block: object, step: object, engine: object) -> None:
            del seq, block, engine
            time_ms = step.time_ms  # type: ignore[attr-defined]
            if time_ms >= self._next_ms:
                self._next_ms = time_ms + LOOK_MS
                gc.collect()
                self.hours.append(time_ms / 3_600_000)
                self.megabytes.append(resident_mb())

        return look

    def slope(self) -> tuple[float, float]:
        """MB a day, and its standard error, after the first day."""
        begin = sum(hour < self.hours[0] + _WINDOWS_H for hour in self.hours)
        days, held = np.array(self.hours[begin:]) / 24.0, np.array(self.megabytes[begin:])
        away = days - days.mean()
        slope = float((away * held).sum() / (away * away).sum())
        rest = held - held.mean() - slope * away
        return slope, float(np.sqrt((rest * rest).sum() / max(1, len(days) - 2) / (away * away).sum()))


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    if asked.hours < 1.5 * _WINDOWS_H:
        sys.exit(f"--hours {asked.hours:g}: the line begins after {_WINDOWS_H:g}; say {1.5 * _WINDOWS_H:g} or more")
    steps = int(asked.hours * 3_600 / asked.every_s)
    with tempfile.TemporaryDirectory() as name:
        folder, looks = Path(name), Looks()
        tape = made_tape(folder / "tape.parquet", steps, asked.venues, asked.seed, coins=asked.coins,
                         span_ms=asked.every_s * 1_000)
        use_compiled()  # as every house that trades
        backtest(tape, settings_model()(), profile="defaults", data=folder, observers=[looks.observer()])
    slope_mb, error_mb = looks.slope()
    of = f"{asked.venues} venues, {asked.coins} coins, {asked.hours:g} simulated hours"
    yield Figure(
        work=f"resident memory, {of}", value=max(looks.megabytes), unit="MB at most", goal=GOAL_MB, at_most=True,
        beside="limit: ccxt alone", beside_value=110.0, note=f"a tick each {asked.every_s} s",
    )
    yield Figure(
        work=f"growth of resident memory, {of}", value=max(0.0, slope_mb - 2.0 * error_mb), at_most=True, goal=0.0,
        unit="MB a day beyond doubt",
        note=f"slope {slope_mb:.1f} ± {error_mb:.1f} MB a day in {len(looks.hours)} looks, in a backtest, which also "
        "keeps its equity curve",
    )


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    parser.add_argument("--hours", type=float, default=72.0)
    for name, default in (("venues", 8), ("coins", 2), ("every-s", 60)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
