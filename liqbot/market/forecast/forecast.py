"""The forecast layer: how much will be reported from a price band if price goes there within some hours.

It is a weighted sum of the map in reported USD and a climatology: the USD that bins at a distance gave, on average,
when they were visited, however the map looked. All is learnt on frozen origins: every hour the map is put aside, and
what was visited and printed after one, four and twenty-four hours says what such a distance is worth and how much
weight either deserves.
Bins are 20 basis points wide, counted from the mark outward, below it for longs, above it for shorts.
"""

import math
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.decay import fading_per_hour
from liqbot.market.estimate.kernels import Floats
from liqbot.market.estimate.price_grid import price_at
from liqbot.market.estimate.running_sums import sums_at
from liqbot.market.forecast.mixture import MixtureWeights
from liqbot.market.params import ForecastParams

FINE: Final = 4
"""Grid bins of 5 bp in one bin of the forecast."""
BINS: Final = 100
_HOUR_MS: Final = 3_600_000
_NEIGHBOURS: Final = np.arange(BINS) // 4
_FIRST: Final = np.maximum(np.arange(BINS) - _NEIGHBOURS, 0)
_STOP: Final = np.minimum(np.arange(BINS) + _NEIGHBOURS, BINS - 1) + 1
"""The farther away, the more neighbours a bin's climatology is the mean of: far bins are visited rarely."""
_QUARTERS: Final = np.array([0.125, 0.375, 0.625, 0.875])
_OUTWARD: Final = np.array([-1.0, 1.0])
_STEPS: Final = FINE * np.arange(BINS + 1)


class Forecast(msgspec.Struct, frozen=True, eq=False):
    """`long_usd[i]`, `short_usd[i]`: reported USD expected from 20 i .. 20 (i + 1) bp from the mark, if visited.

    `long_sd_usd`, `short_sd_usd`: standard deviations of it.
    """

    coin: str
    as_of_ms: int
    horizon_h: int
    mark_price: float
    long_usd: Floats
    short_usd: Floats
    long_sd_usd: Floats
    short_sd_usd: Floats

    def copy(self) -> "Forecast":
        """With arrays of its own."""
        return msgspec.structs.replace(
            self, long_usd=self.long_usd.copy(), short_usd=self.short_usd.copy(),
            long_sd_usd=self.long_sd_usd.copy(), short_sd_usd=self.short_sd_usd.copy(),
        )


class _Origin(msgspec.Struct):
    """A moment put aside. Positions are fractional bins of the price grid; arrays are [side, bin]."""

    time_ms: int
    position: float
    low: float
    high: float
    root: float
    """Root of the activity then."""
    mapped_usd: Floats
    printed_usd: Floats
    learnt: int = 0
    """How many horizons it has been learnt from."""

    def visited(self) -> Floats:
        """Share of each bin that price has been in since."""
        extent = np.array([self.position - self.low, self.high - self.position]) / FINE
        found: Floats = np.clip(extent[:, None] - np.arange(BINS), 0.0, 1.0)
        return found


