"""A search in two stages: many candidates screened as columns, the best of them walked through the whole house; then
the guards that say how much of the best one is luck."""

import hashlib
import math
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.code_version import source_digest
from liqbot.review.progress import progress
from paper.backtest.strategy_stats import TradeSample, expectancy
from paper.research.feature_columns import FeatureColumns, columns_of
from paper.research.overfitting import deflated_sharpe, moments_of, overfitting_probability
from paper.research.screen import screened
from paper.research.search_space import SearchSpace, key_of
from paper.research.setup import Setup, content_digest, ready
from paper.research.study import SearchBook, Tried, suggested
from paper.research.walks import Walked, WalkJob, pooled_daily_r, walk
from paper.research.work import Workers
from paper.score.bootstrap import Estimate
from paper.score.price_path import Floats

BATCH: Final = 25
"""Candidates that are walked side by side over one fold of the market."""
TRADES_MIN: Final = 20
"""A candidate with fewer closed trades on the training tapes cannot be the best."""
FINALISTS: Final = 10


class Finalist(msgspec.Struct, frozen=True):
    candidate: dict[str, Any]
    """Empty for the settings as they are."""
    value: float
    """Sharpe ratio per day of R on the training tapes; minus infinity with too few trades."""
    trades: int
    expectancy_r: Estimate
    held_out_trades: int = 0
    held_out_r: Estimate | None = None
    """On tapes that no choice was made on; only of the best and of the settings as they are."""


class SearchReport(msgspec.Struct, frozen=True):
    """The best candidates first, and the settings as they are."""

    screened: int
    walked: int
    """Candidates, those of former runs included."""
    finalists: tuple[Finalist, ...]
    as_set: Finalist
    deflated_sharpe_probability: float
    """NaN where the best has too few trades."""
    overfitting_probability: float
    screen_sets_per_s: float
    """Bars times candidates screened in a second of this run, folding included; NaN when nothing was screened."""
    walk_sets_per_s: float
    """Likewise of full walks."""


class Search(msgspec.Struct, frozen=True):
    """What is searched: `training` tapes choose, `held_out` ones are looked at once, at the end."""

    training: tuple[Setup, ...]
    held_out: tuple[Setup, ...]
    space: SearchSpace
    trials: int
    """Candidates screened; 0: no screening, every combination is walked."""
    walks: int
    """Of the screened, how many are walked."""
    seed: int
    batch: int = BATCH

    def digest(self) -> str:
        """Of what results depend on: what the tapes hold, settings, what is turned, code."""
        parts = [source_digest(), msgspec.json.encode(self.space).decode()]
        for setup in self.training:
            parts += [content_digest(setup.tape), setup.settings_json]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def search(asked: Search, book: SearchBook, workers: Workers) -> SearchReport:
    """Resumable: candidates that the book has are not walked again."""
    began_s = time.monotonic()
    chosen = list(asked.space.grid()) if not asked.trials else _screened(asked)
    screen_s, before = time.monotonic() - began_s, len(book.tried())
    candidates: list[dict[str, Any]] = [{}, *chosen]
    tried = walk_all(asked, candidates, book, workers)
    walk_s = time.monotonic() - began_s - screen_s
    bars = sum(_bars(setup) for setup in asked.training)
    made = len(book.tried()) - before
    changed = [one for one in tried.values() if one.candidate]
    ranked = sorted(changed, key=lambda one: (-one.value, key_of(one.candidate)))
    best, as_set = (ranked or [tried[key_of({})]])[0], tried[key_of({})]
    held = _held_out(asked, [best.candidate, as_set.candidate], workers)
    returns = np.stack([pooled_daily_r(list(one.walked.values())) for one in tried.values()], axis=1)
    return SearchReport(
        screened=asked.trials, walked=len(tried),
        finalists=tuple(_finalist(one, held) for one in ranked[:FINALISTS]), as_set=_finalist(as_set, held),
        deflated_sharpe_probability=_skill_share(best, returns),
        overfitting_probability=overfitting_probability(returns),
        screen_sets_per_s=bars * asked.trials / screen_s if asked.trials else float("nan"),
        walk_sets_per_s=bars * made / walk_s if made else float("nan"),
    )


