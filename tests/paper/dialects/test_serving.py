"""Dialects are found, not listed: each package is named like its venue, and says where its clock can be tried."""

import json

import pytest
from read_venues import read_hub

from liqbot.venues.registry import VENUES
from paper.dialects.serving import DIALECTS, dialect_class, dialects_of, traded
from tests.builders import loopback_market as market


@pytest.mark.parametrize("venue", DIALECTS)
def test_a_package_is_a_venue_that_is_spoken(venue: str) -> None:
    kind = dialect_class(venue)
    assert kind.venue == venue
    host, _, path = kind.time_address.partition("/")
    assert host in kind.hosts
    hub = market.hub_of(venue) if kind.takes_orders else read_hub(venue)
    asked = f"POST /{path} {json.loads(kind.time_body)['type']}" if kind.time_body else f"GET /{path}"
    assert asked in kind(hub).routes()


def test_they_come_in_the_order_they_are_named_in() -> None:
    assert list(traded()) == sorted(traded())
    assert set(traded()) == {name for name, spec in VENUES.items() if spec.trading is not None}
    hub = market.hub_of(*traded())
    assert [one.venue for one in dialects_of(hub, ("okx", "binance"))] == ["okx", "binance"]
    with pytest.raises(KeyError, match="nyse"):
        dialects_of(hub, ("nyse",))
