"""`liqbot bias set|clear|show`: a direction given from outside, for as long as it holds."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from liqbot import places
from liqbot.control import protocol
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import spelled
from liqbot.review.durations import moment_ms
from liqbot.verbs.control import bias_text
from liqbot.verbs.options import Data, Json, Profile

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
Coin = Annotated[str, typer.Argument(metavar="COIN", help="As in BTC.")]


@app.callback()
def bias() -> None:
    """Give the running bot a direction for a coin, take it back, or show what holds."""


@app.command("set")
def set_(
    coin: Coin,
    side: Annotated[str, typer.Argument(metavar="SIDE", help="long or short.")],
    until: Annotated[str, typer.Option("--until", help="18:00 (UTC), 2h, or 2026-11-22T18:00.")],
    why: Annotated[str, typer.Option("--why", help="Why; goes on record.")],
    profile: Profile = "paper",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set a bias; it lasts over restarts, until its time."""
    if side.lower() not in ("long", "short"):
        raise ExpectedError(f"side: {side!r} is neither 'long' nor 'short'", Exit.USAGE)
    moment_ms(until, time.time_ns() // 1_000_000)  # a usage error, also where no bot is running
    directory = places.data_dir(data, profile)
    # Counted on the bot's own clock: a simulated market has another day.
    until_ms = moment_ms(until, protocol.request(directory, {"verb": "clock"})["time_ms"])
    command = {"coin": coin.upper(), "side": side.lower(), "until_ms": until_ms, "why": why}
    _send(command, directory, as_json=as_json)


@app.command()
def clear(
    coin: Coin,
    why: Annotated[str, typer.Option("--why", help="Why; goes on record.")] = "by hand",
    profile: Profile = "paper",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take a bias back."""
    _send({"coin": coin.upper(), "side": None, "why": why}, places.data_dir(data, profile), as_json=as_json)


@app.command()
def show(profile: Profile = "paper", data: Data = None, as_json: Json = False) -> None:
    """Show what holds now."""
    biases = protocol.request(places.data_dir(data, profile), {"verb": "biases"})["biases"]
    if as_json:
        print(json.dumps(biases))
        return
    for one in biases:
        print(spelled(bias_text(one)))
    if not biases:
        print("no bias is given")


def _send(command: dict[str, Any], directory: Path, *, as_json: bool) -> None:
    reply = protocol.request(directory, {"verb": "bias", **command})
    print(json.dumps(reply) if as_json else reply["said"])