def _skill_share(best: Tried, returns: Floats) -> float:
    """The deflated Sharpe ratio of the best; NaN where even that has too few trades to be judged by."""
    if not math.isfinite(best.value):
        return math.nan
    ratios = np.array([moments_of(column).sharpe_ratio for column in returns.T])
    return deflated_sharpe(pooled_daily_r(list(best.walked.values())), ratios)


def _screened(asked: Search) -> list[dict[str, Any]]:
    """The best of the suggested, each once."""
    folded: list[tuple[Setup, tuple[FeatureColumns, ...]]] = []
    with progress("columns") as advance:
        for number, setup in enumerate(asked.training, 1):
            tape, settings = ready(setup)
            folded.append((setup, columns_of(tape, settings)))
            advance(number / len(asked.training))
    scores: dict[str, tuple[float, dict[str, Any]]] = {}
    with progress("screening") as advance:
        for number, (candidate, told) in enumerate(suggested(asked.space, asked.seed), 1):
            key = key_of(candidate)
            if key not in scores:
                score = sum(screened(candidate, ready(setup).settings, columns) for setup, columns in folded)
                scores[key] = score, candidate
            told.value = scores[key][0]
            advance(number / asked.trials)
            if number >= asked.trials or len(scores) >= asked.space.size:
                break
    ranked = sorted(scores.values(), key=lambda one: (-one[0], key_of(one[1])))
    return [candidate for _, candidate in ranked[: asked.walks]]


def value_of(walked: Sequence[Walked]) -> float:
    """What a candidate is judged by."""
    if sum(len(one.r_multiples) for one in walked) < TRADES_MIN:
        return float("-inf")
    found = moments_of(pooled_daily_r(walked)).sharpe_ratio
    return found if found == found else float("-inf")


def walk_all(
    asked: Search, candidates: Sequence[dict[str, Any]], book: SearchBook, workers: Workers
) -> dict[str, Tried]:
    """All of them by key. A candidate is written as soon as it has been walked on every training tape."""
    tried = book.tried()
    missing = [one for one in candidates if key_of(one) not in tried]
    batches = [tuple(missing[first : first + asked.batch]) for first in range(0, len(missing), asked.batch)]
    jobs = [WalkJob(setup, batch) for batch in batches for setup in asked.training]
    parts: dict[str, dict[str, Walked]] = {}
    with progress(f"walks of {len(missing)} candidates") as advance:
        for done, (job, found) in enumerate(workers.results(walk, jobs), 1):
            for candidate, walked in zip(job.candidates, found, strict=True):
                part = parts.setdefault(key_of(candidate), {})
                part[job.setup.tape] = walked
                if len(part) == len(asked.training):
                    in_order = {setup.tape: part[setup.tape] for setup in asked.training}
                    one = Tried(dict(candidate), value_of(list(in_order.values())), in_order)
                    book.add(one, asked.space)
                    tried[key_of(candidate)] = one
            advance(done / len(jobs))
    return {key: tried[key] for key in map(key_of, candidates)}


def _held_out(
    asked: Search, candidates: Sequence[dict[str, Any]], workers: Workers
) -> dict[str, tuple[Walked, ...]]:
    """Trades of each on the tapes that chose nothing."""
    jobs = [WalkJob(setup, tuple(candidates)) for setup in asked.held_out]
    found: dict[str, tuple[Walked, ...]] = {}
    for _, walked in workers.results(walk, jobs):
        for candidate, one in zip(candidates, walked, strict=True):
            found[key_of(candidate)] = (*found.get(key_of(candidate), ()), one)
    return found


def _finalist(one: Tried, held: dict[str, tuple[Walked, ...]]) -> Finalist:
    sample = sample_of(list(one.walked.values()))
    unseen = held.get(key_of(one.candidate))
    if unseen is None:
        return Finalist(one.candidate, one.value, len(sample), expectancy(sample))
    outside = sample_of(unseen)
    return Finalist(one.candidate, one.value, len(sample), expectancy(sample), len(outside), expectancy(outside))


def sample_of(walked: Sequence[Walked]) -> TradeSample:
    """All trades of several tapes."""
    return TradeSample(
        tuple(ms for one in walked for ms in one.closed_ms), tuple(r for one in walked for r in one.r_multiples)
    )


def _bars(setup: Setup) -> int:
    return sum(one.rows for one in ready(setup).tape.holdings if one.kind == "trades")
