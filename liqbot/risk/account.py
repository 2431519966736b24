"""`Account`: what risk decides by. The money is counted in `accounting`; here are the latches that stop us.

Losses and drawdown, halts, cooldowns and what was entered today: a fold of facts, like the books beneath.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.accounting.books import AccountBooks
from liqbot.accounting.changes import CashMoved, CashSummary, Change, Duplicate, FillBooked, OtherAccount, TripClosed
from liqbot.accounting.positions import Holding, Position
from liqbot.accounting.round_trips import TripFigures
from liqbot.events import (
    Balance,
    CodeVersion,
    Ending,
    Event,
    FeedDown,
    Fill,
    Flatten,
    Halt,
    HaltCode,
    JournalOpened,
    LadderOverridden,
    LiveStarted,
    PositionLiquidated,
    Resume,
    Transfer,
)
from liqbot.market.mark_ratio import MarkRatio, same_market
from liqbot.market.view import MarketView
from liqbot.risk.decision import Target
from liqbot.risk.drawdown import Drawdown
from liqbot.risk.ladder import Ladder
from liqbot.risk.limits import RiskLimits

__all__ = ["ACCOUNT_FEED", "CLOCK_FEED", "UNREAD_MS_MAX", "Account", "Position"]

ACCOUNT_FEED: Final = "account"
CLOCK_FEED: Final = "clock"
"""Goes down when time was lost: all that was known of the account is hearsay, and every deadline may have passed."""
UNREAD_MS_MAX: Final = 20_000
"""So long at most a position is not judged for want of a reading: then by what is known."""
NOBODY: Final = ""
"""In place of a strategy's name: a position that no decision of ours describes."""
ZERO: Final = Decimal(0)
_DAY_MS: Final = 86_400_000


class TradeEnd(msgspec.Struct, frozen=True):
    """How a trade ended, for whoever must wait after it."""

    closed_ms: int
    lost: bool


class _State(msgspec.Struct):
    """Everything of risk's own that must survive a restart."""

    drawdown: Drawdown = msgspec.field(default_factory=Drawdown)
    halted: str = ""
    halt_code: HaltCode = HaltCode.NONE
    ending: str = ""
    ladder: Ladder = msgspec.field(default_factory=Ladder)
    flattening: bool = False
    entry_day: int = -1
    entry_notional_usd: Decimal = ZERO
    traded_by: dict[str, str] = {}
    """Whose trade is on or about to begin, by venue and coin."""
    ended: dict[str, TradeEnd] = {}
    """The newest trade of each strategy that ended, by venue, coin and strategy."""
    time_lost_ms: int = 0
    """When that was noticed last."""


