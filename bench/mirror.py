"""Whether the house has a favourite side: simulated markets of both families beside their mirror images in log price.

    python bench/mirror.py [--markets 20] [--days 1.5] [--processes 2] [--out FILE]

A market and its mirror are folded side by side and every strategy judges both, side for side. In the mirror the price
is p0 * p0 / p, buyers are sellers, longs are shorts, funding is paid the other way, and every amount keeps its coins.
A linear contract is no mirror image of itself: at a leverage of ten a long goes at -9.6 %, a short at +9.6 %, which are
-10.1 and +9.2 in log price. Nor are per cent of the mark: d % down is mirrored by d / (1 - d / 100) % up. Both agree
with each other, so decisions may be expected to be mirrored, and values to within some per cent: `TOLERANCE`.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from accuracy import ROOT
from accuracy_text import table
from accuracy_worlds import CROWD, FLOW, INSIDE, TUNING

from liqbot.instruments import Side
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.settings import load
from liqbot.signals.evaluate import evaluate
from liqbot.signals.registry import SignalParams
from liqbot.signals.verdict import SIGNAL, Verdict
from paper.score.mirror import mirrored
from paper.tapes.truth import KnownMarket

TOLERANCE: Final = 0.05
WARM_DAYS: Final = 0.5
"""Nothing is compared before the map has seen this much."""
_UNSEEN_DAYS: Final = 1.5
"""In which a market's positions build up before anybody looks."""
_DAY_MS: Final = 86_400_000
_FIRST_SEED: Final = 97_000


class GateTally(msgspec.Struct):
    """How a gate's values compare over all steps, both sides."""

    compared: int = 0
    unlike: int = 0
    """Beyond the tolerance, or unknown in one of the two."""
    flipped: int = 0
    """Passed in one of the two alone."""
    one_way: int = 0
    """Passed by a LONG where its mirror image did not, less the other way round."""


class MarketTally(msgspec.Struct):
    """One market against its mirror."""

    name: str
    family: str
    verdicts: int = 0
    codes_unlike: int = 0
    signals: int = 0
    """Of either market."""
    signals_alone: int = 0
    """In one of the two alone."""
    alone_of_longs: int = 0
    """Of those LONG ones: a favourite side shows here."""
    refused_as: dict[str, int] = {}
    """What the other one said to such a signal, by strategy and code."""
    gates: dict[str, GateTally] = {}


class Job(NamedTuple):
    number: int
    days: float


def compare(market: KnownMarket, tally: MarketTally, signals: SignalParams) -> MarketTally:
    """Folds the market and its mirror, and counts."""
    roster = market.roster
    plain, image = (Market(MarketParams(), roster, roster.venues[0]) for _ in range(2))
    prices: dict[tuple[int, int], float] = {}
    about: dict[int, float] = {}
    from_ms = None
    for block in market.every_block():
        tick_ms = block.tick_ms or 0
        if not prices and not len(block.bars):
            continue  # nothing of it has a price yet
        from_ms = tick_ms + int(WARM_DAYS * _DAY_MS) if from_ms is None else from_ms
        plain.collect(block)
        image.collect(mirrored(block, prices, about))
        both = zip(plain.on_tick(tick_ms), image.on_tick(tick_ms), strict=True)
        if tick_ms >= from_ms and len(block.bars):
            for one, other in both:
                _count(tally, evaluate(one, signals), evaluate(other, signals))
    return tally


