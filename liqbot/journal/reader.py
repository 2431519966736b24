"""`JournalReader`: blocks, recorded steps and snapshots read back, in order, without any lock."""

import contextlib
import hashlib
import pathlib
import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.events import CodeVersion, ConfigLoaded, Event, JournalOpened
from liqbot.journal import codec, schema
from liqbot.journal.errors import (
    REPAIR,
    CorruptRecordError,
    MarketDroppedError,
    RecordsMissingError,
    UnknownShapeError,
)
from liqbot.journal.shape import FIRST_FORMAT_ID
from liqbot.journal.stamped import StampedConnection

_BLOCKS: Final = (
    "SELECT b.seq, b.time_ms, b.tick_ms, b.backfilled, b.lag_ms, b.source, b.source_seq, b.market_rows, b.facts, "
    "m.* "
    "FROM block b LEFT JOIN market m ON m.seq = b.seq WHERE b.seq >= ? AND b.seq <= ? ORDER BY b.seq LIMIT ?"
)
_FACTS: Final = (
    "SELECT seq, time_ms, tick_ms, backfilled, lag_ms, source, source_seq, market_rows, facts, NULL, NULL "
    "FROM block WHERE facts IS NOT NULL AND seq <= ? ORDER BY seq DESC"
)
_AT: Final = (
    "SELECT seq FROM block WHERE backfilled = 0 AND time_ms <= ? ORDER BY time_ms DESC, seq DESC LIMIT 1"
)
_HEADER_RECORDS: Final = 50
_NOT_AS_WRITTEN: Final = "its columns are not of the kinds that were written"

F = TypeVar("F", bound=Event)


class Record(msgspec.Struct, frozen=True):
    """One call of the engine as it was appended."""

    seq: int
    time_ms: int
    source: str
    source_seq: int
    block: EventBlock


class RecordedStep(msgspec.Struct, frozen=True):
    """What the engine answered to the records `first_seq` to `seq`: nothing new but to the last, and to that one only
    if `step` is there. `digest` is over all of them, or in the first format over the one step (`from_seq` is None)."""

    seq: int
    digest: bytes
    step: bytes | None
    from_seq: int | None = None

    @property
    def first_seq(self) -> int:
        return self.seq if self.from_seq is None else self.from_seq


class Snapshot(msgspec.Struct, frozen=True):
    """Engine state after the block `seq`."""

    name: str
    seq: int
    version: str
    data: bytes


