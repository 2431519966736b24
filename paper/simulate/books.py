"""The house's ledger beside the simulated journal: the real one, its thread's work done turn by turn in virtual time,
on a disk that locks, fills and hangs. It holds nobody up; in the end it must tell what the journal says."""

import functools
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy.exc import OperationalError

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.ledger import LedgerWriter, sqlite_url
from liqbot.ledger.background import LedgerThread
from liqbot.ledger.connect import engine_for
from liqbot.ledger.migrate import upgrade
from liqbot.ledger.observation import observation_of
from liqbot.ledger.tables import TABLES, core
from liqbot.observers.observer import OnStep
from paper.simulate.journal import MemoryJournal

COMPARED: Final = tuple(table.name for table in map(core, TABLES) if table.name != "map_snapshot")
"""Row by row the same as those of a ledger made anew, without maps and what is read from one: a start has none before
its first Tick."""
_OF_MAPS: Final = frozenset({"map_id", "liquidation_density_pct"})
WAITING_MAX: Final = 150
"""Small, so that a ledger is left behind now and then."""
_TROUBLE_SHARE, _FLUSH_SHARE = 0.01, 0.2
_TROUBLE_STEPS: Final = 40


class _Silent:
    """Of a simulation nobody reads the log."""

    def error(self, *_: object, **__: object) -> None:
        """Not said."""

    warning = exception = error


class LedgerByTurns(LedgerThread):
    """A `LedgerThread` whose thread is the caller's: nothing happens but in `turn`."""

    _log = _Silent()

    def _begin(self) -> None:
        self._writer = self._reached()
        self.refusing = ""
        """Why its database takes nothing at present."""
        if self._writer is not None:
            self._flush_writer, self._writer.flush = self._writer.flush, self._flush  # type: ignore[method-assign]

    def _flush(self) -> None:
        if self.refusing:
            raise OperationalError("COMMIT", None, sqlite3.OperationalError(self.refusing))
        self._flush_writer()

    def _wait_for(self, true: Callable[[], bool], s: float) -> bool:
        del s
        return true()

    def turn(self, *, commit: bool) -> None:
        """What its thread would do now."""
        if self._behind or self._writer is None:
            return
        if commit:
            self._wanted_seq = self._put_seq
        self._cycle(self._writer)

    @property
    def seen_seq(self) -> int:
        """The last record that it has folded."""
        return self._writer.seen_seq if self._writer is not None else 0

    def die(self) -> None:
        """Nothing is committed any more."""
        if self._writer is not None:
            self._writer.release()


