"""`Asked`: the words behind the question mark of a request, each read the way the verbs read their options."""

import difflib
from collections.abc import Collection, Mapping
from typing import Final

from liqbot.exits import Exit, ExpectedError

_YES: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": True}
_TEXT_MAX: Final = 200


class Asked:
    """ExpectedError (usage) names the word, what it was and what would be right."""

    def __init__(self, words: Mapping[str, str], known: Collection[str]) -> None:
        for name, text in words.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                there = ", ".join(known) or "no words at all"
                raise ExpectedError(f"{name[:_TEXT_MAX]!r}: {hint}this takes {there}", Exit.USAGE)
            if len(text) > _TEXT_MAX:
                raise ExpectedError(f"{name}: at most {_TEXT_MAX} characters", Exit.USAGE)
        self._words = dict(words)

    def text(self, name: str) -> str | None:
        """None where it is not said or empty."""
        return self._words.get(name) or None

    def coin(self) -> str | None:
        found = self.text("coin")
        return None if found is None else found.upper()

    def yes(self, name: str) -> bool:
        """A switch: `split`, `split=1` or `split=true`."""
        given = self._words.get(name)
        if given is None:
            return False
        if given.lower() not in _YES:
            raise ExpectedError(f"{name}: {given!r}, expected 1 or 0", Exit.USAGE)
        return _YES[given.lower()]

    def number(self, name: str, usual: float, least: float, most: float) -> float:
        given = self.text(name)
        try:
            found = usual if given is None else float(given)
        except ValueError:
            found = float("nan")
        if not least <= found <= most:
            raise ExpectedError(f"{name}: {given!r}, expected a number from {least:g} to {most:g}", Exit.USAGE)
        return found
