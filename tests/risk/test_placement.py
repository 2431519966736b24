"""Sizing and not being the liquidity, with the real mechanics of several venues."""

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
from liqbot.risk.placement import OrderProposal, TradingBook, place
from liqbot.risk.sizing import Budget, exact, loss_base, size
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams, in_cluster

D = Decimal
ENTRY = D(65536)
WIDE = RiskLimits(liquidation_loss_pct_max=25.0)


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


@pytest.mark.parametrize("side", list(Side))
def test_the_highest_leverage_is_taken_where_the_map_is_thin(side: Side):
    params = avoid(density_percentile_max=60.0)
    rungs = place(a_wish(side), heavy_at(side, 5, 0.0), rc.a_book(), a_budget(), WIDE, params, rc.SAME)
    assert [(rung.leverage, rung.refusal) for rung in rungs] == [(5, None)]


@pytest.mark.parametrize("side", list(Side))
def test_leverage_goes_down_until_our_own_liquidation_is_in_a_thin_zone(side: Side):
    params = avoid(density_percentile_max=60.0)
    rungs = place(a_wish(side), heavy_at(side, 5), rc.a_book(), a_budget(), WIDE, params, rc.SAME)
    assert [(rung.leverage, rung.refusal) for rung in rungs] == [(5, Refusal.LIQUIDATION_IN_CLUSTER), (4, None)]


def test_a_deeper_limit_entry_is_the_second_resort():
    view = heavy_at(Side.LONG, 1, 0.0)
    params = avoid(deeper_pct_max=0.5, deeper_step_pct=0.25, density_percentile_max=0.1)
    rungs = place(a_wish(), view, rc.a_book(), a_budget(), RiskLimits(leverage_max=5), params, rc.SAME)
    entries = sorted({rung.proposal.entry_price for rung in rungs}, reverse=True)
    assert rungs[-1].refusal is None or len(entries) == 3
    for rung in rungs[5:]:
        assert rung.proposal.limit
        assert rung.proposal.entry_price < ENTRY
    far = avoid(deeper_pct_max=5.0, deeper_step_pct=0.25, density_percentile_max=0.0)
    blocked = heavy_at(Side.LONG, 5)
    stop = a_wish().stop_price
    for rung in place(a_wish(), blocked, rc.a_book(), a_budget(), RiskLimits(), far, rc.SAME):
        room_pct = (rung.proposal.entry_price - stop) / rung.proposal.entry_price * 100
        assert room_pct >= exact(RiskLimits().stop_pct_min)


def test_a_cluster_alone_keeps_us_out_even_where_the_percentile_allows():
    view = heavy_at(Side.LONG, 5, 0.0)
    price = rc.a_book().mechanics.isolated_liquidation_price(Side.LONG, float(ENTRY), 0.5, 5)
    cluster = msgspec.structs.replace(mv.a_cluster(Side.LONG, 100.0), price_low=price - 10, price_high=price + 10)
    view = msgspec.structs.replace(view, below=mv.a_side(Side.LONG, 1e9, (cluster,)))
    params = avoid(density_percentile_max=80.0)
    assert in_cluster(Side.LONG, price, view, params)
    rungs = place(a_wish(), view, rc.a_book(), a_budget(), WIDE, params, rc.SAME)
    assert rungs[0].refusal is Refusal.LIQUIDATION_IN_CLUSTER


def test_a_stop_needs_its_buffer_before_our_own_liquidation():
    params = avoid(stop_buffer_pct=19.0, density_percentile_max=80.0)
    rungs = place(a_wish(), heavy_at(Side.LONG, 5, 0.0), rc.a_book(), a_budget(), WIDE, params, rc.SAME)
    assert rungs[0].refusal is Refusal.STOP_BEYOND_LIQUIDATION
    assert rungs[-1].place.beyond_stop_pct >= 19.0


def test_an_empty_map_is_no_thin_zone():
    view = msgspec.structs.replace(mv.a_view(), map=mv.a_map(0.0, 0.0))
    rungs = place(a_wish(), view, rc.a_book(), a_budget(), WIDE, avoid(), rc.SAME)
    assert {rung.refusal for rung in rungs} == {Refusal.LIQUIDATION_IN_CLUSTER}


def test_a_venue_without_such_leverage_is_respected_and_small_money_is_too_small():
    small = place(a_wish(), mv.a_view(), rc.a_book(), a_budget(10), WIDE, avoid(), rc.SAME)
    assert {rung.refusal for rung in small} == {Refusal.SIZE_TOO_SMALL}
    spent = a_budget(day_notional_usd=D(2_500_000))
    assert {r.refusal for r in place(a_wish(), mv.a_view(), rc.a_book(), spent, WIDE, avoid(), rc.SAME)} == {
        Refusal.SIZE_LIMIT
    }


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
    rungs = place(wish, view, book, a_budget(equity), limits, params, rc.SAME)
    assert all(rung.refusal is not None for rung in rungs[:-1])
    last = rungs[-1]
    if last.refusal is not None:
        return
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
