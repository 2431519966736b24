"""Journals of programs with other columns, kinds or facts: read by name, or refused by the name of what is unknown."""

import contextlib
import pathlib
import sqlite3
from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.recfunctions import repack_fields

from liqbot.blocks import DTYPES, KINDS, NO_ROWS, EventBlock, Roster
from liqbot.events import CodeVersion, Event, Fill, Halt
from liqbot.exits import Exit
from liqbot.journal import Journal, JournalReader, check, codec, schema
from liqbot.journal.errors import CorruptRecordError, UnknownShapeError
from liqbot.journal.shape import FIRST_FORMAT, TODAY, KindShape, Shape, readings

ROSTER = Roster(("binance",), ("BTC",))
DTypes = Mapping[str, np.dtype]


class OtherBlock:
    """A block of a program whose kinds and columns are `rows`, as its journal takes it."""

    def __init__(self, rows: Mapping[str, np.ndarray], facts: tuple[Event, ...] = (), tick_ms: int = 1) -> None:
        self._rows, self.facts, self.tick_ms, self.backfilled, self.lag_ms = rows, facts, tick_ms, False, 0

    def rows(self, kind: str) -> np.ndarray:
        return self._rows.get(kind, NO_ROWS["tops"])

    @property
    def market_rows(self) -> int:
        return sum(len(rows) for rows in self._rows.values())


def written(path: pathlib.Path, dtypes: DTypes, *blocks: OtherBlock) -> pathlib.Path:
    """A journal as the program with these columns writes it."""
    with Journal.open(path, mode="paper", account="sim", roster=ROSTER, shape=Shape.of(dtypes)) as journal:
        for n, block in enumerate(blocks):
            journal.append(block, "feed", n)  # type: ignore[arg-type]
    return path


def read(path: pathlib.Path) -> list[EventBlock]:
    with JournalReader(path) as reader:
        return list(reader.blocks())


def filled(dtype: np.dtype, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, dtype)
    for name in dtype.names or ():
        rows[name] = rng.integers(0, 100, count) + (0.5 if dtype[name].kind == "f" else 0)
    return rows


def with_columns(kind: str, columns: list[tuple[str, str]]) -> dict[str, np.dtype]:
    return {**DTYPES, kind: np.dtype(columns)}


def columns_of(kind: str) -> list[tuple[str, str]]:
    return [(name, DTYPES[kind][name].str) for name in DTYPES[kind].names or ()]


def test_a_column_less_is_absent(tmp_path: pathlib.Path):
    older = with_columns("marks", [one for one in columns_of("marks") if one[0] != "index_price"])
    rows = filled(older["marks"], 5, 1)
    (block,) = read(written(tmp_path / "j.sqlite", older, OtherBlock({"marks": rows})))
    assert block.marks.dtype == DTYPES["marks"]
    assert np.isnan(block.marks["index_price"]).all()
    assert all((block.marks[name] == rows[name]).all() for name in rows.dtype.names or ())


@pytest.mark.parametrize("name", ["time_ms", "venue", "coin", "span_ms"])
def test_a_whole_number_less_is_refused_because_nothing_stands_for_absent(tmp_path: pathlib.Path, name: str):
    older = with_columns("bars", [one for one in columns_of("bars") if one[0] != name])
    path = written(tmp_path / "j.sqlite", older, OtherBlock({"bars": filled(older["bars"], 2, 1)}))
    with pytest.raises(UnknownShapeError, match=rf"record 1: bars: column '{name}' is missing"):
        read(path)


@pytest.mark.parametrize("at", [0, 3, -1])
def test_a_column_more_is_refused_by_name_wherever_it_stands(tmp_path: pathlib.Path, at: int):
    columns = columns_of("marks")
    columns.insert(at % (len(columns) + 1), ("basis_pct", "<f8"))
    newer = with_columns("marks", columns)
    path = written(tmp_path / "j.sqlite", newer, OtherBlock({"marks": filled(newer["marks"], 3, 1)}))
    with pytest.raises(UnknownShapeError) as refused:
        read(path)
    said = str(refused.value)
    assert f"journal {path}: record 1: marks: column 'basis_pct' is not one this program knows" in said
    assert "read it with that version" in said
    assert "\n" not in said
    assert refused.value.exit_code is Exit.DATABASE
    assert any("basis_pct" in problem for problem in check(path).problems)


