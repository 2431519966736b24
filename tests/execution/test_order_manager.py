"""The order manager on the paper exchange: from a wish to a protected position and out again, one story each."""

import msgspec
import pytest
from paper_house import BTC, KEY, SPAN_MS, D
from paper_story import RESTS, T0, Story

from liqbot import events
from liqbot.commands import CancelOrder, OrderKind, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side
from liqbot.risk.decision import Refusal, Refused


def test_leverage_first_then_the_entry_then_stop_and_take():
    story = Story()
    story.wish(take="110")
    assert story.commands == [SetLeverage(*KEY, 5)]
    assert story.order_manager.entry_in_flight(*KEY)
    story.bar(100.0)
    assert story.purposes() == [Purpose.ENTRY, Purpose.STOP, Purpose.TAKE]
    assert story.held == D("0.1")
    assert {Purpose.STOP, Purpose.TAKE} == set(story.resting)
    stop = story.resting[Purpose.STOP]
    assert (stop.kind, stop.trigger_price, stop.quantity_base, stop.reduce_only) == (
        OrderKind.STOP_MARKET, D(98), D("0.1"), True,
    )
    assert not story.order_manager.entry_in_flight(*KEY)


def test_after_the_stop_it_is_over_and_never_enters_again():
    story = Story()
    story.wish(take="110")
    story.bar(100.0)
    story.bar(100.0, 100.0, 97.0, 99.0)
    for _ in range(5):
        story.bar(99.0)
    assert story.held is None
    assert story.resting == {}
    assert story.purposes().count(Purpose.ENTRY) == 1
    assert story.order_manager.target(*KEY) is None


def test_a_tighter_stop_is_placed_before_the_old_one_goes():
    story = Story()
    story.wish()
    story.bar(100.0)
    story.bar(110.0)
    story.wish(stop="105")
    story.bar(110.0)
    kinds = [(type(command), getattr(command, "trigger_price", None)) for command in story.commands[-2:]]
    assert kinds == [(PlaceOrder, D(105)), (CancelOrder, None)]
    assert story.resting[Purpose.STOP].trigger_price == D(105)
    assert len(story.exchange.accounts.entries.resting) == 1


def test_a_stop_that_the_market_has_passed_ends_in_an_exit():
    story = Story()
    story.wish()
    story.bar(100.0)
    story.wish(stop="103")
    story.bar(100.0)
    rejected = [fact.code for fact in story.of(events.OrderRejected)]
    assert rejected == ["WOULD_TRIGGER"] * 3
    assert story.held is None
    assert story.resting == {}
    assert story.purposes()[-1] is Purpose.EXIT


def test_an_exit_keeps_the_stop_until_flat():
    story = Story(latency_ms=2_000)
    story.wish(take="110")
    story.bar(100.0)
    assert story.held == D("0.1")
    story.wish(quantity="0", take="110")
    assert {Purpose.STOP, Purpose.TAKE} == set(story.resting)
    story.bar(100.0)
    assert story.held is None
    assert story.resting == {}
    ended = [fact for fact in story.facts if isinstance(fact, events.Fill | events.OrderCancelled)]
    # The exit was sent once the take was seen gone; the cancel of the stop only after the exit had filled.
    assert [fact.client_id[0] for fact in ended] == ["e", "t", "x", "s"]


def in_a_trade_with_a_take() -> Story:
    story, entry = silent_entry(take="110")
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    for order in story.placed[1:]:
        story.react((events.OrderAccepted(**head(order.client_id), venue_order_id=order.client_id),), T0)
    return story


def test_an_exit_waits_for_the_takes_but_not_for_ever():
    story = in_a_trade_with_a_take()
    stop, take = story.placed[1:]
    story.wish(quantity="0", take="110")
    assert story.commands[-1] == CancelOrder(take.client_id, *KEY)
    story.plan(T0 + 999)
    assert Purpose.EXIT not in story.purposes()
    story.plan(T0 + 1_000)
    assert story.purposes()[-1] is Purpose.EXIT
    assert CancelOrder(stop.client_id, *KEY) not in story.commands, "the stop stays while anything is held"


