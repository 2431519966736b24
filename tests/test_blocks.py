"""Rows of market facts: columns follow from the events, and what nobody filled is unknown."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_events import market_events

from liqbot.blocks import (
    DTYPES,
    EVENT_OF,
    KINDS,
    Roster,
    block_of,
    dtype_of,
    optional_columns,
    rows_of,
    unknown_rows,
)
from liqbot.events import MarketFact
from liqbot.instruments import FundingStage, Side

ROSTER = Roster(("binance", "bybit"), ("BTC", "ETH"))
USD = st.floats(1e-6, 1e9)
OF_TYPE: dict[object, st.SearchStrategy[object]] = {
    Side: st.sampled_from(Side), int: st.integers(1, 10**12), FundingStage | None: st.sampled_from(FundingStage)
}


def test_columns_follow_from_the_fields_of_the_event():
    assert DTYPES["liquidations"].descr == [
        ("time_ms", "<i8"), ("venue", "<i2"), ("coin", "<i2"), ("side", "|i1"), ("price", "<f8"), ("size_usd", "<f8")
    ]
    assert optional_columns("bars") == {"buy_usd", "sell_usd"}
    assert optional_columns("marks") == {"index_price"}


def test_a_field_without_a_column_type_is_refused_by_name():
    class Counted(MarketFact, frozen=True, tag=True, kw_only=True):
        trades: int | None = None

    with pytest.raises(TypeError, match=r"Counted.trades: int \| None has no column type"):
        dtype_of(Counted)


@pytest.mark.drawn(singly=True)
@given(st.lists(st.sampled_from(KINDS), max_size=8), st.data())
def test_events_survive_as_rows(kinds: list[str], data: st.DataObject):
    happened = []
    for n, kind in enumerate(kinds):
        values: dict[str, object] = {"time_ms": n, "venue": data.draw(st.sampled_from(ROSTER.venues)),
                                     "coin": data.draw(st.sampled_from(ROSTER.coins))}
        for field in msgspec.structs.fields(EVENT_OF[kind]):
            if field.name not in values:
                unknown = st.none() if field.name in optional_columns(kind) else st.nothing()
                values[field.name] = data.draw(OF_TYPE.get(field.type, USD) | unknown)
        happened.append(EVENT_OF[kind](**values))
    found = market_events(block_of(happened, ROSTER), ROSTER)
    assert sorted(found, key=repr) == sorted(happened, key=repr)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_nobody_filled_are_unknown(kind: str):
    rows = unknown_rows(kind, 3)
    assert (rows.dtype, len(rows)) == (DTYPES[kind], 3)
    for name in DTYPES[kind].names or ():
        assert np.isnan(rows[name]).all() if DTYPES[kind][name].kind == "f" else not rows[name].any()


def test_tuples_of_the_leading_columns_leave_the_others_unknown():
    (mark,) = rows_of("marks", [(5, 1, 0, 100.0)])
    assert mark.tolist()[:4] == (5, 1, 0, 100.0)
    assert math.isnan(mark["index_price"])
    assert rows_of("marks", [(5, 1, 0, 100.0, 99.0)]).tolist() == [(5, 1, 0, 100.0, 99.0)]
    assert len(rows_of("marks", [])) == 0
    with pytest.raises(ValueError, match="NaN"):
        rows_of("bars", [(5, 1, 0)])  # a whole number has no mark for unknown
