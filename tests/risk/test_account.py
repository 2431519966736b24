"""The account as a fold: worked examples, then laws over duplicated, reordered and interrupted facts."""

from decimal import Decimal
from typing import Any

import market_views as mv
import msgspec
import pytest
import risk_cases as rc
from hypothesis import given
from hypothesis import strategies as st

from liqbot.events import (
    CodeVersion,
    Event,
    FeedDown,
    Flatten,
    FundingPaid,
    Halt,
    HaltCode,
    LeverageConfirmed,
    PositionDeleveraged,
    PositionLiquidated,
    Resume,
    Transfer,
)
from liqbot.instruments import Side
from liqbot.risk.account import Account, halt_code_of
from liqbot.risk.limits import RiskLimits

D = Decimal
DAY_MS = 86_400_000
MIDNIGHT_MS = rc.NOW_MS // DAY_MS * DAY_MS


def transfer(usd: int | Decimal, time_ms: int = rc.NOW_MS) -> Transfer:
    return Transfer(time_ms=time_ms, venue=rc.VENUE, coin=rc.COIN, amount_usd=D(usd))


def funding(usd: str, time_ms: int = rc.NOW_MS) -> FundingPaid:
    return FundingPaid(time_ms=time_ms, venue=rc.VENUE, coin=rc.COIN, amount_usd=D(usd), rate_pct=0.01)


def forced(kind: type, price: str, quantity: str = "1", **fee: Decimal) -> object:
    return kind(
        time_ms=rc.NOW_MS,
        venue=rc.VENUE,
        coin=rc.COIN,
        side=Side.LONG,
        price=D(price),
        quantity_base=D(quantity),
        **fee,
    )


def test_a_round_trip_books_price_fees_and_funding():
    account = rc.an_account(
        rc.a_fill("1", "2", "60000", fee="60"), funding("-12"), rc.a_fill("2", "0.5", "61000", fee="15", reduces=True)
    )
    position = account.position(rc.VENUE, rc.COIN)
    assert (position.side, position.quantity_base, position.entry_price) == (Side.LONG, D("1.5"), D(60000))
    assert (position.realised_usd, position.fees_usd, position.funding_usd) == (D(500), D(75), D(-12))
    assert account.wallet_usd(rc.VENUE) == D(100_000) - 60 - 12 + 500 - 15
    assert account.equity_usd == account.wallet_usd(rc.VENUE) + D("1.5") * (D(str(mv.MARK)) - 60000)
    account.on_fact(rc.a_fill("3", "1.5", "59000", fee="45", reduces=True))
    assert account.positions == ()
    assert account.equity_usd == account.wallet_usd(rc.VENUE) == D(100_000) - 60 - 12 + 500 - 15 - 1500 - 45


def test_a_short_gains_when_price_falls():
    account = rc.an_account(rc.a_fill("1", side=Side.SHORT), rc.a_fill("2", "1", "59000", Side.SHORT, reduces=True))
    assert account.equity_usd == D(101_000)


def test_fees_in_the_coin_are_priced_and_in_another_coin_are_no_flow_of_this_wallet():
    account = rc.an_account(
        rc.a_fill("1", fee="0.001", fee_currency="BTC"), rc.a_fill("2", fee="1", fee_currency="BNB")
    )
    assert account.wallet_usd(rc.VENUE) == D(100_000) - 60


def test_forced_closes_reduce_and_a_liquidation_halts_until_somebody_resumes():
    adl = rc.an_account(rc.a_fill("1", "2"), forced(PositionDeleveraged, "61000"))
    assert adl.position(rc.VENUE, rc.COIN).quantity_base == 1
    assert not adl.halted
    account = rc.an_account(rc.a_fill("1", "1"), forced(PositionLiquidated, "40000", fee=D(200)))
    assert account.positions == ()
    assert account.equity_usd == D(100_000) - 20_000 - 200
    assert "liquidated" in account.halted
    account.on_fact(Resume(time_ms=rc.NOW_MS, reason="looked"))
    assert not account.halted


def test_halt_and_flatten_hold_through_a_restart():
    account = rc.an_account(Halt(time_ms=rc.NOW_MS, reason="by hand"), Flatten(time_ms=rc.NOW_MS, reason="panic"))
    again = Account(rc.LIMITS)
    again.load_state(account.state())
    assert (again.halted, again.flattening) == ("panic", True)


