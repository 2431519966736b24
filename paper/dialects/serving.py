"""Starting and stopping the exchange on loopback, for tests and verbs."""

import contextlib
import importlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

from paper.dialects.dialect import Dialect
from paper.dialects.hub import Hub
from paper.dialects.server import Server

DIALECTS: Final[Mapping[str, str]] = {
    "binance": "paper.dialects.binance.dialect:BinanceDialect",
    "bybit": "paper.dialects.bybit.dialect:BybitDialect",
    "okx": "paper.dialects.okx.dialect:OkxDialect",
}
"""Venues that are spoken, each loaded when it is asked for."""


def dialects_of(hub: Hub, venues: Iterable[str]) -> list[Dialect]:
    """KeyError for a venue whose protocol is not spoken."""
    made = []
    for venue in venues:
        module, name = DIALECTS[venue].split(":")
        made.append(getattr(importlib.import_module(module), name)(hub))
    return made


class Loopback:
    """A running exchange. `url` is what a client's addresses are rewritten to: `<url>/<original host>/<path>`."""

    def __init__(self, hub: Hub, server: Server) -> None:
        self.hub, self.server = hub, server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}"


@contextlib.asynccontextmanager
async def serving(hub: Hub, dialects: Iterable[Dialect], port: int = 0) -> AsyncIterator[Loopback]:
    """Serve in the running loop on 127.0.0.1; stops cleanly when left."""
    server = Server(hub, dialects)
    await server.start(port)
    try:
        yield Loopback(hub, server)
    finally:
        await server.stop()
