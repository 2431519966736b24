"""`StampedConnection`: an open journal with its stamp, and how the columns of its records are read by it."""

import pathlib
import sqlite3
from typing import Self

from liqbot.journal import schema
from liqbot.journal.errors import CorruptRecordError
from liqbot.journal.shape import KindReading, readings


class StampedConnection:
    """Takes over a connection, and closes it, also when there is no stamp to read (JournalError)."""

    def __init__(self, path: pathlib.Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._readings: dict[int, tuple[KindReading, ...]] = {}
        try:
            self.stamp = schema.read_stamp(connection, path)
        except Exception:
            connection.close()
            raise

    def _kinds(self, shape_id: int) -> tuple[KindReading, ...]:
        if shape_id not in self._readings:
            if shape_id not in self.stamp.shapes:  # its writer may have begun after this reader
                self.stamp = schema.read_stamp(self._connection, self.path)
            if shape_id not in self.stamp.shapes:
                raise CorruptRecordError(f"its columns are shape {shape_id}, which the stamp lacks")
            self._readings[shape_id] = readings(self.stamp.shapes[shape_id])
        return self._readings[shape_id]

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
