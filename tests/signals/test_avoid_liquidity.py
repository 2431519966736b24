"""Avoiding being the liquidity: what is tried in which order, the verdict on it, and when that verdict is news."""

import math

import market_views as mv
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.signals.strategies.avoid_liquidity import (
    Alternative,
    AvoidLiquidityParams,
    alternative,
    alternatives,
    changes,
    code_of,
    crowded,
    in_cluster,
    verdict_on,
)
from liqbot.signals.verdict import ACCEPTED, DERIVED, MISSING, MISSING_INPUT, NO_ENTRY, Verdict

PARAMS = AvoidLiquidityParams()
ENTRY, STOP = 65_536.0, 64_881.0
HOLD_MS = 4 * 3_600_000


def thin_at(price: float) -> MarketView:
    """Dense elsewhere, so that ranks mean something, and no cluster."""
    view = msgspec.structs.replace(mv.a_view(), map=mv.a_map(1e3, 1e3), below=mv.a_side(Side.LONG))
    return mv.with_mass(view, Side.LONG, price * 1.08, price * 1.12, 1e8)


def tried(price: float, view: MarketView, leverage: int = 5) -> Alternative:
    return alternative(Side.LONG, ENTRY, STOP, leverage, price, view, PARAMS, HOLD_MS)


def test_leverage_goes_down_before_the_entry_goes_deeper() -> None:
    params = AvoidLiquidityParams(deeper_pct_max=0.5, deeper_step_pct=0.25)
    assert [(float(deeper), leverage) for deeper, leverage in alternatives(2, params)] == [
        (0.0, 2), (0.0, 1), (0.25, 2), (0.25, 1), (0.5, 2), (0.5, 1),
    ]  # fmt: skip
    assert list(alternatives(1, AvoidLiquidityParams(deeper_pct_max=0.0))) == [(0, 1)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, ACCEPTED),
        ({"beyond_stop_pct": 0.5}, "BEYOND_STOP"),
        ({"beyond_stop_pct": -1.0, "density_percentile": 99.0}, "BEYOND_STOP"),
        ({"density_percentile": 40.1}, "THIN_ZONE"),
        ({"density_percentile": math.nan}, MISSING_INPUT),
        ({"cluster_count": 1.0}, "NO_CLUSTER"),
        ({"sweep_chance_pct": 1.01}, "SWEEP_CHANCE"),
        ({"sweep_chance_pct": math.nan}, MISSING_INPUT),
    ],
)
def test_the_first_gate_that_fails_is_its_code(changed: dict[str, float], code: str) -> None:
    good = Alternative(Side.LONG, ENTRY, 3.0, 50_000.0, 20.0, 10.0, 0.0, 5.0, 0.1)
    assert code_of(msgspec.structs.replace(good, **changed), PARAMS) == code


def test_the_verdict_shows_the_accepted_alternative_and_the_density_of_all() -> None:
    view = thin_at(50_000.0)
    dense, thin = tried(55_000.0, view, 5), tried(50_000.0, view, 4)
    loose = AvoidLiquidityParams(density_percentile_max=60.0)
    verdict = verdict_on("BTC", Side.LONG, [dense, thin], loose)
    assert verdict.code == ACCEPTED
    gates = {gate.name: gate for gate in verdict.gates}
    assert gates["beyond_stop"].inputs[0].value == 50_000.0
    assert (gates["thin_zone"].value, gates["thin_zone"].threshold) == (thin.density_percentile, 60.0)
    assert [one.name for one in gates["alternatives"].inputs] == ["5x at 65536", "4x at 65536"]
    assert [one.value for one in gates["alternatives"].inputs] == [dense.density_percentile, thin.density_percentile]
    assert all(one.source == DERIVED for one in gates["alternatives"].inputs)
    assert "4x" in verdict.reason


