"""Phemex's public messages: trades and tickers (mark, index, funding, open interest).

Of USDT contracts figures are texts as they are, amounts in coin; of coin-margined ones whole numbers, scaled, and
amounts in contracts of a dollar. Times are nanoseconds.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import taker_bought, trade_of
from liqbot.venues.rows import BROKEN, figures, typed_row
from liqbot.venues.tickers import ticker_row

_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""
PRICE_SCALE: Final = 1e4
"""`priceScale` 4 of the coin-margined contracts of BTC and ETH in the venue's list."""
RATE_SCALE: Final = 1e8
"""`ratioScale` 8."""
PACK: Final = "perp_market24h_pack_p.update"
_PACK_FIELDS: Final = (
    "symbol", "openRp", "highRp", "lowRp", "lastRp", "volumeRq", "turnoverRv", "openInterestRv", "indexRp", "markRp",
    "fundingRateRr", "predFundingRateRr",
)  # fmt: skip
"""Their order where a message does not name them again."""
Names = Mapping[str, str]
PACKED: Final[Names] = {
    "mark": "markRp", "index": "indexRp", "rate": "fundingRateRr", "interest": "openInterestRv",
}
_SCALED: Final[Names] = {
    "mark": "markPrice", "index": "indexPrice", "rate": "fundingRate", "interest": "openInterest",
}
_SNAPSHOT: Final = "snapshot"


class _Trade(msgspec.Struct, array_like=True, gc=False):
    ts: int
    side: str
    """Of the taker."""
    price: float
    amount: float


class _Frame(msgspec.Struct, gc=False):
    """Of trades of USDT contracts `trades_p`, of coin-margined ones `trades`, with scaled prices."""

    symbol: str = ""
    type: str = ""
    method: str = ""
    trades_p: list[_Trade] | None = None
    trades: list[_Trade] | None = None


class _Quote(msgspec.Struct, gc=False):
    symbol: str
    mark: float | str | None = None
    index: float | str | None = None
    rate: float | str | None = None
    """Of the payment to come."""
    interest: float | str | None = None


_FRAME: Final = msgspec.json.Decoder(_Frame, strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        frame = _FRAME.decode(raw)
    except BROKEN:
        return _other(decoded(raw, book), book)
    if frame.trades_p is None and frame.trades is None:
        return _other(decoded(raw, book), book)
    index = book.index_of.get(frame.symbol)
    if index is None:
        return Parsed(ignored=1)
    rows = frame.trades_p if frame.trades_p is not None else frame.trades
    return _trades(rows or [], frame.type, index, book)


def _trades(rows: list[_Trade], kind: str, index: int, book: WireBook) -> Parsed:
    """On subscribing, and so on every connection, the venue tells the last trades once more: they are no new ones."""
    if kind == _SNAPSHOT:
        return Parsed(ignored=len(rows))
    scale = PRICE_SCALE if book.contracts[index].inverse else 1.0
    trades = [
        trade_of(book, "trades", row, index, row.ts // _NS, row.price / scale, row.amount,
                 bought=taker_bought(row.side, "Buy", "Sell"))
        for row in reversed(rows)
    ]
    return Parsed([one for one in trades if one is not None])


def _other(frame: Any, book: WireBook) -> Parsed:
    if not isinstance(frame, dict):
        return NOT_OURS
    if frame.get("method") == PACK:
        return _pack(frame, book)
    if "market24h" in frame:
        return _market(frame, book)
    if "trades_p" not in frame and "trades" not in frame:
        return NOT_OURS
    index = book.index_of.get(frame["symbol"]) if isinstance(frame.get("symbol"), str) else None
    if index is None:
        return Parsed(ignored=1)
    rows = frame.get("trades_p", frame.get("trades"))
    if not isinstance(rows, list):
        raise book.malformed("trades", rows, frame)
    typed = [typed_row(row, _Trade, "trades", book) for row in rows]
    kind = frame.get("type")
    return _trades([row for row in typed if row is not None], kind if isinstance(kind, str) else "", index, book)


def _pack(frame: dict[str, Any], book: WireBook) -> Parsed:
    """Of every USDT contract there is: only those that are watched are looked at."""
    sent_ms, rows, fields = time_ms(frame, book), frame.get("data"), frame.get("fields", _PACK_FIELDS)
    named_well = isinstance(fields, list | tuple) and all(isinstance(one, str) for one in fields)
    if not isinstance(rows, list) or not named_well or "symbol" not in fields:
        raise book.malformed(PACK, fields, frame)
    place = fields.index("symbol")
    parsed = Parsed()
    for row in rows:
        named = row[place] if isinstance(row, list) and len(row) == len(fields) else None
        index = book.index_of.get(named) if isinstance(named, str) else None
        if index is not None:
            parsed.facts += quote_facts(dict(zip(fields, row, strict=True)), PACKED, index, sent_ms, book)
        elif named is None:
            book.reject(book.malformed(PACK, row, row))
        else:
            parsed.ignored += 1
    return parsed


def _market(frame: dict[str, Any], book: WireBook) -> Parsed:
    row = frame["market24h"]
    named = row.get("symbol") if isinstance(row, dict) else None
    if not isinstance(named, str):
        raise book.malformed("market24h", row, frame)
    index = book.index_of.get(named)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=quote_facts(row, _SCALED, index, time_ms(frame, book), book))


def time_ms(row: dict[str, Any], book: WireBook) -> int:
    return book.convert(row.get("timestamp"), int, "timestamp") // _NS


def quote_facts(row: dict[str, Any], names: Names, index: int, sent_ms: int, book: WireBook) -> list[MarketEvent]:
    """`names`: what the venue calls each figure there. An unreadable one does not cost the others."""
    ours = {name: row.get(theirs) for name, theirs in names.items()}
    quote = ticker_row({"symbol": row.get("symbol"), **ours}, _Quote, "ticker", book)
    return figures(quote, index, sent_ms, _READERS, book)


def _scaled(book: WireBook, index: int, value: float | None, scale: float) -> float | None:
    return value / scale if value is not None and book.contracts[index].inverse else value


def _marked(quote: _Quote, index: int, sent_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = _scaled(book, index, book.figure("ticker mark", quote.mark, quote), PRICE_SCALE)
    index_price = _scaled(book, index, book.figure("ticker index", quote.index, quote), PRICE_SCALE)
    return book.mark(index, sent_ms, mark_price, index_price)


def _funded(quote: _Quote, index: int, sent_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = _scaled(book, index, book.figure("ticker fundingRate", quote.rate, quote), RATE_SCALE)
    return book.funding(index, sent_ms, rate)


def _interest(quote: _Quote, index: int, sent_ms: int, book: WireBook) -> list[MarketEvent]:
    """In coin, whatever its name says; of coin-margined contracts in contracts."""
    amount = book.figure("ticker openInterest", quote.interest, quote)
    return [] if amount is None else book.open_interest(index, sent_ms, amount)


_READERS: Final = (_marked, _funded, _interest)
