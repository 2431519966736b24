"""The books as one fold: risk, ledger and reports read the same answers, whatever the order and however often a fact
comes."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept_account import KeptAccount
from ledger_story import COIN, VENUE, a_fill, balance, opening
from market_views import a_view

from liqbot.accounting.books import AccountBooks
from liqbot.accounting.changes import Change, Duplicate, FillBooked, OtherAccount, PositionDiffers, TripClosed
from liqbot.accounting.currencies import DOLLARS
from liqbot.accounting.micro_usd import to_micro
from liqbot.accounting.positions import Holding
from liqbot.accounting.round_trips import BY_DELEVERAGING, BY_LIQUIDATION, BY_ORDER
from liqbot.events import AccountFact, Balance, Event, Fill, FundingPaid, PositionSnapshot, Rebate, Reconciled, Transfer
from liqbot.instruments import Side
from liqbot.ledger import Observation
from liqbot.ledger.fold import Fold, WriteLimits
from liqbot.ledger.state import LedgerState
from paper.backtest.recorder import PlannedTrips

D = Decimal
CURRENCIES = ("USDT", "FDUSD", "USDE", "BTC", "BNB", "OKB")
MARKS = {"BNB": 500.0}
START_USD = D(100_000)

fills = st.tuples(
    st.just("fill"), st.sampled_from(Side), st.booleans(), st.integers(1, 400), st.integers(5_000, 15_000),
    st.integers(-10, 60), st.sampled_from(CURRENCIES),
)
flows = st.tuples(st.sampled_from(["funding", "rebate", "transfer"]), st.integers(-(10**6), 10**6))
histories = st.lists(st.one_of(fills, flows), min_size=1, max_size=14)


def facts_of(rows: Sequence[tuple[Any, ...]]) -> list[AccountFact]:
    facts: list[AccountFact] = []
    for number, row in enumerate(rows, 1):
        here: dict[str, Any] = {"time_ms": number, "venue": VENUE, "coin": COIN}
        if row[0] == "fill":
            _, side, reduces, quantity, price, fee, currency = row
            facts.append(a_fill(
                number, f"o{number}", side, str(D(price) / 100), str(D(quantity) / 1_000), reduces=reduces,
                fee=D(fee) / 1_000, fee_currency=currency,
            ))
            continue
        kind, amount = row
        fields = {**here, "event_id": str(number), "amount_usd": D(amount).scaleb(-7)}
        facts.append({
            "funding": lambda fields=fields: FundingPaid(**fields, rate_pct=0.01),
            "rebate": lambda fields=fields: Rebate(**fields), "transfer": lambda fields=fields: Transfer(**fields),
        }[kind]())
    return facts


class Read:
    """Every reading of one history: the books, the ledger's rows, and the trips of a report."""

    def __init__(self, facts: Sequence[Event]) -> None:
        self.kept, self.fold, self.report = KeptAccount(), Fold(LedgerState(), WriteLimits()), PlannedTrips()
        self.kept.account.on_tick(0, (a_view(coin="BNB", mark_price=MARKS["BNB"]),))
        for seq, fact in enumerate((*opening(0), balance(0, str(START_USD)), *facts), 1):
            observed = Observation(seq=seq, time_ms=seq, source="x", facts=(fact,))
            complete = self.kept.complete(observed)
            self.fold.observe(complete)
            for change in complete.changes[0]:
                self.report.fold(change)

    @property
    def cash(self) -> Any:
        return self.kept.account.books.cash

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.fold.pending.new.get(table, {}).values())

    def sum(self, table: str, *columns: str) -> Decimal:
        return sum((row[name] for row in self.rows(table) for name in columns), D(0))


def flowed(facts: Sequence[Event]) -> Fraction:
    """Money in minus money out: what the wallet changed once everything is flat."""
    total = Fraction(0)
    for fact in facts:
        if isinstance(fact, Fill):
            currency = fact.fee_currency
            fee = fact.fee if currency in DOLLARS else fact.fee * fact.price if currency == fact.coin else D(0)
            total += int(fact.side) * (1 if fact.reduces else -1) * Fraction(fact.price * fact.quantity_base)
            total -= Fraction(fee)
        elif isinstance(fact, FundingPaid | Rebate | Transfer):
            total += Fraction(fact.amount_usd)
    return total


