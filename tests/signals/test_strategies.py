"""Examples and laws of the three strategies: gates on rows and columns agree, mirrored views give mirrored verdicts."""

import math
from types import SimpleNamespace
from typing import Any

import market_views as mv
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.market.view import SideView
from liqbot.signals.evaluate import SIDES, codes, enabled_strategies, evaluate
from liqbot.signals.features import FEATURE_NAMES, VIEW_NUMBERS, Features, derived_features, features_of
from liqbot.signals.gates import GateSpec, larger, passes, same, shown
from liqbot.signals.registry import STRATEGIES, signal_model
from liqbot.signals.verdict import DERIVED, MISSING_INPUT, SIGNAL, Verdict

SignalParams = signal_model()
PARAMS = SignalParams()
ALL_ASKED = SignalParams(
    waive=("flow", "oi_rising"),
    grab_reverse={"prior_funding_percentile_min": 80.0},
    cascade={"oi_change_pct_min": -1.0},
)
OPTIONS = st.sampled_from((PARAMS, ALL_ASKED))


def verdict_of(view: object, strategy: str, side: Side, params: SignalParams = PARAMS) -> Verdict:
    return next(v for v in evaluate(view, params) if v.strategy == strategy and v.side is side)


@pytest.mark.parametrize(
    ("view", "strategy"),
    [(mv.grab_long(), "grab_reverse"), (mv.cascade_long(), "cascade"), (mv.squeeze_long(), "funding_squeeze")],
)
@pytest.mark.parametrize("flip", [False, True])
def test_textbook_cases_signal_on_the_right_side_and_only_there(view: mv.MarketView, strategy: str, flip: bool):
    view = mv.mirrored(view) if flip else view
    side = Side.SHORT if flip else Side.LONG
    verdict = verdict_of(view, strategy, side)
    assert verdict.code == SIGNAL
    signal = verdict.signal
    sign = float(side)
    assert sign * (signal.entry_price - signal.stop_price) > 0
    assert sign * (signal.take_price - signal.entry_price) > 0
    assert signal.expires_ms > view.time_ms
    assert signal.why
    assert verdict_of(view, strategy, side.opposite).code != SIGNAL


def test_grab_stop_lies_beyond_both_the_wick_and_the_cluster():
    for extreme in (mv.MARK - 768.0, mv.MARK - 256.0):  # through the cluster, and only into it
        view = mv.a_view(below=mv.a_side(Side.LONG, sweep=mv.a_sweep(Side.LONG, extreme_price=extreme)))
        signal = verdict_of(view, "grab_reverse", Side.LONG).signal
        sweep = view.below.sweep
        far_price = min(sweep.extreme_price, sweep.price_low)
        assert signal.stop_price < far_price
        assert (far_price - signal.stop_price) / mv.MARK * 100 == pytest.approx(PARAMS.grab_reverse.stop_buffer_pct)


