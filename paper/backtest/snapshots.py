"""Snapshots in a backtest's journal: `map --at` and `check` begin from the one before, and fold few ticks more."""

from typing import Final

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.journal import Journal
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.runtime.assembly import snapshot_version

FOLDED_MAX: Final = 3_250
"""Folded in half a second by a reader, who compiles nothing: ticks, times `TICK_COST` and one for each contract."""
TICK_COST: Final = 6
"""What a tick costs beside its contracts, in contracts."""


class BacktestSnapshots:
    """To be called after every step, and with `save` after the last."""

    def __init__(self, journal: Journal, contracts: int) -> None:
        """`contracts`: venues times coins."""
        self._journal, self._every_ticks = journal, max(1, FOLDED_MAX // (TICK_COST + contracts))
        self._ticks = self._saved_seq = 0

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del step
        self._ticks += block.tick_ms is not None
        if self._ticks >= self._every_ticks:
            self.save(seq, engine)

    def save(self, seq: int, engine: Engine) -> None:
        """The engine as it is after the record `seq`."""
        if seq > self._saved_seq and engine.is_recorded:
            self._journal.save_snapshot(SNAPSHOT_NAME, seq, snapshot_version(), engine.snapshot())
            self._ticks, self._saved_seq = 0, seq
