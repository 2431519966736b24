"""Which market rows may go: those of days long past, never a fact about ourselves, an intent or a step that spoke."""

import sqlite3
from typing import Final

import msgspec

from liqbot.journal import schema
from liqbot.journal.schema import WAL_PAGES
from liqbot.journal.snapshots import FOR_RECOVERY

_DAY_MS: Final = 86_400_000
_BITE_SHARE: Final = 20
"""Beyond the size limit, at most a twentieth of the records goes at once."""
MARGIN_SHARE: Final = 20
MARGIN_BYTES_MAX: Final = 64 * 2**20
"""So much of the size limit, at most, is left for what comes until retention is asked for again."""


class Retained(msgspec.Struct, frozen=True):
    """One bite of retention: how many records were thinned, from where on all is kept, and whether that was all."""

    dropped: int
    retained_seq: int
    done: bool


def drop(connection: sqlite3.Connection, *, days: float, max_bytes: int, rows: int) -> Retained:
    """Thins at most `rows` of the oldest records inside the caller's transaction."""
    (value,) = connection.execute("SELECT value FROM stamp WHERE key = 'retained_seq'").fetchone()
    retained_seq = int(value)
    limit_seq = min(max(_seq_by_age(connection, days), _seq_by_size(connection, max_bytes)), _seq_needed(connection))
    last = connection.execute(
        "SELECT max(seq) FROM (SELECT seq FROM block WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?)",
        (retained_seq, limit_seq, rows),
    ).fetchone()[0]
    if last is None:
        return Retained(0, retained_seq, True)
    span = (retained_seq, last)
    connection.execute("DELETE FROM market WHERE seq BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM step WHERE step IS NULL AND seq BETWEEN ? AND ?", span)
    for which in (f"name = '{schema.GAP}'", schema.IS_BEGINNING):  # without the records after it none is of any use
        connection.execute(f"DELETE FROM snapshot WHERE {which} AND seq < ?", (last,))  # noqa: S608 - constants of ours
    dropped = connection.execute("SELECT count(*) FROM block WHERE seq BETWEEN ? AND ?", span).fetchone()[0]
    connection.execute(
        "DELETE FROM block WHERE facts IS NULL AND seq BETWEEN ? AND ? AND seq NOT IN (SELECT seq FROM step)", span
    )
    connection.execute("UPDATE stamp SET value = ? WHERE key = 'retained_seq'", (str(last + 1),))
    return Retained(dropped, last + 1, last + 1 >= limit_seq)


def _seq_by_age(connection: sqlite3.Connection, days: float) -> int:
    # History read at start-up is old by nature: only what happened while running says how far the journal has come.
    (newest_ms,) = connection.execute("SELECT max(time_ms) FROM block WHERE backfilled = 0").fetchone()
    if newest_ms is None:
        return 0
    row = connection.execute(
        "SELECT seq FROM block WHERE backfilled = 0 AND time_ms >= ? ORDER BY time_ms, seq LIMIT 1",
        (newest_ms - int(days * _DAY_MS),),
    ).fetchone()
    return int(row[0]) if row else 0


def _seq_by_size(connection: sqlite3.Connection, max_bytes: int) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    # A file never becomes smaller: what comes until the next time, and what waits beside it, must fit too.
    beside_bytes = WAL_PAGES * page_bytes + min(max_bytes // MARGIN_SHARE, MARGIN_BYTES_MAX)
    if (pages - free) * page_bytes + beside_bytes <= max_bytes:
        return 0
    first, last = connection.execute("SELECT min(seq), max(seq) FROM market").fetchone()
    return 0 if first is None else int(first + (last - first) // _BITE_SHARE + 1)


def _seq_needed(connection: sqlite3.Connection) -> int:
    """First record that recovery needs, from the oldest of the newest snapshots; without one, everything is needed."""
    (oldest,) = connection.execute(
        "SELECT min(seq) FROM (SELECT seq FROM snapshot "  # noqa: S608 - constants of ours
        f"WHERE {schema.IS_BEGINNING} ORDER BY seq DESC LIMIT {FOR_RECOVERY})"
    ).fetchone()
    return 0 if oldest is None else int(oldest) + 1
