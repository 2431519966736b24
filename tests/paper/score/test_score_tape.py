"""A small simulated market scored from end to end: tables, files, no look at the future."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from liqbot.blocks import EventBlock
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.params import MarketParams
from paper.score.files import write_forecasts
from paper.score.models import LiqbotModel
from paper.score.params import ScoreParams
from paper.score.record import OURS, ScoreRecord, recorded
from paper.score.score import Scoring
from paper.score.setting import setting_of
from paper.score.tape_score import Scored, score_tape
from paper.tapes.reader import Tape
from paper.world import World


def record_of(tape: Tape, blocks: Iterator[EventBlock], params: ScoreParams) -> ScoreRecord:
    setting = setting_of(tape, params)
    return recorded(blocks, setting, params, LiqbotModel(tape.roster, "BTC", setting.home, MarketParams()))


def test_all_named_models_are_in_every_table(scored: Scored) -> None:
    wanted = {OURS, "B0", "B1", "B2", "B2b", "B3", "B4", "B4v", "B5", "B6", "ORACLE", "ORACLE_C"}
    score = scored.score
    assert wanted <= set(score.touch)
    for hours in (1, 4, 24):
        assert wanted <= set(score.gains[hours])
        assert wanted - {"B0", "B4", "B4v", "ORACLE_C"} <= set(score.ranks[hours])
    measures = ["M1", "M1 to fresh truth", "M1 beyond depth", "M2", "M2 rate", "M2 window", "M3"]
    assert [one.measure for one in score.leads] == measures
    assert {one.venue for one in score.venues} == {"binance", "bybit", "okx"}
    assert score.prints > 20
    assert 0.3 < score.frozen_share <= 1


def test_reference_models_score_nothing_and_the_truth_more_than_others(scored: Scored) -> None:
    score = scored.score
    assert score.touch["B0"].d2.value == pytest.approx(0.0, abs=1e-9)
    assert score.gains[4]["B4"].bits.value == pytest.approx(0.0, abs=1e-9)
    assert score.touch["ORACLE"].d2.value > max(score.touch[name].d2.value for name in ("B0", "B1", "B4", "B5"))
    assert score.ranks[4]["ORACLE"].partial.value > 0.2


def test_the_placebos_fall_below_the_truth(scored: Scored) -> None:
    score = scored.score
    for placebo in ("moved 48 h", "mirrored", "B6"):
        assert score.touch[placebo].d2.value < score.touch["ORACLE"].d2.value - 0.1
        assert score.ranks[4][placebo].partial.value < score.ranks[4]["ORACLE"].partial.value - 0.1


@pytest.mark.drawn(singly=True)
def test_the_true_map_at_an_origin_is_the_sum_of_its_positions(scored: Scored, market: World) -> None:
    record, world = scored.scoring.record, market
    steps = (block for part in (world.backfill(), world.blocks()) for block in part)
    marks = next(block.marks for block in steps if block.tick_ms == record.origin_ms[40])
    rows = world.positions()
    mark = marks["mark_price"][np.searchsorted(marks["venue"], rows["venue"])]
    ratio = rows["liquidation_price"] / mark
    assert scored.scoring.truth is not None
    for side, sign in ((0, 1), (1, -1)):
        near = (rows["side"] == sign) & (ratio > 1.0005 ** (-4 * 10)) & (ratio < 1.0005 ** (4 * 10))
        wanted = rows["size_usd"][near].sum()
        assert wanted > 0
        assert scored.scoring.truth[40, side, :10].sum() == pytest.approx(wanted, rel=1e-9)


@pytest.mark.drawn
def test_the_same_tape_and_seed_give_the_same_score(
    tape: Tape, files: tuple[Path, Path], scored: Scored, params: ScoreParams
) -> None:
    again = score_tape(tape, params, truth=files[1], seed=3).score
    plain = [msgspec.json.encode(msgspec.structs.replace(one, seconds={})) for one in (again, scored.score)]
    assert plain[0] == plain[1]


def poisoned(tape: Tape, after_ms: int) -> Iterator[EventBlock]:
    """The tape with every price a third higher and every forced order a thousandfold from some time on."""
    for block in tape.blocks():
        if (block.tick_ms or 0) <= after_ms:
            yield block
            continue
        bars, marks, orders = block.bars.copy(), block.marks.copy(), block.liquidations.copy()
        for name in ("open", "high", "low", "close"):
            bars[name] *= 1.3
        marks["mark_price"] *= 1.3
        orders["size_usd"] *= 1000.0
        yield msgspec.structs.replace(block, bars=bars, marks=marks, liquidations=orders)


@pytest.mark.long
def test_what_comes_after_an_origin_changes_nothing_said_before(
    tape: Tape, scored: Scored, params: ScoreParams
) -> None:
    scoring = scored.scoring
    origin = int(scoring.test[len(scoring.test) // 2])
    changed = Scoring(record_of(tape, poisoned(tape, int(scoring.origin_ms[origin])), params), params, 3)
    mine = {name: maps for name, maps in scoring.forecasts(4).items() if not name.startswith("ORACLE")}
    theirs = changed.forecasts(4)
    assert set(mine) == set(theirs)
    differing = 0
    for name, maps in mine.items():
        assert theirs[name][: origin + 1] == pytest.approx(maps[: origin + 1], rel=1e-6, abs=1e-3), name
        differing += not np.allclose(theirs[name][origin + 2 :], maps[origin + 2 :])
    assert differing > 6
    touch, expected = scoring.touch_series()
    _, changed_expected = changed.touch_series()
    before = touch.time_ms <= scoring.origin_ms[origin]
    for name in changed_expected:
        assert changed_expected[name][before] == pytest.approx(expected[name][before], rel=1e-6, abs=1e-3), name


@pytest.mark.long
def test_a_step_is_promised_before_its_own_prints_are_known(
    tape: Tape, scored: Scored, params: ScoreParams
) -> None:
    record = scored.scoring.record
    step = int(record.pieces.step[len(record.pieces.step) * 3 // 4])
    from_ms = int(record.time_ms[step])

    def louder() -> Iterator[EventBlock]:
        for block in tape.blocks():
            orders = block.liquidations.copy()
            if (block.tick_ms or 0) >= from_ms:
                orders["size_usd"] *= 1000.0
            yield msgspec.structs.replace(block, liquidations=orders)

    changed = record_of(tape, louder(), params)
    assert np.array_equal(changed.venue_touched_usd[: step + 1], record.venue_touched_usd[: step + 1])
    assert not np.array_equal(changed.venue_touched_usd[step + 1 :], record.venue_touched_usd[step + 1 :])


@pytest.mark.long
def test_forecast_files_hold_every_forecast(tmp_path: Path, scored: Scored) -> None:
    from pyarrow import parquet

    frozen_path, touch_path, _, positions_path = write_forecasts(tmp_path / "out", scored.scoring)
    assert_positions(parquet.read_table(positions_path), scored)
    frozen, touch = parquet.read_table(frozen_path), parquet.read_table(touch_path)
    assert frozen.column_names == ["origin_ms", "model", "side", "price_low", "price_high", "usd"]
    assert touch.column_names == ["time_ms", "model", "side", "predicted_usd", "realised_usd", "crossed_bins"]
    models = set(frozen["model"].to_pylist())
    assert {OURS, "B0", "B1", "B2", "B2b", "B3", "B4", "B4v", "B5", "B6", "ORACLE"} <= models
    usd, low, high = (frozen[name].to_numpy() for name in ("usd", "price_low", "price_high"))
    assert np.isfinite(usd).all()
    assert (usd >= 0).all()
    assert high / low == pytest.approx(np.full(len(low), 1.0005**4), rel=1e-6)
    mine = frozen.filter(frozen["origin_ms"].to_numpy() == scored.scoring.origin_ms[-1])
    wanted = scored.scoring.forecasts(4)[OURS][-1, 1]
    told = [row["usd"] for row in mine.to_pylist() if row["model"] == OURS and row["side"] == "short"]
    assert told == pytest.approx(wanted.tolist())
    ours = touch.filter(np.array(touch["model"].to_pylist()) == "B2")
    assert ours["realised_usd"].to_numpy().sum() == pytest.approx(scored.scoring.record.printed_usd.sum())


class BrokenScoring:
    """Ends in the midst of the last file but one, as Ctrl-C or a full disk does."""

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def __getattr__(self, name: str) -> Any:
        if name == "outcomes":
            raise KeyboardInterrupt
        return getattr(self._scoring, name)


@pytest.mark.long
def test_forecast_files_are_of_one_score(tmp_path: Path, scored: Scored) -> None:
    out = tmp_path / "out"
    before = {path: path.read_bytes() for path in write_forecasts(out, scored.scoring)}
    with pytest.raises(KeyboardInterrupt):
        write_forecasts(tmp_path / "new", BrokenScoring(scored.scoring))  # type: ignore[arg-type]
    assert not list((tmp_path / "new").iterdir())
    (out / "outcome.parquet").write_bytes(b"kept")
    with pytest.raises(KeyboardInterrupt):
        write_forecasts(out, BrokenScoring(scored.scoring))  # type: ignore[arg-type]
    assert sorted(out.iterdir()) == sorted(before)
    assert (out / "outcome.parquet").read_bytes() == b"kept"


def assert_positions(positions: Any, scored: Scored) -> None:
    """Per venue in prices of its own mark; together what is drawn."""
    assert positions.column_names == ["origin_ms", "venue", "side", "price_low", "price_high", "usd"]
    record = scored.scoring.record
    last = positions.filter(positions["origin_ms"].to_numpy() == record.origin_ms[-1])
    usd, sides = last["usd"].to_numpy(), np.array(last["side"].to_pylist())
    for side, word in enumerate(("long", "short")):
        drawn = record.positions_usd[OURS][-1, side]
        assert usd[sides == word].reshape(-1, len(drawn)).sum(axis=0) == pytest.approx(drawn, rel=1e-6, abs=1.0)
    venue = record.setting.roster.venue_code(last["venue"][0].as_py())
    own = (sides == "long") & (np.array(last["venue"].to_pylist()) == record.setting.roster.venues[venue])
    nearest = max(last["price_high"].to_numpy()[own])
    assert position_of(nearest) == pytest.approx(record.origin_marks[-1, venue], abs=1e-3)
