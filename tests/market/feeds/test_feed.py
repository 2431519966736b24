import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from edge_sink import Gathered
from patience import PATIENCE_S, until
from public_venue import PRICE, VENUES, PublicVenue, forced, mark, now_ms, trade

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import FeedDown, FeedUp, FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import wire_of
from liqbot.venues.streams import VenueWire

COINS = ("BTC",)
QUICK = FeedParams(flush_ms=50, retry_s_max=1.0)


def impatient(venue: str, silence_ms_max: int) -> VenueWire:
    wire = wire_of(venue)
    streams = tuple(
        stream if stream.silence_ms_max is None else msgspec.structs.replace(stream, silence_ms_max=silence_ms_max)
        for stream in wire.streams
    )
    return msgspec.structs.replace(wire, streams=streams)


@asynccontextmanager
async def fed(
    venue: str, server: PublicVenue, *, wire: VenueWire | None = None, coins: tuple[str, ...] = COINS
) -> AsyncIterator[tuple[VenueFeed, Gathered, VenueClient, "asyncio.Task[None]"]]:
    roster = Roster((venue,), coins)
    client = VenueClient(SPECS[venue], loopback=server.url)
    feed, sink = VenueFeed(client, wire or wire_of(venue), roster, now_ms, QUICK), Gathered(roster)
    task = asyncio.create_task(feed.run(sink))
    try:
        yield feed, sink, client, task
    finally:
        task.cancel()
        await asyncio.wait([task])
        await client.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def listening(server: PublicVenue) -> set[str]:
    return {feed for feeds in server.sockets.values() for feed in feeds}


async def streaming(server: PublicVenue, sink: Gathered, venue: str) -> None:
    """Subscribed, and every feed up."""
    await until(lambda: {"trades", "liquidation", "mark"} <= listening(server))
    await server.send("trades", trade(venue, PRICE, 1, bought=True))
    await server.send("mark", mark(venue, PRICE))
    await until(lambda: all(sink.said(FeedUp, feed) for feed in ("trades", "liquidation", "mark", "open_interest")))


async def trading(server: PublicVenue, sink: Gathered, venue: str) -> None:
    """Every feed has been up; what is said goes on until then, because a feed that is impatient may be given up."""
    async with asyncio.timeout(PATIENCE_S):
        while not all(sink.said(FeedUp, feed) for feed in ("trades", "liquidation", "mark", "open_interest")):
            await server.send("trades", trade(venue, PRICE, 1, bought=True))
            await server.send("mark", mark(venue, PRICE))
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("venue", VENUES)
async def test_everything_the_map_needs_arrives_in_usd_and_by_side(venue: str) -> None:
    async with PublicVenue() as server, fed(venue, server) as (feed, sink, _, _):
        await streaming(server, sink, venue)
        await server.send("trades", trade(venue, PRICE + 10, 2, bought=False))
        await server.send("liquidation", forced(venue, PRICE, 3, long=True), forced(venue, PRICE + 5, 4, long=False))
        await until(lambda: len(sink.of(Liquidation)) == 2 and sum(bar.sell_usd or 0 for bar in sink.of(TradeBar)) > 0)
        # What is asked for comes in its own time.
        await until(lambda: sink.of(FundingRate) and sink.of(MarkPrice)[-1].index_price is not None)
        units = server.sizes[venue]
        assert [(one.side, one.price, one.size_usd) for one in sink.of(Liquidation)] == [
            (Side.LONG, PRICE, pytest.approx(3 * PRICE * units)),
            (Side.SHORT, PRICE + 5, pytest.approx(4 * (PRICE + 5) * units)),
        ]
        bars = sink.of(TradeBar)
        assert sum(bar.buy_usd or 0 for bar in bars) == pytest.approx(PRICE * units)
        assert sum(bar.sell_usd or 0 for bar in bars) == pytest.approx(2 * (PRICE + 10) * units)
        assert sink.of(OpenInterest)[0].oi_usd == pytest.approx(1_000 * PRICE)
        assert sink.of(MarkPrice)[-1].index_price == PRICE + 1
        funding = sink.of(FundingRate)[-1]
        assert (funding.rate_pct, funding.interval_h) == (pytest.approx(0.01), 4.0 if venue == "binance" else 8.0)
        assert feed.stats.malformed == feed.stats.poll_failures == feed.stats.reconnects == 0


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES)
async def test_a_burst_of_forced_orders_and_a_flood_of_trades_arrive_whole(venue: str) -> None:
    async with PublicVenue() as server, fed(venue, server) as (feed, sink, _, _):
        await streaming(server, sink, venue)
        seen = feed.stats.trades
        flood = [trade(venue, PRICE + number % 7, 1, bought=number % 2 == 0) for number in range(5_000)]
        burst = [forced(venue, PRICE, number + 1, long=True) for number in range(300)]
        await asyncio.gather(server.send("trades", *flood), server.send("liquidation", *burst))
        await until(lambda: feed.stats.trades == seen + len(flood) and len(sink.of(Liquidation)) == len(burst))
        units = server.sizes[venue]
        assert sum(one.size_usd for one in sink.of(Liquidation)) == pytest.approx(300 * 301 / 2 * PRICE * units)
        usd = sum((PRICE + number % 7) * units for number in range(5_000)) + PRICE * units
        await until(lambda: sum(bar.volume_usd for bar in sink.of(TradeBar)) == pytest.approx(usd))
        times = [bar.time_ms for bar in sink.of(TradeBar)]
        assert times == sorted(set(times))


