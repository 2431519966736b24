"""How a request that places an order leaves: noted when it is signed, and good until an instant that it says."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from liqbot.venues.spec import RequestExpiry
from liqbot.venues.trading import Dispatch

DISPATCH: Final[ContextVar[Dispatch | None]] = ContextVar("dispatch", default=None)
"""Of the call that is made now."""


def signed(exchange: Any, expiry: RequestExpiry | None, original: Callable[..., Any], path: str, *rest: Any) -> Any:
    """Stands in for the unified client's signing: the same request, with its expiry beside the signature, where the
    signature does not cover headers."""
    request = original(path, *rest)
    dispatch = DISPATCH.get()
    if dispatch is None:
        return request
    dispatch.on_signed()
    if expiry is None or path not in expiry.paths:
        return request
    expires_ms = int(exchange.milliseconds()) + dispatch.valid_ms
    if expiry.signed is not None:
        api, method, body, *others = rest
        again: Any = original(path, api, method, expiry.signed(exchange, body, expires_ms), *others)
        return again
    if expiry.place != "header":
        return request
    return request | {"headers": (request["headers"] or {}) | {expiry.name: str(expires_ms)}}


async def nothing(*_: Any, **__: Any) -> None:
    """In place of what the unified client would do of its own accord."""
