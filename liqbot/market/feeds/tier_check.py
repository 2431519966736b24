"""Margin tiers as a venue publishes them today, against the table this version calculates with."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from liqbot.connection.client import VenueClient
from liqbot.margin.tiers import TierTable
from liqbot.market.feeds.requests import answer_of
from liqbot.venues.errors import VenueError
from liqbot.venues.parsing import MalformedMessage, WireBook
from liqbot.venues.registry import mechanics_of
from liqbot.venues.streams import TierRow, TierSource

TOLERANCE: Final = 1e-6
_log = structlog.get_logger()


async def compare_tiers(
    client: VenueClient, source: TierSource, book: WireBook, on_malformed: Callable[[MalformedMessage], None]
) -> tuple[str, ...] | None:
    """A line per contract whose published tiers differ; None when the venue did not answer."""
    found: list[str] = []
    for index, contract in enumerate(book.contracts):
        try:
            published = await answer_of(
                client, source.method, source.params(contract), source.weight,
                functools.partial(_tiers, source, book, index), on_malformed,
            )
        except (VenueError, MalformedMessage) as error:
            _log.info("margin tiers not read", venue=client.venue, coin=contract.coin, reason=str(error))
            return None
        mechanics = mechanics_of(contract.venue_key, contract.coin)
        name = f"{contract.venue_key} {contract.coin}"
        if mechanics.assumed:
            found.append(f"{name}: published, but this version calculates with a stand-in")
        else:
            found += [f"{name}: {line}" for line in differences(mechanics.table, published)]
    return tuple(found)


def _tiers(source: TierSource, book: WireBook, index: int, payload: Any) -> tuple[TierRow, ...]:
    return source.parse(payload, book, index)


def differences(table: TierTable, published: Sequence[TierRow]) -> list[str]:
    """The first tier that differs, in words; nothing when all published tiers agree as far as the table goes. A tier
    that the venue gives no end has the table's."""
    unit = 1.0 if table.coin_price_usd is None else table.coin_price_usd
    for number, (ours, theirs) in enumerate(zip(table.tiers, published, strict=False), 1):
        pairs = (
            ("cap", ours.notional_usd_cap / unit, theirs.cap_usd),
            ("leverage", ours.leverage_max, theirs.leverage_max),
            ("maintenance %", ours.maintenance_pct, theirs.maintenance_pct),
        )
        for what, packaged, read in pairs:
            if read != math.inf and abs(packaged - read) > TOLERANCE * max(abs(packaged), 1.0):
                return [f"tier {number} {what}: published {read:g}, calculated with {packaged:g} ({table.as_of})"]
    if len(published) < len(table.tiers):
        return [f"{len(published)} tiers published, calculated with {len(table.tiers)} ({table.as_of})"]
    return []
