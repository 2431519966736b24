"""From a record to a score: split in time, make the baselines, measure every model the same way."""

import time
from typing import Final

import msgspec
import numpy as np

from liqbot.exits import Exit, ExpectedError
from paper.score.bootstrap import Estimate
from paper.score.frozen import (
    FrozenOutcome,
    Grid,
    climatology,
    mirrored,
    moved_in_time,
    of_the_past,
    origins_in,
    outcome,
)
from paper.score.information import Gain, InformationScore, with_climatology
from paper.score.params import ScoreParams
from paper.score.price_path import Floats, Whole
from paper.score.rank_skill import RankScore, RankSkill
from paper.score.record import ONLINE, OURS, ScoreRecord
from paper.score.skill_gap import CEILING, ORACLE, WITH_FLOW
from paper.score.touch import DEPTHS, Touch, TouchScore, TouchSkill, blended, summed, touch_of, touched_of
from paper.score.windows import by_window, depth, over_windows

OURS_BLENDED: Final = "liqbot_C"
"""Our positions (not our forecast) treated the same way: what climatology adds to the map alone."""
NEXT_BEST: Final = "B2b_C"
"""The best open map treated so: what our positions add beyond it."""
_HOUR_MS: Final = 3_600_000


class Split(msgspec.Struct, frozen=True, eq=False):
    """Where the training part and the scored part begin; the first part fills maps and is not used."""

    first_ms: int
    train_ms: int
    test_ms: int
    last_ms: int


def split_of(record: ScoreRecord, params: ScoreParams) -> Split:
    first, last = int(record.time_ms[0]), int(record.time_ms[-1])
    span = last - first
    train = first + int(span * params.warmup_share)
    return Split(first, train, train + int(span * params.train_share), last)


