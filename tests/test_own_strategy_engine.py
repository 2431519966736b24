"""The engine with a user's strategy in it: a reported overrun disables its entries at the same record in every run."""

from decimal import Decimal

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from own_strategies import own_strategy

from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine, Step
from liqbot.events import Resume, StrategyDisabled
from liqbot.execution.params import ExecutionParams
from liqbot.market.params import MarketParams
from liqbot.risk.decision import Approved, Refusal
from liqbot.risk.limits import RiskLimits
from liqbot.signals.gates import GateSpec
from liqbot.signals.registry import SignalParams, signal_model
from liqbot.signals.verdict import SIGNAL, STRATEGY_FAILED

ALWAYS = own_strategy(gates=(GateSpec("always", (), lambda _f, _p: 1.0, ">=", 0.0),))
OFF = {name: {"enabled": False} for name in ("grab_reverse", "cascade", "funding_squeeze")}
OVERRUN = StrategyDisabled(time_ms=rc.NOW_MS, strategy="quiet", reason="a call took 900 ms")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Sees one market view at every tick, whatever the market made of the facts."""
    made = an_engine()
    monkeypatch.setattr(made.market, "on_tick", lambda time_ms, _lag_ms: (mv.a_view(time_ms=time_ms),))
    return made


def an_engine(signals: SignalParams | None = None) -> Engine:
    return Engine(
        roster=Roster((rc.VENUE,), (rc.COIN,)), journal_id="abcdef", instruments={rc.COIN: rc.INSTRUMENT},
        trade_venue=rc.VENUE, market=MarketParams(), signals=signals or signal_model((ALWAYS,))(**OFF),
        limits=RiskLimits(), execution=ExecutionParams(),
    )  # fmt: skip


def codes(step: Step) -> set[str]:
    return {verdict.code for verdict in step.verdicts if verdict.strategy == "quiet"}


def tick(engine: Engine, number: int, *facts: object) -> Step:
    return engine.on_block(EventBlock(facts=facts, tick_ms=rc.NOW_MS + 1_000 * number))


def test_an_overrun_ends_its_signals_until_it_is_resumed(engine: Engine) -> None:
    assert codes(tick(engine, 0)) == {SIGNAL}
    step = tick(engine, 1, OVERRUN)
    assert codes(step) == {STRATEGY_FAILED}
    assert {verdict.reason for verdict in step.verdicts if verdict.strategy == "quiet"} == {OVERRUN.reason}
    assert not step.decisions
    assert not codes(tick(engine, 2)), "said once"
    assert codes(tick(engine, 3, Resume(time_ms=rc.NOW_MS, reason="mended"))) == {SIGNAL}


def test_a_snapshot_keeps_it_disabled(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tick(engine, 0, OVERRUN)
    again = an_engine()
    again.restore(engine.snapshot())
    monkeypatch.setattr(again.market, "on_tick", lambda time_ms, _lag_ms: (mv.a_view(time_ms=time_ms),))
    assert tick(again, 1).encoded() == tick(engine, 1).encoded()
    assert dict(again.guard.disabled) == {"quiet": OVERRUN.reason}


def test_every_proposed_entry_has_a_verdict_of_avoid_liquidity_and_its_end_is_said(engine: Engine) -> None:
    step = tick(engine, 0, rc.balance(100_000), rc.reconciled())
    judged = [verdict for verdict in step.verdicts if verdict.strategy == "avoid_liquidity"]
    assert len(judged) == len(step.decisions) == 2, "a long and a short were proposed"
    assert all(verdict.gates[-1].name == "alternatives" for verdict in judged)
    assert not [one for one in tick(engine, 1).verdicts if one.strategy == "avoid_liquidity"]
    ended = [one for one in tick(engine, 2, OVERRUN).verdicts if one.strategy == "avoid_liquidity"]
    assert [one.code for one in ended] == ["NO_ENTRY"] * 2
    assert engine.account.equity_usd == Decimal(100_000)


def test_signals_of_two_strategies_for_opposite_sides_refuse_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A squeeze of shorts and a grab of shorts' liquidations want a long and a short at one tick: neither is entered,
    and either alone would be."""
    flush, squeeze = mv.mirrored(mv.grab_long()), mv.squeeze_long()
    both = msgspec.structs.replace(squeeze, above=msgspec.structs.replace(squeeze.above, sweep=flush.above.sweep))
    views = {"squeeze": squeeze, "grab": flush, "both": both}
    codes_of = {name: decisions(view, monkeypatch) for name, view in views.items()}
    assert codes_of == {
        "squeeze": {"APPROVED"}, "grab": {"APPROVED"}, "both": {Refusal.OPPOSING_SIGNAL},
    }  # fmt: skip


def decisions(view: mv.MarketView, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What a fresh house with the built-in strategies decides on a view."""
    made = an_engine(signal_model()())
    seen = msgspec.structs.replace(view, time_ms=rc.NOW_MS)
    monkeypatch.setattr(made.market, "on_tick", lambda _time_ms, _lag_ms: (seen,))
    step = tick(made, 0, rc.balance(100_000), rc.reconciled())
    return {"APPROVED" if isinstance(one, Approved) else one.code for one in step.decisions}
