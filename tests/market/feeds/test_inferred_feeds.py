"""Feeds that are known by the client's parser alone are not read, unless the profile asks."""

import msgspec
import pytest
from loopback_market import bar, forced, mark
from patience import until
from read_venues import read_venue
from structlog.testing import capture_logs

from liqbot.events import FeedUp, FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.evidence import FeedName, graded
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import VenueSpec

FEEDS: tuple[FeedName, ...] = ("trades", "mark", "index", "open_interest", "funding", "liquidation")
CAUTIOUS = FeedParams(flush_ms=20)


def known(*inferred: FeedName) -> VenueSpec:
    """Gate, with what is known of these feeds taken from the client alone."""
    told = [one for feed in FEEDS for one in graded(
        "inferred" if feed in inferred else "documented", "somewhere", "2026-11-30", (feed, "ws here", ("field",)))]
    return msgspec.structs.replace(VENUES["gate"], evidence=tuple(told))


async def test_neither_subscribed_to_nor_asked_for_nor_told() -> None:
    async with read_venue("gate", spec=known("mark", "index", "open_interest", "funding"), params=CAUTIOUS) as place:
        topics = {topic.split(" ")[0] for socket in place.loop.server.sockets for topic in socket.topics}
        rows = [bar("gate", "BTC", 1, (50_000.0, 50_010.0, 49_990.0, 50_000.0)), mark("gate", "BTC", 1, 50_001.0),
                forced("gate", 1, Side.LONG, 50_000.0, 100_000.0)]
        await place.hub.advance(place.block(1, rows))
        await until(lambda: place.sink.of(Liquidation) and place.sink.of(TradeBar))
    assert topics == {"futures.trades", "futures.public_liquidates"}
    asked = {one.endpoint for one in place.loop.server.log}
    assert not [endpoint for endpoint in asked if endpoint.endswith(("tickers", "/BTC_USDT"))]
    assert place.sink.of(MarkPrice) == place.sink.of(OpenInterest) == place.sink.of(FundingRate) == []
    assert place.feed.left_out == {"mark", "index", "open_interest", "funding"}
    assert not place.sink.said(FeedUp, "mark")


async def test_what_is_not_read_is_said_at_the_start_and_how_to_have_it() -> None:
    with capture_logs() as logged:
        async with read_venue("gate", spec=known("index", "funding"), params=CAUTIOUS):
            pass
        async with read_venue("gate", spec=known(), params=CAUTIOUS):
            pass
    (line,) = [one for one in logged if one["event"] == "feeds not read"]
    assert (line["venue"], line["feeds"]) == ("gate", ["funding", "index"])
    assert "feeds.inferred = true" in line["reason"]


async def test_beside_others_in_one_message_only_they_are_left_out() -> None:
    async with read_venue("gate", spec=known("index", "funding"), params=CAUTIOUS) as place:
        await place.hub.advance(place.block(1, [mark("gate", "BTC", 1, 50_001.0)]))
        await until(lambda: any(one.mark_price == 50_001.0 for one in place.sink.of(MarkPrice)))
    assert {one.index_price for one in place.sink.of(MarkPrice)} == {None}
    assert place.sink.of(OpenInterest)
    assert place.sink.of(FundingRate) == []


@pytest.mark.parametrize("inferred", [("trades",), ("trades", "liquidation")])
async def test_without_trades_there_are_no_bars(inferred: tuple[FeedName, ...]) -> None:
    async with read_venue("gate", spec=known(*inferred), params=CAUTIOUS) as place:
        await place.hub.advance(place.block(1, [bar("gate", "BTC", 1, (5e4,) * 4), mark("gate", "BTC", 1, 50_001.0)]))
        await until(lambda: any(one.mark_price == 50_001.0 for one in place.sink.of(MarkPrice)))
    assert place.sink.of(TradeBar) == []
    assert place.feed.stats.malformed == 0


async def test_the_profile_may_ask_for_them() -> None:
    async with read_venue("gate", spec=known(*FEEDS), params=FeedParams(flush_ms=20, inferred=True)) as place:
        await place.hub.advance(place.block(1, [mark("gate", "BTC", 1, 50_001.0)]))
        await until(lambda: any(one.mark_price == 50_001.0 for one in place.sink.of(MarkPrice)))
    assert place.feed.left_out == frozenset()
