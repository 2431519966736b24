"""What the outside does to a bot that has just entered: the faults of `bench/naked.py`, each with its healing."""

import asyncio
import contextlib
import functools
import os
import random
import resource
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from liqbot import places
from liqbot.commands import CancelOrder
from paper.dialects.accounts import VenueAccount
from paper.dialects.faults import Kind
from paper.dialects.hub import Hub
from paper.dialects.nonsense import PAGE, nonsense

LASTS_S = 12.0
MANY = 100_000


class Round(Protocol):
    """One entry and what becomes of it."""

    hub: Hub
    account: VenueAccount
    data: Path
    chance: random.Random

    @property
    def pid(self) -> int: ...

    def excuse(self) -> None:
        """Naked time counts from here: the venue has returned, or has just taken the stop away."""

    async def covered(self) -> None:
        """Until a full stop rests."""

    async def again(self) -> None:
        """Another process, at once."""

    async def ended(self) -> int:
        """Until the process is gone; its exit code."""


Act = Callable[[Round], AbstractAsyncContextManager[None]]


class Fault(NamedTuple):
    """`early` ones are there before the entry leaves, the others begin with the fill."""

    name: str
    act: Act
    early: bool = False


@contextlib.asynccontextmanager
async def _nothing(_: Round) -> AsyncIterator[None]:
    yield


def _requests(endpoint: str, kind: Kind, value: int = 0, *, away: bool, lasts_s: float = LASTS_S) -> Act:
    @contextlib.asynccontextmanager
    async def act(one: Round) -> AsyncIterator[None]:
        one.hub.faults.next(endpoint, kind, value, times=MANY)
        try:
            await asyncio.sleep(lasts_s)
            if away:
                # What comes now is asked of a venue that is there again.
                one.hub.faults.clear()
                one.excuse()
            yield
        finally:
            one.hub.faults.clear()

    return act


def _changed(endpoint: str, how: str) -> Act:
    @contextlib.asynccontextmanager
    async def act(one: Round) -> AsyncIterator[None]:
        change = functools.partial(nonsense, chance=one.chance) if how == "nonsense" else lambda _: PAGE
        one.hub.faults.next(endpoint, Kind.CHANGED, times=MANY, change=change)
        try:
            await asyncio.sleep(LASTS_S)
            yield
        finally:
            one.hub.faults.clear()

    return act


def _next_write(kind: Kind) -> Act:
    @contextlib.asynccontextmanager
    async def act(one: Round) -> AsyncIterator[None]:
        one.hub.faults.next("POST *", kind)
        try:
            yield
        finally:
            one.hub.faults.clear()

    return act


@contextlib.asynccontextmanager
async def _stream_cut(one: Round) -> AsyncIterator[None]:
    one.hub.faults.next("*", Kind.DISCONNECT_WS)
    yield


@contextlib.asynccontextmanager
async def _stream_silent(one: Round) -> AsyncIterator[None]:
    """The socket stays open and says nothing of orders; the venue keeps them as ever."""
    outlet: Any = one.hub.outlet
    send = outlet._send

    def public_only(room: Any, topic: str, message: bytes, account: Any) -> None:
        if account is None:
            send(room, topic, message, account)

    outlet._send = public_only
    try:
        yield
    finally:
        del outlet._send


@contextlib.asynccontextmanager
async def _stop_vanishes(one: Round) -> AsyncIterator[None]:
    """Taken away by the venue while the user stream is silent."""
    await one.covered()
    async with _stream_silent(one):
        for order in one.account.open_orders("BTC"):
            if order.command.trigger_price is not None:
                command = order.command
                await one.hub.execute(one.account, CancelOrder(command.client_id, command.venue, command.coin))
        one.excuse()
        await asyncio.sleep(LASTS_S)
        yield


def _locked(path_in: Callable[[Path], Path]) -> Act:
    @contextlib.asynccontextmanager
    async def act(one: Round) -> AsyncIterator[None]:
        connection = sqlite3.connect(path_in(one.data), timeout=1.0, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            await asyncio.sleep(LASTS_S)
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    return act


@contextlib.asynccontextmanager
async def _disk_hangs(one: Round) -> AsyncIterator[None]:
    """Every commit of the process waits as long as the file is there (see `naked.BOT`)."""
    marker = one.data / "hang"
    marker.touch()
    try:
        await asyncio.sleep(LASTS_S)
        yield
    finally:
        marker.unlink()


@contextlib.asynccontextmanager
async def _disk_full(one: Round) -> AsyncIterator[None]:
    """No file of the process may grow any more: every write fails."""
    before = resource.prlimit(one.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        await asyncio.sleep(LASTS_S)
        yield
    finally:
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, before)


@contextlib.asynccontextmanager
async def _journal_deleted(one: Round) -> AsyncIterator[None]:
    path = places.journal_path(one.data)
    kept = {file: file.read_bytes() for file in path.parent.glob(path.name + "*") if file.suffix != ".lock"}
    for file in kept:
        file.unlink()
    await asyncio.sleep(LASTS_S)
    yield


def _ended_by(number: int) -> Act:
    @contextlib.asynccontextmanager
    async def act(one: Round) -> AsyncIterator[None]:
        await asyncio.sleep(one.chance.uniform(0.0, 0.3))
        os.kill(one.pid, number)
        await one.ended()
        yield
        await one.again()

    return act


@contextlib.asynccontextmanager
async def _killed(one: Round) -> AsyncIterator[None]:
    os.kill(one.pid, signal.SIGKILL)
    await one.ended()
    await one.again()
    yield


@contextlib.asynccontextmanager
async def _suspended(one: Round) -> AsyncIterator[None]:
    os.kill(one.pid, signal.SIGSTOP)
    await asyncio.sleep(8.0)
    os.kill(one.pid, signal.SIGCONT)
    one.excuse()
    await asyncio.sleep(8.0)
    yield


FAULTS = (
    Fault("none", _nothing),
    Fault("reads answered with a web page", _changed("GET *", "page")),
    Fault("everything answered with nonsense", _changed("*", "nonsense")),
    Fault("503 for everything, 12 s", _requests("*", Kind.HTTP_5XX, 503, away=True)),
    Fault("429 for everything, 6 s", _requests("*", Kind.HTTP_429, 1, away=True, lasts_s=6.0)),
    Fault("requests hang, 6 s", _requests("*", Kind.HANG_REQUEST, 0, away=True, lasts_s=6.0)),
    Fault("the next write is lost", _next_write(Kind.DROP_REQUEST)),
    Fault("the next write's answer is lost", _next_write(Kind.DROP_ANSWER)),
    Fault("user stream cut at the fill", _stream_cut),
    Fault("user stream silent", _stream_silent, early=True),
    Fault("stop vanishes, stream silent", _stop_vanishes),
    Fault("journal locked by another program", _locked(places.journal_path)),
    Fault("ledger locked by another program", _locked(places.ledger_path)),
    Fault("disk hangs in commit", _disk_hangs),
    Fault("disk full", _disk_full),
    Fault("SIGTERM at the fill", _ended_by(signal.SIGTERM)),
    Fault("SIGINT at the fill", _ended_by(signal.SIGINT)),
    Fault("SIGKILL at the fill, restarted at once", _killed),
    Fault("SIGSTOP for 8 s", _suspended),
    Fault("journal deleted", _journal_deleted),
)
