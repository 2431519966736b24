"""Journal and ledger of a house on real venues: opened, recovered from, and caught up with each other."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from liqbot import hung_calls, places
from liqbot.blocks import Roster
from liqbot.engine import Engine
from liqbot.events import Reconciled
from liqbot.instruments import Instrument
from liqbot.journal import Journal, JournalLimits, JournalReader, Record
from liqbot.journal.steps import StepLike
from liqbot.ledger.later import FedLedger, LaterLedger
from liqbot.ledger.observation import observation_of
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.runtime.recovery import Recovered, newest_snapshots, recover
from liqbot.settings import Settings

if TYPE_CHECKING:
    from liqbot.ledger.background import LedgerThread, Remake

SNAPSHOT_SHARE: Final = 0.125
"""Of the room that a journal may take."""
MARGIN_MS: Final = 900_000
UNREAD_MS: Final = 21_600_000
"""How far back the account is read when the journal does not say when it was last read in full."""
ROOM_S_MAX: Final = 10.0
"""Longest wait of a recovery for a ledger that takes its records more slowly."""
_log = structlog.get_logger(__name__)


class Storage(NamedTuple):
    journal: Journal
    ledger: FedLedger
    recovered: Recovered

    @property
    def in_haste(self) -> bool:
        """As `opened` was."""
        return isinstance(self.ledger, LaterLedger)


@contextlib.contextmanager
def opened(
    data: Path, settings: Settings, account: str, roster: Roster, instruments: Sequence[Instrument], *,
    in_haste: bool = False,
) -> Iterator[Storage]:
    """ExpectedError when another process writes them, or when they belong to another mode or account. `in_haste`: a
    position may be open, so the ledger waits for its `begin`, and the compiled fold may not have been loaded."""
    path = places.journal_path(data)
    url = settings.ledger.url or f"sqlite:///{places.ledger_path(data)}"
    limits = journal_limits(settings)
    with Journal.open(path, mode=settings.mode, account=account, roster=roster, limits=limits) as journal:
        reached = partial(_ledger, path, url, settings, journal)
        ledger: FedLedger = LaterLedger(reached) if in_haste else reached()
        with contextlib.closing(ledger):
            yield Storage(journal, ledger, _recovered(path, settings, roster, instruments, ledger))


def _sound_ledger(url: str, journal: Journal, remake: "Remake") -> "LedgerThread":
    """A damaged one is moved aside. Loads what a ledger needs, which takes as long as a start does otherwise."""
    from liqbot.ledger.background import LedgerThread
    from liqbot.ledger.soundness import move_aside_if_damaged

    _say_if_begun_anew(journal, url)
    move_aside_if_damaged(url, journal.stamp.journal_id, journal.last_seq)
    return LedgerThread(url, journal.stamp.journal_id, written=lambda: journal.written_seq, remake=remake)


def _say_if_begun_anew(journal: Journal, url: str) -> None:
    """A journal was here, says the ledger, and is gone."""
    from liqbot.ledger.soundness import journals_told_of

    gone = [] if journal.last_seq else [one for one in journals_told_of(url) if one != journal.stamp.journal_id]
    if gone:
        _log.warning(
            "the journal of this ledger is gone: a new one begins", gone=", ".join(gone), new=journal.stamp.journal_id,
            next="what the old one left at the venue is somebody else's until it is adopted; stop, put the old journal "
            "back, and start, if you have it",
        )


def journal_limits(settings: Settings) -> JournalLimits:
    """How the configuration wants a journal written."""
    return JournalLimits(
        commit_ms=settings.journal.commit_ms,
        group_rows=settings.journal.group_rows,
        queue_rows_max=settings.journal.queue_rows_max,
        stuck_after_ms=settings.journal.stuck_after_ms,
        snapshot_bytes_max=int(settings.journal.keep_gb * 1e9 * SNAPSHOT_SHARE),
    )


def _recovered(
    path: Path, settings: Settings, roster: Roster, instruments: Sequence[Instrument], ledger: FedLedger
) -> Recovered:
    read_ms = 0

    def observe(record: Record, step: StepLike, engine: Engine) -> None:
        nonlocal read_ms
        wait_s = ROOM_S_MAX if ledger.opened else 0.0
        # Read for what is not in the ledger yet; a start in haste, whose ledger is not open, has no time for it.
        wanted = ledger.opened and record.seq > ledger.seq
        found = observation_of(record.seq, record.block, step, engine, record.source)
        ledger.put(found.kept(forecasts=wanted), wait_s)
        for fact in record.block.facts:
            if isinstance(fact, Reconciled):
                read_ms = max(read_ms, fact.time_ms)

    hung = {one.name for one in hung_calls.read(path.parent)}
    reached = ledger.seq if ledger.opened else None
    found = recover(path, settings, roster, instruments, observe, ledger_seq=reached, hung=hung)
    if not found.last_ms:
        return found
    since_ms = (read_ms or found.last_ms - UNREAD_MS) - MARGIN_MS
    _log.info("recovered", records=found.records, last_ms=found.last_ms)
    return found._replace(fills_since_ms=since_ms)


def _ledger(path: Path, url: str, settings: Settings, journal: Journal) -> "LedgerThread":
    """One that has seen less than every snapshot that recovery may begin from (deleted, restored) is made anew from the
    journal."""
    from liqbot.ledger.background import Remake
    from liqbot.ledger.rebuild import rebuild

    with JournalReader(path) as reader:
        snapshots = newest_snapshots(reader)
    oldest_seq = min((one.seq for one in snapshots), default=0)
    factory = partial(recorded_engine, own=settings.signals.own)
    remake = Remake(
        needed=lambda ledger_seq: ledger_seq < oldest_seq,
        make=lambda: rebuild(path, factory, url, snapshot_version=snapshot_version(), partly=True),
    )
    return _sound_ledger(url, journal, remake)
