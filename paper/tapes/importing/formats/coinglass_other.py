"""Coinglass: answers whose figures have no place on a tape (ratios, lists of one moment, books, weighted means)."""

import re
from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.coinglass import endpoint_has
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_SOURCE: Final = ("apifutures", "apiprice", "coinglass")
_ENDPOINTS: Final = (
    "ratio", "exchangelist", "orderbook", "taker", "pairsmarkets", "weight", "coinmargin", "stablecoin",
)  # fmt: skip


def _claims(sample: Sample) -> bool:
    name = re.sub(r"[^a-z]", "", sample.source.stem.lower())
    return any(word in name for word in _ENDPOINTS) and any(endpoint_has(sample.source, word) for word in _SOURCE)


def _read(reading: Reading) -> Iterator[Facts]:
    reading.note("left out: its figures have no place on a tape")
    yield from ()


FORMAT: Final = Format("Coinglass, of no use to a tape", _claims, _read)
