"""Bybit's answers to requests for tickers, maintenance tiers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.legible import spelled_and_cut
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.bybit.messages import TickerMessage, ticker_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _Tier(msgspec.Struct, rename="camel"):
    risk_limit_value: float
    maintenance_margin: float
    max_leverage: float


class _TierList(msgspec.Struct):
    list: list[_Tier]


class _TierAnswer(msgspec.Struct):
    result: _TierList


class _PastOpenInterest(msgspec.Struct, rename="camel"):
    timestamp: int
    open_interest: float
    single_open_interest: float | str | None = None


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_rate_timestamp: int


class _Kline(msgspec.Struct, array_like=True):
    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding and open interest of one contract or more."""
    sent_ms = payload.get("time") if isinstance(payload, dict) else None
    time_ms = now_ms if sent_ms is None else book.convert(sent_ms, int, "tickers time")
    facts: list[MarketEvent] = []
    for ticker in answered_rows(payload, TickerMessage, "tickers", book, "result", "list"):
        index = book.index_of.get(ticker.symbol)
        if index is not None:
            facts += ticker_facts(ticker, index, time_ms, book)
    return facts


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """The rates come as fractions (0.005 is .5 %); caps in USD, of inverse contracts in coin."""
    del index
    rows = book.convert(payload, _TierAnswer, "risk-limit").result.list
    found = [TierRow(row.risk_limit_value, row.max_leverage, row.maintenance_margin * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Turnover is in USD; of inverse contracts it is in coin and the volume in USD. No taker split."""
    inverse = book.contracts[index].inverse

    def bar(row: _Kline) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        return [book.bar(index, row.start_ms, BAR_MS, prices, row.volume if inverse else row.turnover)]

    return each(answered_rows(payload, _Kline, "kline", book, "result", "list"), bar, book)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """In coin: valued with the bars of that time, which are read before. Counts both sides unless the single-sided
    figure is there."""
    rows = answered_rows(payload, _PastOpenInterest, "open-interest", book, "result", "list")
    return each(rows, lambda row: _past_interest(row, index, book), book)


def _past_interest(row: _PastOpenInterest, index: int, book: WireBook) -> list[MarketEvent]:
    single = book.figure("open-interest singleOpenInterest", row.single_open_interest, row)
    halved = book.contracts[index].open_interest_two_sided and single is None
    usd = book.past_usd(index, row.timestamp, row.open_interest if single is None else single)
    return [] if usd is None else [book.past_open_interest(index, row.timestamp, usd * (0.5 if halved else 1.0))]


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding history", book, "result", "list")
    return book.paid(index, [(row.funding_rate_timestamp, row.funding_rate) for row in rows])


# --- its own state ---------------------------------------------------------------------------------------------------

STATUS_METHOD: Final = "publicGetV5SystemStatus"


class _Event(msgspec.Struct):
    state: str
    title: str = ""


class _Events(msgspec.Struct):
    list: list[_Event]


class _StatusAnswer(msgspec.Struct):
    result: _Events


def closed(payload: Any, coin: str) -> str:
    """By maintenance or an incident. Which products one is about is coded by numbers that were not looked up: each that
    is going on counts."""
    del coin
    events = answer("bybit", STATUS_METHOD, payload, _StatusAnswer, as_it_is).result.list
    going_on = [f"{one.title or 'maintenance'} is {one.state}" for one in events if one.state == "ongoing"]
    return spelled_and_cut("; ".join(going_on))
