"""The two doors: entries keep every promise or are refused with a reason, reductions are approved in every state."""

from collections import Counter
from decimal import Decimal
from typing import Any

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from hypothesis import given
from hypothesis import strategies as st

from liqbot.events import Flatten, FundingPaid, Halt
from liqbot.instruments import Side
from liqbot.risk.decision import Adjustment, Approved, Refusal, Refused
from liqbot.risk.limits import RiskLimits
from liqbot.risk.pre_trade_checks import PRE_TRADE_CHECKS
from liqbot.risk.review import review_entry, review_reduction
from liqbot.risk.sizing import exact, loss_base
from liqbot.risk.translation import at_venue
from liqbot.signals.evaluate import evaluate
from liqbot.signals.registry import signal_model
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams, in_cluster
from liqbot.signals.verdict import ACCEPTED, Signal

D = Decimal
PARAMS = signal_model()()
AVOID = AvoidLiquidityParams()


def signal_of(view: mv.MarketView) -> Signal:
    return next(verdict.signal for verdict in evaluate(view, PARAMS) if verdict.signal is not None)


GRAB = mv.grab_long()
SIGNAL = signal_of(GRAB)
BLACKOUT = "14:00-16:00"
"""UTC, around the views' time of 15:06."""
HALT = Halt(time_ms=rc.NOW_MS, reason="by hand")
LOSS = FundingPaid(time_ms=rc.NOW_MS, venue=rc.VENUE, coin=rc.COIN, amount_usd=D(-20_000), rate_pct=0.1)


def refused(view: mv.MarketView = GRAB, signal: Signal = SIGNAL, facts: tuple = (), **kwargs: object) -> Refused:
    limits = RiskLimits(**kwargs.pop("limits", {}))
    account = rc.an_account(*facts, limits=limits)
    decision = review_entry(signal, view, account, rc.a_book(), limits, AVOID, 9, **kwargs).decision
    assert isinstance(decision, Refused)
    assert decision.reason
    assert (decision.decision_id, decision.strategy, decision.coin, decision.side) == (
        9,
        "grab_reverse",
        "BTC",
        Side.LONG,
    )
    return decision


def changed(**changes: object) -> mv.MarketView:
    return msgspec.structs.replace(GRAB, **changes)


def test_a_textbook_signal_is_approved_with_all_its_checks():
    decision = review_entry(SIGNAL, GRAB, rc.an_account(), rc.a_book(), rc.LIMITS, AVOID, 9).decision
    assert isinstance(decision, Approved)
    target = decision.target
    unasked = 12  # what is asked of prices that are in doubt alone, and of a test market's
    assert len(decision.checks) > len(PRE_TRADE_CHECKS) - unasked
    assert decision.checks[-1].passed
    assert target.leverage <= 5
    assert target.liquidation_price < target.stop_price < D(str(mv.MARK)) < target.take_price
    assert target.exit_by_ms == GRAB.time_ms + SIGNAL.max_hold_ms
    assert target.price_tick == rc.INSTRUMENT.price_tick


