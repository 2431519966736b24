"""Journal and ledger of a house on real venues: opened, recovered from, and caught up with each other."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from liqbot import places
from liqbot.blocks import Roster
from liqbot.engine import Engine
from liqbot.events import Reconciled
from liqbot.exits import ExpectedError
from liqbot.instruments import Instrument
from liqbot.journal import Journal, JournalLimits, JournalReader, Record
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.journal.steps import StepLike
from liqbot.ledger import LedgerWriter
from liqbot.ledger.observation import observation_of
from liqbot.ledger.rebuild import rebuild
from liqbot.ledger.soundness import journals_told_of, move_aside_if_damaged
from liqbot.runtime.assembly import SNAPSHOT_VERSION, recorded_engine
from liqbot.runtime.recovery import Recovered, recover
from liqbot.settings import Settings

MARGIN_MS: Final = 900_000
UNREAD_MS: Final = 21_600_000
"""How far back the account is read when the journal does not say when it was last read in full."""
_log = structlog.get_logger(__name__)


class Storage(NamedTuple):
    journal: Journal
    ledger: LedgerWriter
    recovered: Recovered


@contextlib.contextmanager
def opened(
    data: Path, settings: Settings, account: str, roster: Roster, instruments: Sequence[Instrument]
) -> Iterator[Storage]:
    """ExpectedError when another process writes them, or when they belong to another mode or account."""
    path = places.journal_path(data)
    url = settings.ledger.url or f"sqlite:///{places.ledger_path(data)}"
    limits = journal_limits(settings)
    with Journal.open(path, mode=settings.mode, account=account, roster=roster, limits=limits) as journal:
        _say_if_begun_anew(journal, url)
        move_aside_if_damaged(url, journal.stamp.journal_id, journal.last_seq)
        _ledger_reaches_the_snapshot(path, url, settings)
        with LedgerWriter(url, journal.stamp.journal_id) as ledger:
            yield Storage(journal, ledger, _recovered(path, settings, roster, instruments, ledger))


def _say_if_begun_anew(journal: Journal, url: str) -> None:
    """A journal was here, says the ledger, and is gone."""
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
    )


def _recovered(
    path: Path, settings: Settings, roster: Roster, instruments: Sequence[Instrument], ledger: LedgerWriter
) -> Recovered:
    read_ms = 0

    def observe(record: Record, step: StepLike, engine: Engine) -> None:
        nonlocal read_ms
        ledger.observe(observation_of(record.seq, record.block, step, engine, record.source))
        for fact in record.block.facts:
            if isinstance(fact, Reconciled):
                read_ms = max(read_ms, fact.time_ms)

    found = recover(path, settings, roster, instruments, observe)
    if not found.last_ms:
        return found
    since_ms = (read_ms or found.last_ms - UNREAD_MS) - MARGIN_MS
    _log.info("recovered", records=found.records, last_ms=found.last_ms)
    return found._replace(fills_since_ms=since_ms)


def _ledger_reaches_the_snapshot(path: Path, url: str, settings: Settings) -> None:
    """A ledger older than the snapshot that recovery begins from (deleted, restored) is made anew from the journal."""
    with JournalReader(path) as reader:
        snapshot, _ = reader.newest_snapshot(SNAPSHOT_NAME, SNAPSHOT_VERSION)
        journal_id = reader.stamp.journal_id
    if snapshot is None:
        return
    with LedgerWriter(url, journal_id) as ledger:
        behind = ledger.seq < snapshot.seq
    if behind:
        _log.warning("the ledger is behind the journal's snapshot: made anew from the journal")
        try:
            factory = partial(recorded_engine, own=settings.signals.own)
            rebuild(path, factory, url, snapshot_version=SNAPSHOT_VERSION, partly=True)
        except ExpectedError as error:
            _log.error("the ledger has a gap", reason=str(error))
