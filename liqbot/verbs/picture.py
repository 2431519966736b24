"""`liqbot picture`: maps, heatmap, decision, equity and the map's record as PNG or SVG files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, find_map, time_of
from liqbot.verbs.options import ConfigDir, Data, Db, LedgerDb, OwnProfile, Profile, Set

if TYPE_CHECKING:
    from liqbot.review.figures.canvas import Canvas
    from liqbot.review.figures.map_figure import PriceLine

app = typer.Typer(no_args_is_help=True, help="Draw maps and money into PNG or SVG files. USD in a map is an estimate.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="Picture to write: its ending is .png or .svg.")]
Dark = Annotated[bool, typer.Option("--dark", help="Light ink on dark paper.")]
Coin = Annotated[str | None, typer.Option("--coin", help="Which coin [default: the first there is].")]
Reach = Annotated[float, typer.Option("--reach", min=0.5, max=40, help="Percent around the mark to draw.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="From then on: ISO time (UTC).")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until then: ISO time (UTC).")]


@app.command("map")
def map_picture(
    file: File,
    db: Db = None,
    tape: Annotated[Path | None, typer.Option("--tape", help="Fold this tape instead of the bot's state.")] = None,
    coin: Coin = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was then: ISO time (UTC).")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="leverage|venue", help="Stack bars by this.")] = None,
    reach: Reach = 10.0,
    dark: Dark = False,
    data: Data = None,
    profile: OwnProfile = None,
    config: ConfigDir = None,
    overrides: Set = None,
) -> None:
    """The liquidation map at one time, with our own open position where the bot's state has one."""
    from liqbot.review.figures.canvas import require_format
    from liqbot.review.figures.map_figure import STACKS, map_figure

    require_format(file)
    if by is not None and by not in STACKS:
        raise ExpectedError(f"--by {by!r}: {' or '.join(STACKS)}", Exit.USAGE)
    query = MapQuery(coin.upper() if coin else None, time_of(at), split=by is not None)
    choice = Choice(profile, config, overrides or ())
    reading = find_map(query, choice, db=db, tape=tape, data=data).reading
    lines = () if tape or db or at else _position(reading.chart.coin, data, choice.profile_name)
    _written(map_figure(reading, by=by, reach_pct=reach, lines=lines, dark=dark), file)


@app.command()
def decision(
    name: Annotated[str, typer.Argument(metavar="ID", help="17, t3 for the third trade, or a client order id.")],
    file: File,
    reach: Reach = 6.0,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
) -> None:
    """The map as a decision saw it, with its entry, stop, target and our own liquidation price."""
    from liqbot.review.explain import decision_row, explained
    from liqbot.review.figures.canvas import require_format
    from liqbot.review.figures.map_figure import decision_figure

    require_format(file)
    with Ledger(ledger_place(db, data, profile)) as ledger:
        story = explained(ledger, decision_row(ledger, name))
    if story["map"] is None:
        raise ExpectedError(f"decision {name}: no map was kept before it", Exit.NOT_FOUND)
    _written(decision_figure(story, reach_pct=reach, dark=dark), file)


@app.command()
def heatmap(
    file: File,
    coin: Coin = None,
    since: Since = None,
    until: Until = None,
    reach: Reach = 5.0,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
) -> None:
    """The maps that the ledger kept over time, with the mark, observed liquidations and our own fills."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.canvas import require_format
    from liqbot.review.figures.heat_figure import heat_figure

    require_format(file)
    with Ledger(ledger_place(db, data, profile)) as ledger:
        span = kept.Span(coin.upper() if coin else kept.first_coin(ledger), time_of(since), time_of(until))
        drawn = heat_figure(
            kept.maps(ledger, span), kept.forced_orders(ledger, span), kept.fills(ledger, span), coin=span.coin,
            reach_pct=reach, dark=dark,
        )
    _written(drawn, file)


@app.command()
def equity(
    file: File,
    since: Since = None,
    until: Until = None,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
) -> None:
    """Our profit over time, every trade that closed, and the drawdown."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.canvas import require_format
    from liqbot.review.figures.money_figure import equity_figure

    require_format(file)
    with Ledger(ledger_place(db, data, profile)) as ledger:
        drawn = equity_figure(
            kept.equity(ledger, time_of(since), time_of(until)), kept.closed_trades(ledger), dark=dark
        )
    _written(drawn, file)


@app.command()
def calibration(
    file: File,
    coin: Coin = None,
    dark: Dark = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
) -> None:
    """How dense the map was where forced orders were reported afterwards: its own record."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.canvas import require_format
    from liqbot.review.figures.record_figure import calibration_figure

    require_format(file)
    with Ledger(ledger_place(db, data, profile)) as ledger:
        wanted = coin.upper() if coin else kept.first_coin(ledger)
        drawn = calibration_figure(kept.calibration(ledger, wanted), coin=wanted, dark=dark)
    _written(drawn, file)


def _position(coin: str, data: Path | None, profile: str) -> "tuple[PriceLine, ...]":
    """Lines of the open position; none where there is no ledger to ask."""
    from liqbot.review.figures import kept
    from liqbot.review.figures.map_figure import position_lines

    try:
        with Ledger(ledger_place(None, data, profile)) as ledger:
            return position_lines(kept.open_lines(ledger, coin))
    except ExpectedError:
        return ()


def _written(canvas: "Canvas", file: Path) -> None:
    canvas.write(file)
    print(f"wrote {file}")
