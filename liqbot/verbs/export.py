"""`liqbot export`: fills, funding, transfers and trades as CSV, for accounting and taxes."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.private_files import replace_private_file
from liqbot.review.export import EXPORTS, as_csv, exported
from liqbot.review.tables import print_json
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import Data, Json, LedgerDb, Profile
from liqbot.verbs.period import Day, Since, Until, period_of

_STDOUT: Final = Path("-")
"""As other programs call it; a file of that name is nearly out of reach."""


def export(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"{', '.join(EXPORTS)}.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="CSV file to write, mode 0600 [default: stdout].")
    ] = None,
    since: Since = None,
    until: Until = None,
    day: Day = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE where it is there already.")] = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Write fills, funding, transfers or closed trades as CSV: exact decimals, times as ISO and in ms, account, venue.

    docs/export.md says what each column holds.
    """
    if what not in EXPORTS:
        raise ExpectedError(f"export {what!r}: one of {', '.join(EXPORTS)}", Exit.USAGE)
    if file == _STDOUT:
        file = None
    if file is not None and file.is_dir():
        raise ExpectedError(f"{file} is a directory: name the file to write in it", Exit.USAGE)
    if file is not None and file.exists() and not force:
        raise ExpectedError(f"{file} is there already: --force overwrites it", Exit.USAGE)
    with Books(db, data, profile).ledger() as ledger:
        rows = exported(ledger, what, period_of(ledger, since, until, day))
    if file is None and as_json:
        print_json(rows)
    elif file is None:
        sys.stdout.write(as_csv(what, rows))
    else:
        _write(file, as_csv(what, rows))
        told = {"file": str(file), "rows": len(rows)}
        print_json(told) if as_json else print(f"wrote {file}: {len(rows):,} {what}")


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    try:
        replace_private_file(file, text.encode())
    except OSError as error:
        raise ExpectedError(f"{file}: cannot be written: {error.strerror}", Exit.USAGE) from None