def test_grab_takes_at_the_next_cluster_only_at_a_sensible_multiple():
    stop_pct = 768.0 / mv.MARK * 100 + PARAMS.grab_reverse.stop_buffer_pct
    sweep = mv.a_sweep(Side.LONG)
    for distance, expected in ((1_966.0, 1_966.0 / mv.MARK * 100), (128.0, 2.0 * stop_pct)):
        ahead = mv.a_side(Side.SHORT, clusters=(mv.a_cluster(Side.SHORT, distance),))
        view = mv.a_view(below=mv.a_side(Side.LONG, sweep=sweep), above=ahead)
        signal = verdict_of(view, "grab_reverse", Side.LONG).signal
        assert (signal.take_price / mv.MARK - 1) * 100 == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rejected": False}, "REJECTED"),
        ({"ended_ms": mv.NOW_MS - 3_600_000, "inside_ms": mv.NOW_MS - 3_700_000}, "RECENT"),
        ({"inside_ms": mv.NOW_MS - 7_200_000}, "REJECTED_AT_ONCE"),
        ({"started_ms": mv.NOW_MS - 7_200_000}, SIGNAL),
        ({"distance_pct": 1.0}, "NOT_TOO_NEAR"),
        ({"distance_pct": 6.0}, "NOT_TOO_FAR"),
        ({"cluster_ratio": 1.0}, "CLUSTER_SIZE"),
        ({"volume_ratio": 2.0}, "VOLUME"),
        ({"oi_change_pct": 0.0}, "OI_DROPPED"),
        ({"taker_imbalance_after": -0.5}, "FLOW_FLIPPED"),
        ({"printed_after_usd": 2e7}, "PRINTS_STOPPED"),
        ({"printed_usd": mv.NAN, "printed_after_usd": mv.NAN}, MISSING_INPUT),
        ({"printed_usd": 0.0, "printed_after_usd": 0.0}, SIGNAL),
        ({"printed_usd": 0.0, "printed_after_usd": 1.0}, "PRINTS_STOPPED"),
        ({"oi_change_pct": mv.NAN}, MISSING_INPUT),
        ({"fuel_spent_usd": 1e7}, "FUEL_SPENT"),
        ({"fuel_spent_usd": mv.NAN}, MISSING_INPUT),
        ({"beyond_ratio": 1.5}, "THIN_BEYOND"),
        ({"extreme_price": mv.MARK - 3_000.0}, "TIGHT_STOP"),
    ],
)
def test_grab_names_the_gate_that_failed(changes: dict[str, object], code: str):
    view = mv.a_view(below=mv.a_side(Side.LONG, sweep=mv.a_sweep(Side.LONG, **changes)))
    assert verdict_of(view, "grab_reverse", Side.LONG).code == code


def test_without_any_sweep_a_grab_waits_for_a_recent_one():
    assert verdict_of(mv.a_view(), "grab_reverse", Side.LONG).code == "RECENT"


AHEAD = (mv.a_cluster(Side.SHORT, 1_966.0),)


def broken(**changes: object) -> SideView:
    return mv.a_side(Side.SHORT, 2e9, AHEAD, mv.a_break(Side.SHORT, **changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trend_pct": 0.1}, "BIAS"),
        ({"given_bias": Side.SHORT}, "BIAS"),
        ({"above": mv.a_side(Side.SHORT, 2e9, AHEAD)}, "BROKE_IN"),
        ({"above": mv.a_side(Side.SHORT, 2e9, AHEAD, mv.a_sweep(Side.SHORT))}, "BROKE_IN"),
        ({"above": broken(inside_ms=mv.NOW_MS - 3_600_000)}, "BROKE_IN"),
        ({"above": broken(ended_ms=mv.NOW_MS - 3_600_000)}, "BROKE_IN"),
        ({"above": broken(cluster_ratio=1.0)}, "CLUSTER_SIZE"),
        ({"acceleration_ratio": 0.25}, "ACCELERATES"),
        ({"above": mv.a_side(Side.SHORT, 2e8, AHEAD, mv.a_break(Side.SHORT))}, "FUEL_BEHIND"),
        ({"above": mv.a_side(Side.SHORT, 2e9, (), mv.a_break(Side.SHORT))}, "CLUSTER_AHEAD"),
        ({"above": broken(price_high=mv.MARK + 2_000.0)}, "CLUSTER_AHEAD"),
        ({"volume_ratio": 1.0}, "VOLUME"),
        ({"taker_imbalance": mv.NAN}, MISSING_INPUT),
        ({"trend_pct": mv.NAN}, MISSING_INPUT),
        ({"range_pct": 2.375, "given_bias": Side.LONG}, "REWARD"),
    ],
)
def test_cascade_names_the_gate_that_failed(changes: dict[str, object], code: str):
    assert verdict_of(mv.cascade_long(**changes), "cascade", Side.LONG).code == code


