"""The observer that writes one log line for everything that concerns our money, and for whales near liquidation."""

from typing import Final

import structlog

from liqbot.blocks import EventBlock
from liqbot.commands import Command, PlaceOrder
from liqbot.engine import Engine, Step
from liqbot.events import (
    CancelRejected,
    CloseOrdered,
    Ending,
    Event,
    FeedDown,
    FeedUp,
    Fill,
    Flatten,
    FundingPaid,
    Halt,
    LadderOverridden,
    LiveStarted,
    OrderMissing,
    OrderRejected,
    PositionDeleveraged,
    PositionLiquidated,
    Resume,
    StopOrdered,
    StrategyDisabled,
    Transfer,
)
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext
from liqbot.risk.decision import SAME_MARKET_RATIO, Approved, Decision
from liqbot.signals.verdict import STRATEGY_FAILED

_LOGGED: Final = (
    Fill, OrderRejected, OrderMissing, CancelRejected, FundingPaid, Transfer, PositionLiquidated, PositionDeleveraged,
    FeedUp, FeedDown, Halt, Flatten, CloseOrdered, StopOrdered, Resume, StrategyDisabled, Ending,
    LiveStarted, LadderOverridden,
)  # fmt: skip
_log = structlog.get_logger(__name__)


class LogObserver(Observer):
    """Facts about our money, decisions, commands, news of large reported positions."""

    name = "log"

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        """By coin: why a test market's mark forbids entries, as said last; empty while it does not."""

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        for fact in block.facts:
            if isinstance(fact, _LOGGED):
                _log_fact(fact)
        for verdict in step.verdicts:
            if verdict.code == STRATEGY_FAILED:
                _log.warning("strategy failed", strategy=verdict.strategy, coin=verdict.coin, reason=verdict.reason)
        for fact in step.feeds:
            _log_fact(fact)
        for news in step.whales:
            whale = news.whale
            _log.info("whale", change=news.change.value, venue=whale.venue, coin=news.coin, position=whale.text())
        for decision in step.decisions:
            _log_decision(decision)
        for command in step.commands:
            _log_command(command)
        if engine.marks.test_market and block.tick_ms is not None:
            for view in engine.views:
                self._say_mark(view.coin, engine)

    def _say_mark(self, coin: str, engine: Engine) -> None:
        """When it begins or ceases to forbid entries."""
        refusal, mark = str(engine.mark_refusal(coin) or ""), engine.mark_of(coin)
        if self._marks.get(coin) == refusal:
            return
        self._marks[coin] = refusal
        say = _log.warning if refusal else _log.info
        say("test market's mark", coin=coin, refusal=refusal, ratio=mark.ratio if mark.known else None,
            deviation_pct=mark.deviation_pct if mark.known else None, trading_price=mark.trading_price if mark.known
            else None, map_price=mark.map_price if mark.known else None)


def log_observer(context: ObserverContext) -> LogObserver | None:
    """None where a console shows the same things to a person."""
    return LogObserver() if context.console is None else None


def _log_fact(fact: Event) -> None:
    shown = {name: str(getattr(fact, name)) for name in fact.__struct_fields__ if name != "time_ms"}
    _log.info(type(fact).__name__, **shown)


def _log_decision(decision: Decision) -> None:
    """Each under the name by which `explain` knows it: a bare number is a row of the ledger."""
    if isinstance(decision, Approved):
        target = decision.target
        _log.info(
            "approved", decision=f"d{target.decision_id}", strategy=target.strategy, coin=target.coin,
            side=target.side.word, quantity_base=str(target.quantity_base), stop_price=str(target.stop_price),
            reason=target.reason,
            **({} if target.mark_ratio == SAME_MARKET_RATIO else {"mark_ratio": str(target.mark_ratio)}),
        )
    else:
        side = "" if decision.side is None else decision.side.word
        _log.info(
            "refused", decision=f"d{decision.decision_id}", strategy=decision.strategy, coin=decision.coin, side=side,
            code=decision.code, reason=decision.reason,
        )


def _log_command(command: Command) -> None:
    if isinstance(command, PlaceOrder):
        _log.info("order", client_id=command.client_id, purpose=command.purpose.value,
                  quantity_base=str(command.quantity_base), trigger_price=str(command.trigger_price or ""),
                  limit_price=str(command.limit_price or ""), stop_price=str(command.stop_price or ""))
    else:
        _log.info(type(command).__name__, coin=command.coin)
