"""Where our own liquidation price is put, and whether price comes there: the solver against fixed leverages and against
the rule before it (the first acceptable leverage from above), at the same entries, in simulated markets of both
families, with and without hunters. Beside it, how often the stated chance came true.

    python bench/solver.py [--minutes-budget 20] [--workers 2] [--data var/solver] [--markets NAMES]

Entries are made every hour on both sides whatever the strategies say; the markets are wild, so that anything is swept
at all within days. Resumable: a market that is finished for this code is kept under --data and not made again.
"""

import argparse
import concurrent.futures
import hashlib
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import _solver_entries
import msgspec
import numpy as np
from _solver_entries import CHANCE_H, HORIZONS_H, MARKETS, RULES, Judged, Result, run
from accuracy_text import table

from liqbot.market.forecast.sweep_chance import reach_chance
from liqbot.price_change import changed
from liqbot.risk import placement, sizing
from liqbot.signals.strategies import avoid_liquidity

ROOT: Final = Path(__file__).parents[1]
CHANCE_EDGES: Final = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1.01)
_CODE: Final = (_solver_entries, placement, sizing, avoid_liquidity)


def report(results: dict[str, Result]) -> str:
    groups = {
        "quiet": [one for name, one in results.items() if MARKETS[name].hunts_day == 0 and "flow" in name],
        "hunted": [one for name, one in results.items() if MARKETS[name].hunts_day > 0],
        "crowd": [one for name, one in results.items() if MARKETS[name].family == "crowd"],
    }
    return "\n\n".join([_rules(groups), _choices(results), _calibration(groups), _density(groups)])


def _rules(groups: dict[str, list[Result]]) -> str:
    rows = []
    for group, found in groups.items():
        entries = [
            one for result in found for one in result.entries if all(away is not None for away in one.away_pct.values())
        ]
        for rule in RULES:
            cells = []
            for hours in HORIZONS_H:
                swept = [one.swept[rule][str(hours)] for one in entries if str(hours) in one.swept[rule]]
                cells.append(f"{100 * np.mean(swept):.2f} % of {len(swept)}" if swept else "-")
            away = [one.away_pct[rule] for one in entries]
            thin = [one.percentile[rule] for one in entries if one.percentile[rule] is not None]
            rows.append([group, rule, *cells, f"{np.median(away):.1f} %" if away else "-",
                         f"{np.mean(thin):.0f}" if thin else "-"])
    head = ("markets", "rule", *(f"swept in {hours} h" for hours in HORIZONS_H), "median distance", "mean percentile")
    return table(head, rows)


def _choices(results: dict[str, Result]) -> str:
    entries = [one for result in results.values() for one in result.entries]
    refused = sum(result.refused for result in results.values())
    if not entries:
        return "no entries"
    thinnest = [one.percentile["solver"] <= one.thinnest_percentile + 1e-9 for one in entries]  # type: ignore[operator]
    asked = [one.risk_share >= 0.95 for one in entries]
    unnamed = [one for one in entries if one.risk_share < 0.95 and one.bound == "risk"]
    rows = [
        ["entries accepted / refused", f"{len(entries)} / {refused}"],
        ["at the thinnest acceptable placement", f"{100 * np.mean(thinnest):.1f} %"],
        ["risk at the stop within 5 % of what was asked", f"{100 * np.mean(asked):.1f} %"],
        ["less, and no cap named", str(len(unnamed))],
    ]
    for field in ("leverage", "bound"):
        values = [str(getattr(one, field)) for one in entries]
        shares = ", ".join(f"{value}: {100 * values.count(value) / len(values):.0f} %" for value in sorted(set(values)))
        rows.append([f"{field} chosen" if field == "leverage" else "size bound by", shares])
    return table(("what", "found"), rows)


def _calibration(groups: dict[str, list[Result]]) -> str:
    """Stated and found, by how likely it was said to be."""
    rows = []
    for group, found in groups.items():
        for hours in CHANCE_H:
            judged = [one for result in found for one in result.judged if one.hours == hours]
            cells = []
            for low, high in pairwise(CHANCE_EDGES):
                mine = [one for one in judged if low <= stated(one) < high]
                said, came = (np.mean(list(map(one, mine)) or [np.nan]) for one in (stated, _came))
                cells.append(f"{100 * said:.2g} / {100 * came:.2g}" if len(mine) >= 20 else "-")
            rows.append([group, f"{hours} h", str(len(judged)), *cells])
    spans = [f"{100 * low:g}-{min(100.0, 100 * high):g} %" for low, high in pairwise(CHANCE_EDGES)]
    return "stated / came true, in %\n" + table(("markets", "within", "n", *spans), rows)


def stated(one: Judged) -> float:
    return reach_chance(100.0, changed(100.0, -one.away_pct), one.range_pct, one.hours * 3_600_000)


def _came(one: Judged) -> float:
    return float(one.reached)


def _density(groups: dict[str, list[Result]]) -> str:
    """Whether the map says more than distance does: came true over stated, in thin and in dense places."""
    rows = []
    for group, found in groups.items():
        for near, far in ((0.0, 3.0), (3.0, 10.0), (10.0, 30.0)):
            cells = []
            for low, high in ((0.0, 40.0), (40.0, 80.0), (80.0, 100.1)):
                mine = [
                    one for result in found for one in result.judged
                    if near < one.away_pct <= far and low <= one.percentile < high and one.hours <= 24
                ]
                said, came = (sum(map(one, mine)) for one in (stated, _came))
                cells.append(f"{came / said:.2f} ({len(mine)})" if said > 1 else f"- ({len(mine)})")
            rows.append([group, f"{near:g}-{far:g} %", *cells])
    head = ("markets", "distance", "percentile 0-40", "40-80", "80-100")
    return "came true over stated, within 4 and 24 h (places judged)\n" + table(head, rows)


def code_hash() -> str:
    texts = [Path(str(module.__file__)).read_bytes() for module in _CODE]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:10]


def kept(data: Path, name: str) -> Path:
    return data / f"{name.replace(' ', '-')}.{code_hash()}.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes-budget", type=float, default=20.0, help="No market is begun after that.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "solver")
    parser.add_argument("--markets", default=",".join(MARKETS), help="Names, separated by commas.")
    asked = parser.parse_args()
    asked.data.mkdir(parents=True, exist_ok=True)
    names, began_s = asked.markets.split(","), time.monotonic()
    todo = [name for name in names if not kept(asked.data, name).is_file()]
    with concurrent.futures.ProcessPoolExecutor(asked.workers) as pool:
        running: dict[Any, str] = {}
        while todo or running:
            while todo and len(running) < asked.workers and time.monotonic() - began_s < asked.minutes_budget * 60:
                name = todo.pop(0)
                running[pool.submit(run, name)] = name
            if not running:
                break
            for future in concurrent.futures.wait(running, return_when="FIRST_COMPLETED").done:
                name, result = running.pop(future), future.result()
                kept(asked.data, name).write_bytes(msgspec.json.encode(result))
                print(f"{name}: {len(result.entries)} entries, {result.cpu_s:.0f} s of one core", flush=True)
    found = {
        name: msgspec.json.decode(kept(asked.data, name).read_bytes(), type=Result)
        for name in names if kept(asked.data, name).is_file()
    }
    print(f"\n{len(found)} of {len(names)} markets, code {code_hash()}: {', '.join(found)}\n")
    print(report(found))
    return 0 if len(found) == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
