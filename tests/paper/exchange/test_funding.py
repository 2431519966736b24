"""Funding on the simulated exchange: the right rate at the right settlement, however its rows are stamped."""

import itertools
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idle_blocks import with_idle_blocks
from paper_house import D, bar, block, exchange_with, funding, order
from pyarrow import feather

from liqbot import events
from liqbot.commands import Purpose
from liqbot.instruments import FundingStage, Side
from paper.exchange import PaperExchange
from paper.exchange.funding import FundingDues, Rate, Stake

HOUR_MS = 3_600_000
FORECAST, SETTLEMENT = FundingStage
FEATHER = Path("../shared/data/series/BTC_funding_2022_2025.feather")


class Payer:
    """We are long a hundred dollars' worth at a price that never moves: a rate of 1 % costs one dollar."""

    def __init__(self) -> None:
        self.exchange: PaperExchange = exchange_with(market_slippage_bps=0, latency_ms=0)
        self.paid: list[events.FundingPaid] = []
        self.now_ms = 0
        self.trade(order("e", Purpose.ENTRY, quantity="1"))

    def trade(self, command) -> None:
        self.exchange.submit(command, self.now_ms)
        self.live(self.now_ms + 1, bar(self.now_ms + 1, (100.0,) * 4, span_ms=1))

    def live(self, tick_ms: int, *rows) -> None:
        self.now_ms = tick_ms
        self.exchange.advance(block(tick_ms, *rows), self.react)

    def tell(self, *rates: events.FundingRate) -> None:
        """Each in a clock step of its own, after one on the hour before it."""
        for rate in rates:
            hour_ms = rate.time_ms // HOUR_MS * HOUR_MS
            if hour_ms > self.now_ms:
                self.live(hour_ms, *((rate,) if rate.time_ms == hour_ms else ()))
            if rate.time_ms > hour_ms:
                self.live(rate.time_ms, rate)

    def react(self, facts, _time_ms):
        self.paid += [fact for fact in facts if isinstance(fact, events.FundingPaid)]
        return ()

    @property
    def rates_pct(self) -> list[float]:
        assert all(paid.amount_usd == D(str(-paid.rate_pct)) for paid in self.paid)
        return [paid.rate_pct for paid in self.paid]


def settled(hour: float, rate_pct: float, late_ms: int = 0, interval_h: float = 8.0, stage=SETTLEMENT):
    return funding(round(hour * HOUR_MS) + late_ms, rate_pct, interval_h, stage=stage)


@pytest.mark.parametrize("stage", [SETTLEMENT, None], ids=["told", "unsaid"])
@pytest.mark.parametrize("late_ms", [0, 1, 31, 60_000])
def test_what_is_stamped_late_is_paid_for_its_own_settlement(late_ms: int, stage):
    payer = Payer()
    payer.tell(settled(8, 0.01, late_ms, stage=stage), settled(16, -0.5, late_ms, stage=stage),
               settled(24, 0.02, late_ms, stage=stage))  # fmt: skip
    assert payer.rates_pct == [0.01, -0.5, 0.02]
    assert [paid.time_ms for paid in payer.paid] == [hour * HOUR_MS + late_ms for hour in (8, 16, 24)]


def test_what_is_stamped_early_is_paid_on_the_hour():
    payer = Payer()
    payer.tell(settled(8, 0.01, -31), settled(16, -0.5, -60_000))
    payer.live(16 * HOUR_MS)
    assert payer.rates_pct == [0.01, -0.5]
    assert [paid.time_ms for paid in payer.paid] == [8 * HOUR_MS, 16 * HOUR_MS]


def test_what_is_told_twice_is_paid_once_as_told_first():
    payer = Payer()
    payer.tell(settled(8, 0.01), settled(8, 0.01, 6), settled(8, 0.7, 9), settled(16, 0.02, 6), settled(16, 0.02, 7))
    assert payer.rates_pct == [0.01, 0.02]


