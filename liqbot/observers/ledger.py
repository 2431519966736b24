"""The observer that feeds the ledger, which is written in a thread of its own: no database delays the house."""

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.ledger.later import FedLedger
from liqbot.ledger.observation import Observation, observation_of
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext

FLUSH_S_MAX = 5.0
"""Longest wait at an orderly end."""


class LedgerObserver(Observer):
    """`room_wait_s`: how long a market that can wait does so for a ledger that is behind; 0 where it cannot."""

    name = "ledger"

    def __init__(self, ledger: FedLedger, source: str, room_wait_s: float = 0.0) -> None:
        self._ledger, self._source, self._room_wait_s = ledger, source, room_wait_s

    @property
    def trouble(self) -> str:  # type: ignore[override]  # read, not set: the thread may be anywhere
        return self._ledger.trouble

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        seen = observation_of(seq, block, step, engine, block.source or self._source)
        self._ledger.put(seen.kept(forecasts=self._may_write_a_map(seen, engine)), self._room_wait_s)

    def _may_write_a_map(self, seen: Observation, engine: Engine) -> bool:
        """A map is written with its forecast, which can be read of the market only now, and costs as much as a quarter
        of a quiet tick: nothing to decide, nothing that could fill, no map due."""
        if seen.verdicts or seen.decisions or seen.facts or engine.order_manager.at_work:
            return True
        return any(self._ledger.map_due(view.coin, view.time_ms) for view in seen.views if not view.backfilled)

    def flush(self, seq: int, engine: Engine) -> None:
        del seq, engine
        self._ledger.flush(FLUSH_S_MAX)


def ledger_observer(context: ObserverContext) -> LedgerObserver | None:
    """None for a house that keeps no ledger."""
    if context.ledger is None:
        return None
    return LedgerObserver(context.ledger, context.source, context.ledger_wait_s)
