"""A journal run through an engine again: the same blocks, and a new engine wherever the configuration changed."""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
import structlog

from liqbot.blocks import EventBlock
from liqbot.events import ConfigLoaded, JournalGap, JournalOpened
from liqbot.journal.errors import CorruptRecordError, MarketDroppedError
from liqbot.journal.reader import JournalReader, Record, Snapshot
from liqbot.journal.steps import StepLike
from liqbot.recorded_step import RecordedAnswer, recorded_answer

SNAPSHOT_NAME = "engine"
_log = structlog.get_logger(__name__)


class Rerunnable(Protocol):
    """What a rerun asks of an engine."""

    def on_block(self, block: EventBlock, recorded: RecordedAnswer | None = None, /) -> StepLike: ...

    def snapshot(self) -> bytes: ...

    def restore(self, snapshot: bytes, /) -> None: ...


E = TypeVar("E", bound=Rerunnable)
Factory = Callable[[JournalOpened, ConfigLoaded], E]


class RecordedAnswers:
    """What was answered the first time to the records from `from_seq` on; to be taken in order."""

    def __init__(self, reader: JournalReader, from_seq: int) -> None:
        self._rows = reader.steps(from_seq)
        self._row = next(self._rows, None)

    def of(self, seq: int) -> RecordedAnswer | None:
        """None where nothing is recorded that this version can read: then its own answer has to do."""
        while self._row is not None and self._row.seq < seq:
            self._row = next(self._rows, None)
        if self._row is None or seq < self._row.first_seq:
            return None
        try:
            return recorded_answer(self._row.step if seq == self._row.seq else None)
        except (msgspec.MsgspecError, LookupError, TypeError) as error:
            _log.warning("a recorded answer is not understood: decided anew", seq=seq, reason=str(error))
            return None


class Beginning(NamedTuple):
    """A snapshot, and what was in force when it was made."""

    snapshot: Snapshot
    opened: JournalOpened
    config: ConfigLoaded


class Rerun(Generic[E]):
    """Begins behind a given snapshot, else at the first record, or at the oldest readable snapshot when retention has
    dropped what was before."""

    def __init__(
        self, reader: JournalReader, factory: Factory[E], snapshot_version: str, *, beginning: Beginning | None = None
    ) -> None:
        if beginning is not None:
            self._reader, self._factory, self._version = reader, factory, snapshot_version
            self._opened, self._config = beginning.opened, beginning.config
            self.engine = factory(self._opened, self._config)
            self.engine.restore(beginning.snapshot.data)
            self.from_seq = beginning.snapshot.seq + 1
            return
        opened, _, config = reader.opening()
        if opened is None or config is None:
            raise CorruptRecordError(f"journal {reader.path} does not begin with JournalOpened and ConfigLoaded")
        self._reader, self._factory, self._version = reader, factory, snapshot_version
        self._opened, self._config = opened, config
        self.engine = factory(opened, config)
        self.from_seq = self._start(snapshot_version)

    def _start(self, snapshot_version: str) -> int:
        retained_seq = self._reader.stamp.retained_seq
        if retained_seq == 1:
            return 1
        warnings: list[str] = []
        oldest = next(self._reader.snapshots(
            SNAPSHOT_NAME, snapshot_version, from_seq=retained_seq - 1, oldest_first=True, passed_over=warnings
        ), None)
        if oldest is None:
            raise MarketDroppedError(
                f"journal {self._reader.path}: its beginning was dropped and no snapshot of version {snapshot_version} "
                f"is readable; {'; '.join(warnings) or 'none was kept'}"
            )
        # The configuration in force at the snapshot is the newest one written before it.
        for record in self._reader.records(to_seq=oldest.seq, facts_only=True):
            self._changed(record.block)
        self.engine = self._factory(self._opened, self._config)
        self.engine.restore(oldest.data)
        return oldest.seq + 1

    def answers(self, chunk: int = 500, *, as_recorded: bool = False) -> Iterator[tuple[Record, StepLike]]:
        """Every record with what the engine says to it; `engine` is the one that said it. `as_recorded`: what was
        decided and sent the first time is what was, whatever this version would decide."""
        recorded = RecordedAnswers(self._reader, self.from_seq) if as_recorded else None
        for record in self._records(chunk):
            answer = None if recorded is None else recorded.of(record.seq)
            yield record, self.engine.on_block(record.block, answer)

    def _records(self, chunk: int) -> Iterator[Record]:
        for record in self._reader.records(self.from_seq, chunk=chunk):
            if self._changed(record.block):
                self._restore(self.engine.snapshot())
            if any(isinstance(fact, JournalGap) for fact in record.block.facts):
                self._pass_gap(record.seq)
            yield record

    def _restore(self, state: bytes) -> None:
        self.engine = self._factory(self._opened, self._config)
        self.engine.restore(state)

    def _pass_gap(self, seq: int) -> None:
        """What was answered from here on followed from records that there are not."""
        kept = self._reader.gap_state(seq - 1, self._version)
        if kept is None:
            _log.warning(
                "records were refused here and the state after them is not readable: answers may differ", seq=seq
            )
            return
        self._restore(kept.data)

    def _changed(self, block: EventBlock) -> bool:
        changed = False
        for fact in block.facts:
            if isinstance(fact, JournalOpened):
                changed = changed or fact.journal_id != self._opened.journal_id
                self._opened = fact
            elif isinstance(fact, ConfigLoaded):
                changed = changed or fact.digest != self._config.digest
                self._config = fact
        return changed
