"""Equity per unit and its latches where clocks go back and accounts are emptied."""

from decimal import Decimal

from liqbot.risk.drawdown import Drawdown
from liqbot.risk.limits import RiskLimits

DAY_MS = 86_400_000
LIMITS = RiskLimits()


def latched_today() -> Drawdown:
    found = Drawdown()
    found.tick(10 * DAY_MS, Decimal(1_000), LIMITS)
    found.tick(10 * DAY_MS + 1_000, Decimal(500), LIMITS)
    assert found.daily_latched
    assert found.weekly_latched
    return found


def test_a_clock_that_goes_back_over_midnight_lifts_no_latch() -> None:
    found = latched_today()
    found.tick(10 * DAY_MS - 1_000, Decimal(500), LIMITS)
    assert found.latched
    found.tick(10 * DAY_MS + 2_000, Decimal(500), LIMITS)
    assert found.daily_latched
    assert found.weekly_latched


def test_the_next_day_lifts_the_daily_latch_alone() -> None:
    found = latched_today()
    found.tick(11 * DAY_MS, Decimal(500), LIMITS)
    assert not found.daily_latched
    assert found.peak_latched


def test_money_may_come_to_an_account_that_lost_everything() -> None:
    found = latched_today()
    found.tick(10 * DAY_MS + 2_000, Decimal(0), LIMITS)
    found.transfer(Decimal(0), Decimal(1_000))
    found.tick(10 * DAY_MS + 3_000, Decimal(1_000), LIMITS)
    assert found.peak_latched
    assert found.value > 0
