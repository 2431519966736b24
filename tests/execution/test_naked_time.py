"""Naked time: from the fill by the venue's clock to the confirmed stop, whatever is learnt late or only after a
restart."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liqbot import events
from liqbot.commands import PlaceOrder, Purpose
from liqbot.execution.naked_time import NakedClock, NakedRecord, PositionNaked, quantile_ms
from liqbot.instruments import Side
from tests.execution.test_order_manager import KEY, T0, entry_fill, head, silent_entry

SIZES = st.integers(0, 3).map(Decimal)


@given(seen=st.lists(st.tuples(st.integers(1, 50), SIZES, SIZES), max_size=40))
def test_the_clock_adds_up_what_a_count_by_the_millisecond_does(seen: list[tuple[int, Decimal, Decimal]]) -> None:
    clock, now_ms, counted_ms, ended = NakedClock(), 1, 0, []
    held = covered = Decimal(0)
    for passed_ms, next_held, next_covered in seen:
        now_ms += passed_ms
        counted_ms += passed_ms if held > covered else 0
        total_ms = clock.see(now_ms, held_base=next_held, covered_base=next_covered)
        assert (total_ms is not None) == (held > 0 and not next_held)
        if total_ms is not None:
            ended.append(total_ms)
            assert total_ms == counted_ms
            counted_ms = 0
        held, covered = next_held, next_covered
        assert clock.naked_ms(now_ms) == counted_ms
    assert all(one >= 0 for one in ended)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=300))
def test_a_quantile_is_the_smallest_that_enough_do_not_exceed(values: list[int]) -> None:
    found = quantile_ms(values, 0.99)
    assert found in values
    assert sum(one <= found for one in values) >= 0.99 * len(values)
    assert sum(one < found for one in values) < 0.99 * len(values)


def test_a_record_keeps_the_worst_for_ever_and_the_newest_for_the_quantile() -> None:
    record = NakedRecord()
    for naked_ms in (9_000, *range(1_000)):
        record.add(naked_ms)
    assert (record.positions, record.max_ms, record.last_ms, record.p99_ms) == (1_001, 9_000, 999, 989)


def filled_and_seen(*, filled_ms: int, learnt_ms: int):
    """At a venue that tells of it only later: no fact of the exchange in process comes late."""
    story, entry = silent_entry()
    fill = entry_fill(entry, 1, "0.1", filled_ms)
    assert story.account.on_fact(fill)
    story.order_manager.on_fact(fill)
    story.plan(learnt_ms)
    return story


def stop_of(story) -> PlaceOrder:
    return next(one for one in reversed(story.placed) if one.purpose is Purpose.STOP)


def confirm(story, time_ms: int) -> None:
    story.react((events.OrderAccepted(**head(stop_of(story).client_id, time_ms), venue_order_id="2"),), time_ms)


def test_it_runs_from_the_fill_to_the_confirmed_stop() -> None:
    story = filled_and_seen(filled_ms=T0 + 100, learnt_ms=T0 + 900)
    assert story.order_manager.naked_ms(T0 + 1_000) == 900, "from the fill, not from when we learnt of it"
    story.order_manager.begin_block()
    confirm(story, T0 + 1_300)
    assert story.order_manager.naked_ms(T0 + 2_000) == 0
    assert story.order_manager.no_longer_naked == (PositionNaked(*KEY, "", Side.LONG, 1_200),)


def test_a_fill_that_is_learnt_too_late_is_closed_at_once_and_covered_meanwhile() -> None:
    story = filled_and_seen(filled_ms=T0 + 100, learnt_ms=T0 + 5_101)
    assert story.purposes()[-2:] == [Purpose.STOP, Purpose.EXIT]
    assert "no confirmed stop for 5001 ms" in story.order_manager.closing(*KEY)


def test_a_fill_cannot_be_older_than_its_order_nor_younger_than_now() -> None:
    story = filled_and_seen(filled_ms=T0 - 60_000, learnt_ms=T0 + 500)
    assert story.order_manager.naked_ms(T0 + 500) <= 500, "a venue's clock that is behind closes nothing"
    story = filled_and_seen(filled_ms=T0 + 60_000, learnt_ms=T0 + 500)
    story.plan(T0 + 5_501)
    assert story.purposes()[-1] is Purpose.EXIT, "nor does one that is ahead leave anything open"


def test_it_goes_on_over_a_restart() -> None:
    story = filled_and_seen(filled_ms=T0, learnt_ms=T0 + 100)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(story.order_manager.state()))
    story.order_manager.load_state(state)
    assert story.order_manager.naked_ms(T0 + 4_000) == 4_000
    story.plan(T0 + 5_001)
    assert story.purposes()[-1] is Purpose.EXIT


def test_a_stop_that_vanishes_begins_it_again_and_the_position_adds_it_up() -> None:
    story = filled_and_seen(filled_ms=T0, learnt_ms=T0)
    confirm(story, T0 + 400)
    story.react((events.OrderCancelled(**head(stop_of(story).client_id, T0 + 9_000)),), T0 + 9_000)
    assert story.order_manager.naked_ms(T0 + 9_100) == 100
    story.order_manager.begin_block()
    confirm(story, T0 + 9_250)
    assert [one.naked_ms for one in story.order_manager.no_longer_naked] == [650]
