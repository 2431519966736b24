"""A market served on loopback by the dialect of a venue that is only read, with a feed that hears it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from edge_sink import Gathered, until
from loopback_market import at, bar, forced, interest, mark, rate

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.connection.client import VenueClient
from liqbot.events import FeedUp, MarketEvent
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.registry import VENUES, wire_of
from liqbot.venues.spec import VenueSpec
from paper.dialects.hub import Hub, HubParams
from paper.dialects.market_data.dialect import MarketDataDialect
from paper.dialects.serving import DIALECTS, Loopback, dialect_class, serving, traded
from paper.exchange import PaperParams

COINS = ("BTC", "ETH")
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
    return Hub(roster, instruments, PaperParams(), HubParams(**params))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def read_venue(
    venue: str, hub: Hub | None = None, *, spec: VenueSpec | None = None, params: FeedParams = QUICK
) -> AsyncIterator[ReadVenue]:
    """Dialled by the unmodified client, and every stream of it up."""
    hub = hub or read_hub(venue)
    roster, keys = hub.roster, tuple((one.venue, one.coin) for one in hub.instruments)
    hub.warm([block_of([row for key, coin in keys for row in (
        bar(key, coin, 0, (50_000.0,) * 4), mark(key, coin, 0, 50_000.0), interest(key, 0, 1e9, coin),
        rate(key, 0, 0.01, 8.0, coin))], roster, tick_ms=at(0))])
    async with serving(hub, [dialect_class(venue)(hub)]) as loop:
        client, sink = VenueClient(spec or VENUES[venue], loopback=loop.url, inverse=True), Gathered(roster)
        feed = VenueFeed(client, wire_of(venue), roster, lambda: hub.now_ms, params)
        task = asyncio.create_task(feed.run(sink))
        try:
            await until(lambda: feed.listening or task.done())
            yield ReadVenue(loop, hub, roster, keys, client, feed, sink)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()


__all__ = ["COINS", "READ", "FeedUp", "ReadVenue", "forced", "read_hub", "read_venue"]