def test_a_take_seen_gone_lets_the_exit_leave_at_once():
    story = in_a_trade_with_a_take()
    take = story.placed[2]
    story.wish(quantity="0", take="110")
    story.react((events.OrderCancelled(**head(take.client_id)),), T0)
    assert story.purposes()[-1] is Purpose.EXIT


def test_without_a_stop_an_exit_waits_for_no_take():
    story = in_a_trade_with_a_take()
    stop, take = story.placed[1:]
    story.wish(quantity="0", take="110")
    story.react((events.OrderCancelled(**head(stop.client_id)),), T0)
    assert Purpose.EXIT in story.purposes()
    assert CancelOrder(take.client_id, *KEY) in story.commands


def test_a_part_of_the_position_can_be_given_up():
    story = Story()
    story.wish(quantity="0.3", take="110")
    story.bar(100.0)
    story.wish(quantity="0.1", take="110")
    story.bar(100.0)
    assert story.held == D("0.1")
    assert [command.quantity_base for command in story.placed if command.purpose is Purpose.EXIT] == [D("0.2")]
    assert story.resting[Purpose.STOP].quantity_base == D("0.1")
    story.bar(100.0)
    assert {purpose: one.quantity_base for purpose, one in story.resting.items()} == {
        Purpose.STOP: D("0.1"), Purpose.TAKE: D("0.1"),
    }
    assert not story.of(events.OrderRejected)


def test_an_entry_that_is_not_filled_in_time_is_withdrawn():
    story = Story(venue=RESTS)
    story.wish(limit="95", expires_ms=T0 + 2 * SPAN_MS)
    story.bar(100.0)
    assert Purpose.ENTRY in story.resting
    story.bar(100.0)
    story.bar(100.0)
    assert story.resting == {}
    story.bar(90.0)
    assert story.held is None
    assert story.order_manager.target(*story.key) is None
    assert not story.order_manager.entry_in_flight(*story.key)


def test_an_entry_that_expires_before_it_could_be_sent_is_never_sent():
    story = Story(latency_ms=5_000)
    story.wish(expires_ms=T0 + 1_000)
    story.bar(100.0)
    assert story.placed == []
    assert story.order_manager.target(*KEY) is None


def test_leverage_that_is_never_confirmed_gives_the_entry_up():
    story = Story()
    story.wish(leverage=500)
    for _ in range(5):
        story.bar(100.0)
    assert story.commands == [SetLeverage(*KEY, 500)] * 3
    assert story.order_manager.target(*KEY) is None


@pytest.mark.parametrize("fact", [events.Halt(time_ms=T0, reason="x"), events.Flatten(time_ms=T0, reason="x")])
def test_a_halt_withdraws_resting_entries(fact):
    story = Story(venue=RESTS)
    story.wish(limit="95")
    story.bar(100.0)
    story.order_manager.on_fact(fact)
    story.act(story.now_ms)
    story.bar(100.0)
    assert story.resting == {}
    story.bar(90.0)
    assert story.held is None


def test_flatten_closes_what_is_open():
    story = Story()
    story.wish()
    story.bar(100.0)
    story.order_manager.on_fact(events.Flatten(time_ms=story.now_ms, reason="enough"))
    story.act(story.now_ms)
    assert "flatten" in story.order_manager.closing(*KEY)
    story.bar(100.0)
    assert (story.held, story.resting) == (None, {})


def test_only_what_risk_approved_is_adopted():
    order_manager = Story().order_manager
    with pytest.raises(TypeError, match="Approved"):
        order_manager.adopt(Refused(1, Refusal.HALTED, "halted"))
    with pytest.raises(KeyError, match="not traded here"):
        order_manager.target("okx", "BTC")


def test_orders_of_others_are_counted_not_followed():
    order_manager = OrderManager((BTC,), ExecutionParams(), "test01")
    for number in range(300):
        fact = events.OrderAccepted(time_ms=1, venue=KEY[0], coin=KEY[1], client_id=f"web{number}", venue_order_id="1")
        order_manager.on_fact(fact)
        order_manager.on_fact(fact)
    assert order_manager.foreign_orders_seen == 300
    assert order_manager.foreign_orders[-1] == "web299"
    assert len(order_manager.foreign_orders) == 100
    assert order_manager.commands(1, ()) == ()


