"""Venues whose forced orders are trades: a cascade arrives whole over loopback, and a connection that is cut in it is
told, dialled again, and counts nothing twice."""

import pytest
from loopback_market import START_MS, bar, forced, mark
from patience import until
from read_venues import ReadVenue, read_venue

from liqbot.events import FeedDown, FeedUp, Liquidation, MarketEvent, TradeBar
from liqbot.instruments import Side

VENUES = ("deribit", "krakenfutures")
ORDERS = 250
"""Of every contract: a thousand in all."""


def cascade(key: str, coin: str, second: int) -> list[MarketEvent]:
    """Forced orders of one second, all at once, after a mark."""
    orders: list[MarketEvent] = [
        forced(key, second, Side.LONG if number % 3 else Side.SHORT, 50_000.0 - number, 10_000.0 + 100.0 * number, coin)
        for number in range(ORDERS)
    ]
    return [mark(key, coin, second, 50_000.0), *orders]


def closed(place: ReadVenue) -> list[Liquidation]:
    """Since the market began."""
    return [one for one in place.sink.of(Liquidation) if one.time_ms > START_MS]


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES)
async def test_a_thousand_forced_orders_in_a_burst_all_arrive(venue: str) -> None:
    async with read_venue(venue) as place:
        rows = [row for key, coin in place.keys for row in cascade(key, coin, 1)]
        await place.hub.advance(place.block(1, rows))
        wanted = [row for row in rows if isinstance(row, Liquidation)]
        await until(lambda: len(closed(place)) >= len(wanted))
    got = closed(place)
    assert len(got) == len(place.keys) * ORDERS == 1_000
    for key, coin in place.keys:
        told = [(one.side, one.price) for one in got if (one.venue, one.coin) == (key, coin)]
        assert told == [(one.side, one.price) for one in wanted if (one.venue, one.coin) == (key, coin)]
    assert place.feed.stats.malformed == place.feed.stats.malformed_rows == 0


@pytest.mark.parametrize("venue", VENUES)
async def test_a_cut_is_told_and_what_was_traded_before_counts_once(venue: str) -> None:
    async with read_venue(venue) as place:
        await place.hub.advance(place.block(1, [row for key, coin in place.keys for row in cascade(key, coin, 1)]))
        await until(lambda: len(closed(place)) >= 1_000)
        place.loop.server.cut("")
        await until(lambda: len(place.sink.said(FeedDown, "liquidation")) == len(place.keys))
        await until(lambda: place.feed.listening and place.feed.stats.resyncs)
        ups = len(place.sink.said(FeedUp, "mark"))
        traded = [bar(key, coin, 2, (50_000.0,) * 4, 1e6) for key, coin in place.keys]
        await place.hub.advance(place.block(2, [*traded, *(mark(key, coin, 2, 50_001.0) for key, coin in place.keys)]))
        await until(lambda: len(place.sink.said(FeedUp, "mark")) >= max(ups, 2 * len(place.keys)))
        last_ms = traded[0].time_ms
        await until(lambda: sum(one.volume_usd for one in place.sink.of(TradeBar) if one.time_ms > last_ms - 1_000)
                    >= 0.99e6 * len(place.keys))
    assert len(closed(place)) == 1_000
    assert place.feed.stats.reconnects >= 1
    assert place.hub.unknown == []
