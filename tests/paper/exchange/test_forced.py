"""Forced closes: worked examples of ladders, who is deleveraged first, no micro-dollar lost over all accounts."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_house import BTC, COIN, SPAN_MS, D, bar, funding, order

from liqbot import events
from liqbot.blocks import Roster, block_of
from liqbot.commands import Purpose, SetLeverage
from liqbot.instruments import Instrument, Side
from liqbot.venues.registry import mechanics_of
from paper.exchange import PaperExchange, PaperParams
from paper.exchange.liquidation_engine import MarginCall, ranked

T0 = 100 * SPAN_MS
MICRO = D("0.000001")
BYBIT = Instrument("bybit", COIN, "BTC/USDT:USDT", D("0.1"), D("0.001"))


class Floor:
    """An exchange with others on it, and every fact about us."""

    def __init__(self, instrument: Instrument = BTC, price: float = 50_000.0, **params) -> None:
        calm = {"market_slippage_bps": 0, "stop_slippage_bps": 0, "latency_ms": 0, "wallet_usd": 10**8}
        self.key = (instrument.venue, instrument.coin)
        self.roster = Roster((instrument.venue,), (COIN,))
        values = PaperParams.model_validate({"impact_bps": 0, **calm, **params})
        self.exchange = PaperExchange(values, (instrument,), {self.key: mechanics_of(*self.key)}, self.roster)
        self.facts: list[events.Event] = []
        self.now_ms, self.price = T0, price
        self.bar(price, span_ms=SPAN_MS)

    def bar(self, *prices: float, span_ms: int = 1_000, more: tuple = ()) -> None:
        """One price: straight there, as a gap; more: open, high, low, close."""
        self.now_ms += span_ms
        four = prices if len(prices) == 4 else prices * 4
        row = bar(self.now_ms, four, span_ms=span_ms, venue=self.key[0])
        rows = block_of((row, *more), self.roster, tick_ms=self.now_ms)
        self.exchange.advance(rows, lambda facts, _: self.facts.extend(facts) or ())
        self.price = four[3]
        assert self.exchange.accounts.missing_usd(self.key[0]) == 0

    def walk(self, price: float) -> None:
        """From where it is to there, without a gap."""
        here = self.price
        self.bar(here, max(here, price), min(here, price), price)

    def sit(self, name: str, side: Side, usd: float, leverage: int, entry: float = 50_000.0) -> None:
        quantity_base = D(str(round(usd / entry, 3)))
        self.exchange.seat(self.key, name, side, quantity_base, D(str(entry)), leverage, D(10) ** 8)

    def enter(self, side: Side, quantity: str, leverage: int) -> None:
        self.exchange.submit(SetLeverage(*self.key, leverage), self.now_ms)
        instrument = self.exchange.accounts.instruments[self.key]
        entry = order("e1", Purpose.ENTRY, side=side, quantity=quantity, instrument=instrument)
        self.exchange.submit(entry, self.now_ms)
        for _ in range(400):
            self.bar(self.price)
            if not self.exchange.accounts.resting(self.key):
                return
        raise AssertionError("the entry never filled")

    @property
    def held(self):
        return self.exchange.accounts.holding(self.key)

    def of(self, kind: type) -> list:
        return [fact for fact in self.facts if isinstance(fact, kind)]


# --- ladders, worked by hand ------------------------------------------------------------------------------------------


def test_a_small_position_is_closed_whole():
    floor = Floor()
    floor.enter(Side.LONG, "0.1", 20)
    floor.walk(40_000.0)
    (gone,) = floor.of(events.PositionLiquidated)
    assert gone.quantity_base == D("0.1")
    assert floor.held is None


def test_binance_closes_a_large_position_only_down_to_what_its_margin_can_bear():
    """2,000 BTC at 50,000 with 5x, in the tier of 2.5 %: each dollar closed frees 2.5 cents and costs 1.25 of fee, so a
    shortfall of s dollars closes 80 s."""
    floor = Floor(wallet_usd=10**9, depth_pct=10_000)
    floor.enter(Side.LONG, "2000", 5)
    level = floor.held.liquidation_price
    before_usd = floor.held.margin_usd
    floor.walk(float(level))
    gone = floor.of(events.PositionLiquidated)
    closed_base = sum((one.quantity_base for one in gone), D(0))
    assert 0 < closed_base < 2_000
    held = floor.held
    assert held.quantity_base == 2_000 - closed_base
    mechanics = mechanics_of("binance", COIN)
    assert not mechanics.is_liquidated(
        held.side, held.entry_price, held.quantity_base, held.margin_usd, level
    ), "the margin holds again"
    lost_usd = -sum((one.quantity_base * (one.price - 50_000) for one in gone), D(0))
    fees_usd = sum((one.fee for one in gone), D(0))
    assert abs(held.margin_usd - (before_usd - lost_usd - fees_usd)) <= MICRO * 10
    equity_usd = D(20_000_000) + 2_000 * (level - 50_000)
    shortfall_usd = mechanics.maintenance_usd_exact(2_000 * level, level) - equity_usd
    assert abs(closed_base * level - 80 * shortfall_usd) <= level / 1_000 + 1


def test_bybit_steps_down_tier_by_tier():
    """Its maintenance is on the value at entry; the plan's first step leads to the border of the tier below."""
    floor = Floor(BYBIT, wallet_usd=10**9, depth_pct=10_000)
    floor.enter(Side.LONG, "100", 20)
    table = mechanics_of("bybit", COIN).table
    level = floor.held.liquidation_price
    tier = table.tiers.index(table.tier_at(float(100 * level)))
    assert tier >= 1
    floor.walk(float(level))
    (first, *_) = floor.of(events.PositionLiquidated)
    border_usd = table.tiers[tier - 1].notional_usd_cap
    assert abs(float((100 - first.quantity_base) * level) - border_usd) <= float(level) * 0.001 + 1


