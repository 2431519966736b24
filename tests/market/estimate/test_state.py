import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.state import EstimateState
from liqbot.market.params import EstimateParams

PARAMS = EstimateParams()
MIX = np.array(PARAMS.leverage_mix)
VENUES = ("binance", "hyperliquid", "okx")
SHIFTS = {venue: shifts_of(venue, "BTC", PARAMS) for venue in VENUES}

venues = st.lists(st.sampled_from(VENUES), min_size=1, max_size=3, unique=True)


def empty() -> EstimateState:
    return EstimateState.empty(len(PARAMS.smear_factors), MIX)


def filled(seed: int, names: list[str]) -> EstimateState:
    """Random numbers in every array, so that a field left out is seen."""
    chance, state = np.random.default_rng(seed), empty()
    for index, name in enumerate(names):
        state.add_venue(index, SHIFTS[name], 0.2, complete=index == 0, silent=index == 1)
    for part in (state.positions, state.calibration, state.closing, state.reported, state):
        for name in part.__struct_fields__:
            value = getattr(part, name)
            if isinstance(value, np.ndarray) and value.dtype == np.float64 and name not in {"shift", "cells"}:
                value[...] = chance.random(value.shape)
    state.positions.cells[..., 100:120] = chance.random((2, len(names), 2, len(MIX), 20))
    state.unseen_rows = [len(names) - 1]
    return state


@given(st.integers(0, 2**32), venues)
@settings(max_examples=20, deadline=None)
def test_a_state_comes_back_exactly(seed: int, names: list[str]) -> None:
    state, again = filled(seed, names), empty()
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(state.packed())))
    assert again.packed() == state.packed()
    assert again.positions.placement.whole.tolist() == state.positions.placement.whole.tolist()
    assert (again.row_of, again.unseen_rows) == (state.row_of, state.unseen_rows)


@given(st.integers(0, 2**32), venues)
@settings(max_examples=20, deadline=None)
def test_one_more_venue_leaves_the_others_as_they_were(seed: int, names: list[str]) -> None:
    state = filled(seed, names)
    before = [state.positions.alone(row).packed() for row in range(len(names))]
    row = state.add_venue(9, SHIFTS["binance"], 0.2, complete=True, silent=False)
    assert row == state.row_of[9] == len(names)
    assert [state.positions.alone(row).packed() for row in range(len(names))] == before
    for part in (state.positions, state.calibration, state.closing, state.reported, state):
        assert part.packed().keys()
    assert state.positions.cells[:, row].sum() == 0
    assert state.positions.frontier[row].tolist() == [-np.inf, np.inf]
    assert (state.positions.scale[row] == 1).all()
    assert np.isnan(state.mark[row])
    assert (state.calibration.level[row], state.calibration.complete[row]) == (0.2, True)


def test_a_row_alone_is_a_copy() -> None:
    state = filled(1, ["binance", "okx"])
    alone = state.positions.alone(1)
    assert alone.rows == 1
    assert alone.cells[:, 0].tobytes() == state.positions.cells[:, 1].tobytes()
    alone.cells[:] = 0.0
    assert state.positions.cells[:, 1].any()


def test_a_field_that_is_missing_in_a_snapshot_is_an_error() -> None:
    record = filled(1, ["binance"]).packed()
    del record["calibration"]["level"]
    with pytest.raises(KeyError, match="level"):
        empty().load(record)
