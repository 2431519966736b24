"""The table of contents of the house: facts are folded, then market, signals, risk and execution answer in turn."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from liqbot.accounting.positions import Position
from liqbot.blocks import EventBlock, Roster
from liqbot.commands import Command
from liqbot.events import CloseOrdered, Event, FeedDown, FeedUp, JournalGap, PositionAdopted, StopOrdered
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Instrument, Side
from liqbot.market.map.whales import WhaleNews
from liqbot.market.mark_ratio import MarkRatio, MarkRatioFold
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.market.view import MarketView
from liqbot.recorded_step import NOTHING, RecordedAnswer
from liqbot.risk.account import Account
from liqbot.risk.blackouts import in_force
from liqbot.risk.by_hand import ByHand, ordered_adjustment
from liqbot.risk.decision import SAME_MARKET_RATIO, Adjustment, Approved, Decision, Reduction, Refusal
from liqbot.risk.limits import RiskLimits, of_watched
from liqbot.risk.placement import TradingBook
from liqbot.risk.position_monitor import adjustment_for
from liqbot.risk.pre_trade_checks import entry_translates, mark_checks, mark_holds
from liqbot.risk.review import EntryReview, review_entry, review_reduction
from liqbot.risk.thin_coins import limits_for
from liqbot.risk.translation import MarkTranslation, VenueTarget, translation_at
from liqbot.signals.evaluate import StrategyEvaluator, enabled_strategies, reason_gone
from liqbot.signals.failures import CallMeter, StrategyGuard, unmeasured
from liqbot.signals.registry import SignalParams
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.verdict import SIGNAL, Signal, Verdict
from liqbot.unrecorded import UnrecordedStep, UnrecordedSteps
from liqbot.venues.entry_stops import may_rest
from liqbot.venues.registry import mechanics_of, protection_of


class Step(msgspec.Struct, frozen=True):
    """What one engine call answered. Verdicts and decisions appear when they change, approvals and commands always."""

    seq: int
    time_ms: int
    verdicts: tuple[Verdict, ...] = ()
    decisions: tuple[Decision, ...] = ()
    commands: tuple[Command, ...] = ()
    whales: tuple[WhaleNews, ...] = ()
    """What became of large positions that venues tell, near their liquidation."""
    feeds: tuple[FeedUp | FeedDown, ...] = ()
    """Venues whose price left the others' or is back, and quotes that departed from the dollar or came back."""

    def encoded(self) -> bytes:
        """Canonical bytes: equal Steps, equal bytes."""
        return msgspec.msgpack.encode(self)


