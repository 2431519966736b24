"""Venues and coins of a tape in any spelling: one book, one series, and a note of what was read as what."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from liqbot.blocks import KINDS
from paper.tapes.format import TapeError
from paper.tapes.importing.run import import_files
from paper.tapes.reader import Tape, read_tape
from tests.builders.small_tape import small_tape

CASE = Path("../shared/cases/coin_spelling")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tape(tmp_path_factory.mktemp("plain") / "t.parquet", hours=30)


def respelt(plain: Path, path: Path, **words: str) -> Path:
    """The same rows without the header, every second one with other words in the named columns."""
    table = parquet.read_table(plain).replace_schema_metadata(None)
    for name, word in words.items():
        place = table.schema.names.index(name)
        values = [word if row % 2 else value for row, value in enumerate(table[name].to_pylist())]
        table = table.set_column(place, name, pa.array(values, pa.string()))
    parquet.write_table(table, path)
    return path


def rows_of(tape: Tape) -> list[bytes]:
    return [block.rows(kind).tobytes() for block in tape.blocks(batch_rows=7) for kind in KINDS]


@pytest.mark.parametrize(
    "words",
    [
        {"coin": "BTCUSDT"}, {"coin": "BTC/USDT:USDT"}, {"coin": "btc"}, {"venue": "Binance"}, {"contract": "usdt"},
        {"venue": "binanceusdm", "coin": "BTC_USDT_USDT"},
    ],
    ids=lambda words: " ".join(words.values()),
)  # fmt: skip
def test_spellings_of_one_book_are_one_series(plain: Path, tmp_path: Path, words: dict[str, str]) -> None:
    own, other = read_tape(plain), read_tape(respelt(plain, tmp_path / "t.parquet", **words))
    assert (other.roster, other.holdings) == (own.roster, own.holdings)
    assert rows_of(other) == rows_of(own)
    assert own.notes == ()
    assert [note.partition(" is read as ")[2] for note in other.notes] == ["BTC of binance"]


def test_a_spelling_may_imply_the_contract(plain: Path, tmp_path: Path) -> None:
    tape = read_tape(respelt(plain, tmp_path / "t.parquet", coin="BTCUSD_PERP"))
    assert tape.roster.venues == ("binance", "binance:coin")
    assert tape.roster.coins == ("BTC",)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"venue": "binnance"}, "row 1 .*'venue': 'binnance'; no such venue; did you mean 'binance'"),
        ({"coin": "BTC/USDT"}, "row 1 .*'coin': 'BTC/USDT'; a spot market"),
        ({"coin": "BTCUSDT", "contract": "coin"}, "row 1 .*'contract': 'coin'; venue, coin and contract disagree"),
    ],
)
def test_unknown_ones_are_refused_with_row_and_nearest(
    plain: Path, tmp_path: Path, words: dict[str, str], says: str
) -> None:
    with pytest.raises(TapeError, match=says):
        read_tape(respelt(plain, tmp_path / "t.parquet", **words))


@pytest.mark.drawn(singly=True)
@pytest.mark.skipif(not CASE.exists(), reason="the recorded cases are not beside this checkout")
def test_the_recorded_case_is_the_same_market(tmp_path: Path) -> None:
    tapes = [import_files([CASE / name], tmp_path / f"{name}.parquet").tape for name in ("btc.csv", "btcusdt.csv")]
    assert tapes[0].roster == tapes[1].roster
    assert rows_of(tapes[0]) == rows_of(tapes[1])
