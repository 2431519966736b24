"""No favourite side: a market of linear contracts and its exact image, of inverse ones, are read and judged alike,
side for side, to the last digits.

Amounts keep their USD, so that whatever is summed in USD over time is summed alike; open interest, which moves with the
price in one of the two, has a law of its own. The market itself may be anything: no number here is looked at for what
it says.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from random_market import ROSTER, random_market

from liqbot.blocks import NO_ROWS, EventBlock, Roster
from liqbot.instruments import Side, split_venue_key
from liqbot.market.estimate import entry_to_liquidation
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.map.distances import Distances
from liqbot.market.market import Market
from liqbot.market.observed.open_interest import OpenInterestFold
from liqbot.market.params import EstimateParams, MarketParams, RollingParams
from liqbot.market.view import MarketView, SideView
from liqbot.signals.evaluate import evaluate
from liqbot.signals.registry import signal_model
from liqbot.signals.verdict import Verdict
from liqbot.venues.registry import VENUES, built_in, mechanics_of
from paper.flow_world import FlowParams, FlowWorld
from paper.flow_world.params import FlowCrowdParams, FlowPriceParams
from paper.score.mirror import Kept, image_roster, inverse_image, mirrored
from paper.tapes.truth import KnownMarket
from paper.world.params import ShockParams, WorldParams
from paper.world.world import World

SIDES = (Side.LONG, Side.SHORT)
SIGNALS = signal_model()()
CLOSE = {"rel": 1e-7, "abs": 1e-9, "nan_ok": True}
HOUR_MS = 3_600_000
Told = tuple[Roster, Iterable[EventBlock]]


@pytest.fixture(autouse=True)
def image_venues() -> Iterator[None]:
    specs = [inverse_image(spec) for spec in built_in()]
    for spec in specs:
        VENUES.add(spec)
    yield
    for spec in specs:
        VENUES.remove(spec.venue)


def wild(seed: int) -> Callable[[], Told]:
    """Bars of five minutes, trends and wicks."""
    return lambda: (ROSTER, random_market(seed, 160))


def crowd(seed: int) -> Callable[[], Told]:
    """A crowd of agents, bars of five minutes."""
    params = WorldParams(
        days=0.5, step_ms=300_000, burn_in_days=1, backfill_days=0.1, backfill_step_ms=300_000,
        shocks=ShockParams(first_wick_minute=200),
    )  # fmt: skip
    return lambda: _of(World(params, seed))


def flow(seed: int) -> Callable[[], Told]:
    """Drawn flow, bars of a minute, prints with times of their own inside."""
    params = FlowParams(
        days=0.2, burn_in_days=0.3, crowd=FlowCrowdParams(openings_day=9_000),
        prices=FlowPriceParams(volatility_day_pct=9, hunts_day=20, jumps_day=20),
    )  # fmt: skip
    return lambda: _of(FlowWorld(params, seed))


def _of(world: KnownMarket) -> Told:
    return world.roster, world.every_block()


MARKETS = {"wild 1": wild(1), "wild 2": wild(2), "crowd 1": crowd(1), "crowd 2": crowd(2), "flow 1": flow(1),
           "flow 2": flow(2)}  # fmt: skip


def both_views(told: Told) -> Iterator[tuple[MarketView, MarketView, float]]:
    """Of the market and of its image, tick by tick, and the square of the price they mirror at."""
    roster, blocks = told
    other = image_roster(roster, VENUES)
    plain, image = (Market(MarketParams(), one, one.venues[0]) for one in (roster, other))
    prices: dict[tuple[int, int], float] = {}
    about: dict[int, float] = {}
    for whole in blocks:
        block = msgspec.structs.replace(whole, open_interest=NO_ROWS["open_interest"])
        if not prices and not len(block.bars):
            continue
        plain.collect(block)
        image.collect(mirrored(block, prices, about, Kept.USD))
        tick_ms = block.tick_ms or 0
        for one, turned in zip(plain.on_tick(tick_ms), image.on_tick(tick_ms), strict=True):
            yield one, turned, about[0] ** 2


def hold(told: Told) -> None:
    """Every view and every verdict is mirrored. AssertionError where one is not."""
    ticks = 0
    for one, other, centre in both_views(told):
        assert numbers_of(other, centre, turned=True) == pytest.approx(numbers_of(one, centre, turned=False), **CLOSE)
        image_of = {(verdict.strategy, -verdict.side): verdict for verdict in evaluate(other, SIGNALS)}
        for verdict in evaluate(one, SIGNALS):
            image = image_of[verdict.strategy, verdict.side]
            assert image.code == verdict.code
            assert gates_of(image) == pytest.approx(gates_of(verdict), **CLOSE)
            if verdict.signal is not None and image.signal is not None:
                both = (verdict.signal, image.signal)
                assert both[0].stop_price * both[1].stop_price == pytest.approx(centre)
        ticks += 1
    assert ticks > 100


def gates_of(verdict: Verdict) -> list[float]:
    return [float("nan") if gate.value is None else gate.value for gate in verdict.gates]


def numbers_of(view: MarketView, centre: float, *, turned: bool) -> list[float]:
    """What is read off the market, as its image would have it when `turned`."""
    sign = -1.0 if turned else 1.0
    below, above = (view.above, view.below) if turned else (view.below, view.above)
    signed = (view.return_1h_pct, view.return_24h_pct, view.trend_pct, view.taker_imbalance, view.funding_8h_pct)
    plain = (view.range_pct, view.volume_ratio, view.map_skill_share, view.map_printed_ratio)
    found = [*(sign * number for number in signed), *plain]
    for side in (below, above):
        found += _of_side(side, centre, turned=turned)
    for one in view.forecasts_of():
        found += [float(usd.sum()) for usd in (one.long_usd, one.short_usd)[:: int(sign)]]
    found += [_percentile(view, away, turned=turned) for away in (0.9, 0.98, 1.02, 1.1)]
    zones = [(zone.price_low, zone.price_high) for zone in view.thin_zones]
    found += [price for zone in zones for price in sorted(_price(one, centre, turned=turned) for one in zone)]
    return found


def _of_side(side: SideView, centre: float, *, turned: bool) -> list[float]:
    found = [side.fuel_usd]
    for one in side.clusters:
        prices = sorted(_price(price, centre, turned=turned) for price in (one.price_low, one.price_high))
        found += [*prices, one.usd, one.ratio, one.real_share, one.distance_pct, one.peak_distance_pct]
    if side.sweep is not None:
        sweep = side.sweep
        found += [_price(sweep.extreme_price, centre, turned=turned), sweep.cluster_usd, sweep.cluster_ratio,
                  sweep.distance_pct, sweep.fuel_usd, sweep.fuel_spent_usd, sweep.printed_usd]  # fmt: skip
    return found


def _percentile(view: MarketView, away: float, *, turned: bool) -> float:
    """How dense the map is at a price, over the mark."""
    price = view.mark_price / away if turned else view.mark_price * away
    return view.map.density_percentile(Side.LONG if price < view.mark_price else Side.SHORT, price)


def _price(price: float, centre: float, *, turned: bool) -> float:
    return centre / price if turned else price


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize(
    "name", [name if name in ("wild 1", "crowd 2") else pytest.param(name, marks=pytest.mark.long) for name in MARKETS]
)
def test_a_market_and_its_exact_image_are_read_and_judged_alike(name: str) -> None:
    hold(MARKETS[name]())


def _in_per_cent_of_the_price(_self: Distances, origin: float, moved_pct: float) -> float:
    return origin * (1.0 + moved_pct / 100.0)


def test_a_distance_that_is_not_mirrored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Distances, "price", _in_per_cent_of_the_price)
    with pytest.raises(AssertionError):
        hold(wild(1)())


def test_a_side_that_is_liquidated_a_little_farther_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def longs_farther(venue: str, coin: str, params: EstimateParams) -> np.ndarray:
        return np.asarray(shifts_of(venue, coin, params) * np.array([1.001, 1.0])[:, None])

    monkeypatch.setattr("liqbot.market.estimate.estimate.shifts_of", longs_farther)
    assert entry_to_liquidation.shifts_of is shifts_of
    with pytest.raises(AssertionError):
        hold(wild(1)())


@pytest.mark.parametrize("venue", [spec.venue for spec in built_in()])
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_liquidation_distances_of_a_contract_are_those_of_its_image_turned_round(venue: str, coin: str) -> None:
    params = EstimateParams()
    (image,) = image_roster(Roster((venue,), (coin,)), VENUES).venues
    assert mechanics_of(image, coin).inverse is not mechanics_of(venue, coin).inverse
    ours, theirs = shifts_of(venue, coin, params), shifts_of(image, coin, params)
    assert np.allclose(ours, -theirs[:, ::-1], rtol=0.0, atol=1e-9, equal_nan=True)
    assert split_venue_key(image)[0] == f"{venue}image"


@given(
    st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=2, max_size=30),
    st.floats(0.5, 2.0),
)
def test_open_interest_of_either_kind_follows_its_contracts_and_not_the_price(
    told: list[tuple[float, float]], price: float
) -> None:
    """As many contracts, each of a coin in one and of 60,000 USD in the other, while the price goes its way."""
    told = [one for before, one in pairwise([(0.0, 0.0), *told]) if one[0] != before[0]]
    assume(len(told) > 1 and all(one[0] * one[1] != two[0] * two[1] for one, two in pairwise(told)))
    coins, usd = (OpenInterestFold(EstimateParams(), RollingParams(), inverse) for inverse in ((), ("okx",)))
    for number, (contracts, ratio) in enumerate(told, 1):
        now_ms, at = number * HOUR_MS // 12, 60_000.0 * ratio
        for fold, worth in ((coins, at), (usd, 60_000.0)):
            assert fold.take(now_ms, "okx", 1e4 * contracts * worth, at)
            fold.remember(now_ms)
    mark = 60_000.0 * price
    assert usd.ratio == pytest.approx(coins.ratio)
    assert usd.ratio == pytest.approx(told[-1][0] / told[0][0])
    assert usd.change_pct(now_ms, HOUR_MS) == pytest.approx(coins.change_pct(now_ms, HOUR_MS), abs=1e-9, nan_ok=True)
    assert usd.bound_base("okx", 0.0, mark) * mark == pytest.approx(1e4 * told[-1][0] * 60_000.0)
    assert coins.bound_base("okx", 0.0, mark) == pytest.approx(1e4 * told[-1][0])
    changes = [fold.change_usd("okx", 0.0, mark, now_ms, HOUR_MS) for fold in (usd, coins)]
    assert changes[0] * price == pytest.approx(changes[1], abs=1e-6)
