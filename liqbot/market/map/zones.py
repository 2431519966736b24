"""What stands out on the map: clusters, thin zones between them, and sweeps, the clusters that price went into."""

from typing import Final

import msgspec

from liqbot.instruments import Side

ABSENT: Final = float("nan")


class Cluster(msgspec.Struct, frozen=True):
    """A window of price in which more is open than around it. Distances are from the mark, positive."""

    side: Side
    price_low: float
    price_high: float
    peak_price: float
    usd: float
    distance_pct: float
    """From the mark to the near edge."""
    peak_distance_pct: float
    ratio: float
    """How far it stands out, against what usually stands out most at this distance: 1.0 is usual; NaN without a
    history."""
    real_share: float = ABSENT
    """Chance that more is truly open in it than around it, by the map's own spread; NaN where that is not known."""


class ThinZone(msgspec.Struct, frozen=True):
    """A stretch where little would be liquidated on either side."""

    price_low: float
    price_high: float
    usd: float


class Sweep(msgspec.Struct, frozen=True):
    """A cluster that price went into; kept by the market because strategies remember nothing.

    `printed_usd` is the forced flow observed meanwhile on the cluster's side (a floor; NaN where no venue reports).
    """

    side: Side
    started_ms: int
    ended_ms: int
    """When price came back out over the cluster's near edge, or the last time seen inside."""
    rejected: bool
    cluster_usd: float
    cluster_ratio: float
    distance_pct: float
    """How far from price the cluster's near edge lay before the sweep began (one lookback earlier)."""
    price_low: float
    price_high: float
    extreme_price: float
    printed_usd: float
    volume_ratio: float
    """Largest volume ratio seen during the sweep."""
    oi_change_pct: float
    """Open interest now against its value at the start of the sweep."""
    taker_imbalance_after: float
    """(buys - sells) / volume since the extreme; NaN without a taker split."""
    printed_after_usd: float = ABSENT
    """Forced flow on the cluster's side since `ended_ms`, for "prints have stopped"; NaN where no venue reports."""
