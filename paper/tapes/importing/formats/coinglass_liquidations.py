"""Coinglass: sums of forced closes over an interval, of a pair at one exchange or of a coin over all of them."""

from collections.abc import Iterator
from typing import Final

from liqbot.instruments import AGGREGATE
from paper.tapes.importing.coinglass import history, history_book
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_OF_A_PAIR: Final = ("long_liquidation_usd", "short_liquidation_usd")
_OF_A_COIN: Final = tuple(f"aggregated_{name}" for name in _OF_A_PAIR)


def _claims(sample: Sample) -> bool:
    return sample.has("time", *_OF_A_PAIR) or sample.has("time", *_OF_A_COIN)


def _read(reading: Reading) -> Iterator[Facts]:
    whole = reading.sample.has(*_OF_A_COIN)
    long, short = _OF_A_COIN if whole else _OF_A_PAIR
    book = history_book(reading, AGGREGATE if whole else None)
    for cells, ends, span_ms in history(reading):
        columns = {"span_ms": span_ms, "long_usd": cells.numbers(long), "short_usd": cells.numbers(short)}
        yield reading.facts("totals", book, cells, ends, columns, {"long_usd": long, "short_usd": short})


FORMAT: Final = Format("Coinglass liquidation history", _claims, _read)
