"""Sessions whose answers are bounded: no body beyond a size, packed or not, and nothing that sends us elsewhere.

A body without an end fills the memory for as long as a request may take, and a process without memory is killed, with
whatever it protects. A venue's own address is where its answers come from: a request followed elsewhere would take the
key's name and a signed order with it.
"""

from collections.abc import Callable
from typing import Any, Final

import aiohttp

ANSWER_BYTES_MAX: Final = 32 * 2**20
"""Unpacked. The longest that venues give is a list of contracts, of a few million bytes."""
_ELSEWHERE: Final = (301, 302, 303, 307, 308)


class BoundedAnswer(aiohttp.ClientResponse):
    """ClientPayloadError for a body that is too long, as for one that breaks off."""

    async def read(self) -> bytes:
        if self._body is None:
            try:
                self._body = await self._bounded()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _bounded(self) -> bytes:
        body = bytearray()
        async for part in self.content.iter_any():
            body += part
            if len(body) > ANSWER_BYTES_MAX:
                raise aiohttp.ClientPayloadError(f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
        return bytes(body)


async def _here(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    answer = await handler(request)
    if answer.status in _ELSEWHERE:
        answer.close()
        raise aiohttp.ClientPayloadError(f"the answer sends us elsewhere ({answer.status}): not followed")
    return answer


def bounded_session(exchange: Any, original: Callable[[bool], None], lazy: bool = False) -> None:  # noqa: FBT001, FBT002
    """Stands in for the unified client's `open`: the session that it makes, with its connector, and bounded."""
    before = exchange.session
    original(lazy)
    made = exchange.session
    if made is before or made is None:
        return
    connector = made.connector
    made.detach()
    exchange.session = aiohttp.ClientSession(
        connector=connector, response_class=BoundedAnswer, middlewares=(_here,), trust_env=exchange.aiohttp_trust_env
    )
