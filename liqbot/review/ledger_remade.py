"""A ledger file made anew from the journal beside it, while no bot runs; the one before is kept."""

from functools import partial
from pathlib import Path

from liqbot import places, sqlite_files
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.lock import WriterLock
from liqbot.ledger import sqlite_url
from liqbot.ledger.rebuild import rebuild
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.signals.strategy import Strategy


def remade(folder: Path, own: tuple[Strategy, ...], *, partly: bool) -> tuple[int, Path | None]:
    """(records read, where the ledger before is kept). It is made beside and put in place when it is whole.
    ExpectedError when a bot runs here, and for everything that keeps a journal from being read."""
    journal, ledger = places.journal_path(folder), places.ledger_path(folder)
    if not journal.is_file():
        raise ExpectedError(f"no journal at {journal}: a ledger is made from one", Exit.NOT_FOUND)
    lock = WriterLock(journal)
    unfinished = ledger.with_name(ledger.name + ".rebuilding")
    try:
        _remove(unfinished)
        try:
            factory = partial(recorded_engine, own=own)
            count = rebuild(
                journal, factory, sqlite_url(unfinished), snapshot_version=snapshot_version(), partly=partly
            )
            kept = sqlite_files.move_aside(ledger, "replaced") if ledger.exists() else None
            unfinished.replace(ledger)
        finally:
            _remove(unfinished)
    finally:
        lock.release()
    return count, kept


def _remove(path: Path) -> None:
    for one in (path, *sqlite_files.beside(path)):
        one.unlink(missing_ok=True)