def test_hyperliquid_takes_a_fifth_first_and_the_rest_after_a_pause():
    instrument = Instrument("hyperliquid", COIN, "BTC/USDC:USDC", D(1), D("0.00001"))
    floor = Floor(instrument, depth_pct=10_000)
    floor.enter(Side.LONG, "10", 20)
    floor.walk(float(floor.held.liquidation_price))
    (first,) = floor.of(events.PositionLiquidated)
    assert first.quantity_base == D(2)
    assert floor.held.quantity_base == 8
    begun_ms = first.time_ms
    for _ in range(40):
        floor.bar(floor.price - 1)
        if floor.held is None:
            break
    assert floor.held is None
    (_, *rest) = floor.of(events.PositionLiquidated)
    assert sum((one.quantity_base for one in rest), D(0)) == 8
    assert rest[0].time_ms - begun_ms >= 30_000


def test_a_price_that_comes_back_during_the_pause_saves_the_rest():
    instrument = Instrument("hyperliquid", COIN, "BTC/USDC:USDC", D(1), D("0.00001"))
    floor = Floor(instrument, depth_pct=10_000)
    floor.enter(Side.LONG, "10", 20)
    floor.walk(float(floor.held.liquidation_price))
    for _ in range(60):
        floor.bar(50_000.0)
    assert floor.held.quantity_base == 8


# --- insurance and deleveraging ---------------------------------------------------------------------------------------


def test_a_gap_beyond_bankruptcy_is_paid_by_the_insurance_fund():
    floor = Floor()
    floor.sit("loser", Side.LONG, 1e6, 20)
    before_usd = floor.exchange.accounts.till("binance").insurance_usd
    wallet = floor.exchange.accounts.wallet("binance", "loser")
    floor.bar(45_000.0)
    # 20 BTC, bankrupt at 47,500, sold by the fund at 45,000.
    assert floor.exchange.accounts.till("binance").insurance_usd == before_usd - 20 * 2_500
    assert wallet.wallet_usd == 10**8 - 50_000
    assert floor.exchange.accounts.others(floor.key) == []


def test_with_an_empty_fund_the_winner_with_most_profit_times_leverage_pays_first():
    floor = Floor(insurance_usd=0)
    floor.sit("loser", Side.LONG, 1e6, 20)
    floor.sit("careful", Side.SHORT, 1e6, 2)
    floor.sit("bold", Side.SHORT, 4e5, 50)
    floor.sit("slow", Side.SHORT, 1e6, 1, entry=49_500.0)
    floor.enter(Side.SHORT, "6", 10)
    floor.bar(45_000.0)
    left = {other.name: other.holding.quantity_base for other in floor.exchange.accounts.others(floor.key)}
    assert "loser" not in left
    assert "bold" not in left, "all of its 8 BTC are taken"
    assert left["careful"] == 14, "the 6 BTC that were still missing come from the third in rank"
    assert left["slow"] == D("20.202")
    (ours,) = floor.of(events.PositionDeleveraged)
    assert ours.quantity_base == 6
    assert ours.price == D(47_500), "at the loser's bankruptcy price"
    assert floor.held is None
    wallet = floor.exchange.wallet("binance")
    assert wallet.realised_usd == 6 * 2_500


def test_without_winners_the_market_bears_what_nobody_takes():
    floor = Floor(insurance_usd=0)
    floor.enter(Side.LONG, "20", 20)
    margin_usd = floor.held.margin_usd
    floor.bar(45_000.0)
    assert floor.held is None
    assert floor.exchange.wallet("binance").realised_usd == -margin_usd


