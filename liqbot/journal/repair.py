"""What can be read of a damaged journal, copied into a new one in its place. The damaged one is kept beside.

Recovery begins from a snapshot and needs every record after it. So the copy ends before the first record after the
newest sound snapshot that cannot be read (without a snapshot: before the first at all). What cannot be read before the
snapshot is left out, as if retention had dropped the market rows up to there.

The journal keeps its id: the orders and stops that rest at the venue stay its own. Ids that the lost records gave out
are never given out again (`JournalRepaired`), and what they did is read from the venue at the next start.
"""

import contextlib
import pathlib
import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from liqbot.events import ConfigLoaded, JournalOpened, JournalRepaired
from liqbot.journal import codec, schema
from liqbot.journal.errors import BEGIN_ANEW, CorruptRecordError, JournalError, JournalMissingError, UnknownShapeError
from liqbot.journal.lock import WriterLock
from liqbot.journal.reader import JournalReader, checksum
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.journal.schema import Stamp
from liqbot.journal.shape import KindReading, readings
from liqbot.private_files import make_private_file
from liqbot.sqlite_files import beside, move_aside

SOURCE: Final = "repair"
_CHUNK: Final = 500
_JUMP_MAX: Final = 2**40
"""Beyond so many numbers without a readable row a table has ended."""
_RANGES_SHOWN: Final = 5
_COLUMNS: Final = {"block": 9, "market": 3, "step": 4, "snapshot": 6}

Row = tuple[Any, ...]


class Repaired(msgspec.Struct, frozen=True):
    """What became of it."""

    path: str
    kept: str
    """Where the damaged one is now."""
    journal_id: str
    records: int
    last_seq: int
    """Of the records that were copied."""
    snapshot_seq: int
    """Recovery begins there; 0 without one."""
    lost: str
    """Which records, for people."""
    market_dropped_before_seq: int
    """Market rows before this record are gone; 1 when none is."""


class _Kept(NamedTuple):
    """Which records the copy holds."""

    last_seq: int
    retained_seq: int
    snapshot_seq: int


def repair(path: pathlib.Path, now_ms: int, *, snapshot_version: str) -> Repaired:
    """Recovery reads snapshots of `snapshot_version`. JournalError while the journal is written, and when nothing can
    be begun with what is readable: nothing is changed then."""
    if not path.is_file():
        raise JournalMissingError(f"journal {path}: no such file; the next start begins a new one")
    lock = WriterLock(path)
    try:
        unfinished = path.with_name(path.name + ".repaired")
        for left in (unfinished, *beside(unfinished)):
            left.unlink(missing_ok=True)
        with contextlib.closing(_salvaging(path)) as source:
            stamp = _stamp_of(source, path)
            make_private_file(unfinished)
            try:
                repaired = _copied(source, unfinished, stamp, now_ms, snapshot_version)
                _require_beginning(unfinished, path)
            except JournalError:
                unfinished.unlink()
                raise
        kept = move_aside(path, "damaged")
        schema.put_in_place(unfinished, path)
    finally:
        lock.release()
    return msgspec.structs.replace(repaired, path=str(path), kept=str(kept))


