"""Whether the house has a favourite side: simulated markets of both families beside their mirror images in log price.

    python bench/mirror.py [--markets 20] [--days 1.5] [--processes 2] [--keep DIR]

Markets that are finished are kept under --keep and not folded again: an interrupted run goes on where it stopped.

A market and its images are folded side by side and every strategy judges them, side for side. In the mirror the price
is p0 * p0 / p, buyers are sellers, longs are shorts, and funding is paid the other way. There are two questions:

- *inverse*: contracts that were of coins are of USD. That is the market's exact image (`paper/score/mirror`), as many
  contracts for as many, so whatever differs is ours: what is summed in USD over time weighs p / p0 otherwise.
- *linear*: contracts stay of coins. At a leverage of ten a long goes at -10.1 % in log price and a short at +9.2 %, so
  the image is another market, of which decisions may be expected to be mirrored, and values to within some per cent.

A threshold says otherwise wherever a value lies nearer to it than the values lie apart: verdicts that differ only by
gates whose values agree to within `TOLERANCE` are counted as *near*, the others as *apart*.
"""

import argparse
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
from liqbot.signals.verdict import SIGNAL, Gate, Verdict
from liqbot.venues.registry import VENUES, built_in
from paper.score.mirror import Kept, image_roster, inverse_image, mirrored
from paper.tapes.truth import KnownMarket

TOLERANCE: Final = 0.05
KINDS: Final = {"inverse": Kept.CONTRACTS, "linear": Kept.COINS}
WARM_DAYS: Final = 0.5
"""Nothing is compared, and the map is not read at every step, before it has seen this much."""
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
    apart: int = 0
    """Of those, with values beyond the tolerance."""
    one_way: int = 0
    """Passed by a LONG where its mirror image did not, less the other way round."""


class ImageTally(msgspec.Struct):
    """A market against one of its images."""

    verdicts: int = 0
    unlike: int = 0
    """With another code."""
    apart: int = 0
    """Of those, by a gate whose values are beyond the tolerance."""
    signals: int = 0
    """Of either market."""
    alone: int = 0
    """In one of the two alone."""
    alone_apart: int = 0
    """Of those, by a gate whose values are beyond the tolerance."""
    alone_of_longs: int = 0
    """A favourite side shows here."""
    refused_as: dict[str, int] = {}
    """What the other one said to such a signal, by strategy and code."""
    gates: dict[str, GateTally] = {}


class MarketTally(msgspec.Struct):
    """One market, by kind of image."""

    name: str
    family: str
    images: dict[str, ImageTally]


class Job(NamedTuple):
    number: int
    days: float
    keep: Path | None


class Image:
    """One image of a market, folded beside it."""

    def __init__(self, market: KnownMarket, kept: Kept) -> None:
        roster = image_roster(market.roster, VENUES) if kept is Kept.CONTRACTS else market.roster
        self.kept, self.market = kept, Market(MarketParams(), roster, roster.venues[0])
        self.prices: dict[tuple[int, int], float] = {}
        self.about: dict[int, float] = {}


def compare(market: KnownMarket, name: str, family: str, signals: SignalParams) -> MarketTally:
    """Folds the market and its images, and counts."""
    for spec in built_in():
        VENUES.add(inverse_image(spec))
    tally = MarketTally(name, family, {kind: ImageTally() for kind in KINDS})
    plain = Market(MarketParams(), market.roster, market.roster.venues[0])
    images = {kind: Image(market, kept) for kind, kept in KINDS.items()}
    from_ms = None
    for block in market.every_block():
        tick_ms = block.tick_ms or 0
        if from_ms is None and not len(block.bars):
            continue  # nothing of it has a price yet
        from_ms = tick_ms + int(WARM_DAYS * _DAY_MS) if from_ms is None else from_ms
        plain.collect(block)
        warm = tick_ms >= from_ms
        seen = plain.on_tick(tick_ms, reading=warm)
        judged = [evaluate(one, signals) for one in seen] if warm and len(block.bars) else []
        for kind, image in images.items():
            image.market.collect(mirrored(block, image.prices, image.about, image.kept))
            views = image.market.on_tick(tick_ms, reading=warm)
            for one, other in zip(judged, views, strict=False):
                _count(tally.images[kind], one, evaluate(other, signals))
    return tally


def _count(tally: ImageTally, plain: tuple[Verdict, ...], images: tuple[Verdict, ...]) -> None:
    image_of = {(one.strategy, -one.side): one for one in images}
    for one in plain:
        image = image_of[one.strategy, one.side]
        flipped = [both for both in zip(one.gates, image.gates, strict=True) if both[0].passed != both[1].passed]
        apart = not all(alike(*both) for both in flipped)
        tally.verdicts += 1
        if one.code != image.code:
            tally.unlike += 1
            tally.apart += apart
        signalled = (one.code == SIGNAL) + (image.code == SIGNAL)
        tally.signals += signalled
        if signalled == 1:
            tally.alone += 1
            tally.alone_apart += apart
            told, other = (one, image) if one.code == SIGNAL else (image, one)
            tally.alone_of_longs += told.side is Side.LONG
            name = f"{told.strategy} {other.code}"
            tally.refused_as[name] = tally.refused_as.get(name, 0) + 1
        for gate, turned in zip(one.gates, image.gates, strict=True):
            _count_gate(tally.gates.setdefault(f"{one.strategy} {gate.name}", GateTally()), one.side, gate, turned)


