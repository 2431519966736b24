"""What each choice of the map is worth: the tuning markets of both families scored with it changed, paired by days.

    python bench/ablation.py calibration.tail_ratio_max=1 calibration.row_weight=1e5 [--days 8] [--markets NAMES]

Every argument is one change of the market's settings, measured alone. A choice stays when it gains on both families;
published markets are never looked at here. Resumable: what is finished for this code is kept under --data.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from accuracy import ROOT, SEED, make_world
from accuracy_text import shown, table
from accuracy_worlds import EVERY, TUNING

from liqbot.market.params import MarketParams
from paper.score.bootstrap import Estimate
from paper.score.information import InformationScore
from paper.score.params import ScoreParams
from paper.score.rank_skill import RankScore
from paper.score.record import OURS
from paper.score.score import Scoring
from paper.score.tape_score import code_hash, score_tape
from paper.score.touch import TouchScore
from paper.tapes.reader import read_tape

CHANGED: Final = "changed"
_PRIMARY_H: Final = ScoreParams().primary_h


class Measured(NamedTuple):
    """What two runs over one market are compared by, and the values that the page would show of ours."""

    touch: TouchScore
    gain: InformationScore
    rank: RankScore
    values: tuple[float, float, float]


class Worth(msgspec.Struct, frozen=True):
    """Changed less unchanged, in M1, M2 (4 h) and M3; `values` are those unchanged."""

    values: tuple[float, float, float]
    differences: tuple[Estimate, Estimate, Estimate]


def changed(change: str) -> MarketParams:
    """The default settings with one of them changed (`a.b=value`, as JSON). Pydantic's error for what is invalid."""
    path, _, text = change.partition("=")
    settings: dict[str, Any] = MarketParams().model_dump()
    place, names = settings, path.split(".")
    for name in names[:-1]:
        place = place[name]
    place[names[-1]] = json.loads(text)
    return MarketParams.model_validate(settings)


def measured(scoring: Scoring) -> Measured:
    touched, touch = scoring.touch_table()
    gained, gain = scoring.gain_table(_PRIMARY_H)
    ranked, rank = scoring.rank_table(_PRIMARY_H)
    values = touched[OURS].d2.value, gained[OURS].bits.value, ranked[OURS].partial.value
    return Measured(touch, gain, rank, values)


def worth(plain: Measured, other: Measured) -> Worth:
    """Both runs saw the same prices and forced orders, so that their days pair."""
    plain.touch.sums[CHANGED] = other.touch.sums[OURS]
    plain.gain.sums[CHANGED] = other.gain.sums[OURS]
    plain.rank.parts[CHANGED] = other.rank.parts[OURS]
    scores: tuple[TouchScore, InformationScore, RankScore] = plain.touch, plain.gain, plain.rank
    first, second, third = (score.difference(CHANGED, OURS) for score in scores)
    return Worth(plain.values, (first, second, third))


def run(data: Path, name: str, changes: list[str], days: float) -> dict[str, Worth]:
    """Every change on one market, those of former runs read back."""
    tape, truth = make_world(data, name, days)

    def scored(market: MarketParams) -> Measured:
        shown = EVERY[name].positions_of
        found = score_tape(
            read_tape(tape), ScoreParams(), truth=truth, seed=SEED, market=market, positions_of=shown
        )
        return measured(found.scoring)

    stem = data / "ablation" / f"{name}.{tape.name}.{code_hash()}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Worth] = {}
    plain: Measured | None = None
    for change in changes:
        path = stem.with_name(f"{stem.name}.{change}.json")
        if not path.is_file():
            plain = plain or scored(MarketParams())
            path.write_bytes(msgspec.json.encode(worth(plain, scored(changed(change)))))
        found[change] = msgspec.json.decode(path.read_bytes(), type=Worth)
        print(f"{name} {change}: {'; '.join(shown(one) for one in found[change].differences)}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("changes", nargs="+", metavar="SETTING=VALUE", help="One change each, of `MarketParams`.")
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "accuracy")
    parser.add_argument("--markets", default=",".join(TUNING), help="Names, separated by commas.")
    parser.add_argument("--days", type=float, default=8.0)
    asked = parser.parse_args()
    for change in asked.changes:
        changed(change)
    by_market = {name: run(asked.data, name, asked.changes, asked.days) for name in asked.markets.split(",")}
    rows = [
        [change, name, *(f"{value:.3f}" for value in found[change].values),
         *(shown(one) for one in found[change].differences)]
        for change in asked.changes for name, found in by_market.items()
    ]  # fmt: skip
    print(table(("change", "market", "M1", "M2", "M3", "M1 by it", "M2 by it", "M3 by it"), rows))


if __name__ == "__main__":
    main()