class Engine:
    """All state of the house. Pure: the same blocks give the same Steps, however they were read or batched."""

    def __init__(
        self,
        *,
        roster: Roster,
        journal_id: str,
        instruments: Mapping[str, Instrument],
        trade_venue: str,
        market: MarketParams,
        signals: SignalParams,
        limits: RiskLimits,
        execution: ExecutionParams,
        account: str = "",
        call_meter: CallMeter = unmeasured,
    ) -> None:
        """`instruments` gives the one traded contract per coin; other coins are mapped but never traded. `account`
        names ours among several at the venue; facts of any other are refused. `call_meter` may measure the calls of
        strategies of the user's own; what it finds comes back as a fact."""
        self._signals, self._limits = signals, limits
        self._avoid = signals.of(avoid_liquidity.STRATEGY)
        self._books = {coin: _book_of(coin, instrument) for coin, instrument in instruments.items()}
        self._limits_of = {coin: limits_for(coin, of_watched(limits, roster.venues)) for coin in self._books}
        self.market = Market(market, roster, trade_venue)
        self.marks = MarkRatioFold(trade_venue)
        self.account = Account(limits, account)
        self.order_manager = OrderManager(tuple(instruments.values()), execution, journal_id, account)
        self.views: tuple[MarketView, ...] = ()
        self.unrecorded: tuple[UnrecordedStep, ...] = ()
        """What the journal had refused before this block, which is the first to report it."""
        self._unrecorded = UnrecordedSteps()
        self._seq = self._decision_id = self._now_ms = 0
        self._barred = False
        self._recorded: RecordedAnswer | None = None
        self._enabled = enabled_strategies(signals)
        names = [f"{one.strategy.name} {one.side.word}" for one in self._enabled]
        self._keys = {coin: [f"{coin} {name}" for name in names] for coin in self._books}
        self.guard = StrategyGuard(call_meter)
        self._invalidated = partial(reason_gone, params=signals, guard=self.guard)
        self._last_codes: dict[str, str] = {}

    def on_block(self, block: EventBlock, recorded: RecordedAnswer | None = None) -> Step:
        """Fold one clock step, or a part of one; reasons are weighed only when the Tick arrives. `recorded`: what was
        answered the first time. It is the answer, whatever would be decided now."""
        self._recorded, before_id = recorded, self._decision_id
        self.account.begin_block()
        self.order_manager.begin_block()
        self.unrecorded = ()
        verdicts: list[Verdict] = []
        decisions: list[Decision] = []
        for fact in block.facts:
            self._fold(fact)
            self._carry_out(fact, decisions)
        self.market.collect(block)
        if block.tick_ms is None and not block.facts:
            return Step(self._seq, self._now_ms)  # a part of a step still open: nothing can follow from it yet
        if block.tick_ms is not None:
            self.views = self.market.on_tick(block.tick_ms, block.lag_ms)
            if self.market.awaits_price(block.tick_ms) and not block.facts and recorded in (None, NOTHING):
                return Step(self._seq, self._now_ms)  # no news: what the clock alone decides waits for the next bar too
            self._now_ms = max(self._now_ms, block.tick_ms)
            self.marks.on_tick(block.tick_ms, self.views)
            self.account.on_tick(block.tick_ms, self.views, self.mark_of)
        self._hold_back()
        if block.tick_ms is not None:
            self._protect(decisions)
            for view in self.views:
                if not view.backfilled and view.coin in self._books:
                    self._consider(view, verdicts, decisions)
        self._seq += 1
        whales = self.market.take_whale_news()
        whales = () if block.backfilled else whales
        feeds = self.market.take_feed_news()
        feeds = () if block.backfilled else feeds
        if recorded is not None:
            step = self._as_recorded(recorded, verdicts, before_id, whales)
            return msgspec.structs.replace(step, feeds=feeds) if feeds else step
        commands = self.order_manager.commands(self._now_ms, self.account.positions)
        return Step(self._seq, self._now_ms, tuple(verdicts), tuple(decisions), commands, whales, feeds)

    def _as_recorded(
        self, recorded: RecordedAnswer, verdicts: Sequence[Verdict], before_id: int, whales: tuple[WhaleNews, ...]
    ) -> Step:
        self._recorded = None
        for decision in recorded.decisions:
            if isinstance(decision, Approved):
                self._take_up(decision)
        self._decision_id = max(before_id, recorded.decision_id)
        self.order_manager.commands(self._now_ms, self.account.positions, recorded.commands)
        return Step(self._seq, self._now_ms, tuple(verdicts), recorded.decisions, recorded.commands, whales)

    def _adopt(self, approved: Approved) -> None:
        if self._recorded is None:
            self._take_up(approved)

    def _take_up(self, approved: Approved) -> None:
        self.order_manager.adopt(approved)
        self.account.on_approved(approved.target)

    def _fold(self, fact: Event) -> None:
        self._now_ms = max(self._now_ms, fact.time_ms)
        self.market.on_fact(fact)
        self.marks.on_fact(fact)
        if self.account.on_fact(fact):
            self.order_manager.on_fact(fact)
        self.guard.on_fact(fact)
        if isinstance(fact, JournalGap):
            self.unrecorded = self._unrecorded.take()

    @property
    def is_recorded(self) -> bool:
        """False while the journal has refused blocks and has no record of it yet."""
        return not self._unrecorded.blocks

    def leave_unrecorded(self, block: EventBlock, step: Step) -> None:
        """The block that was just answered is in no journal: a later one reports it."""
        self._unrecorded.add(
            UnrecordedStep(
                step.time_ms, block.facts, self.account.changes, step.commands, self.order_manager.no_longer_naked
            )
        )

    def _carry_out(self, fact: Event, decisions: list[Decision]) -> None:
        """What a person said of one position."""
        if isinstance(fact, PositionAdopted):
            self._take_over(fact, decisions)
        elif isinstance(fact, CloseOrdered | StopOrdered):
            self._obey(fact, decisions)

    def _take_over(self, fact: PositionAdopted, decisions: list[Decision]) -> None:
        """A position that a person made ours gets its stop like any other."""
        position = self.account.position(fact.venue, fact.coin)
        book = self._books.get(fact.coin)
        if position is None or position.side is not fact.side or book is None:
            return
        translation = self._translation(fact.coin)
        adjustment = Adjustment(
            fact.venue, fact.coin, Reduction.ADOPTED, fact.reason, stop_price=translation.in_map(fact.stop_price),
            strategy=fact.strategy, exit_by_ms=fact.exit_by_ms, price_tick=book.instrument.price_tick,
            mark_ratio=translation.ratio,
        )
        approved = review_reduction(adjustment, translation.position_in_map(position), None)
        self._adopt(approved)
        decisions.append(approved)

    def _obey(self, fact: ByHand, decisions: list[Decision]) -> None:
        """What a person ordered of one coin, as far as it is less risk."""
        if fact.coin not in self._books or fact.account != self.account.name:
            return
        where = (fact.venue, fact.coin)
        if isinstance(fact, CloseOrdered):
            for entering in self.order_manager.entries_in_flight():
                if (entering.venue, entering.coin) == where:
                    self.order_manager.withdraw_entry(entering)
        position, target = self.account.position(*where), self.order_manager.target(*where)
        if position is None:
            return
        translation = self._translation(fact.coin, target)
        adjustment = ordered_adjustment(fact, position, target, translation, self.trading_mark(fact.coin))
        if adjustment is not None:
            self._reduce(adjustment, position, target, translation, decisions)

    def _reduce(
        self, adjustment: Adjustment, position: Position, target: VenueTarget | None, translation: MarkTranslation,
        decisions: list[Decision],
    ) -> None:
        mapped = None if target is None else translation.target_in_map(target)
        approved = review_reduction(adjustment, translation.position_in_map(position), mapped)
        self._adopt(approved)
        decisions.append(approved)

    def trading_mark(self, coin: str) -> float | None:
        """The mark of the market where orders rest, as of the last Tick; None while it is not known."""
        view = next((one for one in self.views if one.coin == coin and not one.backfilled), None)
        mark = self.mark_of(coin)
        return None if view is None or not mark.known else view.mark_price * mark.ratio

    def _hold_back(self) -> None:
        """Whatever forbids entries from now on, a halt or a latched loss, also takes back those under way."""
        blackout = in_force(self._limits.blackouts, self._now_ms)
        barred = bool(self.account.halted) or self.account.drawdown.latched or bool(blackout)
        if barred and not self._barred:
            self.order_manager.cancel_entry()
        self._barred = barred
        entering = self.order_manager.entries_in_flight()
        views = {view.coin: view for view in self.views} if entering else {}
        for target in entering:
            if not entry_translates(target, self.mark_of(target.coin), self._limits) or self._drifted(target, views):
                self.order_manager.withdraw_entry(target)

    def _drifted(self, target: VenueTarget, views: Mapping[str, MarketView]) -> bool:
        """Whether the map has come to be dense where an entry under way would be liquidated."""
        view = views.get(target.coin)
        if view is None or view.backfilled:
            return False
        liquidation_price = self._translation(target.coin, target).in_map(target.liquidation_price)
        return bool(avoid_liquidity.crowded(target.side, float(liquidation_price), view, self._avoid))

    def mark_of(self, coin: str) -> MarkRatio:
        """How the market where orders rest compares with the map's, as of now."""
        return self.marks.of(coin, self._now_ms)

    def mark_refusal(self, coin: str) -> Refusal | None:
        """Why no entry can be translated now; None when one can."""
        return next((code for code, check in mark_checks(self.mark_of(coin), self._limits) if not check.passed), None)

    def _translation(self, coin: str, target: VenueTarget | None = None) -> MarkTranslation:
        """At the ratio of now; where none is known, at that of the target."""
        otherwise = SAME_MARKET_RATIO if target is None else target.mark_ratio
        return translation_at(self._books[coin].instrument.price_tick, self.mark_of(coin), otherwise)

    def _protect(self, decisions: list[Decision]) -> None:
        """The open position first: exits and tighter stops are never refused."""
        by_coin = {view.coin: view for view in self.views}
        for position in self.account.positions:
            if self.account.unread(position, self._now_ms):
                continue
            target = self.order_manager.target(position.venue, position.coin)
            translation = self._translation(position.coin, target)
            follows = mark_holds(self.mark_of(position.coin), self._limits)
            adjustment = adjustment_for(
                by_coin.get(position.coin), position, target, self.account,
                self._limits_of.get(position.coin, self._limits), self._now_ms,
                self._invalidated, translation, self._avoid, follows=follows,
            )
            if adjustment is not None:
                self._reduce(adjustment, position, target, translation, decisions)

    def _consider(self, view: MarketView, verdicts: list[Verdict], decisions: list[Decision]) -> None:
        """Reasons to open. A verdict or refusal that only repeats itself is not reported again."""
        evaluator = StrategyEvaluator(view, self._signals, self._enabled, self.guard)
        placements: dict[Side, list[Verdict]] = {}
        codes = evaluator.codes()
        wanted = [self._enabled[index] for index, code in enumerate(codes) if code == SIGNAL]
        for index, code in enumerate(codes):
            key = self._keys[view.coin][index]
            if code != SIGNAL and self._last_codes.get(key) == code:
                continue
            verdict = evaluator.verdict(index)
            if self._changed(key, verdict.code):
                verdicts.append(verdict)
            if verdict.signal is None:
                self._last_codes.pop(f"{key} review", None)
                continue
            others = (one for one in wanted if one.strategy.name != verdict.strategy)
            opposing = tuple(one.strategy.name for one in others if one.side is not verdict.side)
            decision, placement = self._review(verdict.signal, view, opposing)
            if placement is not None:
                placements.setdefault(verdict.side, []).append(placement)
            outcome = "APPROVED" if isinstance(decision, Approved) else decision.code
            if self._changed(f"{key} review", outcome) or isinstance(decision, Approved):
                self._decision_id += 1
                decisions.append(decision)
        verdicts += avoid_liquidity.changes(view.coin, placements, self._last_codes)

    def _review(self, signal: Signal, view: MarketView, opposing: tuple[str, ...]) -> EntryReview:
        book = self._books[view.coin]
        where = (book.instrument.venue, view.coin)
        review = review_entry(
            signal, view, self.account, book, self._limits_of[view.coin], self._avoid, self._decision_id + 1,
            entry_in_flight=self.order_manager.entry_in_flight(*where),
            foreign_orders=self.order_manager.foreign_resting(*where),
            entering=self.order_manager.entries_in_flight(), mark=self.mark_of(view.coin), held=self._held_targets(),
            opposing=opposing,
        )
        if isinstance(review.decision, Approved):
            self._adopt(review.decision)
        return review

    def _held_targets(self) -> tuple[VenueTarget, ...]:
        held = (one for one in self.account.positions if one.coin in self._books)
        targets = (self.order_manager.target(one.venue, one.coin) for one in held)
        return tuple(target for target in targets if target is not None)

    def _changed(self, key: str, code: str) -> bool:
        changed = self._last_codes.get(key) != code
        self._last_codes[key] = code
        return changed

    def snapshot(self) -> bytes:
        """Everything `restore` needs, never pickle. Whoever keeps it keeps the version of its shape beside it."""
        return msgspec.msgpack.encode(
            {
                "market": self.market.state(),
                "marks": self.marks.state(),
                "account": self.account.state(),
                "order_manager": self.order_manager.state(),
                "counters": [self._seq, self._decision_id, self._now_ms],
                "barred": self._barred,
                "last_codes": self._last_codes,
                "guard": self.guard.state(),
                "unrecorded": self._unrecorded.state(),
            }
        )

    def restore(self, snapshot: bytes) -> None:
        """Inverse of `snapshot`, for one of the same shape; ValueError when it is of other instruments or another
        journal."""
        state: dict[str, Any] = msgspec.msgpack.decode(snapshot)
        self.market.load_state(state["market"])
        self.marks.load_state(state["marks"])
        self.account.load_state(state["account"])
        self.order_manager.load_state(state["order_manager"])
        self._seq, self._decision_id, self._now_ms = state["counters"]
        self._barred = state["barred"]
        self._last_codes = dict(state["last_codes"])
        self.guard.load_state(state.get("guard", [{}, {}]))
        self._unrecorded.load_state(state.get("unrecorded", [0, []]))


def _book_of(coin: str, instrument: Instrument) -> TradingBook:
    rests = may_rest(protection_of(instrument.venue).attached)
    return TradingBook(instrument, mechanics_of(instrument.venue, coin), rests)
