"""The whole live house in this process over the loopback exchange: settings, the served market, and a running bot."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from liqbot.commands import Purpose
from liqbot.control import protocol
from liqbot.execution import client_order_id
from liqbot.exits import Exit, ExpectedError
from liqbot.live.bot import trade
from liqbot.live.credentials import require_latches
from liqbot.settings import Settings, settings_model
from paper.dialects.accounts import VenueAccount
from paper.dialects.hub import Hub
from paper.dialects.serving import Loopback, serving, traded
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import spoken
from tests.builders.patience import PATIENCE_S, patiently
from tests.builders.venue_keys import is_read, key_settings, opened, practice_of, secret_of
from tests.builders.wrong_answers import require_running

SECRET = "canary-3f9a61c7-must-never-show"
UNHURRIED = {"unprotected_ms_max": 60_000, "attached_stop_ms": 10_000}
"""Execution of a house that shares its machine with many: neither is a position closed because it stood still between
the fill and the word of its stop, nor a second stop placed beside one whose word is late. Both are proven where time is
the test's own (`tests/execution`, `paper/simulate`)."""
EXPECTANT = UNHURRIED | {"unknown_ms": 60_000}
"""Moreover, however slowly it starts, an entry that its books tell of is not asked for before it is filled."""


def settings_for(venue: str, url: str, *, mode: str = "", secret: str = "", **more: Any) -> Settings:
    # Without the mark by which instances see each other, and the canary: most tests look at the orders of one. Without
    # waiting for a venue's budget of requests, of which a start on Binance takes five seconds.
    network = {
        "loopback": url, "request_share": 1_000.0 if url else 1.0, "backfill_h": 0.0, "reconcile_s": 5.0,
        "account_mark": False, "stop_canary": False,
    }
    keys = {venue: key_settings(venue, secret or _secret_of(venue))}
    return settings_model()(
        **{"mode": mode or practice_of(venue), "coins": ("BTC",), "venues": (venue,), "trade_venue": venue,
           "network": network, "keys": keys, "execution": UNHURRIED}
        | more
    )


def _secret_of(venue: str) -> str:
    return secret_of(venue, SECRET) if venue in traded() else SECRET


class Place:
    """A served venue with one account."""

    def __init__(self, hub: Hub, loop: Loopback, account: VenueAccount, venue: str) -> None:
        self.hub, self.loop, self.account, self.venue = hub, loop, account, venue
        self.second = 1

    def settings(self, **more: Any) -> Settings:
        return settings_for(self.venue, self.loop.url, **more)

    def catch_up(self, ago_ms: int = 0) -> None:
        """The market's next second is now, or was so long ago: what the venue says of times is what they are."""
        self.second = max(self.second, int(time.time()) - (market.START_MS + ago_ms) // 1_000 - 1)

    async def advance(self, price: float = market.PRICE) -> None:
        self.second += 1
        await self.hub.advance(market.quiet(self.second, self.venue, price=price))

    @property
    def held_base(self) -> Decimal:
        """Signed; long is positive."""
        held = self.account.holding("BTC")
        return held.side.value * held.quantity_base if held is not None else Decimal(0)

    @property
    def stopped_base(self) -> Decimal:
        """Under stops that rest."""
        stops = [order for order in self.account.open_orders("BTC") if order.command.trigger_price is not None]
        return sum((order.command.quantity_base - order.filled_base for order in stops), Decimal(0))

    def orders(self, purpose: Purpose) -> list[str]:
        """Client ids of ours that arrived, whatever became of them."""
        return [client_id for client_id in self.account.orders if client_order_id.purpose_of(client_id) is purpose]

    def asked(self, endpoint: str) -> int:
        """How often."""
        return sum(one.endpoint == endpoint for one in self.loop.server.log)

    def sent(self, *parts: str) -> list[str]:
        """Writes that reached the venue, in order."""
        return [
            one.endpoint for one in self.loop.server.log
            if not is_read(one.endpoint) and any(part in one.endpoint for part in parts or ("order",))
        ]


@contextlib.asynccontextmanager
async def place(venue: str = "binance", **paper: Any) -> AsyncIterator[Place]:
    """`paper`: how its exchange behaves (`PaperParams`)."""
    hub = market.hub_of(venue, **paper)
    account = opened(hub, venue, SECRET)
    dialect = spoken(hub, venue)
    if dialect.demo_keys_differ:
        dialect.demo_keys.add("key")
    async with serving(hub, [dialect]) as loop:
        yield Place(hub, loop, account, venue)


def access_of(settings: Settings) -> Any:
    """As the verb would have it."""
    return require_latches(settings, "some", live=False)


class Running:
    """A bot that trades on a place."""

    def __init__(self, data: Path, task: asyncio.Task[Exit]) -> None:
        self.data, self.task = data, task

    async def ask(self, **command: Any) -> dict[str, Any]:
        return await asyncio.to_thread(protocol.request, self.data, command, timeout_s=PATIENCE_S)

    async def status_when(self, true: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The status once it is so, its account is read and it runs, however busy the machine is."""
        loop, found = asyncio.get_running_loop(), None
        until_s = loop.time() + PATIENCE_S
        while loop.time() < until_s:
            require_running(self.task)
            with contextlib.suppress(ExpectedError):
                found = await self.ask(verb="status")
                if found["account_read"] and true(found):
                    return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"never: {what}; last: {found}")

    async def until(self, true: Callable[[], bool], what: str, s: float = PATIENCE_S) -> None:
        """Waits while it runs, else TimeoutError; its own error, or Ended, when it runs no more."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + s
        while not true():
            require_running(self.task)
            if loop.time() > until_s:
                raise TimeoutError(f"waited {s:g} s in vain: {what}")
            await asyncio.sleep(0.02)

    async def position(self, *, protected: bool = False) -> dict[str, Any]:
        """Once it knows of a position (and of the stop that covers it)."""
        return await self.status_when(
            lambda now: bool(now["positions"]) and (now["positions"][0]["protected"] or not protected), "a position"
        )

    async def status(self) -> dict[str, Any]:
        """Once it answers and its account is read."""
        return await self.status_when(lambda _: True, "its account is read")


@contextlib.asynccontextmanager
async def running(settings: Settings, data: Path, **more: Any) -> AsyncIterator[Running]:
    task = asyncio.create_task(trade(settings, data, access_of(settings), **more))
    try:
        one = Running(data, task)
        await one.status()
        yield one
        if not task.done():
            with contextlib.suppress(ExpectedError):
                await one.ask(verb="stop")
            await patiently(task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def files_with(text: str, folder: Path) -> Sequence[Path]:
    """Every file below that holds the text, in whatever format."""
    wanted = text.encode()
    return [path for path in folder.rglob("*") if path.is_file() and wanted in path.read_bytes()]
