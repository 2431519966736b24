"""Feeds whose shape is only inferred are not read unless the profile asks for them: no stream, no request, no fact."""

from collections.abc import Iterable
from typing import Final

import msgspec

from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest
from liqbot.market.feeds.fact_times import Fact
from liqbot.market.feeds.params import FeedParams
from liqbot.venues.evidence import grades_of
from liqbot.venues.spec import VenueSpec
from liqbot.venues.streams import Stream, VenueWire

FEED_OF: Final[dict[type, str]] = {
    Liquidation: "liquidation", MarkPrice: "mark", OpenInterest: "open_interest", FundingRate: "funding",
}


def left_out(spec: VenueSpec, params: FeedParams) -> frozenset[str]:
    """The feeds of a venue that are not read; the index goes with the mark that carries it."""
    if params.inferred:
        return frozenset()
    return frozenset(feed for feed, grade in grades_of(spec.evidence).items() if grade == "inferred")


def without(wire: VenueWire, feeds: frozenset[str]) -> VenueWire:
    """The same wire without streams and requests that carry nothing else, and without these among others' lines."""
    if not feeds:
        return wire
    return msgspec.structs.replace(
        wire, streams=tuple(_narrowed(stream, feeds) for stream in wire.streams if set(stream.feeds) - feeds),
        polls=tuple(poll for poll in wire.polls if poll.feed not in feeds),
    )


def _narrowed(stream: Stream, feeds: frozenset[str]) -> Stream:
    return msgspec.structs.replace(stream, feeds=tuple(feed for feed in stream.feeds if feed not in feeds))


def facts_beside(facts: Iterable[Fact], feeds: frozenset[str]) -> list[Fact]:
    """What a message tells beside feeds that are left out."""
    found = [fact for fact in facts if FEED_OF.get(type(fact)) not in feeds]
    if "index" not in feeds:
        return found
    return [_without_index(fact) for fact in found]


def _without_index(fact: Fact) -> Fact:
    return msgspec.structs.replace(fact, index_price=None) if isinstance(fact, MarkPrice) else fact