class ForecastFold:
    """Tell it volume, path and prints of every step; `begin_origin` when `due`; `expected` of a map as it stands."""

    def __init__(self, params: ForecastParams) -> None:
        self._params = params
        self._origins: list[_Origin] = []
        count = len(params.horizons_h)
        self._printed: Floats = np.zeros((count, BINS))
        self._visits: Floats = np.zeros((count, BINS))
        self._mixtures = [MixtureWeights(params) for _ in params.horizons_h]
        self._volume = [0.0, 0.0]
        """Volume per hour: recent, and baseline."""

    @property
    def activity(self) -> float:
        """Recent over baseline volume; 1 before there is any."""
        recent, baseline = self._volume
        return recent / baseline if baseline > 0 else 1.0

    # --- the update ---------------------------------------------------------------------------------------------------

    def count_volume(self, volume_usd: float, span_ms: int) -> None:
        hours = span_ms / _HOUR_MS
        for index, memory_h in enumerate((self._params.recent_h, self._params.usual_h)):
            before = self._volume[index]
            share = hours / (memory_h + hours) if before > 0 else 1.0
            self._volume[index] = before + share * (volume_usd / hours - before)

    def on_path(self, low: float, high: float) -> None:
        """The reference moved within low..high (positions)."""
        for origin in self._origins:
            if low < origin.low:  # noqa: PLR1730 - every step asks every origin, and hardly any is answered
                origin.low = low
            if high > origin.high:  # noqa: PLR1730
                origin.high = high

    def on_print(self, side: int, low: float, high: float, usd: float) -> None:
        """A forced order from somewhere within low..high (positions of the reference), spread evenly."""
        if not usd > 0:
            return
        at, quarter_usd = low + (high - low) * _QUARTERS, usd / 4.0
        positions = np.array([origin.position for origin in self._origins])
        away = (at - positions[:, None]) * (_OUTWARD[side] / FINE)
        for origin, places in zip(self._origins, away.tolist(), strict=True):
            for place in places:
                if 0 <= place < BINS:
                    origin.printed_usd[side, int(place)] += quarter_usd

    def due(self, now_ms: int) -> bool:
        return not self._origins or now_ms // _HOUR_MS > self._origins[-1].time_ms // _HOUR_MS

    def begin_origin(self, now_ms: int, position: float, mapped_usd: Floats) -> None:
        """Learn from origins whose horizons have ended, then put `mapped_usd[side, bin]` (reported USD) aside."""
        horizons = self._params.horizons_h
        for origin in self._origins:
            while origin.learnt < len(horizons) and now_ms - origin.time_ms >= horizons[origin.learnt] * _HOUR_MS:
                self._learn(origin.learnt, origin)
                origin.learnt += 1
        self._origins = [origin for origin in self._origins if origin.learnt < len(horizons)]
        root = math.sqrt(self.activity)
        empty = np.zeros((2, BINS))
        self._origins.append(_Origin(now_ms, position, position, position, root, mapped_usd, empty))

    def _learn(self, index: int, origin: _Origin) -> None:
        visited = origin.visited()
        printed = np.where(visited > 0, origin.printed_usd, 0.0)
        climate = origin.root * self.climatology_usd(index)
        self._mixtures[index].count(origin.mapped_usd * visited, climate * visited, printed)
        # One origin an hour: a half-life in hours is one in origins.
        kept = fading_per_hour(self._params.climatology_h)
        self._printed[index] = self._printed[index] * kept + printed.sum(axis=0)
        self._visits[index] = self._visits[index] * kept + visited.sum(axis=0)

    # --- reading ------------------------------------------------------------------------------------------------------

    def climatology_usd(self, index: int) -> Floats:
        """Reported USD per bin visited within a horizon, by distance; where few were visited, of distances around."""
        printed, visits = self._printed[index], self._visits[index]
        total = float(visits.sum())
        anywhere = float(printed.sum()) / total if total > 0 else 0.0
        few = self._params.visits_min
        found: Floats = (_widened(printed) + few * anywhere) / (_widened(visits) + few)
        return found

    def weights(self, horizon_h: int) -> tuple[float, float]:
        """Learnt weights of (map in reported USD, climatology). A horizon that is not learnt is a ValueError."""
        of_map, of_climate = self._mixtures[self._index(horizon_h)].weights.tolist()
        return of_map, of_climate

    def _index(self, horizon_h: int) -> int:
        if horizon_h not in self._params.horizons_h:
            known = ", ".join(f"{hours}" for hours in self._params.horizons_h)
            raise ValueError(f"horizon_h: {horizon_h} is not one of {known}")
        return self._params.horizons_h.index(horizon_h)

    def expected(self, horizon_h: int, mapped_usd: Floats) -> Floats:
        """[side, bin] of reported USD if visited within the horizon, from the map in reported USD as it stands."""
        index = self._index(horizon_h)
        of_map, of_climate = self._mixtures[index].weights.tolist()
        climate = of_climate * math.sqrt(self.activity) * self.climatology_usd(index)
        found: Floats = of_map * mapped_usd + climate
        return found

    def state(self) -> dict[str, Any]:
        origins = [
            [one.time_ms, one.position, one.low, one.high, one.root, one.learnt,
             packed(one.mapped_usd), packed(one.printed_usd)]
            for one in self._origins
        ]  # fmt: skip
        sums = [packed(array) for array in (self._printed, self._visits)]
        mixtures = [mixture.state() for mixture in self._mixtures]
        return {"origins": origins, "sums": sums, "mixtures": mixtures, "volume": list(self._volume)}

    def load_state(self, state: dict[str, Any]) -> None:
        self._origins = [
            _Origin(time_ms, position, low, high, root, unpacked(mapped), unpacked(printed), learnt)
            for time_ms, position, low, high, root, learnt, mapped, printed in state["origins"]
        ]
        self._printed, self._visits = (unpacked(array) for array in state["sums"])
        for mixture, kept in zip(self._mixtures, state["mixtures"], strict=True):
            mixture.load_state(kept)
        self._volume = list(state["volume"])


def _widened(values: Floats) -> Floats:
    below = np.concatenate(([0.0], values.cumsum()))
    found: Floats = (below[_STOP] - below[_FIRST]) / (_STOP - _FIRST)
    return found


def edge_prices(position: float) -> list[float]:
    """Ascending prices of the edges of the forecast bins on both sides of a position of the price grid."""
    return [price_at(position + FINE * step) for step in range(-BINS, BINS + 1)]


def outward(usd: Floats, first: float, position: float, side: int) -> Floats:
    """USD per forecast bin from `position` outward, of USD per grid bin that begins at position `first`."""
    at = sums_at(usd, position - first + _OUTWARD[side] * _STEPS)
    found: Floats = np.maximum(np.diff(at) * _OUTWARD[side], 0.0)
    return found
