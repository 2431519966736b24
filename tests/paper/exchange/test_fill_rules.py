"""The fill rules that decide results, one example each."""

from decimal import Decimal

import pytest
from paper_house import BTC, ETH, ROSTER, SPAN_MS, D, bar, block, exchange_with, funding, mark, order

from liqbot import events
from liqbot.commands import CancelOrder, Purpose, QueryOrder, SetLeverage
from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.exchange import PaperExchange, PaperParams

T0 = 10 * SPAN_MS
FLAT = (100.0, 100.0, 100.0, 100.0)


class Trader:
    """Keeps every fact, answers nothing unless told to."""

    def __init__(self, *instruments, **params) -> None:
        calm = {"market_slippage_bps": 0, "stop_slippage_bps": 0}
        self.exchange = exchange_with(instruments or (BTC,), **{**calm, **params})
        self.facts: list[events.Event] = []
        self.answers: dict[type, list] = {}
        self.now_ms = T0
        self.live(bar(T0, FLAT))

    def react(self, facts, _time_ms):
        self.facts += facts
        return tuple(command for fact in facts for command in self.answers.pop(type(fact), []))

    def live(self, *rows, tick_ms=None):
        self.now_ms = tick_ms or max([self.now_ms, *(row.time_ms for row in rows)])
        self.exchange.advance(block(self.now_ms, *rows), self.react)

    def send(self, *commands):
        for command in commands:
            self.exchange.submit(command, self.now_ms)

    def bar(self, *prices):
        self.live(bar(self.now_ms + SPAN_MS, prices))

    def of(self, kind):
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def fills(self):
        return [(fill.price, fill.time_ms) for fill in self.of(events.Fill)]

    @property
    def codes(self):
        return [fact.code for fact in self.of(events.OrderRejected)]

    def hold(self, side=Side.LONG, quantity="0.1", leverage=5):
        self.send(SetLeverage("binance", "BTC", leverage), order("e1", Purpose.ENTRY, side=side, quantity=quantity))
        self.bar(*FLAT)
        assert len(self.fills) == 1


def test_an_order_acts_in_the_next_bar_after_latency():
    trader = Trader(latency_ms=1_000)
    trader.send(order("e1", Purpose.ENTRY))
    trader.bar(100.0, 100.0, 80.0, 90.0)
    # One second of the twenty in which the price falls from 100 to 80.
    assert trader.fills == [(D("99.0"), T0 + 1_000)]


def test_an_order_waits_for_a_bar_to_trade_in():
    trader = Trader(latency_ms=10)
    trader.send(order("e1", Purpose.ENTRY))
    trader.live(tick_ms=T0 + 5_000)
    assert not trader.of(events.OrderAccepted)  # the bar that comes next may have begun before
    missing_ms = T0 + 2 * SPAN_MS
    trader.live(tick_ms=missing_ms)
    assert len(trader.of(events.OrderAccepted)) == 1
    assert not trader.fills
    trader.live(bar(missing_ms + 8_000, (120.0, 120.0, 120.0, 120.0), span_ms=1_000))
    assert trader.fills == [(D(120), missing_ms + 7_000)]


@pytest.mark.parametrize("told", ["nothing", "funding"])
def test_a_bar_fills_its_own_span_whatever_is_told_inside_it(told):
    def lived(inside):
        trader = Trader(latency_ms=1_000)
        trader.answers[events.Fill] = [order("s1", Purpose.STOP, trigger="95")]
        trader.send(order("e1", Purpose.ENTRY))
        for at_ms in inside:
            trader.live(*([funding(at_ms, 0.01)] if told == "funding" else []), tick_ms=at_ms)
        trader.live(bar(T0 + SPAN_MS, (100.0, 104.0, 94.0, 100.0)))
        return trader.facts

    assert lived([]) == lived([T0 + 5_000, T0 + SPAN_MS - 1])
    assert len(lived([])) > 3


