"""How an answer leaves: at once, or with the connection hanging, stalling, dripping or breaking in the middle of it."""

import asyncio
import time
from typing import Final

from aiohttp import web

from paper.dialects.faults import HANGING, Kind, WireFault
from paper.dialects.http import HttpAnswer

_LOOK_S: Final = 0.02
_PIECES: Final = 10
_DRIP_MS: Final = 1_000
_HANG_S_MAX: Final = 3_600.0


async def delivered(got: web.Request, answer: HttpAnswer | None, fault: WireFault | None) -> web.StreamResponse:
    """`answer` None: there is none, and the connection breaks, at once or after it has hung."""
    kind = None if fault is None else fault.kind
    value_ms = 0 if fault is None else fault.value
    if answer is None:
        if kind in HANGING:
            await _held(got, value_ms)
        _broken(got)
        return web.Response()
    headers = {"Content-Type": "application/json", **answer.headers}
    if kind not in (Kind.STALL, Kind.CUT_BODY, Kind.DRIP):
        return web.Response(status=answer.status, body=answer.payload, headers=headers)
    return await _in_pieces(got, answer, headers, kind, value_ms)


async def _in_pieces(
    got: web.Request, answer: HttpAnswer, headers: dict[str, str], kind: Kind | None, value_ms: int
) -> web.StreamResponse:
    body = answer.payload
    response = web.StreamResponse(status=answer.status, headers=headers | {"Content-Length": str(len(body))})
    try:
        await response.prepare(got)
        if kind is Kind.DRIP:
            size = max(1, -(-len(body) // _PIECES))
            for start in range(0, len(body), size):
                await asyncio.sleep((value_ms or _DRIP_MS) / 1_000 / _PIECES)
                await response.write(body[start : start + size])
            return response
        await response.write(body[: len(body) // 2])
        if kind is Kind.STALL:
            await _held(got, value_ms)
    except ConnectionError:
        # The client did not wait for the rest.
        return response
    _broken(got)
    return response


async def _held(got: web.Request, value_ms: int) -> None:
    """Until the client lets go."""
    until_s = time.monotonic() + (value_ms / 1_000 if value_ms else _HANG_S_MAX)
    while got.transport is not None and not got.transport.is_closing() and time.monotonic() < until_s:  # noqa: ASYNC110
        # The transport tells nobody that it closes.
        await asyncio.sleep(_LOOK_S)


def _broken(got: web.Request) -> None:
    if got.transport is not None:
        got.transport.close()
