"""`liqbot check`: where would my liquidation sit, how dense is the map there, and where would it be thin?"""

import difflib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import CONTRACTS, MAIN_CONTRACT, side_of, split_venue_key, venue_key
from liqbot.review.parameters import Choice
from liqbot.review.placement import PlacedPosition, check_position, check_text
from liqbot.review.sources import FoundMap, MapQuery, find_map, from_file, time_of
from liqbot.review.tables import print_json
from liqbot.signals.strategies import avoid_liquidity
from liqbot.venues.registry import VENUES, mechanics_of
from liqbot.verbs.map import At, Coin, Tape
from liqbot.verbs.options import ConfigDir, Data, Db, Json, OwnProfile, Set


def check(
    side: Annotated[str, typer.Option("--side", help="long or short.")],
    entry: Annotated[float, typer.Option("--entry", min=1e-6, help="Entry price.")],
    leverage: Annotated[float, typer.Option("--leverage", min=1, max=200)],
    venue: Annotated[str, typer.Option("--venue", help="Venue whose tiers decide; VENUE:coin for inverse contracts.")],
    size_usd: Annotated[
        float, typer.Option("--size-usd", min=1, help="Notional: larger positions have higher maintenance.")
    ] = 10_000.0,
    db: Db = None,
    tape: Tape = None,
    json_map: Annotated[
        Path | None, typer.Option("--json-map", help="A map as liqbot map --json printed it.")
    ] = None,
    coin: Coin = None,
    at: At = None,
    data: Data = None,
    profile: OwnProfile = None,
    config: ConfigDir = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Say where a position of yours would be liquidated and whether a crowd is liquidated there too.

    Judged with the parameters that the run recorded, unless --profile, --config or --set name others.
    """
    try:
        position_side = side_of(side)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None
    _demand_venue(venue)
    query = MapQuery(coin.upper() if coin else None, time_of(at))
    choice = Choice(profile, config, overrides or ())
    found = from_file(json_map, choice) if json_map else find_map(query, choice, db=db, tape=tape, data=data)
    _answer(found, PlacedPosition(venue, found.reading.chart.coin, position_side, entry, leverage, size_usd), as_json)


def _answer(found: FoundMap, position: PlacedPosition, as_json: bool) -> None:
    percentile_max = found.parameters.settings().signals.of(avoid_liquidity.STRATEGY).density_percentile_max
    mechanics = mechanics_of(position.venue, position.coin)
    try:
        report = check_position(found.reading.chart, found.reading.clusters, mechanics, position, percentile_max)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None
    origin = found.parameters.origin
    if as_json:
        plain = msgspec.json.decode(msgspec.json.encode(report))  # NaN is null
        print_json(plain | {"percentile_max": percentile_max, "parameters": origin})
    else:
        print("\n".join([*check_text(report, percentile_max), f"parameters: {origin}"]))


def _demand_venue(key: str) -> None:
    """A name nobody knows would be answered with stand-in tiers, that is with a wrong price."""
    venue, contract = split_venue_key(key)
    if venue not in VENUES:
        near = difflib.get_close_matches(venue.lower(), VENUES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "liqbot venues lists them"
        raise ExpectedError(f"--venue {key!r}: no such venue; {hint}", Exit.USAGE)
    if contract not in (MAIN_CONTRACT, *CONTRACTS):
        keys = ", ".join(venue_key(venue, each.contract) for each in VENUES[venue].contracts)
        raise ExpectedError(f"--venue {key!r}: no such contract; {venue} has {keys}", Exit.USAGE)
