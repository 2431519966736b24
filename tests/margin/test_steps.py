"""Partial liquidation: amounts add up, stay ordered, and are the venue's documented steps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.margin.steps import LiquidationStep
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import mechanics_of

VENUES = tuple(SPECS)


@pytest.mark.drawn(singly=True)
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(VENUES), st.floats(10.0, 5e8), st.floats(-0.01, 1.0))
def test_amounts_are_positive_and_the_first_taker_is_offered_exactly_the_position(
    venue: str, notional_usd: float, covered_share: float
):
    book = mechanics_of(venue, "BTC")
    equity_usd = book.table.maintenance_usd(notional_usd) * covered_share
    steps = book.ladder_steps(notional_usd, equity_usd)
    first = steps[0].taker
    offered = sum(step.close_usd for step in steps if step.taker == first)
    assert all(0.0 < step.close_usd <= notional_usd * (1 + 1e-12) for step in steps)
    assert offered == pytest.approx(notional_usd)
    assert not steps[0].if_needed
    assert all(step.if_needed for step in steps[1:])


def test_binance_reduces_to_compliance_then_insurance_fund_then_deleveraging():
    book = mechanics_of("binance", "BTC")
    small = book.ladder_steps(200_000.0, 700.0)
    assert [step.taker for step in small] == ["book", "insurance_fund", "counterparties"]
    assert small[0].close_usd == 200_000.0
    notional_usd = 5_000_000.0
    equity_usd = book.table.maintenance_usd(notional_usd) * 0.9
    reduce, rest, *_ = book.ladder_steps(notional_usd, equity_usd)
    assert book.table.maintenance_usd(notional_usd - reduce.close_usd) == pytest.approx(equity_usd)
    assert rest.close_usd == pytest.approx(notional_usd - reduce.close_usd)


def test_bybit_goes_down_tier_by_tier():
    steps = mechanics_of("bybit", "BTC").ladder_steps(3_000_000.0, 1_000.0)
    assert [step.close_usd for step in steps if step.taker == "book"] == [400_000.0, 600_000.0, 2_000_000.0]


def test_okx_closes_two_tiers_whole_and_reduces_higher_ones_two_at_a_time():
    book = mechanics_of("okx", "BTC")
    whole = book.ladder_steps(4_000_000.0, 1_000.0, price=100_000.0)
    assert [step.close_usd for step in whole if step.taker == "book"] == [4_000_000.0]
    # 350 BTC lie in tier 4 (to 400): down to the end of tier 2 (50 BTC), then the rest.
    high = book.ladder_steps(35_000_000.0, 1_000.0, price=100_000.0)
    assert [step.close_usd for step in high if step.taker == "book"] == [30_000_000.0, 5_000_000.0]


def test_hyperliquid_takes_a_fifth_first_and_hands_the_hopeless_to_the_vault():
    book = mechanics_of("hyperliquid", "BTC")
    maintenance_usd = book.maintenance_usd(200_000.0)
    first, rest, *_ = book.ladder_steps(200_000.0, maintenance_usd * 0.99)
    assert (first.close_usd, rest.close_usd, rest.after_ms) == (40_000.0, 160_000.0, 30_000)
    assert book.ladder_steps(100_000.0, book.maintenance_usd(100_000.0))[0].close_usd == 100_000.0
    assert book.ladder_steps(200_000.0, maintenance_usd * 0.6) == (LiquidationStep(200_000.0, "vault"),)


def test_kraken_market_assignment_unwind():
    steps = mechanics_of("krakenfutures", "BTC").ladder_steps(500_000.0, 4_000.0)
    assert [step.taker for step in steps] == ["book", "book", "assignees", "counterparties"]
    assert steps[0].close_usd == pytest.approx(100_000.0)


def test_deribit_in_small_steps():
    steps = [step for step in mechanics_of("deribit", "BTC").ladder_steps(1e7, 1.0) if step.taker == "book"]
    assert {step.close_usd for step in steps} == {500_000.0}
    assert len(steps) == 20


def test_bad_notional_names_the_value():
    with pytest.raises(ValueError, match=r"notional_usd: 0\.0"):
        mechanics_of("binance", "BTC").ladder_steps(0.0, 1.0)
