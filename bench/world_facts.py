"""The simulated market beside recorded ones: the same facts, computed the same way, in one table.

    python bench/world_facts.py [--days 60] [--seeds 3] [--tapes ../shared/data/tapes] [--page]

Without recordings only the simulated columns are printed, with the reason. All facts are of one venue, hour by hour.
`--page` writes docs/simulated_market.md and its picture as well (with recordings only). What was measured is kept in
bench/out/world_facts.json and used again for the same parameters and seeds.
"""

import argparse
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from world_cascade import Recorder
from world_page import FACTS, write_page

from liqbot.blocks import EventBlock, Roster
from paper.tapes.reader import read_tape
from paper.world import World, WorldParams
from paper.world.params import ShockParams

Floats = npt.NDArray[np.float64]
HOUR_MS = 3_600_000
KEPT = Path(__file__).parent / "out" / "world_facts.json"


class Hours:
    """One venue's facts gathered per hour; NaN where nothing was told."""

    def __init__(self, venue: int) -> None:
        self.venue = venue
        self.rows: dict[int, dict[str, float]] = {}

    def feed(self, blocks: Iterable[EventBlock]) -> "Hours":
        for block in blocks:
            self._bars(block)
            for row in block.liquidations[block.liquidations["venue"] == self.venue]:
                self._add(row["time_ms"], "long" if row["side"] > 0 else "short", row["size_usd"])
            for row in block.totals[block.totals["venue"] == self.venue]:
                self._add(row["time_ms"], "long", row["long_usd"])
                self._add(row["time_ms"], "short", row["short_usd"])
            for row in block.open_interest[block.open_interest["venue"] == self.venue]:
                self._hour(row["time_ms"])["oi"] = float(row["oi_usd"])
            for row in block.funding[block.funding["venue"] == self.venue]:
                self._hour(row["time_ms"])["funding"] = float(row["rate_pct"] / row["interval_h"] * 8)
        return self

    def _hour(self, time_ms: int) -> dict[str, float]:
        return self.rows.setdefault(int(-(-time_ms // HOUR_MS)), {})

    def _add(self, time_ms: int, name: str, amount: float) -> None:
        hour = self._hour(time_ms)
        hour[name] = hour.get(name, 0.0) + float(amount)

    def _bars(self, block: EventBlock) -> None:
        for row in block.bars[block.bars["venue"] == self.venue]:
            hour = self._hour(row["time_ms"])
            hour["close"] = float(row["close"])
            hour["high"] = max(hour.get("high", 0.0), float(row["high"]))
            hour["low"] = min(hour.get("low", np.inf), float(row["low"]))
            self._add(row["time_ms"], "volume", row["volume_usd"])
            if row["buy_usd"] == row["buy_usd"]:
                self._add(row["time_ms"], "buy", row["buy_usd"])

    def column(self, name: str, missing: float = float("nan")) -> Floats:
        first, last = min(self.rows), max(self.rows)
        return np.array([self.rows.get(hour, {}).get(name, missing) for hour in range(first, last + 1)])


def facts(hours: Hours) -> dict[str, float]:
    close, oi = _filled(hours.column("close")), hours.column("oi")
    move = np.diff(close) / close[:-1] * 100
    size = np.abs(move)
    found = {
        "sd": float(move.std()),
        "kurtosis": _kurtosis(move),
        "kurtosis_day": _kurtosis(np.diff(close[::24]) / close[:-1:24][: len(close[::24]) - 1]),
        "largest": float(size.max()),
        "cluster_1": _correlation(size[1:], size[:-1]),
        "cluster_6": _correlation(size[6:], size[:-6]),
        "cluster_24": _correlation(size[24:], size[:-24]),
    }
    span = (hours.column("high") - hours.column("low"))[1:] / close[:-1] * 100
    found["range_ratio"] = float(np.nanmedian(span) / np.median(size))
    volume = hours.column("volume", 0.0)[1:]
    found["volume_peak"] = float(volume.max() / np.median(volume))
    found["volume_move"] = _correlation(volume, size)
    buy = hours.column("buy")[1:]
    if np.isfinite(buy).any():
        lean = 2 * buy / volume - 1
        found["imbalance"], found["imbalance_move"] = float(np.nanstd(lean)), _correlation(lean, move)
    if np.isfinite(oi).any():
        found |= _interest(hours, oi, volume, close)
    rate = hours.column("funding")
    if np.isfinite(rate).any():
        found["funding"], found["funding_sd"] = float(np.nanmean(rate)), float(np.nanstd(rate))
    return found


def _interest(hours: Hours, oi: Floats, volume: Floats, close: Floats) -> dict[str, float]:
    long, short = hours.column("long", 0.0), hours.column("short", 0.0)
    forced = long + short
    known = np.flatnonzero(np.isfinite(oi))
    step = np.diff(known)
    # In coin: a fall of the price alone closes nobody.
    coins = oi[known] / close[known]
    change = np.diff(coins) / coins[:-1] * 100
    fall_usd = -np.diff(coins) * close[known][1:]
    between = np.array([forced[a + 1 : b + 1].sum() for a, b in itertools.pairwise(known)])
    falling = fall_usd > 0
    worst = np.argsort(-fall_usd)[:10]
    days = len(oi) / 24
    found = {
        "turnover": float(volume.sum() / days / np.nanmean(oi)),
        "oi_sd": float((change / np.sqrt(step)).std()),
        "oi_fall": float(-change.min()),
    }
    if forced.sum() > 0:
        found["forced"] = float(forced.sum() / days / np.nanmean(oi) * 100)
        found["forced_long"] = float(long.sum() / forced.sum())
        found["forced_drop"] = float(between[falling].sum() / fall_usd[falling].sum() * 100)
        found["forced_crash"] = float(between[worst].sum() / fall_usd[worst].sum() * 100)
        busiest = np.sort(forced)[::-1][: max(1, len(forced) // 100)]
        found["forced_burst"] = float(busiest.sum() / forced.sum() * 100)
    return found


def _filled(values: Floats) -> Floats:
    known = np.flatnonzero(np.isfinite(values))
    return values[known[np.maximum(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0)]]


def _kurtosis(moves: Floats) -> float:
    centred = moves - moves.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)


def _correlation(a: Floats, b: Floats) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[both], b[both])[0, 1])


class Measured(msgspec.Struct):
    """A simulated market: the facts of one venue, CPU seconds that making it took, its two heaviest cascades."""

    market: str
    facts: dict[str, float]
    cpu_s: float
    cascades: dict[str, list[list[float]]]


def world_facts(params: WorldParams, seed: int, venue: str) -> Measured:
    world = World(params, seed)
    for _ in world.backfill():
        pass
    recorder = Recorder(world)
    found = facts(Hours(world.roster.venue_code(venue)).feed(recorder.blocks()))
    cascades = {name: recorder.heaviest(name).tolist() for name in ("forced_long", "forced_short")}
    return Measured(world.fingerprint, found, recorder.cpu_s, cascades)


def kept_or_measured(params: WorldParams, seed: int) -> Measured:
    """What an earlier run measured of the same market, else a new measurement."""
    kept = msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Measured]) if KEPT.exists() else {}
    market = World(params, seed).fingerprint
    if market not in kept:
        kept[market] = world_facts(params, seed, "binance")
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_bytes(msgspec.json.encode(kept))
    return kept[market]


