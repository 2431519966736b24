"""Public answers that are no answers: the feed stays, asks again, and is whole when the venue is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from edge_sink import Gathered
from loopback_market import VENUES, block, flat, hub_of, interest, rate
from patience import PATIENCE_S, until

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import MarkPrice, TradeBar
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.market.feeds.requests import ANSWERS_MAX
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import wire_of
from paper.dialects.faults import Kind, Suffering
from paper.dialects.hub import Hub
from paper.dialects.nonsense import PAGE
from paper.dialects.serving import dialects_of, serving

ASKED = {
    "binance": "GET /fapi/v1/openInterest", "bybit": "GET /v5/market/tickers", "hyperliquid": "POST /info meta",
    "okx": "GET /api/v5/public/open-interest", "bitget": "GET /api/v3/market/tickers",
}

WRONG = {
    "binance": b'{"symbol":"BTCUSDT","openInterest":[]}', "bybit": b'{"retCode":0,"retMsg":"OK","result":{"list":7}}',
    "hyperliquid": b'{"universe":7,"marginTables":[]}', "okx": b'{"code":"0","msg":"","data":7}',
    "bitget": b'{"code":"00000","msg":"success","data":7}',
}
"""Successes with something else where figures should be."""


@contextlib.asynccontextmanager
async def fed(
    venue: str, hub: Hub, timeout_ms: int = 60_000
) -> AsyncIterator[tuple[VenueFeed, Gathered, asyncio.Task[None]]]:
    roster = Roster((venue,), ("BTC",))
    async with serving(hub, dialects_of(hub, [venue])) as loopback:
        client, sink = VenueClient(SPECS[venue], loopback=loopback.url, timeout_ms=timeout_ms), Gathered(roster)
        feed = VenueFeed(client, wire_of(venue), roster, lambda: hub.now_ms, FeedParams(flush_ms=20, retry_s_max=1))
        task = asyncio.create_task(feed.run(sink))
        try:
            yield feed, sink, task
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()


def market_of(venue: str) -> Hub:
    hub = hub_of(venue)
    hub.warm([block(0, interest(venue, 0, 1e9), rate(venue, 0, 0.01, 8.0))])
    return hub


@pytest.mark.parametrize("venue", VENUES)
async def test_an_answer_that_does_not_fit_is_asked_for_again(venue: str) -> None:
    hub = market_of(venue)
    endpoint = ASKED[venue]
    hub.faults.next(endpoint, Kind.CHANGED, times=ANSWERS_MAX - 1, change=lambda _: WRONG[venue])
    async with fed(venue, hub) as (feed, _, task):
        await until(lambda: feed.stats.malformed >= ANSWERS_MAX - 1 and not hub.faults.waiting)
        await until(lambda: feed.listening)
        assert feed.stats.poll_failures == 0
        assert not task.done()


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize(("venue", "seed"), [(venue, seed) for venue in VENUES for seed in (1, 2)])
async def test_a_house_in_a_storm_of_nonsense_stays_up(venue: str, seed: int) -> None:
    hub = market_of(venue)
    # Contracts are asked for first: their answer is a page, then nothing, then a field of the wrong kind.
    hub.faults.next("*", Kind.CHANGED, times=3, change=lambda _: PAGE)
    hub.faults.suffer(Suffering(seed, share=0.4, hang_ms=1_500))
    async with fed(venue, hub, timeout_ms=1_000) as (feed, sink, task):
        for second in range(1, 9):
            await hub.advance(block(second, *flat(venue, "BTC", second)))
            await asyncio.sleep(0.25)
            assert not task.done(), f"seed {seed}: {task}"
        await until(lambda: len(hub.faults.suffered) > 3)
        hub.faults.suffer(Suffering(seed, share=0.0))
        await until(lambda: feed.listening)
        async with asyncio.timeout(PATIENCE_S):
            second = 20
            while not (sink.of(TradeBar) and sink.of(MarkPrice)):
                second += 1
                await hub.advance(block(second, *flat(venue, "BTC", second)))
                await asyncio.sleep(0.05)
                assert not task.done(), f"seed {seed}: {task}"
