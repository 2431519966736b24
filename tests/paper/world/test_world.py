import hashlib
import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from liqbot.blocks import KINDS, EventBlock
from paper.world import World, WorldParams
from paper.world.params import BTC, ETH, SEVEN_VENUES, CrowdParams, PriceParams, ShockParams

MINUTE_MS = 60_000
CALM = ShockParams(first_wick_minute=None)


def small(**changes: object) -> WorldParams:
    """A market that is made in a fraction of a second."""
    usual: dict[str, object] = {
        "step_ms": MINUTE_MS, "days": 0.25, "burn_in_days": 0.5, "backfill_days": 0.1,
        "crowd": CrowdParams(positions=1200), "shocks": CALM,
    }  # fmt: skip
    return WorldParams(**(usual | changes))


def bytes_of(blocks: Iterable[EventBlock]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(f"{block.tick_ms} {block.backfilled}".encode())
        for kind in KINDS:
            digest.update(block.rows(kind).tobytes())
    return digest.hexdigest()


@pytest.mark.long
def test_same_seed_same_bytes_and_another_seed_another_market():
    params = small(coins=(BTC, ETH), days=0.05)
    first, again = World(params, 3), World(params, 3)
    assert bytes_of(first.blocks()) == bytes_of(again.blocks())
    assert first.positions().tobytes() == again.positions().tobytes()
    assert bytes_of(World(params, 4).blocks()) != bytes_of(World(params, 3).blocks())


@pytest.mark.drawn(dear=True)
def test_how_it_is_consumed_does_not_matter():
    params = small(days=0.05)
    whole = World(params, 9)
    history = list(whole.backfill())
    live = list(whole.blocks())
    assert bytes_of(World(params, 9).blocks()) == bytes_of(live)
    parts = World(params, 9)
    assert bytes_of(itertools.islice(parts.backfill(), 7)) == bytes_of(history[:7])
    stream = parts.blocks()
    assert bytes_of(itertools.chain(itertools.islice(stream, 10), stream)) == bytes_of(live)
    assert all(block.backfilled for block in history)
    assert not any(block.backfilled for block in live)


@pytest.mark.drawn(dear=True)
def test_clock_steps_follow_the_grid_without_a_gap():
    params = small(days=0.01, step_ms=1000, backfill_days=0.05)
    world = World(params, 1)
    history, live = list(world.backfill()), list(world.blocks())
    ticks = [block.tick_ms for block in [*history, *live]]
    spans = np.diff([world.history_start_ms, *ticks])
    assert (spans[: len(history)] == MINUTE_MS).all()
    assert (spans[len(history) :] == 1000).all()
    assert history[-1].tick_ms == params.start_ms
    assert ticks[-1] == params.start_ms + int(0.01 * 86_400_000)
    for block, span_ms in zip([*history, *live], spans, strict=True):
        assert (block.bars["span_ms"] == span_ms).all()
        for kind in KINDS:
            assert (block.rows(kind)["time_ms"] == block.tick_ms).all()


@pytest.mark.drawn(dear=True)
def test_bars_and_marks_are_possible_prices():
    last: dict[tuple[int, int], float] = {}
    for block in World(small(coins=(BTC, ETH)), 2).blocks():
        bars = block.bars
        for name in ("open", "high", "low", "close", "volume_usd", "buy_usd", "sell_usd"):
            assert np.isfinite(bars[name]).all()
            assert (bars[name] >= 0).all()
        assert (bars["low"] > 0).all()
        assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
        assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
        assert np.allclose(bars["buy_usd"] + bars["sell_usd"], bars["volume_usd"])
        ticks = np.where(bars["coin"] == 0, BTC.ticks_per_usd, ETH.ticks_per_usd)
        assert np.array_equal(np.rint(bars["close"] * ticks) / ticks, bars["close"])
        assert (np.abs(block.marks["mark_price"] / block.marks["index_price"] - 1) < 0.02).all()
        assert (block.open_interest["oi_usd"] > 0).all()
        for row in bars:
            key = (int(row["venue"]), int(row["coin"]))
            assert row["open"] == last.get(key, row["open"])
            last[key] = float(row["close"])
    assert len(last) == 2 * len(SEVEN_VENUES)


@pytest.mark.drawn(dear=True)
def test_truth_adds_up_to_open_interest_and_nothing_crossed_is_left():
    world = World(small(shocks=ShockParams(first_wick_minute=None, rate_day=8)), 5)
    for number, block in enumerate(world.blocks()):
        if number % 97:
            continue
        held = world.positions()
        for venue in range(len(SEVEN_VENUES)):
            own = held[held["venue"] == venue]
            mark = block.marks["mark_price"][block.marks["venue"] == venue][0]
            long, short = own[own["side"] > 0], own[own["side"] < 0]
            told = block.open_interest["oi_usd"][block.open_interest["venue"] == venue][0]
            assert long["size_usd"].sum() == pytest.approx(told, rel=1e-9)
            assert short["size_usd"].sum() == pytest.approx(told, rel=1e-9)
            assert (long["liquidation_price"] < mark).all()
            assert (short["liquidation_price"] > mark).all()
        assert (held["size_usd"] > 0).all()
        assert (held["time_ms"] == block.tick_ms).all()


@pytest.mark.drawn(dear=True)
def test_every_published_forced_order_is_a_true_forced_close_at_its_liquidation_price():
    world, told, happened = World(small(shocks=ShockParams(first_wick_minute=None, rate_day=40)), 6), 0, 0
    low, high = {}, {}
    for block in world.blocks():
        true = world.forced()
        happened += len(true)
        told += len(block.liquidations)
        keys = {(row["venue"], row["side"], row["size_usd"]) for row in true}
        assert all((row["venue"], row["side"], row["size_usd"]) in keys for row in block.liquidations)
        for bar in block.bars:
            # The bar's range and a little more: a mark runs on a smoother basis than the last trade.
            low[bar["venue"]], high[bar["venue"]] = bar["low"] * 0.99, bar["high"] * 1.01
        for row in true:
            assert low[row["venue"]] <= row["price"] <= high[row["venue"]]
    assert happened > 50
    assert 0 < told < happened


@pytest.mark.drawn(dear=True)
def test_the_future_does_not_reach_back():
    """A wick whose build-up starts at minute 60, or another length of the world, changes nothing before."""
    later = ShockParams(first_wick_minute=90.0, build_up_h=0.5)
    plain = list(itertools.islice(World(small(), 8).blocks(), 90))
    wicked = list(itertools.islice(World(small(days=3, shocks=later), 8).blocks(), 90))
    assert bytes_of(plain[:59]) == bytes_of(wicked[:59])
    assert bytes_of(plain[60:]) != bytes_of(wicked[60:])


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_wick_sweeps_a_crowd_2_to_5_pct_away_and_comes_back(seed: int):
    world = World(small(days=0.1, shocks=ShockParams(first_wick_minute=10, build_up_h=2, rate_day=0)), seed)
    blocks = list(itertools.islice(world.backfill(), 10_000))
    calm = world_close(blocks[-1])
    forced, live = 0.0, []
    for block in itertools.islice(world.blocks(), 80):
        live.append(block)
        forced += world.forced()["size_usd"].sum()
    depth = max(
        1 - min(b.bars["low"].min() for b in live[9:30]) / calm,
        max(b.bars["high"].max() for b in live[9:30]) / calm - 1,
    )
    volume = [block.bars["volume_usd"].sum() for block in live]
    assert 0.02 < depth < 0.09
    assert abs(world_close(live[-1]) / calm - 1) < 0.7 * depth
    assert forced > 1e6
    assert max(volume[9:40]) > 3 * np.median(volume[50:])


def world_close(block: EventBlock) -> float:
    return float(block.bars["close"][0])


@pytest.mark.long
def test_mirrored_knobs_mirror_the_crowd():
    def long_share(tilt: float) -> float:
        crowd = CrowdParams(positions=1200, long_tilt=tilt, momentum_share=0, reverting_share=0, funding_aversion=0)
        world = World(small(days=0.05, crowd=crowd), 4)
        for _ in world.blocks():
            pass
        held = world.positions()
        held = held[held["leverage"] > 1]
        return float((held["side"] > 0).mean())

    assert long_share(0.3) > 0.7
    assert long_share(-0.3) == pytest.approx(1 - long_share(0.3), abs=0.06)


@pytest.mark.long
def test_a_crowd_on_one_side_pays_for_it():
    def rate(tilt: float) -> float:
        crowd = CrowdParams(positions=1200, long_tilt=tilt)
        return float(
            np.mean([b.funding["rate_pct"].mean() for b in World(small(crowd=crowd), 4).blocks() if len(b.funding)])
        )

    assert rate(0.4) > 0.02
    assert rate(-0.4) < 0


@pytest.mark.drawn(dear=True)
def test_the_leverage_mix_shifts_half_way():
    mix = (0.02,) + (0.0,) * 4 + (0.02,) + (0.96,) * 5
    crowd = CrowdParams(positions=1200, mix_after=mix, shift_at_share=0.5)
    world = World(small(crowd=crowd, prices=PriceParams(volatility_day_pct=0.5)), 4)
    shares = []
    for _ in world.blocks():
        held = world.positions()
        held = held[held["leverage"] > 1]
        shares.append(float((held["leverage"] >= 40).mean()))
    assert shares[-1] > 1.5 * np.mean(shares[150:175])


def test_unknown_knobs_and_senseless_values_are_refused():
    with pytest.raises(ValueError, match="levrage"):
        CrowdParams(levrage=3)
    with pytest.raises(ValueError, match="mix_before"):
        CrowdParams(mix_before=(1.0,))
    with pytest.raises(ValueError, match="step_ms"):
        WorldParams(step_ms=0)


@pytest.mark.drawn(dear=True)
def test_forced_orders_may_be_told_at_their_own_times_inside_the_step():
    shocks = ShockParams(first_wick_minute=20, rate_day=20)
    plain, own = (World(small(own_print_times=inside, shocks=shocks), 5) for inside in (False, True))
    together, apart = list(plain.every_block()), list(own.every_block())
    ends = [block for block in apart if len(block.bars)]
    assert [block.tick_ms for block in ends] == [block.tick_ms for block in together]
    for kind in ("bars", "marks", "open_interest", "funding"):
        for one, two in zip(together, ends, strict=True):
            assert one.rows(kind).tobytes() == two.rows(kind).tobytes()
    ticks = [block.tick_ms for block in apart]
    assert ticks == sorted(set(ticks))
    told, inside = (np.concatenate([block.liquidations for block in blocks]) for blocks in (together, apart))
    for name in ("venue", "side", "price", "size_usd"):
        assert np.array_equal(told[name], inside[name])
    # Each lies in the step with whose end it was told, and not all at that end.
    assert ((told["time_ms"] - inside["time_ms"] >= 0) & (told["time_ms"] - inside["time_ms"] < MINUTE_MS)).all()
    assert 0 < (told["time_ms"] == inside["time_ms"]).sum() < len(told)