def test_a_missing_settlement_is_paid_at_the_rate_before_it_once_the_next_one_tells():
    payer = Payer()
    payer.tell(settled(8, 0.01, 6), settled(24, 0.02, 6))
    assert payer.rates_pct == [0.01, 0.01, 0.02]
    payer.live(33 * HOUR_MS)
    assert len(payer.paid) == 3
    payer.live(40 * HOUR_MS + 60_000)
    assert payer.rates_pct[3:] == [0.02]  # nobody told anything for an interval: it is not waited for


@pytest.mark.parametrize("stage", [SETTLEMENT, None], ids=["told", "unsaid"])
def test_an_interval_that_changes_either_way(stage):
    payer = Payer()
    told = [(8, 0.01, 8), (12, 0.02, 4), (16, 0.03, 4), (17, 0.04, 1), (18, 0.05, 1), (24, 0.06, 8), (32, 0.07, 8)]
    payer.tell(*(settled(hour, rate_pct, 6, interval_h, stage) for hour, rate_pct, interval_h in told))
    assert payer.rates_pct == [rate_pct for _, rate_pct, _ in told]


def test_forecasts_stand_in_after_a_minute_and_give_way_to_what_was_settled():
    payer = Payer()
    payer.tell(funding(7 * HOUR_MS, 0.03, stage=FORECAST), funding(8 * HOUR_MS + 9, 0.9, stage=FORECAST))
    payer.live(8 * HOUR_MS + 59_999)
    assert payer.paid == []
    payer.live(8 * HOUR_MS + 60_000)
    assert payer.rates_pct == [0.03]
    payer.tell(funding(15 * HOUR_MS, 0.04, stage=FORECAST), settled(16, -0.02, 31))
    assert payer.rates_pct == [0.03, -0.02]


def test_who_held_on_the_hour_pays_and_nobody_else():
    payer = Payer()
    payer.tell(settled(8, 0.01))
    payer.live(16 * HOUR_MS)
    payer.trade(order("x", Purpose.EXIT, quantity="1"))
    assert payer.exchange.accounts.quiet
    payer.live(16 * HOUR_MS + 6, settled(16, 0.02, 6))
    assert payer.rates_pct == [0.01, 0.02]
    payer.trade(order("e2", Purpose.ENTRY, quantity="1"))
    payer.live(16 * HOUR_MS + 20, settled(16, 0.02, 20))
    assert len(payer.paid) == 2


def test_what_is_owed_survives_a_restart():
    payer, again = Payer(), Payer()
    payer.tell(settled(8, 0.01, 6))
    payer.live(16 * HOUR_MS)
    again.exchange.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(payer.exchange.state())))
    again.live(16 * HOUR_MS + 6, settled(16, 0.02, 6))
    assert again.rates_pct == [0.02]


# --- what is told before the bar that was under way ---------------------------------------------------------------

BARS_FROM_MS = 8 * HOUR_MS - 5 * 60_000


def bars_over_eight(path: list[float]) -> list:
    """A block a minute, told a second late, over the settlement at eight; the one at eight o'clock ends with it."""
    opens = [100.0, *path]
    return [
        block(end_ms + 1_000, bar(end_ms, (opened, max(opened, close), min(opened, close), close)))
        for number, (opened, close) in enumerate(itertools.pairwise(opens), 1)
        if (end_ms := BARS_FROM_MS + number * 60_000)
    ]


def money_of(blocks, *, walking: bool) -> list[tuple[str, str]]:
    """What a position with a stop at 98 came to: kind and amount of each fact of money."""
    exchange = exchange_with(market_slippage_bps=0, latency_ms=0)
    for command in (order("e", Purpose.ENTRY, quantity="1"), order("s", Purpose.STOP, quantity="1", trigger="98")):
        exchange.submit(command, BARS_FROM_MS - 60_000)
    first = block(BARS_FROM_MS, bar(BARS_FROM_MS, (100.0,) * 4), funding(BARS_FROM_MS, 0.03, stage=FORECAST))
    facts = []

    def heard(told, _time_ms):
        facts.extend(told)
        return ()

    for told in (first, *blocks, block(9 * HOUR_MS)):
        if walking:
            facts += [fact for happened in exchange.walk(told) for fact in happened.facts]
        else:
            exchange.advance(told, heard)
    return [(type(fact).__name__, str(getattr(fact, "price", None) or fact.amount_usd)) for fact in facts
            if isinstance(fact, events.Fill | events.FundingPaid)]  # fmt: skip


