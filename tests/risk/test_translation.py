"""Prices of the map into those of the trading market and back: nothing is lost, nothing is added, and rounding never
adds risk."""

from decimal import Decimal

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from hypothesis import assume, given
from hypothesis import strategies as st

from liqbot.accounting.positions import Position
from liqbot.instruments import Side
from liqbot.market.mark_ratio import SAME_MARKET, MarkRatio
from liqbot.risk.decision import SAME_MARKET_RATIO, Approved, Refusal, Refused, Target
from liqbot.risk.limits import RiskLimits
from liqbot.risk.position_monitor import adjustment_for
from liqbot.risk.review import review_entry, review_reduction
from liqbot.risk.translation import MarkTranslation, at_venue, ratio_of, translation_at
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams
from tests.risk.test_review import GRAB, SIGNAL

TICKS = st.sampled_from([Decimal("0.01"), Decimal("0.1"), Decimal("0.5"), Decimal(1), Decimal("0.00001")])
RATIOS = st.integers(8_000_000, 12_500_000).map(lambda n: Decimal(n) / 10_000_000)
SIDES = st.sampled_from([Side.LONG, Side.SHORT])
STEPS = st.integers(20_000, 2_000_000)


@st.composite
def translations(draw: st.DrawFn) -> MarkTranslation:
    return MarkTranslation(draw(TICKS), draw(RATIOS))


@given(at=translations(), side=SIDES, steps=STEPS)
def test_what_rests_at_the_venue_returns_to_it_unchanged(at: MarkTranslation, side: Side, steps: int) -> None:
    """An adjustment goes through the map and back: a stop that nobody moves must not wander by a tick."""
    price = steps * at.price_tick
    mapped = at.in_map(price)
    assert at.stop_at_venue(side, mapped) == at.entry_at_venue(side, mapped) == at.take_at_venue(side, mapped) == price


@given(at=translations(), side=SIDES, price=st.decimals("1", "200000", places=4))
def test_rounding_is_by_less_than_a_tick_and_never_adds_risk(at: MarkTranslation, side: Side, price: Decimal) -> None:
    assume(price > 100 * at.price_tick)
    exact, sign, tick = price * at.ratio, int(side), at.price_tick
    stop, entry, take = (
        way(side, price) for way in (at.stop_at_venue, at.entry_at_venue, at.take_at_venue)
    )
    hair = tick / 10**8
    assert -hair <= sign * (stop - exact) < tick, "toward the entry"
    assert -hair <= sign * (exact - entry) < tick, "the better price for us"
    assert take == entry
    assert all(one % tick == 0 for one in (stop, entry, take))


@given(at=translations(), side=SIDES, prices=st.lists(st.decimals("100", "200000", places=4), min_size=2, max_size=2))
def test_order_is_kept(at: MarkTranslation, side: Side, prices: list[Decimal]) -> None:
    """A stop that is tighter on the map is not looser at the venue, nor the other way round."""
    low, high = sorted(prices)
    for way in (at.stop_at_venue, at.entry_at_venue, at.take_at_venue):
        assert way(side, low) <= way(side, high)
    assert at.in_map(low) <= at.in_map(high)


