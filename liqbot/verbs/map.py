"""`liqbot map`: the liquidation map in the terminal or as JSON, from the bot's state or from a tape."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.parameters import Choice, profile_parameters
from liqbot.review.pictures.map_text import draw_map, fitting_rows
from liqbot.review.reading import MapReading
from liqbot.review.sources import MapQuery, find_map, numbers_of, time_of, words_of
from liqbot.review.tables import print_json, screen_height, screen_width
from liqbot.verbs.options import ConfigDir, Data, Db, Json, OwnProfile, Set

if TYPE_CHECKING:
    from liqbot.review.comparison import ComparedSource

Tape = Annotated[Path | None, typer.Option("--tape", help="Fold this tape instead of reading the bot's state.")]
Coin = Annotated[str | None, typer.Option("--coin", help="Which coin [default: the first there is].")]
Compare = Annotated[str | None, typer.Option(
    "--compare", metavar="NAME|FILE.json",
    help="Beside the map of this source (external.NAME, asked now), or of an answer of one in a file.",
)]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was then: ISO time (UTC) or milliseconds.")]
_ROWS: Final = 16
_WIDTH_MAX: Final = 140


def liquidation_map(
    db: Db = None,
    tape: Tape = None,
    coin: Coin = None,
    at: At = None,
    leverage: Annotated[str | None, typer.Option("--leverage", metavar="50,100", help="Only these tiers.")] = None,
    venue: Annotated[str | None, typer.Option("--venue", metavar="a,b", help="Only these venues.")] = None,
    reach: Annotated[float, typer.Option("--reach", min=0.5, max=40, help="Percent around the mark to draw.")] = 10.0,
    rows: Annotated[
        int | None, typer.Option("--rows", min=4, max=200, help="Lines per side [default: what fits, else 16].")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="All that there is to say below the picture.")] = False,
    split: Annotated[bool, typer.Option("--split", help="With --json: by leverage and by venue as well.")] = False,
    compare: Compare = None,
    data: Data = None,
    profile: OwnProfile = None,
    config: ConfigDir = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Show where positions would be force-closed: shorts above the mark, longs below. USD is an estimate.

    A run's map is drawn with the parameters that the run recorded, unless --profile, --config or --set name others.
    """
    query = MapQuery(
        coin.upper() if coin else None, time_of(at), words_of(venue), numbers_of(leverage), split and as_json
    )
    choice = Choice(profile, config, overrides or ())
    other = None if compare is None else _other(compare, choice, at)
    reading = find_map(query, choice, db=db, tape=tape, data=data).reading
    if other is not None:
        from liqbot.review.comparison import print_beside  # here: it brings the network

        asyncio.run(print_beside(reading, other, as_json=as_json))
        return
    if as_json:
        print_json(reading.record)
        return
    print("\n".join(_drawn(reading, rows, reach, full=full)))


def _drawn(reading: MapReading, rows: int | None, reach_pct: float, *, full: bool) -> list[str]:
    width, height = screen_width(), screen_height()
    fitting, notes = fitting_rows(height) if height is not None else (_ROWS, None)
    return draw_map(
        reading, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ, width=min(width or 100, _WIDTH_MAX),
        rows=rows or fitting, reach_pct=reach_pct, notes_max=None if full else notes,
    )


def _other(name: str, choice: Choice, at: str | None) -> "ComparedSource":
    """ExpectedError in one line, before anything is read, where the source is unknown or its key is missing."""
    from liqbot.review.comparison import named_other  # here: as above

    if at is not None and not name.endswith(".json"):
        raise ExpectedError(f"--at {at}: {name} tells its map of now; name an answer that was saved then", Exit.USAGE)
    return named_other(name, profile_parameters(choice).settings().external)
