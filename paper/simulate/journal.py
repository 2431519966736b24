"""A journal in memory that behaves as one on disk does: durability on request, a tail that a crash may lose, a disk
that can be stuck. What it keeps is what recovery finds."""

from collections.abc import Callable
from typing import NamedTuple

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine, Step
from liqbot.events import JournalGap
from liqbot.journal.errors import JournalStuckError
from liqbot.observers.observer import OnStep


class DiskHangs(Exception):
    """No answer yet, and no error."""


class Killed(Exception):
    """The process ends here, between two of its instructions."""


class StoredRecord(NamedTuple):
    block: EventBlock
    answer: bytes
    """The Step's canonical bytes; empty when the process died before it was recorded."""


class Unrepeatable(Exception):
    """The same records gave another Step than the one that was recorded."""


class MemoryJournal:
    """What `House` asks of a journal, and the switches of a simulation."""

    def __init__(self, journal_id: str) -> None:
        self.journal_id = journal_id
        self.records: list[StoredRecord] = []
        self.durable_seq = 0
        self.snapshots: list[tuple[int, bytes]] = []
        self.stuck = False
        self.hanging = False
        """The disk takes what is written and does not say when it is there."""
        self.full = False
        """Nothing is taken any more."""
        self.gaps: dict[int, bytes] = {}
        """By the record before it: the engine's state where blocks are missing."""
        self.doomed = ""
        """Where the process dies next: `append`, `record` or `durable`; empty: nowhere."""
        self._pending: list[Command] = []
        self._durable: dict[int, Command] = {}

    @property
    def last_seq(self) -> int:
        return len(self.records)

    def append(self, block: EventBlock, source: str, source_seq: int) -> int:
        del source, source_seq
        self._die("append")
        self._take()
        self.records.append(StoredRecord(block, b""))
        return self.last_seq

    def record(self, seq: int, step: Step) -> None:
        self._die("record")
        self.records[seq - 1] = self.records[seq - 1]._replace(answer=step.encoded())
        self._pending += step.commands

    def wait_durable(self, seq: int | None = None) -> None:
        """JournalStuckError while the disk is stuck, DiskHangs while it does not answer."""
        if self.hanging:
            raise DiskHangs
        if self.stuck:
            raise JournalStuckError("journal in memory: stuck")
        self.durable_seq = max(self.durable_seq, self.last_seq if seq is None else seq)
        for command in self._pending:
            self._durable[id(command)] = command
        self._pending = []
        self._die("durable")

    def is_durable(self, command: Command) -> bool:
        """Whether this very command was on disk as part of its Step."""
        return self._durable.get(id(command)) is command

    @property
    def writes(self) -> bool:
        """Whether it answers, and takes what comes."""
        return not (self.stuck or self.hanging or self.full)

    def save_gap(self, version: str, state: Callable[[], bytes]) -> None:
        del version
        self._take()
        self.gaps[self.last_seq] = state()

    def _take(self) -> None:
        if self.full:
            raise JournalStuckError("journal in memory: full")

    def keep_snapshot(self, engine: Engine) -> None:
        """After the last record; whoever has refused one since has no such state."""
        self.snapshots.append((self.last_seq, engine.snapshot()))

    def crash(self, lost: int) -> None:
        """The newest `lost` records never reached the disk, unless they were made durable. What the next process finds
        is there for good."""
        kept = max(self.durable_seq, self.last_seq - lost)
        del self.records[kept:]
        self.snapshots = [snapshot for snapshot in self.snapshots if snapshot[0] <= kept]
        self.gaps = {seq: state for seq, state in self.gaps.items() if seq <= kept}
        self.durable_seq = kept
        self._pending, self.doomed = [], ""

    def recovered(
        self, engine: Callable[[], Engine], *, from_start: bool, seen: OnStep | None = None, reached: int | None = None
    ) -> Engine:
        """The newest snapshot and the records after it, or all records; with `reached` the newest at or before that
        record. Unrepeatable when a Step differs."""
        reborn, from_seq = engine(), 0
        fitting = [one for one in self.snapshots if reached is None or one[0] <= reached]
        if fitting and not from_start:
            from_seq, snapshot = fitting[-1]
            reborn.restore(snapshot)
        for seq, record in enumerate(self.records[from_seq:], from_seq + 1):
            if any(isinstance(fact, JournalGap) for fact in record.block.facts):
                reborn = engine()
                reborn.restore(self.gaps[seq - 1])
            step = reborn.on_block(record.block)
            if record.answer and step.encoded() != record.answer:
                raise Unrepeatable(f"record {seq}: the same block gave another Step")
            if seen is not None:
                seen(seq, record.block, step, reborn)
        return reborn

    def _die(self, where: str) -> None:
        if self.doomed == where:
            self.doomed = ""
            raise Killed(where)
