"""Commands from a private chat with a Telegram bot of one's own (Bot API: `getUpdates` by long polling, `sendMessage`).

All it can do is what `liqbot status` and `liqbot pause` do, by the same handler. Nothing listens: the house asks.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from tenacity import AsyncRetrying, RetryCallState, wait_exponential

from liqbot.control.protocol import Reply
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import spelled, spelled_and_cut
from liqbot.settings.chat import ChatParams

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

ANSWER_BYTES_MAX: Final = 1_000_000
UPDATES_MAX: Final = 20
"""Of one answer."""
LATE_S: Final = 60.0
"""A command that was sent so long ago, while nobody asked, is not obeyed."""
MINUTE_S: Final = 60.0
ANSWER_S: Final = 10.0
FIRST_WAIT_S: Final = 1.0
WAIT_S_MAX: Final = 60.0
SAY_S: Final = 60.0
TEXT_MAX: Final = 4_000
"""A message of Telegram has 4096 characters at most."""
KNOWN: Final = "/status says how the bot is doing, /pause [why] ends new entries; all else is done on the machine"
Submit = Callable[[dict[str, Any]], Awaitable[Reply]]
_log = structlog.get_logger(__name__)


class ChatStats(msgspec.Struct):
    taken: int = 0
    unknown: int = 0
    """Messages of chats that are not named: neither obeyed nor answered."""
    limited: int = 0
    late: int = 0
    trouble: str = ""


class NotAnsweredError(Exception):
    """Why Telegram gave no answer, and how long to wait if it said so."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class Chat:
    """A feed of the house; it never fails: what goes wrong is said by `status`, and it is asked again."""

    def __init__(self, params: ChatParams, submit: Submit, *, first_wait_s: float = FIRST_WAIT_S) -> None:
        """`submit` takes a command as the control socket does, on the house's loop. `first_wait_s`: after a question
        that was not answered; it doubles with each that follows."""
        self._params, self._submit, self._first_wait_s = params, submit, first_wait_s
        self._token = params.token.get_secret_value() if params.token is not None else ""
        self._offset, self._said_s = 0, -SAY_S
        self._sent: dict[tuple[int, str], deque[float]] = {}
        self.stats = ChatStats()

    def not_asked(self, reason: str) -> None:
        """While a position is managed without it."""
        _log.error("no commands from a chat", reason=reason)
        self.stats.trouble = reason

    async def run(self, inbox: object) -> None:
        """Until cancelled."""
        del inbox  # the handler has it
        if self.stats.trouble:
            await asyncio.Event().wait()
        import aiohttp

        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(self._params.poll_s + ANSWER_S)) as session:
            while True:
                async for attempt in AsyncRetrying(wait=self._pause_s, before_sleep=self._say_why):
                    with attempt:
                        await self._turn(session)
                self.stats.trouble = ""

    def _pause_s(self, turn: RetryCallState) -> float:
        """Longer with each question that was not answered, never shorter than Telegram asks for; the longest after
        what nobody foresaw: a chat never ends a house."""
        error = _failure_of(turn)
        if not isinstance(error, NotAnsweredError):
            return WAIT_S_MAX
        return min(max(wait_exponential(self._first_wait_s, WAIT_S_MAX)(turn), error.wait_s), WAIT_S_MAX)

    def _say_why(self, turn: RetryCallState) -> None:
        error = _failure_of(turn)
        self._troubled(str(error) if isinstance(error, NotAnsweredError) else f"{type(error).__name__}: {error}")

    def _troubled(self, why: str) -> None:
        text = spelled_and_cut(why.replace(self._token, "***") if self._token else why)
        if not self.stats.trouble:
            _log.warning("the chat is not reached", reason=text)
        self.stats.trouble = text

    async def _turn(self, session: "ClientSession") -> None:
        """One question, and what it brought. The next one confirms it: a process that dies between obeys it again, and
        both commands may be given twice."""
        updates = await self._asked(
            session, "getUpdates", offset=self._offset, limit=UPDATES_MAX, timeout=int(self._params.poll_s),
            allowed_updates=["message"],
        )
        for update in updates if isinstance(updates, list) else ():
            if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
                raise NotAnsweredError("an update without its number")
            self._offset = max(self._offset, update["update_id"] + 1)
            await self._take(session, update.get("message"))

    async def _take(self, session: "ClientSession", message: object) -> None:
        chat = _part(message, "chat")
        chat_id, text = chat.get("id"), message.get("text") if isinstance(message, dict) else None
        if not isinstance(chat_id, int) or chat_id not in self._params.chats or chat.get("type") != "private":
            self.stats.unknown += 1
            self._say_unknown()
            return
        if not isinstance(text, str) or not text.strip():
            return
        word, _, rest = text.strip().partition(" ")
        command = word.partition("@")[0].lower()
        if self._too_often(chat_id, command if command in {"/status", "/pause"} else ""):
            self.stats.limited += 1
            return
        sent_s = message.get("date") if isinstance(message, dict) else None
        answer = await self._obeyed(command, rest, chat_id, sent_s)
        await self._asked(session, "sendMessage", chat_id=chat_id, text=answer[:TEXT_MAX])

    async def _obeyed(self, command: str, rest: str, chat_id: int, sent_s: object) -> str:
        """What is answered."""
        if command not in {"/status", "/pause"}:
            return KNOWN
        if not isinstance(sent_s, int) or time.time() - sent_s > LATE_S:
            self.stats.late += 1
            return f"not done: {command} came more than {LATE_S:.0f} s after it was sent; send it again"
        self.stats.taken += 1
        try:
            if command == "/status":
                return status_words(await self._submit({"verb": "status"}))
            why = spelled_and_cut(f"chat {chat_id}: {rest.strip() or 'by hand'}")
            _log.info("paused from a chat", chat=chat_id, why=why)
            reply = await self._submit({"verb": "pause", "why": why})
        except ValueError as error:
            return f"not done: {error}"
        return str(reply["said"])

    def _too_often(self, chat_id: int, command: str) -> bool:
        """Each command by itself, so that questions leave room for a pause."""
        times = self._sent.setdefault((chat_id, command), deque())
        now_s = time.monotonic()
        while times and now_s - times[0] > MINUTE_S:
            times.popleft()
        if len(times) >= self._params.commands_min:
            return True
        times.append(now_s)
        return False

    def _say_unknown(self) -> None:
        """In the log, now and then, without what was written."""
        if time.monotonic() - self._said_s >= SAY_S:
            self._said_s = time.monotonic()
            _log.warning("somebody whose chat is not in chat.chats writes to the bot", messages=self.stats.unknown)

    async def _asked(self, session: "ClientSession", method: str, **fields: Any) -> Any:
        """`result` of Telegram's answer; NotAnsweredError for anything else."""
        import aiohttp

        try:
            async with session.post(f"{self._params.url}/bot{self._token}/{method}", json=fields) as answer:
                return _result(method, await _read(answer))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotAnsweredError(f"{method}: {type(error).__name__} {error}".rstrip()) from None


