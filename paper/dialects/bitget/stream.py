"""Bitget: the public websockets, a block at a time: the unified topics (v3), and the trades of the classic one (v2)."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.instruments import Instrument, Side
from paper.dialects.bitget.errors import PRODUCT, BitgetNames, Row
from paper.dialects.bitget.market import BitgetPublicRequests, fraction
from paper.dialects.http import Socket
from paper.dialects.trade_prints import TradePrint, plain

PUBLIC: Final = "/v3/ws/public"
CLASSIC: Final = "/v2/ws/public"
KINDS: Final = ("usdt-futures", "usdc-futures", "coin-futures")
TRADES, TICKER, FORCED, CLASSIC_TRADES = "publicTrade", "ticker", "liquidation", "trade"
SNAPSHOT_ROWS: Final = 50
FORCED_MS: Final = 1_000
"""So often the largest forced order of each side is published."""
PATTERNS: Final = (
    f"ws v3 {TRADES} <symbol>", f"ws v3 {TICKER} <symbol>", f"ws v3 {FORCED}", f"ws v2 {CLASSIC_TRADES} <symbol>",
)

Timed = tuple[int, str, bytes]
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode


class Topic(NamedTuple):
    """What a subscription names; every message of it repeats it as the client wrote it."""

    path: str
    channel: str
    symbol: str

    @property
    def name(self) -> str:
        return f"{self.path} {self.channel} {self.symbol}"

    @property
    def arg(self) -> Row:
        if self.path == CLASSIC:
            return {"instType": PRODUCT, "channel": self.channel, "instId": self.symbol}
        named = {"symbol": self.symbol} if self.symbol else {}
        return {"instType": PRODUCT.lower(), "topic": self.channel, **named}


class _Figures(msgspec.Struct):
    """What was published last of one contract; 0 while nothing was."""

    mark_price: float = 0.0
    index_price: float = 0.0
    oi_usd: float = 0.0
    rate_pct: float | None = None


class BitgetPublicStream:
    """Remembers what each ticker published last: every message is a whole picture."""

    def __init__(self, names: BitgetNames, requests: BitgetPublicRequests) -> None:
        self._names, self._requests = names, requests
        self._figures: dict[str, _Figures] = {}

    def topic(self, path: str, arg: Row) -> Topic | None:
        """None when the venue has no such thing."""
        kind = str(arg.get("instType", "")).lower()
        channel = str(arg.get("channel" if path == CLASSIC else "topic", ""))
        symbol = str(arg.get("instId" if path == CLASSIC else "symbol", ""))
        if channel == FORCED and path == PUBLIC and kind in KINDS and not symbol:
            return Topic(path, channel, "" if kind == PRODUCT.lower() else kind)
        right = channel == CLASSIC_TRADES if path == CLASSIC else channel in (TRADES, TICKER)
        listed = kind == PRODUCT.lower() and symbol in self._names.by_symbol
        return Topic(path, channel, symbol) if right and listed else None

    def first(self, socket: Socket, topic: Topic) -> None:
        """What a new subscriber receives at once: the last trades, a ticker's picture."""
        one = self._names.by_symbol.get(topic.symbol)
        if one is None:
            return
        ticker = self._names.hub.ticker(one.venue, one.coin)
        if topic.channel == TICKER and ticker.mark_or_last_price:
            figures = _Figures(ticker.mark_price, ticker.index_price, ticker.oi_usd,
                               ticker.rate_pct if ticker.rate_ms else None)
            self._figures[topic.symbol] = figures
            socket.send(self._ticker(topic, one, figures, self._names.hub.now_ms))
        elif topic.channel != TICKER and ticker.prints:
            prints = list(ticker.prints)[-SNAPSHOT_ROWS:]
            socket.send(_message(topic, [_trade(topic, one) for one in prints], prints[-1].time_ms, "snapshot"))

    def published(self, block: EventBlock, wanted: AbstractSet[str]) -> list[tuple[str, bytes]]:
        """Everything of the block that somebody wants, by the venue's own times."""
        timed: list[Timed] = []
        forced: list[tuple[int, Row]] = []
        for symbol, one in self._names.by_symbol.items():
            for path, channel in ((PUBLIC, TRADES), (CLASSIC, CLASSIC_TRADES)):
                topic = Topic(path, channel, symbol)
                if topic.name in wanted:
                    timed.extend(self._trades(topic, one))
            topic = Topic(PUBLIC, TICKER, symbol)
            if topic.name in wanted:
                timed.extend(self._tickers(block, topic, one))
            forced += self._forced(self._ours(block.liquidations, one), symbol, one)
        timed.extend(self._forced_messages(forced) if Topic(PUBLIC, FORCED, "").name in wanted else ())
        timed.sort(key=lambda message: message[0])
        return [(topic, message) for _, topic, message in timed]

    def _ours(self, rows: Rows, one: Instrument) -> Rows:
        return self._names.hub.rows_of(rows, one.venue, one.coin)

    def _trades(self, topic: Topic, one: Instrument) -> Iterator[Timed]:
        """Trades of the same millisecond share a message."""
        together: dict[int, list[Row]] = {}
        for print_ in self._names.hub.printed(one.venue, one.coin):
            together.setdefault(print_.time_ms, []).append(_trade(topic, print_))
        for at_ms, rows in together.items():
            yield at_ms, topic.name, _message(topic, rows, at_ms)

    # --- tickers ---------------------------------------------------------------------------------------------------

    def _tickers(self, block: EventBlock, topic: Topic, one: Instrument) -> Iterator[Timed]:
        """One picture per row that changes it; marks before what else is published at the same time."""
        figures = self._figures.setdefault(topic.symbol, _Figures())
        rows = [
            (row[0], order, row) for order, kind in enumerate((block.marks, block.open_interest, block.funding))
            for row in self._ours(kind, one).tolist()
        ]
        for at_ms, order, row in sorted(rows, key=lambda row: row[:2]):
            if order == 0:
                figures.mark_price, figures.index_price = row[3], row[4] if row[4] == row[4] else row[3]
            elif order == 1:
                figures.oi_usd = row[3]
            else:
                figures.rate_pct = row[3]
            if figures.mark_price:
                yield at_ms, topic.name, self._ticker(topic, one, figures, at_ms)

    def _ticker(self, topic: Topic, one: Instrument, figures: _Figures, at_ms: int) -> bytes:
        """What the market has not published yet is empty: a zero would be a figure."""
        ticker = self._names.hub.ticker(one.venue, one.coin)
        mark = figures.mark_price or ticker.mark_or_last_price
        oi = self._requests.open_interest(one, figures.oi_usd, mark) if figures.oi_usd else ""
        row = self._requests.figures(one, ticker, at_ms) | {
            "indexPrice": plain(figures.index_price or mark), "markPrice": plain(mark), "openInterest": oi,
            "fundingRate": "" if figures.rate_pct is None else fraction(figures.rate_pct), "deliveryTime": "",
            "deliveryStartTime": "", "deliveryStatus": "", "nextFundingTime": str(ticker.next_funding_ms(at_ms)),
        }
        return _message(topic, [row], at_ms, "snapshot")

    # --- forced orders ---------------------------------------------------------------------------------------------

    def _forced(self, rows: Rows, symbol: str, one: Instrument) -> Iterator[tuple[int, Row]]:
        """(second, row): of each second the largest order of each side."""
        largest: dict[tuple[int, int], tuple[Any, ...]] = {}
        for row in rows.tolist():
            key = (row[0] // FORCED_MS, row[3])
            if key not in largest or row[5] > largest[key][5]:
                largest[key] = row
        for (second, _), row in largest.items():
            yield second, self._forced_order(symbol, row, one)

    def _forced_order(self, symbol: str, row: tuple[Any, ...], one: Instrument) -> Row:
        """The side is that of the position (buy: a long), the amount in quote coin."""
        price, quote = row[4], row[5]
        if self._names.hub.params.on_step:
            quote = float(max(one.round_quantity(quote / price), one.quantity_step_base)) * price
        side = "buy" if row[3] == Side.LONG.value else "sell"
        return {"symbol": symbol, "side": side, "price": plain(price), "amount": plain(quote), "ts": str(row[0])}

    def _forced_messages(self, forced: list[tuple[int, Row]]) -> Iterator[Timed]:
        seconds: dict[int, list[Row]] = {}
        for second, row in forced:
            seconds.setdefault(second, []).append(row)
        topic = Topic(PUBLIC, FORCED, "")
        for second, rows in seconds.items():
            at_ms = (second + 1) * FORCED_MS
            yield at_ms, topic.name, _message(topic, rows, at_ms)


def _trade(topic: Topic, print_: TradePrint) -> Row:
    side, size, price = "buy" if print_.taker_buys else "sell", plain(print_.quantity_base), plain(print_.price)
    if topic.path == CLASSIC:
        return {"ts": str(print_.time_ms), "price": price, "size": size, "side": side, "tradeId": str(print_.number)}
    return {
        "i": str(print_.number), "p": price, "v": size, "S": side, "T": str(print_.time_ms), "L": str(print_.number),
        "isRPI": "no",
    }


def _message(topic: Topic, rows: list[Row], at_ms: int, action: str = "update") -> bytes:
    return _encode({"action": action, "arg": topic.arg, "data": rows, "ts": at_ms})
