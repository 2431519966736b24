"""`liqbot tape info|check|import|export`: recordings in and out, in the one tape format."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot import places
from liqbot.journal import JournalReader
from liqbot.verbs.options import Data, Db, Json, Profile
from paper.tapes.info import holes, info_of, text_of
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import import_csv, write_tape

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
TapeFile = Annotated[Path, typer.Argument(metavar="TAPE", help="A tape: a Parquet file, one row per market fact.")]


@app.callback()
def tape() -> None:
    """Look at, check, import and export tapes: recorded markets that can be backtested and replayed."""


@app.command()
def info(path: TapeFile, as_json: Json = False) -> None:
    """Say what a tape holds, kind by kind and venue by venue, and what it lacks."""
    found = info_of(read_tape(path))
    print(msgspec.json.encode(found).decode() if as_json else text_of(found))


@app.command()
def check(path: TapeFile, as_json: Json = False) -> None:
    """Say whether a tape is sound; exit code 2 and one line naming the first fault when it is not."""
    _say_sound(read_tape(path), as_json=as_json)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="CSV", help="A CSV file with the format's columns.")],
    path: Annotated[Path, typer.Argument(metavar="TAPE", help="The tape to write.")],
    as_json: Json = False,
) -> None:
    """Make a tape from a CSV file; nothing is written when it breaks the format."""
    _say_sound(import_csv(source, path), as_json=as_json)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="TAPE", help="The tape to write.")],
    db: Db = None,
    data: Data = None,
    profile: Profile = "paper",
    own_times: Annotated[
        bool,
        typer.Option("--own-times", help="Keep each fact's own time, not its clock step's: finer, other ticks."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the market facts of a journal as a tape. Backtested, it gives the clock steps the journal saw."""
    journal = db or places.journal_path(places.data_dir(data, profile))
    with JournalReader(journal) as reader:
        write_tape(path, reader.blocks(), reader.stamp.roster, note="exported from a journal", on_ticks=not own_times)
    _say_sound(read_tape(path), as_json=as_json)


def _say_sound(tape: Tape, *, as_json: bool) -> None:
    if as_json:
        told = {"path": tape.path, "rows": tape.rows, "holes": holes(tape.holdings), "notes": tape.notes}
        print(msgspec.json.encode(told).decode())
        return
    print(f"ok: {tape.path}, {tape.rows:,} rows, {len(tape.roster.venues)} venues, {', '.join(tape.roster.coins)}")
    for line in (*holes(tape.holdings), *tape.notes):
        print(f"  {line}")
