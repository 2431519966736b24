"""The market of a live house once it was behind."""

import asyncio

import pytest
from edge_sink import until

from liqbot.blocks import Roster, block_of
from liqbot.events import MarkPrice
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime import live_market
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_market import LiveMarket

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
