"""A market's mirror image: the image of the image is the market, and nothing but direction has changed."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_market import ROSTER, random_market

from liqbot.blocks import KINDS, EventBlock, block_of
from liqbot.events import FundingRate, Liquidation, LiquidationTotals, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import position_of, price_at
from paper.score.mirror import mirrored

P0 = price_at(round(position_of(60_000.0)))
HEAD = {"venue": "binance", "coin": "BTC"}


def bar(time_ms: int, close: float) -> TradeBar:
    return TradeBar(
        time_ms=time_ms, **HEAD, span_ms=60_000, open=P0, high=P0 * 1.2, low=P0 * 0.9, close=close, volume_usd=1e6,
        buy_usd=7e5, sell_usd=3e5,
    )


def images(blocks: list[EventBlock]) -> list[EventBlock]:
    prices: dict[tuple[int, int], float] = {}
    about: dict[int, float] = {}
    return [mirrored(block, prices, about) for block in blocks]


def test_what_each_row_becomes() -> None:
    told = [
        bar(60_000, P0), bar(120_000, P0 * 1.1), OpenInterest(time_ms=120_000, **HEAD, oi_usd=1.1e9),
        Liquidation(time_ms=120_000, **HEAD, side=Side.LONG, price=P0 * 0.9, size_usd=1.1e5),
        LiquidationTotals(time_ms=120_000, **HEAD, span_ms=60_000, long_usd=2.2, short_usd=1.1),
        FundingRate(time_ms=120_000, **HEAD, rate_pct=0.01, interval_h=8.0),
    ]  # fmt: skip
    image = images([block_of(told[:1], ROSTER), block_of(told[1:], ROSTER)])[1]
    (row,) = image.bars
    assert (row["open"], row["close"]) == (pytest.approx(P0), pytest.approx(P0 / 1.1))
    assert (row["high"], row["low"]) == (pytest.approx(P0 / 0.9), pytest.approx(P0 / 1.2))
    assert row["volume_usd"] / row["close"] == pytest.approx(1e6 / (P0 * 1.1)), "as many coins"
    assert (row["buy_usd"] / row["volume_usd"]) == pytest.approx(0.3)
    assert image.open_interest["oi_usd"][0] == pytest.approx(1e9 / 1.1)
    assert (image.liquidations["side"][0], image.liquidations["price"][0]) == (-1, pytest.approx(P0 / 0.9))
    assert image.totals["short_usd"][0] == pytest.approx(2 * image.totals["long_usd"][0])
    assert image.funding["rate_pct"][0] == -0.01


@pytest.mark.drawn(singly=True)
@given(st.integers(0, 5))
def test_the_image_of_the_image_is_the_market(seed: int) -> None:
    blocks = [one for one in random_market(seed, 40) if one.market_rows]
    first = next(place for place, one in enumerate(blocks) if len(one.bars))
    blocks = [msgspec.structs.replace(one, tops=EventBlock().tops) for one in blocks[first:]]
    for one, other in zip(blocks, images(images(blocks)), strict=True):
        for kind in KINDS:
            for name in one.rows(kind).dtype.names or ():
                before, after = one.rows(kind)[name], other.rows(kind)[name]
                assert np.allclose(before, after, rtol=1e-9, equal_nan=True), (kind, name)
