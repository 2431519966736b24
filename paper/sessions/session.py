"""The parts of every paper session: what it trades on, its fresh journal and ledger, and the house with a simulated
exchange for its broker."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine
from liqbot.instruments import Instrument
from liqbot.journal import Journal, JournalReader
from liqbot.journal.errors import StampMismatchError
from liqbot.ledger import LedgerThread
from liqbot.observers.observer import Observer, OnStep
from liqbot.private_files import make_private_directory
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.storage import journal_limits
from liqbot.settings import Settings
from paper.sessions.assembly import exchange_of
from paper.sessions.inbox_loop import InboxSimLoop
from paper.sessions.sim_loop import SimLoop

ACCOUNT: Final = "paper"
LEDGER_WAIT_S: Final = 15.0
"""How long a market that can wait does so for a ledger that is behind."""
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


class FreshStorage(NamedTuple):
    journal: Journal
    ledger: LedgerThread


@contextlib.contextmanager
def fresh_storage(
    data: Path, settings: Settings, roster: Roster, report: Callable[[str], object] = lambda _text: None
) -> Iterator[FreshStorage]:
    """A new journal and ledger. Every session of a simulated market is a world of its own, so the books of the one
    before are moved aside, never written on and never lost."""
    kept = _move_aside(data, settings.mode)
    if kept is not None:
        report(f"the books of the session before are kept in {kept}")
    path = places.journal_path(data)
    limits = journal_limits(settings)
    with Journal.open(path, mode=settings.mode, account=ACCOUNT, roster=roster, limits=limits) as journal:
        url = settings.ledger.url or f"sqlite:///{places.ledger_path(data)}"
        with LedgerThread(url, journal.stamp.journal_id, written=lambda: journal.written_seq) as ledger:
            yield FreshStorage(journal, ledger)


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
    make_private_directory(folder)
    for book in (path, places.ledger_path(data)):
        for suffix in ("", "-wal", "-shm"):
            old = book.with_name(book.name + suffix)
            if old.exists():
                old.rename(folder / old.name)
    return folder


def paper_house(
    market: SessionMarket, settings: Settings, data: Path, storage: FreshStorage, console: Observer | None,
    inbox: Inbox, *, checks: Sequence[OnStep] = (),
) -> House[InboxSimLoop]:
    """Its orders go to the simulated exchange in this process, which fills them from the market's own prices. The
    market stands still for a book that is slow."""
    exchange = exchange_of(settings, market.roster, market.instruments)

    def loop(engine: Engine, observers: Sequence[OnStep]) -> InboxSimLoop:
        sim = SimLoop(engine, exchange, journal=storage.journal, observers=observers, source="paper")
        return InboxSimLoop(sim, inbox)

    parts = Parts(
        settings, market.roster, market.instruments, storage.journal.stamp.journal_id, loop=loop,
        journal=storage.journal, ledger=storage.ledger, data=data, source="paper", console=console, checks=checks,
        ledger_wait_s=LEDGER_WAIT_S, account_facts=exchange.facts_at_start(market.start_ms),
    )  # fmt: skip
    return assembled(parts, market.start_ms)