def target(side: Side = Side.LONG, ratio: Decimal = Decimal("1.02"), **changes: object) -> Target:
    sign = int(side)
    plain = Target(
        decision_id=3, venue=rc.VENUE, coin=rc.COIN, strategy="cascade", side=side, quantity_base=Decimal("0.5"),
        limit_price=Decimal(50_000), leverage=3, stop_price=Decimal(50_000 - sign * 1_000),
        take_price=Decimal(50_000 + sign * 2_000), liquidation_price=Decimal(50_000 - sign * 15_000), expires_ms=1,
        exit_by_ms=2, reason="test", price_tick=Decimal("0.1"), mark_ratio=ratio,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


@given(side=SIDES, ratio=RATIOS, later=RATIOS)
def test_a_target_changes_its_prices_and_nothing_else_and_returns_by_any_later_ratio(
    side: Side, ratio: Decimal, later: Decimal
) -> None:
    wanted = target(side, ratio)
    ordered = at_venue(wanted)
    assert ordered.stop_price == MarkTranslation(Decimal("0.1"), ratio).stop_at_venue(side, wanted.stop_price)
    priced = {"limit_price", "stop_price", "take_price", "liquidation_price"}
    assert {name for name in wanted.__struct_fields__ if getattr(wanted, name) != getattr(ordered, name)} <= priced
    mapped = MarkTranslation(Decimal("0.1"), later).target_in_map(ordered)
    assert mapped.mark_ratio == later
    assert msgspec.structs.replace(at_venue(mapped), mark_ratio=ratio) == msgspec.structs.replace(
        ordered, liquidation_price=at_venue(mapped).liquidation_price
    )
    assert at_venue(mapped).liquidation_price == pytest.approx(ordered.liquidation_price)


def test_the_same_market_changes_nothing() -> None:
    wanted = target(ratio=SAME_MARKET_RATIO)
    assert msgspec.structs.asdict(at_venue(wanted)) == msgspec.structs.asdict(wanted)
    assert ratio_of(SAME_MARKET) is SAME_MARKET_RATIO


@given(ratio=RATIOS)
def test_a_position_of_the_map_has_the_same_returns(ratio: Decimal) -> None:
    held = position(entry_price=Decimal(50_000) * ratio, fees_usd=Decimal(7), liquidation_price=Decimal(40_000) * ratio)
    mapped = MarkTranslation(Decimal("0.1"), ratio).position_in_map(held)
    assert mapped.entry_price == pytest.approx(Decimal(50_000))
    assert mapped.liquidation_price == pytest.approx(Decimal(40_000))
    assert mapped.fees_usd / mapped.entry_price == pytest.approx(held.fees_usd / held.entry_price)
    assert mapped.quantity_base == held.quantity_base


def test_an_unknown_ratio_translates_nothing_by_accident() -> None:
    with pytest.raises(ValueError, match="not known"):
        ratio_of(MarkRatio())
    assert translation_at(Decimal("0.1"), MarkRatio(), Decimal("1.03")).ratio == Decimal("1.03")


# --- the review ---------------------------------------------------------------------------------------------------


def known(ratio: float, newest: float | None = None, age_ms: float = 100.0) -> MarkRatio:
    return MarkRatio(ratio, ratio if newest is None else newest, age_ms, 9, mv.MARK, mv.MARK * ratio)


def reviewed(mark: MarkRatio, limits: RiskLimits = rc.LIMITS) -> Approved | Refused:
    return review_entry(
        SIGNAL, GRAB, rc.an_account(), rc.a_book(), limits, AvoidLiquidityParams(), 9, mark=mark
    ).decision


@pytest.mark.parametrize(
    ("mark", "code"),
    [
        (MarkRatio(), Refusal.MARK_STALE),
        (known(1.01, age_ms=31_000.0), Refusal.MARK_STALE),
        (known(1.031), Refusal.MARK_DEVIATION),
        (known(0.969), Refusal.MARK_DEVIATION),
        (known(1.01, newest=1.04), Refusal.MARK_DEVIATION),
        (known(1.01, newest=1.013), Refusal.MARK_MOVING),
    ],
)
def test_an_entry_that_cannot_be_translated_is_refused_by_name(mark: MarkRatio, code: Refusal) -> None:
    decision = reviewed(mark)
    assert isinstance(decision, Refused)
    assert decision.code is code
    assert {"mark_age_ms", "mark_deviation_pct", "mark_spread_pct"} <= {check.name for check in decision.checks}


@pytest.mark.parametrize("ratio", [0.975, 1.0, 1.025])
def test_an_approved_target_is_the_maps_and_its_risk_the_trading_markets(ratio: float) -> None:
    plain, decision = reviewed(SAME_MARKET), reviewed(known(ratio))
    assert isinstance(plain, Approved)
    assert isinstance(decision, Approved)
    assert decision.target.stop_price == plain.target.stop_price
    assert decision.target.take_price == plain.target.take_price
    assert decision.target.mark_ratio == Decimal(str(ratio))
    risked = [
        one.quantity_base * abs(Decimal(str(SIGNAL.entry_price)) * one.mark_ratio - at_venue(one).stop_price)
        for one in (plain.target, decision.target)
    ]
    step_usd = rc.INSTRUMENT.quantity_step_base * Decimal(str(SIGNAL.entry_price))
    assert abs(risked[0] - risked[1]) <= step_usd / 10, "as many dollars of the market that pays for it"


# --- what is open -------------------------------------------------------------------------------------------------


def position(**changes: object) -> Position:
    plain = Position(
        venue=rc.VENUE, coin=rc.COIN, side=Side.LONG, quantity_base=Decimal("0.5"), entry_price=Decimal(50_000),
        opened_ms=rc.NOW_MS - 60_000, leverage=3.0, isolated=True,
    )
    return msgspec.structs.replace(plain, **changes)


def watched(
    held: Position, wanted: Target, mark_price: float, ratio: Decimal, *, follows: bool = True
) -> Target | None:
    """The position as the venue has it, watched at `ratio`: what execution is given then."""
    at = MarkTranslation(Decimal("0.1"), ratio)
    ordered = at_venue(msgspec.structs.replace(wanted, exit_by_ms=rc.NOW_MS + 1_000_000))
    view = mv.a_view(mark_price=mark_price, range_pct=1.0, age_ms=0)
    found = adjustment_for(
        view, held, ordered, rc.an_account(), rc.LIMITS, rc.NOW_MS, lambda *_: None, at, AvoidLiquidityParams(),
        follows=follows,
    )
    if found is None:
        return None
    approved = review_reduction(found, at.position_in_map(held), at.target_in_map(ordered))
    return at_venue(approved.target)


@given(ratio=st.integers(9_700_000, 10_300_000).map(lambda n: Decimal(n) / 10_000_000), later=RATIOS,
       side=SIDES, gain=st.floats(0.0, 0.08))
def test_a_stop_only_comes_nearer_whatever_became_of_the_ratio(
    ratio: Decimal, later: Decimal, side: Side, gain: float
) -> None:
    wanted = target(side, ratio)
    held = position(side=side, entry_price=Decimal(50_000) * ratio)
    moved = watched(held, wanted, 50_000 * (1 + int(side) * gain), later)
    if moved is not None and moved.quantity_base:
        assert int(side) * (moved.stop_price - at_venue(wanted).stop_price) >= 0
        assert moved.take_price == at_venue(wanted).take_price, "what is not decided anew stays where it rests"


def test_a_ratio_that_moves_alone_moves_no_stop_and_a_gain_does_in_the_markets_own_distance() -> None:
    ratio = Decimal("1.02")
    wanted, held = target(ratio=ratio), position(entry_price=Decimal(50_000) * ratio)
    assert watched(held, wanted, 50_000.0, ratio) is None
    moved = watched(held, wanted, 51_500.0, ratio)
    assert moved is not None
    trail = Decimal(51_500) * (1 - Decimal("0.015")) * ratio
    assert abs(moved.stop_price - trail) <= Decimal("0.2"), "1.5 mean hourly ranges below the mark there"


def test_without_a_fresh_ratio_a_stop_stays_and_time_still_ends_it() -> None:
    ratio = Decimal("1.02")
    wanted, held = target(ratio=ratio), position(entry_price=Decimal(50_000) * ratio)
    assert watched(held, wanted, 51_500.0, ratio, follows=False) is None
    late = msgspec.structs.replace(wanted, exit_by_ms=rc.NOW_MS)
    found = adjustment_for(
        mv.a_view(age_ms=0), held, at_venue(late), rc.an_account(), rc.LIMITS, rc.NOW_MS, lambda *_: None,
        MarkTranslation(Decimal("0.1"), ratio), AvoidLiquidityParams(), follows=False,
    )
    assert found is not None
    assert (found.code, found.exit_base) == ("TIME", held.quantity_base)


@pytest.mark.parametrize("ratio", ["0.97", "1.0", "1.03"])
def test_the_venues_liquidation_price_is_compared_in_its_own_market(ratio: str) -> None:
    """The same distance at whatever ratio, and a ratio that moves later is no divergence."""
    wanted = target(ratio=Decimal(ratio))
    own = at_venue(wanted).liquidation_price
    for nearer_pct, code in (("0.5", None), ("1.5", "LIQUIDATION_DIVERGED")):
        entry_price = Decimal(50_000) * Decimal(ratio)
        held = position(entry_price=entry_price, liquidation_price=own + entry_price * Decimal(nearer_pct) / 100)
        found = adjustment_for(
            None, held, at_venue(msgspec.structs.replace(wanted, exit_by_ms=rc.NOW_MS + 1)), rc.an_account(), rc.LIMITS,
            rc.NOW_MS, lambda *_: None, MarkTranslation(Decimal("0.1"), Decimal("1.01")),
            AvoidLiquidityParams(),
        )
        assert (found.code if found else None) == code
