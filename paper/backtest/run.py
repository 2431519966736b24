"""A backtest: the whole house over a tape, in a plain loop, with a journal when asked."""

import contextlib
import resource
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.engine import Engine
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal, JournalReader
from liqbot.observers.observer import OnStep
from liqbot.review.progress import Advance, watched
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.settings import Settings
from paper.backtest.recorder import BacktestRecorder
from paper.backtest.report import BacktestReport, Speed
from paper.backtest.snapshots import BacktestSnapshots
from paper.sessions.assembly import exchange_of, seeded_journal_id
from paper.sessions.sim_loop import SimLoop
from paper.sessions.tape_settings import contracts_of, fitted
from paper.tapes.info import info_of
from paper.tapes.reader import BATCH_ROWS, Tape

if TYPE_CHECKING:
    from liqbot.ledger import LedgerWriter

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
    observers: Sequence[OnStep] = (),
    advance: Advance = lambda _share: None,
) -> BacktestReport:
    """Run the tape and report. With `data` a journal is written there, replacing that of an earlier backtest.
    `advance` is told the share that is done."""
    settings = fitted(settings, tape)
    watch = BacktestRecorder(settings, settings.coins)
    with contextlib.ExitStack() as stack:
        storage = None if data is None else _new_storage(stack, data, settings, tape)
        started_s = time.perf_counter()
        house = assembled_house(settings, tape, storage=storage, checks=(watch, *observers))
        run(house.loop, watched(tape.blocks(batch_rows=batch_rows), tape.first_ms, tape.last_ms, advance))
        if storage is not None:
            storage.snapshots.save(storage.journal.last_seq, house.engine)
        report = watch.report(info_of(tape), profile, house.engine)
        seconds = time.perf_counter() - started_s
    speed = Speed(seconds, report.rows / seconds, report.bars / seconds, peak_memory_mb())
    kept = {} if data is None else {"journal": str(places.journal_path(data)), "ledger": str(places.ledger_path(data))}
    return msgspec.structs.replace(report, speed=speed, **kept)


class BacktestStorage(NamedTuple):
    journal: Journal
    ledger: "LedgerWriter"
    snapshots: BacktestSnapshots


def house_of(settings: Settings, tape: Tape, *, observers: Sequence[OnStep] = ()) -> SimLoop:
    """The loop of a house that keeps no books and has seen everything it must before the tape's first row. `settings`
    fit the tape."""
    return assembled_house(settings, tape, storage=None, checks=observers).loop


def assembled_house(
    settings: Settings, tape: Tape, *, storage: BacktestStorage | None, checks: Sequence[OnStep]
) -> House[SimLoop]:
    """Without observers: what a user adds looks on at markets that happen. Recorder and ledger are checks, because a
    report or a ledger that missed a step would be wrong."""
    journal = None if storage is None else storage.journal
    written = () if storage is None else (storage.ledger.observer("tape"), storage.snapshots.on_step)
    listed = contracts_of(settings, tape)
    exchange = exchange_of(settings, tape.roster, listed)

    def loop(engine: Engine, on_steps: Sequence[OnStep]) -> SimLoop:
        return SimLoop(engine, exchange, journal=journal, observers=on_steps, source="tape")

    parts = Parts(
        settings, tape.roster, listed, seeded_journal_id(0) if journal is None else journal.stamp.journal_id, loop=loop,
        mode=MODE, source="tape", enabled=(), checks=(*checks, *written),
        account_facts=exchange.facts_at_start(tape.first_ms),
    )  # fmt: skip
    house = assembled(parts, tape.first_ms)
    house.loop.open(house.opening)
    return house


def run(house: SimLoop, blocks: Iterable[EventBlock]) -> None:
    """The loop."""
    for block in blocks:
        house.step(block)


def _new_storage(stack: contextlib.ExitStack, data: Path, settings: Settings, tape: Tape) -> BacktestStorage:
    """A new journal and a new ledger beside it. Both are closed with `stack`."""
    from liqbot.ledger import LedgerWriter, WriteLimits  # here: its libraries take seconds to import
    from liqbot.runtime.storage import journal_limits

    path = places.journal_path(data)
    _make_room(path)
    limits = journal_limits(settings)
    journal = stack.enter_context(
        Journal.open(path, mode=MODE, account=ACCOUNT, roster=tape.roster, limits=limits)
    )
    every_ms = max(MAP_EVERY_MS, (tape.last_ms - tape.first_ms) // MAPS_MAX)
    ledger = stack.enter_context(
        LedgerWriter(
            f"sqlite:///{places.ledger_path(data)}", journal.stamp.journal_id, WriteLimits(map_every_ms=every_ms)
        )
    )
    contracts = len(settings.venues) * len(settings.coins)
    return BacktestStorage(journal, ledger, BacktestSnapshots(journal, contracts))


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
