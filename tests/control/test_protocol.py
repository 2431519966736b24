"""The hand on a running bot: latches that outlive it, and a socket that only its owner can open."""

import asyncio
import contextlib
import select
import socket
import stat
import threading
from pathlib import Path

import pytest
from patience import PATIENCE_S, until

from liqbot.control import protocol
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import spelled_and_cut


def test_a_latch_is_set_read_and_lifted(tmp_path: Path) -> None:
    assert protocol.read_latch(tmp_path, protocol.PANIC) == ""
    protocol.write_latch(tmp_path / "new", protocol.PANIC, time_ms=1, why="fire")
    assert protocol.read_latch(tmp_path / "new", protocol.PANIC) == "fire"
    assert stat.S_IMODE((tmp_path / "new" / protocol.PANIC).stat().st_mode) == 0o600
    assert protocol.drop_latch(tmp_path / "new", protocol.PANIC)
    assert not protocol.drop_latch(tmp_path / "new", protocol.PANIC)


def test_a_latch_that_cannot_be_read_is_a_latch(tmp_path: Path) -> None:
    (tmp_path / protocol.PANIC).write_text("{half", encoding="utf-8")
    assert protocol.read_latch(tmp_path, protocol.PANIC)
    (tmp_path / protocol.RESUME).mkdir()
    assert protocol.read_latch(tmp_path, protocol.RESUME)


def test_a_latch_with_bytes_that_are_no_text_is_a_latch_with_text(tmp_path: Path) -> None:
    """In the file itself, and in a reason as the command line hands it on."""
    (tmp_path / protocol.PANIC).write_bytes(b'{"why": "caf\xe9"}')
    assert protocol.read_latch(tmp_path, protocol.PANIC)
    protocol.write_latch(tmp_path, protocol.PANIC, time_ms=1, why="caf\udce9")
    assert protocol.read_latch(tmp_path, protocol.PANIC) == "caf\\udce9"
    (tmp_path / protocol.PANIC).write_text('{"why": "caf\\udce9"}', encoding="utf-8")
    assert protocol.read_latch(tmp_path, protocol.PANIC) == "caf\\udce9"


async def test_a_command_with_bytes_that_are_no_text_arrives_as_text(tmp_path: Path) -> None:
    heard: list[object] = []

    async def handle(asked: dict[str, object]) -> protocol.Reply:
        heard.append(asked["why"])
        return {"ok": True}

    serving = asyncio.create_task(protocol.serve(protocol.socket_path(tmp_path), handle))
    await until(protocol.socket_path(tmp_path).is_socket)
    await asyncio.to_thread(protocol.request, tmp_path, {"verb": "pause", "why": "caf\udce9"})
    serving.cancel()
    assert heard == ["caf\\udce9"]


async def test_a_command_is_answered_over_a_socket_of_mode_600(tmp_path: Path) -> None:
    path = protocol.socket_path(tmp_path)
    path.write_text("left behind by a process that was killed", encoding="utf-8")

    async def handle(asked: dict[str, object]) -> dict[str, object]:
        if asked.get("verb") == "no":
            raise ValueError("verb: only yes")
        return {"ok": True, "said": asked["verb"]}

    serving = asyncio.create_task(protocol.serve(path, handle))
    await until(path.is_socket)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answer = await asyncio.to_thread(protocol.request, tmp_path, {"verb": "yes"})
        assert answer["said"] == "yes"
        with pytest.raises(ExpectedError, match="only yes"):
            await asyncio.to_thread(protocol.request, tmp_path, {"verb": "no"})
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert not path.exists()


@pytest.mark.parametrize("reads", [True, False], ids=["ends", "resets"])
def test_a_bot_that_ends_while_it_is_asked_is_told_in_one_line(tmp_path: Path, reads: bool) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(protocol.socket_path(tmp_path)))
        listener.listen()

        def end() -> None:
            connection, _ = listener.accept()
            with connection:
                if reads:  # closed with words unread a connection is reset
                    connection.recv(protocol.LINE_MAX)
                else:
                    select.select([connection], [], [], PATIENCE_S)

        ending = threading.Thread(target=end)
        ending.start()
        with pytest.raises(ExpectedError, match="ended before it answered"):
            protocol.request(tmp_path, {"verb": "stop"})
        ending.join()


async def test_a_bot_that_ends_lets_go_of_who_has_not_asked_yet(tmp_path: Path) -> None:
    async def handle(asked: dict[str, object]) -> protocol.Reply:
        raise AssertionError(asked)

    path = protocol.socket_path(tmp_path)
    serving = asyncio.create_task(protocol.serve(path, handle))
    await until(path.is_socket)
    reader, writer = await asyncio.open_unix_connection(str(path))
    await asyncio.sleep(0.01)
    serving.cancel()
    await asyncio.wait([serving])
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    writer.close()


def test_without_a_bot_the_answer_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError) as refused:
        protocol.request(tmp_path, {"verb": "status"})
    assert refused.value.exit_code == Exit.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("lunch", "lunch"), ("naïve — 午", "naïve — 午"), ("\udcff", "\\udcff"),
        ("a\nb\x00\x1b[31m", "a\\x0ab\\x00\\x1b[31m"), ("x" * 600, "x" * 499 + "…"),
    ],
)  # fmt: skip
def test_what_an_operator_writes_fits_every_book(text: str, spelled: str) -> None:
    assert spelled_and_cut(text) == spelled
    assert spelled_and_cut(text).encode()


async def test_a_directory_with_a_long_name_is_reached_too(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 30) / ("deeper" * 20)
    data.mkdir(parents=True)

    async def handle(_request: dict[str, object]) -> dict[str, object]:
        return {"ok": True, "said": "yes"}

    serving = asyncio.create_task(protocol.serve(protocol.socket_path(data), handle))
    try:
        await until(protocol.socket_path(data).is_socket)
        assert (await asyncio.to_thread(protocol.request, data, {"verb": "x"}))["said"] == "yes"
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert not protocol.socket_path(data).exists()


@pytest.mark.parametrize("turns", range(7))
async def test_whoever_connects_as_the_house_ends_is_let_go(turns: int, tmp_path: Path) -> None:
    """However far the event loop has come with it: accepted, handed over, read from."""

    async def handle(_request: dict[str, object]) -> dict[str, object]:
        return {"ok": True}

    path = protocol.socket_path(tmp_path)
    serving = asyncio.create_task(protocol.serve(path, handle))
    await until(path.is_socket)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        for _ in range(turns):
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.to_thread(connection.recv, 1) == b""