def test_a_column_more_is_no_matter_while_its_kind_has_no_rows(tmp_path: pathlib.Path):
    newer = with_columns("marks", [*columns_of("marks"), ("basis_pct", "<f8")])
    bars = filled(DTYPES["bars"], 4, 2)
    (block,) = read(written(tmp_path / "j.sqlite", newer, OtherBlock({"bars": bars})))
    assert block.bars.tobytes() == bars.tobytes()
    assert not len(block.marks)


def test_kinds_in_another_order_and_two_swapped(tmp_path: pathlib.Path):
    """Funding was read as book tops when a number alone said which kind rows are: both are two prices wide."""
    rows = {kind: filled(DTYPES[kind], 3 + n, n) for n, kind in enumerate(KINDS)}
    swapped = {**DTYPES, "funding": DTYPES["tops"], "tops": DTYPES["funding"]}
    order = [{"funding": "tops", "tops": "funding"}.get(kind, kind) for kind in swapped]
    for n, kinds in enumerate((tuple(reversed(KINDS)), tuple(order))):
        dtypes = {kind: DTYPES[kind] for kind in kinds}
        (block,) = read(written(tmp_path / f"{n}.sqlite", dtypes, OtherBlock(rows)))
        assert {kind: block.rows(kind).tobytes() for kind in KINDS} == {
            kind: rows[kind].tobytes() for kind in KINDS
        }


def test_an_unknown_kind_is_refused_by_name_only_where_it_has_rows(tmp_path: pathlib.Path):
    newer = {"depths": np.dtype([("time_ms", "<i8"), ("depth_usd", "<f8")]), **DTYPES}
    bars = filled(DTYPES["bars"], 2, 1)
    path = written(
        tmp_path / "j.sqlite", newer, OtherBlock({"bars": bars}), OtherBlock({"depths": filled(newer["depths"], 1, 1)})
    )
    with JournalReader(path) as reader:
        records = reader.records()
        assert next(records).block.bars.tobytes() == bars.tobytes()
        with pytest.raises(UnknownShapeError, match=r"record 2: kind 'depths' is not one this program knows"):
            next(records)
        assert len(list(reader.records(facts_only=True))) == 2, "facts are read without any column"


def test_a_narrower_number_widens_and_a_wider_one_is_refused(tmp_path: pathlib.Path):
    narrow = with_columns("marks", [(name, "<f4" if typed == "<f8" else typed) for name, typed in columns_of("marks")])
    rows = filled(narrow["marks"], 3, 1)
    (block,) = read(written(tmp_path / "narrow.sqlite", narrow, OtherBlock({"marks": rows})))
    assert (block.marks["mark_price"] == rows["mark_price"]).all()
    assert block.marks.dtype == DTYPES["marks"]
    wide = with_columns("marks", [(name, "<i8" if name == "venue" else typed) for name, typed in columns_of("marks")])
    path = written(tmp_path / "wide.sqlite", wide, OtherBlock({"marks": filled(wide["marks"], 3, 1)}))
    with pytest.raises(UnknownShapeError, match="column 'venue' is <i8, which does not fit into <i2"):
        read(path)


def test_a_journal_continued_by_another_program_keeps_both_shapes(tmp_path: pathlib.Path):
    path = tmp_path / "j.sqlite"
    older = with_columns("marks", [one for one in columns_of("marks") if one[0] != "index_price"])
    old_rows, new_rows = filled(older["marks"], 3, 1), filled(DTYPES["marks"], 3, 2)
    written(path, older, OtherBlock({"marks": old_rows}))
    with JournalReader(path) as reader:  # open before the newer program comes
        for _ in range(2):
            written(path, DTYPES, OtherBlock({"marks": new_rows}))
        written(path, older, OtherBlock({"marks": old_rows}))
        first, second, third, fourth = reader.blocks()
    assert first.marks.tobytes() == fourth.marks.tobytes()
    assert np.isnan(first.marks["index_price"]).all()
    assert second.marks.tobytes() == third.marks.tobytes() == new_rows.tobytes()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM shape").fetchone() == (2,), "one row per distinct shape"
        assert connection.execute("SELECT shape FROM market ORDER BY seq").fetchall() == [(1,), (2,), (2,), (1,)]


