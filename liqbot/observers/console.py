"""The observer that a person watches: decisions with their reasons, fills, and the map."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import (
    Event,
    FeedDown,
    FeedUp,
    Fill,
    FundingPaid,
    OrderRejected,
    PositionDeleveraged,
    PositionLiquidated,
)
from liqbot.legible import spelled
from liqbot.market.view import MarketView
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext
from liqbot.risk.decision import Decision, Refused, Target
from liqbot.signals.verdict import SIGNAL, Verdict

Print = Callable[[str], None]
MapText = Callable[[MarketView, Engine], str]
_BAR_CELLS: Final = 24


class ConsoleObserver(Observer):
    """Lines as things happen; the map every `map_every_s` of wall time (None: never by itself), and when `show_maps` is
    called. Of a stop that follows price the first move is shown, and at the end how many there were."""

    name = "console"

    def __init__(self, show: Print, map_text: MapText, *, map_every_s: float | None) -> None:
        self._show, self._map_text = show, map_text
        self._every_s = math.inf if map_every_s is None else map_every_s
        self._next_s = time.monotonic() + self._every_s
        self._held: set[tuple[str, str, int]] = set()
        self._entered: set[int] = set()
        self._followed: dict[int, tuple[str, int, str]] = {}
        """By decision: the reason its stop is moved for, how often it was, and where it is."""
        self.approved = self.refused = self.fills = self.closed = 0

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        for fact in block.facts:
            self._on_fact(fact)
        self._count_closed(engine)
        for verdict in step.verdicts:
            if verdict.code == SIGNAL:
                self._print(step.time_ms, _signal_line(verdict))
        for fact in step.feeds:
            self._on_feed(fact)
        for news in step.whales:
            where = f"{news.coin} on {news.whale.venue}"
            self._print(news.time_ms, f"whale     {news.change.value}: {where}, {news.whale.text()}")
        for decision in step.decisions:
            self._on_decision(step.time_ms, decision)
        if block.tick_ms is not None and not block.backfilled and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._every_s
            self.show_maps(engine)

    def show_maps(self, engine: Engine) -> None:
        for view in engine.views:
            self._show(self._map_text(view, engine))

    def _count_closed(self, engine: Engine) -> None:
        held = {(position.venue, position.coin, position.opened_ms) for position in engine.account.positions}
        self.closed += len(self._held - held)
        self._held = held
        if not held:
            for decision_id in tuple(self._followed):
                self._end_following(engine.market.folded_ms, decision_id)

    def _on_fact(self, fact: Event) -> None:
        if isinstance(fact, Fill):
            self.fills += 1
            does = "closes" if fact.reduces else "opens"
            what = f"{does} {fact.side.word} {fact.quantity_base} {fact.coin} at {fact.price}"
            self._print(fact.time_ms, f"fill      {what}, fee {fact.fee:.4f}")
        elif isinstance(fact, OrderRejected):
            self._print(fact.time_ms, f"rejected  {fact.client_id}: {fact.code} {fact.reason}")
        elif isinstance(fact, PositionLiquidated | PositionDeleveraged):
            what = f"{type(fact).__name__} {fact.side.word} {fact.quantity_base} at {fact.price}"
            self._print(fact.time_ms, f"forced    {what}")
        elif isinstance(fact, FundingPaid):
            self._print(fact.time_ms, f"funding   {fact.amount_usd:+.4f} USD")

    def _on_feed(self, fact: FeedUp | FeedDown) -> None:
        became = f"down: {fact.reason}" if isinstance(fact, FeedDown) else "up again"
        self._print(fact.time_ms, f"feed      {fact.feed} of {fact.coin} on {fact.venue} {became}")

    def _on_decision(self, time_ms: int, decision: Decision) -> None:
        if isinstance(decision, Refused):
            self.refused += 1
            self._print(time_ms, f"refused   d{decision.decision_id} {decision.code}: {decision.reason}")
            return
        target = decision.target
        if not target.quantity_base:
            self._end_following(time_ms, target.decision_id)
            self._print(time_ms, f"exit      d{target.decision_id} {target.reason}")
        elif target.decision_id in self._entered:
            self._follow(time_ms, target)
        else:
            self.approved += 1
            self._entered.add(target.decision_id)
            what = (
                f"{target.side.word} {target.quantity_base} {target.coin} at {target.leverage}x, "
                f"stop {target.stop_price}, own liquidation {target.liquidation_price:.1f}"
            )
            self._print(time_ms, f"approved  d{target.decision_id} {target.strategy} {what}")

    def _follow(self, time_ms: int, target: Target) -> None:
        reason, times, _ = self._followed.get(target.decision_id, ("", 0, ""))
        times = times + 1 if reason == target.reason else 1
        self._followed[target.decision_id] = (target.reason, times, str(target.stop_price))
        if times == 1:
            self._print(time_ms, f"stop      d{target.decision_id} to {target.stop_price}: {target.reason}")

    def _end_following(self, time_ms: int, decision_id: int) -> None:
        _, times, price = self._followed.pop(decision_id, ("", 0, ""))
        if times > 1:
            self._print(time_ms, f"stop      d{decision_id} was moved {times} times for that, at last to {price}")

    def _print(self, time_ms: int, text: str) -> None:
        self._show(f"{clock(time_ms)}  {spelled(text)}")


def console_observer(context: ObserverContext) -> Observer | None:
    """The one that the mode gives; None where nobody watches."""
    return context.console


def clock(time_ms: int) -> str:
    """Event time, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%m-%d %H:%M:%S")


def progress(share: float) -> str:
    """A bar of fixed width with its percentage."""
    full = round(min(max(share, 0.0), 1.0) * _BAR_CELLS)
    return f"[{'#' * full}{'.' * (_BAR_CELLS - full)}] {share:4.0%}"


def _signal_line(verdict: Verdict) -> str:
    why = verdict.signal.why if verdict.signal is not None else ""
    return f"signal    {verdict.strategy} {verdict.coin} {verdict.side.word}: {why}"
