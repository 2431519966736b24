"""Books and profiles of the first format are read by today's code, and say what they said when they were written."""

import tomllib
from pathlib import Path
from typing import Any

import first_books as books
import pytest
from golden_lines import first_difference

OTHERWISE = {"session": "not_too_far", "facts": "not_too_far"}
"""Books in which this version decides otherwise, and where that begins: clusters lie elsewhere. Forced orders teach
with the bar that contains them, and clusters are measured otherwise."""
PROFILES = sorted(path.stem for path in books.PROFILES.glob("*.toml"))


@pytest.fixture(scope="module", params=books.BOOKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def expected(name: str) -> dict[str, Any]:
    return books.kept(name)


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    return books.unpacked(name, tmp_path)


def agree(expected: Any, found: Any) -> None:
    complaints = list(books.otherwise(expected, found))
    assert not complaints, "\n".join(complaints[:20])


def test_every_record_fact_and_row_is_read_by_name(expected: dict[str, Any], folder: Path) -> None:
    told = expected["journal"]
    columns = {kind: list(there["columns"]) for kind, there in told["rows"].items()}
    fields = {kind: there["fields"] for kind, there in told["facts"].items()}
    agree(told, books.journal_answers(folder, columns, fields))


@pytest.mark.drawn(dear=True)
def test_replay_decides_what_was_decided(name: str, expected: dict[str, Any], folder: Path) -> None:
    told, found = expected["replayed"], books.replayed(folder)
    assert (found["equality"] == "different") is (name in OTHERWISE)
    for count in ("records", "facts", "market_rows", "steps_compared"):
        assert found[count] == told[count]
    recorded = books.recorded_lines(folder)
    assert recorded
    difference = first_difference(recorded, books.decided_again(folder), digits=9)
    assert (difference is not None) is (name in OTHERWISE)
    if difference is not None:
        assert OTHERWISE[name] in str(difference), difference


def test_the_views_of_the_ledger_say_the_same(expected: dict[str, Any], folder: Path) -> None:
    books.said(folder, "db", "upgrade")
    agree(expected["views"], books.views_of(books.ledger_of(folder)))


@pytest.mark.drawn(dear=True)
def test_a_ledger_made_anew_from_the_journal_says_the_same(
    expected: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    found = books.views_of(books.rebuilt(folder, tmp_path / "anew.sqlite"))
    agree(books.as_recorded(expected["views"]), books.as_recorded(found))
    assert found.keys() >= expected["views"].keys()


def test_the_reading_verbs_answer_the_same(expected: dict[str, Any], folder: Path) -> None:
    books.said(folder, "db", "upgrade")
    agree(expected["asked"], books.asked(folder))
    for words in (("trades",), ("decisions",), ("pnl",), ("explain", "1")):
        assert books.said(folder, *words).strip(), words
    code, text = books.called(folder, "db", "check")
    assert code == expected["check"], text


def test_everything_was_in_them() -> None:
    facts, rows = (books.kept("facts")["journal"][name] for name in ("facts", "rows"))
    assert len(facts) == 25
    assert len(rows) == 8
    assert all(there["count"] for there in (*facts.values(), *rows.values()))
    session = books.kept("session")
    assert {trade["exit_reason"] for trade in session["views"]["v_trades"]} == {"exit", "stop", "take"}
    assert session["journal"]["facts"]["FundingPaid"]["count"] == 1
    assert session["journal"]["snapshots"] == 2
    assert {"POSITION_OPEN", "COOLDOWN"} <= {row["code"] for row in session["views"]["v_refusals"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_of_then_loads(profile: str) -> None:
    written = tomllib.loads((books.PROFILES / f"{profile}.toml").read_text(encoding="utf-8"))
    found = books.settings_of(profile)
    assert found["mode"] == written["mode"]
    assert found["coins"] == written["coins"]


def test_keys_of_then_are_taken_from_the_environment() -> None:
    names = ("api_key", "secret", "password")
    found = books.settings_of("every_setting", **{f"LIQBOT_KEYS__BINANCE__{name.upper()}": "x" for name in names})
    assert {f"keys.binance.{name}" for name in names} <= set(found)


def test_what_differs_is_named() -> None:
    assert not list(books.otherwise({"a": [1.0]}, {"a": [1.0 + 1e-12], "b": 2}))
    assert list(books.otherwise({"a": [1, 2]}, {"a": [1, 3]})) == [".a[1]: before 2, after 3"]
    assert list(books.otherwise({"a": 1}, {})) == [".a: is gone"]
    assert len(list(books.otherwise([1], [1, 2]))) == 1
