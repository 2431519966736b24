"""The truth file: every position of a simulated market open at stated times, written beside its tape and read back."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np

from liqbot.blocks import EventBlock, Roster, Rows
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from paper.tapes.writer import write_tape
from paper.world import POSITIONS, Telling, told_blocks

COLUMNS: Final = ("time_ms", "venue", "coin", "side", "leverage", "entry_price", "liquidation_price", "size_usd")
_ROSTER_KEY: Final = b"liqbot_truth"
_TEXTS: Final = ("venue", "coin", "side")


class TruthError(ExpectedError):
    """A file that is no truth, or one of something else; its text is one line for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.USAGE)


class KnownMarket(Protocol):
    """A simulated market that tells a tape and knows every position behind it, as of the last block taken."""

    @property
    def roster(self) -> Roster: ...

    @property
    def step_ms(self) -> int:
        """Usual clock step."""

    @property
    def history_start_ms(self) -> int: ...

    @property
    def fingerprint(self) -> str:
        """Which market it is."""

    def every_block(self) -> Iterator[EventBlock]:
        """From its history to its end, once."""

    def positions(self) -> Rows:
        """Every one open, see `paper.world.POSITIONS`."""


class Exported(NamedTuple):
    """Numbers of rows written."""

    tape_rows: int
    truth_rows: int


def export(
    world: KnownMarket, tape_path: str | Path, truth_path: str | Path, *, every_ms: int, told: Telling | None = None
) -> Exported:
    """Run a world to its end and write its tape, history included, and its truth at the first step at or after every
    multiple of `every_ms`. `told`: the positions that the tape tells.

    Either file appears under its name only when it is whole. ValueError for `every_ms` below the clock step.
    """
    if every_ms < world.step_ms:
        raise ValueError(f"every_ms: {every_ms} must be at least the clock step, {world.step_ms}")
    with _writer(Path(truth_path), world.roster) as truth:
        note = f"simulated market {world.fingerprint}"
        blocks = _watched(world, every_ms, truth)
        if told is not None:
            blocks = told_blocks(blocks, world, told)
        tape_rows = write_tape(tape_path, blocks, world.roster, on_ticks=True, note=note)
    return Exported(tape_rows, truth.rows)


@contextlib.contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """What pyarrow cannot make sense of becomes a TruthError."""
    import pyarrow as pa

    try:
        yield
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise TruthError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None


def read_truth(path: str | Path) -> tuple[Roster, Rows]:
    """The venues and coins that codes stand for, and all rows (`paper.world.POSITIONS`), sorted by time."""
    from pyarrow import parquet

    with reading(path):
        table = parquet.read_table(path)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise TruthError(f"{path}: column {missing[0]!r} is missing")
    encoded = (table.schema.metadata or {}).get(_ROSTER_KEY)
    texts = {name: table[name].to_pylist() for name in ("venue", "coin")}
    roster = (
        msgspec.json.decode(encoded, type=Roster)
        if encoded is not None
        else Roster(tuple(sorted(set(texts["venue"]))), tuple(sorted(set(texts["coin"]))))
    )
    rows = np.empty(len(table), POSITIONS)
    for name, known in (("venue", roster.venues), ("coin", roster.coins)):
        codes = {word: code for code, word in enumerate(known)}
        rows[name] = [codes[word] for word in texts[name]]
    rows["side"] = [Side.LONG if word == "long" else Side.SHORT for word in table["side"].to_pylist()]
    for name in COLUMNS:
        if name not in _TEXTS:
            rows[name] = table[name].to_numpy()
    return roster, rows


class _Writer:
    """Appends snapshots to one Parquet file."""

    def __init__(self, path: Path, roster: Roster) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        text = pa.dictionary(pa.int32(), pa.string())
        fields = [
            pa.field(name, text if name in _TEXTS else pa.int64() if name == "time_ms" else pa.float64())
            for name in COLUMNS
        ]
        self._schema = pa.schema(fields, metadata={_ROSTER_KEY: msgspec.json.encode(roster)})
        self._words: dict[str, Any] = {
            "venue": pa.array(roster.venues), "coin": pa.array(roster.coins), "side": pa.array(["long", "short"]),
        }  # fmt: skip
        self._file = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self.rows = 0

    def add(self, rows: Rows) -> None:
        import pyarrow as pa

        codes = {"side": (rows["side"] < 0).astype(np.int32)}
        columns = []
        for name in COLUMNS:
            if name in _TEXTS:
                code = codes.get(name, rows[name]).astype(np.int32)
                columns.append(pa.DictionaryArray.from_arrays(pa.array(code), self._words[name]))
            else:
                columns.append(pa.array(np.ascontiguousarray(rows[name])))
        self._file.write_table(pa.table(columns, schema=self._schema))
        self.rows += len(rows)

    def close(self) -> None:
        self._file.close()


@contextlib.contextmanager
def _writer(path: Path, roster: Roster) -> Iterator[_Writer]:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with contextlib.closing(_Writer(part, roster)) as writer:
            yield writer
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _watched(world: KnownMarket, every_ms: int, truth: _Writer) -> Iterator[EventBlock]:
    last_ms = world.history_start_ms
    for block in world.every_block():
        yield block
        # By crossing, as steps need not divide the interval; a step longer than it gives one snapshot, at its end.
        if block.tick_ms is not None:
            if block.tick_ms // every_ms > last_ms // every_ms:
                truth.add(world.positions())
            last_ms = block.tick_ms

