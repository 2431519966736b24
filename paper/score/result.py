"""A finished score, as it is printed and stored."""

from typing import Final

import msgspec

from paper.score.bootstrap import Estimate
from paper.score.cluster_skill import ClusterSkill
from paper.score.information import Gain
from paper.score.rank_skill import RankSkill
from paper.score.size_bands import SizeBand
from paper.score.sizes import Density, Exceedance, Reliability, VenueSize
from paper.score.touch import TouchSkill

_RESOLVED_SHARE: Final = 0.2


def resolved(gap: Estimate) -> bool:
    """Whether a share of the gap says anything: its interval keeps a fifth of the value away from 0."""
    return gap.low > 0 and gap.low >= _RESOLVED_SHARE * gap.value


class Lead(msgspec.Struct, frozen=True):
    """Our model against the best of the baselines that decide, in one measure."""

    measure: str
    """`M1`, `M1 to fresh truth`, `M1 beyond depth`, `M2`, `M2 rate`, `M2 window` or `M3`."""
    baseline: str
    lead: Estimate
    others: dict[str, Estimate]
    """Ours less every baseline, those that do not decide too."""
    ceiling: str
    """The truth that the way leads to; empty without a truth file."""
    gap: Estimate
    """The ceiling less the baseline."""
    closed_share: Estimate
    """Part of that gap which ours closes; NaN where the gap is not resolved."""

    @property
    def gap_resolved(self) -> bool:
        """Whether there is a gap at all: a share of something that may be nothing says nothing."""
        return resolved(self.gap)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured of one tape. `gains` and `ranks` are by horizon in hours, then by model."""

    tape: str
    note: str
    """What the tape's header says of itself; a simulated market's fingerprint stands here."""
    code: str
    """Hash of the scored map's and the score's own sources."""
    seed: int
    coin: str
    home: str
    placed_by: str
    """`orders` (every print at its venue's mark) or `totals` (sums spread over what price newly crossed)."""
    first_ms: int
    train_ms: int
    test_ms: int
    last_ms: int
    step_ms: int
    origin_every_ms: int
    prints: int
    realised_usd: float
    """Reported in the scored part."""
    frozen_share: float
    """Part of it that lies where a map frozen at the primary horizon's origins could have it."""
    touch: dict[str, TouchSkill]
    touch_beyond: dict[str, TouchSkill]
    """The same with a third weight for every model, on a power of the newly crossed distance."""
    gains: dict[int, dict[str, Gain]]
    windows: dict[int, dict[str, Estimate]]
    """M2 by window."""
    window_h: int
    """The shortest window that no interval of totals straddles."""
    ranks: dict[int, dict[str, RankSkill]]
    leads: tuple[Lead, ...]
    venues: tuple[VenueSize, ...]
    reliability: tuple[Reliability, ...]
    exceedances: tuple[Exceedance, ...]
    densities: tuple[Density, ...]
    size_bands: tuple[SizeBand, ...]
    """M7; () without a truth."""
    clusters: ClusterSkill | None
    """M8; None without a truth."""
    notes: tuple[str, ...]
    seconds: dict[str, float]