def tape_facts(path: Path) -> dict[str, float]:
    tape = read_tape(path)
    hours = Hours(_main_venue(tape.roster)).feed(tape.blocks())
    if "aggregate" in tape.roster.venues:
        whole = Hours(tape.roster.venue_code("aggregate")).feed(tape.blocks())
        for hour, row in whole.rows.items():
            if "oi" in row and hour in hours.rows:
                # The recording knows only the sum over venues; this venue's part of it is about a third.
                hours.rows[hour]["oi"] = row["oi"] * 0.3
    return facts(hours)


def _main_venue(roster: Roster) -> int:
    return roster.venue_code("binance")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--tapes", type=Path, default=Path(__file__).parents[1] / "../shared/data/tapes")
    arguments = parser.parse_args()
    paths = sorted(arguments.tapes.glob("*.parquet"))
    if not paths:
        print(f"no recordings under {arguments.tapes}: only the simulated market is shown", file=sys.stderr)
    tapes = {path.stem: tape_facts(path) for path in paths}
    shocks = ShockParams(first_wick_minute=None)
    params = WorldParams(days=arguments.days, step_ms=60_000, backfill_days=0, shocks=shocks)
    worlds = {}
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        one = worlds[seed] = kept_or_measured(params, seed)
        speed = params.days * 1440 / one.cpu_s
        print(f"seed {seed}: {speed:,.0f} market minutes per CPU second, {len(params.venues)} venues", file=sys.stderr)
    print(table(tapes | {f"world, seed {seed}": one.facts for seed, one in worlds.items()}))
    if arguments.page and tapes:
        write_page(params, tapes, worlds)
    return 0


def table(columns: dict[str, dict[str, float]]) -> str:
    width = max(len(label) for label, _ in FACTS)
    lines = [" " * width + "".join(f"{name:>18}" for name in columns)]
    for label, key in FACTS:
        cells = ("-" if key not in column else f"{column[key]:.3f}" for column in columns.values())
        lines.append(f"{label:<{width}}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