def test_a_given_bias_replaces_a_missing_trend():
    view = mv.cascade_long(trend_pct=mv.NAN, given_bias=Side.LONG)
    assert verdict_of(view, "cascade", Side.LONG).code == SIGNAL


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"funding_8h_pct": 0.0}, "FUNDING_PAID"),
        ({"funding_usual_8h_pct": -0.0625}, "FUNDING_APART"),
        ({"funding_usual_8h_pct": mv.NAN}, MISSING_INPUT),
        ({"funding_8h_pct": 0.06}, "FUNDING_PAID"),
        ({"funding_percentile": 20.0}, "FUNDING_EXTREME"),
        ({"funding_percentile": mv.NAN}, MISSING_INPUT),
        ({"oi_change_24h_pct": -3.0}, "OI_RISING"),
        ({"return_1h_pct": -1.0}, "NOT_AGAINST"),
    ],
)
def test_squeeze_names_the_gate_that_failed(changes: dict[str, object], code: str):
    assert verdict_of(mv.squeeze_long(**changes), "funding_squeeze", Side.LONG).code == code


@pytest.mark.parametrize("strategy", sorted(one.name for one in STRATEGIES))
@pytest.mark.parametrize(("skill", "passed"), [(math.nan, False), (0.29, False), (0.3, True)])
def test_any_strategy_may_require_a_map_that_was_lately_right(strategy: str, skill: float, passed: bool):
    view = {"grab_reverse": mv.grab_long, "cascade": mv.cascade_long, "funding_squeeze": mv.squeeze_long}[strategy]()
    view = msgspec.structs.replace(view, map_skill_share=skill)
    assert verdict_of(view, strategy, Side.LONG).code == SIGNAL, "not asked for by default"
    asked_for = SignalParams.model_validate({strategy: {"map_skill_share_min": 0.3}})
    verdict = verdict_of(view, strategy, Side.LONG, asked_for)
    assert verdict.code == (SIGNAL if passed else MISSING_INPUT if math.isnan(skill) else "MAP_SKILL")


def test_a_waived_gate_passes_only_without_its_input_and_is_marked():
    params = SignalParams(waive=("flow",))
    without = verdict_of(mv.cascade_long(taker_imbalance=mv.NAN), "cascade", Side.LONG, params)
    gate = next(g for g in without.gates if g.name == "flow")
    assert without.code == SIGNAL
    assert (gate.passed, gate.waived, gate.value) == (True, True, None)
    assert "flow" in without.absent
    against = verdict_of(mv.cascade_long(taker_imbalance=-0.5), "cascade", Side.LONG, params)
    assert against.code == "FLOW"


def test_waiving_an_unwaivable_gate_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"waive: 'oi_droped'.*did you mean 'oi_dropped'"):
        SignalParams(waive=("oi_droped",))
    with pytest.raises(ValueError, match="waive: 'rejected' cannot be waived"):
        SignalParams(waive=("rejected",))


def test_every_waivable_name_and_every_declared_input_and_threshold_exists():
    assert SignalParams.waivable == (
        "flow", "flow_flipped", "oi_dropped", "oi_rising", "prints_stopped", "prior_funding", "us_spread",
    )  # fmt: skip
    for strategy in STRATEGIES:
        params = getattr(PARAMS, strategy.name)
        assert len({spec.name for spec in strategy.gates}) == len(strategy.gates)
        for spec in strategy.gates:
            assert set(spec.inputs) <= set(FEATURE_NAMES)
            assert spec.threshold_of(params) is None or isinstance(spec.threshold_of(params), float)


def test_derived_inputs_are_named():
    view = mv.cascade_long(derived=frozenset({"trend_pct"}))
    gate = verdict_of(view, "cascade", Side.LONG).gates[0]
    assert gate.inputs[0].source == DERIVED
    assert derived_features(frozenset({"trend_pct"})) == {"bias", "view.trend_pct"}


def test_a_disabled_strategy_is_not_asked():
    params = SignalParams(cascade={"enabled": False})
    assert {v.strategy for v in evaluate(mv.a_view(), params)} == {"grab_reverse", "funding_squeeze"}
    assert len(enabled_strategies(params)) == len(codes(mv.a_view(), params)) == 4


