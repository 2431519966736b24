"""A start on damaged books: the ledger never stands in its way, and a journal that does says what is next."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from other_user import as_nobody, public_folder
from short_life import INSTRUMENTS, MARKET, SETTINGS, STEPS, written

from liqbot import places
from liqbot.cli import main
from liqbot.events import JournalRepaired
from liqbot.execution import client_order_id
from liqbot.exits import Exit
from liqbot.journal import JournalReader, repair
from liqbot.journal.errors import RecordsMissingError
from liqbot.runtime.assembly import snapshot_version
from liqbot.runtime.storage import Storage, opened

START_HERE = "x"
RECORDS = STEPS + 3
TOLD = ("run", "incident", "transfer", "map_snapshot", "decision")


@contextlib.contextmanager
def started(data: Path) -> Iterator[Storage]:
    with opened(data, SETTINGS, START_HERE, MARKET.roster, INSTRUMENTS) as storage:
        yield storage


def rows(data: Path) -> dict[str, list[Any]]:
    with contextlib.closing(sqlite3.connect(places.ledger_path(data))) as connection:
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY id').fetchall() for name in TOLD}


@pytest.fixture
def public() -> Iterator[Path]:
    yield from public_folder()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books of a life that ended in order."""
    folder = tmp_path_factory.mktemp("sound")
    written(places.journal_path(folder), snapshot_at=60)
    assert main(["db", "rebuild", "--data", str(folder)]) == Exit.OK
    return folder


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    for place in (places.journal_path, places.ledger_path):
        shutil.copyfile(place(sound), place(tmp_path))
    return tmp_path


def _cut(path: Path, seed: int) -> None:
    with path.open("r+b") as file:
        file.truncate(random.Random(seed).randrange(1, path.stat().st_size - 4_096))


def _no_database(path: Path, seed: int) -> None:
    path.write_bytes(random.Random(seed).randbytes(8_192))


def _bad_header(path: Path, seed: int) -> None:
    with path.open("r+b") as file:
        file.write(random.Random(seed).randbytes(100))


