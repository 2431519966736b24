"""`LedgerWriter`: folds observations; rows, what changed in the fold's state and the offset go into one transaction,
exactly once."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final, Self

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError

from liqbot.blocks import EventBlock
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.steps import StepLike
from liqbot.ledger import state as states
from liqbot.ledger.connect import engine_for
from liqbot.ledger.fold import Fold, WriteLimits
from liqbot.ledger.migrate import upgrade
from liqbot.ledger.observation import Observation, ObservedEngine, observation_of
from liqbot.ledger.pending_rows import Row
from liqbot.ledger.state import LedgerState
from liqbot.ledger.tables import TABLES, FoldState, Offset, core

_BATCH_ROWS: Final = 2_000
_BATCH_S: Final = 0.5


class LedgerWriter:
    """One writer per ledger. Observations at or before the committed offset are passed over, so that feeding a journal
    again after a restart adds nothing twice. Flush before a snapshot of the engine is saved: what the ledger has not
    committed must lie behind the snapshot."""

    def __init__(self, url: str, journal_id: str, keeping: WriteLimits | None = None) -> None:
        """Creates or upgrades the database. ExpectedError (database) when it is newer or cannot be written."""
        self._engine = engine_for(url)
        self._journal_id = journal_id
        try:
            upgrade(self._engine)
            with self._engine.begin() as connection:
                self._seq, state = _resume(connection, journal_id)
        except OperationalError as error:
            raise ExpectedError(f"ledger {self._engine.url!r}: {error.orig}", Exit.DATABASE) from error
        self._fold = Fold(state, keeping or WriteLimits())
        self._stored = states.entries_of(state)
        """The fold's state as it lies in the database."""
        self._seen_seq = self._seq
        self._flushed_s = time.monotonic()

    @property
    def seq(self) -> int:
        """The last journal record whose rows are committed."""
        return self._seq

    @property
    def seen_seq(self) -> int:
        """The last journal record that was folded, committed or not."""
        return self._seen_seq

    @property
    def pending_rows(self) -> int:
        """Folded and not committed."""
        return self._fold.pending.size

    def map_due(self, coin: str, time_ms: int) -> bool:
        """Whether a map of this time would be written for its time alone; from any thread."""
        return self._fold.map_due(coin, time_ms)

    @property
    def due(self) -> bool:
        """Whether a commit is due: by size, or by time since the last."""
        size = self._fold.pending.size
        return size >= _BATCH_ROWS or (size > 0 and time.monotonic() - self._flushed_s >= _BATCH_S)

    def observe(self, observation: Observation) -> None:
        """Folds one engine call; writes now and then. Raises sqlalchemy's OperationalError when it cannot write: what
        was observed stays, and the next call tries again."""
        self.fold(observation)
        if self.due:
            self.flush()

    def fold(self, observation: Observation) -> None:
        """Folds one engine call; nothing is written."""
        if observation.seq <= self._seen_seq:
            self._fold.remember(observation)
            return
        self._fold.observe(observation)
        self._seen_seq = observation.seq

    def observer(self, source: str = "inbox") -> Callable[[int, EventBlock, StepLike, ObservedEngine], None]:
        """For whoever drives an engine: call it with journal seq, block, Step and the engine that answered."""

        def observe(seq: int, block: EventBlock, step: StepLike, engine: ObservedEngine) -> None:
            self.observe(observation_of(seq, block, step, engine, source))

        return observe

    def flush(self) -> None:
        """Everything observed so far, in one transaction."""
        pending = self._fold.pending
        if self._seen_seq == self._seq:
            return
        entries = states.entries_of(self._fold.state)
        changed, gone = states.changes(self._stored, entries)
        with self._engine.begin() as connection:
            for table in map(core, TABLES):
                if pending.new[table.name]:
                    connection.execute(insert(table), list(pending.new[table.name].values()))
                _change(connection, table, pending.changed[table.name])
            _store(connection, self._journal_id, changed, gone)
            offset = core(Offset)
            connection.execute(
                update(offset).where(offset.c.journal_id == self._journal_id), {"seq": self._seen_seq}
            )
        pending.clear()
        self._stored = entries
        self._seq = self._seen_seq
        self._flushed_s = time.monotonic()

    def close(self) -> None:
        """Flushes and lets go of the database."""
        try:
            self.flush()
        finally:
            self.release()

    def release(self) -> None:
        """Lets go of the database; what was not flushed is not written."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _resume(connection: Connection, journal_id: str) -> tuple[int, LedgerState]:
    """Where this journal was left; a journal that is new here goes on with the ids of those before it."""
    offset, kept = core(Offset), core(FoldState)
    seq = connection.execute(select(offset.c.seq).where(offset.c.journal_id == journal_id)).scalar_one_or_none()
    if seq is None:
        state = LedgerState()
        connection.execute(insert(offset), {"journal_id": journal_id, "seq": 0})
    else:
        entries = connection.execute(select(kept.c.name, kept.c.value).where(kept.c.journal_id == journal_id))
        state = states.state_of((name, value) for name, value in entries)
    state.last_ids = {
        table.name: connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        for table in map(core, TABLES)
    }
    return seq or 0, state


def _store(connection: Connection, journal_id: str, changed: states.Entries, gone: list[str]) -> None:
    """The entries of the fold's state that are not as they lie there."""
    kept = core(FoldState)
    removed = [*changed, *gone]
    if removed:
        where = (kept.c.journal_id == journal_id) & (kept.c.name == bindparam("_name"))
        connection.execute(delete(kept).where(where), [{"_name": name} for name in removed])
    if changed:
        rows = [{"journal_id": journal_id, "name": name, "value": value} for name, value in changed.items()]
        connection.execute(insert(kept), rows)


def _change(connection: Connection, table: Table, changed: dict[int, Row]) -> None:
    """Changes grouped by the columns they touch, each group one statement."""
    groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for number, columns in changed.items():
        groups[tuple(sorted(columns))].append({"_row": number, **columns})
    for names, rows in groups.items():
        statement = update(table).where(table.c.id == bindparam("_row")).values({n: bindparam(n) for n in names})
        connection.execute(statement, rows)
