"""The forecasts as files, so that anyone can score them independently."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from paper.score.frame import FINE, LONG, OUTWARD, SHORT, Floats, Whole, prices_at
from paper.score.record import side_word
from paper.score.score import Scoring

_NOTE = b"liqbot_score"
Part = tuple[str, int, Mapping[str, Floats | Whole]]
"""Model, side, columns."""


def write_forecasts(directory: Path, scoring: Scoring) -> tuple[Path, Path]:
    """`frozen.parquet` (held for the primary horizon, USD if visited) and `touch.parquet` (before any fit)."""
    directory.mkdir(parents=True, exist_ok=True)
    note = msgspec.json.encode(
        {"params": scoring.params.model_dump(), "split": scoring.split, "setting": scoring.record.setting,
         "seed": scoring.seed}
    )
    return _frozen(directory / "frozen.parquet", scoring, note), _touch(directory / "touch.parquet", scoring, note)


def _frozen(path: Path, scoring: Scoring, note: bytes) -> Path:
    record, bins = scoring.record, scoring.params.bins
    usable = np.flatnonzero(record.origin_ms >= scoring.split.train_ms)
    marks = record.origin_marks[usable, scoring.grid.home]
    sides = []
    for side in (LONG, SHORT):
        edges = prices_at(marks[:, None] + OUTWARD[side] * FINE * np.arange(bins + 1))
        sides.append((np.minimum(edges[:, :-1], edges[:, 1:]), np.maximum(edges[:, :-1], edges[:, 1:])))
    times = np.repeat(record.origin_ms[usable], bins)
    parts = [
        (name, side, times, sides[side][0].ravel(), sides[side][1].ravel(), np.nan_to_num(maps[usable, side]).ravel())
        for name, maps in scoring.forecasts(scoring.params.primary_h).items()
        for side in (LONG, SHORT)
    ]
    names = ("origin_ms", "price_low", "price_high", "usd")
    return _written(path, [(name, side, dict(zip(names, rest, strict=True))) for name, side, *rest in parts], note)


def _touch(path: Path, scoring: Scoring, note: bytes) -> Path:
    touch, expected = scoring.touch_series()
    parts: list[Part] = [
        (name, side, {
            "time_ms": touch.time_ms, "predicted_usd": values[:, side], "realised_usd": touch.realised_usd[:, side],
            "crossed_bins": touch.crossed_bins[:, side],
        })
        for name, values in expected.items()
        for side in (LONG, SHORT)
    ]
    return _written(path, parts, note)


def _written(path: Path, parts: list[Part], note: bytes) -> Path:
    """One part per model and side, one row group each; the file appears only when it is whole."""
    import pyarrow as pa
    from pyarrow import parquet

    first = path.with_name(path.name + ".part")
    columns = list(parts[0][2])
    text = pa.dictionary(pa.int32(), pa.string())
    order = [columns[0], "model", "side", *columns[1:]]
    kinds: dict[str, Any] = {"model": text, "side": text, columns[0]: pa.int64()}
    schema = pa.schema([pa.field(name, kinds.get(name, pa.float64())) for name in order], metadata={_NOTE: note})
    models = list(dict.fromkeys(name for name, _, _ in parts))
    words = {"model": pa.array(models), "side": pa.array([side_word(LONG), side_word(SHORT)])}
    with parquet.ParquetWriter(first, schema, compression="zstd") as writer:
        for model, side, values in parts:
            count = len(values[columns[0]])
            codes = {"model": models.index(model), "side": side}
            arrays = [
                pa.DictionaryArray.from_arrays(pa.array(np.full(count, codes[name], np.int32)), words[name])
                if name in codes
                else pa.array(values[name])
                for name in order
            ]
            writer.write_table(pa.table(arrays, schema=schema))
    first.replace(path)
    return path