def head(client_id: str, time_ms: int = T0) -> dict:
    return {"time_ms": time_ms, "venue": KEY[0], "coin": KEY[1], "client_id": client_id}


def silent_entry(take: str | None = None) -> tuple[Story, str]:
    """An entry was sent and nothing is heard of it: the exchange of this story is never advanced again."""
    story = Story()
    confirmed = events.LeverageConfirmed(time_ms=T0, venue=KEY[0], coin=KEY[1], leverage=5.0, isolated=True)
    story.order_manager.on_fact(confirmed)
    story.wish(take=take)
    return story, story.placed[0].client_id


def test_silence_is_asked_about_and_never_answered_by_sending_again():
    story, client_id = silent_entry()
    for second in range(400):
        story.plan(T0 + second * 1_000)
    asked = [command for command in story.commands if isinstance(command, QueryOrder)]
    assert len(story.placed) == 1
    assert {command.client_id for command in asked} == {client_id}
    assert 5 <= len(asked) <= 12, "questions are spaced out"
    assert story.order_manager.entry_in_flight(*KEY)
    story.react((events.OrderMissing(**head(client_id, T0 + 400_000)),), T0 + 400_000)
    assert not story.order_manager.entry_in_flight(*KEY)
    assert len(story.placed) == 1


def entry_fill(client_id: str, number: int, quantity: str, time_ms: int = T0) -> events.Fill:
    return events.Fill(
        **head(client_id, time_ms), fill_id=f"f{number}", side=Side.LONG, reduces=False, price=D(100),
        quantity_base=D(quantity), fee=D(0),
    )


def test_the_stop_follows_what_has_filled():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.04"),), T0)
    (stop,) = [command for command in story.placed if command.purpose is Purpose.STOP]
    assert stop.quantity_base == D("0.04")
    story.react((entry_fill(entry, 2, "0.01"),), T0)
    assert len(story.placed) == 2, "the next stop waits for word of the first"
    story.react((events.OrderAccepted(**head(stop.client_id), venue_order_id="2"),), T0)
    second = story.placed[-1]
    assert (second.purpose, second.quantity_base) == (Purpose.STOP, D("0.05"))
    story.react((events.OrderAccepted(**head(second.client_id), venue_order_id="3"),), T0)
    assert story.commands[-1] == CancelOrder(stop.client_id, *KEY)


def test_a_position_that_stays_unprotected_is_closed():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    story.plan(T0 + 5_000)
    assert Purpose.EXIT not in story.purposes()
    story.plan(T0 + 5_001)
    assert story.purposes()[-1] is Purpose.EXIT
    assert "no confirmed stop" in story.order_manager.closing(*KEY)


def test_a_stop_that_vanishes_is_replaced_and_three_are_the_end():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    for number in range(3):
        stop = story.placed[-1]
        assert stop.purpose is Purpose.STOP
        story.react((events.OrderAccepted(**head(stop.client_id), venue_order_id=str(number)),), T0)
        story.react((events.OrderCancelled(**head(stop.client_id)),), T0)
    assert story.purposes()[-1] is Purpose.EXIT
    assert "stop failed 3 times" in story.order_manager.closing(*KEY)


def test_an_exit_that_fails_is_tried_again_with_patience_but_for_ever():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    story.wish(quantity="0")
    now_ms = T0
    for _ in range(8):
        failed = story.placed[-1]
        assert failed.purpose is Purpose.EXIT
        refused = events.OrderRejected(**head(failed.client_id, now_ms), code="BUSY", reason="busy")
        assert not [one for one in story.react((refused,), now_ms) if isinstance(one, PlaceOrder)]
        now_ms += 40_000
        story.plan(now_ms)
    assert story.placed[-1] is not failed


