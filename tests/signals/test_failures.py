"""A fault of a user's own strategy disables its entries, is the same in every run, and never reaches the engine."""

from decimal import Decimal

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from own_strategies import own_strategy

from liqbot.accounting.positions import Position
from liqbot.events import CodeVersion, Resume, StrategyDisabled
from liqbot.instruments import Side
from liqbot.signals.evaluate import StrategyEvaluator, reason_gone
from liqbot.signals.failures import StrategyGuard
from liqbot.signals.gates import GateSpec
from liqbot.signals.registry import signal_model
from liqbot.signals.strategy import Exits, Reason, Strategy
from liqbot.signals.verdict import SIGNAL, STRATEGY_FAILED, Verdict

DISABLED = StrategyDisabled(time_ms=1, strategy="quiet", reason="a call took 900 ms")


def answers(strategy: Strategy, guard: StrategyGuard) -> dict[str, list[Verdict]]:
    evaluator = StrategyEvaluator(mv.grab_long(), signal_model((strategy,))(), None, guard)
    evaluator.codes()
    found: dict[str, list[Verdict]] = {}
    for verdict in evaluator.verdicts():
        found.setdefault(verdict.strategy, []).append(verdict)
    return found


def raises(error: BaseException) -> object:
    def call(*_: object) -> float:
        raise error

    return call


def gate(value: object) -> tuple[GateSpec, ...]:
    return (GateSpec("a", ("flow",), value, ">=", -1e9),)


@pytest.mark.parametrize(
    "changes",
    [
        {"gates": gate(raises(KeyError("x")))},
        {"gates": gate(raises(SystemExit(3)))},
        {"gates": gate(raises(GeneratorExit()))},
        {"gates": gate(raises(BaseException("all")))},
        {"gates": gate(raises(RecursionError()))},
        {"gates": gate(lambda _f, _p: "text")},
        {"gates": gate(lambda _f, _p: 1j)},
        {"gates": gate(lambda _f, _p: 1.0), "exits": raises(ValueError("no"))},
        {"gates": gate(lambda _f, _p: 1.0), "exits": lambda _f, _p: Exits("near", None)},
        {"gates": gate(lambda _f, _p: 1.0), "why": raises(ValueError("no"))},
        {"gates": gate(lambda _f, _p: 1.0), "why": lambda _f, _e: object()},
    ],
)
def test_whatever_it_does_ours_go_on_and_it_says_that_it_failed(changes: dict[str, object]) -> None:
    guard = StrategyGuard()
    found = answers(own_strategy(**changes), guard)
    assert {verdict.code for verdict in found["quiet"]} == {STRATEGY_FAILED}
    assert found["quiet"][0].reason == guard.disabled["quiet"]
    assert SIGNAL in {verdict.code for verdict in found["grab_reverse"]}
    assert {name: len(verdicts) for name, verdicts in found.items()} == dict.fromkeys(found, 2)


def test_somebody_at_the_keyboard_is_no_fault_of_a_strategy() -> None:
    guard = StrategyGuard()
    with pytest.raises(KeyboardInterrupt):
        answers(own_strategy(gates=gate(raises(KeyboardInterrupt()))), guard)
    assert not guard.disabled


def test_ours_are_not_guarded_a_fault_of_the_program_is_seen() -> None:
    broken = own_strategy(origin="", gates=gate(raises(KeyError("x"))))
    with pytest.raises(KeyError):
        answers(broken, StrategyGuard())


def test_an_overrun_is_a_fact_and_stays_until_resume_or_another_file() -> None:
    strategy, guard = own_strategy(gates=gate(lambda _f, _p: 1.0)), StrategyGuard()
    assert {one.code for one in answers(strategy, guard)["quiet"]} == {SIGNAL}
    guard.on_fact(CodeVersion(time_ms=0, version="1", platform="p", strategies=(("quiet", "aa"),)))
    guard.on_fact(DISABLED)
    assert {one.code for one in answers(strategy, guard)["quiet"]} == {STRATEGY_FAILED}
    guard.on_fact(CodeVersion(time_ms=2, version="1", platform="p", strategies=(("quiet", "aa"),)))
    assert guard.disabled == {"quiet": DISABLED.reason}, "a start with the same file lifts nothing"
    restored = StrategyGuard()
    restored.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(guard.state())))
    assert restored.disabled == guard.disabled
    restored.on_fact(CodeVersion(time_ms=3, version="1", platform="p", strategies=(("quiet", "bb"),)))
    assert not restored.disabled
    guard.on_fact(Resume(time_ms=4, reason="by hand"))
    assert not guard.disabled


def test_the_reason_names_the_line_and_no_address() -> None:
    guard = StrategyGuard()
    source = "def value(f, p):\n    raise TypeError(object())\n"
    names: dict[str, object] = {}
    exec(compile(source, "quiet.py", "exec"), names)
    answers(own_strategy(gates=gate(names["value"])), guard)
    assert guard.disabled["quiet"] == "TypeError (line 2): <object object at 0x..>"


def test_a_disabled_strategy_has_no_opinion_on_its_position_and_a_faulty_one_ends_nothing() -> None:
    def gone(_view: object, _position: object, _params: object) -> Reason:
        return Reason("OVER", "it is over")

    position = Position(rc.VENUE, rc.COIN, Side.LONG, Decimal(1), Decimal(65536), rc.NOW_MS - 60_000)
    for invalidation, code in ((gone, "OVER"), (raises(ValueError("no")), None), (lambda *_: 7, None)):
        strategy, guard = own_strategy(invalidations=(invalidation,)), StrategyGuard()
        params = signal_model((strategy,))()
        found = reason_gone(mv.a_view(), position, "quiet", params, guard)
        assert (found and found.code) == code
        assert bool(guard.disabled) == (code is None)
        guard.on_fact(DISABLED)
        assert reason_gone(mv.a_view(), position, "quiet", params, guard) is None
    assert reason_gone(mv.a_view(), position, "not_loaded", signal_model()(), StrategyGuard()) is None


def test_the_meter_is_called_for_every_call_and_changes_nothing() -> None:
    seen: list[str] = []

    def meter(strategy: str, call: object) -> object:
        seen.append(strategy)
        return call()

    strategy = own_strategy(gates=gate(lambda _f, _p: 1.0))
    assert answers(strategy, StrategyGuard(meter)) == answers(strategy, StrategyGuard())
    assert seen == ["quiet"] * 4