async def _read(answer: "ClientResponse") -> bytes:
    body = b""
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise NotAnsweredError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
    return body


def _result(method: str, body: bytes) -> Any:
    try:
        found = json.loads(body)
    except ValueError:
        raise NotAnsweredError(f"{method}: the answer is no JSON") from None
    if isinstance(found, dict) and found.get("ok") is True:
        return found.get("result")
    said = found if isinstance(found, dict) else {}
    wait = _part(said, "parameters").get("retry_after")
    why = f"{method}: {said.get('error_code', 'refused')} {said.get('description', '')}".rstrip()
    raise NotAnsweredError(why, float(wait) if isinstance(wait, int) else 0.0)


def _part(whole: object, name: str) -> Mapping[str, Any]:
    part = whole.get(name) if isinstance(whole, dict) else None
    return part if isinstance(part, dict) else {}


def require_chat(params: ChatParams) -> None:
    """ExpectedError (configuration) where commands are wanted and none could be taken."""
    if params.enabled and params.token is None:
        raise ExpectedError(
            "chat.token: missing, and chat.enabled is true; put your bot's token into LIQBOT_CHAT__TOKEN or a file of "
            "that name in the secrets directory", Exit.CONFIG,
        )
    if params.enabled and not params.chats:
        raise ExpectedError(
            "chat.chats: empty, and chat.enabled is true; name the ids of the private chats that may command",
            Exit.CONFIG,
        )


def status_words(report: Mapping[str, Any]) -> str:
    """A status in a few lines for a small screen."""
    simulated = ", simulated" if report["mode"] == "paper" else ""
    head = f"mode {report['mode']}{simulated}, equity {float(report['equity_usd']):,.2f} USD"
    lines = [f"{head}, {report['drawdown_pct']:.2f} % below its highest"]
    if report["halt_code"] or report["halted"]:
        lines.append(f"no entries: {report['halted'] or report['halt_code']}")
    for held in report["positions"]:
        stop = f"stop {held['stop_price'] or 'NONE'}{'' if held['protected'] else ' (NOT PROTECTED)'}"
        lines.append(f"{held['side']} {held['quantity_base']} {held['coin']} at {held['entry_price']}, {stop}")
    if not report["positions"]:
        lines.append("no position")
    lines += [f"{one['coin']} {one['mark_price']:,.6g}, {one['age_ms'] / 1000:.0f} s old" for one in report["coins"]]
    if report.get("journal_trouble"):
        lines.append(f"journal: {report['journal_trouble']}")
    return "\n".join(map(spelled, lines))


def _failure_of(turn: RetryCallState) -> BaseException | None:
    return None if turn.outcome is None else turn.outcome.exception()
