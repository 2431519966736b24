"""A whole step in one call is what it is made of, one after the other; and a step that cannot be changes nothing."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from estimates import positions_with
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import position_of, positions_of
from liqbot.market.estimate.step_kernels import LOW, VOLUME, opened_usd
from liqbot.market.params import EstimateParams

PARAMS = EstimateParams()
VENUES = ("binance", "hyperliquid", "krakenfutures")
MINUTE_MS = 60_000
ARRAYS = ("cells", "clock", "scale", "total", "covered", "frontier", "extent", "touched_usd", "touched_prior_usd",
          "touched_hazard_usd", "offset")


def market() -> Positions:
    found = positions_with(PARAMS, *(shifts_of(venue, "BTC", PARAMS) for venue in VENUES))
    found.centre(position_of(60_000.0))
    return found


def step(chance: np.random.Generator, price: float) -> tuple[Any, Any, Any]:
    """Two rounds at most; entries with and without a bar, and bars that nothing was traded in."""
    rows = [chance.permutation(3)[: chance.integers(1, 4)] for _ in range(chance.integers(1, 3))]
    count = sum(map(len, rows))
    away = chance.exponential(2e-3, (4, count))
    low, high = price * (1.0 - away[0]), price * (1.0 + away[1])
    traded = chance.random(count) < 0.8
    told = np.array([
        low, high, np.full(count, price), low * (1.0 - away[2]), high * (1.0 + away[3]),
        chance.lognormal(12.0, 2.0, count) * traded * (chance.random(count) < 0.9), chance.normal(0.0, 1e5, count),
        chance.normal(0.0, 1e5, count), MINUTE_MS * traded,
    ])  # fmt: skip
    told[6, chance.random(count) < 0.3] = np.nan
    return np.cumsum([0, *map(len, rows)]), np.concatenate(rows), told


def moved(positions: Positions, starts: Any, rows: Any, told: Any) -> tuple[bool, list[Any]]:
    """In one call: whether it could be, and what it says of the marks and of what was open before."""
    mark, unseen_usd = np.full(3, np.nan), np.ones((3, len(positions.state.clock)))
    crossed = np.full((3, 3), np.nan)
    done = positions.move(
        starts, rows, told, mark, unseen_usd, np.array([1, 0, 1]), crossed, 3, MINUTE_MS, PARAMS.taker_weight,
        PARAMS.activity_share,
    )  # fmt: skip
    return done, [mark, unseen_usd, crossed]


def moved_by_parts(positions: Positions, starts: Any, rows: Any, told: Any) -> None:
    positions.begin_step()
    positions.decay(MINUTE_MS)
    low, high, _, entry_low, entry_high = np.array([positions_of(told[column]) for column in range(VOLUME)])
    for begin, end in pairwise(starts):
        positions.touch(rows[begin:end], low[begin:end], high[begin:end])
        opening = [at for at in range(begin, end) if told[VOLUME, at] > 0]
        if opening:
            usd = [opened_usd(*told[5:8, at].tolist(), PARAMS.taker_weight, PARAMS.activity_share) for at in opening]
            entries, swept = np.array((entry_low, entry_high)), np.array((low, high))
            positions.open(rows[opening], entries[:, opening].copy(), np.array(usd), swept[:, opening].copy())


def bits(positions: Positions) -> dict[str, bytes]:
    return {name: np.asarray(getattr(positions.state, name)).tobytes() for name in ARRAYS}


@given(st.integers(0, 1 << 20))
@settings(max_examples=6)
def test_a_step_in_one_call_is_its_parts_one_after_the_other(seed: int) -> None:
    chance, whole, parts = np.random.default_rng(seed), market(), market()
    price = 60_000.0
    for _ in range(6):
        price *= 1.0 + chance.normal(0.0, 4e-3)
        told = step(chance, price)
        done, (mark, unseen_usd, crossed) = moved(whole, *told)
        moved_by_parts(parts, *told)
        assert done
        assert bits(whole) == bits(parts)
        in_it = sorted(set(told[1].tolist()))
        assert np.flatnonzero(mark == mark).tolist() == in_it == np.flatnonzero(crossed[:, 0] == crossed[:, 0]).tolist()
        assert (mark[in_it] == position_of(price)).all()
        watched = {row for row, span_ms in zip(told[1].tolist(), told[2][8], strict=True) if span_ms} - {1}
        assert {row for row in range(3) if (unseen_usd[row] < 1.0).any()} == watched


@pytest.mark.parametrize("wrong", [float("nan"), 0.0, -1.0, float("inf")])
def test_a_price_that_is_none_of_the_grid_changes_nothing(wrong: float) -> None:
    chance, positions = np.random.default_rng(1), market()
    moved(positions, *step(chance, 60_000.0))
    before = bits(positions)
    for column in range(LOW, VOLUME):
        starts, rows, told = step(chance, 60_100.0)
        told[column, -1] = wrong
        done, (mark, _, _) = moved(positions, starts, rows, told)
        assert not done
        assert bits(positions) == before
        assert np.isnan(mark).all()
