"""A profile that names a venue of which nothing would be read is refused, and told how to have it read."""

import pytest

from liqbot.exits import ExpectedError
from liqbot.market.feeds.params import FeedParams
from liqbot.settings.model import Settings
from liqbot.settings.venues import require_able_venues
from liqbot.venues.evidence import grades_of
from liqbot.venues.registry import VENUES

ALL_INFERRED = [name for name, spec in VENUES.items() if set(grades_of(spec.evidence).values()) == {"inferred"}]


@pytest.mark.parametrize("name", ALL_INFERRED)
def test_a_venue_known_from_the_client_alone_is_read_only_where_the_profile_asks(name: str) -> None:
    with pytest.raises(ExpectedError, match=rf"^venues: '{name}' would tell nothing: .*feeds\.inferred = true$"):
        require_able_venues(Settings(mode="observe", venues=("binance", name)))
    require_able_venues(Settings(mode="observe", venues=("binance", name), feeds=FeedParams(inferred=True)))


def test_a_venue_with_some_feeds_known_better_may_be_named() -> None:
    assert "inferred" in grades_of(VENUES["woo"].evidence).values()
    require_able_venues(Settings(mode="observe", venues=("binance", "woo")))
