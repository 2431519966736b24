"""How much of a venue's open interest is reported position by position, and what room that leaves for modelled ones."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from liqbot.market.estimate.kernels import DISTANCES, LONG, SHORT, Floats, by_distance, weighted_sums

_REACH: Final = float(DISTANCES[-1])
"""Bins. What is liquidated farther from the mark is hardly leveraged: hedges, makers, collateral of whole accounts."""

SidePositions = tuple[Floats, Floats]
"""Positions of one side: where on the price grid each is liquidated, and its USD."""


class Coverage(msgspec.Struct, frozen=True):
    """What one snapshot covers; all are [side]."""

    of_oi: tuple[float, float]
    """Share of open interest. More than is open cannot be reported: 1 at most."""
    of_leveraged: tuple[float, float]
    """Share of the positions that the model stands for."""


def coverage(sides: Sequence[SidePositions], mark: float, oi_usd: float, leveraged_share: float) -> Coverage:
    """Of a snapshot around the mark's position. Without open interest (0) it is taken to be of everything."""
    if not oi_usd > 0:
        return Coverage((1.0, 1.0), (1.0, 1.0))
    found = []
    for position, usd in sides:
        told_usd, near_usd = float(usd.sum()), float(usd[np.abs(position - mark) < _REACH].sum())
        leveraged_usd = _leveraged_usd(told_usd - near_usd, oi_usd, leveraged_share)
        of_leveraged = min(near_usd / leveraged_usd, 1.0) if leveraged_usd > 0 else 1.0
        found.append((min(told_usd / oi_usd, 1.0), of_leveraged))
    (long_oi, long_leveraged), (short_oi, short_leveraged) = found[LONG], found[SHORT]
    return Coverage((long_oi, short_oi), (long_leveraged, short_leveraged))


def room_usd(near_usd: float, far_usd: float, oi_usd: float, leveraged_share: float) -> float:
    """USD of one side that modelled positions may be at most, beside what is reported to be liquidated near and far."""
    return max(_leveraged_usd(far_usd, oi_usd, leveraged_share) - near_usd, 0.0)


def rest_share(held_usd: Floats, sides: Sequence[SidePositions], mark: float, of_leveraged: Sequence[float]) -> Floats:
    """[side, tier]: what stays of modelled positions `held_usd[side, tier, class of distance]`, for a snapshot.

    Large positions are seldom of high leverage, so tiers are covered unequally: what is reported at a distance is
    shared among the tiers that are modelled there. All tiers together keep what is not covered.
    """
    found = np.ones(held_usd.shape[:2])
    for side, (position, usd) in enumerate(sides):
        held, covered = held_usd[side], of_leveraged[side]
        total, by_class = held.sum(), held.sum(axis=0)
        reported = by_distance(np.abs(position - mark), usd)
        if not (total > 0 and reported.sum() > 0):
            found[side] = 1.0 - covered
            continue
        mix = held.sum(axis=1) / total
        of_class = np.divide(held, by_class, out=np.zeros_like(held), where=by_class > 0)
        reported_mix = weighted_sums(of_class, reported) * (covered / reported.sum())
        rest = np.maximum(mix - reported_mix, 0.0)
        kept = rest * min(1.0, (1.0 - covered) / rest.sum()) if rest.any() else rest
        found[side] = np.divide(kept, mix, out=np.full(len(mix), 1.0 - covered), where=mix > 0)
    return found


def near(position: Floats, mark: float) -> np.typing.NDArray[np.bool_]:
    """Which positions are leveraged as the model understands it."""
    found: np.typing.NDArray[np.bool_] = np.abs(position - mark) < _REACH
    return found


def _leveraged_usd(far_usd: float, oi_usd: float, leveraged_share: float) -> float:
    """What a side may hold in leveraged positions: a share of open interest, within what is not reported to be far."""
    return max(min(leveraged_share * oi_usd, oi_usd - far_usd), 0.0)