@pytest.mark.parametrize(
    ("code", "case"),
    [
        (Refusal.HALTED, {"facts": (HALT,)}),
        (Refusal.HALTED, {"facts": (Flatten(time_ms=rc.NOW_MS, reason="panic"),)}),
        (Refusal.BACKFILLING, {"view": changed(backfilled=True)}),
        (Refusal.STALE, {"view": changed(age_ms=5_001)}),
        (Refusal.STALE, {"view": changed(live_venues=0)}),
        (Refusal.LAGGING, {"view": changed(lag_ms=2_001)}),
        (Refusal.CORE_VENUE_MISSING, {"view": changed(venues_live=("binance", "bybit:usdt"))}),
        (Refusal.CORE_VENUE_MISSING, {"view": changed(venues_live=("hyperliquid",))}),
        (Refusal.MAP_COLD, {"view": changed(warmth_long_pct=39.0)}),
        (Refusal.MAP_UNRELIABLE, {"view": changed(map_skill_share=-0.01)}),
        (Refusal.BLACKOUT, {"limits": {"blackouts": (BLACKOUT,)}}),
        (Refusal.CAUTION, {"view": changed(oi_change_24h_pct=6.0, funding_8h_pct=0.05, funding_percentile=97.0)}),
        (Refusal.MAP_COLD, {"view": changed(warmth_short_pct=mv.NAN)}),
        (Refusal.POSITION_OPEN, {"facts": (rc.a_fill("1"),)}),
        (Refusal.ENTRY_IN_FLIGHT, {"entry_in_flight": True}),
        (Refusal.OPPOSING_SIGNAL, {"opposing": ("cascade",)}),
        (Refusal.COOLDOWN, {"facts": (rc.a_fill("1"), rc.a_fill("2", reduces=True))}),
        (Refusal.DAILY_LOSS, {"facts": (LOSS,)}),
        (Refusal.FOREIGN_POSITION, {"facts": (rc.a_snapshot(1),)}),
        (Refusal.FOREIGN_POSITION, {"foreign_orders": 1}),
        (Refusal.PRICE_BAND, {"view": changed(index_price=mv.MARK * 1.02)}),
        (Refusal.PRICE_BAND, {"view": changed(index_price=mv.NAN, last_price=mv.MARK * 0.98)}),
        (Refusal.STOP_INVALID, {"signal": msgspec.structs.replace(SIGNAL, stop_price=mv.MARK + 100)}),
        (Refusal.STOP_INVALID, {"signal": msgspec.structs.replace(SIGNAL, stop_price=mv.MARK - 1)}),
        (Refusal.STOP_INVALID, {"signal": msgspec.structs.replace(SIGNAL, stop_price=mv.NAN)}),
        (Refusal.STOP_TOO_FAR, {"signal": msgspec.structs.replace(SIGNAL, stop_price=mv.MARK * 0.95)}),
        (Refusal.REWARD_TOO_SMALL, {"signal": msgspec.structs.replace(SIGNAL, take_price=mv.MARK * 1.005)}),
        (Refusal.REWARD_TOO_SMALL, {"signal": msgspec.structs.replace(SIGNAL, take_price=mv.NAN)}),
        (Refusal.COSTS_UNPAID, {"limits": {"edge_needed_pct_max": 1.0}}),
        (Refusal.COSTS_UNPAID, {"view": changed(funding_8h_pct=1.0), "limits": {"edge_needed_pct_max": 15.0}}),
        (Refusal.SIZE_LIMIT, {"limits": {"order_notional_usd_max": 1.0}}),
        (Refusal.SIZE_TOO_SMALL, {"limits": {"risk_per_trade_pct": 0.00001}}),
        (Refusal.LIQUIDATION_IN_CLUSTER, {"view": changed(map=mv.a_map(0.0, 0.0))}),
    ],
)
def test_each_refusal(code: Refusal, case: Any):
    assert refused(**case).code is code


def test_an_unreconciled_account_never_enters():
    account = rc.Account(rc.LIMITS)
    account.on_fact(rc.balance(100_000))
    rc.tick(account)
    decision = review_entry(SIGNAL, GRAB, account, rc.a_book(), rc.LIMITS, AVOID, 1).decision
    assert decision.code is Refusal.UNRECONCILED


def test_the_first_refusal_in_order_wins_and_all_checks_are_recorded():
    view = changed(age_ms=60_000, lag_ms=60_000, warmth_long_pct=0.0)
    decision = refused(view=view, facts=(HALT,))
    assert decision.code is Refusal.HALTED
    failed = [check.name for check in decision.checks if not check.passed]
    assert failed[:4] == ["halted", "age_ms", "lag_ms", "warmth_long_pct"]


