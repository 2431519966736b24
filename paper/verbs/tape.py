"""`liqbot tape info|check|import|export`: recordings in and out, in the one tape format."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot import places
from liqbot.journal import JournalReader
from liqbot.legible import counted
from liqbot.settings import load
from liqbot.verbs.options import ConfigDir, Data, Db, Json, Profile, plain_name
from paper.tapes.format import TapeError
from paper.tapes.importing.reading import Hints
from paper.tapes.importing.run import Imported, import_files
from paper.tapes.info import holes, info_of, text_of
from paper.tapes.mend import mend
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import write_tape

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
TapeFile = Annotated[Path, typer.Argument(metavar="TAPE", help="A tape: a Parquet file, one row per market fact.")]


OwnVenues = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Know the venues of one's own that this profile names.")
]


@app.callback()
def tape(profile: OwnVenues = None, config: ConfigDir = None) -> None:
    """Look at, check, import and export tapes: recorded markets that can be backtested and replayed."""
    if profile is not None:
        load(plain_name(profile), config=config)


@app.command()
def info(path: TapeFile, as_json: Json = False) -> None:
    """Say what a tape holds, kind by kind and venue by venue, and what it lacks."""
    found = info_of(read_tape(path))
    print(msgspec.json.encode(found).decode() if as_json else text_of(found))


@app.command()
def check(
    path: TapeFile,
    to: Annotated[
        Path | None,
        typer.Option("--mend", metavar="FILE", help="Write a tape that tells each market time once and in order."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether a tape is sound; exit code 2 and one line naming the first fault when it is not.

    With --mend rows that are told twice or out of order are no fault: what was dropped is said.
    """
    if to is None:
        _say_sound(read_tape(path), as_json=as_json)
        return
    mended = mend(path, to)
    _say_sound(mended.tape, mended.changes or ("nothing to mend",), as_json=as_json)


@app.command("import")
def import_(
    words: Annotated[
        list[str],
        typer.Argument(metavar="FILE... TAPE", help="Files, folders and patterns to read; last the tape to write."),
    ],
    venue: Annotated[str | None, typer.Option(help="The venue, where the files do not say it: binance.")] = None,
    coin: Annotated[str | None, typer.Option(help="The coin or symbol, where they do not say it: BTC.")] = None,
    contract: Annotated[str | None, typer.Option(help="The contract, where they do not say it: usdc, coin.")] = None,
    contract_units: Annotated[
        float | None,
        typer.Option(
            min=1e-12, max=1e12,
            help="What one contract is, in coin (of an inverse contract in USD), where it is not known.",
        ),
    ] = None,
    utc_offset: Annotated[
        float, typer.Option(metavar="HOURS", min=-14, max=14, help="Of times that name no zone: 6 for UTC+6.")
    ] = 0.0,
    in_usd: Annotated[
        bool, typer.Option("--in-usd", help="Amounts whose unit a file does not tell are USD, not coin.")
    ] = False,
    bar_ms: Annotated[int, typer.Option(min=100, help="Single trades become bars of this span.")] = 1_000,
    mended: Annotated[
        bool, typer.Option("--mend", help="Drop what is told twice instead of refusing it, and say what was dropped.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a tape from recordings of known formats (docs/tapes.md lists them), told by their columns and names.

    Nothing is written when a file breaks its format or files contradict each other."""
    *typed, path = words
    if not typed:
        raise typer.BadParameter("what to read, then the tape to write, are right: tape import FILE... TAPE")
    hints = Hints(venue, coin, contract, contract_units, utc_offset, in_usd, bar_ms)
    imported = import_files(typed, path, hints, mended=mended)
    _say_imported(imported, as_json=as_json)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="TAPE", help="The tape to write.")],
    db: Db = None,
    data: Data = None,
    profile: Profile = "paper",
    raw: Annotated[
        Path | None,
        typer.Option("--raw", metavar="DIR", help="Of raw messages that `record --raw` kept, instead of a journal."),
    ] = None,
    own_times: Annotated[
        bool,
        typer.Option("--own-times", help="Keep each fact's own time, not its clock step's: finer, other ticks."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the market facts of a journal as a tape. Backtested, it gives the clock steps the journal saw.

    With --raw the facts are read anew from raw messages, through the parsers of this version.
    """
    if raw is not None:
        if db is not None or data is not None:
            raise typer.BadParameter("--raw takes the place of --db and --data: give one of them")
        from liqbot.runtime.raw_replay import replayed  # with the feeds, which no other verb of these needs

        roster, blocks = replayed(raw)
        write_tape(path, blocks, roster, note="read from raw messages", on_ticks=not own_times)
        _say_exported(path, as_json=as_json)
        return
    journal = db or places.journal_path(places.data_dir(data, profile))
    with JournalReader(journal) as reader:
        write_tape(path, reader.blocks(), reader.stamp.roster, note="exported from a journal", on_ticks=not own_times)
    _say_exported(path, as_json=as_json)


def _say_exported(path: Path, *, as_json: bool) -> None:
    """What a venue told twice at one time is no fault of a recording: dropped, and said."""
    try:
        tape, dropped = read_tape(path), tuple[str, ...]()
    except TapeError:
        mended = mend(path, path)
        tape, dropped = mended.tape, mended.changes
    _say_sound(tape, dropped, as_json=as_json)


def _say_imported(imported: Imported, *, as_json: bool) -> None:
    tape = imported.tape
    if as_json:
        record = {"path": tape.path, "rows": tape.rows, "files": imported.files, "holes": holes(tape.holdings),
                "notes": (*imported.notes, *tape.notes)}
        print(msgspec.json.encode(record).decode())
        return
    for name, files in itertools.groupby(sorted(imported.files, key=lambda one: one.format), lambda one: one.format):
        read = list(files)
        print(f"{name}: {sum(one.rows for one in read):,} rows of {len(read)} files")
    for note in imported.notes:
        print(f"  {note}")
    _say_sound(tape, as_json=False)


def _say_sound(tape: Tape, changes: Sequence[str] = (), *, as_json: bool) -> None:
    if as_json:
        record = {"path": tape.path, "rows": tape.rows, "changes": changes, "holes": holes(tape.holdings),
                "notes": tape.notes}
        print(msgspec.json.encode(record).decode())
        return
    venues = counted(len(tape.roster.venues), "venue")
    print(f"ok: {tape.path}, {tape.rows:,} rows, {venues}, {', '.join(tape.roster.coins)}")
    for line in (*changes, *holes(tape.holdings), *tape.notes):
        print(f"  {line}")
