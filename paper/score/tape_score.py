"""A tape in, a score out: the pass over the tape, the truth beside it, the measures, the files."""

import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import liqbot.market
import paper.score
from liqbot.blocks import EventBlock
from liqbot.market.params import MarketParams
from paper.score import sizes
from paper.score.cluster_skill import cluster_skill
from paper.score.information import Gain, InformationScore
from paper.score.models import LiqbotModel
from paper.score.params import ScoreParams
from paper.score.record import OURS, recorded
from paper.score.result import Lead, Score
from paper.score.score import Scoring, Timer, inside_share
from paper.score.setting import setting_of
from paper.score.size_bands import size_bands
from paper.score.skill_gap import DECIDING, WITH_FLOW, lead, rank_lead
from paper.score.touch import DEPTHS
from paper.score.truth_maps import check_coin, opened_truth, true_maps
from paper.tapes.info import holes
from paper.tapes.reader import Tape


class Scored(msgspec.Struct, frozen=True, eq=False):
    """The score and the arrays it was made from."""

    score: Score
    scoring: Scoring


def score_tape(
    tape: Tape, params: ScoreParams, *, truth: Path | None = None, seed: int = 1, coin: str | None = None,
    market: MarketParams | None = None, others: tuple[Callable[[EventBlock], None], ...] = (),
    positions_of: tuple[str, ...] | None = None,
) -> Scored:
    """Score the product's map, and every baseline, on a tape; of the positions that venues report one by one, those
    of `positions_of` are shown, None: all. ExpectedError where the tape does not allow it."""
    timer = Timer()
    setting = setting_of(tape, params, coin)
    if truth is not None:
        opened_truth(truth)
        check_coin(truth, setting.coin)
    model = LiqbotModel(tape.roster, setting.coin, setting.home, market or MarketParams())
    record = recorded(_shown(tape, positions_of), setting, params, model, *others)
    timer.lap("reading the tape, folding the map and the baselines")
    true = None if truth is None else true_maps(truth, record, params.bins)
    timer.lap("reading the truth")
    scoring = Scoring(record, params, seed, true)
    timer.lap("outcomes and climatology")
    return Scored(_measured(tape, scoring, timer), scoring)


def _shown(tape: Tape, positions_of: tuple[str, ...] | None) -> Iterator[EventBlock]:
    venues = tape.roster.venues
    codes = [code for code, venue in enumerate(venues) if positions_of is None or venue in positions_of]
    for block in tape.blocks():
        rows = block.positions
        yield msgspec.structs.replace(block, positions=rows[np.isin(rows["venue"], codes)]) if len(rows) else block


def _measured(tape: Tape, scoring: Scoring, timer: Timer) -> Score:
    record, split = scoring.record, scoring.split
    touched = _touched(scoring)
    timer.lap("touch skill")
    gained = _gained(scoring)
    timer.lap("information gain")
    ranked = _ranked(scoring)
    timer.lap("rank skill and its shuffled controls")
    measured = _sizes(scoring)
    timer.lap("sizes and densities")
    leads = (*touched.pop("leads"), *gained.pop("leads"), *ranked.pop("leads"))
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
        leads=leads, notes=(*_notes(scoring), *_holes(tape, record.setting.coin)), seconds=timer.seconds,
        **measured, **touched, **gained, **ranked,
    )  # fmt: skip


def _deciding(scoring: Scoring, *depths: str) -> tuple[str, ...]:
    """Where only totals are told, how far price went explains most of them: a map has to beat that too."""
    return (*DECIDING, *(depths if scoring.record.setting.with_totals else ()))


