"""The same market time told twice counts once, live as on tapes: what comes again is refused and counted."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import RandomMarket, blocks_of

from liqbot.events import LiquidationTotals, MarketEvent, TradeBar
from liqbot.market.market import Market
from liqbot.market.params import MarketParams

COUNT = 30
Steps = list[tuple[int, list[MarketEvent]]]


def folded(world: RandomMarket, steps: Steps) -> Market:
    market = Market(MarketParams(), world.roster, world.roster.venues[0])
    for block in blocks_of(steps, world.roster):
        market.collect(block)
        market.on_tick(block.tick_ms)
    return market


def unrefused(market: Market) -> bytes:
    """Its state with no row refused."""
    return msgspec.msgpack.encode(_unrefused(market.state()))


def _unrefused(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: 0 if name == "rejected" else _unrefused(part) for name, part in state.items()}
    return [_unrefused(part) for part in state] if isinstance(state, list | tuple) else state


def refused(market: Market, now_ms: int) -> int:
    return sum(health.rejected for health in market.venue_health("BTC", now_ms))


def spanned(steps: Steps, number: int) -> list[TradeBar | LiquidationTotals]:
    return [event for event in steps[number][1] if isinstance(event, TradeBar | LiquidationTotals)]


@pytest.mark.drawn
@given(seed=st.integers(0, 2**32), marks=st.booleans(), span_ms=st.sampled_from((1_000, 60_000, 3_600_000)))
@settings(max_examples=6)
def test_bars_and_sums_that_come_again_change_nothing(seed: int, marks: bool, span_ms: int) -> None:
    world, chance = RandomMarket(seed, marks=marks, span_ms=span_ms), random.Random(seed)
    steps = world.steps(COUNT)
    more = [(tick_ms, list(events)) for tick_ms, events in steps]
    again = 0
    for _ in range(chance.randint(1, 10)):
        number = chance.randrange(COUNT)
        event = chance.choice(spanned(steps, number))
        longer = msgspec.structs.replace(event, span_ms=event.span_ms * chance.choice((1, 1, 5)))
        more[chance.randint(number, min(number + 3, COUNT - 1))][1].append(longer)
        again += 1
    once, twice = folded(world, steps), folded(world, more)
    assert unrefused(twice) == unrefused(once), f"seed {seed}"
    assert refused(twice, steps[-1][0]) == refused(once, steps[-1][0]) + again, f"seed {seed}"


def test_a_bar_that_overlaps_the_one_before_is_refused_and_the_next_one_is_not() -> None:
    world = RandomMarket(3, venues=("binance",))
    steps = world.steps(COUNT)
    longer = [
        (tick_ms, [msgspec.structs.replace(event, span_ms=60_001) if isinstance(event, TradeBar) and number == 20
                   else event for event in events])
        for number, (tick_ms, events) in enumerate(steps)
    ]  # fmt: skip
    assert refused(folded(world, longer), steps[-1][0]) == refused(folded(world, steps), steps[-1][0]) + 1