WINNERS = st.lists(
    st.tuples(st.sampled_from([2, 5, 10, 20, 50]), st.integers(1, 40), st.integers(-60, 60)), min_size=1, max_size=8
)


@given(WINNERS)
def test_rank_is_profit_times_leverage(seats):
    floor = Floor(insurance_usd=0)
    price = 45_000.0
    for number, (leverage, lots, step) in enumerate(seats):
        floor.sit(f"s{number}", Side.SHORT, lots * 10_000, leverage, entry=47_000.0 + 10 * step)
    floor.sit("loser", Side.LONG, 1e6, 20)
    (_, loser) = next(one for one in floor.exchange.accounts.holders(floor.key) if one[0] == "loser")
    call = MarginCall(floor.exchange.accounts, floor.key, "loser", loser, D(47_500), D(str(price)), T0)

    def score(holding) -> float:
        profit = float(holding.cost_usd) - price * float(holding.quantity_base)
        return profit / float(holding.cost_usd) * price * float(holding.quantity_base) / (
            float(holding.margin_usd) + profit
        )

    scores = [score(holding) for _, holding in ranked(call)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == len(seats)
    assert all(one > 0 for one in scores)


# --- money ------------------------------------------------------------------------------------------------------------


@st.composite
def floors(draw):
    seats = draw(st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 3_000), st.sampled_from([2, 5, 10, 20, 50, 100])), max_size=6
    ))
    prices = draw(st.lists(st.integers(300, 700).map(lambda hundred: hundred * 100.0), min_size=1, max_size=8))
    ours = draw(st.tuples(st.sampled_from(Side), st.integers(1, 400), st.sampled_from([2, 10, 20])))
    fund_usd = draw(st.sampled_from([0, 10_000, 10**7]))
    return seats, prices, ours, fund_usd


@pytest.mark.drawn(singly=True)
@given(floors())
def test_no_micro_dollar_is_lost_or_made_over_all_accounts(case):
    seats, prices, (side, lots, leverage), fund_usd = case
    floor = Floor(insurance_usd=fund_usd, depth_pct=10_000)
    for number, (other, size, lever) in enumerate(seats):
        floor.sit(f"s{number}", other, size * 10_000, lever)
    floor.enter(side, str(D(lots) / 10), leverage)
    for number, price in enumerate(prices):
        if number % 2:
            floor.walk(price)
        else:
            floor.bar(price)
        floor.bar(price, span_ms=60_000, more=(funding(floor.now_ms + 1, 0.05, 1 / 60),))
    accounts = floor.exchange.accounts
    till = accounts.till("binance")
    assert till.insurance_usd >= 0, "the fund never owes"
    for other in accounts.others(floor.key):
        assert other.holding.margin_usd <= other.wallet.wallet_usd
    forced = [*floor.of(events.PositionLiquidated), *floor.of(events.PositionDeleveraged)]
    assert all(fact.quantity_base > 0 for fact in forced)
    again = Floor(insurance_usd=fund_usd).exchange
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(floor.exchange.state())))
    assert again.accounts.missing_usd("binance") == 0
    assert again.state() == floor.exchange.state()


# --- depth ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "worse_bps"), [(0.01, 1.0), (0.04, 2.0), (0.25, 5.0)])
def test_impact_grows_with_the_square_root_of_the_size(share, worse_bps):
    """Bars of the builder trade a million a minute; ten basis points for all of it."""
    floor = Floor(impact_bps=10, depth_pct=100)
    floor.enter(Side.LONG, str(D(str(1e6 * share)) / 50_000), 5)
    (fill,) = floor.of(events.Fill)
    assert abs(float(fill.price / 50_000 - 1) * 1e4 - worse_bps) < 0.05


def test_an_order_larger_than_the_depth_fills_in_pieces_and_pays_for_each():
    floor = Floor(impact_bps=10, depth_pct=10, fill_pause_ms=250)
    floor.enter(Side.LONG, "5", 5)
    fills = floor.of(events.Fill)
    assert len(fills) == 3, "a quarter of a million at a hundred thousand each"
    assert [fill.fill_id for fill in fills] == ["1-1", "1-2", "1-3"]
    assert sum((fill.quantity_base for fill in fills), D(0)) == 5
    assert all(fill.quantity_base * Decimal(50_000) <= 100_000 for fill in fills)
    assert min(fill.price for fill in fills) > 50_000


def test_the_first_bar_tells_the_depth_and_later_ones_move_it():
    floor = Floor()
    quote = floor.exchange.quote(*floor.key)
    assert quote.minute_usd == 1e6
    floor.bar(50_000.0, span_ms=1_000)
    assert 1e6 < floor.exchange.quote(*floor.key).minute_usd < 2e6
