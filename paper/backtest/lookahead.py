"""Poisoned future: change everything after a moment and see that nothing before it noticed."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock, Rows
from liqbot.engine import Engine, Step
from liqbot.settings import Settings
from paper.backtest.run import house_of
from paper.sessions.tape_settings import fitted
from paper.tapes.reader import Tape

PRICE_FACTOR: Final = 3.0
_PRICES: Final = {
    "bars": ("open", "high", "low", "close"),
    "liquidations": ("price",),
    "marks": ("mark_price", "index_price"),
    "tops": ("bid_price", "ask_price"),
}
_AMOUNTS: Final = {
    "bars": {"volume_usd": "volume_usd", "buy_usd": "sell_usd", "sell_usd": "buy_usd"},
    "open_interest": {"oi_usd": "oi_usd"},
    "totals": {"long_usd": "short_usd", "short_usd": "long_usd"},
    "liquidations": {"size_usd": "size_usd"},
}
"""Amounts by the column they are taken from in a changed future."""


class Peek(msgspec.Struct, frozen=True):
    """The first step that differs though its clock step ended before the poison."""

    index: int
    time_ms: int


def poisoned(blocks: Iterable[EventBlock], after_ms: int) -> Iterator[EventBlock]:
    """The same blocks, but rows later than `after_ms` have all prices and amounts times three, buyers and sellers,
    longs and shorts change places, and funding has its sign turned."""
    for block in blocks:
        if all(not len(block.rows(kind)) or block.rows(kind)["time_ms"].max() <= after_ms for kind in KINDS):
            yield block
            continue
        columns: dict[str, Any] = {kind: _poisoned(kind, block.rows(kind), after_ms) for kind in KINDS}
        yield EventBlock(
            **columns, facts=block.facts, tick_ms=block.tick_ms, backfilled=block.backfilled, lag_ms=block.lag_ms
        )


def _poisoned(kind: str, rows: Rows, after_ms: int) -> Rows:
    late = rows["time_ms"] > after_ms
    if not late.any():
        return rows
    changed = rows.copy()
    for name in _PRICES.get(kind, ()):
        changed[name] = np.where(late, rows[name] * PRICE_FACTOR, rows[name])
    for name, other in _AMOUNTS.get(kind, {}).items():
        changed[name] = np.where(late, rows[other] * PRICE_FACTOR, rows[name])
    if kind == "funding":
        changed["rate_pct"] = np.where(late, -rows["rate_pct"], rows["rate_pct"])
    if kind == "liquidations":
        changed["side"] = np.where(late, -rows["side"], rows["side"])
    return changed


def first_peek(clean: Iterable[tuple[int, bytes]], poison: Iterable[tuple[int, bytes]], after_ms: int) -> Peek | None:
    """Compare two runs step by step: (end of the clock step the engine was in, encoded Step). None: nobody peeked."""
    before = [[step for step in steps if step[0] <= after_ms] for steps in (clean, poison)]
    for index, (left, right) in enumerate(zip(*before, strict=False)):
        if left != right:
            return Peek(index, left[0])
    if len(before[0]) != len(before[1]):
        return Peek(min(len(before[0]), len(before[1])), after_ms)
    return None


class LookaheadReport(msgspec.Struct, frozen=True):
    """`peeks` has the moments after which a changed future was noticed before it came; none is right."""

    tape: str
    steps: int
    speaking: int
    """Steps with verdicts, decisions or commands: only these can show that something was noticed."""
    moments_ms: tuple[int, ...]
    """The future was changed after each of them, in a run of its own."""
    peeks: tuple[Peek, ...]


class StepRecorder:
    """An observer that keeps every Step with the end of the clock step it was made in."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, bytes]] = []
        self.speaking_ms: list[int] = []
        self._waiting: list[bytes] = []

    def __call__(self, _seq: int, block: EventBlock, step: Step, _engine: Engine) -> None:
        self._waiting.append(step.encoded())
        if step.verdicts or step.decisions or step.commands:
            self.speaking_ms.append(step.time_ms)
        if block.tick_ms is not None:
            self.steps += [(block.tick_ms, encoded) for encoded in self._waiting]
            self._waiting = []


def look(tape: Tape, settings: Settings, moments: int, progress: Callable[[str], object]) -> LookaheadReport:
    """Run the tape as it is, then once for each of `moments` with everything after that moment changed. The moments
    lie in the midst of what was decided, evenly over it; a tape on which nothing was decided gives evenly spaced ones.
    """
    clean = _run(tape, settings, tape.blocks())
    times = clean.speaking_ms or [time_ms for time_ms, _ in clean.steps]
    chosen = sorted({times[len(times) * (number + 1) // (moments + 1)] for number in range(moments)})
    peeks = []
    for number, after_ms in enumerate(chosen, 1):
        progress(f"changed future {number} of {len(chosen)}")
        changed = itertools.takewhile(
            lambda block, after_ms=after_ms: block.tick_ms is None or block.tick_ms <= after_ms,  # type: ignore[misc]
            poisoned(tape.blocks(), after_ms),
        )
        peek = first_peek(clean.steps, _run(tape, settings, changed).steps, after_ms)
        if peek is not None:
            peeks.append(peek)
    return LookaheadReport(str(tape.path), len(clean.steps), len(clean.speaking_ms), tuple(chosen), tuple(peeks))


def _run(tape: Tape, settings: Settings, blocks: Iterable[EventBlock]) -> StepRecorder:
    recorder = StepRecorder()
    house = house_of(fitted(settings, tape), tape, observers=(recorder,))
    for block in blocks:
        house.step(block)
    return recorder
