"""Deribit's answers to requests for tickers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.deribit.messages import FUNDING_H, DeribitTicker, ticker_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000
_PAID_H: Final = 1.0


class _TickerAnswer(msgspec.Struct):
    result: DeribitTicker


class _Chart(msgspec.Struct):
    """Columns of equal length. `cost` is what was traded in the currency of the price, `volume` in coin."""

    ticks: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    cost: list[float]


class _ChartAnswer(msgspec.Struct):
    result: _Chart


class _PastFunding(msgspec.Struct):
    timestamp: int
    interest_1h: float


def ticker(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding and open interest of one contract, at the venue's own time."""
    del now_ms
    found = book.convert(payload, _TickerAnswer, "ticker").result
    index = book.index_of.get(found.instrument_name)
    return [] if index is None else ticker_facts(found, index, book)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    chart = book.convert(payload, _ChartAnswer, "chart").result
    columns = (chart.ticks, chart.open, chart.high, chart.low, chart.close, chart.cost)
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise book.malformed("chart", f"columns of {sorted(lengths)} rows", payload)
    rows = list(zip(*columns, strict=True))
    return each(rows, lambda row: [book.bar(index, int(row[0]), BAR_MS, row[1:5], row[5])], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid over each hour. `interest_8h` overlaps from hour to hour and would count it eight times."""
    rows = answered_rows(payload, _PastFunding, "funding history", book, "result")
    book.quotes[index].interval_h = _PAID_H
    facts = book.paid(index, [(row.timestamp, row.interest_1h) for row in rows])
    book.quotes[index].interval_h = FUNDING_H
    return facts


# --- its own state ---------------------------------------------------------------------------------------------------

STATUS_METHOD: Final = "publicGetStatus"


class _Locks(msgspec.Struct):
    locked: str | bool
    """`true`, `partial` or `false`; the page's own example has it as a boolean."""
    locked_indices: list[str] = []
    locked_currencies: list[str] = []
    """What the list is called in that example."""


class _StatusAnswer(msgspec.Struct):
    result: _Locks


def closed(payload: Any, coin: str) -> str:
    """By a lock of the platform."""
    locks = answer("deribit", STATUS_METHOD, payload, _StatusAnswer, as_it_is).result
    said = str(locks.locked).lower()
    named = [one for one in (*locks.locked_indices, *locks.locked_currencies) if _is_of(one, coin)]
    if said == "false" or (said == "partial" and not named):
        return ""
    return f"the platform is locked ({said})"


def _is_of(index: str, coin: str) -> bool:
    """`btc_usd`, `btc_usdc` or `BTC`."""
    return index.lower().partition("_")[0] == coin.lower()
