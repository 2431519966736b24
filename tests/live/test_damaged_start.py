"""A start on books that are none, while a position is open: one line and a next step, or protection all the same."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liqbot import hung_calls, places
from liqbot.control import protocol
from liqbot.control.protocol import RESUME, SOCKET_NAME
from liqbot.exits import ExpectedError
from liqbot.live.bot import trade
from liqbot.runtime import crash_count
from liqbot.runtime.listing_file import FILE_NAME
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_house import access_of, place
from tests.builders.patience import PATIENCE_S, patiently, until

NOTES = (FILE_NAME, crash_count.NAME, hung_calls.NOTE, RESUME, SOCKET_NAME)
"""What a start reads beside its books."""


def _directory(path: Path) -> None:
    path.mkdir()
    (path / "within").touch()


def _nonsense(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("damage", [_directory, os.mkfifo, _nonsense], ids=["directory", "pipe", "nonsense"])
async def test_no_note_beside_the_books_keeps_a_start_from_protecting(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    async with place("okx") as here:
        settings = here.settings()
        entry = await entry_sent(here, settings, tmp_path)
        await here.hub.execute(here.account, entry)
        await here.advance()
        for name in NOTES:
            damage(tmp_path / name)
        bot = trade(settings, tmp_path, access_of(settings), for_s=1.0)
        await patiently(bot)
        assert here.stopped_base >= QUANTITY


async def test_a_socket_that_cannot_be_made_is_said_once_and_made_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(protocol, "SERVE_AGAIN_S", 0.05)
    path = tmp_path / SOCKET_NAME
    path.mkdir()
    serving = asyncio.create_task(protocol.serve(path, _answer))
    await asyncio.sleep(0.3)
    said = capsys.readouterr()
    assert (said.out + said.err).count("no commands are taken") == 1
    path.rmdir()
    await until(path.is_socket)
    assert await asyncio.to_thread(protocol.request, tmp_path, {"verb": "status"}) == {"ok": True}
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def _answer(_request: dict[str, Any]) -> protocol.Reply:
    return {"ok": True}


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        for one in path.parent.glob(f"{path.name}*"):
            one.unlink()
        make(path)

    return damage


def _foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (number)")


def _altered(statement: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return damage


REPAIRED, PUT_BACK, ANEW = "liqbot db repair", "put the journal back", "move it away and start"
JOURNALS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a directory": (_replaced(_directory), PUT_BACK),
    "a pipe": (_replaced(os.mkfifo), PUT_BACK),
    "another program's database": (_replaced(_foreign), PUT_BACK),
    "a link to nowhere": (_replaced(lambda path: path.symlink_to(path.with_name("elsewhere"))), "mount or mend"),
    "a directory beside it": (lambda path: _directory(path.with_name(f"{path.name}-shm")), "move it away"),
    "no stamp": (_altered("DELETE FROM stamp"), ANEW),
    "no records": (_altered("DELETE FROM block"), REPAIRED),
    "no steps' table": (_altered("DROP TABLE step"), REPAIRED),
    "a time of text": (_altered("UPDATE block SET time_ms = 'soon'"), REPAIRED),
    "a lag of text": (_altered("UPDATE block SET lag_ms = 'long'"), REPAIRED),
    "facts of text": (_altered("UPDATE block SET facts = 'much' WHERE facts IS NOT NULL"), REPAIRED),
    "a newer version": (_altered("PRAGMA user_version = 99"), "upgrade liqbot"),
}


@pytest.mark.drawn(singly=True)
async def test_a_journal_that_is_none_is_one_line_with_what_is_next_and_never_begun_anew(tmp_path: Path) -> None:
    async with place("okx") as here:
        settings, sound = here.settings(), tmp_path / "sound"
        entry = await entry_sent(here, settings, sound)
        await here.hub.execute(here.account, entry)
        await here.advance()
        for name, (damage, what_next) in JOURNALS.items():
            data = tmp_path / name.replace(" ", "-")
            shutil.copytree(sound, data)
            damage(places.journal_path(data))
            before = sorted(data.iterdir())
            with pytest.raises(ExpectedError) as refused:
                await patiently(trade(settings, data, access_of(settings), for_s=PATIENCE_S))
            said = str(refused.value)
            assert what_next in said, (name, said)
            assert "\n" not in said
            assert {one.name for one in before} <= {one.name for one in data.iterdir()}, name
            assert not list(data.glob("*.new")), name
