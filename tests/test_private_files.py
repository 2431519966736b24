"""The books are their owner's alone."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from other_user import NOBODY, as_nobody, public_folder

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.control import protocol
from liqbot.events import Halt, HaltCode
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal, JournalLimits
from liqbot.journal.errors import JournalUnwritableError
from liqbot.ledger import LedgerWriter, sqlite_url
from liqbot.private_files import make_private_directory, make_private_file
from liqbot.sqlite_files import beside


@pytest.fixture
def public() -> Iterator[Path]:
    yield from public_folder()


def opened(data: Path, **limits: int) -> Journal:
    return Journal.open(
        places.journal_path(data), mode="paper", account="sim", roster=Roster(("binance",), ("BTC",)),
        limits=JournalLimits(**limits),
    )


def halted(number: int) -> EventBlock:
    return EventBlock(facts=(Halt(time_ms=number, reason="test", code=HaltCode.OPERATOR_PAUSE),))


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{path.stat().st_mode & 0o777:04o}" for path in folder.rglob("*")}


def test_books_are_0600_in_a_0700_directory_whatever_the_umask(tmp_path: Path) -> None:
    data, before = tmp_path / "var", os.umask(0)
    try:
        with opened(data) as journal, LedgerWriter(sqlite_url(places.ledger_path(data)), journal.stamp.journal_id):
            journal.append(halted(1), "test", 1)
            journal.wait_durable()
            protocol.write_latch(data, protocol.PANIC, time_ms=1, why="test")
            found = modes(data)
    finally:
        os.umask(before)
    assert f"{data.stat().st_mode & 0o777:04o}" == "0700"
    assert {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "ledger.sqlite"} <= set(found)
    assert set(found.values()) == {"0600"}, found


def test_books_of_before_are_closed_to_others_with_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(tmp_path).close()
    tmp_path.chmod(0o755)
    places.journal_path(tmp_path).chmod(0o644)
    capsys.readouterr()
    opened(tmp_path).close()
    assert modes(tmp_path) == {"journal.sqlite": "0600", "journal.sqlite.lock": "0600"}
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    said = capsys.readouterr()
    assert (said.out + said.err).count("closed to them") == 2


def test_another_users_read_lock_does_not_stop_the_journal(public: Path) -> None:
    data = public / "var"
    opened(data).close()
    data.chmod(0o755)  # as books were kept before
    places.journal_path(data).chmod(0o644)

    def lock_the_index() -> str:
        index = os.open(beside(places.journal_path(data))[1], os.O_RDONLY)
        fcntl.lockf(index, fcntl.LOCK_SH)
        return "locked"

    with opened(data) as journal:
        for number in (1, 2):
            journal.append(halted(number), "test", number)
            journal.wait_durable(timeout_s=5)
            assert as_nobody(lock_the_index) == "PermissionError"


def test_a_directory_or_a_book_of_somebody_else_is_refused(public: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    theirs = public / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(JournalUnwritableError, match=r"theirs belongs to \S+, not to root.*chown.*--data"):
        opened(theirs)
    assert list(theirs.iterdir()) == []
    ours = public / "ours"
    opened(ours).close()
    os.chown(places.journal_path(ours), NOBODY, NOBODY)
    with pytest.raises(JournalUnwritableError, match=r"journal.sqlite belongs to"):
        opened(ours)


def test_a_directory_that_everybody_writes_to_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(ExpectedError, match="shared by everybody") as refused:
        make_private_directory(tmp_path)
    assert refused.value.exit_code == Exit.DATABASE
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_what_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for make in (make_private_directory, make_private_file):
        with pytest.raises(ExpectedError, match="cannot be made"):
            make(tmp_path / "file" / "below")
