from itertools import pairwise

import msgspec
import numpy as np
import pytest
from estimates import open_in, positions_with, reported_positions, touch
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import START_MS
from told_market import EVERYTHING, NONE, random_with_snapshots

from liqbot.blocks import DTYPES, NO_ROWS, EventBlock, Roster, block_of
from liqbot.events import MarketEvent, MarkPrice, OpenInterest, OpenPosition, TradeBar
from liqbot.instruments import Side
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.reported_positions import newest_snapshots
from liqbot.market.market import Market
from liqbot.market.params import CalibrationParams, EstimateParams, MarketParams
from paper.world import World, WorldParams

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
ROSTER = Roster(("hyperliquid", "binance"), ("BTC",))
PLACES = ((Side.LONG, 95.0, 4e6), (Side.LONG, 90.0, 2e6), (Side.SHORT, 104.0, 3e6))
seeds = st.integers(0, 2**32)


def quiet(number: int, *more: MarketEvent, low: float = 99.9, high: float = 100.1) -> EventBlock:
    """One minute in which both venues trade around 100 and nothing is opened."""
    time_ms = START_MS + number * MINUTE_MS
    happened: list[MarketEvent] = []
    for venue in ROSTER.venues:
        at = {"time_ms": time_ms, "venue": venue, "coin": "BTC"}
        happened += [
            TradeBar(**at, span_ms=MINUTE_MS, open=100.0, high=high, low=low, close=100.0, volume_usd=0.0),
            MarkPrice(**at, mark_price=100.0),
            OpenInterest(**at, oi_usd=6e6),
        ]
    return block_of([*happened, *more], ROSTER, tick_ms=time_ms)


def snapshot(number: int, places: tuple[tuple[Side, float, float], ...] = PLACES) -> list[MarketEvent]:
    at = {"time_ms": START_MS + number * MINUTE_MS, "venue": "hyperliquid", "coin": "BTC"}
    return [OpenPosition(**at, side=side, price=price, size_usd=usd) for side, price, usd in places]


def lived(*blocks: EventBlock) -> Market:
    market = Market(MarketParams(), ROSTER, "binance")
    for block in blocks:
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
    return market


def test_measured_positions_are_on_the_map_where_and_as_large_as_they_are() -> None:
    drawn = lived(quiet(0), quiet(1, *snapshot(1))).map_of("BTC")
    assert drawn.measured_usd is not None
    for side, price, usd in PLACES:
        around = slice(drawn.bin_of(price) - 1, drawn.bin_of(price) + 2)
        assert drawn.usd(side)[around].sum() == pytest.approx(usd)
        assert drawn.measured_usd[around].sum() == pytest.approx(usd)
    assert drawn.total_usd(Side.LONG) == pytest.approx(6e6)


def test_without_a_snapshot_nothing_is_measured() -> None:
    market = lived(quiet(0), quiet(1))
    assert market.map_of("BTC").measured_usd is None
    assert {health.measured_share for health in market.venue_health("BTC", START_MS)} == {0.0}


def test_the_covered_share_of_each_side_follows_from_open_interest() -> None:
    market = lived(quiet(0), quiet(1, *snapshot(1)))
    told, silent = market.venue_health("BTC", START_MS + 5 * MINUTE_MS)
    assert (told.measured_long_share, told.measured_short_share, told.measured_share) == (1.0, 0.5, 0.75)
    assert told.measured_age_ms == 4 * MINUTE_MS
    assert (silent.measured_long_share, silent.measured_short_share, silent.measured_share) == (0.0, 0.0, 0.0)
    assert np.isnan(silent.measured_age_ms)


def test_no_more_is_told_than_is_open() -> None:
    twice = tuple((side, price, 2 * usd) for side, price, usd in PLACES)
    market = lived(quiet(0), quiet(1, *snapshot(1, twice)))
    drawn = market.map_of("BTC")
    assert drawn.total_usd(Side.LONG) == pytest.approx(6e6)
    assert drawn.total_usd(Side.SHORT) == pytest.approx(6e6)
    assert market.venue_health("BTC", START_MS)[0].measured_long_share == 1.0


def test_a_row_without_size_says_that_there_is_none_to_tell() -> None:
    market = lived(quiet(0), quiet(1, *snapshot(1)), quiet(2, *snapshot(2, ((Side.LONG, 1.0, 0.0),))))
    drawn = market.map_of("BTC")
    assert (drawn.total_usd(Side.LONG), drawn.total_usd(Side.SHORT)) == (0.0, 0.0)
    assert market.venue_health("BTC", START_MS + 2 * MINUTE_MS)[0].measured_age_ms == 0


