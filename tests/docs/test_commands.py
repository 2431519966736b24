"""Every command that a document shows exists: its verb, its options, and what it cannot do without."""

from typing import Any

import pytest
import typer

from liqbot.exits import ExpectedError
from liqbot.verbs.table import all_verbs, command_of
from tests.builders.documents import PAGES, ROOT, Shown, shown_commands

OF_THE_SCRIPT = {"test", "docs"}


def complaint(shown: Shown) -> str | None:
    """What the program itself would say of how it was called; nothing is run."""
    name, *words = shown.words
    if name in {"--help", "--version", "VERB"} or name in OF_THE_SCRIPT:
        return None
    if name == "bench":
        bench = words[0] if words else "performance"
        return None if (ROOT / "bench" / f"{bench}.py").is_file() else f"no such measurement: {bench}"
    if name not in all_verbs():
        return f"no such verb: {name}"
    return wrong_words(name, words, whole=shown.whole)


def wrong_words(name: str, words: list[str], *, whole: bool) -> str | None:
    command: Any = command_of(name, all_verbs()[name])
    if hasattr(command, "resolve_command") and not words:
        return "which of its verbs?" if whole else None
    try:
        context = command.make_context(name, list(words))
        if hasattr(command, "resolve_command"):
            name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
            command.make_context(name, list(words))
    except ExpectedError as error:
        return str(error)
    except typer.TyperException as error:
        said, placeholder = error.format_message(), any(word.isupper() for word in words)
        partly = not whole and any(word in said for word in ("Missing", "requires an argument"))
        if partly or ("Invalid value" in said and placeholder):
            return None
        return said
    return None


@pytest.mark.drawn(singly=True, dear=True)
def test_what_is_shown_can_be_typed() -> None:
    shown = [one for path in PAGES for one in shown_commands(path)]
    wrong = [f"{one.place}: {' '.join(one.words)}: {said}" for one in shown if (said := complaint(one))]
    assert not wrong, "\n".join(wrong)
    assert len(shown) > 100


@pytest.mark.parametrize(
    "words", [("mapp",), ("trades", "--nope"), ("config", "shwo"), ("explain",), ("bench", "nothing"), ("config",)]
)
def test_what_cannot_is_noticed(words: tuple[str, ...]) -> None:
    assert complaint(Shown("here", words, whole=True))