@pytest.mark.parametrize("abruptly", [False, True], ids=["closed", "cut"])
@pytest.mark.parametrize("venue", VENUES)
async def test_a_lost_connection_is_told_dialled_anew_and_what_it_hid_is_asked_for(venue: str, abruptly: bool) -> None:
    async with PublicVenue() as server, fed(venue, server) as (feed, sink, _, _):
        await streaming(server, sink, venue)
        dials, polls = server.dials, feed.stats.polls
        server.open_interest = 700.0
        if abruptly:
            server.cut()
        else:
            await server.disconnect()
        await until(lambda: all(sink.said(FeedDown, feed) for feed in ("trades", "liquidation", "mark")))
        await until(lambda: server.dials >= 2 * dials and {"trades", "liquidation", "mark"} <= listening(server))
        await server.send("trades", trade(venue, PRICE, 1, bought=True))
        await server.send("mark", mark(venue, PRICE))
        await until(lambda: all(len(sink.said(FeedUp, feed)) == 2 for feed in ("trades", "liquidation", "mark")))
        await until(lambda: feed.stats.resyncs > 0 and feed.stats.polls > polls)
        if venue != "bybit":  # there open interest comes with every quote
            # At most one value in a few seconds is passed on; the newest one is what counts.
            await until(lambda: sink.of(OpenInterest)[-1].oi_usd == pytest.approx(700.0 * PRICE))


@pytest.mark.parametrize("venue", VENUES)
async def test_an_open_but_silent_socket_is_told_and_given_up(venue: str) -> None:
    async with PublicVenue() as server, fed(venue, server, wire=impatient(venue, 700)) as (feed, sink, _, _):
        await trading(server, sink, venue)
        dials = server.dials
        await until(lambda: sink.said(FeedDown, "trades") and sink.said(FeedDown, "mark"))
        assert "silent" in sink.said(FeedDown, "trades")[0].reason  # type: ignore[union-attr]
        await until(lambda: server.dials > dials and feed.stats.silences > 0)
        async with asyncio.timeout(PATIENCE_S):  # however often it is given up again meanwhile
            while len(sink.said(FeedUp, "trades")) < 2:
                await server.send("trades", trade(venue, PRICE, 1, bought=True))
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("venue", VENUES)
async def test_mangled_messages_are_counted_and_the_stream_goes_on(venue: str) -> None:
    async with PublicVenue() as server, fed(venue, server) as (feed, sink, _, _):
        await streaming(server, sink, venue)
        good = trade(venue, PRICE, 1, bought=True)
        await server.send("trades", good[:-9], good.replace('"60000.0"', '"NaN"'), "{", '{"topic":', good)
        await until(lambda: feed.stats.trades == 2)
        assert feed.stats.malformed + feed.stats.malformed_rows == 4
        assert feed.stats.malformed_newest.startswith(venue)
        assert feed.stats.reconnects == 0


async def test_a_message_the_client_itself_cannot_read_costs_a_reconnect_not_the_stream() -> None:
    async with PublicVenue() as server, fed("binance", server) as (feed, sink, client, _):
        await streaming(server, sink, "binance")
        await server.send("trades", "[]")
        await until(lambda: client.handler_errors == 1 and feed.stats.reconnects > 0)
        await until(lambda: "trades" in listening(server))
        await server.send("trades", trade("binance", PRICE, 1, bought=True))
        await until(lambda: feed.stats.trades == 2)


async def test_a_venue_that_is_away_is_told_once_and_waited_for() -> None:
    async with PublicVenue() as server:
        server.broken = True
        async with fed("okx", server) as (feed, sink, _, task):
            await until(lambda: sink.said(FeedDown, "trades"))
            await until(lambda: feed.stats.refusals > 1)
            assert len(sink.said(FeedDown, "trades")) == 1
            assert "www.okx.com" in sink.said(FeedDown, "trades")[0].reason  # type: ignore[union-attr]
            assert not task.done()
            server.broken = False
            await streaming(server, sink, "okx")


@pytest.mark.parametrize(("coins", "size"), [(("NOSUCH",), 0.01), (("BTC",), 0.02)], ids=["not listed", "other size"])
async def test_a_contract_that_is_not_the_one_we_know_is_not_read(coins: tuple[str, ...], size: float) -> None:
    async with PublicVenue() as server:
        server.sizes["okx"] = size
        async with fed("okx", server, coins=coins) as (_, sink, _, task):
            await until(task.done)
            (down,) = sink.said(FeedDown, "trades")
            assert coins[0] in down.reason  # type: ignore[union-attr]


async def test_published_tiers_that_differ_are_shown() -> None:
    async with PublicVenue() as server, fed("bybit", server) as (feed, _, _, _):
        await until(lambda: feed.stats.tier_differences)
        (difference,) = feed.stats.tier_differences
        assert difference.startswith("bybit BTC: tier 2 maintenance %: published 0.7, calculated with 0.56")


async def test_requests_that_fail_take_down_only_what_they_carry() -> None:
    async with PublicVenue() as server:
        wire = wire_of("binance")
        polls = tuple(msgspec.structs.replace(poll, period_ms=200) for poll in wire.polls)
        quick = msgspec.structs.replace(wire, polls=polls)
        async with fed("binance", server, wire=quick) as (_, sink, _, _):
            await streaming(server, sink, "binance")
            server.broken = True
            await until(lambda: sink.said(FeedDown, "open_interest"))
            assert not sink.said(FeedDown, "mark")
            server.broken = False
            await until(lambda: len(sink.said(FeedUp, "open_interest")) == 2)
