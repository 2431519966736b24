"""Coinalyze: candles with the share that takers bought."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.candles import OHLC, typical_prices
from paper.tapes.importing.coinalyze import endpoint_of, series
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample


def _claims(sample: Sample) -> bool:
    return endpoint_of(sample) == "ohlcv"


def _read(reading: Reading) -> Iterator[Facts]:
    for book, cells, span_ms in series(reading):
        value = 1.0 if reading.hints.in_usd else typical_prices(cells)
        usd, bought = cells.numbers("volume") * value, cells.numbers("buy_volume") * value
        columns = {name: cells.numbers(name) for name in OHLC} | {"span_ms": span_ms}
        columns |= {"volume_usd": usd, "buy_usd": bought, "sell_usd": np.maximum(usd - bought, 0.0)}
        ends = cells.times_ms("time") + span_ms
        yield reading.facts("bars", book, cells, ends, columns, {"volume_usd": "volume", "buy_usd": "buy_volume"})


FORMAT: Final = Format("Coinalyze OHLCV history", _claims, _read)