def _salvaging(path: pathlib.Path) -> sqlite3.Connection:
    """A connection that reads what there is of a file which is shorter than it says."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _stamp_of(source: sqlite3.Connection, path: pathlib.Path) -> Stamp:
    try:
        return schema.read_stamp(source, path)
    except CorruptRecordError as error:
        raise CorruptRecordError(f"journal {path}: its stamp cannot be read; {BEGIN_ANEW}") from error


def _copied(
    source: sqlite3.Connection, target_path: pathlib.Path, stamp: Stamp, now_ms: int, snapshot_version: str
) -> Repaired:
    target = schema.connect_writing(target_path)
    try:
        target.execute("BEGIN IMMEDIATE")
        schema.make_tables(target)
        insert = "INSERT OR IGNORE INTO"
        target.executemany(f"{insert} stamp VALUES (?, ?)", source.execute("SELECT key, value FROM stamp"))
        if stamp.schema_version > 1:
            target.executemany(f"{insert} shape VALUES (?, ?)", source.execute("SELECT id, kinds FROM shape"))
        holes = _Copy(source, target, stamp).run()
        kept = _kept(target, stamp, holes, snapshot_version)
        repaired = _cut(target, stamp, holes, kept, now_ms)
        target.execute("COMMIT")
    finally:
        target.close()
    return repaired


class _Copy:
    """Row by row, what is whole; and the numbers of records that are not."""

    def __init__(self, source: sqlite3.Connection, target: sqlite3.Connection, stamp: Stamp) -> None:
        self._source, self._target = source, target
        self._retained_seq = stamp.retained_seq
        self._readings = {number: readings(shape) for number, shape in stamp.shapes.items()}

    def run(self) -> list[tuple[int, int]]:
        """Ranges of records that are missing or damaged, from where retention begins."""
        wanting = self._with_market_rows()
        for row in _rows(self._source, "step"):
            self._put("step", row)
        for row in _rows(self._source, "snapshot"):
            if _sound_snapshot(row):
                self._put("snapshot", row)
        sound = [seq for (seq,) in self._target.execute("SELECT seq FROM block ORDER BY seq") if seq not in wanting]
        return _holes(sound, self._retained_seq)

    def _with_market_rows(self) -> set[int]:
        """Copies blocks and market rows; gives the blocks whose market rows are not whole."""
        wanting = set[int]()
        for row in _rows(self._source, "block"):
            if not _sound_block(row):
                continue
            self._put("block", row)
            if row[7] and row[0] >= self._retained_seq:
                wanting.add(row[0])
        for row in _rows(self._source, "market"):
            if row[0] in wanting and self._sound_market(row):
                self._put("market", row)
                wanting.discard(row[0])
        return wanting

    def _sound_market(self, row: Row) -> bool:
        kinds: tuple[KindReading, ...] | None = self._readings.get(row[2] if len(row) > 2 else 0)
        if kinds is None or not isinstance(row[1], bytes):
            return False
        try:
            codec.unpack_market(row[1], kinds)
        except UnknownShapeError:
            return True  # whole, for another program
        except CorruptRecordError:
            return False
        return True

    def _put(self, table: str, row: Row) -> None:
        missing = {"market": (0,), "step": (None,)}.get(table, ())
        whole = row + missing[: _COLUMNS[table] - len(row)]
        self._target.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(whole))})", whole)  # noqa: S608


def _rows(source: sqlite3.Connection, table: str) -> Iterator[Row]:
    """The rows that can be read, by growing number; damaged pages are jumped over."""
    at = 0
    while True:
        rows = _read(source, table, at + 1, _CHUNK)
        if rows is None:
            after = _after_damage(source, table, at + 1)
            if after is None:
                return
            rows = _read(source, table, after, 1) or []
        if not rows:
            return
        for row in rows:
            if not isinstance(row[0], int) or row[0] <= at:
                return  # a damaged page led back: what follows cannot be distinguished from what was
            yield row
            at = row[0]


def _read(source: sqlite3.Connection, table: str, first: int, count: int) -> list[Row] | None:
    """None where damage is met."""
    key = "id" if table == "snapshot" else "seq"
    query = f"SELECT * FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT ?"  # noqa: S608  names are ours
    try:
        return source.execute(query, (first, count)).fetchall()
    except sqlite3.DatabaseError:
        return None


def _after_damage(source: sqlite3.Connection, table: str, first: int) -> int | None:
    """The smallest number, as far as halving finds it, from which one row can be read again; None to the end."""
    step = 0
    while _read(source, table, first + step, 1) is None:
        step = 2 * step or 1
        if step > _JUMP_MAX:
            return None
    damaged, readable = first + step // 2 - (not step), first + step
    while readable - damaged > 1:
        middle = (damaged + readable) // 2
        if _read(source, table, middle, 1) is None:
            damaged = middle
        else:
            readable = middle
    return readable


def _sound_block(row: Row) -> bool:
    if not codec.is_head(row):
        return False
    try:
        codec.unpack_facts(row[8])
    except UnknownShapeError:
        return True  # whole, for another program
    except CorruptRecordError:
        return False
    return True


def _sound_snapshot(row: Row) -> bool:
    _, name, seq, version, expected, packed = row
    if not (isinstance(name, str) and isinstance(seq, int) and isinstance(version, str) and isinstance(packed, bytes)):
        return False
    try:
        data = zlib.decompress(packed)
    except zlib.error:
        return False
    return bool(checksum(name, seq, version, data) == expected)


def _holes(sound: list[int], from_seq: int) -> list[tuple[int, int]]:
    holes, at = list[tuple[int, int]](), from_seq
    for seq in sound:
        if seq < from_seq:
            continue
        if seq > at:
            holes.append((at, seq - 1))
        at = seq + 1
    return holes


def _kept(target: sqlite3.Connection, stamp: Stamp, holes: list[tuple[int, int]], snapshot_version: str) -> _Kept:
    """From the newest snapshot on up to the first hole; the market rows from the last hole before it."""
    (read_seq,) = target.execute("SELECT coalesce(max(seq), 0) FROM block").fetchone()
    (snapshot_seq,) = target.execute(
        "SELECT coalesce(max(seq), 0) FROM snapshot WHERE name = ? AND version = ?", (SNAPSHOT_NAME, snapshot_version)
    ).fetchone()
    if snapshot_seq > read_seq:  # it knows what the records before it said
        return _Kept(snapshot_seq, snapshot_seq + 1, snapshot_seq)
    within = [(first, last) for first, last in holes if last > snapshot_seq]
    if within and within[0][0] <= snapshot_seq:
        return _Kept(snapshot_seq, snapshot_seq + 1, snapshot_seq)
    retained_seq = max((last + 1 for _, last in holes if last <= snapshot_seq), default=stamp.retained_seq)
    return _Kept(within[0][0] - 1 if within else read_seq, retained_seq, snapshot_seq)


def _cut(
    target: sqlite3.Connection, stamp: Stamp, holes: list[tuple[int, int]], kept: _Kept, now_ms: int
) -> Repaired:
    """Leaves in the copy what recovery can go over, and the fact that says what is lost."""
    (unused,) = target.execute("SELECT count(*) FROM block WHERE seq > ?", (kept.last_seq,)).fetchone()
    for table in ("block", "market", "step", "snapshot"):
        target.execute(f"DELETE FROM {table} WHERE seq > ?", (kept.last_seq,))  # noqa: S608  names are ours
    target.execute("DELETE FROM market WHERE seq < ?", (kept.retained_seq,))
    target.execute("UPDATE stamp SET value = ? WHERE key = 'retained_seq'", (str(kept.retained_seq),))
    (count,) = target.execute("SELECT count(*) FROM block").fetchone()
    lost = _in_words([hole for hole in holes if hole[0] <= kept.last_seq], kept.last_seq, unused)
    (newest_ms,) = target.execute("SELECT coalesce(max(time_ms), 0) FROM block").fetchone()
    time_ms = max(now_ms, newest_ms)
    facts = codec.pack_facts((JournalRepaired(time_ms=time_ms, lost=lost),))
    row = (kept.last_seq + 1, time_ms, None, 0, 0, SOURCE, 1, 0, facts)
    target.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return Repaired(
        path="", kept="", journal_id=stamp.journal_id, records=count, last_seq=kept.last_seq,
        snapshot_seq=kept.snapshot_seq, lost=lost, market_dropped_before_seq=kept.retained_seq,
    )


def _in_words(holes: list[tuple[int, int]], last_seq: int, unused: int) -> str:
    ranges = [f"{first}" if first == last else f"{first} to {last}" for first, last in holes]
    more = f" and {len(ranges) - _RANGES_SHOWN} ranges more" if len(ranges) > _RANGES_SHOWN else ""
    among = f"records {', '.join(ranges[:_RANGES_SHOWN])}{more}, and " if ranges else ""
    after = f" ({unused} of them could be read, without what came before)" if unused else ""
    return f"{among}whatever followed record {last_seq}{after}"


def _require_beginning(repaired: pathlib.Path, path: pathlib.Path) -> None:
    """A journal is of use when the configuration that was in force can be read."""
    wanted = {JournalOpened, ConfigLoaded}
    with JournalReader(repaired) as reader:
        for record in reader.records(facts_only=True):
            wanted -= {type(fact) for fact in record.block.facts}
            if not wanted:
                break
    if wanted:
        raise CorruptRecordError(f"journal {path}: its first records cannot be read; {BEGIN_ANEW}")
