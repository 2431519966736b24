"""Stops that ride on their entries, from the wish to the end, on the paper exchange of each kind of venue."""

import msgspec
import pytest
from paper_house import D
from paper_story import Story

from liqbot import events
from liqbot.commands import CancelOrder, PlaceOrder, Purpose, QueryOrder
from liqbot.execution.client_order_id import purpose_of, sequence_of
from liqbot.execution.order_lifecycle import OrderState
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.venues.entry_stops import attached_id, entry_of

RIDING = ("bybit", "okx")


def stops_of(story: Story) -> list[PlaceOrder]:
    return [one.command for one in story.exchange.accounts.resting(story.key) if one.command.purpose is Purpose.STOP]


def entry_of_story(story: Story) -> PlaceOrder:
    return next(one for one in story.placed if one.purpose is Purpose.ENTRY)


def test_a_stop_that_rides_is_named_after_its_entry() -> None:
    assert entry_of(attached_id("etest0100000001")) == "etest0100000001"
    assert entry_of("stest0100000001") is None
    assert entry_of("a strange id of other length") is None
    assert purpose_of("atest0100000001") is Purpose.STOP
    assert sequence_of("atest0100000001", "test01") == 1


@pytest.mark.parametrize("venue", RIDING)
def test_the_entry_carries_the_stop_and_it_is_there_with_the_fill(venue: str) -> None:
    story = Story(venue=venue, latency_ms=0)
    story.wish(stop="98")
    story.bar(100.0)
    entry = entry_of_story(story)
    assert (entry.stop_price, entry.stop_client_id) == (D(98), attached_id(entry.client_id))
    fill, made = (next(index for index, fact in enumerate(story.facts) if is_it(fact)) for is_it in (
        lambda fact: isinstance(fact, events.Fill) and fact.client_id == entry.client_id,
        lambda fact: isinstance(fact, events.OrderAccepted) and fact.client_id == entry.stop_client_id,
    ))
    assert story.facts[made].time_ms == story.facts[fill].time_ms
    assert story.order_manager.book(*story.key).read_back == 1


def test_where_it_goes_with_the_position_it_stays_for_the_whole_trade() -> None:
    story = Story(venue="bybit")
    story.wish(stop="98")
    story.bar(100.0)
    assert story.purposes() == [Purpose.ENTRY]
    assert [stop.client_id for stop in stops_of(story)] == [entry_of_story(story).stop_client_id]
    story.bar(100.0, 100.0, 97.0, 97.0)
    assert (story.held, story.resting) == (None, {})
    assert story.order_manager.target(*story.key) is None


def test_where_it_outlives_the_position_a_stop_of_its_own_takes_over() -> None:
    story = Story(venue="okx")
    story.wish(stop="98")
    story.bar(100.0)
    (stop,) = stops_of(story)
    assert entry_of(stop.client_id) is None
    placed = story.commands.index(stop)
    gone = next(index for index, command in enumerate(story.commands) if isinstance(command, CancelOrder))
    assert placed < gone, "the one that rode in goes only when its successor is confirmed"
    assert story.commands[gone].client_id == entry_of_story(story).stop_client_id


@pytest.mark.parametrize("venue", RIDING)
def test_a_moved_stop_has_its_successor_first_and_nothing_is_left_after_flat(venue: str) -> None:
    story = Story(venue=venue)
    story.wish(stop="98")
    story.bar(100.0)
    moved = msgspec.structs.replace(story.order_manager.target(*story.key), stop_price=D(99))
    story.want(moved, story.now_ms)
    story.bar(100.0)
    assert [stop.trigger_price for stop in stops_of(story)] == [D(99)]
    story.want(msgspec.structs.replace(moved, quantity_base=D(0)), story.now_ms)
    story.bar(100.0)
    story.bar(100.0)
    assert (story.held, story.resting) == (None, {})


def test_it_covers_what_fills_while_the_rest_of_the_entry_rests() -> None:
    story = Story(venue="bybit", fill_usd_max=4, fill_pause_ms=20_000)
    story.wish(stop="90", limit="99")
    story.bar(100.0, 100.0, 98.0, 100.0)
    held, (stop,) = story.held, stops_of(story)
    assert D(0) < held < D("0.1")
    assert (stop.client_id, stop.quantity_base) == (entry_of_story(story).stop_client_id, held)


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_elsewhere_a_limit_entry_fills_at_once_or_not_at_all(venue: str) -> None:
    story = Story(ExecutionParams(post_only_entries=True), venue=venue)
    story.wish(limit="95", stop="90")
    story.bar(100.0)
    entry = entry_of_story(story)
    assert (entry.immediate, entry.post_only) == (True, False)
    assert (story.held, story.resting) == (None, {})
    assert not story.order_manager.entry_in_flight(*story.key)


@pytest.mark.parametrize("venue", RIDING)
def test_an_entry_that_never_fills_brings_no_stop(venue: str) -> None:
    story = Story(venue=venue)
    story.wish(limit="95", stop="90", expires_ms=story.now_ms + 60_000)
    for _ in range(3):
        story.bar(100.0)
    book = story.order_manager.book(*story.key)
    assert not book.live()
    assert not book.failures
    assert not any(isinstance(command, QueryOrder) for command in story.commands)


# --- a venue that does not do what it documents ----------------------------------------------------------------------


