"""M2 by window: of all USD reported, how well a frozen map tells in which window it was, whatever the place inside.

A window is the time a frozen map is held. Its forecast is the map summed over what price visited, its outcome all that
was reported there. Where feeds tell totals per interval and the window is that interval, nothing is assumed about where
within the move those totals lie: this is the fair measure for such tapes.
"""

import msgspec
import numpy as np

from paper.score.frozen import FrozenOutcome
from paper.score.price_path import Floats


def by_window(found: FrozenOutcome) -> FrozenOutcome:
    """The same windows with one wide bin each: [O, 2, 1], visited in score bins."""
    usd = found.realised_usd.sum(axis=2, keepdims=True)
    return msgspec.structs.replace(found, visited=depth(found), realised_usd=usd)


def over_windows(found: FrozenOutcome, maps: Floats) -> Floats:
    """[O, 2, 1] mean of the map over what the window visited: times the visited bins it is the window's forecast."""
    visited = depth(found)
    usd = (np.nan_to_num(maps) * found.visited).sum(axis=2, keepdims=True)
    means: Floats = np.divide(usd, visited, out=np.zeros_like(usd), where=visited > 0)
    return means


def depth(found: FrozenOutcome) -> Floats:
    """[O, 2, 1] score bins that a window visited. As a map, one whose forecast is the square of that distance."""
    bins: Floats = found.visited.sum(axis=2, keepdims=True)
    return bins