class Account:
    """Pure: time comes with facts and ticks."""

    def __init__(self, limits: RiskLimits, account: str = "") -> None:
        """`account` names the one that is ours; facts of any other are refused."""
        self._limits = limits
        self._books = AccountBooks(account)
        self._now = _State()
        self._changes: list[tuple[Change, ...]] = []
        self._folds: dict[type, Any] = {
            FeedDown: self._on_feed_down,
            CodeVersion: self._on_start,
            JournalOpened: self._on_start,
            Halt: self._on_halt,
            Ending: self._on_ending,
            Flatten: self._on_flatten,
            Resume: self._on_resume,
            LiveStarted: self._on_live,
            LadderOverridden: self._on_override,
        }

    # --- what is ---------------------------------------------------------------------------------------------------

    @property
    def books(self) -> AccountBooks:
        """Our money as it is counted; read only."""
        return self._books

    @property
    def name(self) -> str:
        """Which of several accounts at the venue is ours; empty is the only one."""
        return self._books.account

    @property
    def changes(self) -> tuple[tuple[Change, ...], ...]:
        """For each fact of this block, what it changed in the books."""
        return tuple(self._changes)

    @property
    def cash(self) -> CashSummary:
        """The wallets in total, as the venues last stated them."""
        return self._books.summary()

    @property
    def positions(self) -> tuple[Position, ...]:
        """Open positions, in the order their instruments were first seen."""
        return self._books.positions

    def position(self, venue: str, coin: str) -> Position | None:
        holding = self._books.holding(venue, coin)
        return None if holding is None else holding.position()

    @property
    def equity_usd(self) -> Decimal:
        """Wallets as the venues state them plus unrealised profit at the marks of the last tick."""
        return self._books.equity_usd

    @property
    def sure_equity_usd(self) -> Decimal:
        """The lesser of equity with and without what no fact has explained yet: what size may be taken from."""
        return min(self._books.equity_usd, self._books.explained_equity_usd)

    @property
    def drawdown(self) -> Drawdown:
        """Losses and latches; read only."""
        return self._now.drawdown

    @property
    def halted(self) -> str:
        """Why there are no entries until somebody resumes, or by this process; empty when there may be."""
        return self._now.halted or self._now.ending or self._now.ladder.barred

    @property
    def halt_code(self) -> HaltCode:
        """The same for programs; NONE when there may be entries, or when an unknown reason forbids them."""
        if not self._now.halted and self.halted:
            return HaltCode.ENDING if self._now.ending else HaltCode.LADDER
        return self._now.halt_code or halt_code_of(self._now.halted)

    @property
    def ladder(self) -> Ladder:
        """What the ladder of conduct leaves; read only."""
        return self._now.ladder

    @property
    def flattening(self) -> bool:
        return self._now.flattening

    def wallet_usd(self, venue: str) -> Decimal:
        wallet = self._books.wallet(venue)
        return ZERO if wallet is None else wallet.wallet_usd

    def holding(self, venue: str, coin: str) -> Holding | None:
        """Reconciliation and differences of one instrument; read only."""
        return self._books.holding(venue, coin)

    def unread(self, position: Position, now_ms: int) -> bool:
        """Time was lost and the account has not been read since: no judgement on this position yet."""
        lost_ms, holding = self._now.time_lost_ms, self._books.holding(position.venue, position.coin)
        waiting = holding is not None and not holding.reconciled
        return bool(lost_ms) and waiting and now_ms - lost_ms < UNREAD_MS_MAX

    def cooldown_until_ms(self, venue: str, coin: str, strategy: str, own_ms: int = 0) -> int:
        """No entry of this strategy on this instrument before; 0 when there may be. `own_ms`: how long it wants to wait
        itself. A trade that nobody is known to have decided makes all of them wait."""
        ends = (self._now.ended.get(f"{venue} {coin} {whose}") for whose in {strategy, NOBODY})
        return max((end.closed_ms + max(own_ms, self._wait_ms(end)) for end in ends if end is not None), default=0)

    def _wait_ms(self, end: TradeEnd) -> int:
        return self._limits.cooldown_after_loss_ms if end.lost else self._limits.cooldown_after_trade_ms

    def notional_usd(self) -> Decimal:
        """Of all open positions, at their marks (at entry before the first)."""
        total = ZERO
        for holding in self._books.holdings:
            position = holding.position()
            if position is not None:
                total += position.quantity_base * (holding.mark_price or position.entry_price)
        return total

    def entry_notional_usd(self, time_ms: int) -> Decimal:
        """Entered on this UTC day."""
        return self._now.entry_notional_usd if self._now.entry_day == time_ms // _DAY_MS else ZERO

    # --- what happens ---------------------------------------------------------------------------------------------

    def on_approved(self, target: Target) -> None:
        """Whose trade it is that is about to begin, or that is on."""
        self._now.traded_by[f"{target.venue} {target.coin}"] = target.strategy

    def begin_block(self) -> None:
        """What follows belongs to a new block: `changes` are those of its facts."""
        self._changes.clear()

    def on_fact(self, fact: Event) -> bool:
        """Fold one fact; kinds that say nothing about money, positions or halts are ignored. False when it was folded
        before or belongs to another account, and so must change nothing anywhere."""
        fold = self._folds.get(type(fact))
        if fold is not None:
            self._changes.append(())
            fold(fact)
            return True
        before_usd = self._books.explained_equity_usd if isinstance(fact, Balance | Transfer) else ZERO
        changes = self._books.take(fact)
        self._changes.append(changes)
        for change in changes:
            if isinstance(change, FillBooked):
                self._on_fill(change)
            elif isinstance(change, TripClosed):
                self._on_closed(change.trip)
            elif isinstance(change, CashMoved):
                self._on_cash(change, before_usd)
            elif isinstance(change, Duplicate | OtherAccount):
                return False
        return True

    def on_tick(
        self, tick_ms: int, views: Iterable[MarketView], mark_of: Callable[[str], MarkRatio] = same_market
    ) -> None:
        """Marks of what we hold, then the latches. `mark_of` a coin says what the map's prices are in the market whose
        money is counted; while that is not known, no price is seen."""
        seen = [(view, mark.ratio) for view in views if (mark := mark_of(view.coin)).known]
        self._books.see_marks({view.coin: view.mark_price * ratio for view, ratio in seen if view.mark_price > 0})
        for view, ratio in seen:
            prices = (view.mark_price * ratio, view.low_price * ratio, view.high_price * ratio)
            self._books.see_prices(view.coin, *prices)
        self._books.settle(tick_ms, self._limits.unexplained_ms)
        self._now.drawdown.tick(tick_ms, self._books.explained_equity_usd, self._limits)

    def state(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return {**msgspec.to_builtins(self._now), "books": self._books.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`; ValueError (msgspec.ValidationError) when it does not fit."""
        self._now = msgspec.convert(state, _State)
        self._books.load_state(state["books"])

    # --- folds ----------------------------------------------------------------------------------------------------

    def _on_fill(self, booked: FillBooked) -> None:
        fact = booked.fact
        if isinstance(fact, PositionLiquidated):
            # The stop should have come first: a person must look.
            self._now.halted = f"our {fact.side.word} {fact.coin} on {fact.venue} was liquidated at {fact.price}"
            self._now.halt_code = HaltCode.OWN_LIQUIDATION
        elif isinstance(fact, Fill) and not fact.reduces and not booked.reduces:
            self._on_entry(fact, booked.quantity_base)

    def _on_entry(self, fill: Fill, quantity_base: Decimal) -> None:
        day = fill.time_ms // _DAY_MS
        if day > self._now.entry_day:
            self._now.entry_day, self._now.entry_notional_usd = day, ZERO
        if day == self._now.entry_day:
            self._now.entry_notional_usd += fill.price * quantity_base

    def _on_closed(self, trip: TripFigures) -> None:
        """A fee that cannot be valued may have turned a profit into a loss, so it counts as one."""
        if trip.foreign or trip.closed_ms is None:
            return
        lost = trip.net_usd < 0 or any(amount > 0 for amount in trip.fees_unvalued.values())
        where = f"{trip.venue} {trip.coin}"
        key, end = f"{where} {self._now.traded_by.get(where, NOBODY)}", TradeEnd(trip.closed_ms, lost)
        kept = self._now.ended.get(key, end)
        # Facts may be late: what makes wait for longer stands.
        self._now.ended[key] = max(kept, end, key=lambda one: one.closed_ms + self._wait_ms(one))

    def _on_cash(self, moved: CashMoved, before_usd: Decimal) -> None:
        """Money that came in or went is neither profit nor loss."""
        fact = moved.fact
        if isinstance(fact, Balance):
            self._now.drawdown.transfer(before_usd, fact.wallet_usd)
        elif isinstance(fact, Transfer):
            wallet = self._books.wallet(fact.venue)
            if wallet is not None and wallet.is_open:
                self._now.drawdown.transfer(before_usd, fact.amount_usd)

    def _on_feed_down(self, fact: FeedDown) -> None:
        if fact.feed == CLOCK_FEED:
            self._now.time_lost_ms = fact.time_ms
        if fact.feed in (ACCOUNT_FEED, CLOCK_FEED):
            for holding in self._books.holdings:
                holding.reconciled &= holding.venue != fact.venue

    def _on_start(self, _fact: CodeVersion | JournalOpened) -> None:
        """A process starts: what the venue holds is hearsay until it has been read again."""
        self._now.ending = ""
        for holding in self._books.holdings:
            holding.reconciled = False

    def _on_halt(self, fact: Halt) -> None:
        self._now.halted, self._now.halt_code = fact.reason or "halted", fact.code

    def _on_ending(self, fact: Ending) -> None:
        self._now.ending = fact.reason or "ending"

    def _on_flatten(self, fact: Flatten) -> None:
        self._now.halted, self._now.halt_code = fact.reason or "flatten", fact.code
        self._now.flattening = True

    def _on_live(self, fact: LiveStarted) -> None:
        self._now.ladder.start(fact)

    def _on_override(self, fact: LadderOverridden) -> None:
        self._now.ladder.override(fact)

    def _on_resume(self, _fact: Resume) -> None:
        self._now.halted, self._now.halt_code, self._now.flattening = "", HaltCode.NONE, False
        self._now.drawdown.resume()


_REASONS_BEFORE_CODES: Final = (
    ("paused", HaltCode.OPERATOR_PAUSE), ("close", HaltCode.OPERATOR_CLOSE), ("stop --flatten", HaltCode.OPERATOR_STOP),
    ("panic", HaltCode.PANIC), ("key refused", HaltCode.KEY_REFUSED), ("our ", HaltCode.OWN_LIQUIDATION),
    ("orders of another liqbot", HaltCode.FOREIGN_ORDERS),
)  # fmt: skip


def halt_code_of(reason: str) -> HaltCode:
    """The code of a reason that was written down before there were codes; NONE when it is none of the program's own."""
    for start, code in _REASONS_BEFORE_CODES:
        if reason.startswith(start):
            return code
    if reason.endswith("one-way is needed"):
        return HaltCode.ACCOUNT_MODE
    return HaltCode.STOP_MISPLACED if "did not place the stop as ordered" in reason else HaltCode.NONE
