"""Which strategies there are, in which order, and the section they make together."""

import math
import pkgutil
import re
import subprocess
import sys

import market_views as mv
import pytest
from own_strategies import own_strategy

from liqbot.signals import strategies
from liqbot.signals.checked import faults_of
from liqbot.signals.evaluate import enabled_strategies, evaluate
from liqbot.signals.gates import GateSpec, same
from liqbot.signals.registry import CONDITIONS, STRATEGIES, SignalParams, signal_model
from liqbot.signals.strategy import Exits, Strategy


def test_every_file_of_the_package_is_found_and_the_order_of_verdicts_is_kept() -> None:
    assert [one.name for one in STRATEGIES] == ["grab_reverse", "cascade", "funding_squeeze"]
    assert [one.name for one in CONDITIONS] == ["avoid_liquidity"]
    files = {module.name for module in pkgutil.iter_modules(strategies.__path__)}
    assert files == {one.name for one in (*STRATEGIES, *CONDITIONS)}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: one.name)
def test_the_built_in_ones_keep_to_what_is_asked_of_a_users_own(strategy: Strategy) -> None:
    assert not list(faults_of(strategy))
    assert not strategy.own
    assert strategy.params.__doc__


def test_a_strategy_brings_its_section_its_verdicts_and_its_waivable_gates() -> None:
    model = signal_model((own_strategy(),))
    params = model(quiet={"volume_ratio_max": 0.25}, waive=("calm",))
    assert isinstance(params, SignalParams)
    assert params.of(own_strategy()).volume_ratio_max == 0.25
    assert [one.name for one in params.strategies] == ["grab_reverse", "cascade", "funding_squeeze", "quiet"]
    assert [one.strategy.name for one in enabled_strategies(params)][-2:] == ["quiet", "quiet"]
    assert [one.name for one in params.own] == ["quiet"]
    with pytest.raises(ValueError, match="did you mean 'flow'"):
        model(waive=("flwo",))
    with pytest.raises(ValueError, match="quiet"):
        signal_model()(quiet={})


def test_a_waived_name_does_not_waive_a_users_gate_of_that_name_that_may_not_be_waived() -> None:
    params = signal_model((own_strategy(),))(waive=("flow", "calm"))
    flow, calm = next(one for one in enabled_strategies(params) if one.strategy.name == "quiet").conditions
    assert (flow[3], calm[3]) == (False, True)


def test_params_of_different_models_are_not_mistaken_for_each_other() -> None:
    with_own = signal_model((own_strategy(),))()
    assert len(enabled_strategies(signal_model()())) == 6
    assert len(enabled_strategies(with_own)) == 8


def still(_view: object, _position: object, _params: object) -> None:
    """The reason holds."""


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"params": dict}, "params: expected a subclass of StrategyParams"),
        ({"gates": ()}, "gates: expected at least one"),
        ({"gates": ("flow",)}, "gates: entry 1 is a str, expected a GateSpec"),
        ({"gates": (GateSpec("a", ("volume_ratoi",), same("flow"), ">=", 1.0),)}, "did you mean 'volume_ratio'"),
        ({"gates": (GateSpec("a", (), same("flow"), "=", 1.0),)}, "compares by '='"),
        ({"gates": (GateSpec("a", (), same("flow"), ">=", "volume_max"),)}, "'volume_max' is no parameter"),
        ({"gates": (GateSpec("a", (), same("flwo"), ">=", 1.0),)}, "gate 'a': AttributeError"),
        ({"gates": (GateSpec("a", (), same("flow"), ">=", 1.0),) * 2}, "gate 'a': there are two of this name"),
        ({"exits": lambda _f, _p: 1.0}, r"exits answered 1.0; Exits\(stop_pct, take_pct\) is right"),
        ({"exits": lambda _f, _p: Exits("1", None)}, "exits: stop_pct answered '1'; a number is right"),
        ({"exits": lambda _f, _p: Exits(True, None)}, "exits: stop_pct answered True; a number is right"),
        ({"why": lambda _f: ""}, "why: TypeError"),
        ({"why": lambda _f, _e: None}, "why answered None; text is right"),
        ({"gates": (GateSpec("a", (), lambda _f, _p: None, ">=", 1.0),)}, "gate 'a' answered None; a number is right"),
        ({"gates": (GateSpec("a", (), same("flow"), ">=", math.nan),)}, "gate 'a': threshold nan; expected a finite"),
        ({"gates": (GateSpec("a", "flow", same("flow"), ">=", 1.0),)}, "gate 'a': inputs: expected a tuple"),
        ({"gates": (GateSpec("a\nb", (), same("flow"), ">=", 1.0),)}, "expected a name that can be printed in a line"),
        ({"gates": (GateSpec(3, (), same("flow"), ">=", 1.0),)}, "expected a name that can be printed in a line"),
        ({"gates": (one for one in own_strategy().gates)}, "gates: expected a tuple.*found a generator"),
        ({"invalidations": still}, r"invalidations: expected a tuple of functions, as in \(one,\); found a function"),
        ({"invalidations": (one for one in (still,))}, "invalidations: expected a tuple.*found a generator"),
        ({"invalidations": None}, "invalidations: expected a tuple.*found a NoneType"),
        ({"invalidations": ("still",)}, "invalidations: entry 1 is a str, expected a function"),
        ({"invalidations": (lambda _v, _p: None,)}, "invalidations: entry 1 cannot be called with view, position and"),
    ],
)
def test_each_fault_of_a_description_is_found_and_named(changes: dict[str, object], fault: str) -> None:
    assert re.search(fault, next(faults_of(own_strategy(**changes))))


def test_a_gate_may_read_a_number_of_the_view_that_has_no_side() -> None:
    gate = GateSpec("late", ("view.return_24h_pct",), same("view.return_24h_pct"), "<=", 5.0)
    strategy = own_strategy(gates=(gate,))
    assert not list(faults_of(strategy))
    params = signal_model((strategy,))()
    for moved_pct, code in ((5.0, "SIGNAL"), (6.0, "LATE"), (mv.NAN, "MISSING_INPUT")):
        verdict = evaluate(mv.a_view(return_24h_pct=moved_pct), params)[-1]
        assert (verdict.strategy, verdict.code) == ("quiet", code)
        assert verdict.gates[0].inputs[0].name == "view.return_24h_pct"
    wrong = own_strategy(gates=(GateSpec("late", ("view.return_24_pct",), same("flow"), "<=", 5.0),))
    assert "did you mean 'view.return_24h_pct'" in next(faults_of(wrong))


def test_a_gate_that_divides_by_a_difference_is_no_fault() -> None:
    gate = GateSpec("a", (), lambda f, _p: f.flow / (f.bias - f.flow), ">=", 1.0)
    assert not list(faults_of(own_strategy(gates=(gate,))))


@pytest.mark.drawn
def test_the_order_does_not_depend_on_the_hash_seed() -> None:
    code = "from liqbot.signals.registry import signal_model as m; print(list(m().model_fields))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
