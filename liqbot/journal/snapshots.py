"""Which snapshots a journal keeps: the newest for recovery, and others, spread over the past, so that whoever reads a
time long ago folds few records to get there.
"""

import sqlite3
import zlib
from typing import Final

from liqbot.journal import schema
from liqbot.journal.reader import checksum
from liqbot.journal.writer import Work

FOR_RECOVERY: Final = 3
"""The newest of a name are kept whatever room they take. Retention drops no record that these need."""
_INSERT: Final = "INSERT INTO snapshot (name, seq, version, checksum, data) VALUES (?, ?, ?, ?, ?)"
_BYTES: Final = "SELECT coalesce(sum(length(data)), 0) FROM snapshot WHERE name = ?"
_THIN: Final = """
DELETE FROM snapshot WHERE id = (
    SELECT id FROM (
        SELECT id, seq, version, row_number() OVER (ORDER BY seq DESC, id DESC) AS place,
            lead(seq) OVER (ORDER BY seq, id) - lag(seq) OVER (ORDER BY seq, id) AS gap
        FROM snapshot WHERE name = ?
    ) WHERE place > ? ORDER BY version = ?, gap IS NULL, gap, seq LIMIT 1
)"""
"""The one whose loss makes the least gap; before any other one that this program cannot read, the first one last."""


def saving(name: str, seq: int, version: str, data: bytes, *, bytes_max: int) -> Work:
    """Writes a snapshot; those of its name take at most `bytes_max` then, as they are stored, as far as the newest
    allow. One of a gap leaves all others, for each is needed where it lies."""
    row = (name, seq, version, checksum(name, seq, version, data), zlib.compress(data, 1))
    most = bytes_max if schema.is_beginning(name) else 0

    def write(connection: sqlite3.Connection) -> None:
        connection.execute(_INSERT, row)
        while name != schema.GAP and connection.execute(_BYTES, (name,)).fetchone()[0] > most:
            if not connection.execute(_THIN, (name, FOR_RECOVERY, version)).rowcount:
                return

    return write
