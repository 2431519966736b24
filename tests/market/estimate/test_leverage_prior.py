import msgspec
import numpy as np
import pytest
from estimates import calibration_with, leverage_prior, open_in, positions_with
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.kernels import LONG, SHORT, Floats
from liqbot.market.estimate.leverage_prior import LeveragePrior
from liqbot.market.estimate.positions import Positions
from liqbot.market.market import Market
from liqbot.market.params import CalibrationParams, EstimateParams, MarketParams
from paper.world import World, WorldParams

ESTIMATE, PARAMS = EstimateParams(), CalibrationParams()
LEVERAGES = np.array(ESTIMATE.leverages)
MARK = 30_000.0
HOUR_MS = 3_600_000
OFFERED = LEVERAGES <= 25
"""By the measured venue, Hyperliquid, of the tiers there are."""

Sides = list[tuple[Floats, Floats]]
seeds = st.integers(0, 2**32)


def two_venues(params: EstimateParams) -> Positions:
    return positions_with(params, *[shifts_of(venue, "BTC", params) for venue in ("binance", "hyperliquid")])


def modelled(seed: int) -> Positions:
    """Two venues, of which the second one is measured; what was opened around the mark."""
    positions, chance = two_venues(ESTIMATE), np.random.default_rng(seed)
    positions.centre(MARK)
    for _ in range(40):
        low = MARK - chance.uniform(0, 4)
        entries = [(low, low + 3.0)] * 2
        open_in(positions, [0, 1], entries, [(1e7, 1e7), tuple(chance.uniform(1e6, 3e6, 2))], [(MARK, MARK)] * 2)
    return positions


def drawn_from(positions: Positions, parts: int, times: Floats) -> Sides:
    """The second row's positions as a venue would tell them, `parts` per bin; each tier so many times as large."""
    sides = []
    for side in (LONG, SHORT):
        at, usd = [], []
        for tier, factor in enumerate(times):
            start, values = positions.line(1, side, [tier])
            filled = np.flatnonzero(values)
            at.append(np.repeat(filled + start + positions.state.first_bin + 0.5, parts))
            usd.append(np.repeat(values[filled] * (factor / parts), parts))
        sides.append((np.concatenate(at), np.concatenate(usd)))
    return sides


def told(positions: Positions, sides: Sides, *, hours: int = 100, params: CalibrationParams = PARAMS) -> LeveragePrior:
    prior = leverage_prior(ESTIMATE, params, positions)
    for hour in range(hours):
        prior.compare(1, sides, MARK, hour * HOUR_MS)
    return prior


@pytest.mark.drawn
@given(seeds, st.floats(0.01, 100))
@settings(max_examples=8, deadline=None)
def test_a_measured_venue_as_modelled_says_nothing_whatever_its_size(seed: int, size: float) -> None:
    positions = modelled(seed)
    prior = told(positions, drawn_from(positions, 3, np.full(len(LEVERAGES), size)))
    assert prior.state.ratio[OFFERED] == pytest.approx(1.0)
    assert prior.state.ratio[~OFFERED].tolist() == [0.0] * int((~OFFERED).sum())


@pytest.mark.long
@given(seeds)
@settings(max_examples=8, deadline=None)
def test_twice_as_much_of_the_far_tiers_is_found_with_evidence(seed: int) -> None:
    """Far against near tends to 2, from 1, the more positions say so and the longer they do."""
    positions, times = modelled(seed), np.where(LEVERAGES <= 5, 2.0, 1.0)

    def ratio(parts: int, hours: int) -> float:
        standing = told(positions, drawn_from(positions, parts, times), hours=hours).state.ratio
        return float(standing[0] / standing[3])

    found = [ratio(1, 2), ratio(1, 5), ratio(1, 80), ratio(100, 80)]
    assert 1.0 < found[0] < found[1] < found[2] < found[3]
    assert found[-1] == pytest.approx(2.0, rel=0.02)


def test_the_first_snapshot_alone_says_nothing() -> None:
    positions = modelled(2)
    assert not told(positions, drawn_from(positions, 1, np.ones(len(LEVERAGES))), hours=1).state.ratio.any()


def test_one_large_position_is_little_evidence() -> None:
    positions = modelled(3)
    sides = drawn_from(positions, 1, np.ones(len(LEVERAGES)))
    total_usd = float(sides[LONG][1].sum())
    far = MARK - 800.0
    one = [(np.append(sides[LONG][0], far), np.append(sides[LONG][1], total_usd)), sides[SHORT]]
    many = [
        (np.append(sides[LONG][0], np.full(500, far)), np.append(sides[LONG][1], np.full(500, total_usd / 500))),
        sides[SHORT],
    ]
    whale, crowd = told(positions, one).state.ratio, told(positions, many).state.ratio
    assert 1.0 < whale[0] / whale[3] < 0.7 * crowd[0] / crowd[3]


