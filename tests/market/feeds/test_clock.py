import asyncio

from edge_sink import Gathered
from hypothesis import given
from hypothesis import strategies as st
from patience import until

from liqbot.blocks import Roster
from liqbot.market.feeds.clock import TickClock

START_MS = 1_700_000_000_000


@given(st.lists(st.integers(-5_000, 60_000), max_size=40))
def test_ticks_rise_on_the_grid_whatever_the_clock_does(moves: list[int]) -> None:
    now = [START_MS]
    ticker = TickClock(lambda: now[0])
    ticker.tick_ms = START_MS
    before = START_MS
    for move in moves:
        now[0] += move
        block = ticker.next_step(0)
        assert block.tick_ms is not None
        assert block.tick_ms > before
        assert block.tick_ms % 1_000 == 0
        assert block.lag_ms >= 0
        before = block.tick_ms


def test_a_process_that_slept_says_so_once() -> None:
    now = [START_MS]
    ticker = TickClock(lambda: now[0])
    ticker.tick_ms = START_MS
    now[0] += 40_250
    block = ticker.next_step(0)
    assert (block.tick_ms, block.lag_ms, ticker.skipped) == (START_MS + 40_000, 39_250, 39)
    now[0] += 750
    block = ticker.next_step(0)
    assert (block.tick_ms, block.lag_ms) == (START_MS + 41_000, 0)


def test_steps_that_nobody_took_are_lag() -> None:
    now = [START_MS + 1_000]
    ticker = TickClock(lambda: now[0])
    ticker.tick_ms = START_MS
    assert ticker.next_step(3).lag_ms == 3_000


async def test_it_ticks_by_itself() -> None:
    loop = asyncio.get_running_loop()
    sink = Gathered(Roster(("binance",), ("BTC",)))
    task = asyncio.create_task(TickClock(lambda: START_MS + int(loop.time() * 1_000), step_ms=100).run(sink))
    await until(lambda: len(sink.blocks) >= 5)
    task.cancel()
    ticks = [block.tick_ms for block in sink.blocks]
    assert ticks == sorted(set(ticks))
    assert all(tick_ms % 100 == 0 for tick_ms in ticks)
