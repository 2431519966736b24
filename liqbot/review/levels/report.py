"""The report of an observation: n, shares and intervals for clusters and for thin levels, and what that proves."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from liqbot.review.levels.level import ENDED, REACTION_MS, REACTIONS, Fate, Level, LevelKind
from liqbot.review.levels.proposals import Proposed
from liqbot.review.levels.shares import Sample, Share, ShareDifference, difference_of, share_of

VERSION: Final = 1
"""Of the report as JSON."""
TOUCHES_MIN: Final = 30
"""Fewer decided touches of either kind are not judged."""
_ALIKE: Final = (
    "No difference is shown: touched clusters and thin levels as far away fared alike within the intervals, so the "
    "map's clusters have told nothing here that distance alone does not."
)
_BEYOND_CHANCE: Final = (
    "beyond what chance explains in 19 of 20 cases; of three such questions one may seem so by chance alone in 1 of 7."
)


class KindReport(msgspec.Struct, frozen=True):
    """Levels of one kind. Reactions are shares of the touches that had the whole time to become one."""

    levels: int
    waiting: int
    """Not touched when the observation ended, and not given up: not touched so far, as the other level of its pair."""
    undecided: int
    """Touched too shortly before it ended: in no reaction, or only quick ones would be counted."""
    distance_pct: float | None
    """Mean distance from the mark when it began."""
    usd: float | None
    """Mean estimate of what would be liquidated in it."""
    touched: Share
    reactions: dict[str, Share]


class LevelReport(msgspec.Struct, frozen=True):
    """Clusters, as many thin levels, and what a cluster has more of."""

    coin: str
    """Empty: of all."""
    clusters: KindReport
    thin: KindReport
    differences: dict[str, ShareDifference]
    without_control: int


class LevelObservation(msgspec.Struct, frozen=True):
    """All of it."""

    version: int
    market: str
    simulated: bool
    first_ms: int
    last_ms: int
    step_ms: int
    """The longest span of a bar that was seen: what happens within one is not told apart."""
    levels: LevelReport
    by_coin: tuple[LevelReport, ...]
    would_have: tuple[Proposed, ...]
    proves: str


def level_report(levels: Sequence[Level], without_control: int, end_ms: int, coin: str = "") -> LevelReport:
    """Of levels that began in pairs; `end_ms`: when the observation ended."""
    clusters, thin = ([one for one in levels if one.kind is kind] for kind in LevelKind)
    differences = {"touched": difference_of(_touches(clusters), _touches(thin))}
    for fate in REACTIONS:
        differences[fate.value] = difference_of(_reacted(clusters, fate, end_ms), _reacted(thin, fate, end_ms))
    return LevelReport(coin, _kind_report(clusters, end_ms), _kind_report(thin, end_ms), differences, without_control)


def _kind_report(levels: Sequence[Level], end_ms: int) -> KindReport:
    n, begun_ms = len(levels), end_ms - REACTION_MS
    return KindReport(
        levels=n,
        waiting=sum(one.fate is Fate.WAITING for one in levels),
        undecided=sum(one.touched_ms > begun_ms for one in levels),
        distance_pct=sum(one.distance_pct for one in levels) / n if n else None,
        usd=sum(one.usd for one in levels) / n if n else None,
        touched=share_of(_touches(levels)),
        reactions={fate.value: share_of(_reacted(levels, fate, end_ms)) for fate in REACTIONS},
    )


def _touches(levels: Iterable[Level]) -> Sample:
    """By when they began: that is when they were drawn."""
    return [(one.began_ms, one.touched_ms > 0) for one in levels]


def _reacted(levels: Iterable[Level], fate: Fate, end_ms: int) -> Sample:
    """By when they were touched: a flush touches many at once."""
    return [
        (one.touched_ms, one.fate is fate) for one in levels
        if 0 < one.touched_ms <= end_ms - REACTION_MS and one.fate in ENDED
    ]


def proves(report: LevelReport, *, simulated: bool) -> str:
    """One honest paragraph."""
    ends = ["What price did at a level is no profit: costs and fills are not in it."]
    if simulated:
        ends.insert(0, "The market is simulated: it does what it was made to do, and says nothing of real ones.")
    decided = [sum(share.of for share in kind.reactions.values()) for kind in (report.clusters, report.thin)]
    if min(decided) < TOUCHES_MIN:
        few = f"Too few touches to judge: {decided[0]} of clusters and {decided[1]} of thin levels are decided"
        return " ".join((f"{few}, and {TOUCHES_MIN} of each are the least.", *ends))
    told = [
        f"{name} {abs(one.share) * 100:.0f} points {'more' if one.share > 0 else 'less'} often"
        for name in (fate.value for fate in REACTIONS)
        if (one := report.differences[name]).shown and one.share is not None
    ]
    if not told:
        return " ".join((_ALIKE, *ends))
    found = f"Touched clusters were {', '.join(told)} than thin levels as far away"
    return " ".join((f"{found}, {_BEYOND_CHANCE}", *ends))
