"""Many files, one tape: in order whatever the order of files and rows, told once, never contradicting."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import FORCED_HEAD, METRICS_HEAD, MINUTE_MS, START_MS, kline, lines, rows_of

from liqbot.blocks import DTYPES, unknown_rows
from paper.tapes.format import TapeError
from paper.tapes.importing import merge
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.merge import Spool
from paper.tapes.importing.run import import_files


def facts_at(kind: str, times: list[int], value: float = 1.0) -> Facts:
    rows = unknown_rows(kind, len(times))
    rows["time_ms"], rows["venue"], rows["coin"] = times, 0, 0
    for name in DTYPES[kind].names or ():
        if DTYPES[kind][name].kind == "f":
            rows[name] = value
    return Facts(kind, rows, np.arange(len(times)))


def merged(spool: Spool, kind: str) -> list[int]:
    groups = list(spool.merged())
    ends = [max(int(part.learnt[-1]) for part in group) for group in groups]
    begins = [min(int(part.learnt[0]) for part in group) for group in groups]
    assert all(begin > end for begin, end in zip(begins[1:], ends, strict=False)), "a group reaches into the next"
    return [
        time_ms for group in groups for part in group if part.kind == kind
            for time_ms in part.rows["time_ms"].tolist()]  # fmt: skip


@given(pieces=st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=20), min_size=1, max_size=12),
       hold=st.integers(1, 40))  # fmt: skip
def test_pieces_in_any_order_come_out_in_order_each_row_once(
    pieces: list[list[int]], hold: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch, Spool(tmp_path_factory.mktemp("spool")) as spool:
        patch.setattr(merge, "_HOLD_ROWS", hold)
        for number, piece in enumerate(pieces):
            spool.begin(f"file {number}")
            spool.add(facts_at("marks", sorted(set(piece), reverse=bool(number % 2))))
        once = {time_ms for piece in pieces for time_ms in piece}
        assert merged(spool, "marks") == sorted(once)
        assert spool.repeated == sum(len(set(piece)) for piece in pieces) - len(once)


def test_what_is_held_does_not_grow_with_what_is_imported(tmp_path: Path) -> None:
    pieces, rows, hold = 60, 10, 25
    with pytest.MonkeyPatch.context() as patch, Spool(tmp_path) as spool:
        patch.setattr(merge, "_HOLD_ROWS", hold)
        for kind in ("marks", "bars"):
            spool.begin(kind)
            for number in range(pieces):
                spool.add(facts_at(kind, list(range(number * rows, (number + 1) * rows))))
        sizes = [sum(len(part.rows) for part in group) for group in spool.merged()]
    assert sum(sizes) == 2 * pieces * rows
    assert max(sizes) <= hold + 2 * rows


def test_equal_forced_orders_of_one_file_all_happened_those_of_another_are_the_same(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for file, times in (("monthly", [5, 5, 9]), ("daily", [5, 5, 7])):
            spool.begin(file)
            spool.add(facts_at("liquidations", times))
        assert merged(spool, "liquidations") == [5, 5, 7, 9]
        assert spool.repeated == 2


def test_one_moment_told_differently_names_both(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for file, value in (("one.csv", 1.0), ("other.csv", 2.0)):
            spool.begin(file)
            spool.add(facts_at("open_interest", [3, 5], value))
        said = r"one\.csv row 0 and other\.csv row 0 tell one moment differently of the same open_interest series"
        with pytest.raises(TapeError, match=said):
            list(spool.merged())


def klines(minutes: range) -> str:
    return lines(*(kline(minute) for minute in minutes))


def test_days_and_months_together_are_the_month(tmp_path: Path) -> None:
    seed = 11
    for name, minutes in (("2024-08", range(90)), ("2024-08-01", range(40)), ("2024-08-02", range(40, 90))):
        (tmp_path / f"BTCUSDT-1m-{name}.csv").write_text(klines(minutes))
    rows = [f"2024-08-05 00:{minute:02}:00,BTCUSDT,80000,{48 + minute}00000000,1,1,1,1" for minute in range(5, 60, 5)]
    random.Random(seed).shuffle(rows)
    (tmp_path / "BTCUSDT-metrics-2024-08-05.csv").write_text(lines(METRICS_HEAD, *rows))
    forced = [(START_MS + at, "SELL", "LIMIT", "IOC", 2, 59_000, 59_500, "FILLED", 1, 2) for at in (5, 70_000)]
    (tmp_path / "BTCUSDT-liquidationSnapshot-2024-08-05.csv").write_text(lines(FORCED_HEAD, *forced))
    imported = import_files([tmp_path], tmp_path / "all.parquet")
    assert imported.tape.rows == 90 + 11 + 2, f"seed {seed}"
    assert imported.notes == ("90 rows that another file tells alike were left out",)
    told = rows_of(tmp_path / "all.parquet")
    assert [row["time_ms"] for row in told] == sorted(row["time_ms"] for row in told)
    import_files([tmp_path / "BTCUSDT-1m-2024-08.csv"], tmp_path / "month.parquet")
    assert [row for row in told if row["kind"] == "trades"] == rows_of(tmp_path / "month.parquet")


def test_two_time_frames_of_one_series_are_refused_with_both_named(tmp_path: Path) -> None:
    five = list(kline(0))
    five[6] = START_MS + 5 * MINUTE_MS - 1
    (tmp_path / "BTCUSDT-1m-a.csv").write_text(klines(range(3)))
    (tmp_path / "BTCUSDT-5m-a.csv").write_text(lines(five))
    said = r"BTCUSDT-1m-a\.csv row 2 and .*BTCUSDT-5m-a\.csv row 0 tell overlapping spans of the same trades series"
    with pytest.raises(TapeError, match=said):
        import_files([tmp_path], tmp_path / "t.parquet")
    assert not list(tmp_path.glob("*parquet*"))
