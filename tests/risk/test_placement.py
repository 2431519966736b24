"""Sizing and not being the liquidity, with the real mechanics of several venues."""

import math
from decimal import Decimal

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from hypothesis import given
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.risk.decision import Refusal
from liqbot.risk.limits import RiskLimits
from liqbot.risk.placement import OrderProposal, Placement, TradingBook, place
from liqbot.risk.sizing import Budget, exact, loss_base, size
from liqbot.signals.strategies.avoid_liquidity import Alternative, AvoidLiquidityParams, in_cluster, likelihood

D = Decimal
ENTRY = D(65536)
HOLD_MS = 4 * 3_600_000
WIDE = RiskLimits(liquidation_loss_pct_max=25.0)
WIDE3 = WIDE.model_copy(update={"leverage_max": 3})


def avoid(**changes: float) -> AvoidLiquidityParams:
    return AvoidLiquidityParams(**({"deeper_pct_max": 0.0} | changes))


def a_budget(equity: int | Decimal = 100_000, **changes: Decimal | None) -> Budget:
    return msgspec.structs.replace(Budget(D(equity), D(equity), D(0), D(0), D(10**9)), **changes)


def a_wish(side: Side = Side.LONG, stop: int = 655) -> OrderProposal:
    return OrderProposal(side, ENTRY, ENTRY - int(side) * stop, limit=False)


def test_size_is_the_risk_over_the_loss_at_the_stop_costs_included():
    found = size(rc.INSTRUMENT, ENTRY, D(64881), 5, a_budget(), RiskLimits())
    # 500 USD over 655 price, .05 % fee and .05 % slip on 65536 and on 64881
    assert found.bound == "risk"
    assert found.quantity_base == (D(500) / (655 + D("0.001") * (65536 + 64881))).quantize(D("0.001"), "ROUND_FLOOR")


@pytest.mark.parametrize(
    ("bound", "changes", "limits"),
    [
        ("margin", {"venue_equity_usd": D(1_000)}, {}),
        ("exposure", {"open_notional_usd": D(299_000)}, {}),
        ("order", {}, {"order_notional_usd_max": 1_000.0}),
        ("day", {"day_notional_usd": D(2_499_000)}, {}),
        ("volume", {"minute_volume_usd": D(50_000)}, {}),
    ],
)
def test_every_cap_binds(bound: str, changes: dict[str, object], limits: dict[str, float]):
    found = size(rc.INSTRUMENT, ENTRY, D(64881), 5, a_budget(**changes), RiskLimits(**limits))
    assert found.bound == bound
    assert D(0) < found.quantity_base * ENTRY <= D(1_500)


@given(
    equity=rc.money(0, 1_000_000),
    stop=st.integers(60, 2_600),
    side=st.sampled_from(list(Side)),
    leverage=st.integers(1, 5),
)
def test_rounding_never_adds_risk(equity: Decimal, stop: int, side: Side, leverage: int):
    stop_price = rc.INSTRUMENT.round_stop(side, float(ENTRY) - int(side) * (stop + 1 / 3))
    found = size(rc.INSTRUMENT, ENTRY, stop_price, leverage, a_budget(equity), rc.LIMITS)
    loss_usd = found.quantity_base * loss_base(rc.INSTRUMENT, ENTRY, stop_price, rc.LIMITS)
    assert loss_usd <= equity * exact(rc.LIMITS.risk_per_trade_pct) / 100
    assert found.quantity_base % rc.INSTRUMENT.quantity_step_base == 0


def heavy_at(side: Side, leverage: int, usd: float = 5e7) -> mv.MarketView:
    """A view whose map is heavy where a position of ours at that leverage would be liquidated."""
    mechanics = rc.a_book().mechanics
    price = mechanics.isolated_liquidation_price(side, float(ENTRY), 0.5, leverage)
    light = msgspec.structs.replace(mv.a_view(), map=mv.a_map(1e3, 1e3))
    for near in (0.9, 0.94, 1.06, 1.1):  # something denser elsewhere, so that ranks mean something
        light = mv.with_mass(
            light, Side.LONG if near < 1 else Side.SHORT, mv.MARK * near - 1500, mv.MARK * near + 1500, 1e6
        )
    return mv.with_mass(light, side, price - 1_000, price + 1_000, usd) if usd else light