def test_a_bar_of_one_coin_fills_its_own_span_though_another_was_told_before_it():
    trader = Trader(BTC, ETH, latency_ms=1_000)
    trader.live(bar(T0, FLAT, venue="bybit", coin="ETH"))
    trader.send(order("e1", Purpose.ENTRY))
    trader.live(bar(T0 + SPAN_MS, FLAT, venue="bybit", coin="ETH"), tick_ms=T0 + SPAN_MS)
    trader.live(bar(T0 + SPAN_MS, (100.0, 100.0, 80.0, 90.0)), tick_ms=T0 + SPAN_MS + 1)
    # As far as it had fallen when the order came; told when it became known.
    assert trader.fills == [(D("99.0"), T0 + SPAN_MS)]


def test_stop_and_target_inside_one_bar_is_the_stop():
    trader = Trader()
    trader.hold()
    trader.send(order("s1", Purpose.STOP, trigger="95"), order("t1", Purpose.TAKE, limit="105"))
    trader.bar(100.0, 110.0, 90.0, 100.0)
    assert [price for price, _ in trader.fills[1:]] == [D(95)]
    assert [fact.reason for fact in trader.of(events.OrderCancelled)] == ["REDUCE_ONLY"]


def test_a_gap_fills_the_stop_at_the_open():
    trader = Trader()
    trader.hold()
    trader.send(order("s1", Purpose.STOP, trigger="95"))
    trader.bar(*FLAT)
    trader.bar(93.0, 94.0, 92.0, 93.0)
    assert trader.fills[1] == (D(93), T0 + 2 * SPAN_MS)


def test_slippage_is_against_us_on_the_tick_grid():
    trader = Trader(market_slippage_bps=5, stop_slippage_bps=17)
    trader.hold()
    assert trader.fills[0][0] == D("100.1")
    trader.send(order("s1", Purpose.STOP, trigger="95"))
    trader.bar(100.0, 100.0, 90.0, 100.0)
    assert trader.fills[1][0] == D("94.8")


@pytest.mark.parametrize(("low", "filled"), [(99.0, False), (98.9, True)])
def test_a_limit_fills_only_when_price_trades_through_it(low, filled):
    trader = Trader()
    trader.send(order("e1", Purpose.ENTRY, limit="99"))
    trader.bar(100.0, 100.0, low, 100.0)
    assert bool(trader.fills) is filled
    if filled:
        fill = trader.of(events.Fill)[0]
        assert (fill.price, fill.maker, fill.fee) == (D(99), True, D("0.00198"))


def test_a_gap_through_a_resting_limit_gives_no_better_price_than_its_own():
    trader = Trader()
    trader.send(order("e1", Purpose.ENTRY, limit="99"))
    trader.bar(*FLAT)
    trader.bar(95.0, 96.0, 94.0, 95.0)
    assert [price for price, _ in trader.fills] == [D(99)]


def test_a_crossing_limit_takes_at_the_traded_price_and_post_only_refuses_to():
    trader = Trader()
    trader.send(order("e1", Purpose.ENTRY, limit="105", post_only=True), order("e2", Purpose.ENTRY, limit="105"))
    trader.bar(*FLAT)
    assert trader.codes == ["POST_ONLY"]
    fill = trader.of(events.Fill)[0]
    assert (fill.client_id, fill.price, fill.maker) == ("e2", D(100), False)


def test_the_house_can_protect_a_fill_inside_the_same_bar():
    trader = Trader(latency_ms=100)
    trader.answers[events.Fill] = [order("s1", Purpose.STOP, trigger="95")]
    trader.send(order("e1", Purpose.ENTRY, limit="99"))
    trader.bar(100.0, 100.0, 90.0, 100.0)
    (entry, at_entry), (stop, at_stop) = trader.fills
    # Twenty seconds down from 100 to 90: 99 after two, 95 after ten.
    assert (entry, at_entry) == (D(99), T0 + 2_000)
    assert (stop, at_stop) == (D(95), T0 + 10_000)


