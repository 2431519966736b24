"""Signed directions over real HTTP: what is taken, and all that is refused with the field that is wrong."""

import asyncio
import contextlib
import gzip
import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bias_sender import SECRET, free_port, message, params, post, sent, signed
from patience import PATIENCE_S, patiently, until
from pydantic import ValidationError

from liqbot.control import webhook
from liqbot.control.signed_bias import SIGNATURE, TIMESTAMP, MessageRefused
from liqbot.control.webhook import CONNECTIONS_MAX, Webhook, require_secret
from liqbot.exits import Exit, ExpectedError
from liqbot.settings import settings_model
from liqbot.settings.params import WebhookParams

OFFSET_MS = -1_000_000_000
"""The house's clock is another one than ours."""


class HouseHandler:
    """Stands where the house's handler stands."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        await self.answers.wait()
        if command["verb"] == "clock":
            return {"ok": True, "time_ms": time.time_ns() // 1_000_000 + OFFSET_MS}
        if command["coin"] != "BTC":
            raise ValueError(f"coin: {command['coin']!r} is not one of BTC")
        self.commands.append(command)
        return {"ok": True, "said": "taken"}


@contextlib.asynccontextmanager
async def listening(house: HouseHandler, wanted: WebhookParams) -> AsyncIterator[Webhook]:
    listener = Webhook(settings_model()(webhook=wanted), house.answer)
    listener.listen()
    running = asyncio.create_task(listener.run(None))
    try:
        yield listener
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.wait([running])
        listener.close()


async def test_a_signed_direction_is_given_as_by_hand() -> None:
    house, wanted = HouseHandler(), params()
    async with listening(house, wanted) as listener:
        now_ms = time.time_ns() // 1_000_000
        assert (await sent(wanted.port, why="flows out of exchanges"))[0] == 200
        assert (await sent(wanted.port, bias="short", valid_for_s=None, valid_until_ms=now_ms + 60_000))[0] == 200
        status, reply = await sent(wanted.port, bias="none", valid_for_s=None)
        assert (status, reply) == (200, {"ok": True, "said": "taken"})
        assert (listener.stats.taken, listener.stats.refused) == (3, 0)
    first, second, third = house.commands
    assert (first["side"], first["why"]) == ("long", "webhook house: flows out of exchanges")
    assert first["until_ms"] == pytest.approx(now_ms + OFFSET_MS + 3_600_000, abs=1_000 * PATIENCE_S)
    assert second["until_ms"] == pytest.approx(now_ms + OFFSET_MS + 60_000, abs=1_000 * PATIENCE_S)
    assert (third["side"], "until_ms" in third) == (None, False)


WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"coin": None}, "coin"), ({"coin": "DOGE"}, "coin"), ({"coin": "btc"}, "coin"), ({"coin": 7}, "coin"),
    ({"coin": "B" * 4_000}, "coin"), ({"bias": "up"}, "bias"), ({"bias": None}, "bias"),
    ({"source": ""}, "source"), ({"source": "a b"}, "source"), ({"source": "x" * 65}, "source"),
    ({"nonce": None}, "nonce"), ({"nonce": "\n"}, "nonce"), ({"valid_for_s": None}, "valid_for_s"),
    ({"valid_until_ms": 1}, "valid_for_s"), ({"valid_for_s": 0}, "valid_for_s"), ({"valid_for_s": -5}, "valid_for_s"),
    ({"valid_for_s": 1e300}, "valid_for_s"), ({"valid_for_s": "1h"}, "valid_for_s"),
    ({"valid_for_s": None, "valid_until_ms": 1_000}, "valid_until_ms"), ({"bias": "none"}, "valid_for_s"),
    ({"strength": 0.5}, "strength"), ({"order": "buy"}, "order"),
]


async def test_a_wrong_field_is_named_and_nothing_is_given() -> None:
    house, wanted = HouseHandler(), params()
    async with listening(house, wanted):
        for fields, field in WRONG_FIELDS:
            status, reply = await sent(wanted.port, **fields)
            assert (status, reply["ok"], reply["field"]) == (400, False, field), (fields, reply)
            assert reply["error"]
        for body in (b"", b"[]", b"{", b'"BTC"', b"\xff\xfe", b"null"):
            status, reply = await sent(wanted.port, body)
            assert (status, reply["ok"]) == (400, False), body
    assert house.commands == []


async def test_who_is_not_known_is_told_nothing_of_the_body() -> None:
    house, wanted = HouseHandler(), params()
    body = json.dumps(message()).encode()
    async with listening(house, wanted):
        other = signed(body, secret="f" * 32)
        cases = [
            (other, 401, SIGNATURE), (signed(b"another body"), 401, SIGNATURE),
            (signed(body) | {SIGNATURE: ""}, 401, SIGNATURE), (signed(body) | {SIGNATURE: "sha256=é"}, 401, SIGNATURE),
            (signed(body) | {TIMESTAMP: ""}, 401, TIMESTAMP), (signed(body) | {TIMESTAMP: "now"}, 400, TIMESTAMP),
            (signed(body) | {TIMESTAMP: "9" * 400}, 400, TIMESTAMP),
            (signed(body) | {TIMESTAMP: str(int(time.time()) - 1)}, 401, SIGNATURE),
            (signed(body, at_s=-40), 401, TIMESTAMP), (signed(body, at_s=400), 401, TIMESTAMP),
            (signed(body) | {"Content-Type": "text/plain"}, 415, "Content-Type"),
            (signed(body) | {"Content-Encoding": "gzip"}, 415, "Content-Encoding"),
        ]
        for headers, status, field in cases:
            as_bytes = {name: value.encode() for name, value in headers.items()}
            got, reply = await sent(wanted.port, body, as_bytes)
            assert (got, reply["ok"], reply["field"]) == (status, False, field), (headers, reply)
            assert SECRET not in json.dumps(reply)
    assert house.commands == []


async def test_a_message_is_taken_once_and_an_older_one_never_after_a_newer() -> None:
    house, wanted = HouseHandler(), params()
    async with listening(house, wanted):
        await asyncio.sleep(1.1)
        body = json.dumps(message()).encode()
        headers, late = signed(body), json.dumps(message(bias="short")).encode()
        kept = signed(late, at_s=-1)
        assert (await sent(wanted.port, body, headers))[0] == 200
        status, reply = await sent(wanted.port, body, headers)
        assert (status, reply["field"]) == (409, "nonce")
        status, reply = await sent(wanted.port, late, kept)
        assert (status, reply["field"]) == (409, TIMESTAMP)
    assert [one["side"] for one in house.commands] == ["long"]
    async with listening(house, wanted):  # begun again: what was taken before is not taken now
        await asyncio.sleep(0)
        body = json.dumps(message()).encode()
        status, reply = await sent(wanted.port, body, signed(body, at_s=-20))
        assert (status, reply["field"]) == (409, TIMESTAMP)
    assert len(house.commands) == 1


async def test_size_path_and_method_are_held_to() -> None:
    house, wanted = HouseHandler(), params()
    async with listening(house, wanted):
        big = json.dumps(message(why="x" * 5_000)).encode()
        assert (await sent(wanted.port, big))[0] == 413
        bomb = gzip.compress(b"x" * 10_000_000)
        assert (await sent(wanted.port, bomb, signed(bomb) | {"Content-Encoding": "gzip"}))[0] == 415
        status, reply = await asyncio.to_thread(post, wanted.port, b"", {}, method="GET")
        assert (status, reply["ok"]) == (405, False)
        status, reply = await asyncio.to_thread(post, wanted.port, b"", {}, path="/status")
        assert (status, reply["ok"]) == (404, False)
        answer = await asyncio.to_thread(chunked, wanted.port)
        assert b" 413 " in answer.split(b"\r\n")[0]
    assert house.commands == []


def chunked(port: int) -> bytes:
    """A body without a length that does not end."""
    with socket.create_connection(("127.0.0.1", port), 15) as connection:
        connection.sendall(b"POST /bias HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(20):
                connection.sendall(b"400\r\n" + b"x" * 1_024 + b"\r\n")
        return connection.recv(4_096)


async def test_more_messages_than_a_minute_allows_are_refused() -> None:
    house, wanted = HouseHandler(), params(requests_min=5)
    async with listening(house, wanted):
        found = [(await sent(wanted.port))[0] for _ in range(8)]
    assert found == [200] * 5 + [429] * 3


async def test_a_crowd_at_the_door_holds_up_nobody_inside() -> None:
    house, wanted = HouseHandler(), params()
    stalls: list[float] = []

    async def turning() -> None:
        while True:
            before_s = time.thread_time()
            await asyncio.sleep(0.005)
            stalls.append(time.thread_time() - before_s)

    async with listening(house, wanted) as listener:
        slow = await asyncio.to_thread(unfinished, wanted.port)
        measuring = asyncio.create_task(turning())
        await asyncio.gather(*(asyncio.to_thread(crowd, wanted.port) for _ in range(4)))
        measuring.cancel()
        assert listener.stats.turned_away > 20
        for one in slow:
            one.close()
        async with asyncio.timeout(PATIENCE_S):  # who comes after them is served
            while not await served(wanted.port):  # noqa: ASYNC110 -- asked, not told
                await asyncio.sleep(0.2)
    stalls.sort()
    # What the thread of the loop inside spent between two turns, whatever else the machine does.
    assert stalls[len(stalls) // 2] < 0.1


async def served(port: int) -> bool:
    """Not while the door is still closed in somebody's face."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return (await sent(port))[0] == 200
    return False