def placed(
    view: mv.MarketView, params: AvoidLiquidityParams, wish: OrderProposal | None = None,
    limits: RiskLimits = WIDE, book: TradingBook | None = None, budget: Budget | None = None,
) -> Placement:
    return place(
        wish or a_wish(), view, book or rc.a_book(), budget or a_budget(), limits, params, rc.SAME, HOLD_MS
    )


def clustered(view: mv.MarketView, side: Side, *spans: tuple[float, float]) -> mv.MarketView:
    """With clusters of positions of that side between these prices."""
    found = tuple(
        msgspec.structs.replace(mv.a_cluster(side, 100.0), price_low=low, price_high=high) for low, high in spans
    )
    return msgspec.structs.replace(view, **{"below" if side is Side.LONG else "above": mv.a_side(side, 1e9, found)})


@pytest.mark.parametrize("side", list(Side))
def test_of_what_bears_the_risk_asked_for_the_least_likely_to_be_swept_is_chosen(side: Side):
    """At 1 % the stop's risk fits, to a twentieth, under the margin that may be lost down to 2x; at 1x the caps leave
    much less."""
    found = placed(heavy_at(side, 5, 0.0), avoid(density_percentile_max=60.0), a_wish(side))
    assert [rung.leverage for rung in found.tried] == [5, 4, 3, 2, 1]
    alike = [rung for rung in found.tried if rung.refusal is None and rung.risk_usd >= 500 * D("0.95")]
    assert found.chosen is min(alike, key=lambda rung: likelihood(rung.place))
    assert found.chosen.leverage == 2
    assert found.tried[-1].risk_usd < 500 * D("0.95"), "1x would be less likely, at less risk"


@pytest.mark.parametrize("side", list(Side))
def test_what_lies_in_a_cluster_is_never_chosen_however_unlikely(side: Side):
    at = rc.a_book().mechanics.isolated_liquidation_price(side, float(ENTRY), 0.5, 2)
    view = clustered(heavy_at(side, 5, 0.0), side, (at * 0.98, at * 1.02))
    found = placed(view, avoid(density_percentile_max=60.0), a_wish(side))
    assert {rung.leverage: rung.refusal for rung in found.tried}[2] is Refusal.LIQUIDATION_IN_CLUSTER
    assert found.chosen.leverage == 3


chances = st.floats(0.0, 1.0)
percentiles = st.floats(0.0, 40.0)


@given(ones=st.lists(st.tuples(chances, percentiles, st.integers(1, 5)), min_size=1, max_size=6))
def test_the_least_likely_comes_first_and_where_no_chance_can_be_told_the_thinnest(
    ones: list[tuple[float, float, int]]
):
    tried = [Alternative(Side.LONG, 1.0, lever, 0.5, 10.0, thin, 0.0, 5.0, chance) for chance, thin, lever in ones]
    first = min(tried, key=likelihood)
    if min(one.sweep_chance_pct for one in tried) > 0.01:
        assert first.sweep_chance_pct == min(one.sweep_chance_pct for one in tried)
    else:
        untold = [one for one in tried if one.sweep_chance_pct <= 0.01]
        assert first in untold
        assert first.density_percentile == min(one.density_percentile for one in untold)