def _count_gate(found: GateTally, side: Side, gate: Gate, turned: Gate) -> None:
    unlike = not alike(gate, turned)
    found.compared += 1
    found.unlike += unlike
    if gate.passed != turned.passed:
        found.flipped += 1
        found.apart += unlike
        found.one_way += 1 if gate.passed is (side is Side.LONG) else -1


def alike(one: Gate, other: Gate) -> bool:
    """Within the tolerance of the larger of both values and the threshold."""
    if one.value is None or other.value is None:
        return one.value is other.value
    most = max(abs(one.value), abs(other.value), abs(one.threshold or 0.0))
    return abs(one.value - other.value) <= TOLERANCE * most


def market_of(number: int, days: float) -> tuple[str, str, KnownMarket]:
    """(name, family, market): families take turns, knobs of the frozen markets go round, every seed is its own."""
    family = (CROWD, FLOW)[number % 2]
    frozen = [(name, one) for name, one in (INSIDE | TUNING).items() if one.family == family]
    name, one = frozen[number // 2 % len(frozen)]
    brief = {"burn_in_days": _UNSEEN_DAYS} | ({"backfill_days": 0.0} if family == CROWD else {})
    params = one.params.model_copy(update=brief)
    return f"{number:02d} {name}", family, one._replace(seed=_FIRST_SEED + number, params=params).market(days)


def run(job: Job) -> MarketTally:
    kept = job.keep / f"{job.number:02d}-{job.days:g}.json" if job.keep is not None else None
    if kept is not None and kept.is_file():
        return msgspec.json.decode(kept.read_bytes(), type=MarketTally)
    name, family, market = market_of(job.number, job.days)
    signals = load("paper", config=ROOT / "config", overrides=(), environment={}).settings.signals
    tally = compare(market, name, family, signals)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.encode(tally))
    return tally


def page(tallies: list[MarketTally]) -> str:
    """Of each kind of image: by market, what was said to signals in one alone, and by gate over all markets."""
    return "\n\n".join(f"## {kind} image\n\n{_of_kind(tallies, kind)}" for kind in KINDS)


def _of_kind(tallies: list[MarketTally], kind: str) -> str:
    found = [one.images[kind] for one in tallies]
    markets = [[one.family, one.name, *_row(one.images[kind])] for one in tallies]
    families = {family: [one.images[kind] for one in tallies if one.family == family] for family in (CROWD, FLOW)}
    markets += [[family, "all", *_row(_sum(images))] for family, images in families.items()]
    whole = _sum(found)
    markets.append(["both", "all", *_row(whole)])
    gates = [
        [name, f"{gate.compared:,}", _share(gate.unlike, gate.compared), _share(gate.flipped, gate.compared),
         _share(gate.apart, gate.compared), f"{gate.one_way:+,}"] for name, gate in sorted(whole.gates.items())
    ]  # fmt: skip
    return "\n\n".join((
        table(("family", "market", "verdicts", "another code", "of these apart", "signals", "in one alone",
               "of these apart", "of these LONG"), markets),
        table(("a signal in one alone, to which the other said", "times"),
              [[name, f"{count:,}"] for name, count in sorted(whole.refused_as.items())]),
        table(("gate", "compared", "beyond 5 %", "passed in one alone", "of these apart", "for longs less shorts"),
              gates),
    ))  # fmt: skip


def _row(one: ImageTally) -> list[str]:
    return [f"{one.verdicts:,}", _share(one.unlike, one.verdicts), _share(one.apart, one.verdicts),
            f"{one.signals:,}", f"{one.alone:,}", f"{one.alone_apart:,}", f"{one.alone_of_longs:,}"]  # fmt: skip


def _sum(tallies: list[ImageTally]) -> ImageTally:
    found = ImageTally()
    for one in tallies:
        for name in ("verdicts", "unlike", "apart", "signals", "alone", "alone_apart", "alone_of_longs"):
            setattr(found, name, getattr(found, name) + getattr(one, name))
        for name, count in one.refused_as.items():
            found.refused_as[name] = found.refused_as.get(name, 0) + count
        for name, gate in one.gates.items():
            total = found.gates.setdefault(name, GateTally())
            for field in GateTally.__struct_fields__:
                setattr(total, field, getattr(total, field) + getattr(gate, field))
    return found


def _share(part: int, whole: int) -> str:
    return f"{part / whole * 100:.2f} %" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=20)
    parser.add_argument("--days", type=float, default=1.5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="Keep the counts of finished markets here, of one state of the code.")
    asked = parser.parse_args()
    jobs = [Job(number, asked.days, asked.keep) for number in range(asked.markets)]
    with ProcessPoolExecutor(asked.processes) as pool:
        tallies = []
        for tally in pool.map(run, jobs):
            tallies.append(tally)
            said = ", ".join(f"{one.unlike} {kind}" for kind, one in tally.images.items())
            print(f"{tally.name}: codes unlike of {tally.images['linear'].verdicts}: {said}", flush=True)
    print(page(tallies))


if __name__ == "__main__":
    main()
