"""`liqbot check`: where would my liquidation sit, how dense is the map there, and which placement is swept least?"""

import difflib
import math
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import CONTRACTS, MAIN_CONTRACT, Side, side_of, split_venue_key, venue_key
from liqbot.review.durations import seconds_of
from liqbot.review.parameters import Choice
from liqbot.review.placement import PlacedPosition, PlacementReport, ReadMap, check_position, check_text
from liqbot.review.sources import FoundMap, MapQuery, find_map, from_file, time_of
from liqbot.review.tables import print_json
from liqbot.risk.limits import LEVERAGE_CEILING
from liqbot.risk.thin_coins import THIN_LABEL, is_thin, limits_for
from liqbot.signals.strategies import avoid_liquidity
from liqbot.venues.registry import VENUES, mechanics_of
from liqbot.verbs.amounts import usd_of
from liqbot.verbs.map import At, Coin, Tape
from liqbot.verbs.options import ConfigDir, Data, Db, Json, OwnProfile, Set, picture_file

Entry = Annotated[
    float | None, typer.Option("--entry", min=1e-6, help="Entry price [default: the mark of the map].")
]
Size = Annotated[
    str, typer.Option("--size", "--size-usd", metavar="USD", help="Notional (not margin), as in 50k or 1.5M.")
]


PictureFile = Annotated[
    Path | None,
    typer.Option(
        "--picture", metavar="FILE", callback=picture_file, help="Draw every leverage on the map (.png or .svg)."
    ),
]


def check(
    side: Annotated[str, typer.Option("--side", help="long or short.")],
    leverage: Annotated[float, typer.Option("--leverage", min=1, max=200)],
    venue: Annotated[str, typer.Option("--venue", help="Venue whose tiers decide; VENUE:coin for inverse contracts.")],
    entry: Entry = None,
    size: Size = "10k",
    stop: Annotated[
        float | None, typer.Option("--stop", min=1e-6, help="Stop price; liquidation has to lie beyond it.")
    ] = None,
    hold: Annotated[str, typer.Option("--hold", help="How long it is held at the most, as in 4h or 2d.")] = "24h",
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
    picture: PictureFile = None,
    as_json: Json = False,
) -> None:
    """Say where a position of yours would be liquidated, whether a crowd is liquidated there too, how likely price is
    to come there, and which placement of that notional within the profile's limits is the least likely to be swept.

    Judged with the parameters that the run recorded, unless --profile, --config or --set name others.
    """
    asked_side, notional_usd, hold_ms = _side(side), usd_of(size, "--size"), int(seconds_of(hold, "--hold") * 1_000)
    _demand_venue(venue)
    query = MapQuery(coin.upper() if coin else None, time_of(at))
    choice = Choice(profile, config, overrides or ())
    found = from_file(json_map, choice) if json_map else find_map(query, choice, db=db, tape=tape, data=data)
    chart = found.reading.chart
    entry_price = chart.mark_price if entry is None else entry
    position = PlacedPosition(venue, chart.coin, asked_side, entry_price, leverage, notional_usd, hold_ms, stop)
    report = _report(found, position)
    _draw(found, report, picture)
    _answer(found, report, as_json)


def _report(found: FoundMap, position: PlacedPosition) -> PlacementReport:
    settings = found.parameters.settings()
    avoid, limits = settings.signals.of(avoid_liquidity.STRATEGY), limits_for(position.coin, settings.risk)
    range_pct = found.reading.record.get("range_pct")
    around = ReadMap(found.reading.chart, found.reading.clusters, math.nan if range_pct is None else range_pct)
    try:
        return check_position(
            around, mechanics_of(position.venue, position.coin), position, avoid,
            min(limits.leverage_max, LEVERAGE_CEILING),
        )
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None


def _draw(found: FoundMap, report: PlacementReport, file: Path | None) -> None:
    if file is None:
        return
    from liqbot.review.figures.placement_figure import placement_figure

    placement_figure(found.reading, report).write(file)


def _answer(found: FoundMap, report: PlacementReport, as_json: bool) -> None:
    avoid = found.parameters.settings().signals.of(avoid_liquidity.STRATEGY)
    origin = found.parameters.origin
    if as_json:
        plain = msgspec.json.decode(msgspec.json.encode(report))  # NaN is null
        print_json(plain | {"percentile_max": avoid.density_percentile_max, "parameters": origin})
    else:
        label = [THIN_LABEL] if is_thin(report.position.coin) else []
        print("\n".join([*check_text(report, avoid.density_percentile_max), *label, f"parameters: {origin}"]))


def _side(word: str) -> Side:
    try:
        return side_of(word)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None


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
