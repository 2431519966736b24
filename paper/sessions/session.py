"""A paper session: the house over a market that is not live, paced by the wall clock, with journal and ledger."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine
from liqbot.instruments import Instrument
from liqbot.journal import Journal, JournalLimits, JournalReader
from liqbot.journal.errors import StampMismatchError
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.ledger import LedgerWriter
from liqbot.runtime.assembly import SNAPSHOT_VERSION
from liqbot.settings import Settings
from paper.sessions.assembly import engine_of, exchange_of, opening_facts
from paper.sessions.sim_loop import Observer, SimLoop

ACCOUNT: Final = "paper"
EARLIER: Final = "earlier"
"""Below the state directory: the books of sessions before this one, one folder each."""


class SessionMarket(msgspec.Struct, frozen=True):
    """What a session trades on. `history` warms the map before `live` begins."""

    roster: Roster
    instruments: tuple[Instrument, ...]
    history: Iterable[EventBlock]
    live: Iterable[EventBlock]
    start_ms: int
    live_ms: int
    """Where history ends."""


@contextlib.contextmanager
def fresh_books(
    data: Path, settings: Settings, roster: Roster, tell: Callable[[str], object] = lambda _text: None
) -> Iterator[tuple[Journal, LedgerWriter]]:
    """A new journal and ledger. Every session of a simulated market is a world of its own, so the books of the one
    before are moved aside, never written on and never lost."""
    kept = _move_aside(data, settings.mode)
    if kept is not None:
        tell(f"the books of the session before are kept in {kept}")
    limits = JournalLimits(
        commit_ms=settings.journal.commit_ms,
        group_rows=settings.journal.group_rows,
        queue_rows_max=settings.journal.queue_rows_max,
        stuck_after_ms=settings.journal.stuck_after_ms,
    )
    path = places.journal_path(data)
    with Journal.open(path, mode=settings.mode, account=ACCOUNT, roster=roster, limits=limits) as journal:
        url = settings.ledger.url or f"sqlite:///{places.ledger_path(data)}"
        with LedgerWriter(url, journal.stamp.journal_id) as ledger:
            yield journal, ledger


def _move_aside(data: Path, mode: str) -> Path | None:
    path = places.journal_path(data)
    if not path.exists():
        return None
    with JournalReader(path) as reader:
        stamp = reader.stamp
    if (stamp.mode, stamp.account) != (mode, ACCOUNT):
        raise StampMismatchError(
            f"{path}: is the journal of mode {stamp.mode}, account {stamp.account}; give a paper session another --data"
        )
    # Taking the writer's lock first: a session that is still running keeps its books.
    Journal.open(path, mode=stamp.mode, account=stamp.account, roster=stamp.roster).close()
    folder = data / EARLIER / stamp.journal_id
    folder.mkdir(parents=True, exist_ok=True)
    for book in (path, places.ledger_path(data)):
        for suffix in ("", "-wal", "-shm"):
            old = book.with_name(book.name + suffix)
            if old.exists():
                old.rename(folder / old.name)
    return folder


def house_on(
    market: SessionMarket, settings: Settings, journal: Journal, observers: Sequence[Observer]
) -> SimLoop:
    """A house that has been told who it is and what the exchange says about it."""
    journal_id = journal.stamp.journal_id
    exchange = exchange_of(settings, market.roster, market.instruments)
    engine = engine_of(settings, market.roster, journal_id, market.instruments)
    house = SimLoop(engine, exchange, journal=journal, observers=observers, source="paper")
    house.open(
        opening_facts(
            settings, market.roster, exchange, journal_id=journal_id, time_ms=market.start_ms,
            instruments=market.instruments, mode=settings.mode,
        )
    )
    return house


class Pace:
    """Wall clock against event time: `speed` market seconds in a second; 0 means as fast as it goes."""

    def __init__(self, speed: float, for_s: float | None) -> None:
        self._speed, self._for_s = speed, for_s
        self._started_s = time.monotonic()
        self._first_ms: int | None = None

    def wait(self, tick_ms: int) -> bool:
        """Sleeps until this tick is due; False when the session's time is up."""
        now_s = time.monotonic()
        if self._first_ms is None:
            self._first_ms, self._started_s = tick_ms, now_s
        elapsed_s = now_s - self._started_s
        if self._for_s is not None and elapsed_s >= self._for_s:
            return False
        if self._speed > 0:
            ahead_s = (tick_ms - self._first_ms) / 1000 / self._speed - elapsed_s
            if ahead_s > 0:
                time.sleep(min(ahead_s, self._for_s - elapsed_s) if self._for_s is not None else ahead_s)
        return True


def run(house: SimLoop, blocks: Iterable[EventBlock], pace: Pace, journal: Journal, snapshot_every_ms: int) -> Engine:
    """The loop; leaves a snapshot of the engine behind, for reading verbs and recovery."""
    last_ms = 0
    for block in blocks:
        if block.tick_ms is not None and not pace.wait(block.tick_ms):
            break
        house.step(block)
        if block.tick_ms is not None and block.tick_ms - last_ms >= snapshot_every_ms:
            last_ms = block.tick_ms
            keep_snapshot(house.engine, journal)
    keep_snapshot(house.engine, journal)
    return house.engine


def keep_snapshot(engine: Engine, journal: Journal) -> None:
    journal.save_snapshot(SNAPSHOT_NAME, journal.last_seq, SNAPSHOT_VERSION, engine.snapshot())
