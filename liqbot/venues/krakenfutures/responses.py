"""Kraken Futures' answers to requests for tickers, margin levels and the past."""

import math
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.krakenfutures.messages import FUNDING_H
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, figures
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _Ticker(msgspec.Struct, rename="camel"):
    """Its `fundingRate` is an amount of money per contract, not a share: left to the stream, which has both."""

    symbol: str
    mark_price: Any = None
    index_price: Any = None
    open_interest: Any = None


class _Candle(msgspec.Struct):
    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class _PastFunding(msgspec.Struct, rename="camel"):
    timestamp: str
    relative_funding_rate: float


class _Level(msgspec.Struct, rename="camel"):
    """Margin from this size on: USD of a linear contract, contracts of one USD of an inverse one."""

    initial_margin: float
    maintenance_margin: float
    num_non_contract_units: float | None = None
    contracts: float | None = None


class _Instrument(msgspec.Struct, rename="camel"):
    symbol: str
    margin_levels: list[_Level]
    max_position_size: float | None = None


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index and open interest of every contract that is watched."""
    server_time = payload.get("serverTime") if isinstance(payload, dict) else None
    time_ms = now_ms
    if server_time is not None:
        time_ms = book.iso_time("tickers serverTime", book.convert(server_time, str, "serverTime"))
    facts: list[MarketEvent] = []
    for ticker in answered_rows(payload, _Ticker, "tickers", book, "tickers"):
        index = book.index_of.get(ticker.symbol)
        if index is not None:
            facts += figures(ticker, index, time_ms, (_marked, _interest), book)
    return facts


def _marked(ticker: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("tickers markPrice", ticker.mark_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("tickers indexPrice", ticker.index_price, ticker))


def _interest(ticker: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("tickers openInterest", ticker.open_interest, ticker)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Volume in contracts: USD of an inverse one, coins of a linear one, which are valued at the mean of the four
    prices. No taker split."""

    def bar(row: _Candle) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        volume_usd = book.contracts[index].usd(row.volume, sum(prices) / 4.0)
        return [book.bar(index, row.time, BAR_MS, prices, volume_usd)]

    return each(answered_rows(payload, _Candle, "candles", book, "candles"), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """All that was ever paid, in one answer."""
    payments: list[tuple[int, float]] = []

    def noted(row: _PastFunding) -> list[MarketEvent]:
        payments.append((book.iso_time("rates timestamp", row.timestamp), row.relative_funding_rate))
        return []

    each(answered_rows(payload, _PastFunding, "rates", book, "rates"), noted, book)
    book.quotes[index].interval_h = FUNDING_H
    return book.paid(index, payments)


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """A level reaches to where the next one begins; the last one of a linear contract has no end in USD."""
    symbol_id = book.contracts[index].symbol_id
    listed = payload.get("instruments") if isinstance(payload, dict) else None
    rows = listed if isinstance(listed, list) else []
    found = next((row for row in rows if isinstance(row, dict) and row.get("symbol") == symbol_id), None)
    if found is None:
        raise book.malformed(f"instruments {symbol_id}", None, payload)
    instrument = book.convert(found, _Instrument, "instruments")
    if not instrument.margin_levels:
        raise book.malformed("instruments marginLevels", found.get("marginLevels"), found)
    levels = sorted(instrument.margin_levels, key=_begins_usd)
    last_usd = instrument.max_position_size if book.contracts[index].inverse else None
    ends_usd = [*(_begins_usd(level) for level in levels[1:]), math.inf if last_usd is None else last_usd]
    return tuple(
        TierRow(end_usd, 1.0 / book.positive("initialMargin", level.initial_margin), level.maintenance_margin * 100.0)
        for level, end_usd in zip(levels, ends_usd, strict=True)
    )


def _begins_usd(level: _Level) -> float:
    return level.num_non_contract_units or level.contracts or 0.0
