"""`export`: exact, complete within its period, documented, and never over a file that is there."""

import csv
import io
import json
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_story import story

from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.ledger import LedgerWriter
from liqbot.review.export import EXPORTS, _nano, _usd, _words, as_csv
from liqbot.review.ledger_reader import Ledger

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("books")
    with LedgerWriter(f"sqlite:///{data / 'ledger.sqlite'}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return data


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("what", EXPORTS)
def test_sums_are_the_ledgers_to_the_last_digit(
    what: str, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", what, "--data", str(books)]) == Exit.OK
    text = capsys.readouterr().out
    rows = rows_of(text)
    assert next(csv.reader(io.StringIO(text))) == [one.name for one in EXPORTS[what].columns]
    with Ledger(str(books / "ledger.sqlite")) as ledger:
        table = {"funding": "funding_payment", "transfers": "transfer"}.get(what, what.removesuffix("s"))
        kept = ledger.rows(f"SELECT * FROM {table}" + (" WHERE closed_ms IS NOT NULL" if what == "trades" else ""))
    assert len(rows) == len(kept)
    for column in ("realised_usd", "fee_usd", "amount_usd", "gross_usd", "funding_usd"):
        if kept and column in kept[0]:
            exact = sum((Decimal(row[column]) for row in rows), Decimal(0))
            assert exact * 10**6 == sum(row[column] for row in kept)
    assert main(["export", what, "--data", str(books), "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == rows


def test_a_dash_is_stdout_and_no_file(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "fills", "--data", str(books)]) == Exit.OK
    text = capsys.readouterr().out
    assert main(["export", "fills", "-", "--data", str(books)]) == Exit.OK
    assert capsys.readouterr().out == text
    assert list(tmp_path.iterdir()) == []


def test_a_fill_says_what_was_bought_and_when(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", "fills", "--data", str(books)])
    first, *_ = rows_of(capsys.readouterr().out)
    assert first["action"] == ("buy" if (first["side"] == "long") != (first["reduces"] == "1") else "sell")
    assert first["time"].endswith(f".{int(first['time_ms']) % 1000:03d}Z")
    assert first["venue"]
    main(["export", "fills", "--data", str(books), "--since", str(int(first["time_ms"]) + 1)])
    later = rows_of(capsys.readouterr().out)
    assert first["fill_id"] not in {row["fill_id"] for row in later}


def test_a_file_is_private_and_never_overwritten_unasked(books: Path, tmp_path: Path) -> None:
    file, words = tmp_path / "fills.csv", ["--data", str(books)]
    assert main(["export", "fills", str(file), *words]) == Exit.OK
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("mine")
    assert main(["export", "fills", str(file), *words]) == Exit.USAGE
    assert file.read_text() == "mine"
    assert main(["export", "fills", str(file), "--force", *words]) == Exit.OK
    assert file.read_text().startswith("time,time_ms,mode,account,venue")
    assert main(["export", "fills", str(tmp_path / "no" / "x.csv"), *words]) == Exit.USAGE
    assert main(["export", "everything", *words]) == Exit.USAGE


@given(st.integers(-(10**18), 10**18))
def test_decimals_are_exact_and_plain(number: int) -> None:
    for cell, places in ((_usd, 6), (_nano, 9)):
        assert Decimal(cell(number)).scaleb(places) == number
        assert "E" not in cell(number)


def test_no_text_is_a_formula() -> None:
    assert _words("=1+1") == "'=1+1"
    assert as_csv("funding", []).count("\n") == 1


def test_the_document_has_every_column() -> None:
    tables = []
    for name, table in EXPORTS.items():
        head = f"## {name}\n\n{table.text.capitalize()}.\n\n| column | what |\n|---|---|\n"
        tables.append(head + "".join(f"| `{one.name}` | {one.text} |\n" for one in table.columns))
    assert "\n".join(tables) in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [("export", "fills"), ("incident",)])
def test_a_directory_is_never_said_to_be_overwritten(
    words: tuple[str, ...], books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for forced in ((), ("--force",)):
        assert main([*words, str(tmp_path), "--data", str(books), *forced]) == Exit.USAGE
        assert capsys.readouterr().err.endswith(f"{tmp_path} is a directory: name the file to write in it\n")
