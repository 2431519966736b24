"""One budget for everybody: first come, first served within a channel, and nobody is shut out for good."""

import asyncio

import pytest

from liqbot.connection import rate_limit
from liqbot.connection.rate_limit import RateLimiter
from liqbot.venues.spec import RequestBudget
from liqbot.venues.trading import Channel

SOON_S = 0.1
"""Long for what may leave at once."""
QUICK = RequestBudget(units=10, period_s=0.2, priority_share=0.2)
SLOW = RequestBudget(units=10, period_s=600, priority_share=0.2)


@pytest.fixture
def due_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "READ_DUE_S", 0.2)


async def leaves(limiter: RateLimiter, channel: Channel, weight: int = 1) -> bool:
    """Whether it does at once."""
    try:
        await asyncio.wait_for(limiter.acquire(channel, weight), SOON_S)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("channel", ["normal", "order"])
async def test_a_hold_holds_those_that_wait_already(channel: Channel) -> None:
    limiter = RateLimiter(QUICK)
    await limiter.acquire("urgent", 9)
    waiting = asyncio.create_task(limiter.acquire(channel, 1))
    await asyncio.sleep(0.02)
    limiter.hold(30.0)
    await asyncio.wait((waiting,), timeout=3 * QUICK.period_s)
    assert not waiting.done()
    assert await leaves(limiter, "urgent"), "what is held is in nobody's way"
    waiting.cancel()


async def test_a_hold_that_is_made_longer_is_longer_for_all() -> None:
    limiter = RateLimiter(SLOW)
    limiter.hold(0.05)
    waiting = asyncio.create_task(limiter.acquire("normal", 1))
    await asyncio.sleep(0.02)
    limiter.hold(30.0)
    await asyncio.wait((waiting,), timeout=0.2)
    assert not waiting.done()
    waiting.cancel()


async def test_a_venue_that_says_it_again_without_a_time_is_left_alone_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "HOLD_S", 0.05)
    limiter, loop = RateLimiter(SLOW), asyncio.get_running_loop()
    held_s = []
    for _ in range(3):
        began_s = loop.time()
        for _ in range(4):  # four were on their way
            limiter.hold()
        await limiter.acquire("normal", 1)
        held_s.append(loop.time() - began_s)
    assert held_s[1] >= 0.1
    assert held_s[2] >= 0.2


@pytest.mark.usefixtures("due_soon")
async def test_reads_are_not_shut_out_by_what_is_urgent_nor_by_orders() -> None:
    limiter, over = RateLimiter(QUICK), asyncio.Event()

    async def without_end(channel: Channel) -> None:
        while not over.is_set():
            await limiter.acquire(channel, 1)

    busy = [asyncio.create_task(without_end(channel)) for channel in ("urgent", "order") for _ in range(5)]
    await asyncio.sleep(0.05)
    for weight in (1, 8):
        await asyncio.wait_for(limiter.acquire("normal", weight), 20 * QUICK.period_s)
    over.set()
    await asyncio.gather(*busy)


async def test_reads_among_themselves_never_take_what_is_kept(due_soon: None) -> None:
    limiter = RateLimiter(SLOW)
    await limiter.acquire("normal", 8)
    waiting = asyncio.create_task(limiter.acquire("normal", 1))
    await asyncio.wait((waiting,), timeout=0.5)
    assert not waiting.done()
    assert limiter.room("urgent") == 1
    waiting.cancel()


async def test_a_heavy_request_has_its_turn_before_the_light_ones_behind_it() -> None:
    limiter, left = RateLimiter(QUICK), list[int]()

    async def asks(weight: int) -> None:
        await limiter.acquire("normal", weight)
        left.append(weight)

    await asyncio.gather(*(asks(weight) for weight in (7, 8, 1, 1)))
    assert left == [7, 8, 1, 1]


async def test_its_units_are_taken_when_it_leaves_and_not_while_it_waits() -> None:
    limiter = RateLimiter(SLOW)
    await limiter.acquire("normal", 5)
    assert not await leaves(limiter, "normal", 8), "given up"
    assert limiter.room("normal") == 3
    assert await leaves(limiter, "normal", 3)


async def test_more_urgent_ones_go_first() -> None:
    limiter, left = RateLimiter(QUICK), list[Channel]()
    await limiter.acquire("priority", 10)

    async def asks(channel: Channel) -> None:
        await limiter.acquire(channel, 1)
        left.append(channel)

    wanted: list[Channel] = ["normal", "order", "urgent", "priority"]
    await asyncio.gather(*map(asks, wanted))
    assert left == wanted[::-1]
