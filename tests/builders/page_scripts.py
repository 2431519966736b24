"""What the scripts of the page name, against what the page has."""

import re
from pathlib import Path
from typing import Final

_NAMED: Final = re.compile(r"""\b(?:byId|show)\("([\w-]+)"[,)]""")


def ids_without_a_place(static: Path) -> set[str]:
    """Ids that a script shows something in and no element of the page has."""
    scripts = [path.read_text(encoding="utf-8") for path in static.glob("*.js")]
    named = {name for script in scripts for name in _NAMED.findall(script)}
    assert len(named) > 10
    return named - set(re.findall(r'\bid="([\w-]+)"', (static / "index.html").read_text(encoding="utf-8")))
