"""The lock of an account among what another local user may do: links, left-over and pre-held files, open places."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.errors import AlreadyRunningError, JournalUnwritableError
from liqbot.journal.lock import FileLock, WriterLock
from liqbot.runtime.account_lock import only_one

ACCOUNT = "demo binance 7 "
STRANGER = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The directory of the user that runs this."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "run/liqbot"


def locks(run: Path) -> list[str]:
    return [path.name for path in run.iterdir()]


@pytest.mark.drawn(singly=True)
def test_the_second_process_is_refused_and_the_lock_is_gone_afterwards(run: Path, tmp_path: Path) -> None:
    with only_one(ACCOUNT, tmp_path):
        assert oct(run.stat().st_mode & 0o777) == "0o700"
        (name,) = locks(run)
        assert oct((run / name).stat().st_mode & 0o777) == "0o600"
        code = (
            "import sys; from pathlib import Path; from liqbot.runtime.account_lock import only_one\n"
            f"with only_one({ACCOUNT!r}, Path({str(tmp_path / 'other')!r})): pass"
        )
        # Another temporary directory, as containers and services with one of their own have it.
        surroundings = {**os.environ, "TMPDIR": str(tmp_path)}
        second = subprocess.run(
            [sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=False
        )
        assert f"is traded by process {os.getpid()} already" in second.stderr
        with only_one("demo binance 8 ", tmp_path):
            pass
    assert locks(run) == []


def test_nothing_is_kept_in_a_temporary_directory(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with only_one(ACCOUNT, tmp_path / "data"):
        assert list((tmp_path / "tmp").iterdir()) == []


def test_without_a_run_directory_the_lock_goes_to_the_users_state_directory(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    if Path(f"/run/user/{os.geteuid()}").is_dir():
        pytest.skip("this user has one")
    with only_one(ACCOUNT, tmp_path):
        assert len(locks(tmp_path / "home/.local/state/liqbot-run")) == 1
        assert places.data_place(None, "demo").origin == "$LIQBOT_HOME", "where the books lie does not change by it"


def test_a_planted_symlink_truncates_nothing_and_blocks_nobody(run: Path, tmp_path: Path) -> None:
    run.mkdir(mode=0o700)
    precious = tmp_path / "precious"
    precious.write_text("mine\n")
    with only_one(ACCOUNT, tmp_path / "data"):
        (name,) = locks(run)
    (run / name).symlink_to(precious)
    with only_one(ACCOUNT, tmp_path / "data"):
        assert precious.read_text() == "mine\n"
    (run / name).unlink()
    os.link(precious, run / name)
    with only_one(ACCOUNT, tmp_path / "data"):
        assert precious.read_text() == "mine\n"


@pytest.mark.parametrize("plant", ["directory", "fifo"])
def test_what_is_no_file_blocks_nobody(plant: str, run: Path, tmp_path: Path) -> None:
    with only_one(ACCOUNT, tmp_path / "data"):
        (name,) = locks(run)
    if plant == "directory":
        (run / name).mkdir()
    else:
        os.mkfifo(run / name)
    with only_one(ACCOUNT, tmp_path / "data"):
        pass


def test_a_directory_that_others_can_write_is_not_used(run: Path, tmp_path: Path) -> None:
    run.mkdir()
    run.chmod(0o777)
    with only_one(ACCOUNT, tmp_path):
        assert locks(run) == []


@as_root
def test_a_left_over_and_a_pre_held_lock_of_another_user_are_not_trusted_and_block_nobody(
    run: Path, tmp_path: Path
) -> None:
    with only_one(ACCOUNT, tmp_path / "data"):
        (name,) = locks(run)
    (run / name).write_text("4711\n")
    held = FileLock(run / name)
    os.chown(run / name, STRANGER, STRANGER)
    with only_one(ACCOUNT, tmp_path / "data"):
        assert (run / name).read_text().strip() == str(os.getpid()), "written by its holder, before"
    held.release()
    os.chown(run, STRANGER, STRANGER)
    with only_one(ACCOUNT, tmp_path / "data"):
        pass


def test_a_lock_removed_between_opening_and_locking_is_made_anew(tmp_path: Path) -> None:
    """Two holders of files of one name would both believe that they hold it."""
    first = FileLock(tmp_path / "one.lock")
    first.release(remove=True)
    second = FileLock(tmp_path / "one.lock")
    first.release(remove=True)
    assert second.path.exists(), "who has let go removes nothing of the next"
    second.release()


def test_the_journals_lock_follows_no_link_and_says_what_to_do(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine\n")
    journal = tmp_path / "journal.sqlite"
    lock = tmp_path / "journal.sqlite.lock"
    lock.symlink_to(precious)
    what = r"journal\.sqlite\.lock: .*; look at it, then remove it"
    with pytest.raises(JournalUnwritableError, match=what) as refused:
        WriterLock(journal)
    assert refused.value.exit_code == Exit.DATABASE
    assert precious.read_text() == "mine\n"
    lock.unlink()
    held = WriterLock(journal)
    with pytest.raises(AlreadyRunningError, match=f"by process {os.getpid()}"):
        WriterLock(journal)
    held.release()
    WriterLock(journal).release()


def test_the_account_is_named_without_its_place(run: Path, tmp_path: Path) -> None:
    said = pytest.raises(ExpectedError, match=r"account demo binance 7 is traded")
    with only_one(ACCOUNT, tmp_path), said as refused, only_one(ACCOUNT, tmp_path):
        pass
    assert refused.value.exit_code == Exit.RUNNING
