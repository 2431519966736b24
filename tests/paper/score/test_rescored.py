"""The measures made again from the written files alone, by other means, as a stranger would.

Nothing of the product is used below but the names of columns: plain loops and a one-dimensional search for the fit.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paper.score.files import write_forecasts
from paper.score.tape_score import Scored

pytestmark = pytest.mark.drawn(dear=True)
"""What they share costs the most of them."""

MODELS = ("liqbot", "B0", "B2b", "B4", "B4v", "B6", "ORACLE")
SIDES = ("long", "short")
Rows = dict[tuple[str, str], dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def written(scored: Scored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("forecasts")
    write_forecasts(directory, scored.scoring)
    return directory


def rows_of(path: Path) -> tuple[Rows, dict[str, Any]]:
    """Columns by (model, side), and what the file says of how it was made."""
    from pyarrow import parquet

    table = parquet.read_table(path)
    columns = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    model = columns.pop("model", np.full(table.num_rows, ""))
    found = {}
    for name in sorted(set(model.tolist())):
        for side in SIDES:
            mine = (model == name) & (columns["side"] == side)
            found[name, side] = {key: values[mine] for key, values in columns.items() if key != "side"}
    return found, json.loads(table.schema.metadata[b"liqbot_score"])


def highest(score: Any, low: float, high: float) -> float:
    """Where a function with one summit is highest."""
    for _ in range(200):
        third = (high - low) / 3
        low, high = (low + third, high) if score(low + third) < score(high - third) else (low, high - third)
    return (low + high) / 2


def fitted(realised: np.ndarray, crossed: np.ndarray, own: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Poisson weights of two shapes: the best has the realised sum, so that one share is all there is to find."""
    y, a = realised[train] / realised[train].sum(), crossed / crossed[train].sum()
    if not own[train].sum() > 0:
        return a * realised[train].sum()
    b, told = own / own[train].sum(), y > 0

    def likelihood(weights: tuple[float, float]) -> float:
        expected = weights[0] * a[train] + weights[1] * b[train]
        return float((y[told] * np.log(np.maximum(expected[told], 1e-300))).sum() - expected.sum())

    share = highest(lambda one: likelihood((1 - one, one)), 0.0, 1.0)
    weights = 1 - share, share
    if weights[0] < 1e-3:
        weights = 1e-3, highest(lambda one: likelihood((1e-3, one)), 0.0, 2.0)
    return (weights[0] * a + weights[1] * b) * realised[train].sum()


def deviance(realised: np.ndarray, expected: np.ndarray) -> float:
    return sum(
        2 * ((y * math.log(y / e) if y > 0 else 0.0) - (y - e)) for y, e in zip(realised, expected, strict=True)
    )


def touch_skill(path: Path, model: str) -> float:
    found, made = rows_of(path)
    own = constant = 0.0
    for side in SIDES:
        rows = found[model, side]
        times, realised, crossed = rows["time_ms"], rows["realised_usd"], rows["crossed_bins"]
        train = (times > made["split"]["train_ms"]) & (times <= made["split"]["test_ms"])
        test = times > made["split"]["test_ms"]
        own += deviance(realised[test], fitted(realised, crossed, rows["predicted_usd"], train)[test])
        usual = crossed * (realised[train].sum() / crossed[train].sum())
        constant += deviance(realised[test], usual[test])
    return 1 - own / constant


def information(frozen: Path, outcome: Path, model: str) -> float:
    maps, made = rows_of(frozen)
    happened, _ = rows_of(outcome)
    even_share = made["params"]["uniform_share"]
    bits = usd = 0.0
    for side in SIDES:
        rows = happened["", side]
        own, usual = ({key: maps[name, side][key] for key in ("origin_ms", "usd")} for name in (model, "B4"))
        for origin_ms in sorted(set(rows["origin_ms"].tolist())):
            if origin_ms < made["split"]["test_ms"]:
                continue
            here = rows["origin_ms"] == origin_ms
            share, told = rows["visited_share"][here], rows["realised_usd"][here]
            if not share.sum() > 0:
                continue
            chances = []
            for one in (own, usual):
                seen = one["usd"][one["origin_ms"] == origin_ms] * share
                even = share / share.sum()
                chances.append((1 - even_share) * (seen / seen.sum() if seen.sum() > 0 else even) + even_share * even)
            for amount, mine, theirs in zip(told, *chances, strict=True):
                if amount > 0:
                    bits += amount * math.log2(mine / theirs)
                    usd += amount
    return bits / usd


