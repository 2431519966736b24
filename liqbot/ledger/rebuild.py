"""A ledger made anew from a journal: the engine answers again, and its answers are folded as the first time."""

from pathlib import Path
from typing import Protocol

from sqlalchemy import delete, select

from liqbot.exits import ExpectedError
from liqbot.journal import JournalReader
from liqbot.journal.rerun import Factory, Rerun, Rerunnable
from liqbot.ledger.connect import engine_for
from liqbot.ledger.fold import WriteLimits
from liqbot.ledger.migrate import upgrade
from liqbot.ledger.observation import AccountLike, OrdersLike, observation_of
from liqbot.ledger.tables import TABLES, FoldState, Offset, core
from liqbot.ledger.writer import LedgerWriter
from liqbot.market.mark_ratio import MarkRatio
from liqbot.market.view import MarketView
from liqbot.unrecorded import UnrecordedStep


class ObservedRerun(Rerunnable, Protocol):
    """An engine that can be run again and looked into."""

    @property
    def views(self) -> tuple[MarketView, ...]: ...

    @property
    def account(self) -> AccountLike: ...

    @property
    def order_manager(self) -> OrdersLike: ...

    def mark_of(self, coin: str) -> MarkRatio: ...

    @property
    def unrecorded(self) -> tuple[UnrecordedStep, ...]: ...


def rebuild(
    journal: Path,
    factory: Factory[ObservedRerun],
    url: str,
    *,
    snapshot_version: str,
    keeping: WriteLimits | None = None,
    partly: bool = False,
) -> int:
    """Empties the ledger and fills it from the journal; gives the number of records read. `partly`: from the oldest
    snapshot on where retention has dropped what was before.

    ExpectedError when the ledger also holds another journal's rows, or (unless `partly`) when retention has dropped the
    beginning of this one: what they tell could not be made again.
    """
    with JournalReader(journal) as reader:
        if reader.stamp.retained_seq > 1 and not partly:
            raise ExpectedError(
                f"journal {journal}: records before {reader.stamp.retained_seq} have lost their market rows, so the "
                "ledger cannot be rebuilt whole: liqbot db rebuild --partly makes what is left, or restore a backup"
            )
        _empty(url, reader.stamp.journal_id)
        rerun = Rerun(reader, factory, snapshot_version)
        count = 0
        with LedgerWriter(url, reader.stamp.journal_id, keeping) as writer:
            for record, step in rerun.answers(as_recorded=True):
                observation = observation_of(record.seq, record.block, step, rerun.engine, record.source)
                writer.observe(observation.kept())  # as a running house gives it: a later row may need its forecasts
                count += 1
    return count


def _empty(url: str, journal_id: str) -> None:
    engine = engine_for(url)
    try:
        upgrade(engine)
        with engine.begin() as connection:
            offset = core(Offset)
            for (other,) in connection.execute(select(offset.c.journal_id).where(offset.c.journal_id != journal_id)):
                raise ExpectedError(f"ledger holds rows of journal {other} too: rebuild into a new database")
            for table in (offset, core(FoldState), *map(core, reversed(TABLES))):
                connection.execute(delete(table))
    finally:
        engine.dispose()
