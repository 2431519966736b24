"""docs/cli.md is what the verbs say of themselves."""

from liqbot.exits import MEANINGS, Exit
from liqbot.verbs.document import cli_markdown
from liqbot.verbs.table import all_verbs
from tests.builders.documents import ROOT


def test_the_reference_is_current() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert text == cli_markdown(), "run .venv/bin/python docs/generate_cli.py"


def test_it_names_every_verb_and_every_exit_code() -> None:
    text = cli_markdown()
    assert all(f"\n## `liqbot {name}`\n" in text for name in all_verbs())
    assert all(f"\n| {code.value} | {MEANINGS[code]} |\n" in text for code in Exit)