class Scoring:
    """All arrays of one score; the measures fill their tables in the order baselines, ours, truth."""

    def __init__(
        self, record: ScoreRecord, params: ScoreParams, seed: int, truth: Floats | None = None
    ) -> None:
        """`truth` is [O, 2, K], the true map at each origin."""
        self.record, self.params, self.seed, self.truth = record, params, seed, truth
        self.split = split_of(record, params)
        self.grid = Grid(record)
        self.printed = self.grid.printed()
        self.origin_ms = record.origin_ms
        self.test = origins_in(record, self.split.test_ms, self.split.last_ms + 1)
        self.past = of_the_past(record, self.grid, self.printed, params, seed)
        self.outcomes = {
            hours: outcome(record, self.grid, self.printed, hours, params.bins)
            for hours in record.setting.horizons_h
        }
        if not self.outcomes[params.primary_h].usable[self.test].any():
            raise ExpectedError(
                f"the scored part of the tape, {(self.split.last_ms - self.split.test_ms) / _HOUR_MS:.1f} h, holds no "
                f"forecast of {params.primary_h} h to its end: a longer tape is needed", Exit.USAGE,
            )  # fmt: skip
        self.climates = {
            hours: climatology(found, self.reach(hours)) for hours, found in self.outcomes.items()
        }

    def reach(self, hours: int) -> int:
        """Origins in a horizon."""
        return hours * _HOUR_MS // self.record.setting.origin_every_ms

    def train(self, hours: int) -> Whole:
        """Origins whose whole horizon lies in the training part."""
        return origins_in(self.record, self.split.train_ms, self.split.test_ms - hours * _HOUR_MS + 1)

    def position_maps(self, hours: int) -> dict[str, Floats]:
        """What each model would draw."""
        maps = {name: self.record.positions_usd[name] for name in (*ONLINE, OURS)}
        maps |= self.past | dict(zip(("B4", "B4v"), self.climates[hours], strict=True))
        if self.truth is not None:
            maps[ORACLE] = self.truth
        return dict(sorted(maps.items()))

    def forecasts(self, hours: int) -> dict[str, Floats]:
        """What each model would say is reported within the horizon if price goes there."""
        maps, found = self.position_maps(hours), self.outcomes[hours]
        climate, train = self.climates[hours][1], self.train(hours)
        gap = self.params.shuffle_gap_h * _HOUR_MS // self.record.setting.origin_every_ms
        maps[OURS_BLENDED] = with_climatology(found, train, climate, maps[OURS])
        maps[NEXT_BEST] = with_climatology(found, train, climate, maps["B2b"])
        maps[OURS] = ours = self.record.forecast_usd[hours]
        maps["B6"] = moved_in_time(ours, gap, self.seed)
        maps["moved 48 h"], maps["mirrored"] = moved_in_time(ours, gap, None), mirrored(ours)
        if self.truth is not None:
            maps[CEILING] = with_climatology(found, train, climate, self.truth)
        return dict(sorted(maps.items()))

    def touch_series(self) -> tuple[Touch, dict[str, Floats]]:
        """The series, and what every model expected in each step, unfitted."""
        record = self.record
        touch, number = touch_of(record, self.grid)
        expected = {name: summed(values, number) for name, values in record.touched_usd.items()}
        expected["B0"] = touch.crossed_bins
        expected |= {name: touch.crossed_bins**power for name, power in DEPTHS.items()}
        first = min(self.climates)
        frozen = {name: maps for name, maps in self.past.items() if name != "B0"}
        frozen |= dict(zip(("B4", "B4v"), self.climates[first], strict=True))
        expected |= {name: touched_of(maps, touch) for name, maps in frozen.items()}
        train, climate = self.steps(touch, train=True), expected["B4v"]
        expected[OURS_BLENDED] = blended(touch, train, climate, expected[OURS])
        expected[NEXT_BEST] = blended(touch, train, climate, expected["B2b"])
        if self.truth is not None:
            expected[ORACLE] = touched_of(self.truth, touch)
            expected[CEILING] = blended(touch, train, climate, expected[ORACLE])
            expected[WITH_FLOW] = blended(touch, train, climate, expected[ORACLE], expected[OURS])
        return touch, dict(sorted(expected.items()))

    def steps(self, touch: Touch, *, train: bool) -> Whole:
        begin, end = (
            (self.split.train_ms, self.split.test_ms) if train else (self.split.test_ms, self.split.last_ms + 1)
        )
        return np.flatnonzero((touch.time_ms > begin) & (touch.time_ms <= end))

    def touch_table(self, *, beyond_depth: bool = False) -> tuple[dict[str, TouchSkill], TouchScore]:
        """M1."""
        touch, expected = self.touch_series()
        scored = TouchScore(
            touch, self.steps(touch, train=True), self.steps(touch, train=False), self.params.resamples, self.seed,
            beyond_depth=beyond_depth,
        )
        return {name: scored.skill(name, values) for name, values in expected.items()}, scored

    def gain_table(self, hours: int) -> tuple[dict[str, Gain], InformationScore]:
        """M2 at one horizon."""
        scored = InformationScore(
            self.outcomes[hours], self.test, self.origin_ms, self.climates[hours][0], self.params, self.seed
        )
        return {name: scored.gain(name, maps) for name, maps in self.forecasts(hours).items()}, scored

    def window_table(self, hours: int) -> tuple[dict[str, Estimate], InformationScore]:
        """M2 by window at one horizon."""
        found = self.outcomes[hours]
        scored = InformationScore(
            by_window(found), self.test, self.origin_ms, over_windows(found, self.climates[hours][0]), self.params,
            self.seed,
        )
        maps = {name: over_windows(found, one) for name, one in self.forecasts(hours).items()} | {
            name: depth(found) ** (power - 1.0) for name, power in DEPTHS.items()
        }
        return {name: scored.gain(name, one).rate_bits for name, one in sorted(maps.items())}, scored

    def rank_table(self, hours: int) -> tuple[dict[str, RankSkill], RankScore]:
        """M3 and M4 at one horizon; of what is drawn, not of the forecast. Models that say the same of every bin at a
        distance have no rank beyond it and are left out."""
        scored = RankScore(
            self.outcomes[hours], self.test, self.origin_ms, self.climates[hours][1], self.params, self.seed
        )
        maps = {name: one for name, one in self.position_maps(hours).items() if name not in ("B0", "B4", "B4v")}
        return {name: scored.skill(name, one) for name, one in maps.items()}, scored


class Timer:
    """Wall seconds by part, for those who want to know where they go."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._from = time.perf_counter()

    def lap(self, part: str) -> None:
        now = time.perf_counter()
        self.seconds[part] = round(now - self._from, 2)
        self._from = now


def inside_share(found: FrozenOutcome) -> float:
    """Share of the reported USD, over all usable windows, that lies in visited bins ahead of the origin's mark."""
    inside = float(found.realised_usd[found.usable].sum())
    return inside / (inside + found.outside_usd) if inside + found.outside_usd > 0 else float("nan")
