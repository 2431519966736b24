"""The hand on a running bot: latches that outlive it, and a socket that only its owner can open."""

import asyncio
import stat
from pathlib import Path

import pytest

from liqbot import control
from liqbot.exits import Exit, ExpectedError


def test_a_latch_is_set_read_and_lifted(tmp_path: Path) -> None:
    assert control.read_latch(tmp_path, control.PANIC) == ""
    control.write_latch(tmp_path / "new", control.PANIC, time_ms=1, why="fire")
    assert control.read_latch(tmp_path / "new", control.PANIC) == "fire"
    assert stat.S_IMODE((tmp_path / "new" / control.PANIC).stat().st_mode) == 0o600
    assert control.drop_latch(tmp_path / "new", control.PANIC)
    assert not control.drop_latch(tmp_path / "new", control.PANIC)


def test_a_latch_that_cannot_be_read_is_a_latch(tmp_path: Path) -> None:
    (tmp_path / control.PANIC).write_text("{half", encoding="utf-8")
    assert control.read_latch(tmp_path, control.PANIC)


async def test_a_command_is_answered_over_a_socket_of_mode_600(tmp_path: Path) -> None:
    path = control.socket_path(tmp_path)
    path.write_text("left behind by a process that was killed", encoding="utf-8")

    async def handle(asked: dict[str, object]) -> dict[str, object]:
        if asked.get("verb") == "no":
            raise ValueError("verb: only yes")
        return {"ok": True, "said": asked["verb"]}

    serving = asyncio.create_task(control.serve(path, handle))
    await asyncio.sleep(0.2)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answer = await asyncio.to_thread(control.ask, tmp_path, {"verb": "yes"})
        assert answer["said"] == "yes"
        with pytest.raises(ExpectedError, match="only yes"):
            await asyncio.to_thread(control.ask, tmp_path, {"verb": "no"})
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert not path.exists()


def test_without_a_bot_the_answer_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError) as refused:
        control.ask(tmp_path, {"verb": "status"})
    assert refused.value.exit_code == Exit.NOT_FOUND