def test_a_stop_that_comes_too_late_is_refused():
    trader = Trader(latency_ms=15_000)
    trader.answers[events.Fill] = [order("s1", Purpose.STOP, trigger="95")]
    trader.send(order("e1", Purpose.ENTRY))
    # Ten seconds after the fill at 85 the price has passed 95 long ago.
    trader.bar(100.0, 100.0, 80.0, 90.0)
    assert trader.codes == ["WOULD_TRIGGER"]


def test_marks_decide_stops_and_liquidations_when_they_are_dense():
    trader = Trader()
    trader.hold()
    trader.send(order("s1", Purpose.STOP, trigger="95"))
    start = trader.now_ms
    rows = [mark(start + ms, 100.0) for ms in range(0, 10_001, 1_000)]
    trader.live(*rows, bar(start + 10_000, (100.0, 100.0, 50.0, 100.0), span_ms=10_000))
    assert len(trader.fills) == 1, "the traded price fell through stop and liquidation, the mark did not move"
    trader.live(mark(start + 11_000, 94.0))
    assert trader.fills[1] == (D(95), start + 11_000)


def test_a_liquidated_position_loses_its_margin_at_most_and_its_orders_go():
    trader = Trader(liquidation_fee_pct=1.0)
    trader.hold(leverage=20)
    before_usd = trader.exchange.wallet("binance").wallet_usd
    trader.send(order("t1", Purpose.TAKE, limit="120"))
    trader.bar(100.0, 100.0, 60.0, 60.0)
    (gone,) = trader.of(events.PositionLiquidated)
    liquidation_price = mechanics_of("binance", "BTC").isolated_liquidation_price(Side.LONG, 100.0, 0.1, 20)
    assert abs(float(gone.price) - liquidation_price) <= 0.1
    assert before_usd - trader.exchange.wallet("binance").wallet_usd <= D("0.5")
    assert [fact.reason for fact in trader.of(events.OrderCancelled)] == ["LIQUIDATION"]
    assert trader.exchange.accounts.quiet


def test_a_gap_beyond_bankruptcy_costs_the_margin_and_no_stop_saves_it():
    trader = Trader()
    trader.hold(leverage=20)
    trader.send(order("s1", Purpose.STOP, trigger="99"))
    trader.bar(*FLAT)
    before_usd = trader.exchange.wallet("binance").wallet_usd
    trader.bar(50.0, 50.0, 50.0, 50.0)
    (gone,) = trader.of(events.PositionLiquidated)
    assert (gone.price, gone.fee) == (D(95), 0)
    assert before_usd - trader.exchange.wallet("binance").wallet_usd == D("0.5")


def test_reduce_only_orders_reduce_and_nothing_else():
    trader = Trader()
    trader.send(order("x1", Purpose.EXIT))
    trader.hold()
    trader.send(order("x2", Purpose.EXIT, quantity="0.3"), order("x3", Purpose.EXIT))
    trader.bar(*FLAT)
    assert trader.codes == ["REDUCE_ONLY", "REDUCE_ONLY"]
    assert [fill.quantity_base for fill in trader.of(events.Fill)] == [D("0.1"), D("0.1")]
    assert trader.exchange.accounts.quiet


def test_where_open_reduce_only_orders_count_an_exit_beside_a_take_is_refused_and_a_stop_is_not():
    trader = Trader()
    trader.hold()
    trader.send(order("t1", Purpose.TAKE, limit="150", quantity="0.06"))
    trader.bar(*FLAT)
    trader.send(
        order("x1", Purpose.EXIT), order("x2", Purpose.EXIT, quantity="0.04"), order("s1", Purpose.STOP, trigger="50")
    )
    trader.bar(*FLAT)
    assert trader.codes == ["REDUCE_ONLY_OPEN_ORDERS"]
    assert trader.of(events.Fill)[-1].client_id == "x2"
    assert {one.command.client_id for one in trader.exchange.accounts.resting(("binance", "BTC"))} == {"t1", "s1"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (order("w", Purpose.ENTRY, quantity="0.0005"), "PRECISION"),
        (order("w", Purpose.ENTRY, limit="99.05"), "PRECISION"),
        (order("w", Purpose.ENTRY, quantity="0.04"), "MIN_NOTIONAL"),
        (order("w", Purpose.ENTRY, quantity="500"), "INSUFFICIENT_MARGIN"),
        (order("w", Purpose.ENTRY, limit="150", quantity="1"), "PRICE_BAND"),
        (order("w", Purpose.STOP, trigger="95", side=Side.SHORT), "WOULD_TRIGGER"),
        (order("w", Purpose.STOP, trigger="95"), "REDUCE_ONLY"),
    ],
)
def test_a_refusal_names_the_rule(wrong, code):
    trader = Trader(price_band_pct=10)
    trader.send(wrong)
    trader.bar(*FLAT)
    assert trader.codes == [code]


