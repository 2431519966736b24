"""Since when a journal has had no writer: as early as it was seen, and never earlier than it is true."""

import time
from pathlib import Path

import pytest

from liqbot import places
from liqbot.cli import main
from liqbot.journal.lock import WriterLock
from liqbot.runtime import earlier_process


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    earlier_process._seen.clear()


def left_by_another(data: Path) -> Path:
    """The lock file of a process that is gone."""
    data.mkdir()
    journal = places.journal_path(data)
    WriterLock(journal).release()
    return places.lock_path(journal)


@pytest.mark.parametrize("named", ["--data {}", "--data={}", "--data elsewhere --data {}", "$"])
def test_it_is_known_from_the_words_alone(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    lock = left_by_another(data)
    words = [] if named == "$" else named.format(data).split()
    if named == "$":
        monkeypatch.setenv("LIQBOT_DATA", str(data))
    kept = lock.read_bytes()
    began_s = time.monotonic()
    earlier_process.look(["--profile", "demo", *words])
    seen_s = time.monotonic()
    assert began_s <= earlier_process.over_since_s(data) <= seen_s
    assert lock.read_bytes() == kept
    WriterLock(places.journal_path(data)).release()  # it was not kept


def test_a_writer_that_is_still_there_is_over_later(tmp_path: Path) -> None:
    data = tmp_path / "data"
    left_by_another(data)
    lock = WriterLock(places.journal_path(data))
    earlier_process.look(["--profile", "demo", "--data", str(data)])
    lock.release()
    gone_s = time.monotonic()
    assert earlier_process.over_since_s(data) >= gone_s


def test_so_is_one_that_came_in_between(tmp_path: Path) -> None:
    data = tmp_path / "data"
    left_by_another(data)
    earlier_process.look(["--profile", "demo", "--data", str(data)])
    WriterLock(places.journal_path(data)).release()
    gone_s = time.monotonic()
    assert earlier_process.over_since_s(data) >= gone_s


@pytest.mark.parametrize("words", [[], ["--data"], ["--data", "\0"], ["--profile", "../x"], ["--data", "/dev/null"]])
def test_words_that_lead_nowhere_say_nothing(words: list[str], tmp_path: Path) -> None:
    earlier_process.look(words)
    before_s = time.monotonic()
    assert earlier_process.over_since_s(tmp_path) >= before_s


def test_a_start_looks_before_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    lock = left_by_another(data)

    def imported(*_: object) -> None:
        assert lock.absolute() in earlier_process._seen
        raise SystemExit(77)

    monkeypatch.setattr("liqbot.cli.command_of", imported)
    with pytest.raises(SystemExit) as ended:
        main(["start", "--profile", "demo", "--data", str(data)])
    assert ended.value.code == 77