def test_a_snapshot_replaces_the_venue_s_former_one() -> None:
    market = lived(quiet(0), quiet(1, *snapshot(1)), quiet(2, *snapshot(2, ((Side.LONG, 93.0, 1e6),))))
    drawn = market.map_of("BTC")
    assert drawn.total_usd(Side.LONG) == pytest.approx(1e6)
    assert drawn.total_usd(Side.SHORT) == 0.0


def test_what_the_mark_reaches_is_promised_once_and_gone() -> None:
    market = lived(quiet(0), quiet(1, *snapshot(1)), quiet(2, low=94.0))
    assert market.promised_usd("BTC")["hyperliquid"][0] == pytest.approx(0.35 * 4e6, rel=0.01)
    assert market.map_of("BTC").total_usd(Side.LONG) == pytest.approx(2e6, rel=0.01)
    block = quiet(3, low=94.0)
    market.collect(block)
    market.on_tick(block.tick_ms or 0)
    assert market.promised_usd("BTC")["hyperliquid"] == (0.0, 0.0)


def test_a_snapshot_that_gets_old_fades() -> None:
    market, totals = lived(quiet(0), quiet(1, *snapshot(1))), []
    for hour in range(1, 200, 24):
        block = quiet(60 * hour)
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
        totals.append(market.map_of("BTC").total_usd(Side.LONG))
    assert all(later < sooner for sooner, later in pairwise(totals))
    assert totals[-1] < 0.2 * totals[0]


def beside_usd(positions: Positions) -> np.ndarray:
    """`prior_usd` of what lies beside the positions that are reported one by one."""
    return positions.prior_usd() * positions.state.beside


@given(seeds)
@settings(max_examples=8, deadline=None)
def test_what_is_covered_fades_is_touched_and_is_diluted_like_any_other_position(seed: int) -> None:
    """Whatever happens after a snapshot: as if the covered positions had been taken out, and the rest lived on."""
    chance, params = np.random.default_rng(seed), EstimateParams()
    shift = shifts_of("binance", "BTC", params)
    whole, rest = positions_with(params, shift), positions_with(params, shift)
    share = chance.uniform(0.0, 1.0, whole.prior_usd()[0].shape)
    for number in range(30):
        at, width = 30_000.0 + 15.0 * chance.normal(), chance.exponential(10.0)
        for one in (whole, rest):
            one.centre(at)
            one.decay(HOUR_MS)
            touch(one, 0, at - width, at + width)
        usd, swept = tuple(chance.exponential(1e6, 2)), [(at - width, at + width)]
        for one in (whole, rest):
            open_in(one, [0], swept, [usd], swept)
        if number == 10:
            whole.cover(0, share)
            rest.state.cells[:, 0] *= 1.0 - share[..., None]
            rest.state.total[0] *= 1.0 - share
        whole.leave_out_covered([0])
        if number == 10:
            assert beside_usd(whole) == pytest.approx(rest.prior_usd())
    # The covered part lies where the rest does: after the tier was swept and opened anew only the total is exact.
    assert beside_usd(whole).sum() == pytest.approx(rest.prior_usd().sum(), rel=0.1)
    assert (beside_usd(whole) <= whole.prior_usd() * (1 + 1e-9)).all()


@pytest.mark.long
@given(seeds)
@settings(max_examples=3, deadline=None)
def test_what_is_learnt_does_not_depend_on_who_reports_positions(seed: int) -> None:
    """Levels, tiers and closing stand for all positions of a venue, so that venues can be compared."""
    world, blocks = random_with_snapshots(seed)
    params = MarketParams(calibration=CalibrationParams(leverage_prior_ratio_max=1.0))
    told, silent = (Market(params, world.roster, "binance") for _ in range(2))
    for block in blocks:
        for market, one in ((told, block), (silent, msgspec.structs.replace(block, positions=NO_ROWS["positions"]))):
            market.collect(one)
            market.on_tick(block.tick_ms or 0)
    ours, theirs = (market.state()["coins"][0]["estimate"] for market in (told, silent))
    for part in ("calibration", "closing"):
        assert ours[part] == theirs[part]
    assert ours["positions"]["total"] == theirs["positions"]["total"]


