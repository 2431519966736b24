"""`liqbot map`: the liquidation map in the terminal or as JSON, from the bot's state or from a tape."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.parameters import Choice
from liqbot.review.pictures.map_text import draw_map
from liqbot.review.sources import MapQuery, find_map, time_of
from liqbot.review.tables import print_json
from liqbot.verbs.options import ConfigDir, Data, Db, Json, OwnProfile, Set

Tape = Annotated[Path | None, typer.Option("--tape", help="Fold this tape instead of reading the bot's state.")]
Coin = Annotated[str | None, typer.Option("--coin", help="Which coin [default: the first there is].")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was then: ISO time (UTC) or milliseconds.")]


def liquidation_map(
    db: Db = None,
    tape: Tape = None,
    coin: Coin = None,
    at: At = None,
    leverage: Annotated[str | None, typer.Option("--leverage", metavar="50,100", help="Only these tiers.")] = None,
    venue: Annotated[str | None, typer.Option("--venue", metavar="a,b", help="Only these venues.")] = None,
    reach: Annotated[float, typer.Option("--reach", min=0.5, max=40, help="Percent around the mark to draw.")] = 10.0,
    rows: Annotated[int, typer.Option("--rows", min=4, max=200, help="Lines per side.")] = 16,
    split: Annotated[bool, typer.Option("--split", help="With --json: by leverage and by venue as well.")] = False,
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
        coin.upper() if coin else None, time_of(at), _words(venue), _numbers(leverage), split and as_json
    )
    choice = Choice(profile, config, overrides or ())
    reading = find_map(query, choice, db=db, tape=tape, data=data).reading
    if as_json:
        print_json(reading.record)
        return
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((100, 24)).columns if terminal else 100
    colour = terminal and "NO_COLOR" not in os.environ
    print("\n".join(draw_map(reading, colour=colour, width=min(width, 140), rows=rows, reach_pct=reach)))


def _words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(text: str | None) -> tuple[float, ...] | None:
    words = _words(text)
    try:
        return None if words is None else tuple(float(word) for word in words)
    except ValueError:
        raise ExpectedError(f"--leverage {text!r}: numbers separated by commas, as in 50,100", Exit.USAGE) from None