def test_leverage_is_set_within_the_tier_and_only_while_flat():
    trader = Trader()
    trader.send(SetLeverage("binance", "BTC", 5), SetLeverage("binance", "BTC", 500))
    trader.bar(*FLAT)
    trader.hold(leverage=7)
    trader.send(SetLeverage("binance", "BTC", 3))
    trader.bar(*FLAT)
    assert [fact.leverage for fact in trader.of(events.LeverageConfirmed)] == [5.0, 5.0, 7.0, 7.0]


def test_a_resend_is_the_same_order_and_questions_are_answered():
    trader = Trader()
    trader.send(order("e1", Purpose.ENTRY, limit="90"), order("e1", Purpose.ENTRY, limit="90"))
    trader.bar(*FLAT)
    assert len(trader.exchange.accounts.entries.resting) == 1
    ask = [QueryOrder(client_id, "binance", "BTC") for client_id in ("e1", "nobody")]
    trader.send(*ask, CancelOrder("e1", "binance", "BTC"), CancelOrder("e1", "binance", "BTC"), ask[0])
    trader.facts.clear()
    trader.bar(*FLAT)
    assert [type(fact) for fact in trader.facts] == [
        events.OrderAccepted, events.OrderMissing, events.OrderCancelled, events.CancelRejected, events.OrderCancelled,
    ]


def test_facts_of_several_instruments_come_in_order_of_time():
    trader = Trader(BTC, ETH)
    trader.live(bar(T0, FLAT, venue="bybit", coin="ETH"), tick_ms=T0)
    trader.send(
        order("e1", Purpose.ENTRY, limit="95"), order("e2", Purpose.ENTRY, limit="98", instrument=ETH),
        order("e3", Purpose.ENTRY, limit="92", quantity="0.2"),
    )
    end = T0 + SPAN_MS
    trader.live(bar(end, (100.0, 100.0, 90.0, 90.0)), bar(end, (100.0, 100.0, 90.0, 90.0), venue="bybit", coin="ETH"))
    assert [fill.client_id for fill in trader.of(events.Fill)] == ["e2", "e1", "e3"]
    times = [fact.time_ms for fact in trader.facts]
    assert times == sorted(times)


def test_money_moved_in_and_out_is_a_transfer():
    trader = Trader()
    moved, balance = trader.exchange.transfer("binance", D(-4_000), T0)
    assert (moved.amount_usd, balance.wallet_usd) == (D(-4_000), D(6_000))
    with pytest.raises(ValueError, match="are free"):
        trader.exchange.transfer("binance", D(-7_000), T0)


def test_inverse_contracts_and_unlisted_instruments_are_refused():
    coin_m = mechanics_of("binance:coin", "BTC")
    with pytest.raises(ValueError, match="linear"):
        PaperExchange(PaperParams(), (BTC,), {("binance", "BTC"): coin_m}, ROSTER)
    with pytest.raises(KeyError, match="not listed"):
        exchange_with().submit(order("e1", Purpose.ENTRY, instrument=ETH), T0)


