"""Each gate switched off in a house of its own: what the strategy makes without it."""

import msgspec

from liqbot.settings import Settings
from liqbot.signals.gates import GateSpec
from paper.backtest.planned_trips import PlannedTrips
from paper.backtest.strategy_stats import TradeSample, expectancy
from paper.research.changed_strategies import with_strategies
from paper.research.setup import Setup, ready
from paper.research.walks import side_by_side
from paper.score.bootstrap import Estimate


class WithoutGate(msgspec.Struct, frozen=True):
    """A strategy's trades with one gate off, all else equal; `gate` is empty for the strategy as it is."""

    strategy: str
    gate: str
    trades: int
    expectancy_r: Estimate


class AblationJob(msgspec.Struct, frozen=True):
    setup: Setup
    strategies: tuple[str, ...]


def ablation(job: AblationJob) -> tuple[WithoutGate, ...]:
    """One pass over the tape, with a house for every gate that is on. Runs in any process."""
    tape, settings = ready(job.setup)
    cases = [("", ""), *((name, gate.name) for name in job.strategies for gate in _gates_on(settings, name))]
    variants = [without_gate(settings, *case) if case[0] else settings for case in cases]
    books, found = side_by_side(tape, settings, variants), []
    for name in job.strategies:
        found += [
            _row(name, gate, trips) for (strategy, gate), trips in zip(cases, books, strict=True)
            if strategy in ("", name)
        ]  # fmt: skip
    return tuple(found)


def without_gate(settings: Settings, strategy: str, gate: str) -> Settings:
    """The settings with a strategy that does not ask this gate."""
    signals = settings.signals
    changed = tuple(
        msgspec.structs.replace(one, gates=tuple(spec for spec in one.gates if spec.name != gate))
        if one.name == strategy else one
        for one in signals.strategies
    )  # fmt: skip
    return settings.model_copy(update={"signals": with_strategies(signals, changed)})


def _gates_on(settings: Settings, name: str) -> list[GateSpec]:
    strategy = settings.signals.named(name)
    if strategy is None:
        return []
    params = settings.signals.of(strategy)
    return [gate for gate in strategy.gates if gate.threshold_of(params) is not None]


def _row(strategy: str, gate: str, trips: PlannedTrips) -> WithoutGate:
    sample = TradeSample.of(line for trip in trips.closed if (line := trips.line(trip)).strategy == strategy)
    return WithoutGate(strategy, gate, len(sample), expectancy(sample))