@pytest.mark.parametrize("side", list(Side))
def test_a_wilder_market_makes_every_place_more_likely_and_too_wild_a_one_is_refused(side: Side):
    params = avoid(density_percentile_max=80.0)
    calm, wild = heavy_at(side, 5, 0.0), msgspec.structs.replace(heavy_at(side, 5, 0.0), range_pct=3.0)
    pairs = zip(placed(calm, params, a_wish(side)).tried, placed(wild, params, a_wish(side)).tried, strict=True)
    chances = [(one.place.sweep_chance_pct, other.place.sweep_chance_pct) for one, other in pairs]
    assert all(before < after for before, after in chances if after), "at 1x a long is liquidated at no price"
    assert len([after for _, after in chances if after]) >= 4
    mad = placed(msgspec.structs.replace(calm, range_pct=60.0), params, a_wish(side))
    assert {rung.refusal for rung in mad.tried if rung.leverage >= 3} == {Refusal.LIQUIDATION_LIKELY}
    unknown = placed(msgspec.structs.replace(calm, range_pct=mv.NAN), params, a_wish(side))
    assert unknown.chosen is None


@given(
    stop=st.integers(120, 2_600), leverage_max=st.integers(1, 5), side=st.sampled_from(list(Side)),
    equity=rc.money(5_000, 500_000),
)
def test_the_risk_at_the_stop_is_what_was_asked_or_the_cap_that_binds_is_named(
    stop: int, leverage_max: int, side: Side, equity: Decimal
):
    limits = RiskLimits(leverage_max=leverage_max)
    view = heavy_at(side, 5, 0.0)
    params = avoid(density_percentile_max=80.0)
    chosen = placed(view, params, a_wish(side, stop), limits, budget=a_budget(equity)).chosen
    asked_usd = equity * D("0.005")
    assert chosen.risk_usd <= asked_usd
    assert chosen.risk_usd >= asked_usd * D("0.95") or chosen.size.bound != "risk"


def test_a_near_stop_with_little_leverage_is_bound_by_what_a_liquidation_may_cost():
    limits, params = RiskLimits(leverage_max=3), avoid(density_percentile_max=80.0)
    chosen = placed(heavy_at(Side.LONG, 5, 0.0), params, a_wish(stop=250), limits).chosen
    assert chosen.size.bound == "liquidation"
    assert chosen.risk_usd < 500 * D("0.95")


RESTING = TradingBook(rc.INSTRUMENT, rc.a_book().mechanics, rests=True)
NOT_RESTING = TradingBook(rc.INSTRUMENT, rc.a_book().mechanics, rests=False)


@pytest.mark.parametrize("side", list(Side))
def test_a_deeper_entry_is_tried_only_where_nothing_else_is_acceptable_and_only_where_it_can_rest(side: Side):
    params = avoid(deeper_pct_max=0.5, deeper_step_pct=0.25, density_percentile_max=60.0)
    easy = placed(heavy_at(side, 5, 0.0), params, a_wish(side), book=RESTING)
    assert {rung.proposal.entry_price for rung in easy.tried} == {ENTRY}
    nowhere = everywhere_clustered(side)
    hard = placed(nowhere, params, a_wish(side), RiskLimits(leverage_max=3), RESTING)
    entries = {rung.proposal.entry_price for rung in hard.tried}
    assert len(entries) == 3
    assert all(int(side) * (ENTRY - one) >= 0 for one in entries)
    assert all(rung.proposal.limit == (rung.proposal.entry_price != ENTRY) for rung in hard.tried)
    kept = placed(nowhere, params, a_wish(side), RiskLimits(leverage_max=3), NOT_RESTING)
    assert {rung.proposal.entry_price for rung in kept.tried} == {ENTRY}


def everywhere_clustered(side: Side) -> mv.MarketView:
    edge = mv.MARK * (1 - 0.05 * side)
    return clustered(mv.a_view(), side, (0.0, edge) if side is Side.LONG else (edge, 1e9))


@pytest.mark.parametrize("side", list(Side))
def test_a_deeper_entry_gets_out_of_a_cluster_that_holds_every_other_placement(side: Side):
    """Clusters end where the liquidation prices of the proposed entry do."""
    at = [rc.a_book().mechanics.isolated_liquidation_price(side, float(ENTRY), 0.5, lever) for lever in range(1, 4)]
    spans = [(price * 0.9985, price * 1.0015) for price in at]
    params = avoid(deeper_pct_max=0.5, deeper_step_pct=0.5, density_percentile_max=80.0, cluster_pad_pct=0.0)
    found = placed(clustered(heavy_at(side, 5, 0.0), side, *spans), params, a_wish(side), WIDE3, RESTING)
    assert {one.refusal for one in found.tried if not one.proposal.limit} == {Refusal.LIQUIDATION_IN_CLUSTER}
    assert found.chosen.proposal.limit
    assert int(side) * (ENTRY - found.chosen.proposal.entry_price) > 0


