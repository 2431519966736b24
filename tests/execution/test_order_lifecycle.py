"""The life of an order: every pair defined, fills counted once, order and repetition of messages harmless."""

import itertools
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from paper_house import order

from liqbot.accounting.dedupe import RecentIds, identity_of
from liqbot.commands import Purpose
from liqbot.events import CancelRejected, Fill, OrderAccepted, OrderCancelled, OrderMissing, OrderRejected
from liqbot.execution.order_lifecycle import (
    LIVE,
    TABLE,
    Order,
    OrderEvent,
    OrderFact,
    OrderState,
    after_event,
    after_fact,
)
from liqbot.instruments import Side

HEAD = {"time_ms": 1, "venue": "binance", "coin": "BTC", "client_id": "e1"}
ACCEPTED = OrderAccepted(**HEAD, venue_order_id="7")
CANCELLED = OrderCancelled(**HEAD)
REJECTED = OrderRejected(**HEAD, code="X", reason="x")
MISSING = OrderMissing(**HEAD)
REFUSED = CancelRejected(**HEAD, reason="x")


def fill(number: int, quantity: int) -> Fill:
    return Fill(
        **HEAD, fill_id=str(number), side=Side.LONG, reduces=False, price=Decimal(100), quantity_base=Decimal(quantity),
        fee=Decimal(0),
    )


def sent() -> Order:
    return Order(order("e1", Purpose.ENTRY, quantity="10"), 0)


def told(facts: list[OrderFact]) -> Order:
    """As the engine does: a fill that was delivered before goes no further than the account's books."""
    one, seen = sent(), RecentIds()
    for fact in facts:
        if not (isinstance(fact, Fill) and seen.is_repeat(identity_of(fact))):
            one = after_fact(one, fact)
    return one


FACTS = st.one_of(
    st.sampled_from([ACCEPTED, CANCELLED, REJECTED, MISSING, REFUSED]),
    st.builds(fill, st.integers(0, 5), st.integers(1, 8)),
)
OWN = st.sampled_from([OrderEvent.CANCEL_SENT, OrderEvent.UNANSWERED])


def test_every_pair_is_defined():
    assert set(TABLE) == set(itertools.product(OrderState, OrderEvent))


def test_nothing_leaves_filled_and_only_proof_revives_what_had_ended():
    ended = [state for state in OrderState if state not in LIVE]
    revived = {(state, event) for (state, event), after in TABLE.items() if state in ended and after in LIVE}
    assert revived == {
        (OrderState.REJECTED, OrderEvent.FILLED_PART),
        (OrderState.MISSING, OrderEvent.ACCEPTED),
        (OrderState.MISSING, OrderEvent.FILLED_PART),
    }


def test_missing_is_believed_only_after_asking():
    believing = {state for state in OrderState if TABLE[state, OrderEvent.MISSING] is OrderState.MISSING}
    assert believing == {OrderState.UNKNOWN, OrderState.MISSING}


@given(st.lists(st.one_of(FACTS, OWN), max_size=30))
def test_fills_never_count_beyond_the_order(steps):
    one, filled_base = sent(), Decimal(0)
    for step in steps:
        before = one
        one = after_event(one, step) if isinstance(step, OrderEvent) else after_fact(one, step)
        if isinstance(step, Fill):
            filled_base += step.quantity_base
        assert one.filled_base >= before.filled_base
        assert one.filled_base == min(filled_base, Decimal(10))
        assert (one.state is OrderState.FILLED) == (one.filled_base == 10)
        assert not (one.state is OrderState.WORKING and one.filled_base)


@given(st.data())
def test_any_order_and_repetition_of_one_history_ends_the_same(data):
    fills = [fill(number, size) for number, size in enumerate(data.draw(st.lists(st.integers(1, 4), max_size=5)))]
    endings = [[ACCEPTED, *fills], [ACCEPTED, *fills, CANCELLED], [ACCEPTED, REJECTED], [REJECTED]]
    history = data.draw(st.sampled_from(endings))
    again = data.draw(st.lists(st.sampled_from(history), max_size=5))
    shuffled = data.draw(st.permutations([*history, *again]))
    expected, found = told(history), told(shuffled)
    assert (found.state, found.filled_base) == (expected.state, expected.filled_base)


@given(st.permutations([fill(0, 4), fill(1, 4), fill(2, 4)]))
def test_a_late_fill_of_a_cancelled_order_counts_but_does_not_revive_it(fills):
    one = told([ACCEPTED, CANCELLED, fills[0]])
    assert (one.state, one.filled_base) == (OrderState.CANCELLED, 4)
    assert told([ACCEPTED, CANCELLED, *fills]).state is OrderState.FILLED


def test_a_contradiction_leads_to_a_question():
    assert told([ACCEPTED, MISSING]).state is OrderState.UNKNOWN
    assert told([REJECTED, fill(0, 1)]).state is OrderState.UNKNOWN
    assert after_fact(after_event(told([ACCEPTED]), OrderEvent.CANCEL_SENT), REFUSED).state is OrderState.UNKNOWN
