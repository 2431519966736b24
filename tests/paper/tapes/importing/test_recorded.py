"""Recordings of others, where they are at hand: imported, sound, and backtested."""

from pathlib import Path

import pytest
from pyarrow import parquet
from recordings import differing, rows_of

from paper.tapes.importing.reading import Hints
from paper.tapes.importing.run import import_files

SERIES = Path("../shared/data/series")
TAPES = Path("../shared/data/tapes")
CASES = Path("../shared/cases")
recorded = pytest.mark.skipif(not SERIES.is_dir(), reason="recorded series are not at hand (../shared/data/series)")


@recorded
def test_a_vendor_s_tables_are_the_tape_that_was_made_of_them(tmp_path: Path) -> None:
    """Its labels are UTC+6. The tape was made by hand from the same files."""
    import_files([str(SERIES / "coinalyze_2024/BTC*")], tmp_path / "t.parquet", Hints(utc_offset_h=6.0))
    ours = {(row["time_ms"], row["kind"]): row for row in rows_of(tmp_path / "t.parquet")}
    theirs = {(row["time_ms"], row["kind"]): row for row in rows_of(TAPES / "btc-2024-08-crash.parquet")}
    assert ours.keys() == theirs.keys()
    assert not [key for key in theirs if differing(ours[key], theirs[key])]


@recorded
@pytest.mark.parametrize(
    ("files", "hints", "told"),
    [
        (["coinglass_20251114/*/*_BTC*.parquet"], Hints(), {"funding": 4_424, "open_interest": 1_607,
                                                           "liquidation_totals": 1_080}),
        (["BTC_USDT_USDT-8h-*.feather", "btcusdt_perp_1m_b.feather"], Hints(venue="binance"),
         {"funding": 1_498, "mark": 1_498, "trades": 43_199}),
    ],
    ids=["Coinglass", "freqtrade"],
)  # fmt: skip
def test_series_of_others_become_sound_tapes(
    files: list[str], hints: Hints, told: dict[str, int], tmp_path: Path
) -> None:
    import_files([str(SERIES / name) for name in files], tmp_path / "t.parquet", hints)
    kinds = parquet.read_table(tmp_path / "t.parquet", columns=["kind"])["kind"].value_counts().to_pylist()
    assert {one["values"]: one["counts"] for one in kinds} == told


@pytest.mark.drawn
@recorded
def test_the_weekly_report_of_years_is_valued_where_candles_reach(tmp_path: Path) -> None:
    """Candles of 2023-01 to 2024-05: what was reported before and after is left out, and said."""
    files = [str(SERIES / "bykaranteli/cot-weekly.csv"), str(SERIES / "BTC_USDT_USDT-5m-futures.feather")]
    imported = import_files(files, tmp_path / "t.parquet", Hints(venue="binance"))
    rows = [row for row in rows_of(tmp_path / "t.parquet") if row["venue"] == "cme"]
    assert 65 <= len(rows) <= 75
    assert {row["coin"] for row in rows} == {"BTC"}
    assert all(row["learnt_ms"] - row["time_ms"] == 257_400_000 for row in rows)
    # CME held 1.1 to 3 billion USD in 2023 and up to 12 in 2024.
    values = [row["oi_usd"] for row in rows]
    assert 1e9 < min(values) < 2e9
    assert 8e9 < max(values) < 1.3e10
    notes = " ".join(imported.notes)
    assert "reports left out" in notes
    assert "20:30 UTC" in notes


@pytest.mark.skipif(not CASES.is_dir(), reason="cases are not at hand (../shared/cases)")
def test_one_market_however_it_was_saved_is_one_tape(tmp_path: Path) -> None:
    for name in ("coin_spelling/btc", "coin_spelling/btcusdt"):
        import_files([CASES / f"{name}.csv"], tmp_path / f"{name}.parquet")
    assert rows_of(tmp_path / "coin_spelling/btcusdt.parquet") == rows_of(tmp_path / "coin_spelling/btc.parquet")
    assert import_files([CASES / "csv_whole_number_float/pandas.csv"], tmp_path / "t.parquet").tape.rows == 6
