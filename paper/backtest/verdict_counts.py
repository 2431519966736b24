"""Counts verdicts and refusals at every tick from Steps that report only changes, and the inputs they lacked."""

import operator
from collections import Counter
from typing import Any, Final

import msgspec

from liqbot.engine import Engine, Step
from liqbot.instruments import Side
from liqbot.market.map.zones import ABSENT
from liqbot.market.view import MarketView, SideView
from liqbot.risk.decision import Refused
from liqbot.signals.evaluate import evaluate
from liqbot.signals.features import next_cluster, under_way
from liqbot.signals.registry import SignalParams
from liqbot.signals.verdict import MISSING, SIGNAL, STRATEGY_FAILED, Gate, Verdict

# The fields of a view that decide which inputs of gates are absent.
_FIELDS: Final = tuple(name for name, kind in MarketView.__annotations__.items() if kind is float)
_VALUES: Final = operator.attrgetter(*_FIELDS)
_THERE: Final = {"ahead": "ahead_seen", "sweep": "sweep_seen"}
"""Features of a cluster or sweep are absent when there is none: that is an answer, not a missing input."""


class Count(msgspec.Struct, frozen=True):
    """`times` counts ticks, `changes` how often it came up anew."""

    strategy: str
    code: str
    times: int
    changes: int


class MissingInputCount(msgspec.Struct, frozen=True):
    """Verdicts (one per tick, strategy and side) with a gate whose input was absent."""

    input: str
    refused: int
    """The gate did not pass for lack of it."""
    waived: int
    """The profile let the gate pass without it."""


class _Run(msgspec.Struct):
    code: str
    since: int


class VerdictTally:
    """Fed with every Step; the engine repeats neither a verdict nor a refusal that stays the same."""

    def __init__(self, params: SignalParams, coins: tuple[str, ...]) -> None:
        self._params, self._coins = params, coins
        self._ticks: Counter[str] = Counter()
        self._verdicts: dict[tuple[str, str, Side], _Run] = {}
        self._refusals: dict[tuple[str, str, Side | None], _Run] = {}
        self._verdict_times: Counter[tuple[str, str]] = Counter()
        self._verdict_changes: Counter[tuple[str, str]] = Counter()
        self._refusal_times: Counter[tuple[str, str]] = Counter()
        self._refusal_changes: Counter[tuple[str, str]] = Counter()
        self._patterns: dict[tuple[Any, ...], tuple[MarketView, int]] = {}
        self.failed: dict[str, str] = {}
        """Strategies of the user's own that a fault of theirs disabled, and why."""

    @property
    def ticks(self) -> int:
        """Ticks at which reasons were weighed, over all coins."""
        return self._ticks.total()

    def on_tick(self, step: Step, engine: Engine) -> None:
        """After each block that carried a Tick."""
        for view in engine.views:
            if not view.backfilled and view.coin in self._coins:
                self._ticks[view.coin] += 1
                pattern = _pattern(view, self._params.cluster_reach_pct)
                seen = self._patterns.get(pattern)
                self._patterns[pattern] = (view, 1) if seen is None else (seen[0], seen[1] + 1)
        for verdict in step.verdicts:
            if verdict.code == STRATEGY_FAILED:
                self.failed[verdict.strategy] = verdict.reason
            key = verdict.coin, verdict.strategy, verdict.side
            self._switch(self._verdicts, self._verdict_times, self._verdict_changes, key, verdict.code)
            if verdict.code != SIGNAL:
                self._switch(self._refusals, self._refusal_times, self._refusal_changes, key, None)
        for decision in step.decisions:
            if isinstance(decision, Refused):
                key_of = decision.coin, decision.strategy, decision.side
                self._switch(self._refusals, self._refusal_times, self._refusal_changes, key_of, decision.code.value)
            elif decision.target.quantity_base > 0:
                target = decision.target
                key_of = target.coin, target.strategy, target.side
                self._switch(self._refusals, self._refusal_times, self._refusal_changes, key_of, None)

    def _switch(
        self, runs: dict[Any, _Run], times: Counter[tuple[str, str]], changes: Counter[tuple[str, str]],
        key: Any, code: str | None,
    ) -> None:  # fmt: skip
        now = self._ticks[key[0]]
        ended = runs.pop(key, None)
        if ended is not None:
            times[key[1], ended.code] += now - ended.since
        if code is not None:
            runs[key] = _Run(code, now)
            changes[key[1], code] += 1

    def verdicts(self) -> tuple[Count, ...]:
        """By strategy and code, most frequent first."""
        return self._counts(self._verdicts, self._verdict_times, self._verdict_changes)

    def refusals(self) -> tuple[Count, ...]:
        """Risk's refusals by strategy and code, most frequent first."""
        return self._counts(self._refusals, self._refusal_times, self._refusal_changes)

    def _counts(
        self, runs: dict[Any, _Run], ended: Counter[tuple[str, str]], changes: Counter[tuple[str, str]]
    ) -> tuple[Count, ...]:
        times = Counter(ended)
        for key, run in runs.items():
            times[key[1], run.code] += self._ticks[key[0]] - run.since + 1
        ordered = sorted(times, key=lambda name: (name[0], -times[name], name[1]))
        return tuple(Count(*name, times[name], changes[name]) for name in ordered)

    def lacks(self) -> tuple[MissingInputCount, ...]:
        """Exact: views with the same fields absent make the same gates lack the same inputs, so one stands for all."""
        refused: Counter[str] = Counter()
        waived: Counter[str] = Counter()
        for view, times in self._patterns.values():
            for verdict in evaluate(view, self._params):
                for name, gate in _without(verdict).items():
                    (waived if gate.waived else refused)[name] += times
        names = sorted({*refused, *waived}, key=lambda name: (-refused[name] - waived[name], name))
        return tuple(MissingInputCount(name, refused[name], waived[name]) for name in names)


def _without(verdict: Verdict) -> dict[str, Gate]:
    """Absent inputs of gates that were evaluated; a gate that refused goes before one that was waived."""
    values = {i.name: i.value for gate in verdict.gates for i in gate.inputs}
    evaluated = sorted((gate for gate in verdict.gates if gate.threshold is not None), key=lambda gate: not gate.waived)
    return {
        i.name: gate
        for gate in evaluated
        for i in gate.inputs
        if i.source == MISSING and values.get(_THERE.get(i.name.partition("_")[0], "")) != 0.0
    }


def _pattern(view: MarketView, reach_pct: float) -> tuple[Any, ...]:
    """Which fields are absent, and which parts of the map there are."""
    return (
        view.coin,
        *[value != value for value in _VALUES(view)],
        *_side_pattern(view.below, view, reach_pct),
        *_side_pattern(view.above, view, reach_pct),
    )


def _side_pattern(side: SideView, view: MarketView, reach_pct: float) -> tuple[Any, ...]:
    inside = under_way(side.sweep, view)
    target = next_cluster(side, inside, reach_pct)
    ahead = (side.fuel_usd > 0, target is not None, target is not None and target.ratio == target.ratio)
    sweep = side.sweep
    if sweep is None:
        return *ahead, None
    values = (
        sweep.cluster_ratio, sweep.distance_pct, sweep.volume_ratio, sweep.printed_usd, sweep.printed_after_usd,
        sweep.oi_change_pct, sweep.taker_imbalance_after, sweep.fuel_spent_usd / (sweep.fuel_usd or ABSENT),
        sweep.beyond_ratio,
    )  # fmt: skip
    return *ahead, inside is None, sweep.rejected, *[value == value for value in values], sweep.printed_usd > 0