@pytest.mark.parametrize(
    ("doubt", "code"),
    [
        ({"contract_trouble": "BTC/USDT:USDT is not listed any more"}, Refusal.CONTRACT_CHANGED),
        ({"price_accord": "quarantined"}, Refusal.PRICE_QUARANTINED), ({"price_accord": "disputed"},
        Refusal.PRICE_DISPUTED), ({"depeg_quote": "USDT", "depeg_pct": 3.1}, Refusal.DEPEG),
    ],
)  # fmt: skip
def test_prices_in_doubt_are_refused_by_name(doubt: dict[str, Any], code: Refusal) -> None:
    decision = refused(view=changed(**doubt))
    assert decision.code is code
    assert next(iter(doubt.values())) in decision.reason


def test_every_question_comes_in_the_order_of_the_codes():
    order = list(Refusal)
    codes = [order.index(code) for code, _ in PRE_TRADE_CHECKS]
    assert codes == sorted(codes)


# --- laws ---------------------------------------------------------------------------------------------------------

OUTCOMES: Counter[str] = Counter()


SOMETIMES = st.sampled_from((False,) * 19 + (True,))


@st.composite
def accounts(draw: st.DrawFn, limits: RiskLimits) -> rc.Account:
    """In every state: halted, holding, with a position of somebody else, after a loss."""
    extra = (HALT, rc.a_fill("1", "0.1"), rc.a_snapshot(1), LOSS)
    facts = [fact for fact in extra if draw(SOMETIMES)]
    return rc.an_account(*facts, limits=limits, usd=draw(st.integers(2_000, 3_000_000)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[mv.MarketView, rc.Account, RiskLimits, AvoidLiquidityParams, bool]:
    """Mostly tradable views with a reason, on accounts in every state."""
    view = draw(st.one_of(mv.reasons(), mv.reasons(), mv.reasons(), mv.views()))
    view = msgspec.structs.replace(
        view,
        backfilled=draw(SOMETIMES),
        age_ms=draw(st.sampled_from((0,) * 19 + (9_000,))),
        lag_ms=draw(st.sampled_from((0,) * 19 + (2_500,))),
        warmth_long_pct=draw(st.sampled_from((90.0,) * 18 + (20.0, mv.NAN))),
        venues_live=draw(st.sampled_from((view.venues_live,) * 9 + (("binance",),))),
    )
    for near, usd in draw(st.lists(st.tuples(st.floats(0.7, 1.3), st.floats(1e6, 1e9)), max_size=3)):
        side = Side.LONG if near < 1 else Side.SHORT
        view = mv.with_mass(view, side, mv.MARK * near - 2_000, mv.MARK * near + 2_000, usd)
    limits = RiskLimits(
        leverage_max=draw(st.integers(1, 5)),
        risk_per_trade_pct=draw(st.sampled_from((0.1, 0.5, 2.0))),
    )
    avoid = AvoidLiquidityParams(density_percentile_max=draw(st.sampled_from((30.0, 60.0, 80.0))))
    return view, draw(accounts(limits)), limits, avoid, draw(SOMETIMES)


@pytest.mark.drawn(singly=True)
@given(case=cases())
def test_approved_entries_keep_every_promise_and_others_are_refused(case: Any):
    view, account, limits, avoid, in_flight = case
    book = rc.a_book()
    for verdict in evaluate(view, PARAMS):
        if verdict.signal is None:
            continue
        decision, judged = review_entry(
            verdict.signal, view, account, book, limits, avoid, 1, entry_in_flight=in_flight
        )
        OUTCOMES["approved" if isinstance(decision, Approved) else str(decision.code)] += 1
        placed = [check.passed for check in decision.checks if check.name == "placement"]
        assert (judged is not None) == bool(placed)
        assert judged is None or (judged.code == ACCEPTED) == all(g.passed for g in judged.gates) == any(placed)
        assert judged is None or len(judged.gates[-1].inputs) == len(placed)
        if isinstance(decision, Refused):
            assert not all(check.passed for check in decision.checks)
            continue
        assert (in_flight, account.halted, view.backfilled, account.positions) == (False, "", False, ())
        assert view.age_ms <= limits.age_ms_max
        assert view.lag_ms <= limits.lag_ms_max
        assert min(view.warmth_long_pct, view.warmth_short_pct) >= limits.warmth_pct_min
        assert account.holding(rc.VENUE, rc.COIN).reconciled
        keeps_its_promises(decision.target, view, account, limits, avoid)


def keeps_its_promises(
    target: rc.Target, view: mv.MarketView, account: rc.Account, limits: RiskLimits, avoid: AvoidLiquidityParams
) -> None:
    sign, book = int(target.side), rc.a_book()
    entry = target.limit_price or exact(view.mark_price)
    assert 1 <= target.leverage <= min(5, limits.leverage_max)
    assert sign * (entry - target.stop_price) > 0
    buffer = sign * (target.stop_price - target.liquidation_price) / entry * 100
    assert buffer >= exact(avoid.stop_buffer_pct) - D("1e-9")
    own = float(target.liquidation_price)
    assert view.map.density_percentile(target.side, own) <= avoid.density_percentile_max
    assert not in_cluster(target.side, own, view, avoid)
    loss_usd = target.quantity_base * loss_base(book.instrument, entry, target.stop_price, limits)
    assert loss_usd <= account.equity_usd * exact(limits.risk_per_trade_pct) / 100
    assert target.quantity_base * entry / target.leverage <= account.equity_usd
    assert target.quantity_base % book.instrument.quantity_step_base == 0
    assert target.stop_price % book.instrument.price_tick == 0


def test_the_law_above_saw_both_answers():
    print(dict(OUTCOMES))
    if OUTCOMES:  # nothing when only this test is run
        assert OUTCOMES["approved"] >= 10
        assert len(OUTCOMES) >= 4


ADJUSTMENTS = st.builds(
    Adjustment,
    st.just(rc.VENUE),
    st.just(rc.COIN),
    st.sampled_from(("TIME", "TRAIL")),
    st.just("why"),
    rc.money(-5, 50),
    st.none() | rc.money(1, 200_000),
)


@given(
    account=accounts(rc.LIMITS),
    side=st.sampled_from(list(Side)),
    held=rc.money(1, 30),
    wanted=rc.money(0, 30),
    with_target=st.booleans(),
    adjustment=ADJUSTMENTS,
)
def test_a_reduction_is_approved_in_every_state_and_never_adds_risk(
    account: rc.Account,
    side: Side,
    held: Decimal,
    wanted: Decimal,
    with_target: bool,
    adjustment: Adjustment,
):
    account.on_fact(rc.a_fill("own", held, "60000", side))
    position = account.position(rc.VENUE, rc.COIN)
    if position is None:
        return
    target = rc.a_target(side, wanted) if with_target else None
    decision = review_reduction(adjustment, position, target)
    assert isinstance(decision, Approved)
    after = decision.target
    assert after.side is position.side
    assert after.quantity_base >= 0
    if adjustment.exit_base > 0:
        left = position.quantity_base - min(position.quantity_base, adjustment.exit_base)
        assert after.quantity_base <= left
    if target is not None and target.side is position.side:
        assert after.quantity_base <= target.quantity_base
        assert int(side) * (after.stop_price - target.stop_price) >= 0
        assert after.decision_id == target.decision_id
        assert (after.leverage, after.take_price) == (target.leverage, target.take_price)


def entering(coin: str) -> tuple:
    decision = review_entry(SIGNAL, GRAB, rc.an_account(), rc.a_book(), rc.LIMITS, AVOID, 9).decision
    assert isinstance(decision, Approved)
    return (msgspec.structs.replace(decision.target, coin=coin),)


def test_an_entry_under_way_on_another_coin_takes_a_place():
    assert refused(limits={"positions_max": 1}, entering=entering("ETH")).code is Refusal.POSITION_OPEN


def test_an_entry_under_way_on_another_coin_takes_exposure():
    alone = review_entry(SIGNAL, GRAB, rc.an_account(), rc.a_book(), rc.LIMITS, AVOID, 9).decision
    other = entering("ETH")[0]
    assert isinstance(alone, Approved)
    notional_usd = alone.target.quantity_base * exact(SIGNAL.entry_price)
    room = float(notional_usd / rc.an_account().sure_equity_usd) * 1.5
    limits = changed_limits(rc.LIMITS, exposure_max=room)
    beside = review_entry(SIGNAL, GRAB, rc.an_account(), rc.a_book(), limits, AVOID, 9, entering=(other,)).decision
    taken = beside.target.quantity_base if isinstance(beside, Approved) else D(0)
    assert taken < alone.target.quantity_base


def changed_limits(limits: RiskLimits, **changes: float) -> RiskLimits:
    return limits.model_copy(update=changes)


@pytest.mark.parametrize("live", [("binance", "bybit", "okx"), ("okx:usdc", "bybit:coin", "binance", "gate")])
def test_a_core_venue_counts_with_any_of_its_contracts(live: tuple[str, ...]):
    decision = review_entry(SIGNAL, changed(venues_live=live), rc.an_account(), rc.a_book(), rc.LIMITS, AVOID, 9)
    assert isinstance(decision.decision, Approved)


def test_a_missing_core_venue_is_named():
    assert "bybit, okx" in refused(view=changed(venues_live=("binance",))).reason


def quantity(view: mv.MarketView, **more: Any) -> tuple[Decimal, str]:
    decision = review_entry(SIGNAL, view, rc.an_account(), rc.a_book(), rc.LIMITS, AVOID, 9, **more).decision
    assert isinstance(decision, Approved), decision
    bound = next(check.value for check in decision.checks if check.name == "size_bound")
    return decision.target.quantity_base, str(bound)


def test_caution_makes_an_entry_against_the_crowd_smaller_and_says_so():
    whole, bound = quantity(GRAB)
    assert bound == "risk"
    shorts_pay = changed(oi_change_24h_pct=6.0, funding_8h_pct=-0.05, funding_percentile=3.0)
    half, bound = quantity(shorts_pay)
    assert bound == "caution"
    assert abs(half - whole / 2) <= rc.INSTRUMENT.quantity_step_base
    calm = changed(oi_change_24h_pct=4.9, funding_8h_pct=-0.05, funding_percentile=3.0)
    assert quantity(calm) == (whole, "risk")


def other_entry(side: Side, risk_usd: int, coin: str = "ETH") -> tuple:
    target = msgspec.structs.replace(entering(coin)[0], side=side, risk_usd=D(risk_usd))
    return (at_venue(target),)


def test_the_same_side_of_another_coin_within_the_hour_is_one_risk():
    whole, _ = quantity(GRAB)
    assert refused(entering=other_entry(Side.LONG, 500)).code is Refusal.CORRELATED
    assert quantity(GRAB, entering=other_entry(Side.SHORT, 500)) == (whole, "risk")
    rest, bound = quantity(GRAB, entering=other_entry(Side.LONG, 200))
    assert bound == "correlated"
    assert abs(rest - whole * 3 / 5) <= rc.INSTRUMENT.quantity_step_base


@pytest.mark.parametrize(("ago_ms", "code"), [(3_000_000, Refusal.CORRELATED), (3_600_001, None)])
def test_what_is_open_counts_for_an_hour(ago_ms: int, code: Refusal | None):
    fill = msgspec.structs.replace(rc.a_fill("e", "0.1", time_ms=rc.NOW_MS - ago_ms), coin="ETH")
    account = rc.an_account(fill)
    held = other_entry(Side.LONG, 500)
    decision = review_entry(SIGNAL, GRAB, account, rc.a_book(), rc.LIMITS, AVOID, 9, held=held).decision
    assert (decision.code if isinstance(decision, Refused) else None) == code


def test_what_is_at_stake_goes_with_the_target():
    decision = review_entry(SIGNAL, GRAB, rc.an_account(), rc.a_book(), rc.LIMITS, AVOID, 9).decision
    entry = exact(SIGNAL.entry_price)
    loss_usd = decision.target.quantity_base * loss_base(rc.INSTRUMENT, entry, decision.target.stop_price, rc.LIMITS)
    assert decision.target.risk_usd == loss_usd
    assert at_venue(decision.target).risk_usd == loss_usd
