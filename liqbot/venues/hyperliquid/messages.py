"""Hyperliquid's public messages: trades, which name both wallets, and the context of a coin: mark, oracle, funding and
open interest.

Prices and sizes are texts, sizes in coin. A context bears no time: it counts as of when it came.
"""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    NOT_OURS,
    PRICE_MAX,
    TIME_MS_MAX,
    Parsed,
    Party,
    Trade,
    WireBook,
    decoded,
)
from liqbot.venues.rows import BROKEN, RowShape, fault_of, figures, foreign

FUNDING_INTERVAL_H: Final = 1.0
"""Paid every hour, at the eighth part of what eight hours come to."""
_SIDES: Final = ("B", "A")
"""Of the taker: bid or ask."""


class _Trade(msgspec.Struct, gc=False):
    coin: str
    side: str
    px: float
    sz: float
    time: int
    tid: int
    """Unique within a block and a coin."""
    users: Any = None
    """Buyer and seller; recordings of before 2024-11 have none."""


class AssetContext(msgspec.Struct, gc=False, rename="camel"):
    """Of one coin. `midPx` and `premium` may be null, so may others."""

    mark_px: float | str | None = None
    oracle_px: float | str | None = None
    funding: float | str | None = None
    """As a fraction per hour, as it would be settled now."""
    open_interest: float | str | None = None
    """In coin, one side."""


class _CoinContext(msgspec.Struct, gc=False):
    coin: str
    ctx: AssetContext


class _Context(msgspec.Struct, gc=False):
    data: _CoinContext


class _Envelope(msgspec.Struct, gc=False):
    channel: str = ""


_TRADE_HEAD: Final = '{"channel":"trades"'
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = RowShape("trades", _Trade, "coin")
_CONTEXT: Final = msgspec.json.Decoder(_Context, strict=False)
_FIGURES: Final = frozenset(one.encode_name for one in msgspec.structs.fields(AssetContext))


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    if isinstance(raw, str) and raw.startswith(_TRADE_HEAD):
        return _trades(raw, book)
    try:
        channel = _ENVELOPE.decode(raw).channel
    except BROKEN:
        decoded(raw, book)
        return NOT_OURS
    if channel == "activeAssetCtx":
        return _context(raw, book)
    return _trades(raw, book) if channel == "trades" else NOT_OURS


def _trades(raw: str | bytes, book: WireBook) -> Parsed:
    parsed = Parsed()
    trades: list[Trade] = []
    parties: list[Party] = []
    for entry in _TRADES.rows(raw, book, parsed):
        index = book.index_of.get(entry.coin)
        if index is None:
            parsed.ignored += 1
            continue
        price, amount, time_ms = entry.px, entry.sz, entry.time
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            book.reject(book.malformed("trades", (time_ms, price, amount), entry))
            continue
        if entry.side not in _SIDES:
            book.reject(book.malformed("trades side", entry.side, entry))
            continue
        # A new subscription may begin with trades that the one before has sent.
        if not book.first_time((index, time_ms, entry.tid)):
            parsed.ignored += 1
            continue
        per_price, flat = book.factors[index]
        size_usd = amount * (per_price * price + flat)
        trades.append((index, time_ms, price, size_usd, entry.side == "B"))
        if book.wants_parties:
            parties += _parties(entry, index, size_usd, book)
    parsed.trades, parsed.parties = trades, parties
    return parsed


def _parties(entry: _Trade, index: int, size_usd: float, book: WireBook) -> list[Party]:
    users = entry.users
    if users is None:
        return []
    if not isinstance(users, list) or not all(isinstance(user, str) and is_wallet(user) for user in users):
        book.reject(book.malformed("trades users", users, entry))
        return []
    return [(index, entry.time, user.lower(), size_usd) for user in users]


def is_wallet(text: str) -> bool:
    """An address: 0x and 40 hexadecimal digits."""
    digits = text[2:]
    return len(text) == 42 and text.startswith("0x") and all(digit in "0123456789abcdefABCDEF" for digit in digits)


def _context(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        data = _CONTEXT.decode(raw).data
    except BROKEN as error:
        return _broken_context(decoded(raw, book), error, book)
    index = book.index_of.get(data.coin)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=context_facts(data.ctx, index, book.received_ms, book))


def _broken_context(frame: Any, error: Exception, book: WireBook) -> Parsed:
    """Once more without the figures that are of no kind of number."""
    data = frame.get("data") if isinstance(frame, dict) else None
    if foreign(data, "coin", book):
        return Parsed(ignored=1)
    context = data.get("ctx") if isinstance(data, dict) else None
    broken = {key for key in _FIGURES if isinstance(context, dict) and isinstance(context.get(key), bool | dict | list)}
    if not isinstance(data, dict) or not isinstance(context, dict) or not broken:
        raise fault_of(frame, error, "activeAssetCtx", book)
    for key in sorted(broken):
        book.reject(book.malformed(f"activeAssetCtx {key}", context[key], context))
    left = {key: value for key, value in context.items() if key not in broken}
    message = book.convert({**data, "ctx": left}, _CoinContext, "activeAssetCtx")
    index = book.index_of.get(message.coin)
    return Parsed(ignored=1) if index is None else Parsed(
        facts=context_facts(message.ctx, index, book.received_ms, book)
    )


def context_facts(context: AssetContext, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    return figures(context, index, time_ms, _READERS, book)


def _marked(context: AssetContext, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("context markPx", context.mark_px, context)
    return book.mark(index, time_ms, mark_price, book.figure("context oraclePx", context.oracle_px, context))


def _funded(context: AssetContext, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("context funding", context.funding, context)
    return [] if rate is None else book.funding(index, time_ms, rate, FUNDING_INTERVAL_H)


def _interest(context: AssetContext, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("context openInterest", context.open_interest, context)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


_READERS: Final = (_marked, _funded, _interest)
