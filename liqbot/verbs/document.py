"""The reference of all verbs as Markdown, made from the verbs themselves so that it cannot be out of date."""

import re
from collections.abc import Mapping
from typing import Final

import typer.cli

from liqbot.exits import MEANINGS
from liqbot.verbs.table import Verb, all_verbs, command_of

_INTRO: Final = """# Command line

Made from the program's own verbs by `docs/generate_cli.py`; do not edit.

`./run VERB` in a checkout and `liqbot VERB` of an installed package are the same. Results go to stdout, the log and
what went wrong to stderr, in one line that says what would be right. `--json` is for machines. `liqbot --help` lists
the verbs, `liqbot VERB --help` explains one, `liqbot --version` says which version this is.

Times are `2h` (ago), `18:00`, `yesterday`, a date or an ISO time, in UTC. Where configuration, state and secrets lie:
[configuration](configuration.md).

## Exit codes

| code | meaning |
|---|---|
"""
_VERBS_HEAD: Final = """
130 is what Ctrl-C, SIGTERM or a closed terminal gives where a verb does not end in order by it.

## Verbs

| verb | what it does |
|---|---|
"""


def cli_markdown() -> str:
    """The whole document; verbs in the order of `liqbot --help`."""
    verbs = all_verbs()
    codes = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items())
    rows = "\n".join(f"| [`{name}`](#liqbot-{name}) | {verb.summary} |" for name, verb in verbs.items())
    return "\n".join([f"{_INTRO}{codes}\n{_VERBS_HEAD}{rows}\n", *_sections(verbs)]).rstrip() + "\n"


def _sections(verbs: Mapping[str, Verb]) -> list[str]:
    return [_section(name, verb) for name, verb in verbs.items()]


def _section(name: str, verb: Verb) -> str:
    command = command_of(name, verb)
    context = typer.Context(command, info_name=f"liqbot {name}")
    return _plain(typer.cli.get_docs_for_click(obj=command, ctx=context, indent=1, name=f"liqbot {name}"))


def _plain(markdown: str) -> str:
    """Without what every verb has, and so that `var/<profile>` is no tag of HTML."""
    markdown = re.sub(r"^\* `--help`: .*\n", "", markdown, flags=re.MULTILINE)
    markdown = re.sub(r"\*\*Options\*\*:\n\n(?=\n|\Z)", "", markdown)
    parts = re.split(r"(```.*?```|`[^`]*`)", markdown, flags=re.DOTALL)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)
