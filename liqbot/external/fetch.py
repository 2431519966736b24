"""Asking a source over HTTP: throttled, tried again where that helps, the answer bounded, no secret in any message."""

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp
from asyncio_throttle.throttler import Throttler
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from liqbot.exits import Exit, ExpectedError
from liqbot.external.params import ExternalParams
from liqbot.external.spec import ExternalMap, MapRequest, MapSource
from liqbot.legible import spelled_and_cut

TIMEOUT_S: Final = 15.0
ATTEMPTS_MAX: Final = 3
BYTES_MAX: Final = 64_000_000
_PERIOD_S: Final = 60.0
_SHOWN: Final = 160
_REFUSED: Final = (401, 403)
_BUSY: Final = 429
_MASK: Final = "***"
_PIECE_MIN: Final = 4
"""Of a secret that was cut, what is at least masked, in characters."""


class _Unreachable(ExpectedError):
    """Worth another attempt."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.UNREACHABLE)


class MapReader:
    """One source with one user's settings. Reusable within one event loop; the throttle counts over its life."""

    def __init__(self, source: MapSource, params: ExternalParams, wait_s_max: float = 5.0) -> None:
        """`wait_s_max`: the longest pause before another attempt."""
        self._source, self._params = source, params
        self._throttler = Throttler(source.per_minute, _PERIOD_S)
        self._wait_s_max = wait_s_max
        self._secrets: Sequence[str] = params.secrets()

    async def read(self, coin: str) -> ExternalMap:
        """The source's map of a coin now. ExpectedError in one line, without any of the secrets."""
        decode = self._source.decode
        if decode is None:
            raise ValueError(f"{self._source.name} has no decoder")
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                token = await self._login(session)
                return decode(await self._asked(session, self._source.request(self._params, coin, token)))
        except ExpectedError as error:
            raise ExpectedError(self._masked(str(error)), error.exit_code) from None

    async def _login(self, session: aiohttp.ClientSession) -> str | None:
        if self._source.login is None or self._source.token is None:
            return None
        token = self._source.token(await self._asked(session, self._source.login(self._params)))
        self._secrets = (*self._secrets, token)
        return token

    async def _asked(self, session: aiohttp.ClientSession, request: MapRequest) -> bytes:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS_MAX), wait=wait_random_exponential(0.5, self._wait_s_max),
            retry=retry_if_exception_type(_Unreachable), reraise=True,
        )
        return await attempts(self._once, session, request)

    async def _once(self, session: aiohttp.ClientSession, request: MapRequest) -> bytes:
        await self._throttler.acquire()  # type: ignore[no-untyped-call]
        method = "GET" if request.form is None else "POST"
        try:
            # A redirect would carry the key to wherever it points.
            async with session.request(
                method, request.url, params=request.query, headers=request.headers, data=request.form,
                allow_redirects=False,
            ) as response:
                return self._accepted(request, response.status, await _body(response))
        except (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            said = f"{self._source.name}: {request.url} does not answer ({type(error).__name__})"
            raise _Unreachable(said) from None

    def _accepted(self, request: MapRequest, status: int, body: bytes | None) -> bytes:
        name = self._source.name
        if body is None:
            raise ExpectedError(f"{name}: its answer is longer than {BYTES_MAX:,} bytes")
        if status == 200:
            return body
        text = self._masked(body.decode("utf-8", "replace"))
        said = f"HTTP {status}: {spelled_and_cut(text[:_SHOWN])}"
        if status in _REFUSED:
            raise ExpectedError(f"{name} refuses the key or the plan ({said})", Exit.CONFIG)
        if status == _BUSY or status >= 500:
            raise _Unreachable(f"{name}: {request.url} is busy or broken ({said})")
        raise ExpectedError(f"{name}: {request.url} answers {said}")

    def _masked(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _MASK)
            for length in range(len(secret) - 1, _PIECE_MIN - 1, -1):  # the cut may have gone through it
                text = text.replace(secret[:length] + "…", _MASK + "…")
        return text


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    """None when it is too long."""
    parts, length = [], 0
    async for part in response.content.iter_chunked(1 << 16):
        length += len(part)
        if length > BYTES_MAX:
            return None
        parts.append(part)
    return b"".join(parts)
