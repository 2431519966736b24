"""`liqbot db upgrade|backup|restore|check|repair|rebuild`: looking after the two books."""

from pathlib import Path
from typing import Annotated

import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import without_passwords
from liqbot.private_files import PRIVATE_DIRECTORY
from liqbot.review.ledger_reader import ledger_place
from liqbot.review.tables import print_json
from liqbot.verbs.options import ConfigDir, Data, Json, LedgerDb, Profile

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def db() -> None:
    """Upgrade, back up, check and mend the journal and the ledger."""


@app.command()
def upgrade(
    place: LedgerDb = None, data: Data = None, profile: Profile = "paper", as_json: Json = False
) -> None:
    """Bring a ledger to the newest schema and make its views anew; a newer one is refused."""
    from liqbot.ledger.connect import engine_for, sqlite_url
    from liqbot.ledger.migrate import HEAD
    from liqbot.ledger.migrate import upgrade as to_newest

    where = ledger_place(place, data, profile)
    if "://" not in where and not Path(where).is_file():
        raise ExpectedError(f"no ledger at {where}: liqbot paper makes one", Exit.NOT_FOUND)
    engine = engine_for(where if "://" in where else sqlite_url(Path(where)))
    try:
        changed = to_newest(engine)
    finally:
        engine.dispose()
    if as_json:
        print_json({"ledger": without_passwords(where), "schema": HEAD, "upgraded": changed})
    else:
        print(f"{where}: {'upgraded to' if changed else 'is at'} schema {HEAD}")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Directory for the copies; made when it is not there.")],
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Copy journal and ledger, consistently, also while the bot runs. Nothing is overwritten."""
    from liqbot.journal import backup as backup_journal
    from liqbot.ledger.migrate import backup as backup_ledger

    folder = places.data_dir(data, profile)
    books = {places.journal_path: backup_journal, places.ledger_path: backup_ledger}
    found = [(place(folder), copy) for place, copy in books.items() if place(folder).is_file()]
    if not found:
        raise ExpectedError(f"no books in {folder}: liqbot paper makes them", Exit.NOT_FOUND)
    try:
        target.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise ExpectedError(f"backup {target}: {error.strerror}", Exit.DATABASE) from None
    for path, copy in found:
        copy(path, target / path.name)
        if not as_json:
            print(f"{path} -> {target / path.name}")
    if as_json:
        print_json({"copies": [{"from": str(path), "to": str(target / path.name)} for path, _ in found]})


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Directory that `db backup` wrote, or a copied journal file.")],
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Put the journal of a backup into a state directory that has none; the next start makes the ledger from it.

    It gets an id of its own: orders that the original left at the venue are another's then, and adopted.
    """
    from liqbot.journal import restore as restore_journal

    folder = places.data_dir(data, profile)
    copied = places.journal_path(source) if source.is_dir() else source
    if not copied.is_file():
        why = "no journal there; name a directory that liqbot db backup wrote"
        raise ExpectedError(f"restore {source}: {why}", Exit.USAGE)
    try:
        folder.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise ExpectedError(f"restore into {folder}: {error.strerror}", Exit.DATABASE) from None
    journal_id = restore_journal(copied, places.journal_path(folder))
    if as_json:
        print_json({"journal": str(places.journal_path(folder)), "journal_id": journal_id})
        return
    print(f"{copied} -> {places.journal_path(folder)}, with the id {journal_id}")
    print("next: liqbot db rebuild makes the ledger; liqbot adopt shows what the original left on the account")


@app.command()
def check(data: Data = None, profile: Profile = "paper", as_json: Json = False) -> None:
    """Read every record, ask the databases for their own checks, and count the money; exit code 1 on a problem."""
    from liqbot.review.books_check import checked

    folder = places.data_dir(data, profile)
    found = checked(folder)
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            if name != "problems":
                print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
        print("\n".join(f"PROBLEM {problem}" for problem in found["problems"]) or "no problems found")
    if found["problems"]:
        raise typer.Exit(Exit.FAILED)


@app.command()
def repair(data: Data = None, profile: Profile = "paper", as_json: Json = False) -> None:
    """Copy what can be read of a damaged journal into a new one in its place; the damaged one is kept beside it.

    The bot must not run. What happened in the lost records is read from the venue at the next start.
    """
    import time

    import msgspec

    from liqbot.journal import repair as repair_journal
    from liqbot.runtime.assembly import snapshot_version

    path = places.journal_path(places.data_dir(data, profile))
    done = repair_journal(path, time.time_ns() // 1_000_000, snapshot_version=snapshot_version())
    if as_json:
        print_json(msgspec.structs.asdict(done))
        return
    print(f"{path}: {done.records:,} records up to {done.last_seq:,}; the damaged one is kept as {done.kept}")
    print(f"lost: {done.lost}")
    print("next: liqbot start; it reads from the venue what happened since, and makes the ledger anew where it must")


@app.command()
def rebuild(
    data: Data = None,
    profile: Profile = "paper",
    config: ConfigDir = None,
    partly: Annotated[
        bool, typer.Option("--partly", help="Where retention dropped the beginning: from the oldest snapshot on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the ledger of a state directory anew from its journal; the one that is there is kept beside it.

    The bot must not run. A journal with strategies of your own needs the profile that names them.
    """
    from liqbot.review.ledger_remade import remade
    from liqbot.settings.load import own_strategies

    folder = places.data_dir(data, profile)
    count, kept = remade(folder, own_strategies(profile, config), partly=partly)
    if as_json:
        print_json({"ledger": str(places.ledger_path(folder)), "records": count, "kept": kept and str(kept)})
        return
    print(f"{places.ledger_path(folder)}: made anew from {count:,} records")
    if kept is not None:
        print(f"the one before is kept as {kept}")
