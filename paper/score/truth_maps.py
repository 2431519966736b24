"""The true map at every origin, from a truth file: the positions themselves, in distance from each venue's mark."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from liqbot.instruments import Side
from paper.score.price_path import FINE, LONG, SHORT, Floats, Whole, positions_of
from paper.score.record import ScoreRecord
from paper.tapes.decode import text_codes
from paper.tapes.format import no_file
from paper.tapes.truth import COLUMNS, TruthError, reading


def opened_truth(path: Path) -> Any:
    """The file, with the right columns. TruthError otherwise."""
    from pyarrow import parquet

    if not path.is_file():
        raise TruthError(f"--truth {no_file(path)}")
    with reading(path):
        file = parquet.ParquetFile(path, read_dictionary=["venue", "coin", "side"])
    missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
    if missing:
        raise TruthError(f"{path}: column {missing[0]!r} is missing; a truth file has {', '.join(COLUMNS)}")
    return file


def check_coin(path: Path, coin: str) -> None:
    """TruthError when the file knows no position of the coin; read no further than the first one."""
    seen: set[str] = set()
    with reading(path):
        for batch in opened_truth(path).iter_batches(262_144, columns=["coin"], use_threads=False):
            seen.update(batch.column(0).unique().to_pylist())
            if coin in seen:
                return
    holds = ", ".join(sorted(str(one) for one in seen)) or "no positions"
    raise TruthError(f"{path}: column 'coin' holds {holds}, the scored coin is {coin}")


def true_maps(path: Path, record: ScoreRecord, bins: int) -> Floats:
    """[O, 2, K] USD; NaN at origins without a snapshot at that very time. Read one row group at a time.

    A position that a venue's mark should have closed already counts in the first bin.
    """
    found = np.full((len(record.origin_step), 2, bins), np.nan)
    numbers = {time_ms: number for number, time_ms in enumerate(record.origin_ms.tolist())}
    file = opened_truth(path)
    with reading(path):
        for batch in file.iter_batches(262_144, columns=list(COLUMNS), use_threads=False):
            _add(found, batch, record, numbers)
    if not np.isfinite(found).any():
        first, last = (datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in record.origin_ms[[0, -1]].tolist())
        raise TruthError(
            f"{path}: column 'time_ms' has none of the hours at which maps are frozen ({first} to {last}), "
            f"or 'venue' none of {', '.join(record.setting.roster.venues)}"
        )
    return found


def _add(found: Floats, batch: Any, record: ScoreRecord, numbers: dict[int, int]) -> None:
    columns = {name: batch.column(number) for number, name in enumerate(batch.schema.names)}
    roster, bins = record.setting.roster, found.shape[2]
    venue = _looked_up(columns["venue"], {name: code for code, name in enumerate(roster.venues)})
    ours = (_looked_up(columns["coin"], {record.setting.coin: 0}) == 0) & (venue >= 0)
    times = columns["time_ms"].to_numpy()
    for time_ms in np.unique(times[ours]).tolist():
        number = numbers.get(time_ms)
        if number is None:
            continue
        rows = np.flatnonzero(ours & (times == time_ms))
        long = _looked_up(columns["side"], {Side.LONG.word: 1, Side.SHORT.word: 0})[rows] == 1
        price = columns["liquidation_price"].to_numpy()[rows]
        mark = record.origin_marks[number][venue[rows]]
        away = np.where(long, 1.0, -1.0) * (mark - positions_of(np.maximum(price, 1e-9)))
        index = np.maximum(np.floor(away / FINE), 0.0)
        near = (index < bins) & np.isfinite(away)
        usd = columns["size_usd"].to_numpy()[rows]
        before = np.nan_to_num(found[number])
        for side, mine in ((LONG, long), (SHORT, ~long)):
            chosen = near & mine
            before[side] += np.bincount(index[chosen].astype(np.int64), usd[chosen], minlength=bins)
        found[number] = before


def _looked_up(column: Any, known: dict[str, int]) -> Whole:
    """Codes of a text column; -1 for words that are not known."""
    indices, words = text_codes(column)
    table = np.array([*(known.get(word, -1) for word in words), -1], np.int64)
    found: Whole = table[indices]
    return found
