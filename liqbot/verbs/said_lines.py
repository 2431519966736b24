"""What a verb says while it works: lines as they come, or one JSON document at its end with all of them."""

import sys
from typing import Any

from liqbot.exits import Exit
from liqbot.review.tables import print_json


class SaidLines:
    """Of a verb whose progress matters more than its result: with `--json` the lines go to stderr as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._said: list[str] = []

    def __call__(self, text: str) -> None:
        self._said.append(text)
        print(text, file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def ended(self, exit_code: int, **more: Any) -> int:
        """The exit code; with `--json` the document, `more` in it."""
        if self._as_json:
            print_json({"ok": exit_code == Exit.OK, "exit_code": int(exit_code), "said": self._said, **more})
        return exit_code
