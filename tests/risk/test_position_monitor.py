"""The open position: each reason to end it, tighter stops only, and silence when the house is blind."""

from decimal import Decimal
from functools import partial

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from hypothesis import given
from hypothesis import strategies as st

from liqbot.accounting.positions import Position
from liqbot.events import Flatten, Halt
from liqbot.instruments import Side
from liqbot.risk.decision import Adjustment, Target
from liqbot.risk.position_monitor import adjustment_for
from liqbot.risk.review import review_reduction
from liqbot.signals.evaluate import reason_gone
from liqbot.signals.failures import StrategyGuard
from liqbot.signals.registry import signal_model
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams

D = Decimal
AVOID = AvoidLiquidityParams()
INVALIDATED = partial(reason_gone, params=signal_model()(), guard=StrategyGuard())


def a_position(side: Side = Side.LONG, **changes: object) -> Position:
    plain = Position(rc.VENUE, rc.COIN, side, D(1), D(65536), rc.NOW_MS - 60_000, leverage=3.0, isolated=True)
    return msgspec.structs.replace(plain, **changes)


def asked(
    view: mv.MarketView | None = None,
    position: Position | None = None,
    target: Target | None = None,
    account: rc.Account | None = None,
    time_ms: int = rc.NOW_MS,
) -> Adjustment | None:
    return adjustment_for(
        view, position or a_position(), target or rc.a_target(), account or rc.an_account(), rc.LIMITS, time_ms,
        INVALIDATED, rc.SAME, AVOID,
    )


def test_a_quiet_position_is_left_alone():
    assert asked(mv.a_view()) is None
    assert asked(None) is None


def test_time_is_up_even_without_a_view():
    assert asked(None, time_ms=rc.NOW_MS + 3_600_000).code == "TIME"


def test_flatten_ends_it_and_a_mere_halt_does_not():
    assert asked(account=rc.an_account(Flatten(time_ms=rc.NOW_MS, reason="panic"))).code == "FLATTEN"
    assert asked(mv.a_view(), account=rc.an_account(Halt(time_ms=rc.NOW_MS, reason="x"))) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"leverage": 20.0}, "LEVERAGE_DRIFT"),
        ({"isolated": False}, "MARGIN_DRIFT"),
        ({"liquidation_price": D(46_500)}, "LIQUIDATION_DIVERGED"),
        ({"side": Side.SHORT}, "WRONG_SIDE"),
        ({"entry_price": D(100_000)}, "STOP_BEYOND_LIQUIDATION"),
    ],
)
def test_the_venues_word_against_ours_ends_it(changes: dict[str, object], code: str):
    found = asked(mv.a_view(), a_position(**changes))
    assert found.code == code
    assert found.exit_base == 1


def test_a_liquidation_price_farther_away_than_reckoned_is_no_trouble():
    assert asked(mv.a_view(), a_position(liquidation_price=D(30_000))) is None


def test_ours_without_a_decision_is_closed():
    found = adjustment_for(
        mv.a_view(), a_position(), None, rc.an_account(), rc.LIMITS, rc.NOW_MS, INVALIDATED, rc.SAME, AVOID
    )
    assert found.code == "NO_TARGET"


def test_what_is_leaving_already_is_not_asked_again():
    assert asked(target=rc.a_target(quantity="0"), time_ms=rc.NOW_MS + 10**9) is None


HEAVY = mv.a_side(Side.LONG, 2e9, (mv.a_cluster(Side.LONG, 1_000.0, ratio=2.0),))


@pytest.mark.parametrize("strategy", ["cascade", "funding_squeeze"])
def test_little_fuel_ahead_and_a_heavy_cluster_behind_ends_it(strategy: str):
    view = mv.squeeze_long(above=mv.a_side(Side.SHORT, 1e8), below=HEAVY)
    assert asked(view, target=rc.a_target(strategy=strategy)).code == "NOTIONAL_TURNED"
    assert asked(view, target=rc.a_target(strategy="grab_reverse")) is None


def test_a_spent_cluster_ends_a_cascade_and_an_older_rejection_does_not():
    fresh = mv.a_sweep(Side.SHORT, started_ms=rc.NOW_MS - 30_000, ended_ms=rc.NOW_MS)
    assert asked(mv.a_view(above=mv.a_side(Side.SHORT, sweep=fresh))).code == "CLUSTER_SPENT"
    assert asked(mv.a_view(above=mv.a_side(Side.SHORT, sweep=mv.a_sweep(Side.SHORT)))) is None
    inside = mv.a_sweep(Side.SHORT, started_ms=rc.NOW_MS - 900_000, ended_ms=rc.NOW_MS)
    assert asked(mv.a_view(above=mv.a_side(Side.SHORT, sweep=inside))).code == "CLUSTER_SPENT", "entered inside it"


def test_calm_funding_ends_a_squeeze_and_unknown_funding_does_not():
    target = rc.a_target(strategy="funding_squeeze")
    assert asked(mv.a_view(funding_8h_pct=0.01), target=target).code == "FUNDING_CALM"
    assert asked(mv.a_view(funding_8h_pct=mv.NAN), target=target) is None


DENSE = mv.with_mass(msgspec.structs.replace(mv.a_view(), map=mv.a_map(1e3, 1e3)), Side.LONG, 53_000, 56_000, 1e9)


