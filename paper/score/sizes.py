"""M5 and M6: are the USD figures true to size, are large prints told beforehand, does the density percentile hold?"""

from collections.abc import Sequence

import msgspec
import numpy as np

from paper.score.bootstrap import Days, Estimate
from paper.score.frozen import FrozenOutcome
from paper.score.price_path import LONG, SHORT, Floats, Whole
from paper.score.ranks import ranked

_CLASSES = 10


class Reliability(msgspec.Struct, frozen=True):
    """One tenth of the visited bins, by what was expected there; means per bin."""

    count: int
    expected_usd: float
    realised_usd: float


class VenueSize(msgspec.Struct, frozen=True):
    """What the map expected a venue to report while price went through it, over what it did report."""

    venue: str
    expected_usd: float
    realised_usd: float
    ratio: Estimate


class Exceedance(msgspec.Struct, frozen=True):
    """'More than this from the bin, if visited': Brier scores of the map, of always saying the training share, and of
    the climatology per visit, which knows the distance alone."""

    above_usd: float
    happened_share: float
    brier_value: float
    climatology_brier_value: float
    distance_brier_value: float

    @property
    def distance_skill_value(self) -> float:
        """The same against what distance alone tells."""
        return 1.0 - self.brier_value / self.distance_brier_value if self.distance_brier_value > 0 else 0.0

    @property
    def skill_value(self) -> float:
        """1 is perfect, 0 no better than the share."""
        return 1.0 - self.brier_value / self.climatology_brier_value if self.climatology_brier_value > 0 else 0.0


class Density(msgspec.Struct, frozen=True):
    """One tenth of the percentile scale. `ratio` is realised USD per visited bin over the climatology per visit;
    `realised_percentile` the mean rank of that ratio among all visited bins, 50 where the percentile says nothing."""

    percentile_low: float
    percentile_high: float
    count: int
    ratio: float
    realised_percentile: float


def reliability(found: FrozenOutcome, origins: Whole, forecast: Floats) -> tuple[Reliability, ...]:
    """Tenths of the visited bins from least to most expected."""
    expected, realised, _ = _visited(found, origins, forecast)
    parts = np.array_split(np.argsort(expected, kind="stable"), _CLASSES)
    means = [(len(part), float(expected[part].mean()), float(realised[part].mean())) for part in parts if len(part)]
    return tuple(Reliability(*one) for one in means)


def _visited(found: FrozenOutcome, origins: Whole, forecast: Floats) -> tuple[Floats, Floats, Floats]:
    """Expected and realised USD of what was visited, and its share of the bin, one entry per bin."""
    used = origins[found.usable[origins]]
    visited = found.visited[used]
    inside = visited > 0
    return (np.nan_to_num(forecast[used]) * visited)[inside], found.realised_usd[used][inside], visited[inside]


def venue_sizes(
    venues: Sequence[str], expected_usd: Floats, realised_usd: Floats, time_ms: Whole, resamples: int, seed: int
) -> tuple[VenueSize, ...]:
    """[S, V, 2] each, over the scored steps. Venues that reported nothing are left out."""
    days = Days(time_ms, resamples, seed)
    rows = []
    for code, venue in enumerate(venues):
        realised = float(realised_usd[:, code].sum())
        if realised > 0:
            sums = days.sums(expected_usd[:, code]), days.sums(realised_usd[:, code])
            rows.append(VenueSize(venue, float(sums[0].sum()), realised, days.estimate(np.divide, *sums)))
    return tuple(rows)


def exceedances(
    found: FrozenOutcome, train: Whole, test: Whole, forecast: Floats, distance: Floats, above_usd: Sequence[float]
) -> tuple[Exceedance, ...]:
    """A map's chance is the share seen among training bins of the same tenth of its forecast; `distance` is the
    climatology per visit, which is given its chances in the same way."""
    known, scored = _visited(found, train, forecast), _visited(found, test, forecast)
    if not len(known[0]) or not len(scored[0]):
        return ()
    others = _visited(found, train, distance)[0], _visited(found, test, distance)[0]
    rows = []
    for usd in above_usd:
        before, after = (known[1] > usd).astype(float), (scored[1] > usd).astype(float)
        chances = (
            _chances(known[0], before, scored[0]), before.mean(), _chances(others[0], before, others[1])
        )  # fmt: skip
        rows.append(Exceedance(usd, float(after.mean()), *(float(((one - after) ** 2).mean()) for one in chances)))
    return tuple(rows)


def _chances(known: Floats, happened: Floats, wanted: Floats) -> Floats:
    """Share of what happened in the tenth of the known forecasts that each one asked for falls into."""
    borders = np.quantile(known, np.linspace(0, 1, _CLASSES + 1)[1:-1])
    group = np.searchsorted(borders, known)
    count = np.bincount(group, minlength=_CLASSES)
    share = (np.bincount(group, happened, minlength=_CLASSES) + happened.mean()) / (count + 1.0)
    found: Floats = share[np.searchsorted(borders, wanted)]
    return found


def densities(
    found: FrozenOutcome, origins: Whole, percentile: Floats, climate: Floats, share_min: float
) -> tuple[Density, ...]:
    """M6 over visited bins, both sides together, each against what its distance alone would let expect."""
    used = origins[found.usable[origins]]
    inside = (found.visited[used] >= share_min) & np.isfinite(percentile[used])
    percentiles = percentile[used][inside]
    if not len(percentiles):
        return ()
    visited, usual = found.visited[used][inside], climate[used][inside]
    realised = found.realised_usd[used][inside] / visited
    ranks = np.empty(len(percentiles))
    sides = np.broadcast_to(np.arange(2)[None, :, None], inside.shape)[inside]
    for side in (LONG, SHORT):
        mine = sides == side
        ranks[mine] = (ranked(realised[mine] / np.maximum(usual[mine], 1e-9)) - 0.5) / max(int(mine.sum()), 1) * 100.0
    rows = []
    for number in range(_CLASSES):
        low, high = number * 100.0 / _CLASSES, (number + 1) * 100.0 / _CLASSES
        mine = (percentiles >= low) & ((percentiles < high) | (number == _CLASSES - 1))
        if mine.any():
            ratio = float(realised[mine].sum() / max(float(usual[mine].sum()), 1e-9))
            rows.append(Density(low, high, int(mine.sum()), ratio, float(ranks[mine].mean())))
    return tuple(rows)
