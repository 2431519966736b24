"""Bybit v5: the public websocket topics of linear contracts, a block at a time."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.instruments import Instrument, Side
from paper.dialects.bybit.errors import BybitNames, Row
from paper.dialects.bybit.market import PublicRequests, TickerFields, trade_id
from paper.dialects.http import Socket
from paper.dialects.tickers import VenueTicker
from paper.dialects.trade_prints import TradePrint, plain

BATCH_MS: Final = 500
"""Forced orders of half a second come in one message."""
DEPTHS: Final = ("1", "50", "200", "500", "1000")
PATTERNS: Final = (
    "ws publicTrade.<symbol>", "ws tickers.<symbol>", "ws allLiquidation.<symbol>", "ws orderbook.<depth>.<symbol>",
)  # fmt: skip

Timed = tuple[int, str, bytes]
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode


class PublicStream:
    """Remembers the tick direction of trades and who still waits for a first picture of a ticker."""

    def __init__(self, names: BybitNames, fields: TickerFields, requests: PublicRequests) -> None:
        self._names, self._fields, self._requests = names, fields, requests
        self._last: dict[str, tuple[float, bool]] = {}
        self._unseen: set[str] = set()
        self._sent_count = 0

    def knows(self, topic: str) -> bool:
        kind, _, rest = topic.partition(".")
        depth, _, symbol = rest.rpartition(".")
        if kind == "orderbook":
            return depth in DEPTHS and symbol in self._names.by_symbol
        return f"ws {kind}.<symbol>" in PATTERNS and rest in self._names.by_symbol

    def first(self, socket: Socket, topic: str) -> None:
        """What a new subscriber receives at once: the whole picture of a ticker or book."""
        kind, _, rest = topic.partition(".")
        one = self._names.by_symbol[rest.rpartition(".")[2]]
        known = self._names.hub.ticker(one.venue, one.coin).mark_or_last_price > 0.0
        if kind == "tickers" and known:
            socket.send(self._ticker(topic, "snapshot", self._fields.all(one, self._names.hub.now_ms), None))
        elif kind == "tickers":
            self._unseen.add(topic)
        elif kind == "orderbook" and known:
            socket.send(self._book(topic, one))

    def published(self, block: EventBlock, wanted: AbstractSet[str]) -> list[tuple[str, bytes]]:
        """Everything of the block that somebody wants, by the venue's own times."""
        timed: list[Timed] = []
        for symbol, one in self._names.by_symbol.items():
            if f"publicTrade.{symbol}" in wanted:
                timed.extend(self._trades(one, symbol))
            if f"tickers.{symbol}" in wanted:
                timed.extend(self._tickers(block, one, symbol))
            if f"allLiquidation.{symbol}" in wanted:
                timed.extend(self._forced(self._ours(block.liquidations, one), one, symbol))
            books = [topic for depth in DEPTHS if (topic := f"orderbook.{depth}.{symbol}") in wanted]
            if books and len(self._ours(block.bars, one)):
                timed.extend((self._names.hub.now_ms, topic, self._book(topic, one)) for topic in books)
        timed.sort(key=lambda message: message[0])
        return [(topic, message) for _, topic, message in timed]

    def _ours(self, rows: Rows, one: Instrument) -> Rows:
        return self._names.hub.rows_of(rows, one.venue, one.coin)

    # --- trades ----------------------------------------------------------------------------------------------------

    def _trades(self, one: Instrument, symbol: str) -> Iterator[Timed]:
        """Trades of the same millisecond share a message."""
        topic, hub = f"publicTrade.{symbol}", self._names.hub
        together: list[Row] = []
        at_ms = 0
        for print_ in hub.printed(one.venue, one.coin):
            if together and print_.time_ms != at_ms:
                yield at_ms, topic, _trade_message(topic, at_ms, together)
                together = []
            at_ms = print_.time_ms
            together.append(self._trade(symbol, print_))
        if together:
            yield at_ms, topic, _trade_message(topic, at_ms, together)

    def _trade(self, symbol: str, print_: TradePrint) -> Row:
        return {
            "T": print_.time_ms, "s": symbol, "S": "Buy" if print_.taker_buys else "Sell",
            "v": plain(print_.quantity_base), "p": plain(print_.price), "L": self._direction(symbol, print_.price),
            "i": trade_id(print_.number), "BT": False,
        }  # fmt: skip

    def _direction(self, symbol: str, price: float) -> str:
        before, rose = self._last.get(symbol, (price, True))
        rises = rose if price == before else price > before
        self._last[symbol] = (price, rises)
        return f"{'Zero' if price == before else ''}{'Plus' if rises else 'Minus'}Tick"

    # --- tickers ---------------------------------------------------------------------------------------------------

    def _tickers(self, block: EventBlock, one: Instrument, symbol: str) -> Iterator[Timed]:
        """One change per row. A change repeats the fields that its row tells, whether or not they moved."""
        topic, ticker = f"tickers.{symbol}", self._names.hub.ticker(one.venue, one.coin)
        changes = sorted(self._changes(block, one, ticker), key=lambda change: change[0])
        if changes and topic in self._unseen:
            self._unseen.discard(topic)
            at_ms = changes[0][0]
            yield at_ms, topic, self._ticker(topic, "snapshot", self._fields.all(one, at_ms), at_ms)
        for at_ms, fields in changes:
            yield at_ms, topic, self._ticker(topic, "delta", {"symbol": symbol, **fields}, at_ms)

    def _changes(self, block: EventBlock, one: Instrument, ticker: VenueTicker) -> Iterator[tuple[int, Row]]:
        """Marks come before the open interest of the same time, which is valued with them."""
        marks = self._ours(block.marks, one).tolist()
        for row in marks:
            yield row[0], self._fields.marked(row[3], row[4] if row[4] == row[4] else row[3])
        for row in self._ours(block.open_interest, one).tolist():
            mark = next((mark[3] for mark in reversed(marks) if mark[0] <= row[0]), ticker.mark_or_last_price)
            yield row[0], self._fields.open_interest(row[3], mark, one)
        for row in self._ours(block.funding, one).tolist():
            yield row[0], self._fields.funded(row[3], row[4], ticker.next_funding_ms(row[0]))
        bars = self._ours(block.bars, one).tolist()
        if bars:
            yield bars[-1][0], self._fields.traded(ticker, one, bars[-1][0])

    def _ticker(self, topic: str, kind: str, fields: Row, at_ms: int | None) -> bytes:
        self._sent_count += 1
        time_ms = self._names.hub.now_ms if at_ms is None else at_ms
        return _encode({"topic": topic, "type": kind, "data": fields, "cs": self._sent_count, "ts": time_ms})

    # --- forced orders and book ------------------------------------------------------------------------------------

    def _forced(self, rows: Rows, one: Instrument, symbol: str) -> Iterator[Timed]:
        topic = f"allLiquidation.{symbol}"
        batches: dict[int, list[Row]] = {}
        for row in rows.tolist():
            batches.setdefault(row[0] // BATCH_MS, []).append(self._forced_order(symbol, row, one))
        for batch, entries in batches.items():
            at_ms = (batch + 1) * BATCH_MS
            yield at_ms, topic, _encode({"topic": topic, "type": "snapshot", "ts": at_ms, "data": entries})

    def _forced_order(self, symbol: str, row: tuple[Any, ...], one: Instrument) -> Row:
        """The side is that of the position: Buy means that a long was liquidated."""
        price, base = row[4], row[5] / row[4]
        if self._names.hub.params.on_step:
            base = float(max(one.round_quantity(base), one.quantity_step_base))
        side = "Buy" if row[3] == Side.LONG.value else "Sell"
        return {"T": row[0], "s": symbol, "S": side, "v": plain(base), "p": plain(price)}

    def _book(self, topic: str, one: Instrument) -> bytes:
        """Always the whole book: the venue, too, may send it anew at any time."""
        book = self._requests.book_of(one)
        data = {name: book[name] for name in ("s", "b", "a", "u", "seq")}
        return _encode({"topic": topic, "type": "snapshot", "ts": book["ts"], "data": data, "cts": book["cts"]})


def _trade_message(topic: str, at_ms: int, trades: list[Row]) -> bytes:
    return _encode({"topic": topic, "type": "snapshot", "ts": at_ms, "data": trades})
