"""`liqbot picture`: maps, max pain, heatmap, decision, trade, equity, coverage and the map's record as PNG or SVG.

What draws is imported by the command that needs it: the library takes its time.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, find_map, time_of
from liqbot.review.tables import print_json
from liqbot.verbs.map import At, Coin, Tape
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import ConfigDir, Data, Db, Json, LedgerDb, OwnProfile, Profile, Set, picture_file
from liqbot.verbs.period import Day, Since, Until, period_of

if TYPE_CHECKING:
    from liqbot.review.figures.canvas import Canvas
    from liqbot.review.figures.map_figure import PriceLine

app = typer.Typer(no_args_is_help=True, help="Draw maps and money into PNG or SVG files. USD in a map is an estimate.")


File = Annotated[
    Path,
    typer.Argument(metavar="FILE", callback=picture_file, help="Picture to write: its ending is .png or .svg."),
]
DecisionId = Annotated[str, typer.Argument(metavar="ID", help="17, t3 for the third trade, or a client order id.")]
Dark = Annotated[bool, typer.Option("--dark", help="Light ink on dark paper.")]
Reach = Annotated[float, typer.Option("--reach", min=0.5, max=40, help="Percent around the mark to draw.")]


@app.command("map")
def map_picture(
    file: File,
    db: Db = None,
    tape: Tape = None,
    coin: Coin = None,
    at: At = None,
    by: Annotated[str | None, typer.Option("--by", metavar="leverage|venue", help="Stack bars by this.")] = None,
    reach: Reach = 10.0,
    dark: Dark = False,
    data: Data = None,
    profile: OwnProfile = None,
    config: ConfigDir = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """The liquidation map at one time, with our own open position where the bot's state has one."""
    from liqbot.review.figures.map_figure import STACKS, map_figure

    if by is not None and by not in STACKS:
        raise ExpectedError(f"--by {by!r}: {' or '.join(STACKS)}", Exit.USAGE)
    query = MapQuery(coin.upper() if coin else None, time_of(at), split=by is not None)
    choice = Choice(profile, config, overrides or ())
    reading = find_map(query, choice, db=db, tape=tape, data=data).reading
    lines = () if tape or db or at else _position(reading.chart.coin, Books(None, data, choice.profile_name))
    _written(map_figure(reading, by=by, reach_pct=reach, lines=lines, dark=dark), file, as_json=as_json)


@app.command()
def maxpain(
    file: File,
    db: Db = None,
    tape: Tape = None,
    coin: Coin = None,
    at: At = None,
    reach: Reach = 10.0,
    dark: Dark = False,
    data: Data = None,
    profile: OwnProfile = None,
    config: ConfigDir = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Max pain: what the way to each price would force-close, longs plus shorts, and where most of a side lies."""
    from liqbot.review.figures.pain_figure import pain_figure
    from liqbot.review.max_pain import max_pain

    query = MapQuery(coin.upper() if coin else None, time_of(at))
    reading = find_map(query, Choice(profile, config, overrides or ()), db=db, tape=tape, data=data).reading
    chart = reading.chart
    found = max_pain(reading.record["bins"], chart.mark_price, reach)
    drawn = pain_figure(found, chart.coin, chart.as_of_ms, dark=dark)
    _written(drawn, file, as_json=as_json, coin=chart.coin, **found.figures())


@app.command()
def decision(
    name: DecisionId,
    file: File,
    reach: Reach = 6.0,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """The map as a decision saw it, with its entry, stop, target and our own liquidation price."""
    from liqbot.review.explain import decision_row, explained
    from liqbot.review.figures.map_figure import decision_figure

    with Books(db, data, profile).ledger() as ledger:
        story = explained(ledger, decision_row(ledger, name))
    if story["map"] is None:
        raise ExpectedError(f"decision {name}: no map was kept before it", Exit.NOT_FOUND)
    _written(decision_figure(story, reach_pct=reach, dark=dark), file, as_json=as_json)


@app.command()
def trade(
    name: DecisionId,
    file: File,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """A decision in its time: price before and after, our fills, stop and take, beside the map that it saw."""
    from liqbot.review.explain import decision_row, explained
    from liqbot.review.figures.trade_figure import moment_of, trade_figure

    with Books(db, data, profile).ledger() as ledger:
        story = explained(ledger, decision_row(ledger, name))
        moment = moment_of(ledger, story)
    if story["map"] is None or not moment.path:
        lacks = "map" if story["map"] is None else "price"
        raise ExpectedError(f"decision {name}: no {lacks} was kept around it", Exit.NOT_FOUND)
    _written(trade_figure(story, moment, dark=dark), file, as_json=as_json)


@app.command()
def heatmap(
    file: File,
    coin: Coin = None,
    since: Since = None,
    until: Until = None,
    day: Day = None,
    reach: Reach = 5.0,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """The maps that the ledger kept over time, with the mark, observed liquidations and our own fills."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.heat_figure import heat_figure

    with Books(db, data, profile).ledger() as ledger:
        of_coin = coin.upper() if coin else kept.first_coin(ledger), period_of(ledger, since, until, day)
        drawn = heat_figure(
            kept.maps(ledger, *of_coin), kept.forced_orders(ledger, *of_coin), kept.fills(ledger, *of_coin),
            coin=of_coin[0], reach_pct=reach, dark=dark,
        )
    _written(drawn, file, as_json=as_json)


@app.command()
def equity(
    file: File,
    since: Since = None,
    until: Until = None,
    day: Day = None,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Our profit over time, every trade that closed, and the drawdown."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.money_figure import equity_figure

    with Books(db, data, profile).ledger() as ledger:
        curve = kept.equity(ledger, period_of(ledger, since, until, day))
        drawn = equity_figure(curve, kept.closed_trades(ledger), dark=dark)
    _written(drawn, file, as_json=as_json)


@app.command()
def calibration(
    file: File,
    coin: Coin = None,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """How dense the map was where forced orders were reported afterwards: its own record."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.record_figure import calibration_figure

    with Books(db, data, profile).ledger() as ledger:
        wanted = coin.upper() if coin else kept.first_coin(ledger)
        drawn = calibration_figure(kept.calibration(ledger, wanted), coin=wanted, dark=dark)
    _written(drawn, file, as_json=as_json)


@app.command()
def coverage(
    file: File,
    since: Since = None,
    until: Until = None,
    day: Day = None,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Which venue was live when, and when the bot did not run."""
    from liqbot.review.figures.coverage_figure import coverage_figure, live_times

    with Books(db, data, profile).ledger() as ledger:
        times = live_times(ledger, period_of(ledger, since, until, day))
    _written(coverage_figure(times, dark=dark), file, as_json=as_json)


def _position(coin: str, books: Books) -> "tuple[PriceLine, ...]":
    """Lines of the open position; none where there is no ledger to ask."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.map_figure import position_lines

    try:
        with books.ledger() as ledger:
            return position_lines(kept.open_lines(ledger, coin))
    except ExpectedError:
        return ()


def _written(canvas: "Canvas", file: Path, *, as_json: bool, **figures: object) -> None:
    canvas.write(file)
    if as_json:
        print_json({"file": str(file), "title": canvas.title, **figures})
    else:
        print(f"wrote {file}")
