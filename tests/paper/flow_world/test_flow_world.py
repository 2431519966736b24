"""The market of drawn flow: what it tells adds up to what happened, and looks like a market."""

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from numpy.lib.recfunctions import repack_fields
from pydantic import ValidationError

from liqbot.blocks import KINDS, EventBlock, Rows
from paper.flow_world import FLOW_GENERATOR, FlowParams, FlowVenueParams, FlowWorld
from paper.flow_world.params import FLOW_VENUES, FlowCrowdParams, FlowPriceParams
from paper.tapes.reader import read_tape
from paper.tapes.truth import export, read_truth

pytestmark = pytest.mark.drawn(dear=True)
"""What they share costs the most of them."""

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
SMALL = FlowParams(days=0.2, burn_in_days=0.3, crowd=FlowCrowdParams(openings_day=9_000))
WILD = SMALL.model_copy(
    update={"days": 0.2, "prices": FlowPriceParams(volatility_day_pct=9, hunts_day=20, jumps_day=20)}
)


class Minute(NamedTuple):
    """What one minute did, and the positions before and after it."""

    before: Rows
    after: Rows
    forced: Rows
    told: list[EventBlock]


def minutes(world: FlowWorld) -> Iterator[Minute]:
    """One after another, for bars of a minute; the first is left out, as what was before it is unseen."""
    before, told = None, []
    for block in world.every_block():
        told.append(block)
        if len(block.bars):
            after = world.positions()
            if before is not None:
                yield Minute(before, after, world.forced(), told)
            before, told = after, []


@pytest.fixture(scope="module")
def wild() -> list[Minute]:
    return list(minutes(FlowWorld(WILD, 7)))


@pytest.fixture(scope="module")
def calm() -> Rows:
    """Minute bars of the first venue over four days of few positions."""
    params = FlowParams(days=4, burn_in_days=0, crowd=FlowCrowdParams(openings_day=200))
    return np.concatenate([block.bars[:1] for block in FlowWorld(params, 21).every_block()])


def test_open_interest_is_the_sum_of_all_positions_of_either_side(wild: list[Minute]) -> None:
    for one in wild:
        told = one.told[-1].open_interest
        for side in (1, -1):
            own = one.after[one.after["side"] == side]
            held = np.bincount(own["venue"], own["size_usd"], minlength=len(WILD.venues))
            # Told at the mark, which the tape rounds to a tick.
            np.testing.assert_allclose(told["oi_usd"], held, rtol=1e-9)


def key(rows: Rows) -> list[tuple[float, ...]]:
    return list(zip(*(rows[name].tolist() for name in ("venue", "side", "leverage", "entry_price")), strict=True))


def test_every_forced_order_closes_a_position_that_was_open_wholly(wild: list[Minute]) -> None:
    assert sum(len(one.forced) for one in wild) > 100
    for one in wild:
        known = {
            who: (usd / mark_usd, price)
            for who, usd, mark_usd, price in zip(
                key(one.before), one.before["size_usd"].tolist(),
                _marks(one.before, one.before)[one.before["venue"]].tolist(),
                one.before["liquidation_price"].tolist(), strict=True,
            )
        }  # fmt: skip
        left = set(key(one.after))
        closed: dict[tuple[float, ...], float] = {}
        for who, usd, price in zip(
            key(one.forced), one.forced["size_usd"].tolist(), one.forced["price"].tolist(), strict=True
        ):
            closed[who] = closed.get(who, 0.0) + usd / price
            assert known[who][1] == price
        for who, base in closed.items():
            assert who not in left
            assert base == pytest.approx(known[who][0], rel=1e-6)


def _marks(positions: Rows, hedged: Rows) -> npt.NDArray[np.float64]:
    """Each venue's mark: the hedged positions are entered at it."""
    plain = hedged[hedged["leverage"] == 1.0]
    found = np.zeros(int(positions["venue"].max()) + 1)
    found[plain["venue"]] = plain["entry_price"]
    return found


def test_the_mark_went_where_it_forced(wild: list[Minute]) -> None:
    tick = 1.0 / WILD.coin.ticks_per_usd
    for one in wild:
        bars = one.told[-1].bars
        low, high = (bars[name][one.forced["venue"]] for name in ("low", "high"))
        long = one.forced["side"] > 0
        assert (low[long] <= one.forced["price"][long] + tick).all()
        assert (high[~long] >= one.forced["price"][~long] - tick).all()


