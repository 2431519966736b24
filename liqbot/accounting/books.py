"""`AccountBooks`: our money, counted once. Each fact is taken once and answered with what it changed.

Positions, wallets, round trips, fees in any currency, funding, rebates, transfers, forced closes: risk decides by these
books, and ledger, reports and audits read their answers.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.accounting.cash_flow import CashAccount, add_amount
from liqbot.accounting.changes import (
    CashMoved,
    CashSummary,
    Change,
    Duplicate,
    Execution,
    FillBooked,
    FundingBooked,
    OtherAccount,
    PositionDiffers,
    TripClosed,
    TripCorrected,
)
from liqbot.accounting.currencies import FeeCost, amounts_text, fee_cost
from liqbot.accounting.dedupe import RecentIds, identity_of
from liqbot.accounting.positions import Holding, OneTrip, Part, Position
from liqbot.accounting.round_trips import BY_DELEVERAGING, BY_LIQUIDATION, BY_ORDER, TripFigures
from liqbot.accounting.wallets import Wallet
from liqbot.events import (
    AccountFact,
    Balance,
    Event,
    Fill,
    FundingPaid,
    LeverageConfirmed,
    MoneyFact,
    PositionAdopted,
    PositionDeleveraged,
    PositionLiquidated,
    PositionSnapshot,
    Rebate,
    Reconciled,
    Transfer,
)
from liqbot.instruments import Side

ZERO: Final = Decimal(0)
_KINDS: Final[dict[type, tuple[str, str]]] = {
    Fill: ("fill", BY_ORDER),
    PositionLiquidated: ("liquidation", BY_LIQUIDATION),
    PositionDeleveraged: ("deleveraging", BY_DELEVERAGING),
}


class BooksState(msgspec.Struct):
    """Everything that must survive a restart."""

    holdings: dict[str, Holding] = {}
    wallets: dict[str, Wallet] = {}
    cash: CashAccount = msgspec.field(default_factory=CashAccount)
    seen: RecentIds = msgspec.field(default_factory=RecentIds)
    marks: dict[str, float] = {}
    """Newest price in USD by coin: what a fee in a coin is worth."""
    trips: int = 0
    """How many round trips were begun."""
    other_accounts: int = 0
    """Facts of accounts that are not ours."""


class AccountBooks:
    """Pure. Duplicates are harmless, and so is the order of facts wherever it can be: fills are summed per side, and
    balances are the venue's statement."""

    def __init__(self, account: str = "") -> None:
        """`account` names ours; facts of any other are refused and counted."""
        self.account = account
        self._now = BooksState()
        self._folds: dict[type, Callable[[Any], tuple[Change, ...]]] = {
            Fill: self._on_execution,
            PositionLiquidated: self._on_execution,
            PositionDeleveraged: self._on_execution,
            Balance: self._on_balance,
            Transfer: self._on_transfer,
            Rebate: self._on_rebate,
            FundingPaid: self._on_funding,
            PositionSnapshot: self._on_snapshot,
            PositionAdopted: self._on_adopted,
            LeverageConfirmed: self._on_leverage,
            Reconciled: self._on_reconciled,
        }

    # --- what is ---------------------------------------------------------------------------------------------------

    @property
    def holdings(self) -> Iterable[Holding]:
        """In the order their instruments were first seen."""
        return self._now.holdings.values()

    @property
    def positions(self) -> tuple[Position, ...]:
        found = (holding.position() for holding in self._now.holdings.values())
        return tuple(position for position in found if position is not None)

    @property
    def cash(self) -> CashAccount:
        """Running totals; read only."""
        return self._now.cash

    @property
    def unrealised_usd(self) -> Decimal:
        """At the marks of the last tick."""
        return sum((holding.unrealised_usd() for holding in self._now.holdings.values()), ZERO)

    @property
    def equity_usd(self) -> Decimal:
        """Wallets as the venues state them plus unrealised profit."""
        return sum((wallet.wallet_usd for wallet in self._now.wallets.values()), self.unrealised_usd)

    @property
    def explained_equity_usd(self) -> Decimal:
        """Equity without what no fact has explained yet."""
        return sum((wallet.explained_usd for wallet in self._now.wallets.values()), self.unrealised_usd)

    @property
    def other_accounts(self) -> int:
        """How many facts of accounts that are not ours were refused."""
        return self._now.other_accounts

    def wallet(self, venue: str) -> Wallet | None:
        return self._now.wallets.get(_key(self.account, venue))

    def holding(self, venue: str, coin: str) -> Holding | None:
        return self._now.holdings.get(_key(self.account, venue, coin))

    def open_trips(self) -> tuple[TripFigures, ...]:
        """Adopted ones included."""
        return tuple(
            self._figures(holding, one)
            for holding in self._now.holdings.values()
            for one in holding.open_trips()
        )

    def summary(self) -> CashSummary:
        """The wallets in total, as the venues last stated them."""
        opened = [wallet for wallet in self._now.wallets.values() if wallet.stated_usd is not None]
        return CashSummary(
            account=self.account,
            wallet_usd=sum((wallet.stated_usd or ZERO for wallet in opened), ZERO),
            brought_usd=self._now.cash.brought_usd,
            unexplained_usd=sum((wallet.difference_usd for wallet in opened), ZERO),
            fees_other=amounts_text(self._now.cash.fees_unvalued),
            is_open=bool(opened),
        )

    # --- what happens ---------------------------------------------------------------------------------------------

    def take(self, fact: Event) -> tuple[Change, ...]:
        """Folds one fact, once; kinds that say nothing about money or positions change nothing."""
        if isinstance(fact, AccountFact):
            if fact.account != self.account:
                self._now.other_accounts += 1
                return (OtherAccount(fact),)
            if isinstance(fact, Fill | MoneyFact) and self._now.seen.is_repeat(identity_of(fact)):
                return (Duplicate(fact),)
        fold = self._folds.get(type(fact))
        return () if fold is None else fold(fact)

    def see_marks(self, marks: Mapping[str, float]) -> None:
        """Newest prices by coin: they value what is open and fees in those coins."""
        self._now.marks.update(marks)
        for holding in self._now.holdings.values():
            if not holding.signed_base:
                holding.mark_price = None
            elif holding.coin in marks:
                holding.mark_price = Decimal(str(marks[holding.coin]))

    def see_prices(self, coin: str, mark_price: float, *extremes: float) -> None:
        """Prices of the step that ends, for the excursions of what is open; NaN where there was none. Of a step in
        which a trip was entered only its end counts."""
        for holding in self._now.holdings.values():
            if holding.coin != coin:
                continue
            for side, trip, _ in holding.open_trips():
                for price in (mark_price,) if trip.fresh else (mark_price, *extremes):
                    if price == price:
                        trip.see_price(side, Decimal(str(price)))
                trip.fresh = False

    def settle(self, time_ms: int, patience_ms: int) -> None:
        """What has waited that long for its fact counts as profit or loss."""
        for wallet in self._now.wallets.values():
            wallet.settle(time_ms, patience_ms)

    def state(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return dict(msgspec.to_builtins(self._now))

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`; ValueError (msgspec.ValidationError) when it does not fit."""
        self._now = msgspec.convert(state, BooksState)

    # --- fills and forced closes ----------------------------------------------------------------------------------

    def _on_execution(self, fact: Execution) -> tuple[Change, ...]:
        holding = self._holding(fact)
        kind, ended_by = _KINDS[type(fact)]
        fee = self._fee(fact)
        parts = holding.fill(
            fact.side, reduces=not isinstance(fact, Fill) or fact.reduces, price=fact.price,
            quantity_base=fact.quantity_base, time_ms=fact.time_ms, fee_usd=fee.cost_usd, ended_by=ended_by,
        )
        if holding.signed_base and holding.mark_price is None:
            holding.mark_price = fact.price
        realised_usd = sum((part.realised_usd for part in parts), ZERO)
        self._wallet(fact.venue).flow(realised_usd - fee.wallet_usd)
        changes: list[Change] = []
        for part in parts:
            changes += self._book(fact, kind, holding, part, fee)
            fee = FeeCost()
        corrected = holding.disowned(fact.time_ms)
        if corrected is not None:
            changes.append(TripCorrected(self._figures(holding, corrected)))
        return tuple(changes)

    def _book(self, fact: Execution, kind: str, holding: Holding, part: Part, fee: FeeCost) -> list[Change]:
        """One part in whole micro-dollars."""
        cash, trip = self._now.cash, part.trip
        realised_usd = cash.book(part.realised_usd)
        paid_usd, apart_usd = -cash.book(-fee.wallet_usd), cash.book_apart(fee.apart_usd)
        cash.gross_usd += realised_usd
        cash.fees_usd += paid_usd + apart_usd
        trip.booked_gross_usd += realised_usd
        trip.booked_fees_usd += paid_usd + apart_usd
        if fee.unvalued_fee and isinstance(fact, Fill):
            add_amount(cash.fees_unvalued, fact.fee_currency.upper(), fee.unvalued_fee)
            add_amount(trip.fees_unvalued, fact.fee_currency.upper(), fee.unvalued_fee)
        figures = self._figures(holding, (part.side, trip, part.foreign))
        booked = FillBooked(
            fact=fact, kind=kind, trip=figures if part.matched else None, quantity_base=part.quantity_base,
            reduces=part.reduces, realised_usd=realised_usd, fee_usd=paid_usd + apart_usd, fee_apart_usd=apart_usd,
            fee_unvalued=fee.unvalued_fee,
        )
        return [booked, TripClosed(figures)] if trip.closed_ms is not None else [booked]

    def _fee(self, fact: Execution) -> FeeCost:
        if isinstance(fact, Fill):
            return fee_cost(fact.fee, fact.fee_currency, fact.coin, fact.price, self._now.marks)
        return FeeCost(fact.fee) if isinstance(fact, PositionLiquidated) else FeeCost()

    # --- flows without a trade ------------------------------------------------------------------------------------

    def _on_funding(self, fact: FundingPaid) -> tuple[Change, ...]:
        holding = self._holding(fact)
        found = holding.funding(fact.amount_usd)
        self._wallet(fact.venue).flow(fact.amount_usd)
        amount_usd = self._now.cash.book(fact.amount_usd)
        self._now.cash.funding_usd += amount_usd
        if found is None:
            return (FundingBooked(fact, amount_usd, None),)
        found[1].booked_funding_usd += amount_usd
        return (FundingBooked(fact, amount_usd, self._figures(holding, found)),)

    def _on_transfer(self, fact: Transfer) -> tuple[Change, ...]:
        self._wallet(fact.venue).flow(fact.amount_usd)
        self._now.cash.transfers_usd += fact.amount_usd
        kind = "deposit" if fact.amount_usd >= 0 else "withdrawal"
        return (CashMoved(fact, kind, self._now.cash.book(fact.amount_usd)),)

    def _on_rebate(self, fact: Rebate) -> tuple[Change, ...]:
        self._wallet(fact.venue).flow(fact.amount_usd)
        self._now.cash.rebates_usd += fact.amount_usd
        return (CashMoved(fact, "rebate", self._now.cash.book(fact.amount_usd)),)

    def _on_balance(self, fact: Balance) -> tuple[Change, ...]:
        wallet = self._wallet(fact.venue)
        first = not wallet.is_open
        wallet.state(fact.wallet_usd, fact.time_ms)
        if not first:
            return ()
        opening_usd = wallet.difference_usd
        wallet.flows_usd += opening_usd
        self._now.cash.openings_usd += opening_usd
        return (CashMoved(fact, "opening", self._now.cash.book(opening_usd)),)

    # --- the venue's statements about positions -------------------------------------------------------------------

    def _on_snapshot(self, fact: PositionSnapshot) -> tuple[Change, ...]:
        holding = self._holding(fact)
        holding.snapshot(fact.side * fact.quantity_base, fact.entry_price)
        if fact.quantity_base:
            holding.leverage, holding.isolated = fact.leverage, fact.isolated
            holding.liquidation_price = fact.liquidation_price
        return ()

    def _on_adopted(self, fact: PositionAdopted) -> tuple[Change, ...]:
        holding = self._holding(fact)
        taken = holding.take_over(fact.side, fact.quantity_base, fact.entry_price, fact.time_ms)
        if taken is None:
            return ()
        ended, ours = taken
        closed = () if ended is None else (TripClosed(self._figures(holding, ended)),)
        return (*closed, TripCorrected(self._figures(holding, ours)))

    def _on_leverage(self, fact: LeverageConfirmed) -> tuple[Change, ...]:
        holding = self._holding(fact)
        holding.leverage, holding.isolated = fact.leverage, fact.isolated
        return ()

    def _on_reconciled(self, fact: Reconciled) -> tuple[Change, ...]:
        holding = self._holding(fact)
        settled = holding.reconcile(fact.time_ms)
        if settled is None:
            return ()
        changed = tuple(self._figures(holding, one) for one in settled.changed)
        ended = tuple(TripClosed(self._figures(holding, one)) for one in settled.ended)
        differs = PositionDiffers(
            fact, settled.held_base, settled.venue_base, changed, holding.leverage, holding.liquidation_price
        )
        return (*ended, differs)

    def _figures(self, holding: Holding, one: OneTrip) -> TripFigures:
        side, trip, foreign = one
        if not trip.number:
            self._now.trips += 1
            trip.number = self._now.trips
        key = trip_key(holding.account, holding.venue, holding.coin, side, foreign=foreign)
        return trip.figures(
            key, account=holding.account, venue=holding.venue, coin=holding.coin, side=side, foreign=foreign
        )

    def _holding(self, fact: AccountFact) -> Holding:
        key = _key(fact.account, fact.venue, fact.coin)
        holding = self._now.holdings.get(key)
        if holding is None:
            holding = self._now.holdings[key] = Holding(fact.venue, fact.coin, fact.account)
        return holding

    def _wallet(self, venue: str) -> Wallet:
        key = _key(self.account, venue)
        wallet = self._now.wallets.get(key)
        if wallet is None:
            wallet = self._now.wallets[key] = Wallet(venue, self.account)
        return wallet


def trip_key(account: str, venue: str, coin: str, side: Side, *, foreign: bool = False) -> str:
    """Of the one round trip that may be open there."""
    return _key(account, venue, coin, side.word, *(("foreign",) if foreign else ()))


def _key(account: str, *names: str) -> str:
    """Account first, so that two accounts at one venue never share a row."""
    return "|".join((account, *names))
