"""Phemex's answers to requests for tickers and paid funding."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.phemex.messages import Names, quote_facts, time_ms
from liqbot.venues.rows import answered_rows

_LINEAR: Final[Names] = {
    "mark": "markPriceRp", "index": "indexPriceRp", "rate": "fundingRateRr", "interest": "openInterestRv",
}
_INVERSE: Final[Names] = {
    "mark": "markEp", "index": "indexEp", "rate": "fundingRateEr", "interest": "openInterest",
}


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_time: int


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Of one contract: mark, index, funding rate and open interest."""
    del now_ms
    row = payload.get("result") if isinstance(payload, dict) else None
    named = row.get("symbol") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(named, str):
        raise book.malformed("ticker", row, payload)
    index = book.index_of.get(named)
    if index is None:
        return []
    names = _INVERSE if book.contracts[index].inverse else _LINEAR
    return quote_facts(row, names, index, time_ms(row, book), book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding-rate-history", book, "data", "rows")
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
