"""The engine while the map drifts: what is open is reduced or left, what rests is withdrawn, a replay answers alike."""

from decimal import Decimal
from typing import Any

import market_views as mv
import msgspec
import pytest
import risk_cases as rc

from liqbot.blocks import EventBlock, Roster
from liqbot.commands import CancelOrder, PlaceOrder, Purpose
from liqbot.engine import Engine, Step
from liqbot.events import Fill, LeverageConfirmed, OrderAccepted
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side
from liqbot.market.params import MarketParams
from liqbot.risk.decision import Approved
from liqbot.risk.limits import RiskLimits
from liqbot.signals.registry import signal_model

VENUE = "bybit"
INSTRUMENT = msgspec.structs.replace(rc.INSTRUMENT, venue=VENUE)
LIQUIDATION = 46_000.0
QUIET = msgspec.structs.replace(mv.a_view(), map=mv.a_map(1e3, 1e3))
CROWDED = mv.with_mass(QUIET, Side.LONG, LIQUIDATION - 900, LIQUIDATION + 900, 1e9)
WILD = msgspec.structs.replace(QUIET, range_pct=60.0)


class House:
    """Sees one view after another, whatever the market made of the facts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
        self.view, self.second = QUIET, 0
        self.blocks: list[tuple[mv.MarketView, EventBlock]] = []
        self.engine = Engine(
            roster=Roster((VENUE,), (rc.COIN,)), journal_id="abcdef", instruments={rc.COIN: INSTRUMENT},
            trade_venue=VENUE, market=MarketParams(), signals=signal_model()(), limits=RiskLimits(**limits),
            execution=ExecutionParams(),
        )  # fmt: skip
        monkeypatch.setattr(self.engine.market, "on_tick", self.seen)
        self.say(rc.balance(100_000, venue=VENUE), rc.reconciled(venue=VENUE))
        self.say(LeverageConfirmed(time_ms=rc.NOW_MS, venue=VENUE, coin=rc.COIN, leverage=3.0, isolated=True))

    def seen(self, time_ms: int, _lag_ms: int) -> tuple[mv.MarketView, ...]:
        return (msgspec.structs.replace(self.view, time_ms=time_ms),)

    @property
    def here(self) -> dict[str, Any]:
        return {"time_ms": rc.NOW_MS + 1_000 * self.second, "venue": VENUE, "coin": rc.COIN}

    def say(self, *facts: Any) -> Step:
        self.second += 1
        block = EventBlock(facts=facts, tick_ms=rc.NOW_MS + 1_000 * self.second)
        self.blocks.append((self.view, block))
        return self.engine.on_block(block)

    def sees(self, view: mv.MarketView) -> Step:
        self.view = view
        return self.say()

    def enters(self, limit_price: str | None = None) -> PlaceOrder:
        target = rc.a_target(
            venue=VENUE, quantity="0.6", liquidation_price=Decimal(str(LIQUIDATION)), expires_ms=rc.NOW_MS + 10**7,
            limit_price=None if limit_price is None else Decimal(limit_price), exit_by_ms=rc.NOW_MS + 10**7,
        )
        self.engine.order_manager.adopt(Approved(target))
        (entry,) = self.say().commands
        self.say(OrderAccepted(**self.here, client_id=entry.client_id, venue_order_id="1"))
        return entry

    def fills(self, entry: PlaceOrder) -> Step:
        return self.say(Fill(
            **self.here, client_id=entry.client_id, fill_id="f1", side=entry.side, reduces=False, price=Decimal(65_536),
            quantity_base=entry.quantity_base, fee=Decimal(1),
        ))  # fmt: skip


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    return House(monkeypatch)


def codes(step: Step) -> list[str]:
    return [one.target.reason.split(":")[0] for one in step.decisions if isinstance(one, Approved)]


def test_a_position_at_whose_liquidation_price_the_map_has_come_to_be_dense_is_reduced_once(house: House) -> None:
    house.fills(house.enters())
    assert not house.sees(QUIET).decisions
    step = house.sees(CROWDED)
    assert codes(step) == ["MAP_DRIFTED"]
    (exit_,) = [one for one in step.commands if isinstance(one, PlaceOrder) and one.purpose is Purpose.EXIT]
    left_base = Decimal("0.6") - exit_.quantity_base
    loss_usd = left_base * (Decimal(65_536) - Decimal(str(LIQUIDATION)))
    assert exit_.reduce_only
    assert loss_usd == pytest.approx(Decimal(100_000) * Decimal("0.05"), rel=Decimal("0.01"))
    assert not codes(house.sees(CROWDED)), "the same drift reduces once"


def test_a_position_that_price_is_likely_to_liquidate_in_its_time_is_left(house: House) -> None:
    house.fills(house.enters())
    assert codes(house.sees(WILD)) == ["LIQUIDATION_LIKELY"]
    target = house.engine.order_manager.target(VENUE, rc.COIN)
    assert target is not None
    assert target.quantity_base == 0


def test_a_resting_entry_is_withdrawn_where_the_map_has_come_to_be_dense(house: House) -> None:
    entry = house.enters("65000")
    assert entry.limit_price == 65_000
    assert not house.sees(QUIET).commands
    assert CancelOrder(entry.client_id, VENUE, rc.COIN) in house.sees(CROWDED).commands


def test_a_resting_entry_is_withdrawn_when_a_blackout_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are counted from 15:06:40."""
    house = House(monkeypatch, blackouts=("15:07-15:08",))
    entry = house.enters("65000")
    sent = [command for _ in range(30) for command in house.say().commands]
    assert sent[:1] == [CancelOrder(entry.client_id, VENUE, rc.COIN)]


def test_the_same_views_and_facts_give_the_same_steps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fills(house.enters())
    house.sees(QUIET)
    house.sees(CROWDED)
    house.sees(WILD)
    twin = House(monkeypatch)
    steps = []
    for view, block in house.blocks[2:]:
        twin.view = view
        if len(steps) == 0:
            twin.engine.order_manager.adopt(Approved(rc.a_target(
                venue=VENUE, quantity="0.6", liquidation_price=Decimal(str(LIQUIDATION)), expires_ms=rc.NOW_MS + 10**7,
                exit_by_ms=rc.NOW_MS + 10**7,
            )))  # fmt: skip
        steps.append(twin.engine.on_block(block))
    assert twin.engine.snapshot() == house.engine.snapshot()
    assert codes(steps[-1]) == ["LIQUIDATION_LIKELY"]