@pytest.mark.parametrize("walking", [False, True])
def test_who_was_stopped_out_inside_the_bar_pays_nothing_whatever_is_told_before_it(walking: bool) -> None:
    fallen = bars_over_eight([100.0, 100.0, 100.0, 100.0, 97.0])
    early = block(8 * HOUR_MS + 31, funding(8 * HOUR_MS + 31, 0.02, stage=SETTLEMENT))
    assert [kind for kind, _ in money_of([*fallen[:-1], early, fallen[-1]], walking=walking)] == ["Fill", "Fill"]
    held = bars_over_eight([100.0, 100.0, 100.0, 100.0, 99.0])
    assert [kind for kind, _ in money_of([*held[:-1], early, held[-1]], walking=walking)] == ["Fill", "FundingPaid"]


@given(st.lists(st.sampled_from([96.0, 99.0, 100.0, 103.0]), min_size=1, max_size=8), st.integers(0, 9))
def test_idle_blocks_change_no_money_however_the_exchange_is_driven(path: list[float], seed: int) -> None:
    blocks = bars_over_eight(path)
    plain = money_of(blocks, walking=False)
    for walking in (False, True):
        assert money_of(with_idle_blocks(blocks, seed), walking=walking) == plain


def test_a_command_is_obeyed_before_the_bar_by_who_walks_and_fills_in_its_path_from_then_on() -> None:
    exchange = exchange_with(market_slippage_bps=0, latency_ms=0)
    list(exchange.walk(block(60_000, bar(60_000, (100.0,) * 4))))
    exchange.submit(order("e", Purpose.ENTRY, quantity="1"), 90_000)
    accepted = list(exchange.walk(block(90_000)))
    assert [(happened.time_ms, type(fact).__name__) for happened in accepted for fact in happened.facts] == [
        (90_000, "OrderAccepted")]  # fmt: skip
    filled = list(exchange.walk(block(121_000, bar(120_000, (100.0, 110.0, 100.0, 110.0)))))
    assert [fact.price for happened in filled for fact in happened.facts if isinstance(fact, events.Fill)] == [D(105)]


@given(
    intervals_h=st.lists(st.sampled_from([1, 2, 4, 8]), min_size=1, max_size=12),
    shift_ms=st.integers(-60_000, 60_000),
    twice=st.booleans(),
    data=st.data(),
)
def test_every_settlement_is_paid_once_at_its_own_rate(intervals_h, shift_ms, twice, data):
    """Whatever the intervals, and however its rows are stamped within the minute."""
    hours = [0]
    for interval_h in intervals_h:
        hours.append((hours[-1] // interval_h + 1) * interval_h)
    rows = [
        settled(hour, (number + 1) / 100, data.draw(st.sampled_from([0, shift_ms])), hour - before)
        for number, (before, hour) in enumerate(itertools.pairwise(hours))
    ]
    payer = Payer()
    payer.tell(*itertools.chain.from_iterable((row, row) if twice else (row,) for row in rows))
    payer.live(hours[-1] * HOUR_MS + 60_000)
    assert payer.rates_pct == [row.rate_pct for row in rows]


@pytest.mark.skipif(not FEATHER.exists(), reason="the recorded funding is not beside this checkout")
def test_no_settlement_of_four_recorded_years_is_paid_at_anothers_rate():
    table = feather.read_table(FEATHER)
    times_ms = table["date"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_pylist()
    shares = table["open"].to_pylist()
    rates = [Rate(time_ms, 100 * share, 8.0) for time_ms, share in zip(times_ms, shares, strict=True)]
    assert sum(rate.time_ms % HOUR_MS > 0 for rate in rates) == 1_677
    dues, held, paid = FundingDues(), [Stake("", Side.LONG, D(1), 100.0)], []
    for rate in rates:
        untold = [rate]
        for at_ms in (rate.time_ms // HOUR_MS * HOUR_MS, rate.time_ms):
            paid += [rate_pct for _, rate_pct in dues.walk(at_ms, untold, held)]
    assert paid == [rate.rate_pct for rate in rates]
