"""The order manager when it cannot know: a new process, a dark account, a venue that answers again, others' orders."""

import msgspec
import pytest
from paper_house import BTC, COIN, KEY, VENUE, D, order, target

from liqbot import events
from liqbot.accounting.positions import Position
from liqbot.commands import CancelOrder, PlaceOrder, Purpose, QueryOrder, SetLeverage, adds_risk
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side
from liqbot.risk.account import ACCOUNT_FEED
from liqbot.risk.decision import Approved

WHERE = {"venue": VENUE, "coin": COIN}
OPENED = events.JournalOpened(time_ms=2_000, journal_id="abcdef", mode="paper", venues=(VENUE,), coins=(COIN,))
DARK = events.FeedDown(time_ms=2_000, **WHERE, feed=ACCOUNT_FEED, reason="cut")


def manager_with_a_wish() -> OrderManager:
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    manager.adopt(Approved(target()))
    (asked,) = manager.commands(1_000, ())
    assert isinstance(asked, SetLeverage)
    return manager


@pytest.mark.parametrize("fact", [OPENED, DARK], ids=["new process", "account dark"])
def test_an_entry_that_was_not_sent_is_not_sent_by_one_who_has_not_read_the_account(fact):
    manager = manager_with_a_wish()
    manager.on_fact(fact)
    manager.on_fact(events.LeverageConfirmed(time_ms=2_100, **WHERE, leverage=5.0, isolated=True))
    assert manager.commands(2_100, ()) == ()
    assert not manager.entry_in_flight(*KEY)


def test_a_feed_of_prices_going_down_is_no_reason_to_take_an_entry_back():
    manager = manager_with_a_wish()
    manager.on_fact(events.FeedDown(time_ms=2_000, **WHERE, feed="trades", reason="cut"))
    manager.on_fact(events.LeverageConfirmed(time_ms=2_100, **WHERE, leverage=5.0, isolated=True))
    (entry,) = manager.commands(2_100, ())
    assert adds_risk(entry)


def test_after_a_reading_what_was_silent_for_long_is_asked_about_at_once():
    manager = manager_with_a_wish()
    manager.on_fact(events.LeverageConfirmed(time_ms=1_100, **WHERE, leverage=5.0, isolated=True))
    (entry,) = manager.commands(1_100, ())
    assert isinstance(entry, PlaceOrder)
    now_ms, asked = 1_100, 0
    while asked < 5:
        now_ms += 1_000
        asked += sum(isinstance(command, QueryOrder) for command in manager.commands(now_ms, ()))
    assert manager.commands(now_ms + 10_000, ()) == (), "patience has grown"
    manager.on_fact(events.Reconciled(time_ms=now_ms + 10_500, **WHERE))
    assert manager.commands(now_ms + 10_500, ()) == (QueryOrder(entry.client_id, VENUE, COIN),)


def test_orders_of_others_are_known_until_a_reading_no_longer_names_them():
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    named = {**WHERE, "client_id": "web-1", "venue_order_id": "7"}
    manager.on_fact(events.OrderAccepted(time_ms=1_000, **named))
    manager.on_fact(events.Reconciled(time_ms=1_000, **WHERE))
    assert manager.foreign_resting(*KEY) == 1
    again = OrderManager((BTC,), ExecutionParams(), "abcdef")
    again.load_state(manager.state())
    assert again.foreign_resting(*KEY) == 1
    manager.on_fact(events.Reconciled(time_ms=60_000, **WHERE))
    assert manager.foreign_resting(*KEY) == 0


def test_a_foreign_order_that_is_cancelled_no_longer_counts():
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    manager.on_fact(events.OrderAccepted(time_ms=1_000, **WHERE, client_id="web-1", venue_order_id="7"))
    manager.on_fact(events.OrderCancelled(time_ms=2_000, **WHERE, client_id="web-1"))
    assert manager.foreign_resting(*KEY) == 0


def test_the_late_fill_of_an_earlier_stop_does_not_end_the_trade_of_today():
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    manager.adopt(Approved(target(2)))
    old_stop = order("sabcdef00000001", Purpose.STOP, trigger="98")
    book = manager.book(*KEY)
    book.register(old_stop, 500)
    manager.on_fact(
        events.Fill(
            time_ms=900, **WHERE, client_id=old_stop.client_id, fill_id="1-1", side=Side.LONG, reduces=True,
            price=D(98), quantity_base=D("0.1"), fee=D(0),
        )
    )
    assert book.pending(), "the entry of decision 2 is still to be sent"
    assert book.own_base == 0


def _stops(commands):
    return [one for one in commands if isinstance(one, PlaceOrder) and one.purpose is Purpose.STOP]


def a_fill(entry, time_ms):
    return events.Fill(
        time_ms=time_ms, **WHERE, client_id=entry.client_id, fill_id="e-1", side=entry.side, reduces=False,
        price=D(100), quantity_base=entry.quantity_base, fee=D(0),
    )


def held():
    return Position(VENUE, COIN, target().side, target().quantity_base, D(100), opened_ms=1_200, leverage=5.0)


def _protected_manager():
    """Its entry has filled; its stop is still to be placed."""
    manager = manager_with_a_wish()
    manager.on_fact(events.LeverageConfirmed(time_ms=1_100, **WHERE, leverage=5.0, isolated=True))
    (entry,) = manager.commands(1_100, ())
    manager.on_fact(a_fill(entry, 1_200))
    return manager


def test_ids_that_a_dead_process_used_unrecorded_are_not_used_again():
    recorded = _protected_manager().state()
    lives = []
    for start_ms in (50_000, 60_000):
        manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
        manager.load_state(recorded)  # what the first of them did was never written
        manager.on_fact(msgspec.structs.replace(OPENED, time_ms=start_ms))
        lives.append({stop.client_id for stop in _stops(manager.commands(start_ms, (held(),)))})
    assert all(lives)
    assert not lives[0] & lives[1]