def test_where_the_map_has_come_to_be_dense_the_loss_of_a_liquidation_is_brought_down_to_its_limit():
    target = rc.a_target(liquidation_price=D(55_536))
    found = asked(DENSE, target=target)
    left_base = 1 - found.exit_base
    assert found.code == "MAP_DRIFTED"
    assert left_base * 10_000 == pytest.approx(100_000 * rc.LIMITS.crowded_loss_pct_max / 100, rel=1e-6)
    reduced = review_reduction(found, a_position(), target).target
    assert reduced.quantity_base == left_base
    assert asked(DENSE, target=reduced) is None, "the same drift reduces twice"
    assert asked(mv.a_view(), target=target) is None, "a thin place is left alone"


def test_a_loss_that_is_small_anyway_is_not_reduced():
    assert asked(DENSE, a_position(quantity_base=D("0.5")), rc.a_target(liquidation_price=D(55_536))) is None


@pytest.mark.parametrize("side", list(Side))
def test_a_position_that_is_likely_to_be_liquidated_in_its_time_is_left(side: Side):
    wild = mv.a_view(range_pct=12.0)
    target = rc.a_target(side, liquidation_price=D(65536) - int(side) * 3_000)
    found = asked(wild, a_position(side), target)
    assert (found.code, found.exit_base) == ("LIQUIDATION_LIKELY", 1)
    soon = msgspec.structs.replace(target, exit_by_ms=rc.NOW_MS + 1_000)
    assert asked(wild, a_position(side), soon) is None, "with a second to go nothing is reached any more"
    told = a_position(side, liquidation_price=D(65536) - int(side) * 30_000)
    assert asked(wild, told, target) is None, "the venue's word comes before ours"


def test_a_stale_view_moves_nothing():
    stale = mv.a_view(above=mv.a_side(Side.SHORT, 1e8), below=HEAVY, age_ms=60_000, mark_price=mv.MARK * 1.05)
    assert asked(stale) is None


def test_after_one_risk_the_stop_goes_to_break_even_with_costs_then_trails():
    position = a_position(fees_usd=D(30))
    assert asked(mv.a_view(mark_price=mv.MARK + 600.0), position) is None
    found = asked(mv.a_view(mark_price=mv.MARK + 700.0), position)
    assert (found.code, found.exit_base, found.stop_price) == ("BREAK_EVEN", 0, D(65536 + 60))
    target = review_reduction(found, position, rc.a_target()).target
    further = asked(mv.a_view(mark_price=mv.MARK + 2_000.0), position, target)
    assert further.code == "TRAIL"
    assert further.stop_price == pytest.approx(D("67536") * (1 - D("0.01125")), abs=D("0.1"))
    assert (
        asked(mv.a_view(mark_price=mv.MARK + 1_500.0), position, review_reduction(further, position, target).target)
        is None
    )


def test_an_unknown_tick_or_range_leaves_the_stop():
    view = mv.a_view(mark_price=mv.MARK + 2_000.0)
    assert asked(view, target=rc.a_target(price_tick=D(0))) is None
    assert asked(msgspec.structs.replace(view, range_pct=mv.NAN)) is None


@pytest.mark.drawn(singly=True)
@given(
    view=st.none() | mv.views() | mv.reasons(),
    side=st.sampled_from(list(Side)),
    away=st.integers(-2_000, 2_000),
    later_ms=st.integers(0, 4_000_000),
    strategy=st.sampled_from(("grab_reverse", "cascade", "funding_squeeze")),
    leverage=st.sampled_from((None, 1.0, 3.0, 5.0, 20.0)),
)
def test_whatever_the_guard_says_is_less_risk(
    view: mv.MarketView | None, side: Side, away: int, later_ms: int, strategy: str, leverage: float | None
):
    position = a_position(side, entry_price=D(65536 + away), leverage=leverage)
    target = rc.a_target(side, strategy=strategy)
    found = asked(view, position, target, time_ms=rc.NOW_MS + later_ms)
    if found is None:
        return
    assert found.reason
    assert found.exit_base in {D(0), position.quantity_base}
    if found.stop_price is not None:
        assert int(side) * (found.stop_price - target.stop_price) > 0
        assert int(side) * (D(str(view.mark_price)) - found.stop_price) > 0
        assert found.stop_price % target.price_tick == 0
    after = review_reduction(found, position, target).target
    assert after.quantity_base <= target.quantity_base
    assert asked(view, position, after, time_ms=rc.NOW_MS + later_ms) is None


@pytest.mark.parametrize("side", Side)
def test_a_part_is_taken_once_where_it_was_decided(side: Side):
    sign = int(side)
    price, share = D(65536) + sign * D(300), D("0.25")
    target = rc.a_target(side, partial_take_price=price, partial_take_share=share)
    position = a_position(side=side)
    assert asked(mv.a_view(mark_price=mv.MARK + sign * 299.0), position, target) is None
    found = asked(mv.a_view(mark_price=mv.MARK + sign * 300.0), position, target)
    assert (found.code, found.exit_base, found.stop_price) == ("PARTIAL_TAKE", position.quantity_base * share, None)
    rest = review_reduction(found, position, target).target
    assert rest.quantity_base == position.quantity_base * (1 - share)
    assert (rest.stop_price, rest.take_price, rest.partial_take_price) == (target.stop_price, target.take_price, None)
    assert asked(mv.a_view(mark_price=mv.MARK + sign * 400.0), position, rest) is None