class JournalReader(StampedConnection):
    """A read-only connection; several may be open while one process writes."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path, schema.connect_reading(path))

    @property
    def last_seq(self) -> int:
        with self._reading("the last record"):
            (seq,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM block").fetchone()
        return int(seq)

    @property
    def last_ms(self) -> int:
        """Time of the last record, milliseconds UTC; 0 for a journal without any."""
        with self._reading("the last record"):
            found = self._connection.execute("SELECT time_ms FROM block ORDER BY seq DESC LIMIT 1").fetchone()
        if found and not isinstance(found[0], int):
            raise CorruptRecordError(f"journal {self.path}: the last record: {_NOT_AS_WRITTEN}; {REPAIR}")
        return int(found[0]) if found else 0

    def records(
        self, from_seq: int = 1, to_seq: int | None = None, *, chunk: int = 500, facts_only: bool = False
    ) -> Iterator[Record]:
        """Records in order; `chunk` changes only how many are read at once.

        MarketDroppedError at the first block whose market rows retention has taken, unless `facts_only`;
        UnknownShapeError at the first one that this program cannot read whole; CorruptRecordError where the file is
        damaged, RecordsMissingError where records are gone (`facts_only` passes over those).
        """
        if chunk < 1:
            raise ValueError(f"chunk: {chunk} must be at least 1")
        at, end = from_seq, self.last_seq if to_seq is None else to_seq
        if not facts_only and from_seq < self.stamp.retained_seq:
            raise MarketDroppedError(
                f"journal {self.path}: market rows before record {self.stamp.retained_seq} are dropped by retention; "
                f"reading from {from_seq} needs the tapes exported before"
            )
        while at <= end:
            with self._reading(f"records from {at}"):
                rows = self._connection.execute(_BLOCKS, (at, end, chunk)).fetchall()
            if not rows:
                return
            for row in rows:
                if row[0] != at and not facts_only:
                    raise self._gone(at, row[0] - 1)
                yield self._record(row, facts_only=facts_only)
                at = row[0] + 1

    def blocks(self, from_seq: int = 1, to_seq: int | None = None, *, chunk: int = 500) -> Iterator[EventBlock]:
        """The blocks of `records`."""
        return (record.block for record in self.records(from_seq, to_seq, chunk=chunk))

    def with_facts(self, to_seq: int) -> Iterator[Record]:
        """Of the records up to one, newest first, those that hold facts, without their market rows. Raises as `records`
        with `facts_only`."""
        with self._reading(f"facts before {to_seq}"):
            for row in self._connection.execute(_FACTS, (to_seq,)):
                yield self._record(row, facts_only=True)

    def seq_at(self, time_ms: int) -> int:
        """The last record of the present by then; 0 before the first. History that is told later does not count."""
        with self._reading(f"the record at {time_ms}"):
            found = self._connection.execute(_AT, (time_ms,)).fetchone()
        return int(found[0]) if found is not None else 0

    def steps(self, from_seq: int = 1, to_seq: int | None = None) -> Iterator[RecordedStep]:
        """Recorded steps in order, the quiet ones with the next that spoke."""
        end = self.last_seq if to_seq is None else to_seq
        statement = "SELECT * FROM step WHERE seq BETWEEN ? AND ? ORDER BY seq"
        with self._reading("steps"):
            for row in self._connection.execute(statement, (from_seq, end)):
                yield self._step(row)

    def first(self, kind: type[F]) -> F | None:
        """The first fact of a kind among the opening records."""
        for record in self.records(to_seq=_HEADER_RECORDS, facts_only=True):
            for fact in record.block.facts:
                if isinstance(fact, kind):
                    return fact
        return None

    def opening(self) -> tuple[JournalOpened | None, CodeVersion | None, ConfigLoaded | None]:
        """The facts a journal begins with."""
        return self.first(JournalOpened), self.first(CodeVersion), self.first(ConfigLoaded)

    def snapshots(
        self, name: str, version: str, *, from_seq: int = 0, to_seq: int | None = None, oldest_first: bool = False,
        passed_over: list[str] | None = None,
    ) -> Iterator[Snapshot]:
        """The readable ones of this name and version within a stretch of records, newest first, each read when it is
        asked for. `passed_over` gets a warning for each one that is not readable."""
        last_seq, order = self.last_seq if to_seq is None else to_seq, "ASC" if oldest_first else "DESC"
        among = "FROM snapshot WHERE name = ? AND seq BETWEEN ? AND ?"
        with self._reading("snapshots"):
            listed = self._connection.execute(
                f"SELECT id, seq, version {among} ORDER BY seq {order}, id {order}",
                (name, from_seq, last_seq),
            ).fetchall()
        for number, seq, written_by in listed:
            if written_by != version:
                why = f"is of version {written_by}, not {version}"
            elif (data := self._snapshot_data(number, name, seq, version)) is None:
                why = "has a wrong checksum"
            else:
                yield Snapshot(name, seq, version, data)
                continue
            if passed_over is not None:
                passed_over.append(f"snapshot {name} at {seq} {why}: passed over")

    def _snapshot_data(self, number: int, name: str, seq: int, version: str) -> bytes | None:
        """None where it is damaged, or thinned out meanwhile."""
        with self._reading("a snapshot"):
            found = self._connection.execute("SELECT checksum, data FROM snapshot WHERE id = ?", (number,)).fetchone()
        if found is None:
            return None
        expected, packed = found
        data = _unpacked(packed)
        return data if data is not None and checksum(name, seq, version, data) == expected else None

    def gap_state(self, seq: int, version: str) -> Snapshot | None:
        """The engine's state where records after this one were refused; None where none is readable."""
        return next(self.snapshots(schema.GAP, version, from_seq=seq, to_seq=seq), None)

    def newest_snapshot(self, name: str, version: str) -> tuple[Snapshot | None, tuple[str, ...]]:
        """The newest readable one, and a warning for each one passed over."""
        warnings: list[str] = []
        return next(self.snapshots(name, version, passed_over=warnings), None), tuple(warnings)

    def integrity(self) -> str:
        """SQLite's own word on the file: `ok`, or what is wrong."""
        try:
            (word,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            return str(error)
        return str(word)

    @contextlib.contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise CorruptRecordError(
                f"journal {self.path}: {what} cannot be read: {error}; {REPAIR}"
            ) from error

    def _gone(self, first: int, last: int) -> CorruptRecordError | MarketDroppedError:
        """Why records are not there: retention may have gone on since this reader began."""
        self.stamp = schema.read_stamp(self._connection, self.path)
        if first < self.stamp.retained_seq:
            return MarketDroppedError(f"journal {self.path}: records {first} to {last} are dropped by retention")
        return RecordsMissingError(f"journal {self.path}: records {first} to {last} are missing; {REPAIR}")

    def _step(self, row: tuple[Any, ...]) -> RecordedStep:
        seq, digest, step, *since = row
        if not (isinstance(digest, bytes) and isinstance(step, bytes | None)):
            raise CorruptRecordError(f"journal {self.path}: step {seq}: {_NOT_AS_WRITTEN}; {REPAIR}")
        return RecordedStep(seq, digest, step, *since)

    def _record(self, row: tuple[Any, ...], *, facts_only: bool) -> Record:
        if not (codec.is_head(row) and isinstance(row[10], bytes | None)):
            raise CorruptRecordError(f"journal {self.path}: record {row[0]}: {_NOT_AS_WRITTEN}; {REPAIR}")
        seq, time_ms, tick_ms, backfilled, lag_ms, source, source_seq, market_rows, facts, _, market, *shape = row
        if market_rows and market is None and not facts_only:
            raise MarketDroppedError(f"record {seq}: its market rows are gone")
        columns: dict[str, Rows] = {}
        try:
            if market is not None and not facts_only:
                columns = codec.unpack_market(market, self._kinds(shape[0] if shape else FIRST_FORMAT_ID))
            block = codec.block_from(
                facts, columns, tick_ms=tick_ms, backfilled=bool(backfilled), lag_ms=lag_ms
            )
        except (CorruptRecordError, UnknownShapeError) as error:
            remedy = f"; {REPAIR}" if isinstance(error, CorruptRecordError) else ""
            raise type(error)(f"journal {self.path}: record {seq}: {error}{remedy}") from error
        return Record(seq, time_ms, source, source_seq, block)


def checksum(name: str, seq: int, version: str, data: bytes) -> bytes:
    """Binds a snapshot's bytes to its place and version."""
    return hashlib.blake2b(f"{name}\0{seq}\0{version}\0".encode() + data, digest_size=16).digest()


def _unpacked(packed: object) -> bytes | None:
    try:
        return zlib.decompress(packed) if isinstance(packed, bytes) else None
    except zlib.error:
        return None