def test_forced_orders_have_their_own_times_inside_the_bar(wild: list[Minute]) -> None:
    inside = 0
    for one in wild:
        end_ms = one.told[-1].tick_ms
        happened = one.forced["time_ms"]
        assert ((happened >= end_ms - MINUTE_MS) & (happened < end_ms)).all()
        ticks = [block.tick_ms for block in one.told]
        assert ticks == sorted(set(ticks))
        for block in one.told[:-1]:
            assert not block.market_rows - len(block.liquidations)
            assert (block.liquidations["time_ms"] == block.tick_ms).all()
            inside += len(block.liquidations)
    told = np.concatenate([block.liquidations["price"] for one in wild for block in one.told])
    assert inside > 0.9 * len(told) > 100


def test_a_feed_tells_its_share_no_more_than_its_throttle_and_nothing_while_it_is_down() -> None:
    quiet = {"late_share": 0.0, "delay_ms": 0}
    venues = (
        FlowVenueParams(venue="bybit", share=1, **quiet),
        FlowVenueParams(venue="binance", share=1, forced_throttle_ms=10_000, **quiet),
        FlowVenueParams(venue="okx", share=1, gaps_day=100, gap_min=1440, **quiet),
        FlowVenueParams(venue="bitget", share=1, forced_share=0, **quiet),
    )
    world = FlowWorld(WILD.model_copy(update={"venues": venues}), 5)
    happened: list[Rows] = []
    told: list[Rows] = []
    for one in minutes(world):
        happened.append(one.forced)
        told += [block.liquidations for block in one.told]
    forced, heard = np.concatenate(happened), np.concatenate(told)
    counts = np.bincount(heard["venue"], minlength=4)
    assert counts[0] == (forced["venue"] == 0).sum() > 30
    windows = heard["time_ms"][heard["venue"] == 1] // 10_000
    assert len(windows) == len(np.unique(windows)) > 10
    assert counts[1] < (forced["venue"] == 1).sum()
    assert counts[2] < 0.3 * (forced["venue"] == 2).sum()
    assert counts[3] == 0


def test_what_is_late_is_told_late_once() -> None:
    venues = tuple(one.model_copy(update={"late_share": 0.5, "late_s": 200.0}) for one in FLOW_VENUES[1:2])
    world = FlowWorld(WILD.model_copy(update={"venues": venues}), 5)
    seen = list(minutes(world))
    told = np.concatenate([block.liquidations for one in seen for block in one.told])
    happened = np.concatenate([one.forced for one in seen])
    assert len(told) <= len(happened) + 20
    assert len(told) > 0.8 * len(happened)
    sizes = np.sort(happened["size_usd"])
    at = np.clip(np.searchsorted(sizes, told["size_usd"]), 0, len(sizes) - 1)
    assert (np.abs(sizes[at] - told["size_usd"]) < 1e-6).mean() > 0.95


@pytest.mark.long
def test_bars_of_other_spans_tell_the_same_market() -> None:
    def told(bar_ms: int) -> tuple[Rows, Rows]:
        world = FlowWorld(WILD.model_copy(update={"bar_ms": bar_ms, "days": 60 / 1440, "burn_in_days": 0.1}), 3)
        blocks = list(world.every_block())
        return np.concatenate([one.bars for one in blocks]), np.concatenate([one.liquidations for one in blocks])

    seconds, minute, five = (told(span) for span in (1000, MINUTE_MS, 5 * MINUTE_MS))
    for (fine, fine_told), (coarse, coarse_told), count in ((seconds, minute, 60), (minute, five, 5)):
        assert np.array_equal(fine_told, coarse_told)
        venues = len(FLOW_VENUES)
        grouped = fine.reshape(-1, count, venues)
        whole = coarse.reshape(-1, venues)
        assert np.array_equal(grouped["high"].max(axis=1), whole["high"])
        assert np.array_equal(grouped["low"].min(axis=1), whole["low"])
        assert np.array_equal(grouped["open"][:, 0], whole["open"])
        assert np.array_equal(grouped["close"][:, -1], whole["close"])
        np.testing.assert_allclose(grouped["volume_usd"].sum(axis=1), whole["volume_usd"], rtol=1e-9)
        np.testing.assert_allclose(grouped["buy_usd"].sum(axis=1), whole["buy_usd"], rtol=1e-9)