def test_what_a_dead_process_left_unrecorded_is_cancelled_once_another_stop_rests():
    before = _protected_manager()
    recorded = before.state()
    (left,) = _stops(before.commands(1_300, (held(),)))
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    manager.load_state(recorded)
    manager.on_fact(OPENED)
    manager.on_fact(events.OrderAccepted(time_ms=2_000, **WHERE, client_id=left.client_id, venue_order_id="9"))
    commands = manager.commands(2_000, (held(),))
    (stop,) = _stops(commands)
    cancel = CancelOrder(left.client_id, VENUE, COIN)
    assert cancel not in commands
    assert manager.foreign_resting(*KEY) == 1, "no entry beside it"
    manager.on_fact(events.OrderAccepted(time_ms=2_100, **WHERE, client_id=stop.client_id, venue_order_id="10"))
    assert cancel in manager.commands(2_100, (held(),))
    assert cancel not in manager.commands(2_200, (held(),))
    manager.on_fact(events.OrderCancelled(time_ms=2_300, **WHERE, client_id=left.client_id))
    assert manager.foreign_resting(*KEY) == 0
    assert cancel not in manager.commands(20_000, (held(),))


@pytest.mark.parametrize("fact", [OPENED, DARK], ids=["new process", "account dark"])
def test_what_the_first_reading_does_not_name_is_asked_about_however_lately_it_was_heard_of(fact):
    """The news that a stop vanished dies with the process, or with the stream; every reading is made after that."""
    at_ms, manager = 5_000, manager_with_a_wish()
    manager.on_fact(events.LeverageConfirmed(time_ms=1_100, **WHERE, leverage=5.0, isolated=True))
    (entry,) = manager.commands(1_100, ())
    manager.on_fact(events.OrderAccepted(time_ms=at_ms - 1, **WHERE, client_id=entry.client_id, venue_order_id="1"))
    manager.on_fact(msgspec.structs.replace(fact, time_ms=at_ms))
    manager.on_fact(events.Reconciled(time_ms=at_ms + 1, **WHERE))
    assert manager.commands(at_ms + 1, ()) == (QueryOrder(entry.client_id, VENUE, COIN),)


def test_a_stop_that_nobody_answers_for_is_asked_about_as_soon_as_its_fate_is_certain():
    """Every second: patience that doubles would find out too late that it never came."""
    params, manager = ExecutionParams(), _protected_manager()
    (stop,) = _stops(manager.commands(1_300, (held(),)))
    asked_ms = [
        now_ms for now_ms in range(2_300, 1_300 + params.unprotected_ms_max + 1, 1_000)
        if QueryOrder(stop.client_id, VENUE, COIN) in manager.commands(now_ms, (held(),))
    ]
    assert asked_ms == [4_300, 5_300, 6_300], "first when it has been silent for long"
    later_ms = [
        now_ms for now_ms in range(7_300, 20_000, 1_000)
        if QueryOrder(stop.client_id, VENUE, COIN) in manager.commands(now_ms, (held(),))
    ]
    assert len(later_ms) <= 2, "then patience grows as for any other order"


@pytest.mark.parametrize("away_s", [5, 12, 20, 30])
def test_after_an_absence_of_the_venue_one_more_stop_is_sent_at_once(away_s):
    """Whatever was sent meanwhile may still arrive, for half a minute on some venues: nobody waits until it cannot."""
    params, manager = ExecutionParams(), _protected_manager()
    manager.book(*KEY).lost_stop_ms = 31_000
    back_ms = 1_300 + away_s * 1_000
    sent_ms = [now_ms for now_ms in range(1_300, back_ms, 1_000) if _stops(manager.commands(now_ms, (held(),)))]
    assert back_ms - sent_ms[-1] <= params.unknown_ms + 1_000
    seconds_ms = range(back_ms, back_ms + 5_000, 1_000)
    more_ms = [now_ms for now_ms in seconds_ms if _stops(manager.commands(now_ms, (held(),)))]
    assert more_ms[0] - back_ms <= params.unknown_ms


def test_a_stop_that_a_dead_process_sent_is_not_waited_for_once_the_account_was_read_without_it():
    before = _protected_manager()
    (sent,) = _stops(before.commands(1_300, (held(),)))
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    manager.load_state(before.state())
    manager.on_fact(msgspec.structs.replace(OPENED, time_ms=1_500))
    assert _stops(manager.commands(1_500, (held(),))) == [], "it may rest: the reading will say"
    manager.on_fact(events.Reconciled(time_ms=1_800, **WHERE))
    (stop,) = _stops(manager.commands(1_800, (held(),)))
    assert stop.client_id != sent.client_id
    # Both arrive after all: one goes, the other stays.
    for number, client_id in enumerate((sent.client_id, stop.client_id)):
        manager.on_fact(events.OrderAccepted(time_ms=1_900, **WHERE, client_id=client_id, venue_order_id=str(number)))
    assert manager.commands(2_000, (held(),)) == (CancelOrder(sent.client_id, VENUE, COIN),)


def test_a_stop_that_the_first_reading_names_is_kept():
    before = _protected_manager()
    (sent,) = _stops(before.commands(1_300, (held(),)))
    manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    manager.load_state(before.state())
    manager.on_fact(msgspec.structs.replace(OPENED, time_ms=1_500))
    manager.on_fact(events.OrderAccepted(time_ms=1_800, **WHERE, client_id=sent.client_id, venue_order_id="1"))
    manager.on_fact(events.Reconciled(time_ms=1_800, **WHERE))
    assert _stops(manager.commands(1_800, (held(),))) == []
