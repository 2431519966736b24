"""A pause that is written in a chat, through the whole house: obeyed, shown, journaled and replayed."""

from pathlib import Path

import pytest
from chat_server import OWNER, TOKEN, ChatServer

from liqbot import __version__
from liqbot.code_version import this_code
from liqbot.control.outcome import until
from liqbot.events import Halt, HaltCode
from liqbot.journal import JournalReader
from liqbot.places import journal_path
from liqbot.replay import Equality, replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.verbs.control import status_text
from tests.builders.loopback_house import files_with, place, running
from tests.builders.patience import PATIENCE_S


@pytest.mark.drawn(singly=True)
async def test_a_pause_from_a_chat_is_journaled_and_replayed_like_one_from_the_machine(tmp_path: Path) -> None:
    service = ChatServer()
    async with service.server, place("okx") as here, running(here.settings(chat=service.params()), tmp_path) as bot:
        service.write("/pause", chat=77)
        service.write("/pause something is odd")
        status = await bot.status_when(lambda now: now["halt_code"] == HaltCode.OPERATOR_PAUSE, "it is paused")
        assert status["halted"] == f"paused: chat {OWNER}: something is odd"
        assert await until(lambda: bool(service.answers), PATIENCE_S)
        service.write("/status")
        assert await until(lambda: len(service.answers) == 2, PATIENCE_S)
        assert f"no entries: paused: chat {OWNER}: something is odd" in service.answers[1][1]
        shown = await bot.status()
        assert (shown["chat"]["taken"], shown["chat"]["unknown"]) == (2, 1)
        assert "chat      2 taken, 1 unknown" in status_text(shown)
    with JournalReader(journal_path(tmp_path)) as reader:
        halts = [fact for block in reader.blocks() for fact in block.facts if isinstance(fact, Halt)]
    assert [one.code for one in halts if one.reason.startswith("paused: chat")] == [HaltCode.OPERATOR_PAUSE]
    proof = replay(
        journal_path(tmp_path), recorded_engine, this_code(__version__, 1), snapshot_version=snapshot_version()
    )
    assert proof.equality is Equality.IDENTICAL
    assert not files_with(TOKEN, tmp_path)
