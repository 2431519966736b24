"""Client order ids: short, plain, and never the same for two orders."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.commands import Purpose
from liqbot.execution.client_order_id import client_id, purpose_of, sequence_of

JOURNALS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=6, max_size=6)
SEQUENCES = st.integers(1, 36**8 - 1)


@given(JOURNALS, SEQUENCES, st.sampled_from(Purpose))
def test_every_venue_takes_it_and_it_says_what_it_is_for(journal: str, sequence: int, purpose: Purpose):
    made = client_id(journal, sequence, purpose)
    assert re.fullmatch("[a-z][a-z0-9]{0,17}", made)
    assert sequence_of(made, journal) == sequence
    assert purpose_of(made) is purpose


ORDERS = st.tuples(JOURNALS, SEQUENCES, st.sampled_from(Purpose))


@given(ORDERS, ORDERS)
def test_different_orders_bear_different_ids(one, other):
    assert (client_id(*one) == client_id(*other)) == (one == other)


@given(JOURNALS, st.text(max_size=20))
def test_what_others_wrote_is_not_ours(journal: str, text: str):
    if not text[1:].startswith(journal):
        assert sequence_of(text, journal) is None


@pytest.mark.parametrize("journal", ["", "short", "toolong1", "UPPER1", "a-b-c1"])
def test_a_bad_journal_id_is_named(journal: str):
    with pytest.raises(ValueError, match="6 characters"):
        client_id(journal, 1, Purpose.STOP)


@pytest.mark.parametrize("sequence", [0, -1, 36**8])
def test_a_sequence_that_does_not_fit_is_refused(sequence: int):
    with pytest.raises(ValueError, match="order sequence"):
        client_id("abc123", sequence, Purpose.STOP)
