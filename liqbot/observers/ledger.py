"""The observer that feeds the ledger. A ledger that cannot be written is tried again, and never stops the house."""

import structlog
from sqlalchemy.exc import OperationalError

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.ledger import LedgerWriter
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext

_log = structlog.get_logger(__name__)


class LedgerObserver(Observer):
    """What could not be written stays with the writer, which tries again at the next step."""

    name = "ledger"

    def __init__(self, ledger: LedgerWriter, source: str) -> None:
        self._ledger, self._observe = ledger, ledger.observer(source)

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        try:
            self._observe(seq, block, step, engine)
        except OperationalError as error:
            self._note(error)
        else:
            self.trouble = ""

    def flush(self, seq: int, engine: Engine) -> None:
        del seq, engine
        try:
            self._ledger.flush()
        except OperationalError as error:
            self._note(error)

    def _note(self, error: OperationalError) -> None:
        if not self.trouble:
            _log.error("ledger cannot be written", reason=str(error.orig))
        self.trouble = f"cannot be written: {error.orig}"


def ledger_observer(context: ObserverContext) -> LedgerObserver | None:
    """None for a house that keeps no ledger."""
    return LedgerObserver(context.ledger, context.source) if context.ledger is not None else None
