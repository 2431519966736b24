"""The venues whose protocols are spoken, and starting and stopping the exchange on loopback, for tests and verbs.

A package beside this module is a venue; the `DIALECT` of its `dialect` module is how it speaks. There is no list.
"""

import contextlib
import functools
import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterable
from typing import Final

import paper.dialects
from liqbot.venues.registry import VENUES
from paper.dialects.dialect import Dialect
from paper.dialects.hub import Hub
from paper.dialects.server import Server

_BASE: Final = "market_data"
"""The package that is no venue."""
DIALECTS: Final[tuple[str, ...]] = tuple(
    module.name for module in pkgutil.iter_modules(paper.dialects.__path__) if module.ispkg and module.name != _BASE
)
"""Venues that are spoken, by name; each loaded when it is needed."""


@functools.cache
def traded() -> tuple[str, ...]:
    """Those of them that take orders, and that the bot can send some; of the others only market data is spoken."""
    orders = (venue for venue in DIALECTS if dialect_class(venue).takes_orders)
    return tuple(venue for venue in orders if venue in VENUES and VENUES[venue].trading is not None)


def dialects_of(hub: Hub, venues: Iterable[str], *, demo_key: str = "") -> list[Dialect]:
    """`demo_key` is one of demo trading at venues that tell their keys from others. KeyError for a venue whose protocol
    is not spoken."""
    found = [dialect_class(venue)(hub) for venue in venues]
    for dialect in found:
        if demo_key and dialect.demo_keys_differ:
            dialect.demo_keys.add(demo_key.format(venue=dialect.venue))
    return found


def dialect_class(venue: str) -> type[Dialect]:
    """KeyError for a venue whose protocol is not spoken."""
    if venue not in DIALECTS:
        raise KeyError(venue)
    found: type[Dialect] = importlib.import_module(f"{paper.dialects.__name__}.{venue}.dialect").DIALECT
    return found


class Loopback:
    """A running exchange. `url` is what a client's addresses are rewritten to: `<url>/<original host>/<path>`."""

    def __init__(self, hub: Hub, server: Server) -> None:
        self.hub, self.server = hub, server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@contextlib.asynccontextmanager
async def serving(hub: Hub, dialects: Iterable[Dialect], port: int = 0) -> AsyncIterator[Loopback]:
    """Serve in the running loop on 127.0.0.1; stops cleanly when left."""
    async with running(Server(hub, dialects), port) as loop:
        yield loop


@contextlib.asynccontextmanager
async def running(server: Server, port: int = 0) -> AsyncIterator[Loopback]:
    """The same with a server that outlives it, to be read afterwards for what it refused."""
    await server.start(port)
    try:
        yield Loopback(server.hub, server)
    finally:
        await server.stop()
