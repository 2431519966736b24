"""The ways in that are wanted besides the control socket: signed directions and a chat. Both go through its handler."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from liqbot.control.chat import Chat, require_chat
from liqbot.control.protocol import Reply
from liqbot.control.webhook import Webhook
from liqbot.exits import ExpectedError
from liqbot.settings import Settings


class Doors:
    """Feeds of the house; none where none is wanted."""

    def __init__(self, settings: Settings, submit: Callable[[dict[str, Any]], Awaitable[Reply]]) -> None:
        self._settings = settings
        self._webhook = Webhook(settings, submit) if settings.webhook.enabled else None
        self._chat = Chat(settings.chat, submit) if settings.chat.enabled else None

    @property
    def feeds(self) -> "tuple[Webhook | Chat, ...]":
        return tuple(one for one in (self._webhook, self._chat) if one is not None)

    def open(self, *, held: bool) -> None:
        """ExpectedError when that cannot be; a position that is `held` is managed all the same, and the webhook is
        tried on."""
        try:
            require_chat(self._settings.chat)
        except ExpectedError as error:
            if not held or self._chat is None:
                raise
            self._chat.not_asked(str(error))
        try:
            if self._webhook is not None:
                self._webhook.listen()
        except ExpectedError as error:
            if not held or self._webhook is None:
                raise
            self._webhook.not_listening(str(error))

    def close(self) -> None:
        """Listens no more, also where it never ran."""
        if self._webhook is not None:
            self._webhook.close()

    def stats(self) -> dict[str, Any]:
        """For the status, by name."""
        named = {"webhook": self._webhook, "chat": self._chat}
        return {name: msgspec.structs.asdict(one.stats) for name, one in named.items() if one is not None}