@pytest.mark.drawn(singly=True)
@given(histories, st.data())
def test_the_readings_agree_and_duplicates_are_harmless(rows: list[tuple[Any, ...]], data: st.DataObject):
    facts = facts_of(rows)
    shuffled = data.draw(st.permutations(facts))
    repeated = [fact for fact in shuffled for _ in range(data.draw(st.integers(1, 3)))]
    once, often = Read(shuffled), Read(repeated)
    for read in (once, often):
        assert read.sum("fill", "realised_usd") == read.cash.gross_usd
        assert read.sum("fill", "fee_usd") == read.cash.fees_usd
        assert read.sum("funding_payment", "amount_usd") == read.cash.funding_usd
        outside = read.sum("transfer", "amount_usd") + read.sum("funding_payment", "amount_usd")
        rows_usd = outside + read.sum("fill", "realised_usd", "fee_apart_usd") - read.sum("fill", "fee_usd")
        wallet = read.kept.account.books.wallet(VENUE)
        assert wallet is not None
        assert rows_usd == to_micro(read.cash.total_usd)
        assert to_micro(wallet.wallet_usd) == rows_usd == to_micro(wallet.flows_usd), "rows explain the wallet"
        ended = [row for row in read.rows("trade") if row["closed_ms"] is not None]
        assert sorted((trip.net_usd, trip.fees_other) for trip in read.report.closed) == sorted(
            (row["gross_usd"] - row["fees_usd"] + row["funding_usd"], row["fees_other"]) for row in ended
        )
    assert once.kept.account.equity_usd == often.kept.account.equity_usd
    assert once.kept.account.positions == often.kept.account.positions
    assert once.rows("fill") == [row | {"seq": mine["seq"]} for row, mine in
                                 zip(often.rows("fill"), once.rows("fill"), strict=True)]
    unvalued = sum((fact.fee for fact in facts if isinstance(fact, Fill) and fact.fee_currency == "OKB"), D(0))
    assert once.cash.fees_unvalued.get("OKB", D(0)) == unvalued


@pytest.mark.drawn(singly=True)
@given(histories)
def test_money_in_minus_money_out_is_what_the_wallet_changed_when_flat(rows: list[tuple[Any, ...]]):
    facts = facts_of([row for row in rows if row[0] != "fill" or not row[2]])
    kept = Read(facts).kept
    closing: list[Event] = [
        a_fill(100, "close", held.side, "100", str(held.quantity_base), reduces=True, fee=D(1), fee_currency="USD")
        for held in kept.account.positions
    ]
    moved = flowed([*facts, *closing])
    flat = Read([*facts, *closing])
    assert flat.kept.account.positions == ()
    assert flat.cash.total_usd == START_USD + D(moved.numerator) / D(moved.denominator)


def taken(books: AccountBooks, *facts: Event) -> list[Change]:
    return [change for fact in facts for change in books.take(fact)]


def test_a_fact_of_another_account_is_refused_counted_and_changes_nothing():
    books = AccountBooks("main")
    mine = msgspec.structs.replace(balance(1, "1000"), account="main")
    theirs = msgspec.structs.replace(a_fill(2, "a", Side.LONG, "100", "1"), account="hedge")
    assert taken(books, mine, theirs)[1:] == [OtherAccount(theirs)]
    assert (books.positions, books.equity_usd, books.other_accounts) == ((), 1_000, 1)
    ours = msgspec.structs.replace(theirs, account="main")
    assert isinstance(taken(books, ours)[0], FillBooked), "the same id in another account is another fill"
    assert books.positions[0].account == "main"


def test_a_repeated_fill_says_so():
    fill = a_fill(1, "a", Side.LONG, "100", "1")
    books = AccountBooks()
    assert isinstance(taken(books, fill)[0], FillBooked)
    assert taken(books, fill) == [Duplicate(fill)]


def test_an_entry_after_a_partial_close_counts_at_average_cost_as_venues_do():
    books = AccountBooks()
    taken(
        books, balance(1, "1000"), a_fill(2, "a", Side.LONG, "100", "1"),
        a_fill(3, "b", Side.LONG, "110", "0.5", reduces=True), a_fill(4, "c", Side.LONG, "120", "1"),
    )
    books.see_marks({COIN: 120.0})
    assert books.cash.gross_usd == 5
    assert books.unrealised_usd == pytest.approx(D(10), abs=D("1e-20"))
    (closed,) = [
        change.trip for change in taken(books, a_fill(5, "d", Side.LONG, "120", "1.5", reduces=True))
        if isinstance(change, TripClosed)
    ]
    assert (closed.gross_usd, closed.entry_price, closed.entered_base) == (15, 110, 2)


