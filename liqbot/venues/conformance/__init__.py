"""One suite for every venue, for what each claims to be able to do: facts, margin, market data, orders.

Usable from a user's own test: `assert not faults(VENUE)`. Nothing is sent anywhere; the parsers and the trading adapter
run on the examples that the venue carries.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from liqbot.venues.conformance import answers, facts, margin, market_data, orders, protection
from liqbot.venues.spec import VenueSpec


class ConformanceCheck(NamedTuple):
    """`faults` gives a line per fault, none for what the venue does not claim."""

    name: str
    faults: Callable[[VenueSpec], list[str]]


CHECKS: Final = (
    ConformanceCheck("names and listings", facts.listing_faults),
    ConformanceCheck("what it has and what it lacks", facts.capability_faults),
    ConformanceCheck("access, credentials and client order ids", facts.access_faults),
    ConformanceCheck("margin tiers", margin.tier_faults),
    ConformanceCheck("published positions", margin.published_faults),
    ConformanceCheck("streams", market_data.stream_faults),
    ConformanceCheck("how feeds are known", market_data.evidence_faults),
    ConformanceCheck("requests", market_data.request_faults),
    ConformanceCheck("positions of accounts", market_data.account_faults),
    ConformanceCheck("order requests", orders.request_faults),
    ConformanceCheck("the first instant of a position", protection.protection_faults),
    ConformanceCheck("account reads", orders.read_faults),
    ConformanceCheck("mangled answers about the account", answers.mangled_answer_faults),
    ConformanceCheck("user stream", orders.user_stream_faults),
    ConformanceCheck("liquidation prices", margin.price_faults),
    ConformanceCheck("mangled messages and responses", market_data.mangled_faults),
)


def faults(spec: VenueSpec) -> list[str]:
    """Everything that is wrong with a venue, a line each; empty for one that is sound."""
    return [f"{spec.venue}: {check.name}: {fault}" for check in CHECKS for fault in check.faults(spec)]
