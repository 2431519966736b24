"""The hour with the largest forced flow of a simulated market, minute by minute, as a picture in text.

    python bench/world_cascade.py [--days 30] [--seed 1]

`#` is forced USD (longs left of the price, shorts right), published or not; `told` is what all venues' feeds showed.
"""

import argparse
import sys

import numpy as np

from paper.world import World, WorldParams
from paper.world.params import ShockParams

WIDTH = 26


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=45)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shocks = ShockParams(first_wick_minute=None)
    world = World(WorldParams(days=arguments.days, step_ms=60_000, backfill_days=0, shocks=shocks), arguments.seed)
    minutes = []
    for block in world.blocks():
        forced = world.forced()
        long = float(forced["size_usd"][forced["side"] > 0].sum())
        oi_base = float((block.open_interest["oi_usd"] / block.marks["mark_price"]).sum())
        told = float(block.liquidations["size_usd"].sum())
        minutes.append((float(block.bars["close"][0]), long, float(forced["size_usd"].sum()) - long, told, oi_base))
    print(picture(np.array(minutes)))
    return 0


def picture(minutes: np.ndarray) -> str:
    """Rows (price, forced longs, forced shorts, told, open interest in coin) around the heaviest hour."""
    flow = minutes[:, 1] + minutes[:, 2]
    hourly = np.convolve(flow, np.ones(60), "valid")
    start = int(hourly.argmax())
    shown = minutes[max(0, start - 5) : start + 75]
    most = max(1.0, float(shown[:, 1:3].max()))
    lines = [f"{'forced longs':>{WIDTH}} {'price':>11}  {'forced shorts':<{WIDTH}}{'told $M':>9}{'OI, coins':>12}"]
    for price, long, short, told, oi_base in shown.tolist():
        left, right = "#" * round(long / most * WIDTH), "#" * round(short / most * WIDTH)
        lines.append(f"{left:>{WIDTH}} {price:>11,.1f}  {right:<{WIDTH}}{told / 1e6:>9.2f}{oi_base:>12,.0f}")
    fall = (shown[0, 4] - shown[:, 4].min()) / shown[0, 4] * 100
    forced, told = shown[:, 1:3].sum() / 1e6, shown[:, 3].sum() / 1e6
    lines.append(
        f"forced ${forced:,.0f}M, told ${told:,.0f}M, open interest fell {fall:.1f} %, "
        f"price {shown[:, 0].min():,.1f}..{shown[:, 0].max():,.1f}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
