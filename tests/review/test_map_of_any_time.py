"""A map of some time is folded with little reading on the way, and is the one that reading at every step gives."""

import random

import pytest

from liqbot.blocks import block_of
from liqbot.events import TradeBar
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.review.reading import reading_of
from liqbot.review.sources import MapQuery, MarketFold
from tests.builders.market_rows import RandomMarket

COINS, STEPS = ("BTC", "ETH"), 60
PARAMS = MarketParams()


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("seed", range(2))
def test_what_was_not_read_on_the_way_is_missing_from_no_map(seed: int) -> None:
    """Coins that are silent at the end, and steps that bring no price, too."""
    chance, made = random.Random(seed), RandomMarket(seed=seed, venues=("binance", "bybit"), coins=COINS)
    blocks = []
    for tick_ms, rows in made.steps(STEPS):
        heard = {coin: chance.random() < 0.6 for coin in COINS}
        priced = chance.random() < 0.8
        kept = [row for row in rows if heard[row.coin] and (priced or not isinstance(row, TradeBar))]
        half = chance.randrange(len(kept) + 1)
        blocks += [block_of(kept[:half], made.roster), block_of(kept[half:], made.roster, tick_ms=tick_ms)]
    at_every_step = Market(PARAMS, made.roster, "binance")
    expected = {}
    for block in blocks:
        at_every_step.collect(block)
        if block.tick_ms is not None:
            views = at_every_step.on_tick(block.tick_ms)
            expected[block.tick_ms] = [reading_of(view, at_every_step, split=True).record for view in views]
    for at_ms in chance.sample(sorted(expected), 6):
        for place, record in enumerate(expected[at_ms]):
            fold = MarketFold(Market(PARAMS, made.roster, "binance"), PARAMS)
            found = fold.read(iter(blocks), MapQuery(record["coin"], at_ms, split=True), "here")
            assert found.record == record, (seed, at_ms, place)
