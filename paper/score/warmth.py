"""How good a map is, by hours since it began empty: fresh maps started again and again along the scored part."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import NO_ROWS, EventBlock
from paper.score.bootstrap import Estimate
from paper.score.fit import deviance
from paper.score.information import InformationScore
from paper.score.models import ScoredModel
from paper.score.price_path import Floats, Whole
from paper.score.record import OURS, ScoreRecord
from paper.score.score import Scoring
from paper.score.touch import TouchScore, summed, touch_of

AGES_H: Final = (0, 1, 2, 4, 8, 16, 24, 48, 72, 96)
_HOUR_MS: Final = 3_600_000
Flags = npt.NDArray[np.bool_]
_WITH_HISTORY: Final = ("binance", "bybit", "okx")
"""Venues that give the history of open interest."""


class AgeClass(msgspec.Struct, frozen=True):
    """Maps of this age, beside the map that ran all along, over the same steps and origins."""

    from_h: int
    to_h: int
    origins: int
    cold_d2: Estimate
    warm_d2: Estimate
    cold_bits: Estimate
    warm_bits: Estimate
    baseline_bits: Estimate
    """B4v: what distance alone gives."""


class ColdStarts:
    """An empty map at every `every_h` from `first_ms` on, fed until the next one begins.

    With `backfill_h` each is given that much history first, as venues give it at start-up: bars and funding of all,
    open interest of some, no forced orders.
    """

    def __init__(
        self, make: Callable[[], ScoredModel], first_ms: int, *, every_h: int, backfill_h: int, primary_h: int,
        origin_every_ms: int, bins: int, history_codes: frozenset[int],
    ) -> None:
        self._make, self._next_ms, self._every_ms = make, first_ms, every_h * _HOUR_MS
        self._backfill_ms, self._primary_h, self._bins = backfill_h * _HOUR_MS, primary_h, bins
        self._origin_every_ms, self._history_codes = origin_every_ms, history_codes
        self._past: deque[EventBlock] = deque()
        self._model: ScoredModel | None = None
        self._began_ms = 0
        self._touched: dict[int, tuple[float, Floats]] = {}
        self._frozen: dict[int, tuple[float, Floats]] = {}
        self.starts = 0

    def __call__(self, block: EventBlock) -> None:
        now_ms = block.tick_ms
        if now_ms is None:
            return
        if now_ms > self._next_ms:
            self._start(self._next_ms)
            self._next_ms += self._every_ms
        if self._model is not None:
            self._model.take(block)
            age_h = (now_ms - self._began_ms) / _HOUR_MS
            self._touched[now_ms] = age_h, self._model.touched_usd().sum(axis=0)
            if now_ms % self._origin_every_ms == 0:
                outlook = self._model.outlook((self._primary_h,), self._bins)
                self._frozen[now_ms] = age_h, outlook.forecast_usd[self._primary_h]
        if self._backfill_ms:
            self._past.append(self._as_history(block))
            while self._past and (self._past[0].tick_ms or 0) <= now_ms - self._backfill_ms:
                self._past.popleft()

    def _start(self, began_ms: int) -> None:
        self._model, self._began_ms = self._make(), began_ms
        self.starts += 1
        for block in self._past:
            self._model.take(block)

    def _as_history(self, block: EventBlock) -> EventBlock:
        interest = block.open_interest
        known = np.isin(interest["venue"], list(self._history_codes))
        return EventBlock(
            bars=block.bars, funding=block.funding, tick_ms=block.tick_ms, backfilled=True,
            open_interest=interest[known] if known.any() else NO_ROWS["open_interest"],
        )

    def series(self, record: ScoreRecord) -> tuple[Floats, Floats, Floats, Floats]:
        """([S, 2] touched, [S] age, [O, 2, K] frozen, [O] age); ages are NaN where no fresh map ran."""
        touched, ages = np.zeros((len(record.time_ms), 2)), np.full(len(record.time_ms), np.nan)
        for number, time_ms in enumerate(record.time_ms.tolist()):
            if time_ms in self._touched:
                ages[number], touched[number] = self._touched[time_ms]
        frozen = np.zeros_like(record.forecast_usd[self._primary_h])
        origin_ages = np.full(len(frozen), np.nan)
        for number, time_ms in enumerate(record.origin_ms.tolist()):
            if time_ms in self._frozen:
                origin_ages[number], frozen[number] = self._frozen[time_ms]
        return touched, ages, frozen, origin_ages


def history_codes(venues: tuple[str, ...]) -> frozenset[int]:
    return frozenset(code for code, venue in enumerate(venues) if venue in _WITH_HISTORY)


def warmth_table(scoring: Scoring, cold: ColdStarts) -> tuple[AgeClass, ...]:
    """Classes of age with at least one scored origin. Touch weights are those fitted for the map that ran all along."""
    touched, step_ages, frozen, origin_ages = cold.series(scoring.record)
    touch, number = touch_of(scoring.record, scoring.grid)
    steps, trained = scoring.steps(touch, train=False), scoring.steps(touch, train=True)
    touch_score = TouchScore(touch, trained, steps, scoring.params.resamples, scoring.seed)
    warm = summed(scoring.record.touched_usd[OURS], number)
    fitted, weights = touch_score.fitted(warm)
    crossed = touch.crossed_bins
    cold_fitted = np.stack(
        [weights[side] @ np.stack([crossed[:, side], summed(touched, number)[:, side]]) for side in (0, 1)], axis=1
    )
    constant, _ = touch_score.fitted(np.zeros_like(warm))
    deviances = [deviance(touch.realised_usd, expected)[steps] for expected in (cold_fitted, fitted, constant)]
    ages = _last(step_ages, number)[steps]
    classes = []
    for low, high in itertools.pairwise(AGES_H):
        inside = (ages > low) & (ages <= high)
        origins = np.flatnonzero((origin_ages > low) & (origin_ages <= high))
        found = _class(scoring, touch_score, deviances, inside, origins, frozen)
        if found is not None:
            classes.append(AgeClass(low, high, *found))
    return tuple(classes)


def _class(
    scoring: Scoring, touch_score: TouchScore, deviances: list[Floats], inside: Flags, origins: Whole, frozen: Floats
) -> tuple[int, Estimate, Estimate, Estimate, Estimate, Estimate] | None:
    days = touch_score.days
    sums = [days.sums(one * inside[:, None]) for one in deviances]
    hours = scoring.params.primary_h
    scored = InformationScore(
        scoring.outcomes[hours], origins, scoring.origin_ms, scoring.climates[hours][0], scoring.params, scoring.seed
    )
    if not scored.origins:
        return None
    maps = {"cold": frozen, "warm": scoring.record.forecast_usd[hours], "B4v": scoring.climates[hours][1]}
    bits = [scored.gain(name, one).bits for name, one in maps.items()]
    d2 = [days.estimate(lambda own, usual: 1.0 - own / usual, one, sums[2]) for one in sums[:2]]
    return scored.origins, d2[0], d2[1], bits[0], bits[1], bits[2]


def _last(values: Floats, number: Whole) -> Floats:
    """Per score step the value at its last step of the tape."""
    ends = np.r_[np.flatnonzero(number[1:] != number[:-1]), len(number) - 1]
    found: Floats = values[ends]
    return found