def _malformed_page(path: Path, seed: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'incident'").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * page_bytes)
        file.write(random.Random(seed).randbytes(page_bytes))


def _altered(*statements: str) -> Callable[[Path, int], None]:
    def alter(path: Path, _seed: int) -> None:
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return alter


DAMAGES = {
    "cut off": _cut, "cut off elsewhere": lambda path, seed: _cut(path, seed + 1), "no database": _no_database,
    "bad header": _bad_header, "malformed page": _malformed_page,
    "newer schema": _altered("UPDATE alembic_version SET version_num = '9999'"),
    "table gone": _altered("DROP TABLE fold_state"),
    "ahead of the journal": _altered('UPDATE "offset" SET seq = seq + 1000'),
}


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_ledger_is_kept_aside_and_made_anew(
    data: Path, damage: Callable[[Path, int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows(data)
    damage(places.ledger_path(data), 7)
    broken = places.ledger_path(data).read_bytes()
    capsys.readouterr()
    with started(data) as storage:
        assert storage.recovered.records
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if "ledger cannot be used" in line]
    assert len(lines) == 1, said
    assert "ledger.sqlite.damaged-1" in lines[0]
    assert (data / "ledger.sqlite.damaged-1").read_bytes() == broken
    assert rows(data) == before
    with started(data):
        assert not (data / "ledger.sqlite.damaged-2").exists(), "a sound ledger is left as it is"


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("how", ["emptied", "deleted"])
def test_a_ledger_that_is_gone_is_made_anew(data: Path, how: str) -> None:
    before = rows(data)
    path = places.ledger_path(data)
    path.unlink()
    if how == "emptied":
        path.touch()
    with started(data):
        pass
    assert rows(data) == before


def test_a_journal_that_is_gone_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places.journal_path(data).unlink()
    capsys.readouterr()
    with started(data) as storage:
        assert storage.journal.last_seq == 0
    said = capsys.readouterr()
    assert "the journal of this ledger is gone" in said.out + said.err


@pytest.mark.parametrize(
    "words", [("trades",), ("decisions",), ("pnl",), ("replay",), ("db", "check"), ("map",)], ids=" ".join
)
def test_a_read_only_copy_is_read(sound: Path, public: Path, words: tuple[str, ...]) -> None:
    for place in (places.journal_path, places.ledger_path):
        shutil.copyfile(place(sound), place(public))
    for one in public.iterdir():
        one.chmod(0o444)
    public.chmod(0o555)
    before = sorted(public.iterdir())
    main([*words, "--data", str(sound)])  # what must be imported is, before we are somebody else
    run = partial(main, [*words, "--data", str(public)])
    code = as_nobody(run) if os.geteuid() == 0 else str(run())
    assert code in ("0", "Exit.OK"), code
    assert sorted(public.iterdir()) == before
    public.chmod(0o755)


def test_a_journal_cut_in_half_is_never_taken_for_a_ledger(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`db rebuild` would make the ledger anew from that very journal."""
    path = places.journal_path(data)
    os.truncate(path, path.stat().st_size // 2)
    for words in (["map"], ["check", "--side", "long", "--leverage", "5", "--venue", "binance"], ["replay"]):
        capsys.readouterr()
        assert main([*words, "--data", str(data)]) == Exit.FAILED
        complaint = capsys.readouterr().err
        assert "not a readable journal" in complaint
        assert "liqbot db repair" in complaint


@pytest.mark.drawn(singly=True, dear=True)
def test_another_programs_database_is_not_moved(tmp_path: Path) -> None:
    written(places.journal_path(tmp_path), snapshot_at=None)
    with contextlib.closing(sqlite3.connect(places.ledger_path(tmp_path))) as connection, connection:
        connection.execute("CREATE TABLE theirs (number)")
    with started(tmp_path):
        pass
    assert list(tmp_path.glob("*.damaged*")) == []


@pytest.mark.drawn(singly=True)
def test_a_start_over_a_hole_is_refused_until_the_journal_is_repaired(data: Path) -> None:
    path = places.journal_path(data)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM block WHERE seq BETWEEN 80 AND 90")
    with pytest.raises(RecordsMissingError, match="records 80 to 90 are missing; liqbot db repair"), started(data):
        pass
    done = repair(path, 10**12, snapshot_version=snapshot_version())
    assert (done.last_seq, done.snapshot_seq) == (79, 61)
    with started(data) as storage:
        order_manager = storage.recovered.engine.order_manager
        (gap,) = order_manager._gaps
        assert gap[1] > 10**12, "an id that a lost record gave out may be given out again"
        mine = client_order_id.client_id(storage.journal.stamp.journal_id, 1, client_order_id.Purpose.STOP)
        assert client_order_id.sequence_of(mine, storage.journal.stamp.journal_id) == 1, "its orders are still its own"
    incidents = rows(data)["incident"]
    assert any("JOURNAL_REPAIRED" in row for row in incidents)


@pytest.mark.drawn(singly=True)
def test_the_verbs_mend_the_books_and_say_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = places.journal_path(data)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 3 // 4)
    here = ["--data", str(data)]
    assert main(["replay", *here]) != Exit.OK
    assert "liqbot db repair" in capsys.readouterr().err
    assert main(["db", "check", *here]) == Exit.FAILED
    assert "liqbot db repair" in capsys.readouterr().out
    assert main(["db", "repair", *here]) == Exit.OK
    said = capsys.readouterr().out
    assert "whatever followed record" in said
    assert "journal.sqlite.damaged-1" in said
    with JournalReader(path) as reader:
        last = next(iter(reader.records(reader.last_seq)))
        assert isinstance(last.block.facts[0], JournalRepaired)
    assert main(["db", "rebuild", *here, "--partly"]) == Exit.OK
    assert "ledger.sqlite.replaced-1" in capsys.readouterr().out
    assert main(["db", "check", *here]) == Exit.OK


def test_nothing_is_mended_while_a_bot_runs(data: Path) -> None:
    with started(data):
        for verb in ("repair", "rebuild"):
            assert main(["db", verb, "--data", str(data)]) == Exit.RUNNING


def test_there_is_no_ledger_without_a_journal(tmp_path: Path) -> None:
    assert main(["db", "rebuild", "--data", str(tmp_path)]) == Exit.NOT_FOUND
    assert main(["db", "repair", "--data", str(tmp_path)]) == Exit.NOT_FOUND


@pytest.mark.drawn(singly=True)
def test_a_backup_is_restored_under_an_id_of_its_own_and_never_over_books(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, again = tmp_path / "copy", tmp_path / "again"
    assert main(["db", "backup", str(copy), "--data", str(data)]) == Exit.OK
    assert main(["db", "restore", str(copy), "--data", str(again)]) == Exit.OK
    assert "liqbot adopt" in capsys.readouterr().out
    capsys.readouterr()
    assert main(["db", "rebuild", "--data", str(again), "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["ledger"] == str(places.ledger_path(again))
    assert rows(again)["decision"] == rows(data)["decision"]
    with JournalReader(places.journal_path(again)) as restored, JournalReader(places.journal_path(data)) as original:
        assert restored.stamp.journal_id != original.stamp.journal_id
    assert main(["db", "restore", str(copy), "--data", str(again)]) == Exit.DATABASE
    assert main(["db", "restore", str(tmp_path / "none"), "--data", str(tmp_path / "third")]) == Exit.USAGE
    assert not (tmp_path / "third").exists()
