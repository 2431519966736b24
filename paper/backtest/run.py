"""A backtest: the whole house over a tape, in a plain loop, with a journal when asked."""

import contextlib
import resource
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal, JournalLimits, JournalReader
from liqbot.settings import Settings
from paper.backtest.recorder import BacktestRecorder
from paper.backtest.report import BacktestReport, Speed
from paper.sessions.assembly import engine_of, exchange_of, opening_facts, seeded_journal_id
from paper.sessions.sim_loop import Observer, SimLoop
from paper.sessions.tape_settings import contracts_of, fitted
from paper.tapes.info import info_of
from paper.tapes.reader import BATCH_ROWS, Tape

MODE: Final = "backtest"
ACCOUNT: Final = "paper"
MAP_EVERY_MS: Final = 900_000
MAPS_MAX: Final = 200
"""Regular map snapshots in the ledger; those beside decisions come on top."""


def backtest(
    tape: Tape,
    settings: Settings,
    *,
    profile: str,
    data: Path | None = None,
    batch_rows: int = BATCH_ROWS,
    observers: Sequence[Observer] = (),
) -> BacktestReport:
    """Run the tape and report. With `data` a journal is written there, replacing that of an earlier backtest."""
    settings = fitted(settings, tape)
    watch = BacktestRecorder(settings, settings.coins)
    with contextlib.ExitStack() as stack:
        journal: Journal | None = None
        watchers: list[Observer] = [watch, *observers]
        if data is not None:
            journal, ledger = _new_books(stack, data, settings, tape)
            watchers.append(ledger)
        started_s = time.perf_counter()
        house = house_of(settings, tape, journal=journal, observers=watchers)
        run(house, tape.blocks(batch_rows=batch_rows))
        report = watch.report(info_of(tape), profile, house.engine)
        seconds = time.perf_counter() - started_s
    speed = Speed(seconds, report.rows / seconds, report.bars / seconds, peak_memory_mb())
    kept = {} if data is None else {"journal": str(places.journal_path(data)), "ledger": str(places.ledger_path(data))}
    return msgspec.structs.replace(report, speed=speed, **kept)


def house_of(
    settings: Settings, tape: Tape, *, journal: Journal | None = None, observers: Sequence[Observer] = ()
) -> SimLoop:
    """A house that has been told everything it must know before the tape's first row. `settings` fit the tape."""
    journal_id = seeded_journal_id(0) if journal is None else journal.stamp.journal_id
    listed = contracts_of(settings, tape)
    exchange = exchange_of(settings, tape.roster, listed)
    engine = engine_of(settings, tape.roster, journal_id, listed)
    house = SimLoop(engine, exchange, journal=journal, observers=observers, source="tape")
    house.open(
        opening_facts(
            settings, tape.roster, exchange, journal_id=journal_id, time_ms=tape.first_ms, instruments=listed, mode=MODE
        )
    )
    return house


def run(house: SimLoop, blocks: Iterable[EventBlock]) -> None:
    """The loop."""
    for block in blocks:
        house.step(block)


def _new_books(
    stack: contextlib.ExitStack, data: Path, settings: Settings, tape: Tape
) -> tuple[Journal, Observer]:
    """A new journal, and the observer that fills a new ledger beside it. Both are closed with `stack`."""
    from liqbot.ledger import LedgerWriter, WriteLimits  # here: its libraries take seconds to import

    path = places.journal_path(data)
    _make_room(path)
    limits = JournalLimits(
        commit_ms=settings.journal.commit_ms,
        group_rows=settings.journal.group_rows,
        queue_rows_max=settings.journal.queue_rows_max,
        stuck_after_ms=settings.journal.stuck_after_ms,
    )
    journal = stack.enter_context(
        Journal.open(path, mode=MODE, account=ACCOUNT, roster=tape.roster, limits=limits)
    )
    every_ms = max(MAP_EVERY_MS, (tape.last_ms - tape.first_ms) // MAPS_MAX)
    ledger = stack.enter_context(
        LedgerWriter(
            f"sqlite:///{places.ledger_path(data)}", journal.stamp.journal_id, WriteLimits(map_every_ms=every_ms)
        )
    )
    return journal, ledger.observer("tape")


def _make_room(path: Path) -> None:
    """An earlier backtest's books give way; those of any other mode are never touched."""
    if not path.exists():
        return
    with JournalReader(path) as reader:
        mode = reader.stamp.mode
        roster = reader.stamp.roster
    if mode != MODE:
        raise ExpectedError(f"{path}: is the journal of mode {mode!r}; give a backtest another --data", Exit.CONFIG)
    # Taking the writer's lock first: a backtest that is still running keeps its books.
    Journal.open(path, mode=MODE, account=ACCOUNT, roster=roster).close()
    ledger = places.ledger_path(path.parent)
    for book in (path, ledger):
        for suffix in ("", "-wal", "-shm"):
            book.with_name(book.name + suffix).unlink(missing_ok=True)


def peak_memory_mb() -> float:
    """Of this process, since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
