"""What missing days and a first week leave of entries; what protects is not asked."""

from decimal import Decimal

import market_views as mv
import pytest
import risk_cases as rc
from hypothesis import given
from hypothesis import strategies as st

from liqbot.events import HaltCode, LadderOverridden, LiveStarted, Resume
from liqbot.risk.account import Account
from liqbot.risk.decision import Adjustment, Approved, Decision, Refusal, Refused
from liqbot.risk.review import review_entry, review_reduction
from liqbot.signals.evaluate import evaluate
from liqbot.signals.registry import signal_model
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams

GRAB = mv.grab_long()
SIGNAL = next(one.signal for one in evaluate(GRAB, signal_model()()) if one.signal is not None)
MISSING = "paper 1.0 of 7 days"
TYPED = LadderOverridden(time_ms=rc.NOW_MS, typed="I trade", missing=MISSING)


def started(missing: str = "", size_pct: float = 100.0, capped_until_ms: int = 0) -> LiveStarted:
    return LiveStarted(time_ms=rc.NOW_MS, missing=missing, size_pct=size_pct, capped_until_ms=capped_until_ms)


def reviewed(account: Account) -> Decision:
    return review_entry(SIGNAL, GRAB, account, rc.a_book(), rc.LIMITS, AvoidLiquidityParams(), 1).decision


def quantity(*facts: LiveStarted | LadderOverridden) -> Decimal:
    decision = reviewed(rc.an_account(*facts))
    assert isinstance(decision, Approved)
    return decision.target.quantity_base


def test_without_the_days_nothing_is_entered_and_no_resume_lifts_it() -> None:
    account = rc.an_account(started(MISSING), Resume(time_ms=rc.NOW_MS, reason="by hand"))
    refused = reviewed(account)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.HALTED
    assert MISSING in refused.reason
    assert account.halt_code is HaltCode.LADDER


def test_what_protects_is_not_restrained() -> None:
    account = rc.an_account(started(MISSING), rc.a_fill("1"))
    position = account.position(rc.VENUE, rc.COIN)
    assert position is not None
    exit_all = Adjustment(rc.VENUE, rc.COIN, "TIME", "over", exit_base=position.quantity_base)
    assert review_reduction(exit_all, position, rc.a_target()).target.quantity_base == 0


def test_an_override_lets_entries_go_and_lasts_for_one_start() -> None:
    assert quantity(started(MISSING), TYPED) == quantity()
    account = rc.an_account(started(MISSING), TYPED, started(MISSING))
    assert isinstance(reviewed(account), Refused)


@given(st.floats(1, 50))
def test_in_the_first_week_the_size_is_that_share_of_what_it_would_be(size_pct: float) -> None:
    whole, step = quantity(), rc.INSTRUMENT.quantity_step_base
    capped = quantity(started(size_pct=size_pct, capped_until_ms=GRAB.time_ms + 1))
    share = whole * Decimal(str(size_pct)) / 100
    # Rounded down once more; the liquidation price that a smaller size has lies farther away.
    assert share - 2 * step <= capped <= share + step


def test_after_the_first_week_it_is_whole() -> None:
    assert quantity(started(size_pct=25, capped_until_ms=GRAB.time_ms)) == quantity()


def test_a_size_that_the_first_week_leaves_too_small_says_so() -> None:
    refused = reviewed(rc.an_account(started(size_pct=0.001, capped_until_ms=GRAB.time_ms + 1)))
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.SIZE_LIMIT
    assert "first_week" in refused.reason


@pytest.mark.parametrize("facts", [(), (started(MISSING), TYPED), (started(size_pct=25, capped_until_ms=10**15),)])
def test_a_restart_keeps_it(facts: tuple[LiveStarted, ...]) -> None:
    account, again = rc.an_account(*facts), Account(rc.LIMITS)
    again.load_state(account.state())
    assert again.ladder == account.ladder
    assert reviewed(again) == reviewed(account)
    again.on_fact(started(MISSING))  # what was loaded is what is folded on
    assert again.halt_code is HaltCode.LADDER
