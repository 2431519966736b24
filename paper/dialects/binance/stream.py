"""Binance USD-M: the public websocket streams, a block at a time."""

import heapq
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.instruments import Instrument, Side
from paper.dialects.binance.book import ALL_TOPS, BOOK_SUFFIXES, BinanceBooks
from paper.dialects.binance.errors import BinanceNames
from paper.dialects.trade_prints import plain

ALL_MARKS: Final = ("!markPrice@arr", "!markPrice@arr@1s")
ALL_FORCED: Final = "!forceOrder@arr"
SLOW_MARK_MS: Final = 3_000
MARKET_SUFFIXES: Final = ("@aggTrade", "@trade", "@markPrice", "@markPrice@1s", "@forceOrder")
PUBLIC_SUFFIXES: Final = ("@trade", *BOOK_SUFFIXES)
"""Sources differ on the root of `@trade`: it is served at either."""
PATTERNS: Final = (
    *(f"ws <symbol>{suffix}" for suffix in dict.fromkeys((*MARKET_SUFFIXES, *PUBLIC_SUFFIXES))),
    *(f"ws {stream}" for stream in (*ALL_MARKS, ALL_FORCED, ALL_TOPS)),
)

Sent = tuple[str, bytes]
Timed = tuple[int, str, bytes]
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode


def known(stream: str, names: BinanceNames, roots: Collection[str]) -> bool:
    """Whether this venue publishes a stream of that name under one of these roots (`public`, `market`)."""
    if stream in (*ALL_MARKS, ALL_FORCED):
        return "market" in roots
    if stream == ALL_TOPS:
        return "public" in roots
    symbol, at, suffix = stream.partition("@")
    there = (("market", MARKET_SUFFIXES), ("public", PUBLIC_SUFFIXES))
    carried = any(root in roots and at + suffix in suffixes for root, suffixes in there)
    return carried and symbol.upper() in names.by_symbol and symbol == symbol.lower()


def published(block: EventBlock, wanted: set[str], names: BinanceNames, books: BinanceBooks) -> Iterator[Sent]:
    """Everything of the block that somebody wants, by the venue's own event times; made as it is requested."""
    timed: list[Iterator[Timed]] = []
    for symbol, one in names.by_symbol.items():
        if {f"{symbol.lower()}@aggTrade", f"{symbol.lower()}@trade"} & wanted:
            timed.append(_trades(one, symbol, wanted, names))
        timed.append(_marks(_ours(block.marks, one, names), one, symbol, wanted, names))
        timed.append(_forced(_ours(block.liquidations, one, names), one, symbol, wanted, names))
        timed.append((time_ms, topic, _encode(said)) for time_ms, topic, said in books.messages(symbol, one, wanted))
    for _, topic, message in heapq.merge(*timed, key=lambda message: message[0]):
        yield topic, message


def _ours(rows: Rows, one: Instrument, names: BinanceNames) -> Rows:
    return names.hub.rows_of(rows, one.venue, one.coin)


def _trades(one: Instrument, symbol: str, wanted: set[str], names: BinanceNames) -> Iterator[Timed]:
    """An aggregate of one trade each, and the trade itself."""
    together, single = f"{symbol.lower()}@aggTrade", f"{symbol.lower()}@trade"
    for print_ in names.hub.printed(one.venue, one.coin):
        said = {
            "E": print_.time_ms, "T": print_.time_ms, "s": symbol, "p": plain(print_.price),
            "q": plain(print_.quantity_base), "m": not print_.taker_buys,
        }  # fmt: skip
        number = print_.number
        if together in wanted:
            yield print_.time_ms, together, _encode({"e": "aggTrade", "a": number, "f": number, "l": number, **said})
        if single in wanted:
            yield print_.time_ms, single, _encode({"e": "trade", "t": number, "X": "MARKET", **said})


def _marks(
    rows: Rows, one: Instrument, symbol: str, wanted: set[str], names: BinanceNames
) -> Iterator[Timed]:
    ticker = names.hub.ticker(one.venue, one.coin)
    fast, slow = f"{symbol.lower()}@markPrice@1s", f"{symbol.lower()}@markPrice"
    for row in rows.tolist():
        time_ms, mark_price, index_price = row[0], row[3], row[4] if row[4] == row[4] else row[3]
        update = {
            "e": "markPriceUpdate", "E": time_ms, "s": symbol, "p": plain(mark_price), "ap": plain(mark_price),
            "P": plain(mark_price), "i": plain(index_price), "r": f"{ticker.rate_pct / 100:.8f}",
            "T": ticker.next_funding_ms(time_ms),
        }  # fmt: skip
        due = time_ms % SLOW_MARK_MS < 1_000
        topics = [fast, ALL_MARKS[1], *((slow, ALL_MARKS[0]) if due else ())]
        for topic in topics:
            if topic in wanted:
                yield time_ms, topic, _encode([update] if topic in ALL_MARKS else update)


def _forced(
    rows: Rows, one: Instrument, symbol: str, wanted: set[str], names: BinanceNames
) -> Iterator[Timed]:
    topics = [topic for topic in (f"{symbol.lower()}@forceOrder", ALL_FORCED) if topic in wanted]
    for row in rows.tolist() if topics else ():
        time_ms, side, price, size_usd = row[0], row[3], row[4], row[5]
        base = size_usd / price
        if names.hub.params.on_step:
            base = float(max(one.round_quantity(base), one.quantity_step_base))
        quantity = plain(base)
        # The order side: a long is closed by selling.
        order = {
            "s": symbol, "S": "SELL" if side == Side.LONG.value else "BUY", "o": "LIMIT", "f": "IOC", "q": quantity,
            "p": plain(price), "ap": plain(price), "X": "FILLED", "l": quantity, "z": quantity, "T": time_ms,
        }  # fmt: skip
        message = _encode({"e": "forceOrder", "E": time_ms, "o": order})
        for topic in topics:
            yield time_ms, topic, message
