"""The bounded inbox: order, merging when full, and what may never be lost."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_events import market_events

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Halt, Liquidation, MarkPrice, TradeBar
from liqbot.instruments import FundingStage, Side
from liqbot.market.observed.settlements import settlement_ms
from liqbot.runtime.inbox import Inbox

ROSTER = Roster(("binance", "bybit"), ("BTC",))


def bar(time_ms: int, price: float, volume_usd: float, venue: str = "binance") -> TradeBar:
    return TradeBar(
        time_ms=time_ms, venue=venue, coin="BTC", span_ms=250, open=price, high=price, low=price, close=price,
        volume_usd=volume_usd, buy_usd=volume_usd, sell_usd=0.0,
    )


def drained(inbox: Inbox) -> list[EventBlock]:
    async def run() -> list[EventBlock]:
        inbox.close()
        blocks = []
        while (block := await inbox.take()) is not None:
            blocks.append(block)
        return blocks

    return asyncio.run(run())


def test_parts_of_a_step_come_out_as_one_block_with_its_tick() -> None:
    inbox = Inbox()
    inbox.put(block_of([bar(100, 10.0, 1.0)], ROSTER))
    inbox.put(block_of([bar(200, 11.0, 2.0)], ROSTER, tick_ms=1000))
    (block,) = drained(inbox)
    assert block.tick_ms == 1000
    assert list(block.bars["close"]) == [10.0, 11.0]


def test_facts_do_not_wait_for_the_tick_and_come_once() -> None:
    inbox = Inbox()
    inbox.put(block_of([bar(100, 10.0, 1.0), Halt(time_ms=100, reason="test")], ROSTER))
    first, *rest = drained(inbox)
    assert first.facts == (Halt(time_ms=100, reason="test"),)
    assert first.market_rows == 0
    assert rest == []
    inbox = Inbox()
    inbox.put(block_of([Halt(time_ms=100, reason="test")], ROSTER))
    inbox.put(block_of([], ROSTER, tick_ms=1000))
    (only,) = drained(inbox)
    assert only.facts == (Halt(time_ms=100, reason="test"),)


TRADES = st.tuples(st.floats(1.0, 1e6), st.floats(0.0, 1e6), st.sampled_from(ROSTER.venues))


@given(st.lists(TRADES, min_size=1, max_size=60))
def test_a_full_inbox_merges_bars_and_keeps_every_forced_order(trades: list[tuple[float, float, str]]) -> None:
    inbox = Inbox(rows_max=3)
    for index, (price, volume_usd, venue) in enumerate(trades):
        forced = Liquidation(time_ms=index, venue=venue, coin="BTC", side=Side.LONG, price=price, size_usd=volume_usd)
        mark = MarkPrice(time_ms=index, venue=venue, coin="BTC", mark_price=price)
        inbox.put(block_of([bar(index, price, volume_usd, venue), forced, mark], ROSTER))
    inbox.put(block_of([], ROSTER, tick_ms=10_000))
    (block,) = drained(inbox)
    assert len(block.liquidations) == len(trades)
    for code, venue in enumerate(ROSTER.venues):
        mine = [(price, usd) for price, usd, name in trades if name == venue]
        bars = block.bars[block.bars["venue"] == code]
        if not mine:
            assert len(bars) == 0
            continue
        assert bars["high"].max() == max(price for price, _ in mine)
        assert bars["low"].min() == min(price for price, _ in mine)
        assert bars["open"][0] == mine[0][0]
        assert bars["close"][-1] == mine[-1][0]
        np.testing.assert_allclose(bars["volume_usd"].sum(), sum(usd for _, usd in mine))
        assert block.marks[block.marks["venue"] == code]["mark_price"][-1] == mine[-1][0]
    assert block.market_rows + inbox.merged_rows == 3 * len(trades)


RATES = st.tuples(
    st.integers(0, 20 * 60).map(lambda minutes: minutes * 60_000), st.sampled_from(ROSTER.venues),
    st.sampled_from((FundingStage.FORECAST, FundingStage.SETTLEMENT, None)),
)


@pytest.mark.drawn(singly=True)
@given(st.lists(RATES, min_size=1, max_size=40), st.booleans())
def test_a_full_inbox_keeps_every_settlement_and_the_newest_forecast(
    told: list[tuple[int, str, FundingStage | None]], in_steps: bool
) -> None:
    inbox = Inbox(rows_max=2, steps_max=2)
    rates = [
        FundingRate(time_ms=time_ms, venue=venue, coin="BTC", rate_pct=number / 1_000, interval_h=8.0, rate_stage=stage)
        for number, (time_ms, venue, stage) in enumerate(told)
    ]
    for number, rate in enumerate(rates):
        inbox.put(block_of([rate], ROSTER, tick_ms=number if in_steps else None))
    inbox.put(block_of([], ROSTER, tick_ms=10**9))
    left = [event for block in drained(inbox) for event in market_events(block, ROSTER)]
    for venue in ROSTER.venues:
        mine = [rate for rate in rates if rate.venue == venue]
        settled: dict[int, FundingRate] = {}
        for rate in mine:
            if (at_ms := settlement_ms(rate.time_ms, rate.interval_h, rate.rate_stage)) is not None:
                settled.setdefault(at_ms, rate)
        assert all(rate in left for rate in settled.values())
        forecasts = [
            rate for rate in mine if settlement_ms(rate.time_ms, rate.interval_h, rate.rate_stage) is None
        ]
        assert not forecasts or forecasts[-1] in left
    assert left == sorted(left, key=rates.index), "in the order in which they were told"


@pytest.mark.drawn(singly=True)
@given(st.integers(2, 40))
def test_waiting_steps_are_bounded(steps: int) -> None:
    inbox = Inbox(steps_max=5)
    for index in range(steps):
        inbox.put(block_of([bar(index, 10.0, 1.0)], ROSTER, tick_ms=index * 1000))
    blocks = drained(inbox)
    assert len(blocks) <= 6
    assert blocks[-1].tick_ms == (steps - 1) * 1000
    assert sum(block.bars["volume_usd"].sum() for block in blocks) == steps
