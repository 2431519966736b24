"""`liqbot score TAPE`: how good the map is, against forced orders it could not have known."""

import cProfile
import os
import pstats
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.verbs.options import Json
from paper.score.files import files_in, write_forecasts
from paper.score.params import ScoreParams
from paper.score.tape_score import Scored, score_tape
from paper.score.text import text_of
from paper.score.truth_check import cautions, checked_truth
from paper.tapes.reader import read_tape
from paper.verbs.research_options import TapePath


def score(
    path: TapePath,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Positions known at stated times: adds the best any map could do.")
    ] = None,
    coin: Annotated[str | None, typer.Option("--coin", help="Coin to score [default: the tape's first].")] = None,
    forecasts_out: Annotated[
        Path | None, typer.Option("--forecasts-out", help="Write every forecast to this directory as Parquet.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of resamples and shuffled maps.")] = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Say on stderr where the time went.")] = False,
    as_json: Json = False,
) -> None:
    """Score the liquidation map on a tape: touch skill, information, ranks, sizes, beside every baseline.

    Forecasts use only what came before them. Intervals come from resampling whole days.
    """
    tape = read_tape(path)
    if forecasts_out is not None:
        _make(forecasts_out)

    def run() -> Scored:
        return score_tape(tape, ScoreParams(), truth=truth, seed=seed, coin=coin)

    books = None if truth is None else checked_truth(truth)
    scored = _profiled(run) if profile else run()
    for caution in cautions(tape, scored.score.coin, books):
        print(f"liqbot: {caution}", file=sys.stderr)
    print(msgspec.json.encode(scored.score).decode() if as_json else text_of(scored.score))
    if forecasts_out is not None:
        write_forecasts(forecasts_out, scored.scoring)


def _make(directory: Path) -> None:
    """Before the work, not after it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExpectedError(f"--forecasts-out {directory}: {error.strerror or error}", Exit.USAGE) from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ExpectedError(f"--forecasts-out {directory}: cannot be written to", Exit.USAGE)
    for path in files_in(directory):
        if path.is_dir():
            raise ExpectedError(f"--forecasts-out {directory}: {path.name} in it is a directory, a file is right",
                                Exit.USAGE)  # fmt: skip


def _profiled(run: Callable[[], Scored]) -> Scored:
    profiler = cProfile.Profile()
    scored = profiler.runcall(run)
    for part, seconds in scored.score.seconds.items():
        print(f"{seconds:8.1f} s  {part}", file=sys.stderr)
    pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumulative").print_stats(25)
    return scored