def test_the_tape_is_sound_and_the_truth_beside_it_is_what_happened(tmp_path: Path) -> None:
    export(FlowWorld(SMALL, 3), tmp_path / "tape.parquet", tmp_path / "truth.parquet", every_ms=HOUR_MS)
    tape = read_tape(tmp_path / "tape.parquet")
    again = FlowWorld(SMALL, 3)
    truth = read_truth(tmp_path / "truth.parquet")[1]
    for mine, read in itertools.zip_longest(again.every_block(), tape.blocks()):
        assert mine.tick_ms == read.tick_ms
        for kind in KINDS:
            assert mine.rows(kind).tobytes() == read.rows(kind).tobytes()
        if mine.tick_ms % HOUR_MS == 0:
            assert np.array_equal(truth[truth["time_ms"] == mine.tick_ms], again.positions())


def test_same_seed_same_bytes_another_seed_another_market() -> None:
    params = SMALL.model_copy(update={"days": 0.02, "burn_in_days": 0.05})

    def said(seed: int) -> bytes:
        blocks = FlowWorld(params, seed).every_block()
        return b"".join(block.rows(kind).tobytes() for block in blocks for kind in KINDS)

    assert said(1) == said(1) != said(2)
    assert FlowWorld(params, 1).fingerprint == FlowWorld(params, 1).fingerprint != FlowWorld(params, 2).fingerprint


def correlation(values: npt.NDArray[np.float64], lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


@pytest.mark.long
def test_returns_have_fat_tails_and_no_memory_but_their_size_has(calm: Rows) -> None:
    returns = np.diff(np.log(calm["close"]))
    assert 0.01 < returns.std() * np.sqrt(1440) < 0.06
    assert (returns**4).mean() / (returns**2).mean() ** 2 > 8
    assert abs(correlation(returns, 5)) < 0.06
    sizes = np.minimum(np.abs(returns), np.quantile(np.abs(returns), 0.99))
    assert all(correlation(sizes, lag) > 0.05 for lag in (1, 10, 60))
    assert correlation(sizes, 1) > correlation(sizes, 60)


def test_few_hold_much(wild: list[Minute]) -> None:
    own = wild[-1].after
    crowd = np.sort(own["size_usd"][own["leverage"] > 1.0])[::-1]
    top = crowd[: len(crowd) // 100]
    assert 0.25 < top.sum() / crowd.sum() < 0.9


@pytest.mark.long
def test_sessions_are_busier_than_the_rest(calm: Rows) -> None:
    hour = (calm["time_ms"] - 1) // HOUR_MS % 24
    volume = np.bincount(hour, calm["volume_usd"], minlength=24)
    assert volume[14] > 1.5 * volume[5]


def test_bars_that_do_not_fit_minutes_are_refused() -> None:
    with pytest.raises(ValidationError, match="bar_ms: 7000 must be whole seconds that divide a minute"):
        FlowParams(bar_ms=7_000)
    with pytest.raises(ValidationError, match="bar_ms: 90000"):
        FlowParams(bar_ms=90_000)


# Made by generator -> the bytes. Other bytes from the same parameters need a new generator number.
PINNED = {1: "2bc923f865520e0505161fe7b3deb464f32dfe7fd4822cd5976a74ea18d141bc"}
RATES = ["time_ms", "venue", "coin", "rate_pct", "interval_h"]
"""What is pinned of funding: that a rate says its stage makes no other market."""


def test_the_generator_makes_the_bytes_its_number_stands_for() -> None:
    found = hashlib.sha256()
    world = FlowWorld(WILD.model_copy(update={"days": 0.03, "burn_in_days": 0.1}), 11)
    for block in world.every_block():
        for kind in KINDS:
            rows = block.rows(kind)
            found.update((repack_fields(rows[RATES]) if kind == "funding" else rows).tobytes())
    found.update(world.positions().tobytes())
    assert found.hexdigest() == PINNED[FLOW_GENERATOR]
