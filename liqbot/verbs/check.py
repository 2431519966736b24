"""`liqbot check`: where would my liquidation sit, how dense is the map there, and where would it be thin?"""

import difflib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import CONTRACTS, MAIN_CONTRACT, side_of, split_venue_key, venue_key
from liqbot.market.record import clusters_from, map_from
from liqbot.review.placement import PlacedPosition, check_position, check_text
from liqbot.review.sources import MapQuery, find_map, from_file, time_of
from liqbot.review.tables import print_json
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams
from liqbot.venues.registry import VENUES, mechanics_of
from liqbot.verbs.map import At, Coin, Tape
from liqbot.verbs.options import Data, Db, Json, Profile


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
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Say where a position of yours would be liquidated and whether a crowd is liquidated there too."""
    try:
        position_side = side_of(side)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None
    _demand_venue(venue)
    asked = MapQuery(coin.upper() if coin else None, time_of(at))
    record = from_file(json_map) if json_map else find_map(asked, db=db, tape=tape, data=data, profile=profile)
    percentile_max = AvoidLiquidityParams().density_percentile_max
    try:
        chart = map_from(record)
        position = PlacedPosition(venue, chart.coin, position_side, entry, leverage, size_usd)
        mechanics = mechanics_of(venue, chart.coin)
        answer = check_position(chart, clusters_from(record), mechanics, position, percentile_max)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None
    if as_json:
        print_json(msgspec.json.decode(msgspec.json.encode(answer)))
    else:
        print("\n".join(check_text(answer, percentile_max)))


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
