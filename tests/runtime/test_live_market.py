"""The market of a live house once it was behind."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from patience import until

from liqbot.blocks import Roster, block_of
from liqbot.events import MarkPrice
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime import live_market, process
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_market import LiveMarket
from liqbot.runtime.process import short_collections

ROSTER = Roster(("binance",), ("BTC",))


class Silent:
    """A ticker and a feed that say nothing, and count how often they are asked to become whole."""

    wished = 0

    async def run(self, inbox: object) -> None:
        del inbox
        await asyncio.Event().wait()

    def resync(self) -> None:
        self.wished += 1


async def test_after_an_overflow_the_venues_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_market, "ROOM_AGAIN_S", 0.01)
    inbox, feed = Inbox(rows_max=3), Silent()
    market = LiveMarket({}, ROSTER, lambda: 0, FeedParams(), since_ms=None, ticker=Silent())
    market.feeds = {"binance": feed}
    running = asyncio.create_task(market.run(inbox))
    for overflows in (1, 2):
        for number in range(9):
            inbox.put(block_of([MarkPrice(time_ms=number, venue="binance", coin="BTC", mark_price=1.0)], ROSTER))
        assert inbox.merged_rows
        await until(lambda wanted=overflows: feed.wished == wanted)
        await asyncio.sleep(0.1)
        assert feed.wished == overflows
    running.cancel()
    await asyncio.wait({running})


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The interpreter's own."""
    monkeypatch.setattr(process, "gc", gc)
    yield
    gc.freeze()


@pytest.mark.usefixtures("collector")
async def test_while_it_runs_whole_collections_pass_over_what_the_start_made() -> None:
    loaded = [[number] for number in range(1_000)]
    before = gc.get_freeze_count()
    market = LiveMarket({}, ROSTER, lambda: 0, FeedParams(), since_ms=None, ticker=Silent())
    running = asyncio.create_task(market.run(Inbox()))
    await until(lambda: gc.get_freeze_count() > before)
    assert not any(one is loaded for one in gc.get_objects())
    running.cancel()
    await asyncio.wait({running})
    assert gc.get_freeze_count() == 0
    assert any(one is loaded for one in gc.get_objects())


@pytest.mark.usefixtures("collector")
async def test_what_is_loaded_after_the_start_is_passed_over_soon_too() -> None:
    async with short_collections((0.01, 0.01)):
        loaded = [[number] for number in range(1_000)]
        assert any(one is loaded for one in gc.get_objects())
        await until(lambda: not any(one is loaded for one in gc.get_objects()))


MANY = ("apex", "aster", "backpack", "bingx", "bitfinex", "bullish", "coinbase", "bybit", "cryptocom", "binance")


class Counting:
    """A feed and a client that note when they begin, and how many are at work at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.open_now = self.open_most = 0

    def of(self, venue: str) -> "Began":
        return Began(self, venue)


class Began(Silent):
    def __init__(self, of: Counting, venue: str) -> None:
        self._seen, self._venue = of, venue

    async def run(self, inbox: object) -> None:
        self._seen.begun.append(self._venue)
        await super().run(inbox)

    async def open(self, coins: object) -> None:
        del coins
        self._seen.open_now += 1
        self._seen.open_most = max(self._seen.open_most, self._seen.open_now)
        await asyncio.sleep(0)
        self._seen.open_now -= 1


async def test_many_venues_begin_one_after_another_those_that_are_traded_on_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_market, "STAGGER_S", 0.02)
    seen = Counting()
    market = LiveMarket({}, ROSTER, lambda: 0, FeedParams(), since_ms=None, ticker=Silent())
    market.feeds = {venue: seen.of(venue) for venue in MANY}
    market._clients = {venue: seen.of(venue) for venue in MANY}
    await market.open(("BTC",))
    assert seen.open_most == live_market.AT_ONCE
    running = asyncio.create_task(market.run(Inbox()))
    await until(lambda: seen.begun)
    assert len(seen.begun) == live_market.AT_ONCE
    await until(lambda: len(seen.begun) == len(MANY))
    assert seen.begun == ["bybit", "binance", *(venue for venue in MANY if venue not in ("bybit", "binance"))]
    running.cancel()
    await asyncio.wait({running})
