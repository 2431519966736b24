"""Walking forward: before each window parameters are chosen anew by what came before it, and only what they make in the
window counts. That is as near as one tape comes to a trader who keeps tuning."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.settings import Settings
from paper.backtest.strategy_stats import TradeSample, expectancy
from paper.research.search_space import suggested_space
from paper.research.walks import Walked
from paper.score.bootstrap import Estimate

VARIATIONS: Final = 24
"""Candidates beside the settings as they are: each turns one threshold."""
TRADES_MIN: Final = 5
"""Before a window, for a candidate to be chosen for it."""


class Window(msgspec.Struct, frozen=True):
    """What was chosen before it, and what that made in it."""

    start_ms: int
    end_ms: int
    chosen: dict[str, Any]
    """Empty: the settings as they are."""
    trades: int
    r_mean: float


class WalkForward(msgspec.Struct, frozen=True):
    windows: tuple[Window, ...]
    chosen_r: Estimate
    """R per trade in all windows, by what was chosen before each."""
    as_set_r: Estimate
    """R per trade in the same windows, by the settings as they are."""
    best_in_hindsight_r: Estimate
    """By the one candidate that turned out best in them: what nobody could have known."""


def variations(settings: Settings, seed: int, most: int = VARIATIONS) -> tuple[dict[str, Any], ...]:
    """The settings as they are, then single changes of the enabled strategies' thresholds, drawn where there are more
    than `most`."""
    single = [{one.name: value} for one in suggested_space(settings, ()).dimensions for value in one.values]
    chance = np.random.default_rng(seed)
    kept = sorted(chance.permutation(len(single))[:most].tolist())
    return ({}, *(single[index] for index in kept))


def walk_forward(candidates: Sequence[dict[str, Any]], walked: Sequence[Walked], windows: int) -> WalkForward:
    """`candidates` and what each did on the same tape, the settings as they are first. The tape is cut into
    `windows` + 1 stretches of one length; the first is only learnt from."""
    first_ms, last_ms = walked[0].first_ms, walked[0].last_ms
    edges = np.linspace(first_ms, last_ms + 1, windows + 2).astype(np.int64).tolist()
    found, made = [], []
    for start_ms, end_ms in itertools.pairwise(edges[1:]):
        index = _best_before(walked, start_ms)
        inside = trades_in(walked[index], start_ms, end_ms)
        made.append(inside)
        mean = float(np.mean(inside.r_multiples)) if len(inside) else float("nan")
        found.append(Window(start_ms, end_ms, dict(candidates[index]), len(inside), mean))
    later = [trades_in(one, edges[1], edges[-1]) for one in walked]
    return WalkForward(
        tuple(found), expectancy(_joined(made)), expectancy(later[0]), expectancy(max(later, key=_certainty)),
    )


def trades_in(walked: Walked, start_ms: int, end_ms: int) -> TradeSample:
    """Those opened within, whenever they ended."""
    chosen = [
        (closed_ms, r)
        for opened_ms, closed_ms, r in zip(walked.opened_ms, walked.closed_ms, walked.r_multiples, strict=True)
        if start_ms <= opened_ms < end_ms
    ]
    return TradeSample(tuple(closed_ms for closed_ms, _ in chosen), tuple(r for _, r in chosen))


def _best_before(walked: Sequence[Walked], start_ms: int) -> int:
    """By trades that were over; the settings as they are where nobody has enough of them."""
    scores = []
    for one in walked:
        closed = [r for closed_ms, r in zip(one.closed_ms, one.r_multiples, strict=True) if closed_ms < start_ms]
        scores.append(_certainty(TradeSample((0,) * len(closed), tuple(closed))))
    best = int(np.argmax(scores))
    return best if scores[best] > scores[0] else 0


def _certainty(sample: TradeSample) -> float:
    """Mean R over its standard error; minus infinity with too few trades."""
    if len(sample) < TRADES_MIN or not np.std(sample.r_multiples) > 0:
        return float("-inf")
    return float(np.mean(sample.r_multiples) / np.std(sample.r_multiples, ddof=1) * np.sqrt(len(sample)))


def _joined(samples: Sequence[TradeSample]) -> TradeSample:
    return TradeSample(
        tuple(ms for one in samples for ms in one.closed_ms), tuple(r for one in samples for r in one.r_multiples)
    )
