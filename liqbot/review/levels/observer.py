"""`LevelObserver`: watches a house at work, live, over a tape or out of a journal, and makes the report of it."""

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.observers.observer import Observer
from liqbot.review.levels.level import Level
from liqbot.review.levels.proposals import Proposals
from liqbot.review.levels.report import VERSION, LevelObservation, level_report, proves
from liqbot.review.levels.watch import LevelWatch
from liqbot.settings import Settings


class LevelObserver(Observer):
    """Levels of every coin, and what strategies would have entered."""

    name = "levels"

    def __init__(self, settings: Settings) -> None:
        self._params, self._warmth_pct_min = settings.market, settings.risk.warmth_pct_min
        self._watches: dict[str, LevelWatch] = {}
        self.proposals = Proposals()
        self.first_ms = self.last_ms = self._step_ms = 0

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        views = engine.views if block.tick_ms is not None else ()
        self.proposals.on_step(step, views)
        for view in views:
            if view.backfilled or view.time_ms <= 0:
                continue
            self.first_ms, self.last_ms = self.first_ms or view.time_ms, view.time_ms
            self._step_ms = max(self._step_ms, view.bar_span_ms)
            self._watches.setdefault(view.coin, self._watch()).on_view(view)

    def _watch(self) -> LevelWatch:
        return LevelWatch(self._params, self._warmth_pct_min)

    @property
    def levels(self) -> list[Level]:
        return [level for watch in self._watches.values() for level in watch.levels]

    def observation(self, market: str, *, simulated: bool) -> LevelObservation:
        """As of now; it may go on."""
        left_out = sum(watch.without_control for watch in self._watches.values())
        whole = level_report(self.levels, left_out, self.last_ms)
        return LevelObservation(
            VERSION, market, simulated, self.first_ms, self.last_ms, self._step_ms, whole,
            tuple(
                level_report(watch.levels, watch.without_control, self.last_ms, coin)
                for coin, watch in self._watches.items()
            ),
            tuple(self.proposals.summed()), proves(whole, simulated=simulated),
        )
