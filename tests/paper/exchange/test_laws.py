"""Laws of the simulated exchange over random markets and random orders."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_house import BTC, KEY, ROSTER, SPAN_MS, D, bar, block, exchange_with, funding, mark, order

from liqbot import events
from liqbot.commands import CancelOrder, Purpose, SetLeverage
from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.exchange import PaperExchange, PaperParams

T0 = 100 * SPAN_MS
MICRO = D("0.000001")
PRICES = st.integers(800, 1_200).map(lambda tenth: tenth / 10)
NEAR = st.integers(850, 1_150).map(lambda tenth: str(D(tenth) / 10))
SIDES = st.sampled_from(Side)
PIECES = st.sampled_from([{}, {"fill_usd_max": 9.0, "fill_pause_ms": 7_000}])
QUANTITIES = st.integers(1, 400).map(lambda thousandth: str(D(thousandth) / 1_000))


@st.composite
def bars(draw):
    """Prices of one bar: open, high, low, close."""
    four = draw(st.lists(PRICES, min_size=4, max_size=4))
    return four[0], max(four), min(four), four[3]


@st.composite
def commands(draw, number):
    side, quantity, price = draw(SIDES), draw(QUANTITIES), draw(NEAR)
    purpose = draw(st.sampled_from(Purpose))
    if purpose is Purpose.STOP:
        return order(f"o{number}", purpose, side=side, quantity=quantity, trigger=price)
    if draw(st.booleans()):
        return order(f"o{number}", purpose, side=side, quantity=quantity, limit=price)
    other = st.sampled_from([
        order(f"o{number}", purpose, side=side, quantity=quantity),
        CancelOrder(f"o{max(number - 2, 0)}", *KEY),
        SetLeverage(*KEY, draw(st.sampled_from([1, 5, 20, 50]))),
    ])
    return draw(other)


@st.composite
def stories(draw):
    """(rows, commands) per bar; some bars have dense marks, some a new funding rate."""
    story, number = [], 0
    for step in range(draw(st.integers(1, 8))):
        end_ms = T0 + (step + 1) * SPAN_MS
        rows = [bar(end_ms, draw(bars()))]
        if draw(st.booleans()):
            rows += [mark(end_ms - ms, draw(PRICES)) for ms in range(SPAN_MS, -1, -4_000)]
        if draw(st.booleans()):
            rows.append(funding(end_ms - 1_000, draw(st.sampled_from([-0.3, 0.01, 0.5])), 1 / 30))
        sent = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            sent.append(draw(commands(number)))
        story.append((rows, sent, end_ms))
    return story


def live(exchange, story, after=None):
    """Every fact in order. Commands are sent one by one: with a tick, then in answer to the first facts of the bar."""
    facts = []
    exchange.advance(block(T0, bar(T0, (100.0,) * 4)), lambda *_: ())
    for rows, sent, end_ms in story:
        waiting = list(sent)
        for command in waiting[:2]:
            exchange.submit(command, end_ms - SPAN_MS)

        def react(happened, _time_ms, answers=waiting[2:]):
            facts.extend(happened)
            if after is not None:
                after(exchange, happened)
            return (answers.pop(),) if answers else ()

        exchange.advance(block(end_ms, *rows), react)
    return facts


@pytest.mark.drawn
@given(stories(), PIECES)
def test_every_micro_dollar_is_explained(story, pieces):
    exchange = exchange_with(latency_ms=100, **pieces)
    facts = live(exchange, story)
    wallet = exchange.wallet("binance")
    explained = wallet.start_usd + wallet.realised_usd - wallet.fees_usd + wallet.funding_usd + wallet.transfers_usd
    assert wallet.wallet_usd == explained
    assert wallet.wallet_usd == wallet.wallet_usd.quantize(MICRO)
    fills = [fact for fact in facts if isinstance(fact, events.Fill)]
    forced = [fact for fact in facts if isinstance(fact, events.PositionLiquidated)]
    assert wallet.fees_usd == sum((fact.fee for fact in (*fills, *forced)), D(0))
    paid = [fact.amount_usd for fact in facts if isinstance(fact, events.FundingPaid)]
    assert wallet.funding_usd == sum(paid, D(0))
    balances = [fact.wallet_usd for fact in facts if isinstance(fact, events.Balance)]
    assert not balances or balances[-1] == wallet.wallet_usd
    held = exchange.accounts.holding(KEY)
    # What was realised is what came back minus what went in, once the open cost is set aside.
    closes = [(fact.side, fact.price * fact.quantity_base) for fact in (*(f for f in fills if f.reduces), *forced)]
    opens = [(fact.side, fact.price * fact.quantity_base) for fact in fills if not fact.reduces]
    flow = sum((side * usd for side, usd in closes), D(0)) - sum((side * usd for side, usd in opens), D(0))
    still_in = held.side * held.cost_usd if held is not None else D(0)
    assert abs(wallet.realised_usd - flow - still_in) <= MICRO * max(len(closes), 1)


@pytest.mark.drawn
@given(stories(), PIECES)
def test_positions_follow_fills_and_reductions_never_increase_or_flip(story, pieces):
    position = {"signed": D(0)}

    def after(exchange, happened):
        for fact in happened:
            before = position["signed"]
            if isinstance(fact, events.Fill) and not fact.reduces:
                assert before * fact.side >= 0
                position["signed"] += fact.side * fact.quantity_base
            elif isinstance(fact, events.Fill | events.PositionLiquidated):
                assert before * fact.side >= fact.quantity_base > 0
                position["signed"] -= fact.side * fact.quantity_base
        held = exchange.accounts.holding(KEY)
        assert position["signed"] == (held.side * held.quantity_base if held is not None else 0)
        # What rests and is bound to positions is never beyond what the wallet holds at entry.
        assert held is None or held.quantity_base > 0

    live(exchange_with(latency_ms=100, **pieces), story, after)


@pytest.mark.drawn
@given(stories(), PIECES)
def test_the_same_story_gives_the_same_facts_even_through_a_save(story, pieces):
    def run(save):
        exchange = exchange_with(latency_ms=100, **pieces)
        exchange.advance(block(T0, bar(T0, (100.0,) * 4)), lambda *_: ())
        facts = []
        for rows, sent, end_ms in story:
            for command in sent:
                exchange.submit(command, end_ms - SPAN_MS)
            if save:
                packed = msgspec.msgpack.encode(exchange.state())
                exchange = exchange_with(latency_ms=100, **pieces)
                exchange.load_state(msgspec.msgpack.decode(packed))
            exchange.advance(block(end_ms, *rows), lambda happened, _time_ms: facts.extend(happened) or ())
        return msgspec.json.encode(facts)

    assert run(save=False) == run(save=True)


class LongWay(PaperExchange):
    """Walks through every bar, even where nothing waits."""

    def _passes_by(self, _end_ms: int) -> bool:
        return False


@pytest.mark.drawn
@given(stories(), PIECES)
def test_the_shortcut_finds_what_the_long_way_finds(story, pieces):
    short = exchange_with(latency_ms=100, **pieces)
    long = LongWay(PaperParams(latency_ms=100, impact_bps=0, **pieces), (BTC,), {KEY: mechanics_of(*KEY)}, ROSTER)
    told = [], []
    for exchange, facts in zip((short, long), told, strict=True):
        exchange.advance(block(T0, bar(T0, (100.0,) * 4)), lambda *_: ())
        exchange.submit(order("first", Purpose.ENTRY, side=Side.LONG, quantity="0.1"), T0)
        exchange.submit(order("stop", Purpose.STOP, side=Side.LONG, quantity="0.1", trigger="81"), T0)
        for rows, sent, end_ms in story:
            for command in sent[:1]:
                exchange.submit(command, end_ms - SPAN_MS)
            exchange.advance(block(end_ms, *rows), lambda happened, _time_ms, facts=facts: facts.extend(happened) or ())
    assert told[0] == told[1]
    assert short.state() == long.state()


@pytest.mark.drawn(singly=True)
@given(stories(), PIECES)
def test_facts_come_in_order_of_time_and_within_their_block(story, pieces):
    times = [fact.time_ms for fact in live(exchange_with(latency_ms=100, **pieces), story)]
    assert times == sorted(times)
    assert all(T0 < time_ms <= story[-1][2] for time_ms in times)


@pytest.mark.drawn(singly=True)
@given(stories())
def test_makers_get_their_price_only_when_it_was_traded_through(story):
    placed = {command.client_id: command for _, sent, _ in story for command in sent if hasattr(command, "purpose")}
    facts = live(exchange_with(latency_ms=0), story)
    for fact in facts:
        if isinstance(fact, events.Fill) and fact.maker:
            assert fact.price == placed[fact.client_id].limit_price
            (rows,) = [rows for rows, _, end_ms in story if end_ms - SPAN_MS <= fact.time_ms < end_ms] or [story[-1][0]]
            buys = (fact.side is Side.LONG) is not fact.reduces
            # The rest of the path must go beyond: the extremes of the bar do.
            assert rows[0].low < fact.price if buys else rows[0].high > fact.price
        elif isinstance(fact, events.Fill) and placed[fact.client_id].trigger_price is not None:
            buys = fact.side is Side.SHORT
            trigger = placed[fact.client_id].trigger_price
            assert fact.price >= trigger if buys else fact.price <= trigger


@pytest.mark.drawn(singly=True)
@given(SIDES, st.sampled_from([2, 5, 10, 20, 50]), st.integers(1, 50), st.booleans())
def test_we_are_liquidated_within_a_tick_of_the_formula(side, leverage, quantity, marked):
    exchange = exchange_with(latency_ms=0, market_slippage_bps=0, wallet_usd=10**9)
    facts = []
    exchange.advance(block(T0, bar(T0, (100.0,) * 4)), lambda *_: ())
    exchange.submit(SetLeverage(*KEY, leverage), T0)
    exchange.submit(order("e1", Purpose.ENTRY, side=side, quantity=str(quantity)), T0)

    def react(happened, _time_ms):
        facts.extend(happened)
        return ()

    end_ms = T0 + SPAN_MS
    exchange.advance(block(end_ms, bar(end_ms, (100.0,) * 4)), react)
    expected = mechanics_of(*KEY).isolated_liquidation_price(side, 100.0, float(quantity), leverage)
    # One way only, far enough for any leverage; in small steps where marks lead.
    steps = range(1, 601)
    far = [max(100.0 - side * step / 10, 0.1) for step in steps]
    for step, price in zip(steps, far, strict=True):
        before = 100.0 if step == 1 else far[step - 2]
        now_ms = end_ms + step * 1_000
        prices = (before, max(before, price), min(before, price), price)
        rows = [mark(now_ms, price)] if marked else []
        exchange.advance(block(now_ms, *rows, bar(now_ms, prices, span_ms=1_000)), react)
        if exchange.accounts.quiet:
            break
    (gone,) = [fact for fact in facts if isinstance(fact, events.PositionLiquidated)]
    assert abs(float(gone.price) - expected) <= 0.1 + 1e-9
    margin_usd = D(100) * quantity / leverage
    lost_usd = -gone.side * gone.quantity_base * (gone.price - 100) + gone.fee
    assert lost_usd <= margin_usd + MICRO


@given(SIDES, st.sampled_from([3, 5, 10]), st.lists(bars(), min_size=1, max_size=6))
def test_a_stop_nearer_than_liquidation_fires_first_unless_the_market_gaps_past_both(side, leverage, path):
    exchange = exchange_with(latency_ms=0)
    facts, last = [], 100.0
    exchange.advance(block(T0, bar(T0, (100.0,) * 4)), lambda *_: ())
    exchange.submit(SetLeverage(*KEY, leverage), T0)
    exchange.submit(order("e1", Purpose.ENTRY, side=side, quantity="1"), T0)
    trigger = str(BTC.round_price(100 - side * 5))
    exchange.submit(order("s1", Purpose.STOP, side=side, quantity="1", trigger=trigger), T0)
    quiet = block(T0 + 1_000, bar(T0 + 1_000, (100.0,) * 4, span_ms=1_000))
    exchange.advance(quiet, lambda happened, _: facts.extend(happened) or ())
    for step, (_, high, low, close) in enumerate(path):
        end_ms = T0 + 1_000 + (step + 1) * SPAN_MS
        joined = (last, max(high, last), min(low, last), close)
        exchange.advance(block(end_ms, bar(end_ms, joined)), lambda happened, _: facts.extend(happened) or ())
        last = close
    assert not [fact for fact in facts if isinstance(fact, events.PositionLiquidated)]
    stopped = any(isinstance(fact, events.Fill) and fact.client_id == "s1" for fact in facts)
    touched = any(side * price <= side * Decimal(100 - side * 5) for four in path for price in map(D, four))
    assert stopped == touched
