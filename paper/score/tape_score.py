"""A tape in, a score out: the pass over the tape, the truth beside it, the measures, the files."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import liqbot.market
import paper.score
from liqbot.blocks import EventBlock
from liqbot.market.params import MarketParams
from paper.score import sizes
from paper.score.information import Gain, InformationScore
from paper.score.params import ScoreParams
from paper.score.rank_skill import RankScore
from paper.score.record import OURS, recorded
from paper.score.result import Lead, Score
from paper.score.score import NOTHING, ORACLE, Scoring, Timer, inside_share, lead
from paper.score.scored import LiqbotModel
from paper.score.setting import setting_of
from paper.score.truth_maps import opened_truth, true_maps
from paper.tape import Tape


class Scored(msgspec.Struct, frozen=True, eq=False):
    """The score and the arrays it was made from."""

    score: Score
    scoring: Scoring


def score_tape(
    tape: Tape, params: ScoreParams, *, truth: Path | None = None, seed: int = 1, coin: str | None = None,
    market: MarketParams | None = None, others: tuple[Callable[[EventBlock], None], ...] = (),
) -> Scored:
    """Score the product's map, and every baseline, on a tape. ExpectedError where the tape does not allow it."""
    timer = Timer()
    if truth is not None:
        opened_truth(truth)
    setting = setting_of(tape, params, coin)
    model = LiqbotModel(tape.roster, setting.coin, setting.home, market or MarketParams())
    record = recorded(tape.blocks(), setting, params, model, *others)
    timer.lap("reading the tape, folding the map and the baselines")
    true = None if truth is None else true_maps(truth, record, params.bins)
    timer.lap("reading the truth")
    scoring = Scoring(record, params, seed, true)
    timer.lap("outcomes and climatology")
    return Scored(_measured(tape, scoring, timer), scoring)


def _measured(tape: Tape, scoring: Scoring, timer: Timer) -> Score:
    record, split = scoring.record, scoring.split
    touch, touch_scored = scoring.touch_table()
    leads = [
        lead("M1", touch_scored.days, touch_scored.sums, {name: one.d2.value for name, one in touch.items()},
             touch_scored.difference)
    ]
    timer.lap("touch skill")
    gains = {}
    for hours in record.setting.horizons_h:
        gains[hours], gain_scored = scoring.gain_table(hours)
        if hours == scoring.params.primary_h:
            leads += _gain_leads(gains[hours], gain_scored)
    timer.lap("information gain")
    ranks = {}
    for hours in record.setting.horizons_h:
        ranks[hours], rank_scored = scoring.rank_table(hours)
        if hours == scoring.params.primary_h:
            leads.append(_rank_lead(rank_scored, known=scoring.truth is not None))
    timer.lap("rank skill and its shuffled controls")
    measured = _sizes(scoring)
    timer.lap("sizes and densities")
    scored = record.time_ms > split.test_ms
    return Score(
        tape=Path(tape.path).name, note=tape.header.note, code=code_hash(), seed=scoring.seed,
        coin=record.setting.coin, home=record.setting.home,
        placed_by="totals" if record.setting.with_totals else "orders",
        first_ms=split.first_ms, train_ms=split.train_ms, test_ms=split.test_ms, last_ms=split.last_ms,
        step_ms=record.setting.step_ms, origin_every_ms=record.setting.origin_every_ms,
        prints=int((record.time_ms[record.pieces.step] > split.test_ms).sum()),
        realised_usd=float(record.printed_usd[scored].sum()),
        frozen_share=inside_share(scoring.outcomes[scoring.params.primary_h]),
        touch=touch, gains=gains, ranks=ranks, leads=tuple(leads), notes=_notes(scoring), seconds=timer.seconds,
        **measured,
    )  # fmt: skip


def _gain_leads(gains: dict[str, Gain], scored: InformationScore) -> list[Lead]:
    place = {name: one.bits.value for name, one in gains.items()}
    rate = {name: one.rate_bits.value for name, one in gains.items()}
    return [
        lead("M2", scored.days, scored.sums, place, scored.difference),
        lead("M2 rate", scored.days, scored.rate_sums, rate, scored.rate_difference),
    ]


def _rank_lead(scored: RankScore, *, known: bool) -> Lead:
    share = scored.ratio(OURS, ORACLE) if known else NOTHING
    return Lead("M3", "B2b", scored.difference(OURS, "B2b"), ORACLE if known else "", share)


def _sizes(scoring: Scoring) -> dict[str, Any]:
    record, params, primary = scoring.record, scoring.params, scoring.params.primary_h
    found, forecast = scoring.outcomes[primary], record.forecast_usd[primary]
    steps = record.time_ms > scoring.split.test_ms
    return {
        "venues": sizes.venue_sizes(
            record.setting.roster.venues, record.venue_touched_usd[steps], record.printed_usd[steps],
            record.time_ms[steps], params.resamples, scoring.seed,
        ),
        "reliability": sizes.reliability(found, scoring.test, forecast),
        "exceedances": sizes.exceedances(found, scoring.train(primary), scoring.test, forecast, params.large_usd),
        "densities": sizes.densities(
            found, scoring.test, record.percentile, scoring.climates[primary][1], params.visited_share_min
        ),
    }


def _notes(scoring: Scoring) -> tuple[str, ...]:
    notes, record = [], scoring.record
    setting = record.setting
    if setting.with_totals:
        notes.append(
            f"{', '.join(setting.with_totals)}: only totals per interval are told; they are spread evenly over what "
            "price newly crossed in it, so where in that stretch they printed is not measured"
        )
    if record.time_ms[1:].size and float(np.median(np.diff(record.time_ms))) > 300_000:
        notes.append("coarse bars: what was crossed within a bar, and in which order, is not known")
    silent = [
        venue for code, venue in enumerate(setting.roster.venues) if record.printed_usd[:, code].sum() == 0
    ]
    if silent:
        notes.append(f"no forced orders told by {', '.join(silent)}")
    if scoring.truth is not None:
        known = np.isfinite(scoring.truth[scoring.test]).all(axis=(1, 2))
        if not known.all():
            notes.append(
                f"the truth is known at {known.mean():.0%} of the scored origins and counts as empty at the others: "
                "what is said of ORACLE is too low"
            )
    return tuple(notes)


@functools.cache
def code_hash() -> str:
    """Of every source that a score depends on: the market floor and this package."""
    digest = hashlib.sha256()
    for package in (liqbot.market, paper.score):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
