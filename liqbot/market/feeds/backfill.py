"""The past of a venue by request: bars, open interest and funding, so that a fresh house does not begin blind."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import structlog

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.connection.client import VenueClient
from liqbot.connection.instruments import wire_book
from liqbot.events import MarketEvent
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.malformed_rows import MalformedRows
from liqbot.market.feeds.requests import answer_of
from liqbot.venues.errors import VenueError
from liqbot.venues.parsing import MalformedMessage, WireBook
from liqbot.venues.streams import HistorySource, VenueWire

STEP_MS: Final = 300_000
PAGES_MAX: Final = 400
"""Of one history of one contract."""
_log = structlog.get_logger()


class Past(msgspec.Struct):
    """`missing` says in words what could not be read; what could be is given all the same."""

    facts: list[MarketEvent] = []
    missing: tuple[str, ...] = ()


async def past_of(client: VenueClient, wire: VenueWire, roster: Roster, since_ms: int, until_ms: int) -> Past:
    """Facts of [since, until) of every contract of the venue in the roster, in no order. The client must be open."""
    book = wire_book(client.exchange.markets, client.spec, roster)
    past, stats = Past(), FeedStats()
    malformed = MalformedRows(stats, lambda: until_ms)
    for index, contract in enumerate(book.contracts):
        for history in wire.histories:
            if history.inverse is None or history.inverse is contract.inverse:
                missing = await _read(client, history, book, index, (since_ms, until_ms), past.facts, malformed)
                if missing:
                    line = f"{contract.venue_key} {contract.coin} {history.kind}: {missing}"
                    _log.warning("past not read", missing=line)
                    past.missing += (line,)
    malformed.take(book)
    if stats.malformed_rows:
        past.missing += (f"{client.venue}: {stats.malformed_rows} rows that could not be read",)
    return past


async def _read(
    client: VenueClient, history: HistorySource, book: WireBook, index: int, span: tuple[int, int],
    facts: list[MarketEvent], malformed: MalformedRows,
) -> str:
    """Page by page, oldest first; a later page repeats nothing of an earlier one. Returns what went wrong."""
    since_ms, until_ms = span
    if history.reach_ms is not None:
        since_ms = max(since_ms, until_ms - history.reach_ms)
    page_ms = history.rows_max * history.span_ms
    for number in range(PAGES_MAX):
        start_ms = since_ms + number * page_ms
        if start_ms >= until_ms:
            return ""
        end_ms = min(start_ms + page_ms, until_ms)
        try:
            params = history.params(book.contracts[index], start_ms, end_ms)
            read = await answer_of(
                client, history.method, params, history.weight, lambda payload: history.parse(payload, book, index),
                malformed.message,
            )
        except (VenueError, MalformedMessage) as error:
            return str(error)
        # A bar is of the page that it begins in, and only once it is over; all else of the page that it happened in.
        reach_ms = history.span_ms if history.kind == "bars" else 0
        facts += [
            fact for fact in read if start_ms <= fact.time_ms - reach_ms < end_ms and fact.time_ms - 1 < until_ms
        ]
    return f"more than {PAGES_MAX} pages"


def backfilled_blocks(facts: Iterable[MarketEvent], roster: Roster, step_ms: int = STEP_MS) -> Iterator[EventBlock]:
    """All venues' pasts in order of time: one completed, backfilled step for every span in which something happened."""
    steps: dict[int, list[MarketEvent]] = {}
    for fact in facts:
        steps.setdefault(-(-fact.time_ms // step_ms) * step_ms, []).append(fact)
    for tick_ms in sorted(steps):
        happened = sorted(steps[tick_ms], key=lambda fact: (fact.time_ms, roster.venue_code(fact.venue)))
        yield block_of(happened, roster, tick_ms=tick_ms, backfilled=True)
