"""Mending: each market time once and in order, what was sound unchanged, and what was dropped said."""

import json
import random
import signal
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings
from pyarrow import parquet
from typer.testing import CliRunner

from liqbot.blocks import KINDS, EventBlock, Roster, block_of
from liqbot.cli import main
from liqbot.events import MarkPrice
from liqbot.instruments import Side
from paper.tapes.format import TapeError
from paper.tapes.mend import mend
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import replacing, write_tape
from paper.verbs.tape import app as tape_app
from tests.builders.collector_life import Collector, market
from tests.builders.small_tape import FIRST_MS, HOUR_MS, small_tape

HOURS = 40


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tape(tmp_path_factory.mktemp("sound") / "t.parquet", hours=HOURS)


def rows_of(tape: Tape) -> list[bytes]:
    return [block.rows(kind).tobytes() for block in tape.blocks() for kind in KINDS]


def written(rows: list[dict[str, object]], like: pa.Table, path: Path) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows, like.schema), path)
    return path


def bar_of(rows: list[dict[str, object]], until_hour: int, **cells: object) -> dict[str, object]:
    bars = {row["time_ms"]: row for row in rows if row["kind"] == "trades"}
    return {**bars[FIRST_MS + until_hour * HOUR_MS], **cells}


@pytest.mark.drawn
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_comes_again_and_in_whatever_order_the_tape_is_as_it_was(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance, table = random.Random(seed), parquet.read_table(sound)
    rows = table.to_pylist()
    more = [chance.choice(rows) for _ in range(chance.randint(0, 60))]
    longer = [bar_of(rows, hour, span_ms=span * HOUR_MS) for hour, span in ((10, 2), (30, 4), (HOURS, 24))]
    mixed = [*rows, *more, *chance.sample(longer, chance.randint(0, 3))]
    chance.shuffle(mixed)
    folder = tmp_path_factory.mktemp("t")
    mended = mend(written(mixed, table, folder / "mixed.parquet"), folder / "mended.parquet")
    assert rows_of(mended.tape) == rows_of(read_tape(sound)), f"seed {seed}"
    assert mended.tape.notes == ()
    again = mend(folder / "mended.parquet", folder / "mended.parquet")
    assert again.changes == ()
    assert rows_of(again.tape) == rows_of(mended.tape)


def test_longer_bars_stay_where_nothing_shorter_tells_of_their_time(sound: Path, tmp_path: Path) -> None:
    table = parquet.read_table(sound)
    rows = table.to_pylist()
    gap = [row for row in rows if row["kind"] != "trades" or not 10 < (row["time_ms"] - FIRST_MS) // HOUR_MS <= 14]
    longer = [bar_of(rows, hour, span_ms=4 * HOUR_MS) for hour in (14, 16, 30)]
    mended = mend(written([*gap, *longer], table, tmp_path / "t.parquet"), tmp_path / "m.parquet")
    kept = parquet.read_table(tmp_path / "m.parquet").to_pylist()
    spans = [row["span_ms"] for row in kept if row["kind"] == "trades"]
    assert spans.count(4 * HOUR_MS) == 1
    assert len(spans) == HOURS - 4 + 1
    assert mended.changes[0] == "3 rows put in order of time"
    assert "2 of 39 rows dropped" in mended.changes[1]
    assert mended.changes[1].endswith("2 of them are longer than those")


def test_times_of_learning_and_the_header_are_kept(tmp_path: Path) -> None:
    roster = Roster(("binance", "bybit:coin"), ("BTC",))
    blocks: list[EventBlock] = [
        block_of([MarkPrice(time_ms=FIRST_MS + 1_000 * second - late_ms, venue=venue, coin="BTC", mark_price=60_000.0)
                  for venue in roster.venues for late_ms in (900, 300)], roster, tick_ms=FIRST_MS + 1_000 * second)
        for second in range(5)
    ]  # fmt: skip
    write_tape(tmp_path / "t.parquet", blocks, roster, tiers_as_of="2026-09-29", note="recorded", on_ticks=True)
    own, mended = read_tape(tmp_path / "t.parquet"), mend(tmp_path / "t.parquet", tmp_path / "m.parquet")
    assert (mended.changes, mended.tape.header) == ((), own.header)
    assert rows_of(mended.tape) == rows_of(own)
    assert [block.tick_ms for block in mended.tape.blocks()] == [block.tick_ms for block in blocks]


def test_forced_orders_told_again_are_dropped_and_others_of_the_moment_are_not(sound: Path, tmp_path: Path) -> None:
    table = parquet.read_table(sound)
    first = dict.fromkeys(table.schema.names) | {
        "time_ms": FIRST_MS + HOUR_MS, "venue": "binance", "coin": "BTC", "kind": "liquidation",
        "side": Side.LONG.word, "price": 60_000.0, "size_usd": 1e5,
    }  # fmt: skip
    forced = [first, {**first, "size_usd": 2e5}, first]
    mended = mend(written([*table.to_pylist(), *forced], table, tmp_path / "t.parquet"), tmp_path / "m.parquet")
    (held,) = [one for one in mended.tape.holdings if one.kind == "liquidation"]
    assert held.rows == 2


def test_other_faults_are_refused_and_nothing_is_written(sound: Path, tmp_path: Path) -> None:
    table = parquet.read_table(sound)
    rows = table.to_pylist()
    for broken, says in (
        ([*rows[:6], {**rows[6], "close": -1.0}], r"t\.parquet: row 6 .*'close'"),
        ([{**row, **{name: row[name] / 6e4 for name in ("volume_usd", "buy_usd", "sell_usd")}}
          if row["kind"] == "trades" else row for row in rows], r"t\.parquet, mended: row 0 .*'volume_usd'"),
    ):  # fmt: skip
        written(broken, table, tmp_path / "t.parquet")
        with pytest.raises(TapeError, match=says):
            mend(tmp_path / "t.parquet", tmp_path / "m.parquet")
        assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_the_verbs_say_what_was_dropped(sound: Path, tmp_path: Path) -> None:
    table = parquet.read_table(sound)
    rows = table.to_pylist()
    twice = written(sorted([*rows, *rows], key=lambda row: row["time_ms"]), table, tmp_path / "twice.parquet")
    runner = CliRunner()
    with pytest.raises(TapeError, match="--mend"):
        runner.invoke(tape_app, ["check", str(twice)], catch_exceptions=False)
    said = runner.invoke(tape_app, ["check", str(twice), "--mend", str(tmp_path / "m.parquet")], catch_exceptions=False)
    assert f"trades of BTC at binance: {HOURS} of {2 * HOURS} rows dropped" in said.stdout
    assert rows_of(read_tape(tmp_path / "m.parquet")) == rows_of(read_tape(sound))
    words = ["check", str(tmp_path / "m.parquet"), "--mend", str(tmp_path / "again.parquet"), "--json"]
    assert json.loads(runner.invoke(tape_app, words).stdout)["changes"] == ["nothing to mend"]
    words = ["import", str(twice), str(tmp_path / "imported.parquet"), "--mend"]
    assert f"{HOURS} of {2 * HOURS} rows dropped" in runner.invoke(tape_app, words, catch_exceptions=False).stdout


def test_what_a_venue_told_twice_in_our_own_recording_is_dropped_and_said(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "journal.sqlite")
    for second in range(1, 12):
        again = [one for one in market(second) if isinstance(one, MarkPrice)] if second % 3 == 0 else []
        collector.step(second, *again)
    collector.close()
    words = ["export", str(tmp_path / "t.parquet"), "--db", str(collector.path), "--json"]
    done = CliRunner().invoke(tape_app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["changes"]) == 1
    assert "mark" in told["changes"][0]
    assert len(read_tape(told["path"]).notes) == 0


def test_ended_by_a_service_manager_it_leaves_no_half_file(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[Path] = []

    def ended(_source: Path, path: Path) -> None:
        with replacing(path) as part:
            part.touch()
            there.extend(tmp_path.iterdir())
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("paper.verbs.tape.mend", ended)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # without one of its own the verb would end this test run
    try:
        assert main(["tape", "check", str(sound), "--mend", str(tmp_path / "m.parquet")]) == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    assert there
    assert not list(tmp_path.iterdir())
