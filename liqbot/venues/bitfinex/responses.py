"""Bitfinex's answers to requests for the status of a derivative and for candles."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.bitfinex.messages import Status, status_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, typed_row

BAR_MS: Final = 300_000


class _Candle(msgspec.Struct, array_like=True):
    """The close comes before the high; `volume` in coin."""

    start_ms: int
    open: float
    close: float
    high: float
    low: float
    volume: float


def statuses(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """As the stream has them, behind the name of the contract."""
    del now_ms
    if not isinstance(payload, list):
        raise book.malformed("status", payload)
    facts: list[MarketEvent] = []
    for row in payload:
        named = row[0] if isinstance(row, list) and row else None
        if not isinstance(named, str):
            book.reject(book.malformed("status KEY", named, row))
        elif named in book.index_of:
            status = typed_row(row[1:], Status, "status", book)
            facts += [] if status is None else status_facts(status, book.index_of[named], book)
    return facts


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    contract = book.contracts[index]

    def bar(row: _Candle) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        return [book.bar(index, row.start_ms, BAR_MS, prices, contract.usd(row.volume, row.close))]

    return each(answered_rows(payload, _Candle, "candles", book), bar, book)
