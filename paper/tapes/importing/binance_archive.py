"""What all files of Binance's public archive have in common: their names say the symbol."""

import re
from typing import Final

from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.files import Source
from paper.tapes.importing.reading import Reading

_NAMED: Final = re.compile(r"(?P<symbol>[A-Z0-9]{4,}(?:_[A-Z0-9]+)?)-.+")


DATA_SETS: Final = (
    "aggTrades", "bookDepth", "bookTicker", "fundingRate", "indexPriceKlines", "klines", "liquidationSnapshot",
    "markPriceKlines", "metrics", "premiumIndexKlines", "trades",
)  # fmt: skip
"""Folders of the archive, some of them also in the names of files."""


def data_set(source: Source) -> str | None:
    """The data set that a file's name, or else the nearest folder, says it is of."""
    words = [*source.stem.split("-"), *reversed(source.words[:-1])]
    return next((word for word in words if word in DATA_SETS), None)


def archive_book(reading: Reading) -> BookAmounts:
    """The book of a file such as BTCUSDT-1m-2024-01. TapeError for files of the spot market."""
    source = reading.sample.source
    if "spot" in source.words[:-1]:
        raise reading.error("it is of the spot market; files of futures/um and futures/cm are right")
    named = _NAMED.fullmatch(source.stem)
    return reading.book("binance", named["symbol"] if named else None)