def test_a_deeper_entry_never_comes_nearer_to_its_stop_than_a_stop_may_be():
    far = avoid(deeper_pct_max=5.0, deeper_step_pct=0.25, density_percentile_max=80.0)
    wish = a_wish()
    found = placed(everywhere_clustered(Side.LONG), far, wish, RiskLimits(), RESTING)
    assert len({rung.proposal.entry_price for rung in found.tried}) == 4
    for rung in found.tried:
        room_pct = (rung.proposal.entry_price - wish.stop_price) / rung.proposal.entry_price * 100
        assert room_pct >= exact(RiskLimits().stop_pct_min)


def test_a_cluster_alone_keeps_us_out_even_where_the_percentile_allows():
    view = heavy_at(Side.LONG, 5, 0.0)
    price = rc.a_book().mechanics.isolated_liquidation_price(Side.LONG, float(ENTRY), 0.5, 5)
    cluster = msgspec.structs.replace(mv.a_cluster(Side.LONG, 100.0), price_low=price - 10, price_high=price + 10)
    view = msgspec.structs.replace(view, below=mv.a_side(Side.LONG, 1e9, (cluster,)))
    params = avoid(density_percentile_max=80.0)
    assert in_cluster(Side.LONG, price, view, params)
    assert placed(view, params).tried[0].refusal is Refusal.LIQUIDATION_IN_CLUSTER


def test_a_stop_needs_its_buffer_before_our_own_liquidation():
    params = avoid(stop_buffer_pct=19.0, density_percentile_max=80.0)
    found = placed(heavy_at(Side.LONG, 5, 0.0), params)
    assert found.tried[0].refusal is Refusal.STOP_BEYOND_LIQUIDATION
    assert found.chosen.place.beyond_stop_pct >= 19.0


def test_an_empty_map_is_no_thin_zone():
    view = msgspec.structs.replace(mv.a_view(), map=mv.a_map(0.0, 0.0))
    assert {rung.refusal for rung in placed(view, avoid()).tried} == {Refusal.LIQUIDATION_IN_CLUSTER}


def test_where_nobody_knows_how_far_price_goes_it_is_likely_to_come_to_us():
    view = msgspec.structs.replace(heavy_at(Side.LONG, 5, 0.0), range_pct=math.nan)
    found = placed(view, avoid(density_percentile_max=80.0))
    assert Refusal.LIQUIDATION_LIKELY in {rung.refusal for rung in found.tried}
    assert found.chosen is None
    assert "chance unknown" in found.tried[0].describe()


def test_a_venue_without_such_leverage_is_respected_and_small_money_is_too_small():
    small = placed(mv.a_view(), avoid(), budget=a_budget(10))
    assert {rung.refusal for rung in small.tried} == {Refusal.SIZE_TOO_SMALL}
    spent = placed(mv.a_view(), avoid(), budget=a_budget(day_notional_usd=D(2_500_000)))
    assert {rung.refusal for rung in spent.tried} == {Refusal.SIZE_LIMIT}


def test_inverse_contracts_are_not_traded():
    with pytest.raises(ValueError, match="inverse contracts are mapped but not traded"):
        TradingBook(msgspec.structs.replace(rc.INSTRUMENT, inverse=True), rc.a_book().mechanics)