def unfinished(port: int) -> list[socket.socket]:
    slow = [socket.create_connection(("127.0.0.1", port), 15) for _ in range(CONNECTIONS_MAX + 20)]
    for one in slow:
        with contextlib.suppress(OSError):
            one.sendall(b"POST /bias HTTP/1.1\r\nHost")  # and no more
    return slow


def crowd(port: int) -> None:
    for _ in range(60):
        with contextlib.suppress(OSError):
            post(port, b"{}", {"Content-Type": "application/json"})


async def test_a_connection_that_says_nothing_is_closed() -> None:
    house, wanted = HouseHandler(), params()
    async with listening(house, wanted):
        reader, writer = await asyncio.open_connection("127.0.0.1", wanted.port)
        writer.write(b"POST /bias HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            assert await patiently(reader.read()) == b""
        writer.close()


async def test_a_house_that_does_not_answer_is_said_and_the_message_is_not_carried_out_later() -> None:
    house, wanted = HouseHandler(), params()
    house.answers.clear()
    async with listening(house, wanted):
        status, reply = await sent(wanted.port)
        assert (status, reply["ok"]) == (503, False)
        house.answers.set()
        await asyncio.sleep(0.2)
    assert house.commands == []


async def test_an_end_in_the_middle_waits_for_no_answer_and_leaves_the_port_free(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "ANSWER_S", 2 * PATIENCE_S)
    house, wanted = HouseHandler(), params()
    house.answers.clear()
    async with listening(house, wanted):
        waiting = asyncio.create_task(sent(wanted.port))
        await until(lambda: house.asked)
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < PATIENCE_S
    with contextlib.suppress(OSError, AssertionError, Exception):
        await patiently(waiting)
    with socket.create_server(("127.0.0.1", wanted.port)):
        pass


def test_what_waits_while_the_house_begins_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, begun_ms = params(), 1_800_000_000_000
    listener = Webhook(settings_model()(webhook=wanted), HouseHandler().answer)
    monkeypatch.setattr(webhook, "_wall_ms", lambda: begun_ms)
    listener.listen()
    monkeypatch.setattr(webhook, "_wall_ms", lambda: begun_ms + 8_000)
    messages, body = listener.messages(), json.dumps(message()).encode()
    listener.close()
    for signed_ms, taken in ((begun_ms + 1_000, True), (begun_ms - 1_000, False)):
        headers = signed(body, at_s=signed_ms / 1_000 - time.time() + 0.5)
        with contextlib.nullcontext() if taken else pytest.raises(MessageRefused, match="began to listen"):
            assert messages.take(headers, body, begun_ms + 8_000).coin == "BTC"


def test_without_a_secret_or_a_free_port_it_says_what_would_be_right() -> None:
    with pytest.raises(ExpectedError, match="LIQBOT_WEBHOOK__SECRET") as refused:
        require_secret(params(secret=None))
    assert refused.value.exit_code == Exit.CONFIG
    require_secret(WebhookParams())
    with socket.create_server(("127.0.0.1", free_port())) as other:
        listener = Webhook(settings_model()(webhook=params(port=other.getsockname()[1])), HouseHandler().answer)
        with pytest.raises(ExpectedError, match=r"webhook.port: \d+ of 127.0.0.1 cannot be listened on"):
            listener.listen()
    with pytest.raises(ValidationError, match="32 characters at least"):
        WebhookParams(secret="short")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="IP address"):
        WebhookParams(host="everywhere")


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIQBOT_WEBHOOK__SECRET", raising=False)


async def test_the_examples_of_the_guide_are_taken(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "webhook.md").read_text(encoding="utf-8")
    python, shell = (guide.split(f"```{kind}\n{begins}")[1].split("```")[0] for kind, begins in (
        ("python", "import hashlib"), ("sh", "body=")))
    (tmp_path / "webhook-secret").write_text(SECRET + "\n")
    house, wanted = HouseHandler(), params()
    async with listening(house, wanted):
        scripts = [[sys.executable, "-c", f"import hashlib{python}"]]
        if shutil.which("curl") and shutil.which("openssl"):
            scripts.append(["bash", "-c", f"body={shell}"])
        for script in scripts:
            script[-1] = script[-1].replace("8710", str(wanted.port))
            ran = await asyncio.to_thread(subprocess.run, script, cwd=tmp_path, capture_output=True, timeout=60)
            assert b'"ok": true' in ran.stdout, ran
    assert [one["side"] for one in house.commands] == ["long", None][: len(scripts)]
