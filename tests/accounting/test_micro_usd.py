"""Money in the ledger against an exchange that counts in fractions: every micro-dollar has its row."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_account import KeptAccount
from ledger_story import COIN, VENUE, a_fill, balance, opening

from liqbot.accounting.cash_flow import CashAccount
from liqbot.accounting.micro_usd import to_micro
from liqbot.events import (
    Balance,
    Event,
    FundingPaid,
    JournalOpened,
    PositionDeleveraged,
    PositionLiquidated,
    PositionSnapshot,
    Rebate,
    Reconciled,
    Transfer,
)
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter, Observation, unexplained_usd
from liqbot.ledger import state as states
from liqbot.ledger.fold import Fold, WriteLimits
from liqbot.ledger.state import LedgerState

START_USD = Decimal(10_000)
prices = st.integers(100, 9_999_999).map(lambda n: Decimal(n) / 100)
quantities = st.integers(1, 50_000).map(lambda n: Decimal(n) / 1_000)
rates = st.integers(-30, 60).map(lambda n: Decimal(n) / 100_000)
amounts = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-8))
happenings = st.one_of(
    st.tuples(st.just("trade"), st.sampled_from(Side), quantities, prices, rates),
    st.tuples(st.sampled_from(["reduce", "liquidated", "deleveraged"]), quantities, prices, rates),
    st.tuples(st.sampled_from(["funding", "transfer", "rebate"]), amounts),
)


class Exchange:
    """A linear perpetual with average cost, in fractions: no rounding anywhere."""

    def __init__(self) -> None:
        self.wallet = Fraction(START_USD)
        self.side, self.quantity, self.cost = 1, Fraction(0), Fraction(0)
        self.count = 0

    def happen(self, what: tuple[Any, ...]) -> list[Event]:
        self.count += 1
        kind = what[0]
        if kind in ("funding", "transfer", "rebate"):
            return self._flow(kind, what[1])
        if kind == "trade":
            _, side, quantity, price, rate = what
            return self._fill(side, quantity, price, rate, reduces=False)
        _, quantity, price, rate = what
        quantity = min(Fraction(quantity), self.quantity)
        if not quantity:
            return []
        exact = Decimal(quantity.numerator) / Decimal(quantity.denominator)
        if kind == "reduce":
            return self._fill(Side(self.side), exact, price, rate, reduces=True)
        self._close(quantity, Fraction(price))
        fields: dict[str, Any] = {
            **self._here(), "side": Side(self.side), "price": price, "quantity_base": exact,
        }
        if kind == "deleveraged":
            return [PositionDeleveraged(**fields)]
        self.wallet -= Fraction(abs(rate))
        return [PositionLiquidated(**fields, fee=abs(rate))]

    def _here(self) -> dict[str, Any]:
        """Several things happen in one millisecond, and only the venue's id tells equal ones apart."""
        return {"time_ms": self.count // 8, "venue": VENUE, "coin": COIN, "event_id": str(self.count)}

    def _flow(self, kind: str, amount: Decimal) -> list[Event]:
        self.wallet += Fraction(amount)
        fields: dict[str, Any] = {**self._here(), "amount_usd": amount}
        return [{"funding": lambda: FundingPaid(**fields, rate_pct=0.01), "transfer": lambda: Transfer(**fields),
                 "rebate": lambda: Rebate(**fields)}[kind]()]

    def _fill(self, side: Side, quantity: Decimal, price: Decimal, rate: Decimal, *, reduces: bool) -> list[Event]:
        fee = price * quantity * rate
        self.wallet -= Fraction(fee)
        left = Fraction(quantity)
        if reduces or (self.quantity and side != self.side):
            closing = min(left, self.quantity)
            self._close(closing, Fraction(price))
            left -= closing
        if left:
            self.side = int(side)
            self.quantity += left
            self.cost += left * Fraction(price)
        return [a_fill(self.count, f"o{self.count}", side, str(price), str(quantity), reduces=reduces, fee=fee)]

    def _close(self, quantity: Fraction, price: Fraction) -> None:
        cost = self.cost * quantity / self.quantity
        self.wallet += self.side * (quantity * price - cost)
        self.quantity -= quantity
        self.cost -= cost

    def stated(self) -> Decimal:
        """As venues do: with more digits than anyone needs."""
        return Decimal(self.wallet.numerator) / Decimal(self.wallet.denominator)


def told(happened: list[tuple[Any, ...]]) -> tuple[list[Observation], Exchange]:
    exchange = Exchange()
    observations = [Observation(seq=1, time_ms=0, source="x", facts=(*opening(0), balance(0, str(START_USD))))]
    for what in [*happened, ("reduce", Decimal(10**9), Decimal(777), Decimal(0))]:
        facts = exchange.happen(what)
        seq = len(observations) + 1
        state = balance(seq, str(exchange.stated()))
        observations.append(Observation(seq=seq, time_ms=seq, source="x", facts=(*facts, state)))
    kept = KeptAccount()
    return [kept.complete(observation) for observation in observations], exchange


@given(st.lists(happenings, max_size=40))
def test_rows_add_up_to_the_wallets_change_to_the_micro_dollar(happened: list[tuple[Any, ...]]):
    observations, exchange = told(happened)
    fold = Fold(LedgerState(), WriteLimits())
    for observation in observations:
        fold.observe(observation)
        assert abs(observation.cash.unexplained_usd) < Decimal("1e-9")
    rows = {name: list(found.values()) for name, found in fold.pending.new.items()}
    flows = (
        sum(row["amount_usd"] for name in ("transfer", "funding_payment") for row in rows.get(name, []))
        + sum(row["realised_usd"] - row["fee_usd"] for row in rows.get("fill", []))
    )
    assert not fold.state.trades
    assert flows == to_micro(exchange.stated())
    trades = rows.get("trade", [])
    inside = sum(row["gross_usd"] - row["fees_usd"] + row["funding_usd"] for row in trades)
    outside = sum(row["amount_usd"] for row in rows.get("funding_payment", []) if row["trade_id"] is None)
    transfers = sum(row["amount_usd"] for row in rows.get("transfer", []))
    assert inside + outside + transfers == flows
    assert all(row["status"] in {"closed", "liquidated", "deleveraged"} for row in trades)
    assert not rows.get("incident") or {row["kind"] for row in rows["incident"]} <= {"LIQUIDATED", "DELEVERAGED"}


@pytest.mark.parametrize("kind", ["funding", "transfer", "rebate"])
def test_twins_in_one_millisecond_both_count(kind: str):
    observations, exchange = told([(kind, Decimal(3))] * 2)
    fold = Fold(LedgerState(), WriteLimits())
    for observation in observations:
        fold.observe(observation)
    assert exchange.stated() == START_USD + 6
    assert observations[-1].cash.unexplained_usd == 0
    table = "funding_payment" if kind == "funding" else "transfer"
    assert [row["amount_usd"] for row in fold.pending.new[table].values()][-2:] == [3, 3]


@pytest.mark.drawn(singly=True)
@given(st.lists(happenings, max_size=20))
def test_histories_read_again_add_nothing(happened: list[tuple[Any, ...]]):
    """As every reconciliation does: all money facts so far, with the times the venue gave them."""
    observations, _ = told(happened)
    fold, kept, again = Fold(LedgerState(), WriteLimits()), KeptAccount(), []
    for observation in observations:
        again += [fact for fact in observation.facts if not isinstance(fact, Balance | JournalOpened)]
        fold.observe(kept.complete(observation))
        repeated = Observation(seq=observation.seq, time_ms=observation.time_ms, source="x", facts=tuple(again))
        fold.observe(kept.complete(repeated))
    assert abs(kept.account.cash.unexplained_usd) < Decimal("1e-9")
    forced = [fact for fact in again if isinstance(fact, PositionLiquidated | PositionDeleveraged)]
    assert len(fold.pending.new.get("incident", {})) == len(forced)


@pytest.mark.drawn(singly=True, dear=True)
@given(st.lists(happenings, max_size=15), st.integers(1, 10))
@settings(max_examples=8)
def test_the_database_alone_explains_the_money(
    tmp_path_factory: pytest.TempPathFactory, happened: list[tuple[Any, ...]], missing: int
):
    observations, _ = told(happened)
    url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.sqlite'}"
    with LedgerWriter(url, "abc123") as ledger:
        for observation in observations:
            ledger.observe(observation)
    assert unexplained_usd(url) == 0
    with LedgerWriter(url, "abc123") as ledger:
        wrong = balance(0, str(Decimal(str(observations[-1].facts[-1].wallet_usd)) - missing))  # type: ignore[union-attr]
        kept = KeptAccount()
        for observation in observations:
            kept.complete(observation)
        late = Observation(seq=10_000, time_ms=10_000, source="x", facts=(wrong,))
        ledger.observe(kept.complete(late))
    assert unexplained_usd(url) == -missing


def folded(*facts: Event) -> Fold:
    fold, kept = Fold(LedgerState(), WriteLimits()), KeptAccount()
    for seq, fact in enumerate(facts, 1):
        fold.observe(kept.complete(Observation(seq=seq, time_ms=fact.time_ms, source="x", facts=(fact,))))
    return fold


def test_a_reversal_closes_one_trade_and_opens_another():
    fold = folded(a_fill(1, "a", Side.LONG, "100", "2"), a_fill(2, "b", Side.SHORT, "110", "5"))
    first, second = fold.pending.new["trade"].values()
    assert (first["status"], first["gross_usd"], second["side"]) == ("closed", 20, "short")
    assert (second["open_base"], second["entry_price"]) == (3, 110)
    assert [(row["side"], row["reduces"], row["quantity_base"]) for row in fold.pending.new["fill"].values()] == [
        ("long", False, 2), ("long", True, 2), ("short", False, 3)]


def test_a_fill_told_twice_counts_once():
    fill = a_fill(1, "a", Side.LONG, "100", "2")
    assert len(folded(fill, fill).pending.new["fill"]) == 1


def test_closing_what_was_not_open_is_an_incident_with_its_fee_booked():
    fold = folded(
        a_fill(1, "a", Side.LONG, "100", "1"), a_fill(2, "b", Side.LONG, "110", "3", reduces=True, fee=Decimal(1))
    )
    (trade,) = fold.pending.new["trade"].values()
    assert (trade["status"], trade["gross_usd"], trade["fees_usd"]) == ("closed", 10, 1)
    assert [row["kind"] for row in fold.pending.new["incident"].values()] == ["FILL_WITHOUT_TRADE"]
    assert sum(row["quantity_base"] for row in fold.pending.new["fill"].values()) == 4


def test_a_fee_in_another_coin_leaves_the_dollars_alone():
    fold = folded(a_fill(1, "a", Side.LONG, "100", "1", fee=Decimal("0.001"), fee_currency="BNB"))
    (fill,) = fold.pending.new["fill"].values()
    assert (fill["fee_usd"], fill["fee_other"], fill["fee_currency"]) == (0, Decimal("0.001"), "BNB")
    assert fill["fee_unvalued"] == Decimal("0.001"), "nothing values it, and the row says so"
    assert [row["fees_other"] for row in fold.pending.new["trade"].values()] == ["0.001 BNB"]


def test_the_venues_word_on_a_position_wins_and_is_an_incident():
    snapshot = PositionSnapshot(
        time_ms=2, venue=VENUE, coin=COIN, side=Side.SHORT, quantity_base=Decimal(3), entry_price=Decimal(90),
        leverage=2.0, isolated=True,
    )
    fold = folded(
        a_fill(1, "a", Side.LONG, "100", "2"), snapshot, Reconciled(time_ms=3, venue=VENUE, coin=COIN), snapshot,
        Reconciled(time_ms=4, venue=VENUE, coin=COIN), a_fill(5, "x", Side.SHORT, "80", "3", reduces=True),
    )
    lost, adopted = fold.pending.new["trade"].values()
    assert (lost["status"], adopted["strategy"], adopted["gross_usd"]) == ("mismatch", "adopted", 30)
    assert [row["kind"] for row in fold.pending.new["incident"].values()] == ["POSITION_MISMATCH"]


def test_a_liquidation_of_ours_closes_the_trade_as_such():
    fold = folded(
        a_fill(1, "a", Side.LONG, "100", "2"),
        PositionLiquidated(
            time_ms=2, venue=VENUE, coin=COIN, side=Side.LONG, price=Decimal(70), quantity_base=Decimal(2),
            fee=Decimal(1),
        ),
    )
    (trade,) = fold.pending.new["trade"].values()
    assert (trade["status"], trade["exit_reason"], trade["gross_usd"], trade["fees_usd"]) == (
        "liquidated", "liquidation", -60, 1)
    assert fold.pending.new["incident"][1]["severity"] == "critical"


@given(st.lists(st.integers(-(10**12), 10**12).map(lambda n: Decimal(n).scaleb(-9)), max_size=50))
def test_booked_amounts_add_up_however_often_they_are_rounded(amounts: list[Decimal]):
    purse = CashAccount()
    assert sum((purse.book(amount) for amount in amounts), Decimal(0)) == to_micro(sum(amounts, Decimal(0)))


def test_state_survives_its_bytes():
    fold = folded(a_fill(1, "a", Side.LONG, "100.1", "0.3", fee=Decimal("0.0000001")), balance(2, "1e3"))
    entries = states.entries_of(fold.state)
    assert states.entries_of(states.state_of(entries.items())) == entries