def _touched(scoring: Scoring) -> dict[str, Any]:
    found: dict[str, Any] = {"leads": []}
    for measure, name in (("M1", "touch"), ("M1 beyond depth", "touch_beyond")):
        table, scored = scoring.touch_table(beyond_depth=name == "touch_beyond")
        values = {model: one.d2.value for model, one in table.items()}
        deciding = _deciding(scoring, *DEPTHS)
        parts = scored.days, scored.sums, values, scored.difference, deciding
        found["leads"].append(lead(measure, *parts))
        if WITH_FLOW in values and name == "touch":
            found["leads"].append(lead("M1 to fresh truth", *parts, WITH_FLOW))
        found[name] = table
    return found


def _gained(scoring: Scoring) -> dict[str, Any]:
    gains, windows = {}, {}
    leads: list[Lead] = []
    horizons = scoring.record.setting.horizons_h
    window_h = min(hours for hours in horizons if hours * 3_600_000 >= scoring.record.setting.step_ms)
    for hours in horizons:
        gains[hours], scored = scoring.gain_table(hours)
        if hours == scoring.params.primary_h:
            leads += _gain_leads(gains[hours], scored)
    for hours in horizons:
        windows[hours], scored = scoring.window_table(hours)
        if hours == window_h:
            values = {name: one.value for name, one in windows[hours].items()}
            deciding = _deciding(scoring, "B0", *DEPTHS)
            leads.append(
                lead("M2 window", scored.days, scored.rate_sums, values, scored.rate_difference, deciding)
            )
    return {"leads": leads, "gains": gains, "windows": windows, "window_h": window_h}


def _gain_leads(gains: dict[str, Gain], scored: InformationScore) -> list[Lead]:
    place = {name: one.bits.value for name, one in gains.items()}
    rate = {name: one.rate_bits.value for name, one in gains.items()}
    return [
        lead("M2", scored.days, scored.sums, place, scored.difference),
        lead("M2 rate", scored.days, scored.rate_sums, rate, scored.rate_difference),
    ]


def _ranked(scoring: Scoring) -> dict[str, Any]:
    ranks, leads = {}, []
    for hours in scoring.record.setting.horizons_h:
        ranks[hours], scored = scoring.rank_table(hours)
        if hours == scoring.params.primary_h:
            leads.append(rank_lead(scored, ranks[hours]))
    return {"leads": leads, "ranks": ranks}


def _sizes(scoring: Scoring) -> dict[str, Any]:
    record, params, primary = scoring.record, scoring.params, scoring.params.primary_h
    found, forecast = scoring.outcomes[primary], record.forecast_usd[primary]
    steps = record.time_ms > scoring.split.test_ms
    return _against_truth(scoring) | {
        "venues": sizes.venue_sizes(
            record.setting.roster.venues, record.venue_touched_usd[steps], record.printed_usd[steps],
            record.time_ms[steps], params.resamples, scoring.seed,
        ),
        "reliability": sizes.reliability(found, scoring.test, forecast),
        "exceedances": sizes.exceedances(
            found, scoring.train(primary), scoring.test, forecast, scoring.climates[primary][1], params.large_usd
        ),
        "densities": sizes.densities(
            found, scoring.test, record.percentile, scoring.climates[primary][1], params.visited_share_min
        ),
    }


def _against_truth(scoring: Scoring) -> dict[str, Any]:
    record, truth = scoring.record, scoring.truth
    if truth is None:
        return {"size_bands": (), "clusters": None}
    times, true = scoring.origin_ms[scoring.test], truth[scoring.test]
    resampling = scoring.params.resamples, scoring.seed
    return {
        "size_bands": size_bands(times, record.positions_usd[OURS][scoring.test], true, *resampling),
        "clusters": cluster_skill(times, record.clustered[scoring.test], true, *resampling),
    }


def _holes(tape: Tape, coin: str) -> tuple[str, ...]:
    return tuple(f"holes: {line}" for line in holes(one for one in tape.holdings if one.coin == coin))


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
    training = (record.time_ms > scoring.split.train_ms) & (record.time_ms <= scoring.split.test_ms)
    if not record.printed_usd[training].sum() > 0:
        notes.append("no forced orders in the training part: there is nothing to fit on, and no touch skill (M1)")
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