@pytest.mark.parametrize("covered", [False, True])
def test_without_a_stop_the_patience_between_exits_is_bounded(covered: bool):
    """A venue that is back after a long maintenance does not say so."""
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    stop = story.placed[-1].client_id
    if covered:
        story.react((events.OrderAccepted(**head(stop), venue_order_id="2"),), T0)
    else:
        story.react((events.OrderRejected(**head(stop), code="MAINTENANCE", reason="away"),), T0)
    story.wish(quantity="0")
    now_ms, half_ms = T0, ExecutionParams().unprotected_ms_max // 2
    sent = []
    for _ in range(40):
        for failed in [one for one in story.placed if one.client_id not in {*sent, entry, stop}]:
            sent.append(failed.client_id)
            refused = events.OrderRejected(**head(failed.client_id, now_ms), code="MAINTENANCE", reason="away")
            story.react((refused,), now_ms)
        now_ms += half_ms
        before = len(story.placed)
        story.plan(now_ms)
        exits = [one for one in story.placed[before:] if one.purpose is Purpose.EXIT]
    assert bool(exits) is not covered


def test_a_late_fill_after_the_end_is_protected_and_closed():
    story, entry = silent_entry()
    story.react((events.OrderRejected(**head(entry), code="X", reason="x"),), T0)
    assert story.order_manager.target(*KEY) is None
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    assert story.purposes()[-2:] == [Purpose.STOP, Purpose.EXIT]
    assert "late fill" in story.order_manager.closing(*KEY)


def test_an_old_stop_is_gone_before_the_next_entry_goes_out():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    stop = story.placed[-1].client_id
    story.react((events.OrderAccepted(**head(stop), venue_order_id="2"),), T0)
    closed = events.PositionLiquidated(
        time_ms=T0, venue=KEY[0], coin=KEY[1], side=Side.LONG, price=D(80), quantity_base=D("0.1"), fee=D(0)
    )
    story.react((closed,), T0)
    assert story.commands[-1] == CancelOrder(stop, *KEY)
    story.wish(2)
    assert story.purposes() == [Purpose.ENTRY, Purpose.STOP]
    story.react((events.OrderCancelled(**head(stop)),), T0)
    assert story.purposes() == [Purpose.ENTRY, Purpose.STOP, Purpose.ENTRY]


def test_an_old_stop_whose_cancel_was_asked_for_holds_no_new_one_back():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    old = story.placed[-1].client_id
    story.react((events.OrderAccepted(**head(old), venue_order_id="2"),), T0)
    story.wish(stop="99")
    story.plan(T0)
    new = story.placed[-1].client_id
    story.react((events.OrderAccepted(**head(new), venue_order_id="3"),), T0)
    assert story.commands[-1] == CancelOrder(old, *KEY)
    later = T0 + 4_000
    story.plan(later)
    assert story.commands[-1] == QueryOrder(old, *KEY), "nothing was heard of the cancel"
    story.react((events.OrderCancelled(**head(new, later)),), later)
    assert story.placed[-1].purpose is Purpose.STOP
    assert story.placed[-1].client_id not in {old, new}


def test_a_reconciliation_that_does_not_mention_the_stop_raises_a_question():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.1"),), T0)
    stop = story.placed[-1].client_id
    story.react((events.OrderAccepted(**head(stop), venue_order_id="2"),), T0)
    later = T0 + 60_000
    story.react((events.Reconciled(time_ms=later, venue=KEY[0], coin=KEY[1]),), later)
    assert story.commands[-1] == QueryOrder(stop, *KEY)
    story.react((events.OrderMissing(**head(stop, later)),), later)
    assert story.placed[-1].purpose is Purpose.STOP
    assert story.placed[-1].client_id != stop


def test_state_goes_through_msgpack_and_back():
    story, entry = silent_entry()
    story.react((entry_fill(entry, 1, "0.04"),), T0)
    packed = msgspec.msgpack.encode(story.order_manager.state())
    twin = OrderManager((BTC,), ExecutionParams(), "test01")
    twin.load_state(msgspec.msgpack.decode(packed))
    assert msgspec.msgpack.encode(twin.state()) == packed
    positions = story.account.positions
    assert twin.commands(T0 + 9_000, positions) == story.order_manager.commands(T0 + 9_000, positions) != ()
    with pytest.raises(ValueError, match="of journal test01"):
        OrderManager((BTC,), ExecutionParams(), "other1").load_state(msgspec.msgpack.decode(packed))
