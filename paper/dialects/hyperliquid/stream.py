"""Hyperliquid: the public websocket channels, block by block. A topic is a subscription in one line: `trades BTC`."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.instruments import Instrument
from paper.dialects.http import Socket
from paper.dialects.hyperliquid.market import HyperMarket, trade_row
from paper.dialects.hyperliquid.names import HyperNames, Row
from paper.dialects.hyperliquid.wallets import PublicWallets
from paper.dialects.trade_prints import TradePrint

KINDS: Final = ("trades", "activeAssetCtx", "l2Book")
PATTERNS: Final = tuple(f"ws {kind} <coin>" for kind in KINDS)
FIRST_TRADES: Final = 10
"""Newest trades that a new subscriber receives."""
BATCH_MS: Final = 100
"""About a block of the chain: its trades come in one message."""
_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode


class HyperStream:
    def __init__(self, names: HyperNames, requests: HyperMarket, wallets: PublicWallets) -> None:
        self._names, self._requests, self._wallets = names, requests, wallets

    def topic(self, subscription: Row) -> str:
        """Empty for one that is not modelled here."""
        kind, coin = subscription.get("type"), subscription.get("coin")
        return f"{kind} {coin}" if kind in KINDS and coin in self._names.by_coin else ""

    def first(self, socket: Socket, topic: str) -> None:
        """What a new subscriber receives at once; of trades some of before."""
        kind, _, coin = topic.partition(" ")
        one = self._names.by_coin[coin]
        ticker = self._names.hub.ticker(one.venue, one.coin)
        if kind == "activeAssetCtx" and ticker.mark_or_last_price:
            socket.send(self._context(one))
        elif kind == "trades" and ticker.prints:
            socket.send(self._trades(one, list(ticker.prints)[-FIRST_TRADES:]))
        elif kind == "l2Book" and ticker.mark_or_last_price:
            socket.send(self._book(one))

    def published(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterator[tuple[str, bytes]]:
        for one in self._names.listed:
            if f"trades {one.coin}" in wanted:
                yield from ((f"trades {one.coin}", message) for message in self._batches(one))
            moved = any(self._changed(block.rows(kind), one) for kind in ("bars", "marks", "open_interest", "funding"))
            if f"activeAssetCtx {one.coin}" in wanted and moved:
                yield f"activeAssetCtx {one.coin}", self._context(one)
            if f"l2Book {one.coin}" in wanted and moved:
                yield f"l2Book {one.coin}", self._book(one)

    def _changed(self, rows: Rows, one: Instrument) -> bool:
        if not len(rows):
            return False
        roster = self._names.hub.roster
        here = (rows["venue"] == roster.venue_code(one.venue)) & (rows["coin"] == roster.coin_code(one.coin))
        return bool(here.any())

    def _batches(self, one: Instrument) -> Iterator[bytes]:
        together: list[TradePrint] = []
        for print_ in self._names.hub.printed(one.venue, one.coin):
            if together and print_.time_ms // BATCH_MS != together[0].time_ms // BATCH_MS:
                yield self._trades(one, together)
                together = []
            together.append(print_)
        if together:
            yield self._trades(one, together)

    def _trades(self, one: Instrument, prints: list[TradePrint]) -> bytes:
        return _encode({"channel": "trades", "data": [trade_row(one, print_, self._wallets.sides())
                                                      for print_ in prints]})

    def _context(self, one: Instrument) -> bytes:
        return _encode({"channel": "activeAssetCtx", "data": {"coin": one.coin, "ctx": self._requests.context(one)}})

    def _book(self, one: Instrument) -> bytes:
        return _encode({"channel": "l2Book", "data": self._requests.book({"coin": one.coin})})
