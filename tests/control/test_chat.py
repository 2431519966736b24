"""Commands from a chat: who is obeyed, what is, how often, and what happens when the service is not well."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from chat_server import OWNER, TOKEN, ChatServer, refused
from pydantic import ValidationError

from liqbot.control.chat import KNOWN, Chat, require_chat
from liqbot.control.outcome import until
from liqbot.exits import Exit, ExpectedError
from liqbot.settings.chat import ChatParams
from tests.builders.patience import PATIENCE_S

STATUS = {
    "ok": True, "mode": "paper", "equity_usd": "10160.98", "drawdown_pct": 0.5, "halted": "", "halt_code": "",
    "positions": [{"side": "long", "quantity_base": "0.5", "coin": "BTC", "entry_price": "65600", "stop_price": "64000",
                   "protected": True}],
    "coins": [{"coin": "BTC", "mark_price": 65_610.0, "age_ms": 900}], "journal_trouble": None,
}  # fmt: skip


class House:
    """Stands where the control handler stands."""

    def __init__(self) -> None:
        self.obeyed: list[dict[str, Any]] = []

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.obeyed.append(request)
        return STATUS if request["verb"] == "status" else {"ok": True, "said": "no new entries; stops and exits go on"}


class Talk:
    def __init__(self, service: ChatServer, house: House, chat: Chat) -> None:
        self.service, self.house, self.chat = service, house, chat

    async def heard(self, count: int) -> list[str]:
        """The texts that the bot has sent, once there are so many."""
        await self.until(lambda: len(self.service.answers) >= count)
        return [text for _, text in self.service.answers]

    async def until(self, true: Any) -> None:
        assert await until(true, PATIENCE_S)


@contextlib.asynccontextmanager
async def talking(trouble: Iterator[Any] = iter(()), **params: Any) -> AsyncIterator[Talk]:  # noqa: B008  empty
    service, house = ChatServer(trouble), House()
    async with service.server:
        chat = Chat(service.params(**params), house.answer, first_wait_s=0.3)
        task = asyncio.create_task(chat.run(None))
        try:
            yield Talk(service, house, chat)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_status_and_pause_go_the_way_of_the_control_socket_and_are_answered() -> None:
    async with talking() as talk:
        talk.service.write("/status")
        talk.service.write("/pause@my_bot  exchange looks odd\u202e")
        status, paused = await talk.heard(2)
        assert talk.house.obeyed == [
            {"verb": "status"}, {"verb": "pause", "why": f"chat {OWNER}: exchange looks odd\\u202e"},
        ]  # fmt: skip
        assert status.splitlines() == [
            "mode paper, simulated, equity 10,160.98 USD, 0.50 % below its highest",
            "long 0.5 BTC at 65600, stop 64000", "BTC 65,610, 1 s old",
        ]  # fmt: skip
        assert paused == "no new entries; stops and exits go on"
        assert {one for one, _ in talk.service.answers} == {OWNER}
        await talk.until(lambda: talk.service.asked >= 2)
        assert talk.chat.stats.taken == 2, "each was taken once"


async def test_nothing_that_opens_or_loosens_can_be_said() -> None:
    async with talking(commands_min=60) as talk:
        words = ("/resume", "/stop", "/close BTC", "/bias BTC long", "/flatten", "pause", "/start", "status", "/")
        for text in words:
            talk.service.write(text)
        assert set(await talk.heard(len(words))) == {KNOWN}
        assert talk.house.obeyed == []


async def test_others_are_counted_and_not_answered() -> None:
    async with talking() as talk:
        talk.service.write("/pause", chat=77)
        talk.service.write("/pause", kind="group")
        talk.service.write("/pause", chat=-OWNER, kind="supergroup")
        talk.service.write(None)
        talk.service.write("/status")
        await talk.heard(1)
        assert talk.chat.stats.unknown == 3
        assert talk.house.obeyed == [{"verb": "status"}]
        assert {one for one, _ in talk.service.answers} == {OWNER}


async def test_a_chat_may_not_ask_for_ever_and_a_pause_has_room_of_its_own() -> None:
    async with talking(commands_min=2) as talk:
        for _ in range(5):
            talk.service.write("/status")
        talk.service.write("/pause")
        await talk.heard(3)
        assert [one["verb"] for one in talk.house.obeyed] == ["status", "status", "pause"]
        assert talk.chat.stats.limited == 3


async def test_what_was_sent_while_nobody_asked_is_not_done() -> None:
    async with talking() as talk:
        talk.service.write("/pause", ago_s=120)
        (said,) = await talk.heard(1)
        assert said.startswith("not done: /pause came more than 60 s after it was sent")
        assert (talk.house.obeyed, talk.chat.stats.late) == ([], 1)


@pytest.mark.parametrize(("trouble", "said"), [
    (lambda: refused(409, "Conflict: terminated by other getUpdates request"), "getUpdates: 409 Conflict"),
    (lambda: refused(429, "Too Many Requests: retry after 1", parameters={"retry_after": 1}), "getUpdates: 429"),
    (lambda: web.Response(text="<html>"), "getUpdates: the answer is no JSON"),
    (lambda: web.json_response([1, 2]), "getUpdates: refused"),
    (lambda: web.json_response({"ok": True, "result": [{"message": {}}]}), "an update without its number"),
    (lambda: web.Response(body=b" " * 1_100_000), "an answer of more than 1000000 bytes"),
])
async def test_trouble_of_the_service_is_said_and_passes(trouble: Any, said: str) -> None:
    async with talking(iter([trouble])) as talk:
        await talk.until(lambda: bool(talk.chat.stats.trouble))
        assert said in talk.chat.stats.trouble
        talk.service.write("/status")
        await talk.heard(1)
        await talk.until(lambda: not talk.chat.stats.trouble)


async def test_the_token_is_never_said() -> None:
    other = TOKEN[::-1].replace(":", "x")[:30]
    async with talking(token=f"987654321:{other}") as talk:
        await talk.until(lambda: talk.chat.stats.trouble)
        assert "401 Unauthorized" in talk.chat.stats.trouble
        assert other not in talk.chat.stats.trouble
    gone = ChatParams(enabled=True, token=TOKEN, chats=(OWNER,), url="http://127.0.0.1:1")
    chat = Chat(gone, House().answer)
    task = asyncio.create_task(chat.run(None))
    assert await until(lambda: bool(chat.stats.trouble), PATIENCE_S)
    task.cancel()
    assert TOKEN not in chat.stats.trouble
    assert TOKEN not in repr(gone)


def test_what_it_lacks_is_one_line() -> None:
    require_chat(ChatParams())
    for params, said in ((ChatParams(enabled=True), "chat.token: missing"),
                         (ChatParams(enabled=True, token=TOKEN), "chat.chats: empty")):
        with pytest.raises(ExpectedError, match=said) as refusal:
            require_chat(params)
        assert refusal.value.exit_code == Exit.CONFIG


@pytest.mark.parametrize("wrong", [
    {"url": "http://api.telegram.org"}, {"url": "https://elsewhere.example"}, {"url": "http://127.0.0.1:80@evil.example"},
    {"chats": (-100,)}, {"chats": (0,)}, {"token": "short"}, {"poll_s": 0}, {"commands_min": 0},
])
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChatParams(**wrong)
