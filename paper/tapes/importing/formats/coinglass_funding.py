"""Coinglass: history of the rate that is expected at the next settlement, in percent. What it closed at is a forecast.

It does not tell how often the exchange settles.
"""

from collections.abc import Iterator
from typing import Final

from liqbot.instruments import FundingStage
from liqbot.venues.registry import usual_interval_h
from paper.tapes.importing.coinglass import endpoint_has, history, history_book, is_ohlc
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample


def _claims(sample: Sample) -> bool:
    of_one_exchange = endpoint_has(sample.source, "fundingrate") and not endpoint_has(sample.source, "weight")
    return is_ohlc(sample) and of_one_exchange


def _read(reading: Reading) -> Iterator[Facts]:
    book = history_book(reading)
    interval_h = usual_interval_h(book.venue_key)
    reading.note(f"rates are taken as percent per {interval_h:g} h, which the file does not tell")
    for cells, ends, _ in history(reading):
        yield reading.funding(book, cells, ends, "close", interval_h, FundingStage.FORECAST, as_fraction=False)


FORMAT: Final = Format("Coinglass funding rate history", _claims, _read)