@given(seeds)
@settings(max_examples=5)
def test_how_much_of_measured_positions_is_told_is_learnt(seed: int) -> None:
    """Of positions reached, six in ten had left before."""
    chance = np.random.default_rng(seed)
    measured = reported_positions(EstimateParams(), CalibrationParams())
    none, whole, now_ms = np.zeros((1, 2)), np.ones(1), START_MS
    for _ in range(300):
        measured.replace(0, [(np.array([990.5]), np.array([1e5])), NONE], 1_000.0, EVERYTHING, now_ms)
        measured.begin_step()
        measured.touch(0, 990.0, 1_000.0, now_ms)
        promised_usd = 1e5 * measured.ratio
        assert measured.expect(none, whole, MINUTE_MS)[0, 0] == pytest.approx(promised_usd)
        if chance.random() < 0.4:
            measured.count([(0, 0, 1e5)])
        now_ms += MINUTE_MS
    assert measured.ratio == pytest.approx(0.44, abs=0.12)


def test_impossible_rows_are_left_out() -> None:
    head = (START_MS, 0, 0)
    rows = [(*head, 1, float("nan"), 1.0), (*head, 1, -5.0, 1.0), (*head, -1, 10.0, float("inf")), (*head, 1, 10.0, 7)]
    longs, shorts = newest_snapshots(np.array(rows, DTYPES["positions"]))[0]
    assert longs[1].tolist() == [7.0]
    assert shorts[1].tolist() == []


@pytest.mark.long
@given(seeds)
@settings(max_examples=4, deadline=None)
def test_a_market_with_measured_positions_comes_back_exactly_and_goes_on_alike(seed: int) -> None:
    world, blocks = random_with_snapshots(seed)
    market, again = (Market(MarketParams(), world.roster, "binance") for _ in range(2))
    for number, block in enumerate(blocks):
        if number == 70:
            again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(market.state())))
        for one in (market, again) if number >= 70 else (market,):
            one.collect(block)
            one.on_tick(block.tick_ms or 0)
    assert msgspec.msgpack.encode(again.state()) == msgspec.msgpack.encode(market.state())


@pytest.mark.drawn
@given(seeds)
@settings(max_examples=4, deadline=None)
def test_every_way_of_splitting_a_map_still_sums_to_the_whole(seed: int) -> None:
    world, blocks = random_with_snapshots(seed)
    market = Market(MarketParams(), world.roster, "binance")
    for block in blocks:
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
    whole = market.map_of("BTC")
    for parts in (
        [market.map_of("BTC", venues=[venue]) for venue in world.venues],
        [market.map_of("BTC", leverages=[leverage]) for leverage in market.leverages()],
    ):
        for side in Side:
            assert sum(part.usd(side) for part in parts) == pytest.approx(whole.usd(side), rel=1e-9, abs=1e-3)


@pytest.mark.long
def test_a_simulated_venue_that_tells_its_positions_has_the_true_map() -> None:
    params = WorldParams(days=0.5, step_ms=300_000, burn_in_days=2, backfill_days=0.5, backfill_step_ms=300_000)
    world = World(params, 77)
    plain, told = (Market(MarketParams(), world.roster, "binance") for _ in range(2))
    for source in (world.backfill(), world.blocks()):
        for block in source:
            tick_ms = block.tick_ms or 0
            more = world.told_positions("hyperliquid") if tick_ms % HOUR_MS == 0 else block.positions
            for market, one in ((plain, block), (told, msgspec.structs.replace(block, positions=more))):
                market.collect(one)
                market.on_tick(tick_ms)
    code = world.roster.venue_code("hyperliquid")
    rows = world.positions()
    rows = rows[(rows["venue"] == code) & (rows["leverage"] > 1)]

    def likeness(market: Market) -> float:
        drawn = market.map_of("BTC", venues=["hyperliquid"])
        known, true = [], []
        for side in Side:
            mine = rows[rows["side"] == side]
            edges = drawn.edges[drawn.span(side, 10.0)][::4]
            known.append(np.add.reduceat(drawn.usd(side)[drawn.span(side, 10.0)], np.arange(0, 4 * len(edges) - 4, 4)))
            true.append(np.histogram(mine["liquidation_price"], edges, weights=mine["size_usd"])[0])
        return float(np.corrcoef(np.concatenate(known), np.concatenate(true))[0, 1])

    health = {one.venue: one for one in told.venue_health("BTC", world.now_ms)}
    assert health["hyperliquid"].measured_share > 0.95
    assert likeness(told) > 0.8
    assert likeness(plain) < 0.6
