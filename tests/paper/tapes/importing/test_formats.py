"""Every format from a recording in its documented shape: the right kind, book, time, side and USD."""

import json
from pathlib import Path

import msgspec
import pytest
from recordings import KLINE_HEAD, START_MS, Recording, differing, kline, lines, recordings, rows_of, zipped

from paper.tapes.format import TapeError
from paper.tapes.importing.files import found
from paper.tapes.importing.reading import Hints
from paper.tapes.importing.recognise import formats
from paper.tapes.importing.run import import_files
from paper.tapes.importing.tables import sample_of
from paper.tapes.reader import read_tape


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    return recordings(tmp_path_factory.mktemp("made"))




@pytest.mark.drawn
def test_each_comes_out_as_documented_and_is_a_sound_tape(known: dict[str, Recording], tmp_path: Path) -> None:
    for name, recording in known.items():
        folder = tmp_path / name
        recording.write(folder)
        imported = import_files([folder], folder / "out.parquet", Hints(**recording.hints))
        rows = rows_of(folder / "out.parquet")
        assert len(rows) == len(recording.told), (name, rows)
        for row, told in zip(rows, recording.told, strict=True):
            assert not differing(row, told), name
        assert recording.format in {one.format for one in imported.files}, name
        assert read_tape(folder / "out.parquet").rows == len(recording.told)


def test_each_file_is_claimed_by_one_format_and_every_format_is_tried(
    known: dict[str, Recording], tmp_path: Path
) -> None:
    claimed = set()
    for name, recording in known.items():
        recording.write(tmp_path / name)
        for source in found([tmp_path / name]).sources:
            sample = sample_of(source)
            assert sample is not None
            claims = [one.name for one in formats() if one.claims(sample)]
            assert len(claims) == 1, (name, source.name, claims)
            claimed |= set(claims)
    assert claimed | {"Coinglass, of no use to a tape"} == {one.name for one in formats()}


def test_a_packed_file_reads_as_the_file(tmp_path: Path) -> None:
    content = lines(KLINE_HEAD, kline(0), kline(1))
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/BTCUSDT-1m-2024-08.csv").write_text(content)
    (tmp_path / "zip").mkdir()
    packed = zipped("BTCUSDT-1m-2024-08.csv", content, tmp_path)
    (tmp_path / "zip/BTCUSDT-1m-2024-08.zip").write_bytes(packed)
    (tmp_path / "zip/BTCUSDT-1m-2024-08.zip.CHECKSUM").write_text("0")
    import_files([tmp_path / "plain"], tmp_path / "a.parquet")
    imported = import_files([str(tmp_path / "zip/*")], tmp_path / "b.parquet")
    assert rows_of(tmp_path / "a.parquet") == rows_of(tmp_path / "b.parquet")
    assert any("CHECKSUM" in note and "passed over" in note for note in imported.notes)


def test_amounts_in_usd_are_taken_as_such_where_it_is_said(tmp_path: Path) -> None:
    candle = {"o": 60_000.0, "h": 60_020.0, "l": 59_990.0, "c": 60_010.0, "v": 5e5, "bv": 3e5}
    history = [{"t": START_MS // 1_000 + at, **candle} for at in (0, 60)]
    (tmp_path / "ohlcv-history.json").write_text(json.dumps([{"symbol": "BTCUSDT.6", "history": history}]))
    import_files([tmp_path / "ohlcv-history.json"], tmp_path / "t.parquet", Hints(in_usd=True))
    assert [(row["venue"], row["volume_usd"], row["buy_usd"]) for row in rows_of(tmp_path / "t.parquet")] == [
        ("bybit", 5e5, 3e5)] * 2  # fmt: skip


@pytest.mark.parametrize(
    ("hints", "volume_usd"),
    [
        (Hints(), 10 * 60_005.0),
        (Hints(in_usd=True), 10.0),
        (Hints(contract_units=0.001), 0.01 * 60_005.0),
        (Hints(contract="coin", contract_units=100.0), 1_000.0),
    ],
    ids=["coin", "USD", "contracts", "inverse contracts"],
)
def test_a_volume_is_what_it_is_said_to_be(hints: Hints, volume_usd: float, tmp_path: Path) -> None:
    (tmp_path / "binance_BTC_1m.csv").write_text(lines(kline(0)[:6]))
    import_files([tmp_path], tmp_path / "t.parquet", msgspec.structs.replace(hints, coin="BTC"))
    assert rows_of(tmp_path / "t.parquet")[0]["volume_usd"] == pytest.approx(volume_usd)


def test_what_has_no_place_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "coinglass_long_short_ratio_BTC.json").write_text(json.dumps([{"time": START_MS, "ratio": 1.5}]))
    with pytest.raises(TapeError, match=r"no rows to import; .*no place on a tape"):
        import_files([tmp_path], tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_amounts_whose_contract_is_unknown_are_refused_until_it_is_said(tmp_path: Path) -> None:
    head = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
    row = f"okex-swap,DOGE-USDT-SWAP,{START_MS}000,{START_MS}000,1,buy,0.1,10"
    (tmp_path / "trades.csv").write_text(lines(head, row))
    with pytest.raises(TapeError, match=r"okx DOGE: what one contract is is not known; say it with --contract-units"):
        import_files([tmp_path / "trades.csv"], tmp_path / "t.parquet")
    import_files([tmp_path / "trades.csv"], tmp_path / "t.parquet", Hints(contract_units=1_000.0))
    assert rows_of(tmp_path / "t.parquet")[0]["volume_usd"] == pytest.approx(1_000.0)
