import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.world.margins import Margins
from paper.world.params import SEVEN_VENUES

MARGINS = Margins(SEVEN_VENUES, "BTC")


@pytest.mark.drawn(singly=True)
@settings(max_examples=300)
@given(
    st.integers(0, len(SEVEN_VENUES) - 1),
    st.sampled_from([Side.LONG, Side.SHORT]),
    st.floats(3, 8),
    st.floats(20_000, 200_000),
    st.floats(0.01, 0.9),
)
def test_every_position_is_liquidated_where_its_venue_says(
    venue: int, side: Side, magnitude: float, entry: float, margin_ratio: float
):
    quantity = 10**magnitude / entry
    exact = mechanics_of(SEVEN_VENUES[venue].venue, "BTC").liquidation_price(
        side, entry, quantity, margin_ratio * entry * quantity
    )
    found = MARGINS.liquidation_price(
        np.array([int(side is Side.SHORT)]), np.array([venue]), np.array([entry]), np.array([quantity]),
        np.array([margin_ratio]),
    )  # fmt: skip
    assert found[0] == pytest.approx(max(exact, entry * 1e-4), rel=1e-9)


def test_large_positions_get_no_more_leverage_than_their_tier_allows():
    venue = np.arange(len(SEVEN_VENUES))
    sizes = np.full(len(SEVEN_VENUES), 20e6)
    wanted = np.full(len(SEVEN_VENUES), 125.0)
    offered = MARGINS.offered(venue, np.full(len(venue), 60_000.0), sizes, wanted)
    for index, row in enumerate(SEVEN_VENUES):
        most = mechanics_of(row.venue, "BTC").leverage_max(20e6, 60_000)
        first = mechanics_of(row.venue, "BTC").table.tiers[0]
        assert offered[index] <= most or sizes[index] <= first.notional_usd_cap
    assert offered[0] < 125
