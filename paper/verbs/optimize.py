"""`liqbot optimize TAPE...`: search parameters of strategies, with guards against believing the result."""

import contextlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.private_files import make_private_directory
from liqbot.settings import Settings, load
from liqbot.verbs.options import ConfigDir, Json, Profile, Set
from paper.research.search_space import SearchSpace, suggested_space, with_candidate, written_space
from paper.research.setup import Setup, content_digest, ready
from paper.research.work import DaskWorkers, LocalWorkers, Workers
from paper.verbs.research_options import (
    HeldOut,
    Processes,
    Scheduler,
    SearchLines,
    Seed,
    Storage,
    StrategyNames,
    TapePaths,
)

_GRID_MAX = 100_000


def optimize(
    tapes: TapePaths,
    held_out: HeldOut = None,
    search: SearchLines = None,
    strategy: StrategyNames = None,
    trials: Annotated[int, typer.Option("--trials", min=1, max=1_000_000, help="Candidates to screen.")] = 300,
    walks: Annotated[int, typer.Option("--walks", min=1, max=100_000, help="Of these, how many to walk.")] = 50,
    grid: Annotated[bool, typer.Option("--grid", help="No screening: walk every combination.")] = False,
    study: Annotated[str, typer.Option("--study", help="Name of the search; the same goes on with it.")] = "search",
    storage: Storage = "",
    processes: Processes = 1,
    scheduler: Scheduler = "",
    seed: Seed = 1,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Search parameters of strategies: gates as columns first, then the whole house for the best candidates.

    A killed search goes on where it was. Prints the best beside the settings as they are, on tapes that chose nothing
    where given, with the deflated Sharpe ratio and the probability of backtest overfitting.
    """
    from paper.research.search import Search
    from paper.research.search import search as run_search
    from paper.research.search_text import text_of
    from paper.research.study import SearchBook

    settings = load(profile, config=config, overrides=overrides or ()).settings
    space = _space(settings, search or (), strategy or (), grid=grid)
    training, held = (
        tuple(Setup.of(path, settings, profile, config) for path in paths) for paths in (tapes, held_out or ())
    )
    _refuse_bad_tapes(training, held)
    asked = Search(training, held, space, 0 if grid else trials, walks, seed)
    book = SearchBook(storage or _file(), study, asked.digest())
    workers: Workers = DaskWorkers(scheduler) if scheduler else LocalWorkers(processes)
    with contextlib.closing(workers):
        found = run_search(asked, book, workers)
    print(msgspec.json.encode(found).decode() if as_json else text_of(found))


def _space(settings: Settings, search: Sequence[str], strategies: Sequence[str], *, grid: bool) -> SearchSpace:
    """ExpectedError for one that is empty, does not hold, or is too large to be walked whole."""
    space = written_space(search) if search else suggested_space(settings, strategies)
    if not space.dimensions:
        raise ExpectedError("--search: nothing to turn; name a parameter and its values", Exit.USAGE)
    for dimension in space.dimensions:
        for value in dimension.values:
            with_candidate(settings, {dimension.name: value})
    if grid and space.size > _GRID_MAX:
        raise ExpectedError(
            f"--grid: {space.size:,} combinations, at most {_GRID_MAX:,}; give fewer values", Exit.USAGE
        )
    return space


def _refuse_bad_tapes(training: Sequence[Setup], held_out: Sequence[Setup]) -> None:
    """Before anything is kept: a search that cannot begin leaves no book that the right one would not fit."""
    seen: dict[str, str] = {}
    for setup in (*training, *held_out):
        ready(setup)
        path, holds = setup.tape, content_digest(setup.tape)
        if holds in seen:
            raise ExpectedError(
                f"{path}: holds the same as {seen[holds]}; each market once is right, and none that is held out may "
                "be chosen on", Exit.USAGE,
            )  # fmt: skip
        seen[holds] = path


def _file() -> str:
    path = places.backtest_dir(None, "optimize") / "search.sqlite"
    make_private_directory(path.parent)
    return f"sqlite:///{path}"
