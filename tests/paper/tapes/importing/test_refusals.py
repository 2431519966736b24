"""What is refused says file, row, column, value and the right form; nothing is written."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from recordings import AGG_HEAD, FORCED_HEAD, KLINE_HEAD, START_MS, TARDIS_HEAD, kline, lines

from paper.tapes.format import TapeError
from paper.tapes.importing.reading import Hints
from paper.tapes.importing.run import import_files

HEAD = "timestamp,open,high,low,close,volume"
OURS = Hints(venue="binance")


def with_cell(row: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    return (*row[:index], value, *row[index + 1 :])


def candle(minute: int) -> tuple[Any, ...]:
    return kline(minute)[:6]


CASES = [
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0), with_cell(kline(1), 3, "n/a")), Hints(),
     r"BTCUSDT-1m\.csv: row 1 \(the first is 0\), column 'low': n/a; a number is right"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0)).replace(",", ";").replace(".", ","), Hints(),
     r"row 0 .*, column 'volume': 10,0; a number is right, as 1234\.5"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0), with_cell(kline(1), 7, "")), Hints(),
     r"row 1 .*, column 'quote_volume': nothing; a finite number is right"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0), with_cell(kline(1), 7, -5)), Hints(),
     r"row 1 .*, column 'quote_volume': -5.0; it cannot be negative"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0), with_cell(kline(1), 3, 60_015)), Hints(),
     r"row 1 .*, column 'open': 60000.0; open must lie within low\.\.high"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0), with_cell(kline(1), 0, 1_722_816)), Hints(),
     r"row 1 .*, column 'open_time': 1722816; a time is right: seconds to nanoseconds since 1970, or ISO 8601"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, with_cell(kline(0), 5, 0)), Hints(), r"mark prices belong in a folder"),
    ("BTCUSDT_240927-1m.csv", lines(KLINE_HEAD, kline(0)), Hints(), r"it expires; perpetuals"),
    ("spot/BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0)), Hints(), r"spot market; files of futures/um and futures/cm"),
    ("minutes.csv", lines(KLINE_HEAD, kline(0)), Hints(), r"does not say of which coin it is; say --coin"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0)), Hints(venue="bybit"), r"it is of binance, not of bybit"),
    ("BTCUSDT-1m.csv", lines(KLINE_HEAD, kline(0)), Hints(coin="ETH"), r"it is of BTC, not of ETH"),
    ("BTCUSDT-aggTrades.csv", lines(AGG_HEAD, (1, 60_000, 1, 1, 1, START_MS, "maybe")), Hints(),
     r"row 0 .*, column 'is_buyer_maker': maybe; one of true, false is right"),
    ("BTCUSDT-aggTrades.csv", lines(AGG_HEAD, (1, 60_000, 1, 1, 1, START_MS, "true"),
                                    (2, 60_000, 1, 1, 1, START_MS - 5_000, "true")), Hints(),
     r"row 1 .*, column 'transact_time': 1722815995000; trades must be sorted by time"),
    ("BTCUSDT-liq.csv", lines(FORCED_HEAD, (START_MS, "LONG", "L", "I", 1, 1, 1, "F", 1, 1)), Hints(),
     r"row 0 .*, column 'side': LONG; one of sell, buy is right"),
    ("x.csv", lines(HEAD, candle(0)), Hints(coin="BTC"), r"does not say of which venue it is; say --venue"),
    ("x.csv", lines(HEAD, candle(0)), Hints(coin="BTC", venue="binanc"), r"no such venue: 'binanc'; did you mean 'bin"),
    ("BTCUSDT.csv", lines(HEAD, candle(0)), OURS, r"one candle, and no time frame in its name"),
    ("BTCUSDT.csv", lines(HEAD, ("05.08.2024 00:00", *candle(0)[1:]), candle(1)), OURS,
     r"column 'timestamp': 05\.08\.2024 00:00; a time is right"),
    ("BTC_USDT-5m.feather", b"", OURS, r"not a feather file"),
    ("BTC_USDT-5m.json", json.dumps([candle(0), candle(1)]), OURS, r"its name tells spot candles"),
    ("BTC_USDT-5m.json", "{", OURS, r"not JSON"),
    ("tardis.csv", lines(TARDIS_HEAD, f"binance-futures,BTCUSDT,{START_MS}000,{START_MS}000,1,buy,60000,1"), Hints(),
     r"trades and liquidations have the same columns: its name or folder must say"),
    ("trades.csv", lines(TARDIS_HEAD, f"mtgox,BTCUSDT,{START_MS}000,{START_MS}000,1,buy,60000,1"), Hints(),
     r"no such venue: 'mtgox'"),
    ("open-interest-history.json", json.dumps([{"symbol": "BTCUSDT_PERP.A", "history": [
        {"t": (START_MS + at) // 1_000, "o": 1, "h": 1, "l": 1, "c": 8e4} for at in (0, 60_000)]}]), Hints(),
     r"row 0 .*, column 'time': .*it tells coins, and no price of BTC on binance .*: import its candles with it"),
    ("whatever.csv", "a,b\n1,2\n", Hints(), r"no known format \(columns a, b\); these are: Binance archive"),
    ("whatever.csv", f"{START_MS},2\n", Hints(), r"no known format \(first row 1722816000000, 2\)"),
    ("a.csv", "a,a\n1,2\n", Hints(), r"column 'a' occurs 2 times, once is right"),
    ("ragged.csv", lines(HEAD, candle(0), "1,2"), OURS, r"ragged\.csv: CSV parse error: Row #3: Expected 6 columns"),
    ("empty.csv", "", Hints(), r"no rows to import; .*empty\.csv: has no rows"),
    ("notes.txt", "hello", Hints(), r"nothing to read; files ending in csv, json, feather, parquet, packed as gz"),
    ("BTC.zip", b"no archive", Hints(), r"BTC\.zip: cannot be read"),
    ("BTC.csv.gz", b"no archive", Hints(), r"BTC\.csv\.gz: cannot be read"),
    ("BTC.csv.gz", gzip.compress(random.Random(5).randbytes(9_000).hex().encode())[:4_000], Hints(),
     r"BTC\.csv\.gz: cannot be read"),
    ("BTC.csv", b"\xff\xfe\x00", Hints(), r"BTC\.csv: not a CSV file in UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "hints", "said"), CASES, ids=[f"{one[0]}: {one[3][:40]}" for one in CASES])
def test_a_refusal_says_what_would_be_right(
    name: str, content: str | bytes, hints: Hints, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(TapeError, match=said) as caught:
        import_files([path], tmp_path / "out" / "t.parquet", hints)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*t.parquet*"))
    assert not list((tmp_path / "out").glob("*"))


def test_what_only_the_whole_shows_is_said_of_its_file_and_row(tmp_path: Path) -> None:
    later = [kline(minute) for minute in (5, 6)]
    cheap = [(*row[:1], 6.0, 6.1, 5.9, 6.0, *row[5:]) for row in later]
    (tmp_path / "BTCUSDT-1m-a.csv").write_text(lines(*(kline(minute) for minute in range(5))))
    (tmp_path / "BTCUSDT-1m-b.csv").write_text(lines(*cheap))
    said = r"BTCUSDT-1m-b\.csv: row 0 \(the first is 0\), column 'price': 6.0; a jump of more than x10 from 60010"
    with pytest.raises(TapeError, match=said):
        import_files([tmp_path], tmp_path / "t.parquet")


def test_the_last_of_many_recordings_is_not_taken_for_the_tape(tmp_path: Path) -> None:
    for name in ("BTCUSDT-1m-a.csv", "BTCUSDT-1m-b.csv"):
        (tmp_path / name).write_text(lines(KLINE_HEAD, kline(0)))
    with pytest.raises(TapeError, match=r"b\.csv: the tape to write comes last, and its name ends in \.parquet"):
        import_files([tmp_path / "BTCUSDT-1m-a.csv"], tmp_path / "BTCUSDT-1m-b.csv")
    assert "open_time" in (tmp_path / "BTCUSDT-1m-b.csv").read_text()


def test_a_tape_that_is_written_again_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1m-a.csv").write_text(lines(KLINE_HEAD, kline(0)))
    for _ in range(2):
        imported = import_files([tmp_path], tmp_path / "t.parquet")
        assert [one.format for one in imported.files] == ["Binance archive: klines"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for typed in (tmp_path / "absent.csv", tmp_path / "*.csv"):
        with pytest.raises(TapeError, match="no such file"):
            import_files([typed], tmp_path / "t.parquet")
