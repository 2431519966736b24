"""The feeds over the simulated exchange, which speaks the venues' protocols independently of the small server."""

import asyncio
import random

import pytest
from edge_sink import Gathered
from loopback_market import START_MS, VENUES, at, bar, block, forced, hub_of, interest, mark, rate
from patience import until

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import FeedUp, FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.feeds.backfill import past_of
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import wire_of
from paper.dialects.serving import dialects_of, serving

SECONDS = 12
BOTH = ("BTC", "ETH")


def told(chance: random.Random, venue: str, second: int) -> list[TradeBar | MarkPrice | Liquidation]:
    rows: list[TradeBar | MarkPrice | Liquidation] = []
    for coin in BOTH:
        price = 50_000.0 + 10.0 * chance.randint(-50, 50)
        rows += [
            bar(venue, coin, second, (price, price + 20.0, price - 30.0, price + 10.0), 1e6 * chance.randint(1, 5)),
            mark(venue, coin, second, price),
        ]
        if chance.random() < 0.5:
            side = chance.choice((Side.LONG, Side.SHORT))
            rows.append(forced(venue, second, side, price, 50_000.0 * chance.randint(1, 9), coin))
    return rows


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES)
async def test_what_the_market_did_is_what_the_feed_tells(venue: str) -> None:
    hub, chance, roster = hub_of(venue), random.Random(venue), Roster((venue,), BOTH)
    hub.warm([block(0, *(interest(venue, 0, 1e9, coin) for coin in BOTH))])
    async with serving(hub, dialects_of(hub, [venue])) as loopback:
        client, sink = VenueClient(SPECS[venue], loopback=loopback.url), Gathered(roster)
        feed = VenueFeed(client, wire_of(venue), roster, lambda: hub.now_ms, FeedParams(flush_ms=20))
        task = asyncio.create_task(feed.run(sink))
        try:
            forced_told = any("liquidation" in stream.feeds for stream in wire_of(venue).streams)
            await until(lambda: len(sink.said(FeedUp, "liquidation")) == len(BOTH) if forced_told else feed.listening)
            rows = []
            for second in range(1, SECONDS + 1):
                happened = [
                    row for row in told(chance, venue, second) if forced_told or not isinstance(row, Liquidation)
                ]
                rows += happened
                await hub.advance(block(second, *happened, *(rate(venue, second, 0.01, 4.0, coin) for coin in BOTH),
                                        *(interest(venue, second, 1e9 + second * 1e6, coin) for coin in BOTH)))
            wanted = [row for row in rows if isinstance(row, Liquidation)]
            await until(lambda: len(sink.of(Liquidation)) == len(wanted) and len(sink.of(MarkPrice)) >= 2 * SECONDS)
            await until(lambda: sink.of(OpenInterest) and sink.of(FundingRate))
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()
    agrees(sink, rows, venue)
    assert hub.unknown == []
    assert feed.stats.malformed_newest == ""
    assert (feed.stats.malformed, feed.stats.reconnects, feed.stats.misdated_trades, client.handler_errors) == (0,) * 4


def agrees(sink: Gathered, rows: list[TradeBar | MarkPrice | Liquidation], venue: str) -> None:
    for coin in BOTH:
        bars = [one for one in sink.of(TradeBar) if one.coin == coin]
        wanted = [one for one in rows if isinstance(one, TradeBar) and one.coin == coin]
        # Trades are whole steps: each of a bar's few prints may be a step off.
        slack = 4 * len(wanted) * 0.1 * 51_000 / (100 if coin == "BTC" else 1)
        assert sum(one.volume_usd for one in bars) == pytest.approx(sum(one.volume_usd for one in wanted), abs=slack)
        bought = sum(one.buy_usd or 0 for one in wanted)
        assert sum(one.buy_usd or 0 for one in bars) == pytest.approx(bought, abs=slack)
        assert (max(one.high for one in bars), min(one.low for one in bars)) == (
            max(one.high for one in wanted), min(one.low for one in wanted)
        )
        marks = [one.mark_price for one in sink.of(MarkPrice) if one.coin == coin and one.time_ms > START_MS]
        assert set(marks) >= {one.mark_price for one in rows if isinstance(one, MarkPrice) and one.coin == coin}
        orders = [one for one in rows if isinstance(one, Liquidation) and one.coin == coin]
        got = [one for one in sink.of(Liquidation) if one.coin == coin]
        assert [(one.side, one.price) for one in got] == [(one.side, one.price) for one in orders]
        assert [one.size_usd for one in got] == [pytest.approx(one.size_usd, abs=6_000) for one in orders]
    interval_h = sink.of(FundingRate)[-1].interval_h
    # At Binance and Bitget the interval is asked for every few minutes only; Hyperliquid's is always an hour.
    assert interval_h == {"hyperliquid": 1.0}.get(venue, 4.0) or venue in ("binance", "bitget")
    assert 1e9 <= sink.of(OpenInterest)[-1].oi_usd <= 1.02e9


@pytest.mark.parametrize("venue", VENUES)
async def test_the_past_of_the_exchange_can_be_read(venue: str) -> None:
    hub, roster = hub_of(venue), Roster((venue,), ("BTC",))
    minutes = 30
    hub.warm(
        block(60 * minute, *told(random.Random(minute), venue, 60 * minute), interest(venue, 60 * minute, 1e9),
              rate(venue, 60 * minute, 0.01))
        for minute in range(1, minutes + 1)
    )
    async with serving(hub, dialects_of(hub, [venue])) as loopback:
        client = VenueClient(SPECS[venue], loopback=loopback.url)
        await client.open(("BTC",))
        past = await past_of(client, wire_of(venue), roster, START_MS, START_MS + minutes * 60_000)
        await client.close()
    assert past.missing == ()
    assert hub.unknown == []
    bars = [fact for fact in past.facts if isinstance(fact, TradeBar)]
    assert len(bars) == len({fact.time_ms for fact in bars})
    assert len(bars) >= minutes // 5 - 1
    assert all(at(0) <= fact.time_ms <= START_MS + minutes * 60_000 for fact in past.facts)
    assert all(fact.oi_usd == pytest.approx(1e9, rel=0.02) for fact in past.facts if isinstance(fact, OpenInterest))
