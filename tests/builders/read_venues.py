"""A market served on loopback by the dialect of a venue that is only read, with a feed that hears it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from edge_sink import Gathered
from loopback_market import at, bar, forced, interest, mark, rate
from patience import PATIENCE_S, until

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.connection.client import VenueClient
from liqbot.events import FeedUp, MarketEvent
from liqbot.instruments import Side
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.inferred_feeds import FEED_OF
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.registry import VENUES, wire_of
from liqbot.venues.spec import VenueSpec
from paper.dialects.hub import Hub, HubParams
from paper.dialects.market_data.dialect import MarketDataDialect
from paper.dialects.serving import DIALECTS, Loopback, dialect_class, serving, traded
from paper.exchange import PaperParams

COINS = ("BTC", "ETH")
EARLY = -1
QUICK = FeedParams(flush_ms=20, inferred=True)
READ = tuple(venue for venue in DIALECTS if venue not in traded() and VENUES[venue].wire is not None)


class ReadVenue(msgspec.Struct):
    """`keys` are the venue's books and coins that are served, each with a price of its own."""

    loop: Loopback
    hub: Hub
    roster: Roster
    keys: tuple[tuple[str, str], ...]
    client: VenueClient
    feed: VenueFeed
    sink: Gathered

    def block(self, second: int, rows: list[MarketEvent]) -> EventBlock:
        return block_of(sorted(rows, key=lambda row: row.time_ms), self.roster, tick_ms=at(second))


def read_hub(venue: str, **params: object) -> Hub:
    kind = dialect_class(venue)
    assert issubclass(kind, MarketDataDialect)
    instruments = kind.listed_instruments(COINS)
    roster = Roster(tuple(dict.fromkeys(one.venue for one in instruments)), COINS)
    return Hub(roster, instruments, PaperParams(), HubParams(**{"settle_s_max": PATIENCE_S} | params))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def read_venue(
    venue: str, hub: Hub | None = None, *, spec: VenueSpec | None = None, params: FeedParams = QUICK
) -> AsyncIterator[ReadVenue]:
    """Dialled by the unmodified client, and every stream of it delivers; what it delivered for that is of before the
    market's beginning (`START_MS`)."""
    hub = hub or read_hub(venue)
    roster, keys = hub.roster, tuple((one.venue, one.coin) for one in hub.instruments)
    hub.warm([block_of([row for key, coin in keys for row in (
        bar(key, coin, EARLY, (50_000.0,) * 4), mark(key, coin, EARLY, 50_000.0), interest(key, EARLY, 1e9, coin),
        rate(key, EARLY, 0.01, 8.0, coin))], roster, tick_ms=at(EARLY))])
    async with serving(hub, [dialect_class(venue)(hub)]) as loop:
        client, sink = VenueClient(spec or VENUES[venue], loopback=loop.url, inverse=True), Gathered(roster)
        feed = VenueFeed(client, wire_of(venue), roster, lambda: hub.now_ms, params)
        task = asyncio.create_task(feed.run(sink))
        try:
            await until(lambda: client.sockets or task.done())
            place = ReadVenue(loop, hub, roster, keys, client, feed, sink)
            await _heard(place)
            yield place
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()


async def _heard(place: ReadVenue) -> None:
    """Subscriptions that share a socket are acknowledged one by one, or never: wait for what each of them carries."""
    carried = {feed for stream in wire_of(place.client.venue).streams for feed in stream.feeds} - place.feed.left_out
    wanted = {(kind, *key) for kind, feed in FEED_OF.items() if feed in carried & {"mark", "liquidation"}
              for key in place.keys}
    for later_ms in range(1, 999):
        rows = [msgspec.structs.replace(row, time_ms=at(EARLY) + later_ms) for key, coin in place.keys for row in (
            bar(key, coin, EARLY, (50_000.0,) * 4), mark(key, coin, EARLY, 50_000.0 - later_ms),
            forced(key, EARLY, Side.LONG, 50_000.0, 1e5, coin))]
        await place.hub.advance(block_of(rows, place.roster))
        await asyncio.sleep(0.02)
        told = {(type(one), one.venue, one.coin) for one in place.sink.events}
        bars = place.feed.stats.trades > 0 or "trades" not in carried
        if bars and wanted <= told:
            return
    raise AssertionError(f"never heard: {wanted - told}")


__all__ = ["COINS", "READ", "FeedUp", "ReadVenue", "forced", "read_hub", "read_venue"]
