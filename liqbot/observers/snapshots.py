"""The observer that saves snapshots of the engine, and drops old market rows from the journal in small bites."""

import contextlib
from typing import Final

import structlog

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.journal import Journal
from liqbot.journal.errors import JournalStuckError
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.ledger.later import FedLedger
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext
from liqbot.settings.params import JournalParams

RETAIN_EVERY_MS: Final = 60_000
AT_STAKE_MIN: Final = 2.0
"""While a position is open or an order at work, and one as soon as one is, unless that is among the first `FEW_RECORDS`
after the last: a start over it runs few records again."""
FEW_RECORDS: Final = 50
_log = structlog.get_logger(__name__)


class SnapshotObserver(Observer):
    """Recovery begins from the newest snapshot that the ledger has reached, so one may be ahead of it and no more:
    while the ledger has not reached the last one no other is saved."""

    name = "snapshots"

    def __init__(self, journal: Journal, ledger: FedLedger | None, params: JournalParams, version: str) -> None:
        self._journal, self._ledger, self._params, self._version = journal, ledger, params, version
        self._snapshot_ms = self._retained_ms = 0
        self._at_stake = self._wanted = False
        self._saved_seq = journal.snapshot_seq

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if block.tick_ms is None or block.backfilled:
            return  # history can be read again, and has no snapshots of its own
        self._snapshot_ms = self._snapshot_ms or step.time_ms
        every_min = self._params.snapshot_every_min
        at_stake = bool(engine.account.positions) or engine.order_manager.at_work
        if at_stake and not self._at_stake:
            self._wanted = seq > self._saved_seq + FEW_RECORDS
        if at_stake:
            every_min = min(every_min, AT_STAKE_MIN)
        self._at_stake = at_stake
        if (self._wanted and at_stake) or step.time_ms - self._snapshot_ms >= every_min * 60_000:
            self._snapshot_ms = step.time_ms
            self.save(seq, engine)
        if step.time_ms - self._retained_ms >= RETAIN_EVERY_MS:
            self._retained_ms = step.time_ms
            with contextlib.suppress(JournalStuckError):  # a full journal: the next time is soon enough
                self._journal.retain(
                    days=self._params.keep_days, max_bytes=int(self._params.keep_gb * 1e9), wait_s=0.0
                )

    def flush(self, seq: int, engine: Engine) -> None:
        """The last one: the next start begins where this one ended."""
        if seq > self._saved_seq:
            self.save(seq, engine)

    def save(self, seq: int, engine: Engine) -> None:
        if not engine.is_recorded or not self._ledger_reaches_the_last():
            return  # a state beyond the journal's last record would not fit what comes after it
        with contextlib.suppress(JournalStuckError):  # recovery begins from the snapshot before
            self._journal.save_snapshot(SNAPSHOT_NAME, seq, self._version, engine.snapshot(), wait_s=0.0)
            self._saved_seq, self._wanted = seq, False

    def _ledger_reaches_the_last(self) -> bool:
        if self._ledger is None:
            return True
        self._ledger.flush(0.0)
        seq, needed_seq = self._ledger.seq, max(self._saved_seq, 1)
        why = self._ledger.trouble or f"it is at record {seq} of {needed_seq}"
        self.trouble = f"none saved, the ledger is behind: {why}" if seq < needed_seq else ""
        return seq >= needed_seq


def snapshot_observer(context: ObserverContext) -> SnapshotObserver | None:
    """None for a house that keeps no journal."""
    if context.journal is None:
        return None
    return SnapshotObserver(context.journal, context.ledger, context.settings.journal, context.snapshot_version)
