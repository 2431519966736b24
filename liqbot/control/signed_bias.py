"""Directions that other programs send: who may, how old they may be, and what must be in them. No network here."""

import hmac
import re
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from liqbot.legible import spelled_and_cut
from liqbot.message_signature import SIGNATURE, TIMESTAMP, signature
from liqbot.settings.params import WebhookParams

BODY_BYTES_MAX: Final = 4_096
_DIGITS_MAX: Final = 12
_MINUTE_MS: Final = 60_000
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_COIN: Final = re.compile(r"[A-Z0-9]{2,12}")
_AT: Final = re.compile(r"`\$\.?([^`]*)`")
_UNKNOWN: Final = re.compile(r"(?:unknown|required) field `([^`]+)`")


class MessageRefused(Exception):
    """What the sender is told: an HTTP status, the field that is wrong, and what would be right."""

    def __init__(self, status: int, field: str, error: str) -> None:
        super().__init__(f"{field}: {error}" if field else error)
        self.status, self.field, self.error = status, field, error


class BiasMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body. Exactly one of `valid_for_s` and `valid_until_ms` with a direction, neither without one."""

    coin: str
    bias: Literal["long", "short", "none"]
    source: str
    nonce: str
    valid_for_s: float | None = None
    valid_until_ms: int | None = None
    why: str = ""


class Direction(msgspec.Struct, frozen=True):
    """As `liqbot bias` gives it: `side` is None to take one back; it holds for so long from now."""

    coin: str
    side: str | None
    holds_ms: int
    why: str


_decoder: Final = msgspec.json.Decoder(BiasMessage)


class SignedMessages:
    """Takes each message once. What was signed before this process listened is not taken: what it took then, no process
    remembers."""

    def __init__(self, params: WebhookParams, secret: str, begun_ms: int) -> None:
        self._params, self._secret, self._begun_ms = params, secret, begun_ms
        self._nonces: dict[tuple[str, str], int] = {}
        """Until when each is remembered."""
        self._newest_ms: dict[str, int] = {}
        """Coin -> the time that the newest message about it was signed at."""
        self._taken_ms: deque[int] = deque()

    def take(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> Direction:
        """MessageRefused for everything that is not right with it."""
        signed_ms = self._signed_ms(headers, body, now_ms)
        self._require_rate(now_ms)
        message = _read(body)
        direction = self._direction(message, now_ms)
        self._require_once(message, signed_ms, now_ms)
        return direction

    def _signed_ms(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> int:
        timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        for name, value in ((TIMESTAMP, timestamp), (SIGNATURE, given)):
            if not value:
                raise MessageRefused(401, name, "missing")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _DIGITS_MAX):
            raise MessageRefused(400, TIMESTAMP, "expected whole seconds since 1970, as of date +%s")
        expected = signature(self._secret, timestamp, body)
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise MessageRefused(401, SIGNATURE, "expected sha256= and the HMAC-SHA256 of timestamp, dot and body")
        signed_ms = int(timestamp) * 1_000
        if abs(now_ms - signed_ms) > self._params.window_s * 1_000:
            raise MessageRefused(401, TIMESTAMP, f"more than {self._params.window_s:g} s from this machine's clock")
        if signed_ms + 999 < self._begun_ms:
            raise MessageRefused(409, TIMESTAMP, "signed before this process began to listen: sign it anew")
        return signed_ms

    def _require_rate(self, now_ms: int) -> None:
        taken = self._taken_ms
        while taken and not now_ms - _MINUTE_MS < taken[0] <= now_ms:
            taken.popleft()
        if len(taken) >= self._params.requests_min:
            raise MessageRefused(429, "", f"more than {self._params.requests_min} messages a minute")
        taken.append(now_ms)

    def _direction(self, message: BiasMessage, now_ms: int) -> Direction:
        if not _COIN.fullmatch(message.coin):
            raise MessageRefused(400, "coin", f"{spelled_and_cut(message.coin)!r} is none; in capitals, as in BTC")
        for field in ("source", "nonce"):
            if not _NAME.fullmatch(getattr(message, field)):
                raise MessageRefused(400, field, "expected 1 to 64 letters, digits or _ . : -")
        why = f"webhook {message.source}" + (f": {spelled_and_cut(message.why)}" if message.why else "")
        if message.bias == "none":
            for field in ("valid_for_s", "valid_until_ms"):
                if getattr(message, field) is not None:
                    raise MessageRefused(400, field, "a direction that is taken back holds for no time; leave it out")
            return Direction(message.coin, None, 0, why)
        if (message.valid_for_s is None) is (message.valid_until_ms is None):
            raise MessageRefused(400, "valid_for_s", "say either this or valid_until_ms")
        if message.valid_until_ms is not None:
            field, holds_ms = "valid_until_ms", float(message.valid_until_ms - now_ms)
        else:
            field, holds_ms = "valid_for_s", (message.valid_for_s or 0.0) * 1_000
        if not 0 < holds_ms <= self._params.valid_h_max * 3_600_000:
            raise MessageRefused(400, field, f"must lie in the future, and within {self._params.valid_h_max:g} hours")
        return Direction(message.coin, message.bias, int(holds_ms), why)

    def _require_once(self, message: BiasMessage, signed_ms: int, now_ms: int) -> None:
        self._nonces = {nonce: until_ms for nonce, until_ms in self._nonces.items() if until_ms > now_ms}
        key = (message.source, message.nonce)
        if key in self._nonces:
            raise MessageRefused(409, "nonce", "used before: every message needs its own")
        if signed_ms < self._newest_ms.get(message.coin, 0):
            raise MessageRefused(409, TIMESTAMP, f"a message about {message.coin} that was signed later has been taken")
        self._nonces[key] = now_ms + int(2 * self._params.window_s * 1_000) + _MINUTE_MS
        self._newest_ms[message.coin] = signed_ms


def _read(body: bytes) -> BiasMessage:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        said = str(error)
        named = _UNKNOWN.search(said) or _AT.search(said)
        raise MessageRefused(400, named[1] if named else "", spelled_and_cut(said)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageRefused(400, "", f"the body is no JSON: {spelled_and_cut(str(error))}") from None
