"""M7: is as much open as the map draws? True over drawn USD by distance from the mark and side."""

from typing import Final

import msgspec
import numpy as np

from paper.score.bootstrap import Days, Estimate
from paper.score.price_path import FINE, LONG, SHORT, Floats, Whole

DISTANCES_PCT: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 45.0)
"""Where bands of distance begin and end; those beyond the scored bins are left out."""
_BIN_PCT: Final = FINE * 0.05


class SizeBand(msgspec.Struct, frozen=True):
    """One side between two distances from the mark; USD are means per origin."""

    side: str
    from_pct: float
    to_pct: float
    drawn_usd: float
    true_usd: float
    ratio: Estimate
    """True over drawn."""


def size_bands(
    origin_ms: Whole, drawn: Floats, truth: Floats, resamples: int, seed: int
) -> tuple[SizeBand, ...]:
    """[O, 2, K] each, in score bins from the mark outward; origins without a truth (NaN) are left out."""
    known = np.isfinite(truth).all(axis=(1, 2))
    if not known.any():
        return ()
    days, drawn, truth = Days(origin_ms[known], resamples, seed), np.nan_to_num(drawn[known]), truth[known]
    ends = [round(pct / _BIN_PCT) for pct in DISTANCES_PCT]
    found = []
    for side, word in ((LONG, "long"), (SHORT, "short")):
        for band in range(len(ends) - 1):
            if ends[band + 1] > drawn.shape[2]:
                continue
            inside = slice(ends[band], ends[band + 1])
            mapped, true = drawn[:, side, inside].sum(axis=1), truth[:, side, inside].sum(axis=1)
            ratio = days.estimate(np.divide, days.sums(true), days.sums(mapped))
            from_pct, to_pct = DISTANCES_PCT[band], DISTANCES_PCT[band + 1]
            found.append(SizeBand(word, from_pct, to_pct, float(mapped.mean()), float(true.mean()), ratio))
    return tuple(found)
