"""What documents name exists: files of the repository, settings, variables of the environment."""

import re
from collections.abc import Iterator

from liqbot.places import PLACE_VARIABLES
from liqbot.settings.model import settings_model
from liqbot.settings.names import leaves
from tests.builders.documents import PAGES, ROOT

FILE = re.compile(r"`((?:liqbot|paper|tests|bench|docs|examples)/[\w./]*\w)(?:::\w+)?`")
SECTIONS = {path[0] for path, _ in leaves(settings_model()) if len(path) > 1}
SETTINGS = {".".join(path) for path, _ in leaves(settings_model())}

BOOKS = {"journal.sqlite", "ledger.sqlite", "alerts.jsonl"}


def missing(pattern: re.Pattern[str], known: set[str] | None = None) -> Iterator[str]:
    for page in PAGES:
        if page.name == "configuration.md":  # written from the settings, old names among them
            continue
        for line_number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for name in pattern.findall(line):
                if not (name in known if known is not None else (ROOT / name).exists()):
                    yield f"{page.relative_to(ROOT)}:{line_number}: {name}"


def test_files_that_are_named_exist() -> None:
    assert not list(missing(FILE))


def test_settings_that_are_named_exist() -> None:
    dotted = re.compile(rf"[`= ]((?:{'|'.join(sorted(SECTIONS))})(?:\.[a-z_]+)+)(?: = [^`]*`|`|=)")
    groups = {path.rsplit(".", depth)[0] for path in SETTINGS for depth in (1, 2)}
    assert not list(missing(dotted, SETTINGS | groups | BOOKS))


def test_variables_that_are_named_exist() -> None:
    known = {f"LIQBOT_{name.upper().replace('.', '__')}" for name in SETTINGS} | set(PLACE_VARIABLES)
    variable = re.compile(r"\b(LIQBOT_[A-Z_]+[A-Z])\b")
    assert not [one for one in missing(variable, known) if not re.search(r"LIQBOT_(KEYS|EXTERNAL)__", one)]
