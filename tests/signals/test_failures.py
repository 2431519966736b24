"""A fault of a user's own strategy disables its entries, is the same in every run, and never reaches the engine."""

import decimal
import math
import signal
from decimal import Decimal
from fractions import Fraction

import market_views as mv
import msgspec
import numpy as np
import pytest
import risk_cases as rc
from own_strategies import own_strategy

from liqbot.accounting.positions import Position
from liqbot.cli import terminated_like_interrupted
from liqbot.events import CodeVersion, Resume, StrategyDisabled
from liqbot.instruments import Side
from liqbot.market.view import MarketView
from liqbot.signals.evaluate import CODE_MAX, WHY_MAX, StrategyEvaluator, reason_gone
from liqbot.signals.failures import StrategyGuard
from liqbot.signals.features import Features
from liqbot.signals.gates import GateSpec
from liqbot.signals.registry import signal_model
from liqbot.signals.strategy import Exits, Reason, Strategy, StrategyParams
from liqbot.signals.verdict import SIGNAL, STRATEGY_FAILED, Verdict

DISABLED = StrategyDisabled(time_ms=1, strategy="quiet", reason="a call took 900 ms")


def answers(strategy: Strategy, guard: StrategyGuard) -> dict[str, list[Verdict]]:
    evaluator = StrategyEvaluator(mv.grab_long(), signal_model((strategy,))(), None, guard)
    evaluator.codes()
    found: dict[str, list[Verdict]] = {}
    for verdict in evaluator.verdicts():
        found.setdefault(verdict.strategy, []).append(verdict)
    return found


def position() -> Position:
    return Position(rc.VENUE, rc.COIN, Side.LONG, Decimal(1), Decimal(65536), rc.NOW_MS - 60_000)


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
        {"gates": gate(raises(KeyboardInterrupt()))},
        {"gates": gate(raises(RecursionError()))},
        {"gates": gate(lambda _f, _p: "text")},
        {"gates": gate(lambda _f, _p: 1j)},
        {"gates": gate(lambda _f, _p: 1.0), "exits": raises(ValueError("no"))},
        {"gates": gate(lambda _f, _p: 1.0), "exits": lambda _f, _p: Exits("near", None)},
        *(
            {"gates": gate(lambda _f, _p: 1.0), "exits": lambda _f, _p, exits=exits: exits}
            for exits in (
                *(Exits(stop, 2.0) for stop in (math.nan, math.inf, 0.0, -1.0, 1e30, 10**400, Decimal("nan"))),
                *(Exits(1.0, take) for take in (math.nan, math.inf, 0.0, -1.0, 1e30, 10**400)),
            )
        ),
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


def interrupted(*_: object) -> float:
    signal.raise_signal(signal.SIGTERM)
    return 1.0


def test_somebody_at_the_keyboard_is_no_fault_of_a_strategy() -> None:
    guard = StrategyGuard()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            answers(own_strategy(gates=gate(interrupted)), guard)
        with terminated_like_interrupted(), pytest.raises(KeyboardInterrupt):
            answers(own_strategy(gates=gate(interrupted)), guard)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not guard.disabled