def test_a_close_that_is_learnt_before_its_entry_waits_for_it():
    books = AccountBooks()
    changes = taken(
        books, a_fill(2, "b", Side.LONG, "110", "1", reduces=True, fee=D(1)), a_fill(1, "a", Side.LONG, "100", "1"),
    )
    (closed,) = [change.trip for change in changes if isinstance(change, TripClosed)]
    assert (closed.gross_usd, closed.fees_usd) == (10, 1)
    assert books.positions == ()


def test_what_ours_explain_later_is_no_longer_anybody_elses():
    snapshot = PositionSnapshot(
        time_ms=2, venue=VENUE, coin=COIN, side=Side.LONG, quantity_base=D(1), entry_price=D(100), leverage=2.0,
        isolated=True,
    )
    books = AccountBooks()
    changes = taken(books, snapshot, Reconciled(time_ms=3, venue=VENUE, coin=COIN))
    assert isinstance(changes[0], PositionDiffers)
    assert [trip.foreign for trip in books.open_trips()] == [True]
    taken(books, a_fill(1, "late", Side.LONG, "100", "1"))
    assert [trip.foreign for trip in books.open_trips()] == [False]
    holding = books.holding(VENUE, COIN)
    assert holding is not None
    assert holding.unexplained_base == 0


@given(histories, st.integers(0, 14))
def test_a_restart_anywhere_changes_nothing(rows: list[tuple[Any, ...]], cut: int):
    facts: list[Event] = [balance(0, "1000"), *facts_of(rows)]
    whole, first, second = AccountBooks(), AccountBooks(), AccountBooks()
    expected = taken(whole, *facts)
    found = taken(first, *facts[:cut])
    second.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(first.state())))
    found += taken(second, *facts[cut:])
    assert found == expected
    assert second.state() == whole.state()


@pytest.mark.parametrize("stated", ["1000", "1000.0000004"])
def test_the_first_statement_of_a_wallet_is_an_opening(stated: str):
    books = AccountBooks()
    taken(books, FundingPaid(time_ms=1, venue=VENUE, coin=COIN, amount_usd=D(3), rate_pct=0.0))
    (moved,) = taken(books, Balance(time_ms=2, venue=VENUE, coin=COIN, wallet_usd=D(stated)))
    assert (moved.kind, moved.amount_usd) == ("opening", to_micro(D(stated) - 3))
    assert books.summary().unexplained_usd == 0


@pytest.mark.parametrize(
    ("ended_by", "entered_ms", "left"),
    [(BY_DELEVERAGING, 6, "0.5"), (BY_DELEVERAGING, 5, "0.3"), (BY_LIQUIDATION, 4, "0.3"), (BY_ORDER, 6, "0.3")],
)
def test_what_was_closed_by_force_waits_for_no_later_entry(ended_by: str, entered_ms: int, left: str):
    """A venue liquidates what others held, or tells again of an earlier journal's: our next position is not smaller.
    Closes by our own orders are of what is ours, in whatever order they are learnt."""
    holding, size, closed = Holding(VENUE, COIN), D("0.5"), D("0.2")
    (waiting,) = holding.fill(
        Side.LONG, reduces=True, price=D(90), quantity_base=closed, time_ms=5, ended_by=ended_by
    )
    assert not waiting.matched
    holding.fill(Side.LONG, reduces=False, price=D(100), quantity_base=size, time_ms=entered_ms)
    held = holding.position()
    assert held is not None
    assert (held.quantity_base, held.realised_usd) == (D(left), D(0) if left == "0.5" else D(-2))
    holding.fill(Side.LONG, reduces=True, price=D(110), quantity_base=D(left), time_ms=9)
    assert holding.position() is None


def test_what_our_own_order_closed_goes_on_waiting_where_a_forced_close_does_not():
    """An exit is heard of before its entry, and before both the venue liquidated what others held."""
    holding = Holding(VENUE, COIN)
    holding.fill(
        Side.LONG, reduces=True, price=D(80), quantity_base=D("0.2"), time_ms=5, ended_by=BY_LIQUIDATION
    )
    holding.fill(Side.LONG, reduces=True, price=D(110), quantity_base=D("0.5"), time_ms=9)
    (part,) = holding.fill(Side.LONG, reduces=False, price=D(100), quantity_base=D("0.5"), time_ms=7)
    assert holding.position() is None
    assert (part.realised_usd, part.trip.exit_price, part.trip.left_base) == (D(5), D(110), D("0.5"))
