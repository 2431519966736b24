"""`MixtureWeights`: how much of the map and how much of the climatology make the most likely forecast, learnt as it
goes.

The expectation is a x map + b x climatology, a and b >= 0, by Poisson likelihood. Printed USD is kept in classes of
the part that the map had in `map + climatology` where it was printed: those sums, fading, are all that the likelihood
needs, so the weights can be found anew after every origin by expectation-maximisation. They are pulled toward a prior.
"""

from typing import Any, Final

import numpy as np

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.decay import fading_per_hour
from liqbot.market.estimate.kernels import Floats
from liqbot.market.params import ForecastParams

_CLASSES: Final = 24
_ROUNDS: Final = 12
"""Every origin goes on from the last weights."""
_DAY_ORIGINS: Final = 24.0
"""The prior that the sum needs no scaling is worth this many origins."""


class MixtureWeights:
    """Of one horizon. `weights` are those of (map, climatology)."""

    def __init__(self, params: ForecastParams) -> None:
        self._params = params
        self._kept = fading_per_hour(params.scale_h)
        self._prior = np.array([1.0, params.climatology_share])
        self._printed: Floats = np.zeros((2, _CLASSES))
        """Printed USD by class of the map's part, and the same times that part."""
        self._offered: Floats = np.zeros(2)
        """USD of (map, climatology) in visited bins."""
        self._origins = 0.0
        self.weights: Floats = self._prior.copy()

    def count(self, mapped_usd: Floats, climate_usd: Floats, printed_usd: Floats) -> None:
        """One origin: what either offered in visited bins, and what was printed in them; arrays of one shape."""
        self._printed *= self._kept
        self._offered = self._offered * self._kept + (mapped_usd.sum(), climate_usd.sum())
        self._origins = self._origins * self._kept + 1.0
        both = mapped_usd + climate_usd
        shown = (printed_usd > 0) & (both > 0)
        if shown.any():
            part, usd = mapped_usd[shown] / both[shown], printed_usd[shown]
            which = np.minimum((part * _CLASSES).astype(np.int64), _CLASSES - 1)
            self._printed[0] += np.bincount(which, usd, minlength=_CLASSES)
            self._printed[1] += np.bincount(which, usd * part, minlength=_CLASSES)
        self._solve()

    def _solve(self) -> None:
        offered, printed = self._offered, self._printed[0]
        prior_sum_usd = float((self._prior * offered).sum())
        if not prior_sum_usd > 0:
            return
        prior_usd = prior_sum_usd * _DAY_ORIGINS / max(self._origins, _DAY_ORIGINS)
        centre = self._prior * ((float(printed.sum()) + prior_usd) / (prior_sum_usd + prior_usd))
        pull = offered * (self._params.mix_origins / self._origins)
        seen = printed > 0
        usd = printed[seen]
        parts, shares = np.empty((2, len(usd))), np.empty((2, len(usd)))
        np.divide(self._printed[1][seen], usd, out=parts[0])
        np.subtract(1.0, parts[0], out=parts[1])
        expected, ratio, some = np.empty(len(usd)), np.zeros(len(usd)), np.empty(len(usd), np.bool_)
        (of_map, of_climate), (pulled_map, pulled_climate) = self.weights.tolist(), (pull * centre).tolist()
        (room_map, room_climate), (map_usd, climate_usd) = (offered + pull).tolist(), offered.tolist()
        usual_map, usual_climate = centre.tolist()
        for _ in range(_ROUNDS):
            np.multiply(parts[0], of_map, out=shares[0])
            np.multiply(parts[1], of_climate, out=shares[1])
            np.add(shares[0], shares[1], out=expected)
            ratio.fill(0.0)
            np.divide(usd, expected, out=ratio, where=np.greater(expected, 0.0, out=some))
            np.multiply(parts, ratio, out=shares)
            by_map, by_climate = np.add.reduce(shares, axis=1).tolist()
            of_map = (of_map * by_map + pulled_map) / room_map if map_usd > 0 else usual_map
            of_climate = (of_climate * by_climate + pulled_climate) / room_climate if climate_usd > 0 else usual_climate
        self.weights = np.array([of_map, of_climate])

    def state(self) -> dict[str, Any]:
        return {
            "printed": packed(self._printed),
            "offered": packed(self._offered),
            "origins": self._origins,
            "weights": packed(self.weights),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self._printed, self._offered = unpacked(state["printed"]), unpacked(state["offered"])
        self._origins, self.weights = state["origins"], unpacked(state["weights"])
