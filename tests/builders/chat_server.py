"""A chat service on loopback that answers as Telegram's Bot API is documented to: `getUpdates` and `sendMessage`."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from liqbot.settings.chat import ChatParams

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQ"
OWNER = 4_242


class ChatServer:
    """`write` is what people type; `answers` is what the bot sends, as (chat, text)."""

    def __init__(self, trouble: Iterator[Callable[[], web.Response]] = iter(())) -> None:  # noqa: B008  empty
        """`trouble`: what is answered in place of updates, first."""
        self.answers: list[tuple[int, str]] = []
        self.asked = 0
        self._trouble = trouble
        self._waiting: list[dict[str, Any]] = []
        self._number = 1_000
        self._changed = asyncio.Event()
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._answer)
        self.server = TestServer(app)

    def params(self, **more: Any) -> ChatParams:
        here = {"enabled": True, "token": TOKEN, "chats": (OWNER,), "url": str(self.server.make_url("")), "poll_s": 1}
        return ChatParams(**(here | more))

    def write(self, text: str | None, chat: int = OWNER, *, kind: str = "private", ago_s: float = 0) -> None:
        self._number += 1
        said = {} if text is None else {"text": text}
        self._waiting.append({"update_id": self._number, "message": {
            "message_id": self._number, "from": {"id": chat, "is_bot": False, "first_name": "A"},
            "chat": {"id": chat, "type": kind}, "date": int(time.time() - ago_s), **said,
        }})  # fmt: skip
        self._changed.set()

    async def _answer(self, request: web.Request) -> web.Response:
        fields = await request.json()
        if request.match_info["token"] != TOKEN:
            return refused(401, "Unauthorized")
        if request.match_info["method"] == "sendMessage":
            self.answers.append((fields["chat_id"], fields["text"]))
            return web.json_response({"ok": True, "result": {"message_id": len(self.answers)}})
        self.asked += 1
        instead = next(self._trouble, None)
        return instead() if instead is not None else await self._updates(fields)

    async def _updates(self, fields: dict[str, Any]) -> web.Response:
        """Those before the offset are confirmed and gone; without any it holds the question."""
        self._waiting = [one for one in self._waiting if one["update_id"] >= fields["offset"]]
        if not self._waiting:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), fields["timeout"])
        return web.json_response({"ok": True, "result": self._waiting[: fields["limit"]]})


def refused(code: int, why: str, **more: Any) -> web.Response:
    """In the service's own words."""
    return web.json_response({"ok": False, "error_code": code, "description": why, **more}, status=code)
