"""`Account`: our own money and positions as a fold of facts, with the latches that stop us.

Duplicates are harmless, and so is the order of facts wherever it can be: fills are summed per side, balances are the
venue's word, and a change that no fact explains waits before it counts as loss.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.accounting.dedupe import Seen, identity_of
from liqbot.accounting.positions import ZERO, Holding, Position
from liqbot.accounting.wallets import Wallet, fee_usd
from liqbot.events import (
    Balance,
    CodeVersion,
    Event,
    FeedDown,
    Fill,
    Flatten,
    FundingPaid,
    Halt,
    HaltCode,
    JournalOpened,
    LeverageConfirmed,
    PositionDeleveraged,
    PositionLiquidated,
    PositionSnapshot,
    Rebate,
    Reconciled,
    Resume,
    Transfer,
    halt_code_of,
)
from liqbot.market.view import MarketView
from liqbot.risk.drawdown import Drawdown
from liqbot.risk.limits import RiskLimits
from liqbot.risk.sizing import exact

__all__ = ["ACCOUNT_FEED", "Account", "Position"]

ACCOUNT_FEED: Final = "account"
_DAY_MS: Final = 86_400_000


class _State(msgspec.Struct):
    """Everything that must survive a restart."""

    holdings: dict[str, Holding] = {}
    wallets: dict[str, Wallet] = {}
    drawdown: Drawdown = msgspec.field(default_factory=Drawdown)
    seen: Seen = msgspec.field(default_factory=Seen)
    halted: str = ""
    halt_code: HaltCode = HaltCode.NONE
    flattening: bool = False
    entry_day: int = -1
    entry_notional_usd: Decimal = ZERO


class Account:
    """Pure: time comes with facts and ticks."""

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits
        self._now = _State()
        self._folds: dict[type, Any] = {
            Fill: self._on_fill,
            Balance: self._on_balance,
            Transfer: self._on_transfer,
            FundingPaid: self._on_funding,
            Rebate: self._on_rebate,
            PositionSnapshot: self._on_snapshot,
            LeverageConfirmed: self._on_leverage,
            PositionLiquidated: self._on_forced,
            PositionDeleveraged: self._on_forced,
            Reconciled: self._on_reconciled,
            FeedDown: self._on_feed_down,
            CodeVersion: self._on_start,
            JournalOpened: self._on_start,
            Halt: self._on_halt,
            Flatten: self._on_flatten,
            Resume: self._on_resume,
        }

    # --- what is ---------------------------------------------------------------------------------------------------

    @property
    def positions(self) -> tuple[Position, ...]:
        """Open positions, in the order their instruments were first heard of."""
        found = (holding.position() for holding in self._now.holdings.values())
        return tuple(position for position in found if position is not None)

    def position(self, venue: str, coin: str) -> Position | None:
        holding = self._now.holdings.get(_key(venue, coin))
        return None if holding is None else holding.position()

    @property
    def equity_usd(self) -> Decimal:
        """Wallets as the venues state them plus unrealised profit at the marks of the last tick."""
        return sum((wallet.wallet_usd for wallet in self._now.wallets.values()), self._unrealised_usd)

    @property
    def sure_equity_usd(self) -> Decimal:
        """The lesser of equity with and without what no fact has explained yet: what size may be taken from."""
        return min(self.equity_usd, self._explained_equity_usd)

    @property
    def drawdown(self) -> Drawdown:
        """Losses and latches; read only."""
        return self._now.drawdown

    @property
    def halted(self) -> str:
        """Why there are no entries until somebody resumes; empty when there may be."""
        return self._now.halted

    @property
    def halt_code(self) -> HaltCode:
        """The same for programs; NONE when there may be entries, or when an unknown reason forbids them."""
        return self._now.halt_code or halt_code_of(self._now.halted)

    @property
    def flattening(self) -> bool:
        return self._now.flattening

    def wallet_usd(self, venue: str) -> Decimal:
        wallet = self._now.wallets.get(venue)
        return ZERO if wallet is None else wallet.wallet_usd

    def holding(self, venue: str, coin: str) -> Holding | None:
        """Reconciliation, cooldown and differences of one instrument; read only."""
        return self._now.holdings.get(_key(venue, coin))

    def notional_usd(self) -> Decimal:
        """Of all open positions, at their marks (at entry before the first)."""
        total = ZERO
        for holding in self._now.holdings.values():
            position = holding.position()
            if position is not None:
                total += position.quantity_base * (holding.mark_price or position.entry_price)
        return total

    def entry_notional_usd(self, time_ms: int) -> Decimal:
        """Entered on this UTC day."""
        return self._now.entry_notional_usd if self._now.entry_day == time_ms // _DAY_MS else ZERO

    # --- what happens ---------------------------------------------------------------------------------------------

    def on_fact(self, fact: Event) -> None:
        """Fold one fact; kinds that say nothing about money, positions or halts are ignored."""
        fold = self._folds.get(type(fact))
        if fold is not None:
            fold(fact)

    def on_tick(self, tick_ms: int, views: Iterable[MarketView]) -> None:
        """Marks of what we hold, then the latches."""
        by_coin = {view.coin: view for view in views}
        for holding in self._now.holdings.values():
            view = by_coin.get(holding.coin)
            if not holding.signed_base:
                holding.mark_price = None
            elif view is not None:
                holding.mark_price = exact(view.mark_price)
        for wallet in self._now.wallets.values():
            wallet.settle(tick_ms, self._limits.unexplained_ms)
        self._now.drawdown.tick(tick_ms, self._explained_equity_usd, self._limits)

    def state(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return dict(msgspec.to_builtins(self._now))

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`; ValueError (msgspec.ValidationError) when it does not fit."""
        self._now = msgspec.convert(state, _State)

    # --- folds ----------------------------------------------------------------------------------------------------

    def _on_fill(self, fact: Fill) -> None:
        if self._now.seen.again(identity_of(fact)):
            return
        self._book(fact, reduces=fact.reduces, paid_usd=fee_usd(fact))
        if not fact.reduces:
            day = fact.time_ms // _DAY_MS
            if day > self._now.entry_day:
                self._now.entry_day, self._now.entry_notional_usd = day, ZERO
            if day == self._now.entry_day:
                self._now.entry_notional_usd += fact.price * fact.quantity_base

    def _on_forced(self, fact: PositionLiquidated | PositionDeleveraged) -> None:
        if self._now.seen.again(identity_of(fact)):
            return
        if isinstance(fact, PositionDeleveraged):
            self._book(fact, reduces=True, paid_usd=ZERO)
        else:
            self._book(fact, reduces=True, paid_usd=fact.fee)
            # The stop should have come first: a person must look.
            self._now.halted = f"our {fact.side.word} {fact.coin} on {fact.venue} was liquidated at {fact.price}"
            self._now.halt_code = HaltCode.OWN_LIQUIDATION

    def _book(self, fact: Fill | PositionLiquidated | PositionDeleveraged, *, reduces: bool, paid_usd: Decimal) -> None:
        holding = self._holding(fact.venue, fact.coin)
        booked = holding.fill(
            fact.side,
            reduces=reduces,
            price=fact.price,
            quantity_base=fact.quantity_base,
            fee_usd=paid_usd,
            time_ms=fact.time_ms,
        )
        if holding.signed_base and holding.mark_price is None:
            holding.mark_price = fact.price
        self._flow(fact.venue, booked.flow_usd)
        if booked.trade_usd is not None:
            self._ended(holding, booked.trade_usd, fact.time_ms)

    def _on_balance(self, fact: Balance) -> None:
        wallet = self._now.wallets.get(fact.venue)
        if wallet is not None:
            wallet.stated(fact.wallet_usd, fact.time_ms)
            return
        # A wallet heard of for the first time is money that came in, not profit.
        self._now.drawdown.transfer(self._explained_equity_usd, fact.wallet_usd)
        self._now.wallets[fact.venue] = Wallet(fact.wallet_usd)

    def _on_transfer(self, fact: Transfer) -> None:
        if self._now.seen.again(identity_of(fact)):
            return
        if fact.venue in self._now.wallets:
            self._now.drawdown.transfer(self._explained_equity_usd, fact.amount_usd)
            self._flow(fact.venue, fact.amount_usd)

    def _on_funding(self, fact: FundingPaid) -> None:
        if self._now.seen.again(identity_of(fact)):
            return
        self._holding(fact.venue, fact.coin).funding(fact.amount_usd)
        self._flow(fact.venue, fact.amount_usd)

    def _on_rebate(self, fact: Rebate) -> None:
        if not self._now.seen.again(identity_of(fact)):
            self._flow(fact.venue, fact.amount_usd)

    def _on_snapshot(self, fact: PositionSnapshot) -> None:
        holding = self._holding(fact.venue, fact.coin)
        holding.snapshot(fact.side * fact.quantity_base)
        if fact.quantity_base:
            holding.leverage, holding.isolated = fact.leverage, fact.isolated
            holding.liquidation_price = fact.liquidation_price

    def _on_leverage(self, fact: LeverageConfirmed) -> None:
        holding = self._holding(fact.venue, fact.coin)
        holding.leverage, holding.isolated = fact.leverage, fact.isolated

    def _on_reconciled(self, fact: Reconciled) -> None:
        holding = self._holding(fact.venue, fact.coin)
        result_usd = holding.reconcile(fact.time_ms)
        if result_usd is not None:
            self._ended(holding, result_usd, fact.time_ms)

    def _on_feed_down(self, fact: FeedDown) -> None:
        if fact.feed == ACCOUNT_FEED:
            for holding in self._now.holdings.values():
                holding.reconciled &= holding.venue != fact.venue

    def _on_start(self, _fact: CodeVersion | JournalOpened) -> None:
        """A process starts: what the venue holds is hearsay until it has been read again."""
        for holding in self._now.holdings.values():
            holding.reconciled = False

    def _on_halt(self, fact: Halt) -> None:
        self._now.halted, self._now.halt_code = fact.reason or "halted", fact.code

    def _on_flatten(self, fact: Flatten) -> None:
        self._now.halted, self._now.halt_code = fact.reason or "flatten", fact.code
        self._now.flattening = True

    def _on_resume(self, _fact: Resume) -> None:
        self._now.halted, self._now.halt_code, self._now.flattening = "", HaltCode.NONE, False
        self._now.drawdown.resume()

    @property
    def _unrealised_usd(self) -> Decimal:
        return sum((holding.unrealised_usd() for holding in self._now.holdings.values()), ZERO)

    @property
    def _explained_equity_usd(self) -> Decimal:
        return sum((wallet.explained_usd for wallet in self._now.wallets.values()), self._unrealised_usd)

    def _holding(self, venue: str, coin: str) -> Holding:
        key = _key(venue, coin)
        holding = self._now.holdings.get(key)
        if holding is None:
            holding = self._now.holdings[key] = Holding(venue, coin)
        return holding

    def _flow(self, venue: str, amount_usd: Decimal) -> None:
        # Before the first balance there is nothing to move: that balance will count it.
        wallet = self._now.wallets.get(venue)
        if wallet is not None:
            wallet.flow(amount_usd)

    def _ended(self, holding: Holding, result_usd: Decimal, time_ms: int) -> None:
        limits = self._limits
        wait_ms = limits.cooldown_after_loss_ms if result_usd < 0 else limits.cooldown_after_trade_ms
        holding.cooldown_until_ms = max(holding.cooldown_until_ms, time_ms + wait_ms)


def _key(venue: str, coin: str) -> str:
    return f"{venue} {coin}"
