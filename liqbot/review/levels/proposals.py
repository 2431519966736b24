"""What strategies would have entered, whatever became of it, and how that would have ended at the prices that came."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from liqbot.engine import Step
from liqbot.ledger.marks import minute_of
from liqbot.market.view import MarketView
from liqbot.review.price_path import UNKNOWN, Ended, Mark, would_have_ended
from liqbot.risk.decision import Approved, Decision
from liqbot.signals.verdict import SIGNAL, Signal

APPROVED: Final = "APPROVED"


class Proposal(msgspec.Struct, frozen=True):
    """A signal, and what risk said to it."""

    time_ms: int
    signal: Signal
    code: str


class Proposed(msgspec.Struct, frozen=True):
    """Of one strategy, coin and side: in units of the risk of each entry, before costs. An entry that came while the
    one before it would have been open is not counted."""

    strategy: str
    coin: str
    side: str
    entries: int
    won: int
    unknown: int
    """Still open when the prices end."""
    sum_r: float
    codes: Mapping[str, int]
    """What risk said, by how often."""


class Proposals:
    """Of all coins."""

    def __init__(self) -> None:
        self.found: list[Proposal] = []
        self._paths: dict[str, list[Mark]] = {}
        self._cut: set[str] = set()
        """Coins whose next prices begin a stretch of their own: those before belong to no entry of now."""

    def on_step(self, step: Step, views: Iterable[MarketView]) -> None:
        """The views are those of the step's Tick; none where it had no Tick."""
        for view in views:
            if not view.backfilled:
                self._go_on(view)
        for verdict in step.verdicts:
            if verdict.code == SIGNAL and verdict.signal is not None:
                self.found.append(Proposal(step.time_ms, verdict.signal, _code(verdict.signal, step.decisions)))
                self._cut.add(verdict.coin)

    def _go_on(self, view: MarketView) -> None:
        path = self._paths.setdefault(view.coin, [])
        low, high = min(view.low_price, view.mark_price), max(view.high_price, view.mark_price)
        if path and view.coin not in self._cut and minute_of(path[-1].time_ms) == minute_of(view.time_ms):
            last = path.pop()
            low, high = min(low, last.low_price), max(high, last.high_price)
        self._cut.discard(view.coin)
        path.append(Mark(view.time_ms, low, high, view.mark_price))

    def summed(self) -> list[Proposed]:
        """In order of their names."""
        groups: dict[tuple[str, str, str], list[tuple[str, Ended]]] = {}
        for one in self.found:
            signal = one.signal
            ends = groups.setdefault((signal.strategy, signal.coin, signal.side.word), [])
            if ends and (ends[-1][1].by == UNKNOWN or one.time_ms <= ends[-1][1].time_ms):
                continue
            path = self._paths.get(signal.coin, [])
            later = path[bisect_right(path, one.time_ms, key=lambda mark: mark.time_ms) :]
            ends.append((one.code, would_have_ended(
                later, signal.side.word, signal.entry_price, signal.stop_price, signal.take_price,
                one.time_ms + signal.max_hold_ms,
            )))  # fmt: skip
        return [_summed(*names, ends) for names, ends in sorted(groups.items())]


def _code(signal: Signal, decisions: Iterable[Decision]) -> str:
    """Repeated refusals are not decided again: then nothing is known."""
    for decision in decisions:
        if isinstance(decision, Approved):
            target = decision.target
            if (target.strategy, target.coin, target.side) == (signal.strategy, signal.coin, signal.side):
                return APPROVED
        elif (decision.strategy, decision.coin, decision.side) == (signal.strategy, signal.coin, signal.side):
            return str(decision.code)
    return "-"


def _summed(strategy: str, coin: str, side: str, ends: list[tuple[str, Ended]]) -> Proposed:
    known = [ended for _, ended in ends if ended.by != UNKNOWN]
    codes: dict[str, int] = {}
    for code, _ in ends:
        codes[code] = codes.get(code, 0) + 1
    return Proposed(
        strategy, coin, side, len(ends), sum(ended.r > 0 for ended in known), len(ends) - len(known),
        sum(ended.r for ended in known), codes,
    )
