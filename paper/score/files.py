"""The forecasts as files, so that anyone can score them independently, and what became of them."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from paper.score.price_path import FINE, LONG, OUTWARD, SHORT, Floats, Whole, prices_at
from paper.score.record import side_word
from paper.score.score import Scoring
from paper.tapes.writer import replacing

_NOTE = b"liqbot_score"
Part = tuple[str, int, Mapping[str, Floats | Whole]]
"""Model or venue, side, columns."""


def write_forecasts(directory: Path, scoring: Scoring) -> tuple[Path, ...]:
    """`frozen.parquet` (held for the primary horizon, USD if visited), `touch.parquet` (before any fit),
    `outcome.parquet` (what price visited within that horizon of each origin and what was reported there) and
    `positions.parquet` (USD open at each origin, by venue, in prices of its own mark).
    They appear together, when all are whole: figures made from them are of one score. TapeError when they cannot be
    written."""
    directory.mkdir(parents=True, exist_ok=True)
    note = msgspec.json.encode(
        {"params": scoring.params.model_dump(), "split": scoring.split, "setting": scoring.record.setting,
         "seed": scoring.seed}
    )
    paths = files_in(directory)
    with contextlib.ExitStack() as whole:
        parts = [whole.enter_context(replacing(path)) for path in paths]
        for write, part in zip(_FILES, parts, strict=True):
            write(part, scoring, note)
    return paths


def files_in(directory: Path) -> tuple[Path, ...]:
    """Where forecasts are written."""
    return tuple(directory / f"{write.__name__[1:]}.parquet" for write in _FILES)


def _frozen(path: Path, scoring: Scoring, note: bytes) -> None:
    every = np.arange(len(scoring.origin_ms))
    parts: list[Part] = [
        (name, side, {**_bands(scoring, every, side, scoring.grid.home), "usd": np.nan_to_num(maps[:, side]).ravel()})
        for name, maps in scoring.forecasts(scoring.params.primary_h).items()
        for side in (LONG, SHORT)
    ]
    _written(path, parts, note)


def _bands(scoring: Scoring, origins: Whole, side: int, venue: int) -> dict[str, Floats | Whole]:
    """The bins of some origins, nearest first: when they were frozen and the prices of a venue they lie between."""
    bins = scoring.params.bins
    marks = scoring.record.origin_marks[origins, venue]
    edges = prices_at(marks[:, None] + OUTWARD[side] * FINE * np.arange(bins + 1))
    return {
        "origin_ms": np.repeat(scoring.origin_ms[origins], bins),
        "price_low": np.minimum(edges[:, :-1], edges[:, 1:]).ravel(),
        "price_high": np.maximum(edges[:, :-1], edges[:, 1:]).ravel(),
    }


def _outcome(path: Path, scoring: Scoring, note: bytes) -> None:
    """Only origins whose whole horizon the tape covers."""
    found = scoring.outcomes[scoring.params.primary_h]
    origins = np.flatnonzero(found.usable)
    parts: list[Part] = [
        ("", side, {
            **_bands(scoring, origins, side, scoring.grid.home), "visited_share": found.visited[origins, side].ravel(),
            "realised_usd": found.realised_usd[origins, side].ravel(),
        })
        for side in (LONG, SHORT)
    ]
    _written(path, parts, note)


def _positions(path: Path, scoring: Scoring, note: bytes) -> None:
    """Only origins at which the venue had a price."""
    record = scoring.record
    parts: list[Part] = []
    for code, venue in enumerate(record.setting.roster.venues):
        origins = np.flatnonzero(np.isfinite(record.origin_marks[:, code]))
        if not len(origins):
            continue
        parts += [
            (venue, side, {
                **_bands(scoring, origins, side, code), "usd": record.venue_positions_usd[origins, code, side].ravel(),
            })
            for side in (LONG, SHORT)
        ]
    _written(path, parts, note, of="venue")


def _touch(path: Path, scoring: Scoring, note: bytes) -> None:
    touch, expected = scoring.touch_series()
    parts: list[Part] = [
        (name, side, {
            "time_ms": touch.time_ms, "predicted_usd": values[:, side], "realised_usd": touch.realised_usd[:, side],
            "crossed_bins": touch.crossed_bins[:, side],
        })
        for name, values in expected.items()
        for side in (LONG, SHORT)
    ]
    _written(path, parts, note)


def _written(path: Path, parts: list[Part], note: bytes, *, of: str = "model") -> None:
    """One part per model (or what they are `of`) and side, one row group each. What is no model's has no such
    column."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = list(parts[0][2])
    text = pa.dictionary(pa.int32(), pa.string())
    order = [columns[0], *([of] if parts[0][0] else []), "side", *columns[1:]]
    kinds: dict[str, Any] = {of: text, "side": text, columns[0]: pa.int64()}
    schema = pa.schema([pa.field(name, kinds.get(name, pa.float64())) for name in order], metadata={_NOTE: note})
    models = list(dict.fromkeys(name for name, _, _ in parts))
    words = {of: pa.array(models), "side": pa.array([side_word(LONG), side_word(SHORT)])}
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for model, side, values in parts:
            count = len(values[columns[0]])
            codes = {of: models.index(model), "side": side}
            arrays = [
                pa.DictionaryArray.from_arrays(pa.array(np.full(count, codes[name], np.int32)), words[name])
                if name in codes
                else pa.array(values[name])
                for name in order
            ]
            writer.write_table(pa.table(arrays, schema=schema))


_FILES: Final[tuple[Callable[[Path, Scoring, bytes], None], ...]] = (_frozen, _touch, _outcome, _positions)