class RunningLedger:
    """Of one seed, over all its processes. `close` removes its file."""

    def __init__(self, seed: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="liqbot-simulate-"))
        self._chance = random.Random(f"ledger {seed}")  # noqa: S311 - not a secret
        self._path = self._folder / "ledger.sqlite"
        self.url = empty_ledger(self._path)
        self._journal: MemoryJournal | None = None
        self._ledger: LedgerByTurns | None = None
        self._trouble, self._trouble_steps = "", 0
        self.left_behind = self.troubles = 0
        """How often it was left behind; how often its database took nothing."""

    # --- a process ----------------------------------------------------------------------------------------------------

    def begin(self, journal: MemoryJournal) -> None:
        """A process opens it. One that tells of more than the journal has is put aside, as a start does."""
        self.die()
        self._journal = journal
        self._ledger = self._opened()
        if self._ledger.seq > journal.last_seq:
            self._ledger.die()
            shutil.rmtree(self._folder)
            self._folder.mkdir()
            empty_ledger(self._path)
            self._ledger = self._opened()

    def _opened(self) -> LedgerByTurns:
        journal = self._journal
        assert journal is not None
        return LedgerByTurns(
            self.url, journal.journal_id, written=lambda: journal.durable_seq, waiting_max=WAITING_MAX
        )

    @property
    def seq(self) -> int:
        """The last record that is committed."""
        return self._ledger.seq if self._ledger is not None else 0

    def take(self, journal: MemoryJournal, build: Callable[[], Engine], *, from_start: bool) -> Engine:
        """The engine as the journal left it; what the ledger misses of it is told on the way."""
        ledger = self._ledger
        assert ledger is not None

        def seen(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
            # A recovery waits for room, and what it reads is on disk.
            self.on_step(seq, block, step, engine)
            ledger._written = lambda: seq
            ledger.turn(commit=False)

        reborn = journal.recovered(build, from_start=from_start, seen=seen, reached=self.seq)
        ledger._written = lambda: journal.durable_seq
        return reborn

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if self._ledger is not None:
            self._ledger.put(observation_of(seq, block, step, engine, "simulate").kept(forecasts=False))

    def turn(self) -> None:
        """Once a clock step: its disk is the journal's, and its database is anybody's to lock."""
        journal, ledger = self._journal, self._ledger
        if journal is None or ledger is None:
            return
        self._draw_trouble(ledger)
        if journal.hanging or self._trouble == "hangs":
            return
        ledger.refusing = "disk is full" if journal.full else "database is locked" if self._trouble == "locked" else ""
        ledger.turn(commit=self._chance.random() < _FLUSH_SHARE)

    def _draw_trouble(self, ledger: LedgerByTurns) -> None:
        self._trouble_steps -= 1
        if self._trouble_steps > 0:
            return
        self._trouble = ""
        if not ledger.trouble and self._chance.random() < _TROUBLE_SHARE:
            self._trouble, self._trouble_steps = self._chance.choice(("hangs", "locked")), _TROUBLE_STEPS
            self.troubles += 1

    def die(self) -> None:
        """The process is gone, with what its thread had not committed."""
        if self._ledger is not None:
            self.left_behind += "behind" in self._ledger.trouble
            self._ledger.die()
            self._ledger = None

    # --- the end ------------------------------------------------------------------------------------------------------

    def settled(self, journal: MemoryJournal, build: Callable[[], Engine]) -> None:
        """One more start in calm: whatever was missed is taken from the journal."""
        journal.wait_durable()
        self.begin(journal)
        self.take(journal, build, from_start=False)
        assert self._ledger is not None
        self._ledger.turn(commit=True)
        self.die()

    def close(self) -> None:
        self.die()
        shutil.rmtree(self._folder, ignore_errors=True)


def empty_ledger(path: Path) -> str:
    """A new one; gives its url."""
    path.touch(0o600)
    path.write_bytes(_empty_file())
    return sqlite_url(path)


@functools.cache
def _empty_file() -> bytes:
    """Its tables are made once in a process: every seed needs several, and has little else to do for so long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        engine = engine_for(sqlite_url(path))
        upgrade(engine)
        engine.dispose()
        return path.read_bytes()


def rows_of(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that is compared, in order."""
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            return {name: _compared(connection, name) for name in COMPARED}
    finally:
        engine.dispose()


def _compared(connection: sqlalchemy.Connection, table: str) -> list[dict[str, Any]]:
    rows = connection.execute(sqlalchemy.text(f'SELECT * FROM "{table}" ORDER BY id')).mappings()  # noqa: S608
    return [{column: value for column, value in row.items() if column not in _OF_MAPS} for row in rows]


def first_difference(running: str, remade: str) -> str:
    """Where two ledgers differ, for people; empty when they tell the same."""
    one, other = rows_of(running), rows_of(remade)
    for name in COMPARED:
        for index in range(max(len(one[name]), len(other[name]))):
            left, right = (rows[name][index] if index < len(rows[name]) else None for rows in (one, other))
            if left != right:
                return f"{name} {index + 1}: {left} running, {right} made anew"
    return ""


def remade_into(url: str, journal: MemoryJournal, build: Callable[[], Engine]) -> None:
    """A new ledger from the whole journal. Unrepeatable when a Step comes out otherwise than it did."""
    with LedgerWriter(url, journal.journal_id) as ledger:
        seen: OnStep = ledger.observer("simulate")
        journal.recovered(build, from_start=True, seen=seen)