class Told:
    """A order_manager alone, told what the test wants."""

    def __init__(self, venue: str) -> None:
        self.story = Story(venue=venue)
        self.order_manager, self.key, self.now_ms = self.story.order_manager, self.story.key, self.story.now_ms
        self.story.wish(stop="98")
        where = {"time_ms": self.now_ms, "venue": venue, "coin": "BTC"}
        self.tell(events.LeverageConfirmed(**where, leverage=5, isolated=True))
        (self.entry,) = self.commands()

    def tell(self, *facts: events.Event) -> None:
        for fact in facts:
            self.story._fold(fact)

    def fill(self, quantity: str = "0.1", *, client_id: str = "", number: str = "1") -> None:
        own = client_id or self.entry.client_id
        self.tell(events.Fill(
            time_ms=self.now_ms, venue=self.key[0], coin="BTC", client_id=own, fill_id=number, side=self.entry.side,
            reduces=own != self.entry.client_id, price=D(100), quantity_base=D(quantity), fee=D(0),
        ))  # fmt: skip

    def about(self, kind: type[events.Event], client_id: str, **more: object) -> None:
        where = {"time_ms": self.now_ms, "venue": self.key[0], "coin": "BTC"}
        self.tell(kind(**where, client_id=client_id, **more))

    def commands(self, later_ms: int = 0) -> list[object]:
        self.now_ms += later_ms
        return list(self.order_manager.commands(self.now_ms, self.story.account.positions))

    def order(self, client_id: str) -> OrderState:
        return next(one.state for one in self.order_manager.book(*self.key).orders if one.client_id == client_id)


def test_it_is_asked_for_with_the_first_word_of_the_fill_and_waited_for() -> None:
    told = Told("bybit")
    told.fill()
    (asked,) = told.commands()
    assert asked == QueryOrder(
        told.entry.stop_client_id, *told.key, stop_price=D(98), stop_base=D("0.1")
    )
    assert told.commands(500) == []
    told.about(events.OrderAccepted, told.entry.stop_client_id, venue_order_id="7")
    assert told.commands(10_000) == []
    assert told.order_manager.book(*told.key).exposure is None


def test_one_that_the_venue_does_not_know_is_replaced_at_once() -> None:
    told = Told("bybit")
    told.fill()
    told.commands()
    told.about(events.OrderMissing, told.entry.stop_client_id)
    (stop,) = told.commands()
    assert (stop.purpose, stop.trigger_price, stop.quantity_base) == (Purpose.STOP, D(98), D("0.1"))
    assert entry_of(stop.client_id) is None


def test_one_that_nobody_answers_for_is_joined_by_another_in_time_and_appears_late_without_harm() -> None:
    told = Told("bybit")
    told.fill()
    told.commands()
    wait_ms = ExecutionParams().attached_stop_ms
    (stop,) = told.commands(wait_ms)
    assert stop.purpose is Purpose.STOP
    told.about(events.OrderAccepted, stop.client_id, venue_order_id="8")
    told.about(events.OrderAccepted, told.entry.stop_client_id, venue_order_id="7")
    (cancel,) = told.commands()
    assert isinstance(cancel, CancelOrder)
    assert cancel.client_id == told.entry.stop_client_id


def test_one_that_was_placed_wrongly_is_replaced() -> None:
    told = Told("bybit")
    told.fill()
    told.commands()
    told.about(events.OrderRejected, told.entry.stop_client_id, code="STOP_MISREAD", reason="elsewhere")
    (stop,) = told.commands()
    assert (stop.purpose, entry_of(stop.client_id)) == (Purpose.STOP, None)


def test_a_refused_entry_takes_its_stop_along_and_a_late_fill_brings_it_back() -> None:
    told = Told("bybit")
    told.about(events.OrderRejected, told.entry.client_id, code="10001", reason="crossed")
    assert told.order(told.entry.stop_client_id) is OrderState.CANCELLED
    assert told.commands() == []
    told.fill()
    assert told.order(told.entry.stop_client_id) is OrderState.INTENDED


def test_its_fill_may_be_told_before_the_entrys() -> None:
    told = Told("bybit")
    told.about(events.OrderAccepted, told.entry.stop_client_id, venue_order_id="7")
    told.fill("0.04", client_id=told.entry.stop_client_id, number="2")
    told.fill("0.04")
    told.about(events.OrderCancelled, told.entry.client_id, reason="rest")
    assert told.order(told.entry.stop_client_id) is OrderState.FILLED


@pytest.mark.parametrize("venue", ["okx", "bitget"])
def test_a_separate_stop_that_stays_unheard_of_is_joined_by_another(venue: str) -> None:
    """Its request may still be carried out for half a minute on some venues: so long nobody waits for protection."""
    told = Told(venue)
    told.fill()
    first, *_ = told.commands()
    assert first.purpose is Purpose.STOP
    second = [one for one in told.commands(ExecutionParams().unknown_ms) if isinstance(one, PlaceOrder)]
    assert [one.purpose for one in second] == [Purpose.STOP]
    for stop in (first, *second):
        told.about(events.OrderAccepted, stop.client_id, venue_order_id=stop.client_id)
    assert [one.client_id for one in told.commands() if isinstance(one, CancelOrder)] == [first.client_id]


def test_all_of_it_is_saved_and_taken_up_again() -> None:
    told = Told("bybit")
    told.fill()
    told.commands()
    twin = OrderManager((told.order_manager.book(*told.key).instrument,), ExecutionParams(), "test01")
    twin.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(told.order_manager.state())))
    assert twin.book(*told.key) == told.order_manager.book(*told.key)