def test_a_new_process_and_a_lost_account_feed_need_reconciling_again():
    start = CodeVersion(time_ms=rc.NOW_MS, version="1", platform="x")
    down = FeedDown(time_ms=rc.NOW_MS, venue=rc.VENUE, coin=rc.COIN, feed="account", reason="socket")
    for fact in (start, down):
        account = rc.an_account()
        assert account.holding(rc.VENUE, rc.COIN).reconciled
        account.on_fact(fact)
        assert not account.holding(rc.VENUE, rc.COIN).reconciled
        account.on_fact(rc.reconciled())
        assert account.holding(rc.VENUE, rc.COIN).reconciled


def test_leverage_is_what_the_venue_last_said():
    account = rc.an_account(rc.a_fill("1"), rc.a_snapshot(1))
    assert account.position(rc.VENUE, rc.COIN).leverage == 3.0
    account.on_fact(LeverageConfirmed(time_ms=rc.NOW_MS, venue=rc.VENUE, coin=rc.COIN, leverage=20.0, isolated=False))
    position = account.position(rc.VENUE, rc.COIN)
    assert (position.leverage, position.isolated) == (20.0, False)


# --- positions of others ------------------------------------------------------------------------------------------


def test_a_position_no_fill_of_ours_explains_is_foreign_and_never_ours():
    account = rc.an_account(rc.a_snapshot(2), rc.reconciled())
    assert account.positions == ()
    assert account.holding(rc.VENUE, rc.COIN).unexplained_base == 2


def test_a_snapshot_that_overtakes_its_fill_is_explained_by_it():
    account = rc.an_account(rc.a_snapshot(1))
    account.on_fact(rc.a_fill("1"))
    assert account.holding(rc.VENUE, rc.COIN).unexplained_base == 0
    account.on_fact(rc.a_fill("2", reduces=True))  # later, and unknown to the snapshot
    assert account.holding(rc.VENUE, rc.COIN).unexplained_base == 0


def test_a_stale_snapshot_alone_never_makes_us_forget_a_position():
    account = rc.an_account(rc.a_fill("1"), rc.a_snapshot(0))
    assert account.position(rc.VENUE, rc.COIN).quantity_base == 1


def test_what_the_venue_no_longer_holds_is_closed_at_reconcile_and_a_late_fill_closes_nothing_more():
    account = rc.an_account(rc.a_fill("1"), rc.a_snapshot(0), rc.reconciled())
    assert account.positions == ()
    late = rc.a_fill("2", "1", "59000", reduces=True)
    account.on_fact(late)
    account.on_fact(rc.a_fill("3"))
    assert account.position(rc.VENUE, rc.COIN).quantity_base == 1


# --- laws ---------------------------------------------------------------------------------------------------------

FILLS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 5), st.integers(50_000, 70_000), st.integers(-5, 20)),
    min_size=1,
    max_size=8,
)


def facts_of(rows: list[tuple[bool, int, int, int]], side: Side) -> list[object]:
    """Fills of one side that never close more than is open, and their fees."""
    facts, open_base = [], 0
    for number, (reduces, quantity, price, fee) in enumerate(rows):
        if reduces:
            quantity = min(quantity, open_base)  # noqa: PLW2901  cut to what is open
            if not quantity:
                continue
        open_base += -quantity if reduces else quantity
        facts.append(rc.a_fill(str(number), str(quantity), str(price), side, str(fee), reduces=reduces))
    return facts


@given(rows=FILLS, side=st.sampled_from(list(Side)), data=st.data())
def test_order_and_duplicates_of_fills_change_nothing_in_the_end(rows: list[Any], side: Side, data: st.DataObject):
    facts = facts_of(rows, side)
    plain = rc.an_account(*facts)
    mixed = data.draw(st.permutations(facts + facts[: data.draw(st.integers(0, len(facts)))]))
    other = rc.an_account(*mixed)
    mine, its = plain.position(rc.VENUE, rc.COIN), other.position(rc.VENUE, rc.COIN)
    assert (mine is None) == (its is None)
    if mine is not None:
        assert (its.side, its.quantity_base) == (mine.side, mine.quantity_base)
    assert float(other.equity_usd) == pytest.approx(float(plain.equity_usd), abs=1e-6)


@given(rows=FILLS, side=st.sampled_from(list(Side)), data=st.data())
def test_equity_is_start_plus_price_moves_minus_fees(rows: list[Any], side: Side, data: st.DataObject):
    facts = facts_of(rows, side)
    cash = sum((int(side) * f.price * f.quantity_base * (1 if f.reduces else -1) - f.fee for f in facts), D(0))
    held = sum((f.quantity_base * (-1 if f.reduces else 1) for f in facts), D(0))
    expected = 100_000 + cash + int(side) * held * D(str(mv.MARK))
    assert float(rc.an_account(*facts).equity_usd) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.drawn(singly=True)
