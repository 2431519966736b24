"""What somebody may turn about commands that come from a chat."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

OFFICIAL: Final = "https://api.telegram.org"
_ID_MAX: Final = 2**52
"""Ids of Telegram have so many bits at most."""
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}")
_TOKEN: Final = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}")


class ChatParams(BaseModel):
    """Commands from a chat with a Telegram bot of your own: status and pause, and nothing that opens or loosens. The
    token comes from the environment or the secrets directory."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = Field(False, description="Ask Telegram for commands.")
    token: SecretStr | None = Field(None, description="Token of your bot, as BotFather gives it.")
    chats: tuple[int, ...] = Field(
        (), description="Ids of the private chats that may command; whoever writes from another is counted and not "
        "answered.",
    )
    url: str = Field(OFFICIAL, description="Telegram's address, or one on this machine for tests.")
    poll_s: float = Field(25.0, ge=1, le=50, description="How long Telegram holds a question that has no answer yet.")
    commands_min: int = Field(6, ge=1, le=60, description="How often a minute a chat may send the same command.")

    @field_validator("url")
    @classmethod
    def _official_or_here(cls, url: str) -> str:
        plain = url.rstrip("/")
        if plain != OFFICIAL and not _LOOPBACK.fullmatch(plain):
            raise ValueError(f"{url!r}: expected {OFFICIAL}, or http:// on this machine: the token goes there")
        return plain

    @field_validator("token")
    @classmethod
    def _as_given(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("expected a bot's token, as in 123456789:AA... of BotFather")
        return token

    @field_validator("chats")
    @classmethod
    def _private(cls, chats: tuple[int, ...]) -> tuple[int, ...]:
        for chat in chats:
            if not 0 < chat <= _ID_MAX:
                raise ValueError(f"{chat}: expected a private chat's id, which is positive; in a group others write")
        return chats
