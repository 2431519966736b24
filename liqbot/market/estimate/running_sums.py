"""Running sums over bins, read between them: as `np.interp` reads them, to the last bit, without what it costs."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from liqbot.market.estimate.kernels import Floats


def sums_at(usd: Floats, places: Floats) -> Floats:
    """USD that lies before each place, where a bin that is cut counts in proportion.

    `usd` is per bin; `places` are in bins from the first one's lower edge and ascend or descend. Places outside are
    taken to be at the nearer end. Nothing is summed beyond the farthest place.
    """
    ends = places.item(0), places.item(-1)
    if not (min(ends) >= 0.0 and max(ends) < len(usd)):
        return np.asarray(np.interp(places, np.arange(len(usd) + 1), np.concatenate(([0.0], usd.cumsum()))))
    bins = int(max(ends)) + 1
    below = np.empty(bins + 1)
    below[0] = 0.0
    usd[:bins].cumsum(out=below[1:])
    whole = places.astype(np.int64)
    start = below[whole]
    found: Floats = below[1:][whole]
    found -= start
    found *= places - whole
    found += start
    return found


def interpolated(at: float, places: Sequence[float], values: Sequence[float]) -> float:
    """The value at one place between ascending ones; outside of them, that of the nearer end. NaN stays NaN."""
    if at != at:
        return at
    before = bisect_right(places, at) - 1
    if before < 0:
        return values[0]
    place, value = places[before], values[before]
    if place == at or before == len(places) - 1:
        return value
    return (values[before + 1] - value) / (places[before + 1] - place) * (at - place) + value
