"""`Observation`: one engine call as the ledger sees it, and how to take one from an engine that has just answered."""

from decimal import Decimal
from typing import Protocol

import msgspec

from liqbot.accounting.changes import CashSummary, Change
from liqbot.blocks import NO_ROWS, EventBlock, Rows
from liqbot.commands import Command
from liqbot.events import Event, FeedDown, FeedUp
from liqbot.execution.naked_time import PositionNaked
from liqbot.journal.steps import StepLike
from liqbot.market.map.whales import WhaleNews
from liqbot.market.mark_ratio import MarkRatio
from liqbot.market.view import MarketView
from liqbot.risk.decision import Decision
from liqbot.risk.translation import ratio_of
from liqbot.signals.verdict import Verdict
from liqbot.unrecorded import UnrecordedStep


class Observation(msgspec.Struct, frozen=True, eq=False):
    """What came in and what was answered. `views` only for a step that completes a Tick; `equity_usd` None when
    nobody keeps account."""

    seq: int
    """Of the journal."""
    time_ms: int
    source: str
    facts: tuple[Event, ...] = ()
    changes: tuple[tuple[Change, ...], ...] = ()
    """For each fact, what it changed in the books of our money."""
    liquidations: Rows = NO_ROWS["liquidations"]
    tick_ms: int | None = None
    backfilled: bool = False
    verdicts: tuple[Verdict, ...] = ()
    decisions: tuple[Decision, ...] = ()
    commands: tuple[Command, ...] = ()
    views: tuple[MarketView, ...] = ()
    mark_ratios: dict[str, Decimal] = {}
    """By coin of the commands: trading mark over map mark, where it is known."""
    equity_usd: Decimal | None = None
    cash: CashSummary = CashSummary()
    no_longer_naked: tuple[PositionNaked, ...] = ()
    """Positions whose time without a full stop ended with this call."""
    whales: tuple[WhaleNews, ...] = ()
    unrecorded: tuple[UnrecordedStep, ...] = ()
    """Before this call, refused by the journal."""
    feeds: tuple[FeedUp | FeedDown, ...] = ()
    """Prices and quotes that the market itself found wrong, or right again."""

    def kept(self, *, forecasts: bool = True) -> "Observation":
        """The same for a ledger that is written in a thread of its own; `forecasts`: whether maps have theirs."""
        return msgspec.structs.replace(self, views=tuple(view.kept(forecasts=forecasts) for view in self.views))


class AccountLike(Protocol):
    """Our money as risk counts it, after a block."""

    @property
    def equity_usd(self) -> Decimal: ...

    @property
    def cash(self) -> CashSummary: ...

    @property
    def changes(self) -> tuple[tuple[Change, ...], ...]: ...


class OrdersLike(Protocol):
    """Our orders as execution knows them, after a block."""

    @property
    def no_longer_naked(self) -> tuple[PositionNaked, ...]: ...


class ObservedEngine(Protocol):
    """An engine after `on_block`: its newest views, the account as risk sees it, and the orders."""

    @property
    def views(self) -> tuple[MarketView, ...]: ...

    @property
    def account(self) -> AccountLike: ...

    @property
    def order_manager(self) -> OrdersLike: ...

    def mark_of(self, coin: str) -> MarkRatio: ...

    @property
    def unrecorded(self) -> tuple[UnrecordedStep, ...]: ...


def observation_of(
    seq: int, block: EventBlock, step: StepLike, engine: ObservedEngine, source: str = "inbox"
) -> Observation:
    """To be taken before the engine is given its next block."""
    return Observation(
        seq=seq,
        time_ms=step.time_ms,
        source=source,
        facts=block.facts,
        changes=engine.account.changes,
        liquidations=block.liquidations,
        tick_ms=block.tick_ms,
        backfilled=block.backfilled,
        verdicts=step.verdicts,
        decisions=step.decisions,
        commands=step.commands,
        views=engine.views if block.tick_ms is not None else (),
        mark_ratios={
            command.coin: ratio_of(mark) for command in step.commands
            if (mark := engine.mark_of(command.coin)).known
        },
        equity_usd=engine.account.equity_usd,
        cash=engine.account.cash,
        no_longer_naked=engine.order_manager.no_longer_naked,
        whales=step.whales,
        unrecorded=engine.unrecorded,
        feeds=step.feeds,
    )
