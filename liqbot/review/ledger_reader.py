"""Reading a ledger without what wrote it: stdlib sqlite3 (psycopg for PostgreSQL), so that a verb starts at once."""

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from liqbot import places, sqlite_files
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import one_line

SCHEMA: Final = places.ledger_schema()
"""The ledger version whose views these queries know."""
URL_VARIABLE: Final = "LIQBOT_LEDGER__URL"
_REBUILD: Final = "liqbot db rebuild makes it anew from the journal"
_REMEDY: Final = "start the bot (liqbot paper makes one) or name a file with --db"

Row = dict[str, Any]


def ledger_place(db: str | None, data: Path | None, profile: str) -> str:
    """`--db` (a file or a postgresql:// URL), else the configured URL in the environment, else the state directory."""
    given = db or os.environ.get(URL_VARIABLE) or str(places.ledger_path(places.data_dir(data, profile)))
    return given.removeprefix("sqlite:///")


def _as_in_sqlite(value: Any) -> Any:
    """Sums and quotients of PostgreSQL are of its exact type: whole numbers stay whole, all others are read as floats,
    as SQLite gives them."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value.as_tuple().exponent == 0 else float(value)


class Ledger:
    """A read-only connection. ExpectedError when there is no ledger, or one of another version."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._postgres = place.startswith(("postgresql:", "postgres:", "postgresql+psycopg:"))
        self._connection: Any = self._connect_postgres() if self._postgres else self._connect_sqlite()
        self._require_schema()

    def unread_journal(self) -> str:
        """The id of the journal that lies beside a ledger which has read nothing of it; empty where it has, where none
        lies there, and where that one cannot be read, which is for `db check` to say."""
        journal = places.journal_path(Path(self.place).parent)
        if self._postgres or not journal.is_file():
            return ""
        try:
            with contextlib.closing(sqlite_files.connect_reading(journal)) as connection:
                stamps = dict(connection.execute("SELECT key, value FROM stamp WHERE key = 'journal_id'"))
        except (sqlite3.Error, OSError):
            return ""
        mine = {row["journal_id"] for row in self.rows('SELECT journal_id FROM "offset"')}
        own = str(stamps.get("journal_id", ""))
        return "" if own in mine else own

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows by column name. Placeholders are `?` in both dialects. ExpectedError where a file is damaged."""
        try:
            return self._rows(query, values)
        except sqlite3.DatabaseError as error:
            raise ExpectedError(f"ledger {self.place}: cannot be read: {one_line(error)}; {_REBUILD}") from error

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        cursor = self._connection.cursor()
        try:
            if self._postgres:
                cursor.execute(query.replace("%", "%%").replace("?", "%s"), values)
            else:
                cursor.execute(query, values)
            names = [column[0] for column in cursor.description]
            found = cursor.fetchall()
            if self._postgres:
                found = [[_as_in_sqlite(value) for value in row] for row in found]
            return [dict(zip(names, row, strict=True)) for row in found]
        finally:
            cursor.close()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect_sqlite(self) -> sqlite3.Connection:
        path = Path(self.place)
        try:
            path.stat()
            return sqlite_files.connect_reading(path)
        except FileNotFoundError:
            raise ExpectedError(f"no ledger at {path}: {_REMEDY}", Exit.NOT_FOUND) from None
        except OSError as error:
            raise ExpectedError(f"ledger {path}: cannot be read: {error.strerror}", Exit.NOT_FOUND) from None
        except sqlite3.OperationalError as error:
            raise ExpectedError(f"ledger {path}: {sqlite_files.explained(error)}", Exit.NOT_FOUND) from None
        except sqlite3.DatabaseError as error:
            said = f"{path} is not a liqbot ledger: {one_line(error)}; {_REBUILD}"
            raise ExpectedError(said, Exit.NOT_FOUND) from None

    def _connect_postgres(self) -> Any:
        try:
            import psycopg
        except ImportError:
            raise ExpectedError("a ledger on postgresql needs the package psycopg", Exit.CONFIG) from None
        try:
            return psycopg.connect(self.place.replace("+psycopg", "", 1), autocommit=True)
        except psycopg.Error as error:
            raise ExpectedError(f"no ledger at {self.place}: {one_line(error)}", Exit.NOT_FOUND) from None

    def _require_schema(self) -> None:
        try:
            found = [row["version_num"] for row in self._rows("SELECT version_num FROM alembic_version")]
        except Exception as error:  # noqa: BLE001  sqlite3 and psycopg name the same trouble differently
            self.close()
            remedy = "" if self._postgres else f"; {_REBUILD}"
            raise ExpectedError(
                f"{self.place} is not a liqbot ledger: {one_line(error)}{remedy}", Exit.NOT_FOUND
            ) from None
        if found != [SCHEMA]:
            self.close()
            written = found[0] if found else "none"
            remedy = "run liqbot db upgrade" if written < SCHEMA else "upgrade liqbot"
            raise ExpectedError(
                f"ledger {self.place} has schema {written}, this program reads {SCHEMA}: {remedy}", Exit.DATABASE
            )