@given(rows=FILLS, data=st.data())
def test_a_restart_at_any_point_changes_nothing(rows: list[Any], data: st.DataObject):
    facts = [rc.balance(100_000), rc.reconciled(), *facts_of(rows, Side.LONG), transfer(500), funding("3")]
    cut = data.draw(st.integers(0, len(facts)))
    whole, first, second = (Account(rc.LIMITS) for _ in range(3))
    for number, fact in enumerate(facts):
        time_ms = rc.NOW_MS + number * 40_000_000
        if number == cut:
            second.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(first.state())))
        for account in (whole, first if number < cut else second):
            account.on_fact(fact)
            rc.tick(account, time_ms, 60_000.0 + number)
    last = first if cut == len(facts) else second
    assert last.state() == whole.state()


@given(
    moves=st.lists(st.tuples(st.integers(-15_000, 15_000), st.integers(-40_000, 40_000)), min_size=1, max_size=8),
    balance_first=st.booleans(),
)
def test_transfers_are_neither_loss_nor_profit(moves: list[tuple[int, int]], balance_first: bool):
    """Results come as funding; before each, money moves in or out. The drawdown is that of the results alone."""
    account = rc.an_account()
    usd, value = D(100_000), D(1)
    for number, (result, moved) in enumerate(moves):
        time_ms = rc.NOW_MS + 1_000 * (number + 1)
        if usd + moved < 20_000:
            continue
        before = account.drawdown.value
        stated = rc.balance(usd + moved, time_ms)
        facts = [stated, transfer(moved, time_ms)] if balance_first else [transfer(moved, time_ms), stated]
        for fact in facts:
            account.on_fact(fact)
            rc.tick(account, time_ms)
            assert account.drawdown.value == pytest.approx(before, rel=D("1e-20"))
        usd += moved
        if result:
            account.on_fact(funding(str(result), time_ms))
            value *= (usd + result) / usd
            usd += result
        rc.tick(account, time_ms)
        assert account.equity_usd == usd
        assert account.drawdown.value == pytest.approx(value, rel=D("1e-20"))


def test_a_withdrawal_of_forty_percent_trips_no_latch_and_a_real_loss_does():
    account = rc.an_account(rc.balance(60_000), transfer(-40_000))
    rc.tick(account)
    assert account.drawdown.drawdown_pct == 0
    account.on_fact(funding("-2000"))
    rc.tick(account)
    assert account.drawdown.daily_loss_pct == pytest.approx(100 / 30)
    assert account.drawdown.daily_latched


def test_an_unexplained_loss_waits_and_then_counts():
    account = rc.an_account(rc.balance(90_000))
    rc.tick(account, rc.NOW_MS + 1_000)
    assert account.drawdown.daily_loss_pct == 0
    assert account.sure_equity_usd == 90_000
    rc.tick(account, rc.NOW_MS + rc.LIMITS.unexplained_ms)
    assert account.drawdown.daily_loss_pct == pytest.approx(10.0)


def test_latches_include_unrealised_loss_hold_through_recovery_and_end_with_their_period():
    limits = RiskLimits(drawdown_pct_max=5.0)
    account = rc.an_account(rc.a_fill("1", "10", "65536"), limits=limits)
    monday_ms = MIDNIGHT_MS + DAY_MS  # the builders' now is a Sunday
    rc.tick(account, monday_ms, mv.MARK)
    rc.tick(account, monday_ms + 1_000, 64_000.0)  # 15 % of equity
    rc.tick(account, monday_ms + 2_000, mv.MARK)
    drawdown = account.drawdown
    assert (drawdown.daily_latched, drawdown.weekly_latched, drawdown.peak_latched) == (True, True, True)
    assert drawdown.drawdown_pct == 0
    rc.tick(account, monday_ms + DAY_MS, mv.MARK)
    assert (drawdown.daily_latched, drawdown.weekly_latched, drawdown.peak_latched) == (False, True, True)
    rc.tick(account, monday_ms + 7 * DAY_MS, mv.MARK)
    assert (drawdown.weekly_latched, drawdown.peak_latched) == (False, True)
    account.on_fact(Resume(time_ms=monday_ms + 7 * DAY_MS, reason="looked"))
    assert not drawdown.peak_latched


