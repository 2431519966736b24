"""What stands out on the map: clusters, thin zones between them, and sweeps, the clusters that price went into."""

from typing import Final

import msgspec

from liqbot.instruments import Side

ABSENT: Final = float("nan")


class Cluster(msgspec.Struct, frozen=True):
    """A window of price in which more is open than around it. Distances are from the mark, positive (`Distances`)."""

    side: Side
    price_low: float
    price_high: float
    peak_price: float
    usd: float
    distance_pct: float
    """From the mark to the near edge."""
    peak_distance_pct: float
    ratio: float
    """How far it stands out, against what usually stands out most on its side at this distance: 1.0 is usual; NaN
    without a history."""
    real_share: float = ABSENT
    """Chance that more is truly open in it than around it, by the map's own spread; NaN where that is not known."""


class ThinZone(msgspec.Struct, frozen=True):
    """A stretch where little would be liquidated on either side."""

    price_low: float
    price_high: float
    usd: float


class Sweep(msgspec.Struct, frozen=True):
    """One flush into clusters; kept by the market because strategies remember nothing.

    It lasts from the first touch until price is back over the near edge of the farthest cluster it went into that has
    half the USD of the heaviest one (rejected), or has gone into no further one for long (accepted). Whatever clusters
    lay inside are part of it, and what was reported of its spans belongs to it: `printed_usd` is the forced flow on
    their side (a floor; NaN where no venue reports).
    """

    side: Side
    started_ms: int
    """End of the span that first touched."""
    ended_ms: int
    """When price came back out over the near edge, or the last time seen inside."""
    rejected: bool
    cluster_usd: float
    cluster_ratio: float
    distance_pct: float
    """How far from price the near edge of the cluster that rejects lay one lookback before the first touch."""
    price_low: float
    price_high: float
    extreme_price: float
    printed_usd: float
    volume_ratio: float
    """Largest volume ratio seen during the sweep."""
    oi_change_pct: float
    """Open interest, as reported when the sweep was over, against its highest since the approach began, at most one
    lookback before the first touch."""
    taker_imbalance_after: float
    """(buys - sells) / volume since the extreme; NaN without a taker split."""
    printed_after_usd: float = ABSENT
    """Forced flow on the cluster's side since `ended_ms`, for "prints have stopped"; NaN where no venue reports."""
    began_ms: int = 0
    """Begin of the span that first touched."""
    volume_usd: float = ABSENT
    """Of all venues."""
    taker_imbalance: float = ABSENT
    """(buys - sells) / volume during the sweep; NaN without a taker split."""
    depth_pct: float = ABSENT
    """From the near edge of the cluster that rejects to the extreme."""
    approach_ms: int = 0
    approach_price: float = ABSENT
    """The price that the approach began at, however slow it was: the last turn not half taken back since."""
    fuel_usd: float = ABSENT
    """By the map from before the approach: all of the side within the distance that fuel counts in."""
    fuel_spent_usd: float = ABSENT
    """The part of it that lay between the price before the approach and the extreme. NaN where no map is that old."""
    beyond_ratio: float = ABSENT
    """How dense that map is next beyond the extreme and the clusters, `sweeps.beyond_pct` far, over how dense they
    were."""
    inside_ms: int = 0
    """End of the span that first touched the cluster that rejects."""