@pytest.mark.parametrize("model", MODELS)
def test_touch_skill_is_what_the_file_says(written: Path, scored: Scored, model: str) -> None:
    found = touch_skill(written / "touch.parquet", model)
    assert found == pytest.approx(scored.score.touch[model].d2.value, abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_information_is_what_the_files_say(written: Path, scored: Scored, model: str) -> None:
    found = information(written / "frozen.parquet", written / "outcome.parquet", model)
    assert found == pytest.approx(scored.score.gains[4][model].bits.value, abs=1e-9)


def test_what_price_visited_is_what_the_tape_says(written: Path, scored: Scored, files: tuple[Path, Path]) -> None:
    """From the home venue's marks and the ranges of its bars alone, in logarithms."""
    from pyarrow import parquet

    table = parquet.read_table(files[0])
    kind, venue = (np.array(table[name].to_pylist()) for name in ("kind", "venue"))
    times = table["time_ms"].to_numpy()
    mark, bar = ((kind == word) & (venue == scored.score.home) for word in ("mark", "trades"))
    happened, made = rows_of(written / "outcome.parquet")
    assert scored.score.home not in made["setting"]["streaming"], "its marks are too far apart to tell the range"
    checked = 0
    for side, sign, extreme in (("long", -1.0, "low"), ("short", 1.0, "high")):
        rows, prices = happened["", side], table[extreme].to_numpy()
        for origin_ms in sorted(set(rows["origin_ms"].tolist()))[::5]:
            at = table["mark_price"].to_numpy()[mark & (times <= origin_ms)][-1]
            window = prices[bar & (times > origin_ms) & (times <= origin_ms + 4 * 3_600_000)]
            went = max(0.0, float((sign * np.log(window / at)).max())) / (4 * math.log1p(5e-4))
            visited = rows["visited_share"][rows["origin_ms"] == origin_ms].sum()
            assert visited == pytest.approx(min(went, 60.0), abs=0.02)
            checked += 1
    assert checked > 20


def test_what_was_reported_is_what_the_tape_says(written: Path, scored: Scored, files: tuple[Path, Path]) -> None:
    """Every forced order of the tape is in the touch series, on its side and in its step."""
    from pyarrow import parquet

    table = parquet.read_table(files[0])
    kind, side = (np.array(table[name].to_pylist()) for name in ("kind", "side"))
    first_ms = scored.scoring.record.time_ms[0]
    touch, _ = rows_of(written / "touch.parquet")
    for word in SIDES:
        mine = (kind == "liquidation") & (side == word) & (table["time_ms"].to_numpy() >= first_ms)
        usd, times = table["size_usd"].to_numpy()[mine], table["time_ms"].to_numpy()[mine]
        rows = touch["liqbot", word]
        assert rows["realised_usd"].sum() == pytest.approx(usd.sum())
        step = np.searchsorted(rows["time_ms"], times)
        assert np.bincount(step, usd, len(rows["time_ms"])) == pytest.approx(rows["realised_usd"])
        for model in MODELS:
            assert np.array_equal(touch[model, word]["realised_usd"], rows["realised_usd"])


def test_every_model_speaks_of_every_bin_and_bar(written: Path, scored: Scored) -> None:
    frozen, _ = rows_of(written / "frozen.parquet")
    touch, _ = rows_of(written / "touch.parquet")
    origins, bins = len(scored.scoring.origin_ms), scored.scoring.params.bins
    for model in ("liqbot", "B0", "B1", "B2", "B2b", "B3", "B4", "B4v", "B5", "B6", "ORACLE"):
        for side in SIDES:
            one = frozen[model, side]
            assert len(one["usd"]) == origins * bins
            assert np.array_equal(one["price_low"], frozen["liqbot", side]["price_low"])
            assert np.isfinite(one["usd"]).all()
            assert (one["usd"] >= 0).all()
            assert np.array_equal(touch[model, side]["time_ms"], touch["liqbot", side]["time_ms"])
            assert (touch[model, side]["predicted_usd"] >= 0).all()
        # Longs lie below the mark of their origin, shorts above, the nearest bins meet at it.
        low, high = frozen[model, "long"]["price_high"][::bins], frozen[model, "short"]["price_low"][::bins]
        assert np.array_equal(low, high)
