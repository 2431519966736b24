"""The command to try next, as it can be typed where this one was: the program's own name, and the same books."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple

from liqbot.places import HOME_VARIABLE
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.parameters import DEFAULT_PROFILE

_NAME: Final = "liqbot"


class Books(NamedTuple):
    """Which books the command line names."""

    db: str | None = None
    data: Path | None = None
    profile: str = DEFAULT_PROFILE

    def ledger(self) -> Ledger:
        """Open, to be closed by `with`. ExpectedError where there is none. One that has read nothing of the journal
        beside it says so on stderr: its figures are those of other books."""
        found = Ledger(ledger_place(*self))
        other = found.unread_journal()
        if other:
            check = shlex.join((program(), "db", "check", "--data", str(Path(found.place).parent)))
            print(f"note: {found.place} has read nothing of journal {other} beside it; see {check}", file=sys.stderr)
        return found

    def command(self, *words: str) -> str:
        """A verb with its words that reads these books, quoted for a shell."""
        named = [] if self.profile == DEFAULT_PROFILE else ["--profile", self.profile]
        named += [] if self.data is None else ["--data", str(self.data)]
        named += [] if self.db is None else ["--db", self.db]
        return shlex.join((program(), *words, *named))


def program() -> str:
    """As it was called: `run` of a checkout, from wherever that is, else `liqbot`, by its path where none is found."""
    home = os.environ.get(HOME_VARIABLE, "")
    run = Path(home) / "run"
    if home and run.is_file():
        near = os.path.relpath(run)
        return min(near if os.sep in near else f"./{near}", str(run.absolute()), key=len)
    called = sys.argv[0]
    by_path = Path(called).name == _NAME and shutil.which(_NAME) is None
    return called if by_path else _NAME
