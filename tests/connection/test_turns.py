"""A burst is handled in short slices: the loop goes round between, no socket waits for another, nothing is lost."""

import asyncio
import time
from collections import deque
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback_market import bar, forced
from patience import patiently, until
from read_venues import read_venue

from liqbot.connection import turns
from liqbot.connection.turns import read_in_turns, turns_here
from liqbot.events import MarketEvent
from liqbot.instruments import Side

BURST = 400
MESSAGE_S = 0.0005
IN_A_TURN_MAX = 20
"""Eight messages of half a millisecond fill a turn; one more of each socket may have come by itself."""


class Clock:
    """Every message takes a millisecond of it, nothing else does."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        return self.now_s


class Socket:
    """Of the unified client, as far as draining goes: it leaves the last message to `receive`."""

    def __init__(self, name: str, clock: Clock, heard: list[tuple[str, int]]) -> None:
        self.name, self.clock, self.heard = name, clock, heard
        self.buffer: deque[tuple[Any, int]] = deque()
        self.queue_bytes = 0
        self.is_closed = False

    def closed(self) -> bool:
        return self.is_closed

    def handle_message(self, message: int) -> None:
        self.clock.now_s += 0.001
        self.heard.append((self.name, message))

    def receive_loop(self) -> None:
        if self.buffer and not self.is_closed:
            message, size_bytes = self.buffer.popleft()
            self.queue_bytes -= size_bytes + 10
            self.handle_message(message)
            if self.buffer:
                self.receive_loop()

    def fill(self, messages: int) -> None:
        self.buffer.extend((number, 100) for number in range(messages))
        self.queue_bytes += messages * 110


async def went_round(heard: list[Any], wanted: int) -> list[int]:
    """How many were heard in each turn of the loop."""
    found, before = [], len(heard)
    while len(heard) < wanted:
        await asyncio.sleep(0)
        found.append(len(heard) - before)
        before = len(heard)
        assert len(found) < 100_000
    return found


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_every_socket_is_read_whole_in_order_and_none_waits_for_another(counts: list[int]) -> None:
    clock, heard = Clock(), list[tuple[str, int]]()

    async def play() -> list[int]:
        sockets = [Socket(str(number), clock, heard) for number in range(len(counts))]
        for socket, count in zip(sockets, counts, strict=True):
            read_in_turns(socket, 10)
            socket.fill(count)
            socket.receive_loop()
        direct = len(heard)
        assert direct <= len(counts)  # at most the one message of a socket that has no more
        slices = await went_round(heard, sum(counts))
        assert [socket.queue_bytes for socket in sockets] == [0] * len(counts)
        return slices

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "time", clock)
        slices = asyncio.run(play())
    # A turn ends with the message that fills it; each socket's last one comes by itself.
    assert max(slices, default=0) <= round(turns.TURN_S * 1_000) + len(counts)
    for number, count in enumerate(counts):
        assert [message for name, message in heard if name == str(number)] == list(range(count))


def test_a_short_queue_is_done_while_a_long_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, heard = Clock(), list[tuple[str, int]]()
    monkeypatch.setattr(turns, "time", clock)

    async def play() -> None:
        long, short = Socket("long", clock, heard), Socket("short", clock, heard)
        for socket, count in ((long, 5_000), (short, 10)):
            read_in_turns(socket, 10)
            socket.fill(count)
            socket.receive_loop()
        await went_round(heard, 5_010)

    asyncio.run(play())
    assert max(place for place, (name, _) in enumerate(heard) if name == "short") < 40


def test_a_socket_that_is_closed_meanwhile_is_read_no_further() -> None:
    clock, heard = Clock(), list[tuple[str, int]]()

    async def play() -> Socket:
        socket = Socket("one", clock, heard)
        handle = socket.handle_message

        def closing(message: int) -> None:
            handle(message)
            socket.is_closed = message == 3

        socket.handle_message = closing  # type: ignore[method-assign]
        read_in_turns(socket, 10)
        socket.fill(50)
        socket.receive_loop()
        for _ in range(60):
            await asyncio.sleep(0)
        return socket

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "time", clock)
        asyncio.run(play())
    assert len(heard) < 50


async def test_who_gave_up_waiting_for_a_turn_holds_up_nobody() -> None:
    gone = asyncio.create_task(turns_here().turn())
    next_ = asyncio.create_task(turns_here().turn())
    await asyncio.sleep(0)
    gone.cancel()
    assert await patiently(next_) > 0


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", ["kucoin", "backpack"])
async def test_in_a_flood_over_loopback_no_turn_handles_more_than_its_share(venue: str) -> None:
    """KuCoin's trades come by the unified client, Backpack's forced orders by a socket of ours."""
    heard: list[str | bytes] = []

    def slow(raw: str | bytes, url: str) -> bool:
        del url
        until_s = time.perf_counter() + MESSAGE_S
        while time.perf_counter() < until_s:
            pass
        heard.append(raw)
        return False

    async with read_venue(venue) as place:
        place.client._taps.insert(0, slow)
        stats, key = place.feed.stats, place.keys[0]
        trades, orders = stats.trades, stats.forced_orders
        row: MarketEvent = (forced(key[0], 1, Side.LONG, 50_000.0, 1e5, key[1]) if venue == "backpack" else
                            bar(key[0], key[1], 1, (50_000.0,) * 4, 1e6))
        rows = [msgspec.structs.replace(row, time_ms=row.time_ms + number) for number in range(BURST)]
        slices: list[int] = []

        async def turned() -> None:
            before = 0
            while True:
                await asyncio.sleep(0)
                slices.append(len(heard) - before)
                before = len(heard)

        turning = asyncio.create_task(turned())
        place.hub.quiesce = _at_once
        await place.hub.advance(place.block(2, rows))
        wanted = BURST if venue == "backpack" else len(place.hub.printed(*key))
        await until(lambda: (stats.forced_orders - orders if venue == "backpack" else stats.trades - trades) >= wanted)
        turning.cancel()
    assert len(heard) >= BURST
    assert max(slices) <= IN_A_TURN_MAX


async def _at_once() -> None:
    """All that was told goes out together."""
