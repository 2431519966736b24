"""The first stage of a search: gates as columns, and the first of stop, take and time that price reaches. It knows no
account, no order and no trailing stop, and stop and take are those of the parameters as they are set, so it only
chooses who is worth a full walk; nothing is claimed from it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from liqbot.settings import Settings
from liqbot.signals.strategy import Exits, Strategy
from paper.research.feature_columns import FeatureColumns, signals_in
from paper.research.search_space import Candidate, with_candidate

_NONE: Final = Exits(float("nan"), None)


def screened(candidate: Candidate, settings: Settings, columns: Sequence[FeatureColumns]) -> float:
    """Score of a candidate: mean R per trade over its standard error, 0 with fewer than two trades."""
    signals = with_candidate(settings, candidate).signals
    found = [
        r
        for strategy in signals.strategies
        if (params := signals.of(strategy)).enabled
        for one in columns
        for r in screened_trades(one, strategy, params, signals.waive)
    ]
    if len(found) < 2 or not np.std(found) > 0:
        return 0.0
    return float(np.mean(found) / np.std(found, ddof=1) * np.sqrt(len(found)))


def screened_trades(
    columns: FeatureColumns, strategy: Strategy, params: Any, waive: tuple[str, ...]
) -> Iterator[float]:
    """R of one trade after the other: the next signal counts once the one before is over."""
    passed = np.flatnonzero(signals_in(columns, strategy, params, waive))
    free_from = 0
    for index in passed.tolist():
        if index < free_from:
            continue
        exits = columns.exits.get(strategy.name, {}).get(index, _NONE)
        take_pct = np.inf if exits.take_pct is None else exits.take_pct
        if not exits.stop_pct > 0 or not take_pct > 0:
            continue
        r, free_from = _outcome(columns, index, exits.stop_pct, take_pct, params.max_hold_ms)
        yield r


def _outcome(
    columns: FeatureColumns, index: int, stop_pct: float, take_pct: float, max_hold_ms: int
) -> tuple[float, int]:
    """(R, the first Tick after it). Within a step the stop comes first."""
    last = int(np.searchsorted(columns.time_ms, columns.time_ms[index] + max_hold_ms, "right"))
    entry, sign = columns.features.mark_price[index], float(columns.side)
    later = slice(index + 1, last)
    against, toward = (columns.low_price, columns.high_price) if sign > 0 else (columns.high_price, columns.low_price)
    worst_pct = sign * (against[later] / entry - 1.0) * 100.0
    best_pct = sign * (toward[later] / entry - 1.0) * 100.0
    stopped, taken = _first(worst_pct <= -stop_pct), _first(best_pct >= take_pct)
    if stopped <= taken and stopped < len(worst_pct):
        moved_pct, after = -stop_pct, stopped
    elif taken < len(worst_pct):
        moved_pct, after = take_pct, taken
    else:
        end = max(index, last - 1)
        moved_pct, after = sign * (columns.features.mark_price[end] / entry - 1.0) * 100.0, end - index - 1
    return float((moved_pct - columns.cost_pct) / stop_pct), index + 2 + after


def _first(found: np.ndarray) -> int:
    """Index of the first True; the length without any."""
    return int(found.argmax()) if found.any() else len(found)