def _count(tally: MarketTally, plain: tuple[Verdict, ...], images: tuple[Verdict, ...]) -> None:
    image_of = {(one.strategy, -one.side): one for one in images}
    for one in plain:
        image = image_of[one.strategy, one.side]
        tally.verdicts += 1
        tally.codes_unlike += one.code != image.code
        signalled = (one.code == SIGNAL) + (image.code == SIGNAL)
        tally.signals += signalled
        if signalled == 1:
            tally.signals_alone += 1
            told, other = (one, image) if one.code == SIGNAL else (image, one)
            tally.alone_of_longs += told.side is Side.LONG
            name = f"{told.strategy} {other.code}"
            tally.refused_as[name] = tally.refused_as.get(name, 0) + 1
        for gate, turned in zip(one.gates, image.gates, strict=True):
            found = tally.gates.setdefault(f"{one.strategy} {gate.name}", GateTally())
            found.compared += 1
            found.unlike += not alike(gate.value, turned.value, gate.threshold)
            if gate.passed != turned.passed:
                found.flipped += 1
                found.one_way += 1 if gate.passed is (one.side is Side.LONG) else -1


def alike(one: float | None, other: float | None, threshold: float | None) -> bool:
    """Within the tolerance of the larger of both values and the threshold."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), abs(threshold or 0.0))


def market_of(number: int, days: float) -> tuple[str, str, KnownMarket]:
    """(name, family, market): families take turns, knobs of the frozen markets go round, every seed is its own."""
    family = (CROWD, FLOW)[number % 2]
    frozen = [(name, one) for name, one in (INSIDE | TUNING).items() if one.family == family]
    name, one = frozen[number // 2 % len(frozen)]
    brief = {"burn_in_days": _UNSEEN_DAYS} | ({"backfill_days": 0.0} if family == CROWD else {})
    params = one.params.model_copy(update=brief)
    return f"{number:02d} {name}", family, one._replace(seed=_FIRST_SEED + number, params=params).market(days)


def run(job: Job) -> MarketTally:
    name, family, market = market_of(job.number, job.days)
    signals = load("paper", config=ROOT / "config", overrides=(), environment={}).settings.signals
    return compare(market, MarketTally(name, family), signals)


def page(tallies: list[MarketTally]) -> str:
    """By market, then by gate over all markets."""
    rows = [
        [one.family, one.name, f"{one.verdicts:,}", _share(one.codes_unlike, one.verdicts),
         f"{one.signals:,}", f"{one.signals_alone:,}", f"{one.alone_of_longs:,}"] for one in tallies
    ]  # fmt: skip
    refused: dict[str, int] = {}
    for one in tallies:
        for name, count in one.refused_as.items():
            refused[name] = refused.get(name, 0) + count
    by_gate: dict[str, GateTally] = {}
    for one in tallies:
        for name, gate in one.gates.items():
            found = by_gate.setdefault(name, GateTally())
            for field in GateTally.__struct_fields__:
                setattr(found, field, getattr(found, field) + getattr(gate, field))
    gates = [
        [name, f"{gate.compared:,}", _share(gate.unlike, gate.compared), _share(gate.flipped, gate.compared),
         f"{gate.one_way:+,}"] for name, gate in sorted(by_gate.items())
    ]  # fmt: skip
    return "\n\n".join((
        table(("family", "market", "verdicts", "another code", "signals", "in one alone", "of those LONG"), rows),
        table(("a signal in one alone, to which the other said", "times"),
              [[name, f"{count:,}"] for name, count in sorted(refused.items())]),
        table(("gate", "compared", "beyond 5 %", "passed in one alone", "for longs less shorts"), gates),
    ))  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{part / whole * 100:.2f} %" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=20)
    parser.add_argument("--days", type=float, default=1.5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="Keep the counts as JSON.")
    asked = parser.parse_args()
    jobs = [Job(number, asked.days) for number in range(asked.markets)]
    with ProcessPoolExecutor(asked.processes) as pool:
        tallies = []
        for tally in pool.map(run, jobs):
            tallies.append(tally)
            print(f"{tally.name}: {tally.codes_unlike} of {tally.verdicts} codes unlike", flush=True)
    if asked.out is not None:
        asked.out.write_text(json.dumps(msgspec.to_builtins(tallies)), encoding="utf-8")
    print(page(tallies))


if __name__ == "__main__":
    main()