NAMES = [f"c{n}" for n in range(8)]
SHAPES = st.dictionaries(
    st.sampled_from([*KINDS, "depths", "news"]),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["<f8", "<i8", "<f4"])), min_size=1, max_size=6,
             unique_by=lambda column: column[0]),
    min_size=1, max_size=6,
).map(lambda kinds: {kind: np.dtype(columns) for kind, columns in kinds.items()})


@pytest.mark.drawn
@given(SHAPES, SHAPES, st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_shape_is_read_by_name_into_any_other_or_refused(wrote: DTypes, wanted: DTypes, seed: int):
    rows = {kind: filled(dtype, 1 + n, seed + n) for n, (kind, dtype) in enumerate(wrote.items()) if (seed + n) % 4}
    shape = Shape.decoded(Shape.of(wrote).encoded())
    stored = codec.pack_market(OtherBlock(rows), shape)  # type: ignore[arg-type]
    if stored is None:
        assert not rows
        return
    readable = all(
        kind in wanted
        and all(name in wanted[kind].names for name in row.dtype.names)
        and all(np.can_cast(wrote[kind][name], wanted[kind][name]) for name in row.dtype.names)
        and all(name in row.dtype.names or wanted[kind][name].kind == "f" for name in wanted[kind].names)
        for kind, row in rows.items()
    )
    if not readable:
        with pytest.raises(UnknownShapeError):
            codec.unpack_market(stored, readings(shape, wanted))
        return
    found = codec.unpack_market(stored, readings(shape, wanted))
    assert list(found) == list(rows)
    for kind, row in found.items():
        assert row.dtype == wanted[kind]
        for name in wanted[kind].names:
            expected = rows[kind][name] if name in rows[kind].dtype.names else np.full(len(row), np.nan)
            assert np.array_equal(row[name], expected, equal_nan=wanted[kind][name].kind == "f")


# --- facts --------------------------------------------------------------------------------------------------------


def facts_of(*facts: dict[str, object]) -> bytes:
    return msgspec.msgpack.encode(facts)


def test_an_unknown_fact_is_refused_by_name(tmp_path: pathlib.Path):
    path = written(tmp_path / "j.sqlite", DTYPES, OtherBlock({}, (Halt(time_ms=1, reason="x"),)))
    newer = facts_of({"type": "Halt", "time_ms": 1, "reason": "x"}, {"type": "Hedged", "time_ms": 1, "pair": "ETH"})
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE block SET facts = ?", (newer,))
    with pytest.raises(UnknownShapeError, match=r"j\.sqlite: record 1: fact 'Hedged' is not one this program knows"):
        read(path)


def test_an_unknown_field_and_a_missing_one_name_their_fact():
    with pytest.raises(UnknownShapeError, match=r"Halt: .*unknown field `until_ms`"):
        codec.unpack_facts(facts_of({"type": "Halt", "time_ms": 1, "reason": "x", "until_ms": 7}))
    with pytest.raises(UnknownShapeError, match=r"Halt: .*missing required field `reason`"):
        codec.unpack_facts(facts_of({"type": "Halt", "time_ms": 1}))
    with pytest.raises(UnknownShapeError, match=r"BiasSet: Invalid enum value 3"):
        codec.unpack_facts(facts_of(
            {"type": "BiasSet", "time_ms": 1, "coin": "BTC", "side": 3, "until_ms": 2, "why": "a third side"}
        ))
    with pytest.raises(CorruptRecordError, match="do not decode"):
        codec.unpack_facts(facts_of({"type": "Halt", "time_ms": "noon", "reason": "x"}))


def test_a_missing_field_takes_its_default():
    (code,) = codec.unpack_facts(facts_of({"type": "CodeVersion", "time_ms": 1, "version": "0.1", "platform": "p"}))
    assert code == CodeVersion(time_ms=1, version="0.1", platform="p", source="", strategies=())
    (fill,) = codec.unpack_facts(facts_of({
        "type": "Fill", "time_ms": 1, "venue": "binance", "coin": "BTC", "client_id": "a", "fill_id": "1", "side": 1,
        "reduces": False, "price": "1", "quantity_base": "1", "fee": "0",
    }))
    assert isinstance(fill, Fill)
    assert fill.fee_currency == "USD"


# --- the first format, and what is no journal ---------------------------------------------------------------------


def first_format(path: pathlib.Path, market: bytes | None) -> pathlib.Path:
    """A journal with the tables and the bytes of the first format."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        for statement in schema._TABLES.split(";"):
            connection.execute(statement)
        connection.executemany("INSERT INTO stamp VALUES (?, ?)", {
            "journal_id": "abc123", "mode": "paper", "account": "sim", "retained_seq": "1",
            "roster": msgspec.json.encode(ROSTER).decode(),
        }.items())
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO block VALUES (1, 1, 1, 0, 0, 'feed', 0, 3, NULL)")
        connection.execute("INSERT INTO market VALUES (1, ?)", (market,))
        connection.execute("INSERT INTO step VALUES (1, x'00', NULL)")
    return path


def stored_first(rows: np.ndarray, number: int) -> bytes:
    """As the first format's program wrote it: kind number, count, byte planes."""
    planes = np.ascontiguousarray(rows).view(np.uint8).reshape(rows.size, rows.dtype.itemsize).T.tobytes()
    return b"\x00" + bytes([number]) + rows.size.to_bytes(4, "little") + planes


def as_written(rates: np.ndarray) -> bytes:
    """Without the column that came later."""
    return repack_fields(rates[[name for name in rates.dtype.names or () if name != "rate_stage"]]).tobytes()


def test_a_journal_of_the_first_format_is_read_and_continued(tmp_path: pathlib.Path):
    rates = filled(np.dtype([("time_ms", "<i8"), ("venue", "<i2"), ("coin", "<i2"), ("rate_pct", "<f8"),
                             ("interval_h", "<f8")]), 3, 1)
    path = first_format(tmp_path / "j.sqlite", stored_first(rates, 5))
    reader = JournalReader(path)
    (block,) = reader.blocks()
    assert as_written(block.funding) == rates.tobytes()
    assert np.isnan(block.funding["rate_stage"]).all()
    assert [(step.first_seq, step.seq, step.from_seq) for step in reader.steps()] == [(1, 1, None)]
    written(path, DTYPES, OtherBlock({"marks": filled(DTYPES["marks"], 2, 2)}))
    for again in (reader, JournalReader(path)):
        old, new = again.blocks()
        assert as_written(old.funding) == rates.tobytes()
        assert len(new.marks) == 2
        assert len(list(again.steps())) == 1
        again.close()


def test_an_upgraded_journal_has_the_tables_of_a_new_one(tmp_path: pathlib.Path):
    """What a table gains belongs into `_UPGRADES`: edited in place it would be missing in every older journal."""
    old, new = first_format(tmp_path / "old.sqlite", b""), tmp_path / "new.sqlite"
    tables = []
    for path in (old, new):
        Journal.open(path, mode="paper", account="sim", roster=ROSTER).close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            tables.append((version, connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()))
    assert tables[0] == tables[1]
    assert tables[0][0] == schema.SCHEMA_VERSION


def test_the_first_format_is_fixed():
    """By its bytes on disk: this text never changes, whatever becomes of today's columns."""
    head = '["time_ms","<i8"],["venue","<i2"],["coin","<i2"]'
    one = '["side","|i1"],["price","<f8"],["size_usd","<f8"]]}'
    assert FIRST_FORMAT.encoded() == (
        f'[{{"kind":"bars","columns":[{head},["span_ms","<i8"],["open","<f8"],["high","<f8"],["low","<f8"],'
        f'["close","<f8"],["volume_usd","<f8"],["buy_usd","<f8"],["sell_usd","<f8"]]}},'
        f'{{"kind":"liquidations","columns":[{head},{one},'
        f'{{"kind":"totals","columns":[{head},["span_ms","<i8"],["long_usd","<f8"],["short_usd","<f8"]]}},'
        f'{{"kind":"open_interest","columns":[{head},["oi_usd","<f8"]]}},'
        f'{{"kind":"marks","columns":[{head},["mark_price","<f8"],["index_price","<f8"]]}},'
        f'{{"kind":"funding","columns":[{head},["rate_pct","<f8"],["interval_h","<f8"]]}},'
        f'{{"kind":"tops","columns":[{head},["bid_price","<f8"],["ask_price","<f8"]]}},'
        f'{{"kind":"positions","columns":[{head},{one}]'
    )
    assert readings(FIRST_FORMAT)[0].stored.itemsize == 8 + 2 + 2 + 8 * 8


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE stamp SET value = '{' WHERE key = 'roster'", "the roster in its stamp does not decode"),
        ("UPDATE stamp SET value = '{\"venues\": [], \"coins\": []}' WHERE key = 'roster'", "the roster in its stamp"),
        ("UPDATE stamp SET value = 'soon' WHERE key = 'retained_seq'", "'soon', a whole number is right"),
        ("DELETE FROM stamp WHERE key = 'account'", "its stamp has no account"),
        ("UPDATE stamp SET value = x'ff' WHERE key = 'mode'", "its stamp has no mode"),
        ("UPDATE shape SET kinds = '[[' ", "shape 1 of its columns: does not decode"),
        ("UPDATE shape SET kinds = x'00ff'", "shape 1 of its columns: does not decode"),
        ("UPDATE shape SET kinds = '[{\"kind\": \"bars\", \"columns\": [[\"a\", \"O\"]]}]'", "bars.a: 'O' is no type"),
        ("UPDATE shape SET kinds = '[{\"kind\": \"bars\", \"columns\": []}]'", "kind 'bars' needs columns"),
        ("UPDATE shape SET kinds = replace(kinds, 'high', 'open')", "kind 'bars' needs columns"),
        ("UPDATE shape SET kinds = replace(kinds, 'tops', 'bars')", "each with a name of its own"),
        ("DROP TABLE shape", "not a readable journal"),
        ("DROP TABLE stamp", "not a readable journal"),
    ],
)
def test_a_mangled_stamp_is_one_clear_line(tmp_path: pathlib.Path, statement: str, said: str):
    path = written(tmp_path / "j.sqlite", DTYPES)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    for opened in (lambda: JournalReader(path), lambda: written(path, DTYPES)):
        with pytest.raises(CorruptRecordError) as refused:
            opened()
        assert said in str(refused.value)
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_record_of_a_shape_that_is_not_there(tmp_path: pathlib.Path):
    path = written(tmp_path / "j.sqlite", DTYPES, OtherBlock({"marks": filled(DTYPES["marks"], 1, 1)}))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE market SET shape = 9")
    with pytest.raises(CorruptRecordError, match=r"record 1: its columns are shape 9, which the stamp lacks"):
        read(path)


@pytest.mark.drawn
@given(st.text(max_size=80) | st.just(TODAY.encoded()).flatmap(
    lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=3)).map(lambda cut: text[: cut[0]] + cut[1])
))
@settings(max_examples=300, deadline=None)
def test_a_text_is_a_shape_or_corrupt(text: str):
    with contextlib.suppress(CorruptRecordError):
        assert Shape.decoded(Shape.decoded(text).encoded()) == Shape.decoded(text)


def test_a_shape_has_a_number_for_every_kind():
    kinds = tuple(KindShape(f"k{n}", (("a", "<f8"),)) for n in range(257))
    assert len(Shape.decoded(Shape(kinds[:256]).encoded()).kinds) == 256
    with pytest.raises(CorruptRecordError, match="257 kinds"):
        Shape.decoded(Shape(kinds).encoded())
