import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper.world.crowd import Crowd
from paper.world.draws import Draws
from paper.world.forced import TRUE_FORCED, Forced, Publisher
from paper.world.margins import Margins
from paper.world.openers import Mood, Openers
from paper.world.params import BTC, SEVEN_VENUES, CrowdParams, VenueParams

MARGINS = Margins(SEVEN_VENUES, "BTC")
MARKS = np.full(len(SEVEN_VENUES), 60_000.0)


def crowd_of(seed: int, count: int) -> Crowd:
    openers = Openers(CrowdParams(positions=count), SEVEN_VENUES, BTC, MARGINS, Draws(seed))
    crowd = Crowd(len(SEVEN_VENUES), count)
    new = openers.invite(count, Mood(0.0, 0.0, 0.01), shifted=False)
    crowd.open(openers.seat(new, 0, MARKS * 0.99, MARKS * 1.01))
    return crowd


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-0.3, 0.3), st.floats(0, 0.1))
def test_nothing_that_was_crossed_is_left_and_every_forced_close_is_at_its_own_price(
    seed: int, move: float, width: float
):
    crowd, forced = crowd_of(seed, 300), Forced(SEVEN_VENUES, MARGINS)
    low, high = MARKS * (1 + move) * (1 - width), MARKS * (1 + move) * (1 + width)
    open_usd = (crowd.totals_base.sum(axis=0) * MARKS).sum()
    swept = forced.sweep_all(crowd, low, high)
    assert not len(crowd.crossed(low, high))
    rows = np.concatenate([one.forced for one in swept]) if swept else np.zeros(0, TRUE_FORCED)
    long = rows["side"] > 0
    assert (rows["price"][long] >= low[0]).all()
    assert (rows["price"][~long] <= high[0]).all()
    assert (rows["size_usd"] > 0).all()
    # Bankruptcy lies beyond the liquidation price, on the losing side.
    beyond = (rows["price"] - rows["bankruptcy_price"]) * rows["side"]
    assert (beyond >= -1e-6 * rows["price"]).all()
    closed_base = sum((one.flow_usd for one in swept), np.zeros(len(MARKS)))
    assert np.isfinite(closed_base).all()
    assert (crowd.totals_base.sum(axis=0) * MARKS).sum() <= open_usd + 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-0.2, 0.2))
def test_what_leaves_the_crowd_is_what_was_forced_and_what_was_sold(seed: int, move: float):
    openers = Openers(CrowdParams(positions=300, stop_share=0), SEVEN_VENUES, BTC, MARGINS, Draws(seed))
    crowd = Crowd(len(MARKS), 300)
    crowd.open(openers.seat(openers.invite(300, Mood(0.0, 0.0, 0.01), shifted=False), 0, MARKS * 0.99, MARKS * 1.01))
    before = crowd.totals_base.copy()
    swept = Forced(SEVEN_VENUES, MARGINS).sweep_all(crowd, MARKS * (1 + move), MARKS * (1 + move))
    rows = np.concatenate([one.forced for one in swept]) if swept else np.zeros(0, TRUE_FORCED)
    left = crowd.totals_base.copy()
    for side, sign in enumerate((1, -1)):
        own = rows[rows["side"] == sign]
        gone = np.bincount(own["venue"], weights=own["size_usd"] / own["price"], minlength=len(MARKS))
        assert np.allclose(before[side] - gone, left[side], rtol=1e-9, atol=1e-9)
    sold = np.bincount(rows["venue"], weights=-rows["side"] * rows["size_usd"], minlength=len(MARKS))
    flow = sum((one.flow_usd for one in swept), np.zeros(len(MARKS)))
    assert np.allclose(flow, sold, rtol=1e-9, atol=1e-3)


def test_a_large_position_is_closed_in_parts_that_lie_deeper_and_deeper():
    crowd, forced = crowd_of(5, 4000), Forced(SEVEN_VENUES, MARGINS)
    swept = forced.sweep_all(crowd, MARKS * 0.9, MARKS * 1.0)
    rows = np.concatenate([one.forced for one in swept])
    assert len(swept) > 1
    entries, counts = np.unique(rows["entry_price"], return_counts=True)
    parts = rows[rows["entry_price"] == entries[counts.argmax()]]
    assert len(parts) > 1
    assert (np.diff(parts["price"]) * parts["side"][1:] < 0).all()


def rows_of(venue: list[int]) -> np.ndarray:
    rows = np.zeros(len(venue), TRUE_FORCED)
    rows["venue"], rows["price"], rows["bankruptcy_price"], rows["size_usd"] = venue, 100, 99, np.arange(len(venue)) + 1
    return rows


THROTTLED = (
    VenueParams(venue="binance", share=1, forced_throttle_ms=1000),
    VenueParams(venue="bybit", share=1, forced_price="bankruptcy"),
    VenueParams(venue="coinbase", share=1, forced_share=0.0),
)


@given(st.lists(st.lists(st.integers(0, 2), max_size=20), max_size=8), st.sampled_from([100, 250, 1000, 60_000]))
def test_a_throttled_venue_tells_at_most_one_per_window_and_a_silent_one_nothing(steps: list[list[int]], span_ms: int):
    publisher = Publisher(THROTTLED, Draws(1))
    told: list[np.ndarray] = []
    for number, step in enumerate(steps):
        told.append(publisher.published(rows_of(step), number * span_ms, span_ms))
    for rows, step in zip(told, steps, strict=True):
        assert not (rows["venue"] == 2).any()
        assert (rows["venue"] == 1).sum() == step.count(1)
        assert (rows["price"][rows["venue"] == 1] == 99).all()
        assert (rows["price"][rows["venue"] == 0] == 100).all()
    windows = -(-len(steps) * span_ms // 1000)
    assert sum(int((rows["venue"] == 0).sum()) for rows in told) <= windows
    if steps and 0 in steps[0]:
        assert (told[0]["venue"] == 0).any()


def test_the_newest_of_a_window_is_told():
    told = Publisher(THROTTLED, Draws(1)).published(rows_of([0, 0, 0, 0]), 0, 1000)
    assert told["size_usd"].tolist() == [4]


def test_a_share_of_forced_orders_is_told():
    venue = VenueParams(venue="bitget", share=1, forced_share=0.3)
    publisher = Publisher((venue,), Draws(2))
    told = sum(len(publisher.published(rows_of([0] * 50), 0, 1000)) for _ in range(200))
    assert told / 10_000 == pytest.approx(0.3, abs=0.03)
