"""Every verb answers in JSON where it is asked to, its errors too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_story import story

from liqbot import places
from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.ledger import LedgerWriter
from liqbot.ledger.migrate import HEAD
from liqbot.verbs.said_lines import SaidLines
from liqbot.verbs.table import all_verbs, command_of


def leaves(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    subs = getattr(command, "commands", {})
    if not subs:
        yield words, command
    for name, sub in subs.items():
        yield from leaves((*words, name), sub)


@pytest.fixture(scope="module")
def verbs() -> dict[tuple[str, ...], Any]:
    return {words: command for name, verb in all_verbs().items()
            for words, command in leaves((name,), command_of(name, verb))}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    with LedgerWriter(f"sqlite:///{places.ledger_path(tmp_path)}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return tmp_path


def answered(capsys: pytest.CaptureFixture[str], *words: object, code: int = Exit.OK) -> Any:
    assert main([*map(str, words), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_every_verb_has_it(verbs: dict[tuple[str, ...], Any]) -> None:
    lacking = [" ".join(words) for words, command in verbs.items()
               if "--json" not in {option for one in command.params for option in one.opts}]
    assert lacking == []
    assert len(verbs) > 40, "all of them were looked at"


@pytest.mark.drawn(singly=True)
def test_wrong_usage_of_every_verb_is_told_in_json_and_in_one_line(
    verbs: dict[tuple[str, ...], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for words in verbs:
        code = main([*words, "--no-such-option", "--json"])
        told = capsys.readouterr()
        found = json.loads(told.out)
        assert (code, found["ok"], found["exit_code"]) == (Exit.USAGE, False, Exit.USAGE), words
        assert told.err == f"liqbot: {found['error']}\n", words


def test_an_error_in_json_shows_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["trades", "--db", "postgresql://me:secret@127.0.0.1:1/none", "--json"])
    told = capsys.readouterr()
    assert json.loads(told.out)["exit_code"] == code != Exit.OK
    assert "secret" not in told.out + told.err


def test_the_books_are_looked_after_in_json(books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", books)
    ledger = str(places.ledger_path(books))
    assert answered(capsys, "db", "upgrade", *data) == {"ledger": ledger, "schema": HEAD, "upgraded": False}
    copies = answered(capsys, "db", "backup", tmp_path / "kept", *data)["copies"]
    assert copies == [{"from": ledger, "to": str(places.ledger_path(tmp_path / "kept"))}]


def test_what_works_for_long_says_its_lines_at_once_and_then_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    tell = SaidLines(as_json=True)
    tell("closing")
    assert capsys.readouterr() == ("", "closing\n")
    assert tell.ended(Exit.FAILED, flat=False) == Exit.FAILED
    found = json.loads(capsys.readouterr().out)
    assert found == {"ok": False, "exit_code": Exit.FAILED, "said": ["closing"], "flat": False}


@pytest.mark.drawn(singly=True)
def test_no_bot_no_file_and_what_was_written_are_json(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("pause",), ("stop",), ("resume",), ("bias", "clear", "BTC"), ("close",), ("status",)):
        assert "no bot is running" in answered(capsys, *words, "--data", books, code=Exit.NOT_FOUND)["error"], words
    picture = tmp_path / "map.svg"
    told = answered(capsys, "picture", "decision", "t1", picture, "--data", books)
    assert told["file"] == str(picture)
    assert "Decision 3: cascade long BTC" in told["title"]
    config = tmp_path / "config"
    assert len(answered(capsys, "config", "init", "--config", config)["written"]) > 2
    assert answered(capsys, "config", "init", "--config", config)["written"] == []