def test_what_an_idle_exchange_put_aside_is_known_when_it_is_needed():
    trader = Trader()
    for step in range(1, 600):
        trader.live(bar(T0 + step * 1_000, (100.0 + step,) * 4, span_ms=1_000))
    trader.live(funding(trader.now_ms, 0.1, 1.0), tick_ms=trader.now_ms)
    trader.send(order("e1", Purpose.ENTRY, quantity="0.01", limit="698"))
    trader.bar(699.0, 699.0, 600.0, 600.0)
    assert trader.codes == []
    assert trader.fills[0][0] == Decimal(698)
    trader.live(tick_ms=3 * 3_600_000 + 60_000)
    assert len(trader.of(events.FundingPaid)) == 3


def test_an_order_fills_in_pieces_when_the_exchange_takes_only_so_much_at_once():
    trader = Trader(fill_usd_max=4.0, fill_pause_ms=500, latency_ms=0)
    trader.send(SetLeverage("binance", "BTC", 5), order("e1", Purpose.ENTRY, quantity="0.1"))
    trader.bar(*FLAT)
    fills = trader.of(events.Fill)
    assert [fill.quantity_base for fill in fills] == [D("0.04"), D("0.04"), D("0.02")]
    assert [fill.fill_id for fill in fills] == ["1-1", "1-2", "1-3"]
    assert [fill.time_ms - T0 for fill in fills] == [0, 500, 1_000]
    assert trader.exchange.accounts.holding(("binance", "BTC")).quantity_base == D("0.1")
    assert not trader.exchange.accounts.entries.resting


def test_a_stop_in_pieces_goes_on_at_the_market_after_its_trigger():
    trader = Trader(fill_usd_max=5.0, fill_pause_ms=1_000, latency_ms=0)
    trader.send(SetLeverage("binance", "BTC", 5), order("e1", Purpose.ENTRY, quantity="0.1"))
    trader.bar(*FLAT)
    trader.send(order("s1", Purpose.STOP, quantity="0.1", trigger="98"))
    trader.bar(100.0, 100.0, 97.0, 99.0)
    stops = [fill for fill in trader.of(events.Fill) if fill.client_id == "s1"]
    assert [fill.quantity_base for fill in stops] == [D("0.051"), D("0.049")]
    assert stops[0].price == D(98)
    assert D(97) <= stops[1].price < D(98)
    assert trader.exchange.accounts.holding(("binance", "BTC")) is None
    assert not trader.exchange.accounts.entries.resting


def test_what_rests_of_a_partly_filled_entry_can_be_cancelled():
    trader = Trader(fill_usd_max=4.0, fill_pause_ms=60_000, latency_ms=0)
    trader.send(SetLeverage("binance", "BTC", 5), order("e1", Purpose.ENTRY, quantity="0.1", limit="99"))
    trader.bar(100.0, 100.0, 98.0, 100.0)
    trader.send(CancelOrder("e1", "binance", "BTC"))
    trader.bar(*FLAT)
    assert len(trader.fills) == 1
    assert [fact.client_id for fact in trader.of(events.OrderCancelled)] == ["e1"]
    accounts = trader.exchange.accounts
    margin_usd = accounts.holding(("binance", "BTC")).margin_usd
    assert accounts.available_usd("binance") == trader.exchange.wallet("binance").wallet_usd - margin_usd


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("bar_order", "ended_by"), [("adverse", "s1"), ("friendly", "t1")])
def test_of_a_bar_that_reaches_stop_and_take_the_setting_says_which_came_first(side, bar_order, ended_by):
    trader = Trader(bar_order=bar_order, latency_ms=0)
    trader.hold(side)
    low, high = (("s1", Purpose.STOP, "trigger"), ("t1", Purpose.TAKE, "limit"))[:: int(side)]
    for (client_id, purpose, price), level in ((low, "95"), (high, "105")):
        trader.send(order(client_id, purpose, side=side, **{price: level}))
    trader.bar(*FLAT)
    trader.bar(100.0, 110.0, 90.0, 100.0)
    assert [fill.client_id for fill in trader.of(events.Fill)] == ["e1", ended_by]