def test_the_verdict_is_on_what_was_chosen() -> None:
    view = thin_at(50_000.0)
    loose = AvoidLiquidityParams(density_percentile_max=60.0)
    near, far, dense = tried(50_000.0, view, 4), tried(45_000.0, view, 3), tried(55_000.0, view, 5)
    verdict = verdict_on("BTC", Side.LONG, [dense, near, far], loose, far)
    gates = {gate.name: gate for gate in verdict.gates}
    assert (verdict.code, gates["beyond_stop"].inputs[0].value) == (ACCEPTED, 45_000.0)
    assert gates["alternatives"].value == 2.0
    assert verdict_on("BTC", Side.LONG, [dense, near, far], loose, dense).code == "THIN_ZONE"


@pytest.mark.parametrize("side", list(Side))
def test_the_map_is_crowded_where_a_cluster_has_come_or_it_is_denser_than_what_is_held_allows(side: Side) -> None:
    price = ENTRY * (1 - 0.2 * side)
    quiet = msgspec.structs.replace(mv.a_view(), map=mv.a_map(1e3, 1e3))
    assert crowded(side, price, quiet, PARAMS) == ""
    dense = mv.with_mass(quiet, side, price - 400, price + 400, 1e9)
    assert "percentile" in crowded(side, price, dense, PARAMS)
    cluster = msgspec.structs.replace(mv.a_cluster(side, 100.0), price_low=price - 10, price_high=price + 10)
    name = "below" if side is Side.LONG else "above"
    assert "cluster" in crowded(side, price, msgspec.structs.replace(quiet, **{name: mv.a_side(side, 1e9, (cluster,))}),
                                PARAMS)


def test_of_a_price_that_the_map_does_not_reach_nothing_is_said() -> None:
    assert crowded(Side.LONG, ENTRY * 1.1, mv.a_view(), PARAMS) == ""


def test_of_refused_ones_the_verdict_shows_the_first_that_came_furthest() -> None:
    view = thin_at(50_000.0)
    without_size, near, dense = tried(math.nan, view), tried(64_800.0, view, 4), tried(55_000.0, view, 3)
    verdict = verdict_on("BTC", Side.LONG, [without_size, near, dense, tried(55_100.0, view, 2)], PARAMS)
    assert verdict.code == "THIN_ZONE"
    assert verdict.gates[0].inputs[0].value == 55_000.0
    assert verdict.gates[-1].inputs[0].source == MISSING
    assert verdict_on("BTC", Side.LONG, [without_size, near], PARAMS).code == "BEYOND_STOP"
    assert verdict_on("BTC", Side.LONG, [without_size], PARAMS).code == MISSING_INPUT


prices = st.floats(1.0, 64_880.0)


@pytest.mark.drawn(singly=True)
@given(st.lists(st.one_of(prices, st.just(math.nan)), min_size=1, max_size=6), mv.views())
def test_a_verdict_accepts_exactly_when_an_alternative_does(levels: list[float], view: MarketView) -> None:
    ones = [tried(price, view) for price in levels]
    verdict = verdict_on("BTC", Side.LONG, ones, PARAMS)
    assert (verdict.code == ACCEPTED) == any(code_of(one, PARAMS) == ACCEPTED for one in ones)
    assert (verdict.code == ACCEPTED) == all(gate.passed for gate in verdict.gates)
    assert len(verdict.gates[-1].inputs) == len(ones)
    for one, price in zip(ones, levels, strict=True):
        assert price != price or (one.cluster_count > 0) == in_cluster(Side.LONG, price, view, PARAMS)
        assert not (one.cluster_distance_pct == 0.0 and one.cluster_count == 0.0)


def test_only_a_changed_verdict_is_news_and_the_end_of_a_proposal_is_said_once() -> None:
    last: dict[str, str] = {}
    accepted, dense = (Verdict("avoid_liquidity", "BTC", Side.LONG, code, ()) for code in (ACCEPTED, "THIN_ZONE"))
    assert changes("BTC", {}, last) == []
    assert changes("BTC", {Side.LONG: [accepted]}, last) == [accepted]
    assert changes("BTC", {Side.LONG: [accepted]}, last) == []
    assert changes("BTC", {Side.LONG: [dense]}, last) == [dense]
    assert changes("ETH", {}, last) == []
    assert [(one.side, one.code) for one in changes("BTC", {}, last)] == [(Side.LONG, NO_ENTRY)]
    assert changes("BTC", {}, last) == []