@given(
    equity=rc.money(10, 5_000_000),
    stop=st.integers(100, 2_600),
    side=st.sampled_from(list(Side)),
    venue=st.sampled_from(("binance", "bybit", "okx", "bitget", "hyperliquid")),
    dense=st.lists(st.tuples(st.floats(0.6, 1.4), st.floats(1e5, 1e9)), max_size=4),
)
def test_an_accepted_rung_keeps_every_promise(
    equity: Decimal, stop: int, side: Side, venue: str, dense: list[tuple[float, float]]
):
    view = mv.a_view()
    for near, usd in dense:
        view = mv.with_mass(view, side, mv.MARK * near - 700, mv.MARK * near + 700, usd)
    book, limits = rc.a_book(venue), RiskLimits()
    params = AvoidLiquidityParams(density_percentile_max=60.0)
    wish = a_wish(side, stop)
    found = placed(view, params, wish, limits, book, a_budget(equity))
    accepted = [rung for rung in found.tried if rung.refusal is None]
    assert (found.chosen in accepted) if accepted else found.chosen is None
    if found.chosen is None:
        return
    last = found.chosen
    most_usd = max(rung.risk_usd for rung in accepted)
    assert last.risk_usd >= most_usd * D("0.95")
    assert last.size.bound != "risk" or last.risk_usd >= equity * exact(limits.risk_per_trade_pct) / 100 * D("0.95")
    assert 1 <= last.leverage <= 5
    assert last.size.quantity_base * last.proposal.entry_price >= book.instrument.min_notional_usd
    own = book.mechanics.isolated_liquidation_price(
        side, float(last.proposal.entry_price), float(last.size.quantity_base), last.leverage
    )
    assert own == last.liquidation_price
    assert int(side) * (float(wish.stop_price) - own) / float(last.proposal.entry_price) * 100 >= params.stop_buffer_pct
    assert view.map.density_percentile(side, own) <= params.density_percentile_max
    loss_usd = last.size.quantity_base * loss_base(book.instrument, last.proposal.entry_price, wish.stop_price, limits)
    assert loss_usd <= equity * exact(limits.risk_per_trade_pct) / 100
    ruin_usd = last.size.quantity_base * loss_base(book.instrument, last.proposal.entry_price, exact(own), limits)
    assert ruin_usd <= equity * exact(limits.liquidation_loss_pct_max) / 100 * (1 + D("1e-9"))


def test_of_an_unknown_volume_nothing_is_taken():
    found = size(rc.INSTRUMENT, ENTRY, D(64881), 5, a_budget(minute_volume_usd=None), RiskLimits())
    assert (found.quantity_base, found.bound) == (D(0), "volume")


@pytest.mark.parametrize("usd", [100.0, 700.0, 5_000.0])
def test_the_risk_may_be_an_amount_and_never_more_than_the_ceiling_of_the_share(usd: float):
    wide = RiskLimits(risk_per_trade_usd=usd, margin_pct_max=50.0, exposure_max=5.0)
    found = size(rc.INSTRUMENT, ENTRY, D(64881), 5, a_budget(), wide)
    loss_usd = found.quantity_base * loss_base(rc.INSTRUMENT, ENTRY, D(64881), RiskLimits())
    assert found.bound == ("risk_ceiling" if usd > 2_000 else "risk")
    assert min(usd, 2_000) * 0.95 <= loss_usd <= min(usd, 2_000)


@given(taken=rc.money(0, 700), equity=rc.money(10_000, 200_000))
def test_what_others_of_its_kind_have_at_stake_is_taken_from_the_risk(taken: Decimal, equity: Decimal):
    found = size(rc.INSTRUMENT, ENTRY, D(64881), 5, a_budget(equity, correlated_risk_usd=taken), RiskLimits())
    loss_usd = found.quantity_base * loss_base(rc.INSTRUMENT, ENTRY, D(64881), RiskLimits())
    assert loss_usd + taken <= max(taken, equity * D("0.005"))
    assert (found.bound == "correlated") == bool(taken) or found.bound == "step"


def test_rounding_that_takes_much_of_the_risk_is_named():
    coarse = msgspec.structs.replace(rc.INSTRUMENT, quantity_step_base=D("0.5"))
    found = size(coarse, ENTRY, D(64881), 5, a_budget(), RiskLimits())
    assert (found.quantity_base, found.bound) == (D("0.5"), "step")
