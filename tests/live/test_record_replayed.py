"""A recording of a venue in a flood, read again: journal and raw messages give the same rows in the same steps, in the
same order, and so the identical map."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from liqbot.blocks import KINDS, EventBlock, block_of
from liqbot.engine import Engine
from liqbot.events import ConfigLoaded, Event, FeedDown, JournalOpened, MarketEvent
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.journal import JournalReader
from liqbot.live.record import record
from liqbot.places import journal_path
from liqbot.runtime.assembly import recorded_engine
from liqbot.runtime.raw_recorder import DIRECTORY
from liqbot.runtime.raw_replay import replayed
from tests.builders import loopback_market as market
from tests.builders.loopback_house import Place, place
from tests.builders.patience import until
from tests.builders.recording_life import market_steps, until_recorded

BEHIND_MS = 300_000
BURST = 40
SENT_BEFORE = 300
ROWS_MIN = 10


def flood(here: Place) -> list[MarketEvent]:
    """A market second: a burst of trades within it, forced orders, all figures."""
    second, venue = here.second, here.venue
    price = market.PRICE + second % 7 - 3.0
    trade = market.bar(venue, "BTC", second, (price, price + 2.0, price - 1.0, price + 1.0), 1e6)
    trades = [msgspec.structs.replace(trade, time_ms=trade.time_ms - 23 * number, span_ms=1)
              for number in range(BURST, 0, -1)]
    return [
        *trades, *market.flat(venue, "BTC", second, price), market.interest(venue, second, 1e9 + 1e6 * (second % 5)),
        market.forced(venue, second, Side.LONG if second % 2 else Side.SHORT, price, 1e4 + second % 11),
        market.rate(venue, second, 0.01),
    ]


async def advancing(here: Place) -> None:
    while True:
        here.second += 1
        rows = sorted(flood(here), key=lambda row: row.time_ms)
        await here.hub.advance(block_of(rows, here.hub.roster, tick_ms=market.at(here.second)))
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def recorded(venue: str, data: Path, *, cut: bool) -> AsyncIterator[Place]:
    async with place(venue) as here:
        here.catch_up(BEHIND_MS)
        tasks = [asyncio.create_task(advancing(here))]
        if cut:
            tasks.append(asyncio.create_task(cut_later(here)))
        try:
            recording = asyncio.create_task(record(here.settings(), data, for_s=None, raw=True))
            assert await until_recorded(recording, data, mended if cut else flooded) == Exit.OK
            yield here
        finally:
            for task in tasks:
                task.cancel()


async def cut_later(here: Place) -> None:
    """In the middle of what is sent, however long a busy machine takes to get there."""
    await until(lambda: sum(socket.sent for socket in here.loop.server.sockets) >= SENT_BEFORE)
    here.loop.server.cut("")


def flooded(blocks: Sequence[EventBlock]) -> bool:
    return market_steps(blocks) > 3 and all(
        sum(len(block.rows(kind)) for block in blocks) > ROWS_MIN for kind in ("bars", "liquidations")
    )


def mended(blocks: Sequence[EventBlock]) -> bool:
    """It fell, and as much came since as without."""
    fell = [number for number, block in enumerate(blocks) if any(isinstance(fact, FeedDown) for fact in block.facts)]
    return bool(fell) and flooded(blocks[fell[-1] + 1 :])


def steps_of(blocks: Sequence[EventBlock]) -> dict[int, EventBlock]:
    """By the Tick that ended them: whatever was taken of a step ahead of its end is in it."""
    found: dict[int, EventBlock] = {}
    facts: tuple[Event, ...] = ()
    for block in blocks:
        facts += block.facts
        if block.tick_ms is not None:
            found[block.tick_ms] = msgspec.structs.replace(block, facts=facts)
            facts = ()
    return found


def maps(engine: Engine, blocks: Sequence[EventBlock]) -> list[bytes]:
    """Everything the market floor knows after each step, as it is saved."""
    found = []
    for block in blocks:
        engine.on_block(block)
        found.append(msgspec.msgpack.encode(engine.market.state()))
    return found


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", ["binance", "bybit", "okx", "bitget"])
@pytest.mark.parametrize("cut", [False, True])
async def test_raw_messages_and_journal_give_the_identical_map(venue: str, cut: bool, tmp_path: Path) -> None:
    async with recorded(venue, tmp_path, cut=cut):
        pass
    with JournalReader(journal_path(tmp_path)) as reader:
        told = list(reader.blocks())
        opened, config = reader.first(JournalOpened), reader.first(ConfigLoaded)
    assert opened is not None
    assert config is not None
    roster, read = replayed(tmp_path / DIRECTORY)
    journal, raw = steps_of(told), steps_of(list(read))
    ticks = sorted(journal)
    assert [tick for tick in sorted(raw) if tick <= ticks[-1]] == ticks
    for tick in ticks:
        for kind in KINDS:
            assert raw[tick].rows(kind).tobytes() == journal[tick].rows(kind).tobytes(), (tick, kind)
    falls = [fact for block in told for fact in block.facts if isinstance(fact, FeedDown)]
    assert bool(falls) is cut
    assert sum(len(block.bars) for block in journal.values()) > ROWS_MIN
    assert sum(len(block.liquidations) for block in journal.values()) > ROWS_MIN
    opening = told[0].facts
    engines = [recorded_engine(opened, config) for _ in range(2)]
    for engine in engines:
        engine.on_block(EventBlock(facts=opening))
    assert roster.venues == (venue,)
    by_journal = maps(engines[0], told[1:])[-1]
    by_raw = maps(engines[1], [raw[tick] for tick in ticks])[-1]
    assert by_raw == by_journal
