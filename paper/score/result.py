"""A finished score, as it is printed and stored."""

import msgspec

from paper.score.bootstrap import Estimate
from paper.score.information import Gain
from paper.score.rank_skill import RankSkill
from paper.score.sizes import Density, Exceedance, Reliability, VenueSize
from paper.score.touch import TouchSkill


class Lead(msgspec.Struct, frozen=True):
    """Our model against the best of the baselines that decide, in one measure."""

    measure: str
    baseline: str
    lead: Estimate
    ceiling: str
    closed_share: Estimate
    """Part of the way from the baseline to the ceiling; NaN without a truth file."""


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
    gains: dict[int, dict[str, Gain]]
    ranks: dict[int, dict[str, RankSkill]]
    leads: tuple[Lead, ...]
    venues: tuple[VenueSize, ...]
    reliability: tuple[Reliability, ...]
    exceedances: tuple[Exceedance, ...]
    densities: tuple[Density, ...]
    notes: tuple[str, ...]
    seconds: dict[str, float]
