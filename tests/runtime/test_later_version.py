"""Books that a later version wrote on, opened by this one: what it cannot know it refuses in one line that says what to
do next, and a ledger stops nobody. The books are those of the former version with what came later added."""

import contextlib
import json
import sqlite3
from pathlib import Path

import msgspec
import pytest
from former_books import recovered, unpacked

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.cli import main
from liqbot.events import Event
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal, JournalReader
from liqbot.ledger.soundness import move_aside_if_damaged
from liqbot.runtime.last_known import last_known

LATER_MS = 1_735_719_200_000


def written_on(data: Path, *facts: Event) -> Path:
    """Another start of a later version: its facts at the end of the journal."""
    path = places.journal_path(unpacked(data))
    with JournalReader(path) as reader:
        stamp = reader.stamp
    with Journal.open(path, mode=stamp.mode, account=stamp.account, roster=stamp.roster) as journal:
        journal.append(EventBlock(facts=facts), "inbox", 1)
    return path


def with_later_settings(data: Path) -> Path:
    """Two settings that this version has not, in the configuration that was in force last."""
    known = last_known(unpacked(data), "any")
    assert known is not None
    places.journal_path(data).unlink()
    config = json.loads(known.config.config_json)
    config["network"]["patience_s"] = 3.5
    config["oracle"] = {"enabled": True}
    later = msgspec.structs.replace(known.config, time_ms=LATER_MS, config_json=json.dumps(config))
    return written_on(data, msgspec.structs.replace(known.opened, time_ms=LATER_MS), later)


def test_settings_of_a_later_version_are_named_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    with_later_settings(tmp_path)
    with pytest.raises(ExpectedError, match="a newer liqbot wrote it; use that version, or begin in a new") as refused:
        recovered(tmp_path)
    assert refused.value.exit_code == Exit.CONFIG
    assert "network.patience_s" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "pydantic" not in str(refused.value)


def test_such_a_journal_still_says_that_a_position_may_be_open(tmp_path: Path) -> None:
    with_later_settings(tmp_path)
    known = last_known(tmp_path, "any")
    assert known is not None
    assert known.may_hold


def test_a_later_ledger_is_kept_aside_and_made_anew_at_a_start_and_refused_by_who_only_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = places.ledger_path(tmp_path)
    unpacked(tmp_path)
    with contextlib.closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert main(["trades", "--data", str(tmp_path)]) == Exit.DATABASE
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "has schema 9999" in said[0]
    assert said[0].endswith("upgrade liqbot")
    kept = move_aside_if_damaged(f"sqlite:///{ledger}", "any", 1)
    assert kept is not None
    assert kept.is_file()
    assert not ledger.exists()