class Speechless(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Verbose(Exception):
    def __str__(self) -> str:
        return "so long " * 10_000_000


def test_what_its_words_are_long_or_fail_is_bounded() -> None:
    for error, said in ((Speechless(), "Speechless: it cannot say what"), (Verbose(), "Verbose: so long so long")):
        guard = StrategyGuard()
        assert answers(own_strategy(gates=gate(raises(error))), guard)["quiet"][0].code == STRATEGY_FAILED
        assert guard.disabled["quiet"].startswith(said)
        assert len(guard.disabled["quiet"]) <= 300


def test_its_words_take_a_bounded_place_in_the_books() -> None:
    strategy = own_strategy(
        gates=gate(lambda _f, _p: 1.0), why=lambda _f, _e: "x" * 10_000_000,
        invalidations=(lambda *_: Reason("C" * 10_000_000, "y" * 10_000_000),),
    )
    guard = StrategyGuard()
    signalled = answers(strategy, guard)["quiet"][0].signal
    assert signalled is not None
    assert len(signalled.why) == WHY_MAX
    gone = reason_gone(mv.a_view(), position(), "quiet", signal_model((strategy,))(), guard)
    assert gone is not None
    assert (len(gone.code), len(gone.why)) == (CODE_MAX, WHY_MAX)


def test_what_it_writes_into_its_parameters_is_gone_with_the_call() -> None:
    def greedy(_of: object, params: StrategyParams, *_: object) -> float:
        vars(params)["max_hold_ms"] = 10**30
        return 1.0

    def exits(features: object, params: StrategyParams) -> Exits:
        greedy(features, params)
        return Exits(1.0, None)

    strategy = own_strategy(
        gates=gate(greedy), exits=exits, invalidations=(lambda _v, _p, params: greedy(_v, params) and None,)
    )
    guard, params = StrategyGuard(), signal_model((strategy,))()
    reason_gone(mv.a_view(), position(), "quiet", params, guard)
    evaluator = StrategyEvaluator(mv.grab_long(), params, None, guard)
    evaluator.codes()
    (signalled, *_) = [one.signal for one in evaluator.verdicts() if one.strategy == "quiet"]
    assert not guard.disabled
    assert signalled is not None
    assert signalled.max_hold_ms == params.of(strategy).max_hold_ms == 14_400_000


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

    for invalidation, code in ((gone, "OVER"), (raises(ValueError("no")), None), (lambda *_: 7, None)):
        strategy, guard = own_strategy(invalidations=(invalidation,)), StrategyGuard()
        params = signal_model((strategy,))()
        found = reason_gone(mv.a_view(), position(), "quiet", params, guard)
        assert (found and found.code) == code
        assert bool(guard.disabled) == (code is None)
        guard.on_fact(DISABLED)
        assert reason_gone(mv.a_view(), position(), "quiet", params, guard) is None
    assert reason_gone(mv.a_view(), position(), "not_loaded", signal_model()(), StrategyGuard()) is None


def test_the_meter_is_called_for_every_call_and_changes_nothing() -> None:
    seen: list[str] = []

    def meter(strategy: str, call: object) -> object:
        seen.append(strategy)
        return call()

    strategy = own_strategy(gates=gate(lambda _f, _p: 1.0))
    assert answers(strategy, StrategyGuard(meter)) == answers(strategy, StrategyGuard())
    assert seen == ["quiet"] * 4


def test_what_it_writes_into_the_map_nobody_else_reads() -> None:
    def greedy(view: MarketView) -> None:
        view.map.long_usd[:] = view.map.short_usd[:] = 0.0
        view.map.edges[:] = 1.0

    def value(features: Features, _params: object) -> float:
        greedy(features.view)
        return 1.0

    def ask(view: MarketView, *_: object) -> None:
        greedy(view)

    def kept(features: Features, _params: object) -> float:
        return float(features.view.map.long_usd.sum())

    view = mv.grab_long()
    before = view.map.copy()
    strategies = own_strategy(gates=gate(value), invalidations=(ask,)), own_strategy(name="other", gates=gate(kept))
    guard, params = StrategyGuard(), signal_model(strategies)()
    evaluator = StrategyEvaluator(view, params, None, guard)
    evaluator.codes()
    other = next(one for one in evaluator.verdicts() if one.strategy == "other")
    reason_gone(view, position(), "quiet", params, guard)
    assert not guard.disabled
    for name in ("edges", "long_usd", "short_usd"):
        assert np.array_equal(getattr(view.map, name), getattr(before, name)), name
    assert other.gates[0].value == before.long_usd.sum() > 0


def test_how_it_reckons_is_not_how_we_do() -> None:
    def value(*_: object) -> float:
        decimal.getcontext().prec = 3
        np.seterr(all="raise")
        return 1.0

    before = decimal.getcontext().prec, np.geterr()
    guard = StrategyGuard()
    assert answers(own_strategy(gates=gate(value)), guard)["quiet"][0].code == SIGNAL
    assert (decimal.getcontext().prec, np.geterr()) == before


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (False, "an invalidation answered False; None or Reason(code, why) is right"),
        ("gone", "an invalidation answered 'gone'"),
        (("GONE",), "an invalidation answered ('GONE',)"),
        (("", "no code"), "an invalidation answered ('', 'no code')"),
        ((1, 2), "an invalidation answered (1, 2)"),
    ],
)
def test_an_answer_that_is_no_reason_ends_no_position_and_is_said(answer: object, said: str) -> None:
    strategy, guard = own_strategy(invalidations=(lambda *_: answer,)), StrategyGuard()
    params = signal_model((strategy,))()
    assert reason_gone(mv.a_view(), position(), "quiet", params, guard) is None
    assert said in guard.disabled["quiet"]


def test_a_strategy_that_is_looked_after_is_not_so_twice() -> None:
    (once,) = signal_model((own_strategy(),))().own
    (again,) = signal_model((once,))().own
    assert again is once


@pytest.mark.parametrize("number", [np.float64(1.5), np.float32(1.5), np.array(1.5), Decimal("1.5"), Fraction(3, 2)])
def test_numbers_of_every_make_are_numbers(number: object) -> None:
    strategy = own_strategy(gates=gate(lambda _f, _p: number), exits=lambda _f, _p: Exits(number, number))
    guard = StrategyGuard()
    (verdict, _) = answers(strategy, guard)["quiet"]
    assert not guard.disabled
    assert type(verdict.gates[0].value) is float
    assert verdict.signal is not None
    assert type(verdict.signal.stop_price) is float
    assert type(verdict.signal.take_price) is float