@pytest.mark.drawn(singly=True)
def test_what_lies_beyond_every_class_and_empty_snapshots_say_nothing() -> None:
    positions = modelled(4)
    sides = drawn_from(positions, 3, np.ones(len(LEVERAGES)))
    beyond = [(np.append(position, MARK + 2_000.0), np.append(usd, 1e12)) for position, usd in sides]
    assert told(positions, beyond).state.ratio == pytest.approx(told(positions, sides).state.ratio)
    nothing = (np.zeros(0), np.zeros(0))
    assert told(positions, [nothing, nothing]).state.ratio.tolist() == [0.0] * len(LEVERAGES)


def test_it_comes_back_exactly_and_goes_on_alike() -> None:
    positions = modelled(5)
    sides = drawn_from(positions, 2, np.linspace(0.5, 2.0, len(LEVERAGES)))
    prior, again = told(positions, sides, hours=5), leverage_prior(ESTIMATE, PARAMS, positions)
    record = msgspec.msgpack.decode(msgspec.msgpack.encode(prior.state.packed()))
    again.state.load_state(record)
    open_in(positions, [0, 1], [(MARK, MARK + 5.0)] * 2, [(1e6, 1e6)] * 2, [(MARK, MARK)] * 2)
    for one in (prior, again):
        one.compare(1, sides, MARK + 3.0, 9 * HOUR_MS)
    assert msgspec.msgpack.encode(again.state.packed()) == msgspec.msgpack.encode(prior.state.packed())


# --- what calibration makes of it -------------------------------------------------------------------------------------


def learnt(ratio: tuple[float, ...], params: CalibrationParams = PARAMS) -> Floats:
    """Weights after orders told of the last two of four tiers, one for each ten times as much touched."""
    calibration = calibration_with(params, 4, True)
    for step in range(400):
        touched = np.zeros((1, 2, 4))
        touched[0, 0, 2 + step % 2] = 10_000.0
        calibration.on_step(touched, [(0, 0, 1_000.0)], (), 60_000, leverage_prior=np.array(ratio))
    return calibration.state.weights


@pytest.mark.drawn(singly=True)
def test_tiers_that_price_does_not_reach_follow_those_it_does() -> None:
    without = learnt((0.0, 0.0, 0.0, 0.0))
    assert without == pytest.approx(1.0, rel=0.02)
    for size in (1.0, 30.0):
        found = learnt((6.0 * size, 0.0, 3.0 * size, 3.0 * size))
        assert found[0] == pytest.approx(2.0, rel=0.2)
        assert found[1:] == pytest.approx(without[1:], rel=0.05)
    assert learnt((1.0, 1.0, 1.0, 1.0)) == pytest.approx(without, rel=0.02)


def test_what_is_reached_is_known_by_what_prints() -> None:
    """However measured positions are spread, the two reached tiers print alike."""
    found = learnt((1.0, 1.0, 5.0, 1.0))
    assert found[2] == pytest.approx(found[3], rel=0.1)


def test_the_most_it_may_change_is_kept() -> None:
    assert learnt((1e6, 0.0, 1.0, 1.0))[0] == pytest.approx(PARAMS.leverage_prior_ratio_max, rel=0.05)
    off = PARAMS.model_copy(update={"leverage_prior_ratio_max": 1.0})
    assert learnt((9.0, 0.0, 1.0, 2.0), off).tolist() == learnt((0.0, 0.0, 0.0, 0.0), off).tolist()


# --- in a market ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_more_measured_far_away_is_more_mapped_far_away_elsewhere() -> None:
    """Hyperliquid tells its positions each hour; once all those at 15 % and farther are told four times as large."""
    params = WorldParams(days=0.25, step_ms=300_000, burn_in_days=2, backfill_days=0.75, backfill_step_ms=300_000)
    world = World(params, 78)
    plain, larger = (Market(MarketParams(), world.roster, "binance") for _ in range(2))
    for source in (world.backfill(), world.blocks()):
        for block in source:
            tick_ms = block.tick_ms or 0
            rows = world.told_positions("hyperliquid") if tick_ms % HOUR_MS == 0 else block.positions
            more = rows.copy()
            middle = np.median(block.bars["close"])
            more["size_usd"][np.abs(more["price"] / middle - 1.0) > 0.15] *= 4.0
            for market, told_rows in ((plain, rows), (larger, more)):
                market.collect(msgspec.structs.replace(block, positions=told_rows))
                market.on_tick(tick_ms)

    def shares(side: Side, low_pct: float, high_pct: float) -> float:
        """Of what is mapped on Binance at these distances, the larger over the plain."""
        found = []
        for market in (larger, plain):
            drawn = market.map_of("BTC", venues=["binance"])
            far, near = drawn.span(side, high_pct), drawn.span(side, low_pct)
            found.append(drawn.usd(side)[far].sum() - drawn.usd(side)[near].sum())
        return float(found[0] / found[1])

    for side in Side:
        assert shares(side, 0.0, 2.0) == pytest.approx(1.0, rel=0.15)
        assert shares(side, 15.0, 45.0) > 1.25
