"""`WriteAhead`: the rule "journal first, then decide, then act" as a pure step between reads and writes.

It opens no file, awaits nothing and reads no clock: it yields what must be done next, and is given the outcome and the
time. The live loop and the simulated loop only carry out what it yields.

- A block is appended before the engine sees it; the engine's Step is recorded before any of its commands leaves.
- A Step's commands leave, in the order they were decided, once the Step and everything before it are durable.
- What only reduces risk waits for that no longer than `wait_ms`, and not at all once the journal has refused the block
  or reported that it cannot be written.
- What adds risk and is not durable by then never leaves: by the time the disk answers, its reasons are old. The engine
  gets an `OrderRejected` for it, so nothing is left to be queried at the venue; a leverage that was not set is set
  again by execution itself.
- Client order ids grow with every order, so one that left unrecorded is not used again by this process; the next
  process counts on from beyond all of them (`OrderManager` on `JournalOpened`).
- After a refusal nothing is appended before the journal has the state that the engine is in by then, and a `JournalGap`
  that records it: what follows can be run again, although what was refused is lost.
- Observers see a Step only if the journal took it, once its commands have left and at the latest before the next block
  is folded, so that the engine's state is the one after that very Step.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Final, Protocol

import msgspec

from liqbot.blocks import EventBlock
from liqbot.commands import Command, PlaceOrder, adds_risk
from liqbot.engine import Step
from liqbot.events import Event, JournalGap, OrderRejected

NOT_JOURNALED: Final = "NOT_JOURNALED"
"""Code of the rejection of an order that never left, because its intent was not durable in time."""


class AppendBlock(msgspec.Struct, frozen=True):
    """Answered with the block's seq, or None when the journal refuses it. A full journal may be waited for this long,
    where time passes meanwhile."""

    block: EventBlock
    source_seq: int
    room_wait_ms: int


class SaveState(msgspec.Struct, frozen=True):
    """Of the engine, after the last record and what was refused since. Answered with whether the journal took it."""


class RecordStep(msgspec.Struct, frozen=True):
    """Answered with whether the journal took it."""

    seq: int
    step: Step


class RequestDurable(msgspec.Struct, frozen=True):
    """Ask the journal to make everything up to here durable. Its answer, whenever it comes, goes to
    `WriteAhead.durable` or `WriteAhead.not_durable`."""

    seq: int


class SendCommands(msgspec.Struct, frozen=True):
    """May leave now, in this order, after everything that was sent before."""

    commands: tuple[Command, ...]
    time_ms: int
    """Event time at which they were decided."""


class ReportFacts(msgspec.Struct, frozen=True):
    """To be fed back to the engine like any answer of a venue: in a block of their own, journaled first."""

    facts: tuple[Event, ...]


class ObserveStep(msgspec.Struct, frozen=True):
    """For the observers."""

    seq: int
    block: EventBlock
    step: Step


Request = AppendBlock | SaveState | RecordStep | RequestDurable | SendCommands | ReportFacts | ObserveStep


class Decides(Protocol):
    """An engine."""

    def on_block(self, block: EventBlock, /) -> Step: ...

    def leave_unrecorded(self, block: EventBlock, step: Step, /) -> None: ...


class _Waiting(msgspec.Struct, frozen=True):
    """A Step with commands whose durability has not been reported yet."""

    seq: int
    step: Step
    deadline_ms: int


class WriteAhead:
    """Of one engine. Times are milliseconds of any clock that never goes back; the same one in every call."""

    def __init__(self, engine: Decides, *, wait_ms: int) -> None:
        self.engine, self._wait_ms = engine, wait_ms
        self._source_seq = 0
        self._entering = True
        self._gap: JournalGap | None = None
        """Blocks were refused, and the journal has no record of it yet."""
        self._waiting: deque[_Waiting] = deque()
        self._unobserved: ObserveStep | None = None

    @property
    def deadline_ms(self) -> int | None:
        """When `expire` is due next; None while nothing waits."""
        return self._waiting[0].deadline_ms if self._waiting else None

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands have neither left nor been given up."""
        return len(self._waiting)

    def enter_nothing(self) -> None:
        """From this instant on nothing that adds risk leaves, also what waits for the disk."""
        self._entering = False

    def take(self, block: EventBlock, now_ms: int) -> Generator[Request, Any, Step]:
        """One block. The caller carries out each request in turn and sends its answer back."""
        yield from self._observation()
        room_wait_ms = self._wait_ms
        if self._gap is not None:
            yield from self._close_gap(self._gap, now_ms)
            room_wait_ms = 0  # room that did not come is not waited for again
        seq = None if self._gap is not None else (yield self._appending(block, room_wait_ms))
        return (yield from self._folded(seq, block, now_ms))

    def _close_gap(self, gap: JournalGap, now_ms: int) -> Generator[Request, Any, None]:
        """The state first: a record of a gap without it would be of no use."""
        block = EventBlock(facts=(gap,))
        if not (yield SaveState()) or (seq := (yield self._appending(block, 0))) is None:
            return
        self._gap = None
        yield from self._folded(seq, block, now_ms)
        yield from self._observation()

    def _appending(self, block: EventBlock, room_wait_ms: int) -> AppendBlock:
        self._source_seq += 1
        return AppendBlock(block, self._source_seq, room_wait_ms)

    def _folded(self, seq: int | None, block: EventBlock, now_ms: int) -> Generator[Request, Any, Step]:
        step = self.engine.on_block(block)
        if seq is None:
            self._leave_unrecorded(block, step)
        if seq is None or not (yield RecordStep(seq, step)):
            yield from self._settled(lambda _one: True, durable=False)
            yield from self._leaving(step, durable=False)
            return step
        self._unobserved = ObserveStep(seq, block, step)
        if step.commands:
            self._waiting.append(_Waiting(seq, step, now_ms + self._wait_ms))
            yield RequestDurable(seq)
        else:
            yield from self._observation()
        return step

    def _leave_unrecorded(self, block: EventBlock, step: Step) -> None:
        self.engine.leave_unrecorded(block, step)
        before = self._gap or JournalGap(time_ms=step.time_ms, blocks=0, since_ms=step.time_ms)
        self._gap = msgspec.structs.replace(before, time_ms=step.time_ms, blocks=before.blocks + 1)

    def durable(self, seq: int) -> list[Request]:
        """Everything up to `seq` is on disk."""
        return self._settled(lambda one: one.seq <= seq, durable=self._entering)

    def not_durable(self, seq: int) -> list[Request]:
        """The journal reports that what was appended up to `seq` cannot be written."""
        return self._settled(lambda one: one.seq <= seq, durable=False)

    def expire(self, now_ms: int) -> list[Request]:
        """Time has passed: whatever has waited long enough waits no more."""
        return self._settled(lambda one: one.deadline_ms <= now_ms, durable=False)

    def _settled(self, due: Callable[[_Waiting], bool], *, durable: bool) -> list[Request]:
        """Always the oldest first, so commands leave in the order they were decided."""
        requests: list[Request] = []
        while self._waiting and due(self._waiting[0]):
            requests += self._leaving(self._waiting.popleft().step, durable=durable)
        return requests if self._waiting else [*requests, *self._observation()]

    @staticmethod
    def _leaving(step: Step, *, durable: bool) -> list[Request]:
        """What becomes of a Step's commands."""
        leaving = step.commands if durable else tuple(one for one in step.commands if not adds_risk(one))
        requests: list[Request] = [SendCommands(leaving, step.time_ms)] if leaving else []
        held = () if durable else tuple(one for one in step.commands if adds_risk(one))
        facts = tuple(_rejected(one, step.time_ms) for one in held if isinstance(one, PlaceOrder))
        return [*requests, ReportFacts(facts)] if facts else requests

    def _observation(self) -> list[Request]:
        unobserved, self._unobserved = self._unobserved, None
        return [] if unobserved is None else [unobserved]


def _rejected(order: PlaceOrder, time_ms: int) -> OrderRejected:
    return OrderRejected(
        time_ms=time_ms, venue=order.venue, coin=order.coin, client_id=order.client_id, code=NOT_JOURNALED,
        reason="not sent: its intent was not on disk in time",
    )
