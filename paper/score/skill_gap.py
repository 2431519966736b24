"""Ours against the baselines in one measure, and how much of the way from the best of them to the truth it goes."""

from collections.abc import Callable, Sequence
from typing import Final

from paper.score.bootstrap import Days, Estimate
from paper.score.price_path import Floats
from paper.score.rank_skill import RankScore, RankSkill
from paper.score.record import OURS
from paper.score.result import Lead, resolved

DECIDING: Final[tuple[str, ...]] = ("B2", "B2b", "B4", "B4v")
BASELINES: Final[tuple[str, ...]] = ("B0", "B1", "B2", "B2b", "B3", "B4", "B4v", "B5", "B6", "DEPTH", "DEPTH1.5")
PLAIN: Final = "B2b"
"""The best open map, which M3 has to beat."""
ORACLE: Final = "ORACLE"
CEILING: Final = "ORACLE_C"
"""The truth and the same climatology per visit, weighted on the training part."""
WITH_FLOW: Final = "ORACLE_F"
"""For the touch measure: the same and our own expectation, as the truth is an hour old where ours is a step old."""
NOTHING: Final = Estimate(float("nan"), float("nan"), float("nan"))
Difference = Callable[[str, str], Estimate]


def lead(
    measure: str, days: Days, sums: dict[str, Floats], values: dict[str, float], difference: Difference,
    deciding: Sequence[str] = DECIDING, ceiling: str = CEILING,
) -> Lead:
    """Against the best of those that decide, chosen by the scored part itself: against us, if anything."""
    known = {name: values[name] for name in deciding if values.get(name, float("nan")) == values.get(name)}
    best = max(known or dict.fromkeys(deciding[:1], 0.0), key=lambda name: known.get(name, 0.0))
    others = {name: difference(OURS, name) for name in BASELINES if name in values}
    gap = share = NOTHING
    if ceiling in values:
        gap = difference(ceiling, best)
    if resolved(gap):
        parts = [sums[name] for name in (best, OURS, ceiling)]
        share = days.estimate(lambda base, own, top: (own - base) / (top - base), *parts)
    return Lead(measure, best, others[best], others, ceiling if ceiling in values else "", gap, share)


def rank_lead(scored: RankScore, ranks: dict[str, RankSkill]) -> Lead:
    """M3 against B2b, and how much of the way from B2b to the truth it goes."""
    others = {name: scored.difference(OURS, name) for name in BASELINES if name in ranks}
    gap = scored.difference(ORACLE, PLAIN) if ORACLE in ranks else NOTHING
    share = scored.closed_share(OURS, PLAIN, ORACLE) if resolved(gap) else NOTHING
    return Lead("M3", PLAIN, others[PLAIN], others, ORACLE if ORACLE in ranks else "", gap, share)
