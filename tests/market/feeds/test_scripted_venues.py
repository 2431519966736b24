"""Venues of market data alone over loopback, dialled by the unmodified client: what was sent arrives, in USD."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from edge_sink import Gathered, until
from scripted_venue import ScriptedVenue
from venue_scripts import SCRIPTS

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.feeds.backfill import past_of
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.examples import VenueExamples
from liqbot.venues.parsing import WireBook
from liqbot.venues.registry import VENUES, wire_of

NOW_MS = 1_767_225_610_000
FLOOD = 5_000


class Told(NamedTuple):
    """What the examples of a venue say of BTC, worked out by hand."""

    bought_usd: float
    sold_usd: float
    inverse_sold_usd: float
    mark_price: float
    index_price: float
    oi_usd: float
    rate_pct: float
    interval_h: float
    rate_coin: str = "BTC"
    forced: tuple[tuple[str, Side, float, float], ...] = ()
    """(venue key, side of the closed position, price, USD)."""


TOLD = {
    # 120 and 4 contracts of .0001 BTC; 7 contracts of 100 USD; 200,000,000 contracts.
    "mexc": Told(0.012 * 50_000.5, 0.0004 * 50_000.4, 700.0, 50_001.0, 49_996.0, 20_000 * 50_001.0, 0.01, 8.0),
    # 20 contracts of .001 BTC; 700 contracts of 1 USD; 20,000,000 contracts.
    "kucoin": Told(0.02 * 50_000.5, 0.0, 700.0, 50_001.0, 49_996.0, 20_000 * 50_001.0, 0.0035, 8.0, "ETH"),
}


def examples(venue: str) -> VenueExamples:
    read = VENUES[venue].examples
    assert read is not None
    return read()


@asynccontextmanager
async def fed(venue: str) -> AsyncIterator[tuple[VenueFeed, Gathered, ScriptedVenue, VenueClient]]:
    """A feed that listens to linear and coin-margined contracts, on a clock that stands still."""
    keys = tuple({one.venue_key for one in examples(venue).contracts})
    roster = Roster(keys, ("BTC", "ETH"))
    async with ScriptedVenue(SCRIPTS[venue], examples(venue)) as server:
        client = VenueClient(VENUES[venue], loopback=server.url, inverse=len(keys) > 1)
        feed = VenueFeed(client, wire_of(venue), roster, lambda: NOW_MS, FeedParams(flush_ms=20, inferred=True))
        sink = Gathered(roster)
        task = asyncio.create_task(feed.run(sink))
        try:
            await until(lambda: feed.listening or task.done(), 20.0)
            assert not task.done(), task.exception()
            yield feed, sink, server, client
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()


@pytest.mark.parametrize("venue", SCRIPTS)
async def test_what_was_sent_arrives_in_usd(venue: str) -> None:
    told = TOLD[venue]
    frames = [one.message for one in examples(venue).messages if one.feed]
    async with fed(venue) as (feed, sink, server, client):
        heard = feed.stats.messages
        await server.send(*frames)
        await until(lambda: feed.stats.messages >= heard + len(frames))
        assert client.handler_errors == 0
    assert (feed.stats.malformed, feed.stats.reconnects) == (0, 0), feed.stats.malformed_newest
    bars = [one for one in sink.of(TradeBar) if one.coin == "BTC"]
    linear = [one for one in bars if one.venue == venue]
    assert sum(one.buy_usd or 0.0 for one in linear) == pytest.approx(told.bought_usd)
    assert sum(one.sell_usd or 0.0 for one in linear) == pytest.approx(told.sold_usd)
    assert sum(one.sell_usd or 0.0 for one in bars if one.venue != venue) == pytest.approx(told.inverse_sold_usd)
    marks = [(one.mark_price, one.index_price) for one in sink.of(MarkPrice) if (one.venue, one.coin) == (venue, "BTC")]
    assert marks[-1] == (told.mark_price, told.index_price)
    interests = [one.oi_usd for one in sink.of(OpenInterest) if (one.venue, one.coin) == (venue, "BTC")]
    assert interests[-1] == pytest.approx(told.oi_usd)
    rates = [one for one in sink.of(FundingRate) if (one.venue, one.coin) == (venue, told.rate_coin)]
    assert (rates[-1].rate_pct, rates[-1].interval_h) == (pytest.approx(told.rate_pct), told.interval_h)
    found = [(one.venue, one.side, one.price, one.size_usd) for one in sink.of(Liquidation)]
    assert found == [(*one[:3], pytest.approx(one[3])) for one in told.forced]


@pytest.mark.parametrize("venue", SCRIPTS)
async def test_a_flood_of_trades_arrives_whole(venue: str) -> None:
    frame: Any = next(one.message for one in examples(venue).messages if one.feed == "trades")
    rows = len(wire_of(venue).parse(next(one.raw for one in examples(venue).messages if one.feed == "trades"),
                                    book_of(venue)).trades)
    async with fed(venue) as (feed, _, server, _):
        await server.send(*[frame] * FLOOD)
        await until(lambda: feed.stats.trades >= rows * FLOOD)
    assert (feed.stats.trades, feed.stats.malformed) == (rows * FLOOD, 0)


@pytest.mark.parametrize("venue", SCRIPTS)
async def test_the_past_is_requested_where_the_client_knows_it_to_be(venue: str) -> None:
    spec, wire, roster = VENUES[venue], wire_of(venue), Roster((venue,), ("BTC",))
    start_ms = NOW_MS - NOW_MS % 300_000
    async with ScriptedVenue(SCRIPTS[venue], examples(venue)) as server:
        client = VenueClient(spec, loopback=server.url)
        await client.open(("BTC",))
        past = await past_of(client, wire, roster, start_ms - 9 * 3_600_000, start_ms + 900_000)
        contract = book_of(venue).contracts[0]
        polled = [
            poll.parse(await client.call(poll.method, poll.params(contract)), book_of(venue), NOW_MS)
            for poll in wire.polls if poll.inverse is not True
        ]
        tiers = None if wire.tiers is None else wire.tiers.parse(
            await client.call(wire.tiers.method, wire.tiers.params(contract)), book_of(venue), 0
        )
        await client.close()
    assert (past.missing, server.unknown) == ((), [])
    kinds = {"bars": TradeBar, "open_interest": OpenInterest, "funding": FundingRate}
    assert {type(fact) for fact in past.facts} == {kinds[history.kind] for history in wire.histories}
    assert all(polled)
    assert wire.tiers is None or tiers


def book_of(venue: str) -> WireBook:
    return WireBook(venue, examples(venue).contracts)
