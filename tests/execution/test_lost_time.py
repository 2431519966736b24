"""After time was lost nothing is judged by what is no longer known: the account is read first, within a bound."""

import pytest
from paper_house import BTC, COIN, KEY, VENUE, D, target

from liqbot import events
from liqbot.accounting.positions import Position
from liqbot.commands import CancelOrder, PlaceOrder, Purpose
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side
from liqbot.risk.account import CLOCK_FEED, UNREAD_MS_MAX, Account
from liqbot.risk.decision import Approved
from liqbot.risk.limits import RiskLimits

WHERE = {"venue": VENUE, "coin": COIN}
FILLED_MS, WOKEN_MS = 1_200, 41_200


def lost(time_ms=WOKEN_MS):
    return events.FeedDown(time_ms=time_ms, **WHERE, feed=CLOCK_FEED, reason="the process stood still for 40 s")


def fill(client_id, time_ms=FILLED_MS):
    return events.Fill(
        time_ms=time_ms, **WHERE, client_id=client_id, fill_id="1", side=Side.LONG, reduces=False, price=D(100),
        quantity_base=D("0.1"), fee=D(0), fee_currency="USDT", maker=False,
    )


def held():
    return Position(
        venue=VENUE, coin=COIN, side=Side.LONG, quantity_base=D("0.1"), entry_price=D(100), opened_ms=FILLED_MS
    )


def entering():
    """The order manager, and its entry on the way."""
    order_manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    order_manager.adopt(Approved(target()))
    order_manager.commands(1_000, ())
    order_manager.on_fact(events.LeverageConfirmed(time_ms=1_100, **WHERE, leverage=5.0, isolated=True))
    (entry,) = order_manager.commands(1_100, ())
    return order_manager, entry


def protecting():
    """The order manager, and the stop that it has sent for its position; nothing was heard of it."""
    order_manager, entry = entering()
    order_manager.on_fact(fill(entry.client_id))
    (stop,) = order_manager.commands(FILLED_MS, (held(),))
    assert stop.purpose is Purpose.STOP
    return order_manager, stop


def exits(commands):
    return [one for one in commands if isinstance(one, PlaceOrder) and one.purpose is Purpose.EXIT]


def rests(stop, time_ms):
    return events.OrderAccepted(time_ms=time_ms, **WHERE, client_id=stop.client_id, venue_order_id="9")


def test_a_stop_that_rests_unheard_keeps_its_position_over_a_long_sleep():
    order_manager, stop = protecting()
    order_manager.on_fact(lost())
    assert not exits(order_manager.commands(WOKEN_MS, (held(),)))
    assert not exits(order_manager.commands(WOKEN_MS + 3_000, (held(),)))
    for fact in (rests(stop, WOKEN_MS + 3_500), events.Reconciled(time_ms=WOKEN_MS + 3_500, **WHERE)):
        order_manager.on_fact(fact)
    for now_ms in range(WOKEN_MS + 3_500, WOKEN_MS + 30_000, 1_000):
        assert not exits(order_manager.commands(now_ms, (held(),)))


def test_without_word_that_time_was_lost_the_same_sleep_counts_as_naked():
    order_manager, _ = protecting()
    assert exits(order_manager.commands(WOKEN_MS, (held(),)))


def test_the_wait_for_a_reading_has_an_end():
    order_manager, _ = protecting()
    order_manager.on_fact(lost())
    found = []
    for now_ms in range(WOKEN_MS, WOKEN_MS + UNREAD_MS_MAX + 10_000, 1_000):
        found += [now_ms] * bool(exits(order_manager.commands(now_ms, (held(),))))
    assert found
    assert WOKEN_MS + UNREAD_MS_MAX <= found[0] <= WOKEN_MS + UNREAD_MS_MAX + 6_000


def test_a_position_without_any_stop_gets_one_before_the_account_is_read():
    order_manager, entry = entering()
    order_manager.on_fact(lost())
    order_manager.on_fact(fill(entry.client_id, WOKEN_MS))
    commands = order_manager.commands(WOKEN_MS, (held(),))
    assert [one.purpose for one in commands if isinstance(one, PlaceOrder)] == [Purpose.STOP]
    assert not [one for one in commands if isinstance(one, CancelOrder)]


def test_an_order_to_flatten_waits_for_no_reading():
    order_manager, stop = protecting()
    order_manager.on_fact(rests(stop, FILLED_MS + 100))
    order_manager.on_fact(lost())
    order_manager.on_fact(events.Flatten(time_ms=WOKEN_MS, reason="by hand"))
    assert exits(order_manager.commands(WOKEN_MS, (held(),)))


def test_the_wait_is_kept_in_a_snapshot():
    order_manager, _ = protecting()
    order_manager.on_fact(lost())
    again = OrderManager((BTC,), ExecutionParams(), "abcdef")
    again.load_state(order_manager.state())
    assert not exits(again.commands(WOKEN_MS, (held(),)))


@pytest.mark.parametrize("read", [True, False], ids=["read", "never read"])
def test_risk_judges_no_position_until_it_has_been_read(read):
    account = Account(RiskLimits())
    account.on_fact(fill("e"))
    account.on_fact(events.Reconciled(time_ms=FILLED_MS, **WHERE))
    (position,) = account.positions
    assert not account.unread(position, WOKEN_MS)
    account.on_fact(lost())
    assert account.unread(position, WOKEN_MS)
    again = Account(RiskLimits())
    again.load_state(account.state())
    assert again.unread(position, WOKEN_MS)
    if read:
        account.on_fact(events.Reconciled(time_ms=WOKEN_MS + 500, **WHERE))
        assert not account.unread(position, WOKEN_MS + 500)
    else:
        assert not account.unread(position, WOKEN_MS + UNREAD_MS_MAX)
    assert (position.venue, position.coin) == KEY


def test_a_start_protects_what_was_naked_while_nobody_ran():
    before, entry = entering()
    order_manager = OrderManager((BTC,), ExecutionParams(), "abcdef")
    order_manager.load_state(before.state())
    order_manager.on_fact(events.JournalOpened(
        time_ms=WOKEN_MS, journal_id="abcdef", mode="paper", venues=(VENUE,), coins=(COIN,)
    ))  # fmt: skip
    order_manager.on_fact(fill(entry.client_id))
    commands = order_manager.commands(WOKEN_MS, (held(),))
    assert [one.purpose for one in commands if isinstance(one, PlaceOrder)] == [Purpose.STOP]
    # And what cannot be had within the limit from then on ends the position after all.
    assert not exits(order_manager.commands(WOKEN_MS + 4_900, (held(),)))
    assert exits(order_manager.commands(WOKEN_MS + 5_200, (held(),)))
    assert order_manager.book(*KEY).naked.naked_ms(WOKEN_MS) == WOKEN_MS - FILLED_MS
