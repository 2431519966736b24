"""The control that knows nothing: entries at random moments, with the exits of the strategy's own trades."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.instruments import Side
from liqbot.settings import Settings
from liqbot.signals.features import features_of
from liqbot.signals.strategy import Exits
from paper.backtest.strategy_stats import TradeSample
from paper.research.market_lead import MarketLead
from paper.research.priced_entries import Entry, EntryPricer, PricedEntry
from paper.tapes.reader import Tape


class OwnEntry(NamedTuple):
    """What a strategy entered by: a side, and how far away stop and take were."""

    strategy: str
    coin: str
    side: Side
    exits: Exits


class OwnEntries:
    """An observer: the entries that were approved, with the exits their strategies gave."""

    def __init__(self, settings: Settings) -> None:
        self._signals = settings.signals
        self.found: list[OwnEntry] = []
        self.first_ms = self.last_ms = 0
        """Of the Ticks at which reasons were weighed."""
        self._known: set[int] = set()

    def __call__(self, _seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if block.tick_ms is None:
            return
        views = {view.coin: view for view in engine.views if not view.backfilled}
        if views:
            self.first_ms, self.last_ms = self.first_ms or block.tick_ms, block.tick_ms
        for decision in step.decisions:
            target = getattr(decision, "target", None)
            if target is None or target.decision_id in self._known or target.coin not in views:
                continue
            self._known.add(target.decision_id)
            strategy = self._signals.named(target.strategy)
            if strategy is not None:
                features = features_of(views[target.coin], target.side, self._signals.cluster_reach_pct)
                exits = strategy.exits(features, self._signals.of(strategy))
                self.found.append(OwnEntry(target.strategy, target.coin, target.side, exits))


class RandomDraw(NamedTuple):
    """Due at the first Tick at or after its time."""

    time_ms: int
    entry: Entry


def drawn(own: Sequence[OwnEntry], first_ms: int, last_ms: int, draws: int, seed: int) -> tuple[RandomDraw, ...]:
    """For each strategy so many entries at times drawn evenly from the span, each with side and exits of one of its own
    entries, drawn too. In order of time."""
    chance = np.random.default_rng(seed)
    found = []
    for strategy in sorted({one.strategy for one in own}):
        mine = [one for one in own if one.strategy == strategy]
        times = chance.integers(first_ms, last_ms + 1, draws).tolist()
        for time_ms, index in zip(times, chance.integers(0, len(mine), draws).tolist(), strict=True):
            like = mine[index]
            found.append(RandomDraw(time_ms, Entry(strategy, strategy, like.coin, like.side, like.exits)))
    return tuple(sorted(found, key=lambda draw: (draw.time_ms, draw.entry.strategy)))


def priced_draws(tape: Tape, settings: Settings, draws: Sequence[RandomDraw]) -> tuple[PricedEntry, ...]:
    """One pass over the tape. `settings` fit it."""
    lead = MarketLead(settings, tape)
    pricer = EntryPricer(settings, tape, lead)
    waiting = list(reversed(draws))
    for block in tape.blocks():
        lead.step(block)
        while waiting and block.tick_ms is not None and waiting[-1].time_ms <= block.tick_ms and lead.views:
            pricer.enter(waiting.pop().entry)
        pricer.step(block)
    return pricer.finish()


def as_good_by_chance(own: TradeSample, random: TradeSample, seed: int, resamples: int = 10_000) -> float:
    """Share of random samples of as many trades whose mean R is at least the strategy's own; NaN without either."""
    if not len(own) or not len(random):
        return float("nan")
    chance = np.random.default_rng(seed)
    means = chance.choice(np.array(random.r_multiples), (resamples, len(own))).mean(axis=1)
    return float((means >= np.mean(own.r_multiples)).mean())
