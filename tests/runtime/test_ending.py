"""The ending as a pure decision: when it waits, when it gives up protecting and closes, and when it is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_house import BTC, KEY, D, order, target

from liqbot import events
from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, PlaceOrder, Purpose, SetLeverage
from liqbot.events import HaltCode
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side
from liqbot.risk.account import Account
from liqbot.risk.decision import Approved
from liqbot.risk.limits import RiskLimits
from liqbot.runtime import step as rule
from liqbot.runtime.ending import (
    ENDING_S_MAX,
    FLATTEN_AFTER_S,
    QUIET_S,
    EndingAct,
    EndingDecision,
    Unsettled,
    unsettled,
)

SETTLED, NAKED = Unsettled(), Unsettled(naked=("long 1 BTC",))
BUSY, UNKNOWN = Unsettled(under_way=("a stop",)), Unsettled(unknown=("an entry",))
ANY = st.sampled_from([SETTLED, NAKED, BUSY, UNKNOWN])


def acts(*seen: tuple[float, Unsettled], market_over: bool = False) -> list[EndingAct]:
    ending = EndingDecision(100.0, market_over=market_over)
    return [ending.next(100.0 + after_s, left) for after_s, left in seen]


@given(st.lists(st.tuples(st.floats(0, 60), ANY)))
def test_it_is_bounded_and_over_only_when_settled_or_late(seen: list[tuple[float, Unsettled]]) -> None:
    seen = sorted(seen, key=lambda one: one[0])
    found = acts(*seen)
    for (after_s, left), act in zip(seen, found, strict=True):
        assert (act is EndingAct.OVER) == (left.settled or 100.0 + after_s >= 100.0 + ENDING_S_MAX)
        if act is EndingAct.FLATTEN:
            assert left.naked
            assert after_s >= FLATTEN_AFTER_S - 1e-6
    assert found.count(EndingAct.FLATTEN) <= 1


def test_what_cannot_be_protected_is_closed_once_and_waited_for() -> None:
    assert acts((1, NAKED), (FLATTEN_AFTER_S, NAKED), (FLATTEN_AFTER_S + 1, NAKED), (20, SETTLED)) == [
        EndingAct.WAIT, EndingAct.FLATTEN, EndingAct.WAIT, EndingAct.OVER,
    ]


def test_a_second_signal_ends_it_at_once() -> None:
    ending = EndingDecision(0.0)
    assert ending.next(0.1, NAKED) is EndingAct.WAIT
    ending.hurry()
    assert ending.next(0.2, NAKED) is EndingAct.OVER


def test_where_the_market_is_over_only_answers_are_waited_for() -> None:
    assert acts((QUIET_S - 1, NAKED), (QUIET_S, NAKED), market_over=True) == [EndingAct.WAIT, EndingAct.OVER]


# --- what is not settled ----------------------------------------------------------------------------------------------


class AccountAndOrders:
    """Account and order manager, without anything above."""

    def __init__(self) -> None:
        self.account = Account(RiskLimits())
        self.order_manager = OrderManager((BTC,), ExecutionParams(), "end001")

    def tell(self, kind: type, client_id: str = "", **fields: object) -> None:
        names = {"client_id": client_id} if client_id else {}
        fact = kind(time_ms=2_000, venue=KEY[0], coin=KEY[1], **names, **fields)
        if self.account.on_fact(fact):
            self.order_manager.on_fact(fact)

    def sent(self) -> list[PlaceOrder]:
        commands = self.order_manager.commands(2_000, self.account.positions)
        return [one for one in commands if isinstance(one, PlaceOrder)]

    def left(self) -> Unsettled:
        return unsettled(self)  # type: ignore[arg-type]


def test_from_the_entry_to_the_confirmed_stop_it_is_unsettled() -> None:
    house = AccountAndOrders()
    assert house.left().settled
    house.order_manager.adopt(Approved(target(take="110")))
    assert house.left().under_way == ("BTC/USDT:USDT on binance: an entry that was not sent",)
    house.tell(events.LeverageConfirmed, leverage=5.0, isolated=True)
    (entry,) = house.sent()
    assert house.left().unknown
    house.tell(
        events.Fill, entry.client_id, fill_id="1", side=Side.LONG, reduces=False, price=D(100),
        quantity_base=entry.quantity_base, fee=D(0),
    )
    stop, take = house.sent()
    found = house.left()
    assert found.open == found.naked
    assert "long 0.1 BTC/USDT:USDT on binance, 0 of it under confirmed stops" in found.naked
    house.tell(events.OrderAccepted, take.client_id, venue_order_id="2")
    house.tell(events.OrderAccepted, stop.client_id, venue_order_id="1")
    assert house.left().settled, "a stop and a take at rest are what shall be left"
    assert not unsettled(house, account_read=False).settled  # type: ignore[arg-type]


def test_a_resting_entry_is_withdrawn_by_the_fact() -> None:
    house = AccountAndOrders()
    house.order_manager.adopt(Approved(target(limit="95")))
    house.tell(events.LeverageConfirmed, leverage=5.0, isolated=True)
    (entry,) = house.sent()
    house.tell(events.OrderAccepted, entry.client_id, venue_order_id="1")
    assert house.account.on_fact(events.Ending(time_ms=2_000, reason="signal"))
    assert (house.account.halted, house.account.halt_code) == ("signal", HaltCode.ENDING)
    house.order_manager.cancel_entry()
    assert house.order_manager.commands(2_000, ()) == (CancelOrder(entry.client_id, *KEY),)
    assert not house.left().settled
    house.tell(events.OrderCancelled, entry.client_id)
    assert house.left().settled


def test_the_next_process_knows_nothing_of_it_and_an_older_halt_stays() -> None:
    account = Account(RiskLimits())
    account.on_fact(events.Halt(time_ms=1, reason="our stop", code=HaltCode.STOP_MISPLACED))
    account.on_fact(events.Ending(time_ms=2, reason="signal"))
    assert account.halt_code is HaltCode.STOP_MISPLACED
    opened = events.JournalOpened(time_ms=3, journal_id="abcdef", mode="paper", venues=(KEY[0],), coins=(KEY[1],))
    account.on_fact(events.Resume(time_ms=2, reason="by hand"))
    assert account.halted == "signal", "nobody resumes a process that ends"
    account.on_fact(opened)
    assert account.halted == ""


# --- what waits for the disk ------------------------------------------------------------------------------------------


class Decided:
    """An engine that decides what it is given."""

    def __init__(self, *commands: object) -> None:
        self._commands = commands

    def on_block(self, block: EventBlock) -> rule.Step:
        return rule.Step(1, block.tick_ms or 0, commands=self._commands)  # type: ignore[arg-type]

    def leave_unrecorded(self, block: EventBlock, step: rule.Step) -> None:
        """Nobody asks."""


@pytest.mark.parametrize("durable", [True, False])
def test_an_entry_that_waits_for_the_disk_is_given_up_and_a_stop_is_not(durable: bool) -> None:
    entry, stop = order("e1", Purpose.ENTRY), order("s1", Purpose.STOP, trigger="98")
    ahead = rule.WriteAhead(Decided(SetLeverage(*KEY, 3), entry, stop), wait_ms=1_000)
    taking = ahead.take(EventBlock(tick_ms=1_000), 0)
    for answer in (None, 1, True):
        taking.send(answer)
    with pytest.raises(StopIteration):
        taking.send(None)
    assert ahead.steps_waiting == 1
    ahead.enter_nothing()
    requests = ahead.durable(1) if durable else ahead.not_durable(1)
    (sent,) = [one.commands for one in requests if isinstance(one, rule.SendCommands)]
    (told,) = [one.facts for one in requests if isinstance(one, rule.ReportFacts)]
    assert sent == (stop,)
    assert [fact.client_id for fact in told] == ["e1"]
