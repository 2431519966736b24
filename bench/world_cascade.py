"""The hour with the largest forced flow of a simulated market, minute by minute, as a picture in text.

    python bench/world_cascade.py [--days 30] [--seed 1]

`#` is forced USD (longs left of the price, shorts right), published or not; `told` is what all venues' feeds showed.
"""

import argparse
import sys
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from liqbot.blocks import EventBlock
from paper.world import World, WorldParams
from paper.world.params import ShockParams

Floats = npt.NDArray[np.float64]
COLUMNS = ("price", "forced_long", "forced_short", "told_long", "told_short", "oi_base")
"""Of a recorded step: close of the first venue, USD of all venues, one-sided open interest of all venues in coin."""
_WIDTH = 26
_BEFORE, _SHOWN = 20, 110


class Recorder:
    """Passes a market's blocks on and keeps a row per step (COLUMNS), and the CPU time that making them took."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: list[tuple[float, ...]] = []
        self.cpu_s = 0.0

    def blocks(self) -> Iterator[EventBlock]:
        live = self._world.blocks()
        while True:
            started_s = time.process_time()
            block = next(live, None)
            self.cpu_s += time.process_time() - started_s
            if block is None:
                return
            self._keep(block)
            yield block

    def _keep(self, block: EventBlock) -> None:
        forced, told = self._world.forced(), block.liquidations
        sums = [float(rows["size_usd"][rows["side"] == side].sum()) for rows in (forced, told) for side in (1, -1)]
        oi_base = float((block.open_interest["oi_usd"] / block.marks["mark_price"]).sum())
        self._rows.append((float(block.bars["close"][0]), *sums, oi_base))

    def heaviest(self, column: str) -> Floats:
        """Rows around the hour (of one-minute steps) in which most of this column happened."""
        rows = np.array(self._rows)
        hourly = np.convolve(rows[:, COLUMNS.index(column)], np.ones(60), "valid")
        first = max(0, int(hourly.argmax()) - _BEFORE)
        return rows[first : first + _SHOWN]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=45)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shocks = ShockParams(first_wick_minute=None)
    world = World(WorldParams(days=arguments.days, step_ms=60_000, backfill_days=0, shocks=shocks), arguments.seed)
    recorder = Recorder(world)
    for _ in recorder.blocks():
        pass
    cascades = [recorder.heaviest(name) for name in ("forced_long", "forced_short")]
    print(picture(max(cascades, key=lambda rows: float(rows[:, 1:3].sum()))))
    return 0


def picture(rows: Floats) -> str:
    """Rows of COLUMNS as text."""
    most = max(1.0, float(rows[:, 1:3].max()))
    lines = [f"{'forced longs':>{_WIDTH}} {'price':>11}  {'forced shorts':<{_WIDTH}}{'told $M':>9}{'OI, coins':>12}"]
    for price, long, short, told_long, told_short, oi_base in rows.tolist():
        left, right = "#" * round(long / most * _WIDTH), "#" * round(short / most * _WIDTH)
        told = (told_long + told_short) / 1e6
        lines.append(f"{left:>{_WIDTH}} {price:>11,.1f}  {right:<{_WIDTH}}{told:>9.2f}{oi_base:>12,.0f}")
    fall = (rows[0, 5] - rows[:, 5].min()) / rows[0, 5] * 100
    forced_usd, told_usd = float(rows[:, 1:3].sum()), float(rows[:, 3:5].sum())
    lines.append(
        f"forced ${forced_usd / 1e6:,.0f}M, told ${told_usd / 1e6:,.0f}M, open interest fell {fall:.1f} %, "
        f"price {rows[:, 0].min():,.1f}..{rows[:, 0].max():,.1f}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
