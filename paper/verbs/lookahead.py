"""`liqbot lookahead TAPE`: does any decision know the future?"""

import sys
from typing import Annotated

import msgspec
import typer

from liqbot.exits import Exit
from liqbot.settings import load
from liqbot.verbs.options import ConfigDir, Json, Profile, Set, ThinCoin, overriding
from paper.backtest.lookahead import LookaheadReport, look
from paper.tapes.info import iso
from paper.tapes.reader import read_tape
from paper.verbs.research_options import TapePath


def lookahead(
    path: TapePath,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    allow_thin_coin: ThinCoin = False,
    moments: Annotated[
        int, typer.Option("--moments", min=1, max=1_000, help="How many moments to change the future after.")
    ] = 3,
    as_json: Json = False,
) -> int:
    """Backtest the tape again with everything told after a moment changed: no step before it may differ.

    Strategies of the user's own are held to it like ours. Exit code 1 when one knew.
    """
    settings = load(profile, config=config, overrides=overriding(overrides, allow_thin_coin=allow_thin_coin)).settings
    report = look(read_tape(path), settings, moments, lambda text: print(text, file=sys.stderr))
    print(msgspec.json.encode(report).decode() if as_json else _text(report))
    return Exit.FAILED if report.peeks else Exit.OK


def _text(report: LookaheadReport) -> str:
    lines = [f"{report.tape}: {report.steps} steps, {report.speaking} of them say something"]
    lines += [f"future changed after {iso(moment_ms)}" for moment_ms in report.moments_ms]
    lines += [f"NOTICED at {iso(peek.time_ms)}, before it came (step {peek.index})" for peek in report.peeks]
    if not report.speaking:
        lines.append("nothing was decided on this tape, so nothing could show: try a longer one, or other parameters")
    elif not report.peeks:
        lines.append("nothing before it differs: no decision knew the future")
    return "\n".join(lines)
