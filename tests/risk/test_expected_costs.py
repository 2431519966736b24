"""What a round trip costs, against the expected value that it is meant to bring to zero."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.risk.expected_costs import edge_needed_pct, funding_cost_pct

D = Decimal
HOUR_MS = 3_600_000
PERCENT = st.integers(1, 800).map(lambda hundredths: D(hundredths) / 100)


@given(stop=PERCENT, take=PERCENT, cost=PERCENT, funding=st.floats(0.0, 3.0), side=st.sampled_from(Side))
def test_with_the_edge_that_is_needed_the_expected_value_is_zero(
    stop: Decimal, take: Decimal, cost: Decimal, funding: float, side: Side
):
    entry, sign = D(50_000), int(side)
    stop_price, take_price = entry * (1 - sign * stop / 100), entry * (1 + sign * take / 100)
    edge = edge_needed_pct(entry, stop_price, take_price, cost, funding) / 100
    wins = float(stop / (stop + take)) + edge
    costs = float((entry + take_price) * cost / 100) + 50_000 * funding / 100
    expected_usd = wins * abs(float(take_price - entry)) - (1 - wins) * abs(float(entry - stop_price)) - costs
    assert expected_usd == pytest.approx(0.0, abs=1e-6 * 50_000)


def test_without_a_take_one_risk_stands_for_it():
    assert edge_needed_pct(D(100), D(99), None, D("0.1"), 0.0) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("side", "rate", "paid"), [(Side.LONG, 0.03, 0.045), (Side.SHORT, -0.03, 0.045), (Side.LONG, -0.03, 0.0),
                               (Side.SHORT, 0.03, 0.0), (Side.LONG, math.nan, 0.015), (Side.SHORT, math.nan, 0.015)],
)  # fmt: skip
def test_funding_is_a_cost_where_it_is_paid_and_no_gain_where_it_is_not(side: Side, rate: float, paid: float):
    assert funding_cost_pct(side, rate, 12 * HOUR_MS) == pytest.approx(paid)
