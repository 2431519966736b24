"""Desk, account and paper exchange together over random markets and random wishes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_house import SPAN_MS, D, House, bar, btc_at, exchange_with, funding, target

from liqbot import events
from liqbot.commands import PlaceOrder, Purpose
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side

T0 = 10 * SPAN_MS
VENUES = st.sampled_from(["binance", "bitget", "bybit", "okx"])
"""Nothing rides on an entry there; a stop of the position does; a stop of the order, which outlives the position."""
PRICES = st.integers(900, 1_100).map(lambda tenth: tenth / 10)
OFFSETS = st.integers(1, 60).map(lambda tenth: D(tenth) / 10)


class Lawful(House):
    """Checks after every reaction."""

    key = ("binance", "BTC")

    def check(self, time_ms: int) -> None:  # noqa: ARG002 - the time is for other laws
        book, position = self.order_manager.book(*self.key), self.account.position(*self.key)
        held = self.exchange.accounts.holding(self.key)
        assert (position is None) == (held is None)
        assert len(book.live(Purpose.ENTRY)) <= 1
        if position is None or held is None:
            return
        assert (position.side, position.quantity_base) == (held.side, held.quantity_base)
        guards = [one for one in book.live(Purpose.STOP, Purpose.EXIT) if one.side is position.side]
        assert guards, "an open position with neither stop nor exit under way"
        exits = sum((one.remaining_base for one in book.live(Purpose.EXIT)), D(0))
        assert exits <= position.quantity_base


@st.composite
def markets(draw):
    """Per bar: its four prices, a wish (or none), and how much of the position to keep (or no change)."""
    wishes = st.one_of(
        st.none(),
        st.tuples(st.sampled_from(Side), st.integers(50, 500), st.booleans(), OFFSETS, st.one_of(st.none(), OFFSETS)),
    )
    changes = st.sampled_from(["", "", "leave", "halve", "tighten", "halt"])
    four = st.lists(PRICES, min_size=4, max_size=4)
    steps = draw(st.lists(st.tuples(four, wishes, changes), min_size=2, max_size=12))
    return [((p[0], max(p), min(p), p[3]), wish, change) for p, wish, change in steps]


def wish_of(decision: int, wish, price: float, now_ms: int, venue: str):
    side, thousandths, limit, stop_off, take_off = wish
    last = D(str(price))
    return target(
        decision,
        side=side,
        quantity=str(D(thousandths) / 1_000),
        limit=str(last - side * D("0.2")) if limit else None,
        stop=str(last - side * stop_off),
        take=None if take_off is None else str(last + side * take_off),
        expires_ms=now_ms + 3 * SPAN_MS,
        venue=venue,
    )


def change_of(house: House, change: str, now_ms: int):
    current, position = house.order_manager.target(*house.key), house.account.position(*house.key)
    if change == "halt":
        house.order_manager.on_fact(events.Halt(time_ms=now_ms, reason="test"))
    if current is None or position is None or position.side is not current.side:
        return None
    fields = {
        "leave": {"quantity_base": D(0)},
        "halve": {"quantity_base": D("0.05")},
        "tighten": {"stop_price": current.stop_price + position.side * D("0.5")},
    }
    return msgspec.structs.replace(current, **fields[change]) if change in fields else None


def live(market, latency_ms: int = 200, venue: str = "binance", *, restart: bool = False) -> Lawful:
    house = Lawful(exchange_with((btc_at(venue),), latency_ms=latency_ms, wallet_usd=1_000))
    house.key = (venue, "BTC")
    house.live(bar(T0, (100.0,) * 4, venue=venue), funding(T0, 0.05, 1 / 30, venue), tick_ms=T0)
    last = 100.0
    for step, (prices, wish, change) in enumerate(market):
        now_ms = T0 + step * SPAN_MS
        idle = house.account.position(*house.key) is None and not house.order_manager.entry_in_flight(*house.key)
        if wish is not None and idle:
            house.want(wish_of(step + 1, wish, last, now_ms, venue), now_ms)
        elif (changed := change_of(house, change, now_ms)) is not None:
            house.want(changed, now_ms)
        if restart:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(house.order_manager.state()))
            listed = house.exchange.accounts.instruments.values()
            house.order_manager = OrderManager(listed, ExecutionParams(), "test01")
            house.order_manager.load_state(state)
        house.live(bar(now_ms + SPAN_MS, prices, venue=venue), tick_ms=now_ms + SPAN_MS)
        last = prices[3]
    house.now_ms = T0 + len(market) * SPAN_MS
    house.last = last
    return house


@pytest.mark.drawn(singly=True)
@given(markets(), st.sampled_from([0, 200, 2_000, 25_000]), VENUES)
def test_protected_at_every_moment_and_at_rest_in_the_end(market, latency_ms, venue):
    house = live(market, latency_ms, venue)
    # Nothing happens any more: what was wished for is reached, or given up, and then nothing is left to say.
    for _ in range(6):
        house.now_ms += SPAN_MS
        house.live(bar(house.now_ms, (house.last,) * 4, venue=venue), tick_ms=house.now_ms)
    said = len(house.commands)
    house.live(bar(house.now_ms + SPAN_MS, (house.last,) * 4, venue=venue), tick_ms=house.now_ms + SPAN_MS)
    assert len(house.commands) == said
    position, wanted = house.account.position(*house.key), house.order_manager.target(*house.key)
    resting = house.exchange.accounts.resting(house.key)
    if position is None:
        assert resting == []
        assert wanted is None
    else:
        assert wanted is not None
        (stop,) = [one.command for one in resting if one.command.purpose is Purpose.STOP]
        assert (stop.quantity_base, stop.trigger_price) == (position.quantity_base, wanted.stop_price)
        takes = [one.command.limit_price for one in resting if one.command.purpose is Purpose.TAKE]
        assert takes == ([] if wanted.take_price is None else [wanted.take_price])
        assert position.quantity_base <= wanted.quantity_base


@pytest.mark.drawn(singly=True)
@given(markets(), st.sampled_from([0, 200, 25_000]), VENUES)
def test_one_entry_per_decision_and_money_agrees_to_the_micro_dollar(market, latency_ms, venue):
    house = live(market, latency_ms, venue)
    placed = [one for one in house.commands if isinstance(one, PlaceOrder)]
    entries = [one.decision_id for one in placed if one.purpose is Purpose.ENTRY]
    assert len(entries) == len(set(entries))
    ids = [one.client_id for one in placed]
    assert len(ids) == len(set(ids))
    assert house.account.wallet_usd(venue) == house.exchange.wallet(venue).wallet_usd
    assert house.order_manager.foreign_orders_seen == 0


@pytest.mark.drawn(singly=True)
@given(markets(), VENUES)
def test_a_restart_between_any_two_bars_changes_nothing(market, venue):
    assert live(market, venue=venue).commands == live(market, venue=venue, restart=True).commands


@pytest.mark.drawn(singly=True)
def test_the_markets_really_trade():
    """The laws above are about something: count what they saw."""
    seen = {"fills": 0, "stops": 0, "trades": 0}

    @given(markets())
    def count(market):
        house = live(market, venue="bybit")
        fills = house.of(events.Fill)
        seen["fills"] += len(fills)
        seen["stops"] += sum(fill.client_id.startswith(("s", "a")) for fill in fills)
        seen["trades"] += sum(fill.client_id.startswith("e") for fill in fills)

    count()
    print(seen)
    assert seen["trades"] >= 30
    assert seen["stops"] >= 15
