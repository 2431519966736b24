"""Books are read where nothing may be written: in a read-only directory, from a read-only copy."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from other_user import as_nobody, public_folder

from liqbot.sqlite_files import beside, connect_reading, copy_compact, explained, move_aside


@pytest.fixture
def public() -> Iterator[Path]:
    yield from public_folder()


@pytest.fixture
def live(public: Path) -> Iterator[Path]:
    """A database with one row in its file and one more beside it, while its writer lives."""
    path = public / "live.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE kept (number)")
        writer.execute("INSERT INTO kept VALUES (1)")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.execute("INSERT INTO kept VALUES (2)")
        yield path


def copied(live: Path, *, pages: bool, index: bool) -> Path:
    folder = live.parent / "copy"
    folder.mkdir()
    for source, wanted in ((live, True), (beside(live)[0], pages), (beside(live)[1], index)):
        if wanted:
            shutil.copyfile(source, folder / source.name)
    return folder / live.name


def rows(path: Path) -> int:
    with contextlib.closing(connect_reading(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM kept").fetchone()
    return int(count)


@pytest.mark.parametrize(
    ("pages", "index", "expected"), [(False, False, 1), (True, False, 2), (True, True, 2)],
    ids=["the file alone", "with its newest pages", "with their index too"],
)
def test_a_copy_in_a_read_only_directory_is_read_whole(live: Path, pages: bool, index: bool, expected: int) -> None:
    path = copied(live, pages=pages, index=index)
    for one in path.parent.iterdir():
        one.chmod(0o444)
    path.parent.chmod(0o555)
    before = sorted(path.parent.iterdir())
    found = as_nobody(lambda: rows(path)) if os.geteuid() == 0 else str(rows(path))
    assert found == str(expected)
    assert sorted(path.parent.iterdir()) == before
    path.parent.chmod(0o755)


def test_a_file_that_may_not_be_read_is_an_error_and_no_empty_database(live: Path) -> None:
    live.chmod(0o600)
    assert as_nobody(lambda: rows(live)) == "OperationalError"


def test_reading_never_writes(live: Path) -> None:
    path = copied(live, pages=True, index=False)
    with contextlib.closing(connect_reading(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("INSERT INTO kept VALUES (3)")


def test_moved_aside_is_whole_and_nothing_is_written_over(live: Path) -> None:
    for number in (1, 2):
        path = copied(live, pages=True, index=False)
        aside = move_aside(path, "damaged")
        assert aside.name == "live.sqlite.damaged-1"
        assert rows(aside) == 2
        assert not path.exists()
        shutil.move(path.parent, path.parent.with_name(f"done{number}"))
    path = copied(live, pages=False, index=False)
    (path.parent / "live.sqlite.damaged-1").touch()
    assert move_aside(path, "damaged").name == "live.sqlite.damaged-2"


def test_a_compact_copy_is_its_owners_and_goes_over_nothing(live: Path, tmp_path: Path) -> None:
    with contextlib.closing(connect_reading(live)) as connection:
        copy_compact(connection, tmp_path / "copy.sqlite")
        assert rows(tmp_path / "copy.sqlite") == 2
        assert (tmp_path / "copy.sqlite").stat().st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            copy_compact(connection, tmp_path / "copy.sqlite")


def test_a_refusal_says_what_would_be_right(live: Path) -> None:
    with contextlib.closing(sqlite3.connect(live, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            contextlib.closing(sqlite3.connect(live, timeout=0, isolation_level=None)) as late,
            pytest.raises(sqlite3.OperationalError) as refused,
        ):
            late.execute("BEGIN IMMEDIATE")
    assert "another program holds it" in explained(refused.value)
