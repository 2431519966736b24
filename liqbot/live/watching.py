"""Who looks on while the house works: the ledger, snapshots and retention, and the log."""

import contextlib
from typing import Final

import structlog
from sqlalchemy.exc import OperationalError

from liqbot.blocks import EventBlock
from liqbot.commands import PlaceOrder
from liqbot.engine import Engine, Step
from liqbot.events import (
    CancelRejected,
    FeedDown,
    FeedUp,
    Fill,
    Flatten,
    FundingPaid,
    Halt,
    OrderMissing,
    OrderRejected,
    PositionDeleveraged,
    PositionLiquidated,
    Resume,
    Transfer,
)
from liqbot.journal import Journal
from liqbot.journal.errors import JournalStuckError
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.ledger import LedgerWriter
from liqbot.risk.decision import Approved
from liqbot.runtime.assembly import SNAPSHOT_VERSION
from liqbot.settings.params import JournalParams

SOURCE: Final = "inbox"
RETAIN_EVERY_MS: Final = 60_000
_LOGGED: Final = (
    Fill, OrderRejected, OrderMissing, CancelRejected, FundingPaid, Transfer, PositionLiquidated, PositionDeleveraged,
    FeedUp, FeedDown, Halt, Flatten, Resume,
)  # fmt: skip
_log = structlog.get_logger(__name__)


class Bookkeeping:
    """Feeds the ledger; a ledger that cannot be written is tried again with every call and never stops the house."""

    def __init__(self, ledger: LedgerWriter) -> None:
        self._ledger, self._observe = ledger, ledger.observer(SOURCE)
        self.trouble = ""

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        try:
            self._observe(seq, block, step, engine)
            self.trouble = ""
        except OperationalError as error:
            self._note(error)

    def flush(self) -> bool:
        """Whether everything observed is on disk."""
        try:
            self._ledger.flush()
        except OperationalError as error:
            self._note(error)
            return False
        return True

    def _note(self, error: OperationalError) -> None:
        if not self.trouble:
            _log.error("ledger cannot be written", reason=str(error.orig))
        self.trouble = str(error.orig)


class Keeping:
    """Snapshots of the engine every so often, and old market rows dropped in small bites."""

    def __init__(self, journal: Journal, books: Bookkeeping, params: JournalParams) -> None:
        self._journal, self._books, self._params = journal, books, params
        self._snapshot_ms = self._retained_ms = 0

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if block.tick_ms is None:
            return
        self._snapshot_ms = self._snapshot_ms or step.time_ms
        if step.time_ms - self._snapshot_ms >= self._params.snapshot_every_min * 60_000:
            self._snapshot_ms = step.time_ms
            self.keep(engine, seq)
        if step.time_ms - self._retained_ms >= RETAIN_EVERY_MS:
            self._retained_ms = step.time_ms
            with contextlib.suppress(JournalStuckError):  # a full journal: the next time is soon enough
                self._journal.retain(
                    days=self._params.keep_days, max_bytes=int(self._params.keep_gb * 1e9), wait_s=0.0
                )

    def keep(self, engine: Engine, seq: int) -> None:
        """The ledger first: what it has not committed must lie behind the snapshot."""
        if self._books.flush():
            with contextlib.suppress(JournalStuckError):  # recovery begins from the snapshot before
                self._journal.save_snapshot(SNAPSHOT_NAME, seq, SNAPSHOT_VERSION, engine.snapshot(), wait_s=0.0)


def logged(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
    """One line for everything that concerns our money."""
    del seq, engine
    for fact in block.facts:
        if isinstance(fact, _LOGGED):
            shown = {name: str(getattr(fact, name)) for name in fact.__struct_fields__ if name != "time_ms"}
            _log.info(type(fact).__name__, **shown)
    for decision in step.decisions:
        if isinstance(decision, Approved):
            target = decision.target
            _log.info(
                "approved", decision=target.decision_id, strategy=target.strategy, coin=target.coin,
                side=target.side.word, quantity_base=str(target.quantity_base), stop_price=str(target.stop_price),
                reason=target.reason,
            )
        else:
            _log.info("refused", decision=decision.decision_id, code=decision.code, reason=decision.reason)
    for command in step.commands:
        if isinstance(command, PlaceOrder):
            _log.info("order", client_id=command.client_id, purpose=command.purpose.value,
                      quantity_base=str(command.quantity_base), trigger_price=str(command.trigger_price or ""),
                      limit_price=str(command.limit_price or ""))
        else:
            _log.info(type(command).__name__, coin=command.coin)
