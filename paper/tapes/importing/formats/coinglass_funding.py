"""Coinglass: history of the rate that is expected at the next settlement, in percent. What it closed at is a forecast.

It does not tell how often the exchange settles.
"""

from collections.abc import Iterator
from typing import Final

from liqbot.instruments import FundingStage, split_venue_key
from liqbot.venues.parsing import INTERVAL_H_USUAL
from paper.tapes.importing.coinglass import endpoint_has, history, history_book, is_ohlc
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_HOURLY: Final = frozenset({"hyperliquid", "dydx", "krakenfutures", "coinbase", "coinbaseinternational"})


def _claims(sample: Sample) -> bool:
    of_one_exchange = endpoint_has(sample.source, "fundingrate") and not endpoint_has(sample.source, "weight")
    return is_ohlc(sample) and of_one_exchange


def _read(reading: Reading) -> Iterator[Facts]:
    book = history_book(reading)
    interval_h = 1.0 if split_venue_key(book.venue_key)[0] in _HOURLY else INTERVAL_H_USUAL
    reading.note(f"rates are taken as percent per {interval_h:g} h, which the file does not tell")
    for cells, ends, _ in history(reading):
        yield reading.funding(book, cells, ends, "close", interval_h, FundingStage.FORECAST, as_fraction=False)


FORMAT: Final = Format("Coinglass funding rate history", _claims, _read)