def test_the_day_counts_what_was_entered_on_it():
    account = rc.an_account(rc.a_fill("1", "1", "60000"), rc.a_fill("2", "1", "60000", reduces=True))
    assert account.entry_notional_usd(rc.NOW_MS) == 60_000
    assert account.entry_notional_usd(rc.NOW_MS + DAY_MS) == 0


@pytest.mark.parametrize(("price", "wait_ms"), [("59000", 3_600_000), ("61000", 300_000)])
def test_cooldown_is_longer_after_a_loss(price: str, wait_ms: int):
    account = rc.an_account(rc.a_fill("1", "1", "60000"), rc.a_fill("2", "1", price, reduces=True))
    assert account.cooldown_until_ms(rc.VENUE, rc.COIN, "cascade") == rc.NOW_MS + wait_ms, "nobody is known to have it"


def traded(strategy: str, price: str) -> rc.Account:
    """A trade of a strategy, over."""
    account = rc.an_account()
    account.on_approved(rc.a_target(strategy=strategy))
    for fact in (rc.a_fill("1", "1", "60000"), rc.a_fill("2", "1", price, reduces=True)):
        account.on_fact(fact)
    return account


@pytest.mark.parametrize(("price", "wait_ms"), [("59000", 3_600_000), ("61000", 300_000)])
@pytest.mark.parametrize("own_ms", [0, 3_000_000, 9_000_000])
def test_a_trade_makes_its_own_strategy_wait_and_no_other(price: str, wait_ms: int, own_ms: int):
    account = traded("cascade", price)
    until_ms = rc.NOW_MS + max(wait_ms, own_ms)
    assert account.cooldown_until_ms(rc.VENUE, rc.COIN, "cascade", own_ms) == until_ms
    assert account.cooldown_until_ms(rc.VENUE, rc.COIN, "grab_reverse", own_ms) == 0
    assert account.cooldown_until_ms(rc.VENUE, "ETH", "cascade", own_ms) == 0
    again = rc.Account(rc.LIMITS)
    again.load_state(account.state())
    assert again.cooldown_until_ms(rc.VENUE, rc.COIN, "cascade", own_ms) == until_ms


def test_seen_facts_are_bounded():
    account = rc.an_account()
    for number in range(9_000):
        account.on_fact(funding("0", rc.NOW_MS + number))
    assert len(account.state()["books"]["seen"]["keys"]) == 8_192


# --- codes of halts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("paused: lunch", HaltCode.OPERATOR_PAUSE), ("close: by hand", HaltCode.OPERATOR_CLOSE),
        ("stop --flatten", HaltCode.OPERATOR_STOP), ("panic: fire", HaltCode.PANIC),
        ("key refused: binance: x", HaltCode.KEY_REFUSED),
        ("orders of another liqbot rest on binance BTC: x", HaltCode.FOREIGN_ORDERS),
        ("our long BTC on binance was liquidated at 1", HaltCode.OWN_LIQUIDATION),
        ("binance is in hedge mode, one-way is needed", HaltCode.ACCOUNT_MODE),
        ("binance did not place the stop as ordered: side", HaltCode.STOP_MISPLACED),
        ("halted", HaltCode.NONE), ("", HaltCode.NONE),
    ],
)  # fmt: skip
def test_reasons_of_older_journals_have_their_codes(reason: str, code: HaltCode) -> None:
    assert halt_code_of(reason) is code
    account = rc.an_account(Halt(time_ms=rc.NOW_MS, reason=reason))
    assert account.halt_code is code
    again = rc.an_account()
    again.load_state({name: value for name, value in account.state().items() if name != "halt_code"})
    assert (again.halted, again.halt_code) == (reason or "halted", code), "a snapshot of before reads the same"


def test_a_code_beats_what_the_reason_looks_like() -> None:
    account = rc.an_account(Halt(time_ms=rc.NOW_MS, reason="paused: no", code=HaltCode.KEY_REFUSED))
    assert account.halt_code is HaltCode.KEY_REFUSED
    account.on_fact(Resume(time_ms=rc.NOW_MS, reason="x"))
    assert account.halt_code is HaltCode.NONE


def test_facts_of_older_journals_decode_without_a_code() -> None:
    old = msgspec.msgpack.encode([{"type": "Halt", "time_ms": 1, "reason": "paused: x"}])
    assert msgspec.msgpack.decode(old, type=tuple[Event, ...]) == (Halt(time_ms=1, reason="paused: x"),)