@pytest.mark.drawn(singly=True)
@given(view=mv.views() | mv.reasons(), params=OPTIONS)
def test_codes_are_the_codes_of_the_verdicts_and_signals_come_only_with_all_gates_passed(
    view: mv.MarketView, params: SignalParams
):
    verdicts = evaluate(view, params)
    assert tuple(v.code for v in verdicts) == codes(view, params)
    for verdict in verdicts:
        passed = all(gate.passed for gate in verdict.gates)
        assert passed == (verdict.code == SIGNAL) == (verdict.signal is not None)


def _told(verdict: Verdict) -> list[float]:
    """What its gates were given, found and decided."""
    numbers = [[one.value for one in gate.inputs] + [gate.value, gate.passed] for gate in verdict.gates]
    return [math.nan if one is None else float(one) for row in numbers for one in row]


@pytest.mark.drawn(singly=True)
@given(view=mv.views() | mv.reasons(), params=OPTIONS)
def test_mirrored_views_give_mirrored_verdicts(view: mv.MarketView, params: SignalParams):
    plain = {(v.strategy, v.side): v for v in evaluate(view, params)}
    for other in evaluate(mv.mirrored(view), params):
        verdict = plain[other.strategy, other.side.opposite]
        assert verdict.code == other.code
        assert _told(verdict) == pytest.approx(_told(other), rel=1e-9, abs=1e-9, nan_ok=True)
        if verdict.signal is not None:
            a, b = verdict.signal, other.signal
            assert a.stop_price * b.stop_price == pytest.approx(view.mark_price**2, rel=1e-12)
            assert a.take_price * b.take_price == pytest.approx(view.mark_price**2, rel=1e-12)
            assert (a.expires_ms, a.max_hold_ms) == (b.expires_ms, b.max_hold_ms)


@pytest.mark.drawn
@given(rows=st.lists(mv.views() | mv.reasons(), min_size=1, max_size=8), params=OPTIONS)
def test_gates_give_the_same_bits_on_rows_and_on_columns(rows: list[Any], params: SignalParams):
    for side in SIDES:
        features = [features_of(view, side, params.cluster_reach_pct) for view in rows]
        table = [msgspec.structs.astuple(row)[:-1] for row in features]
        columns = Features(
            *(np.array(column, dtype=np.float64) for column in zip(*table, strict=True)),
            SimpleNamespace(**{name: np.array([getattr(view, name) for view in rows]) for name in VIEW_NUMBERS}),
        )
        for strategy in STRATEGIES:
            own = getattr(params, strategy.name)
            for spec in strategy.gates:
                values = np.broadcast_to(spec.value(columns, own), len(rows))
                assert [v.hex() for v in values.tolist()] == [float(spec.value(row, own)).hex() for row in features]
                passed = np.broadcast_to(passes(spec, columns, own, params.waive), len(rows))
                assert passed.tolist() == [bool(passes(spec, row, own, params.waive)) for row in features]


@given(first=st.floats(-1e6, 1e6), second=st.floats(-1e6, 1e6))
def test_larger_is_the_maximum_and_absent_when_one_is(first: float, second: float):
    assert larger(first, second) == max(first, second)
    assert math.isnan(larger(first, mv.NAN))
    assert math.isnan(larger(mv.NAN, second))


def test_gates_may_ask_for_one_venues_funding_its_spread_and_the_asymmetry_of_the_map():
    view = mv.a_view(funding_of_venues={"okx": (0.03, 99.0)}, funding_spread_pct=0.02, us_basis_pct=-0.5)
    long, short = (features_of(view, side, 5.0) for side in SIDES)
    assert (long.funding_spread_pct, short.funding_spread_pct) == (0.02, -0.02)
    assert (long.us_basis_pct, short.us_basis_pct) == (-0.5, 0.5)
    assert long.value("view.asymmetry") == view.asymmetry == long.notional_ahead_share
    for name, expected in (("view.funding_of.okx", True), ("view.funding_of.bybit", False)):
        assert name in FEATURE_NAMES
        spec = GateSpec("paid", (name,), same(name), ">=", 0.02)
        assert passes(spec, long, None, ()) is expected
        code, (gate,) = shown((spec,), long, None, (), frozenset())
        assert code == (SIGNAL if expected else MISSING_INPUT)
        assert gate.inputs[0].value == (0.03 if expected else None)
