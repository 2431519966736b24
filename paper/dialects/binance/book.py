"""Binance USD-M: the order book as the venue shows it: one level on either side, a tick apart, around the last trade.

The simulated exchange has no book of its own. Update ids are market time in ms, so that a snapshot and the changes
after it fit together: a change at one time follows the one of the time before.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from liqbot.instruments import Instrument
from paper.dialects.binance.errors import BinanceNames
from paper.dialects.trade_prints import plain

PARTIAL: Final = ("5", "10", "20")
SPEEDS: Final = ("", "@100ms", "@250ms", "@500ms")
DEPTH_SUFFIXES: Final = tuple(f"@depth{levels}{speed}" for levels in ("", *PARTIAL) for speed in SPEEDS)
ALL_TOPS: Final = "!bookTicker"
BOOK_SUFFIXES: Final = (*DEPTH_SUFFIXES, "@bookTicker")
_MINUTES: Final = 60


class BestPrices(NamedTuple):
    """As they go over the wire."""

    bid: str
    ask: str
    quantity: str
    """At either side: a mean minute's volume."""


class BinanceBooks:
    """Remembers what was shown last, to say what went away."""

    def __init__(self, names: BinanceNames) -> None:
        self._names = names
        self._shown: dict[str, BestPrices] = {}

    def top(self, symbol: str, one: Instrument) -> BestPrices | None:
        """None before anything has traded."""
        ticker = self._names.hub.ticker(one.venue, one.coin)
        if not ticker.last_price:
            return None
        bid = max(one.round_price(ticker.last_price), one.price_tick)
        recent = list(ticker.candles)[-_MINUTES:]
        volume_usd = sum(candle.volume_usd for candle in recent) / max(len(recent), 1)
        quantity = max(one.round_quantity(volume_usd / ticker.last_price), one.quantity_step_base)
        top = BestPrices(plain(bid), plain(bid + one.price_tick), plain(quantity))
        self._shown.setdefault(symbol, top)
        return top

    def snapshot(self, symbol: str, one: Instrument) -> dict[str, Any]:
        top, now_ms = self.top(symbol, one), self._names.hub.now_ms
        return {"lastUpdateId": now_ms, "E": now_ms, "T": now_ms, **_levels(top, "bids", "asks")}

    def ticker(self, symbol: str, one: Instrument) -> dict[str, Any]:
        """Best prices as REST gives them."""
        top, now_ms = self.top(symbol, one) or BestPrices("0", "0", "0"), self._names.hub.now_ms
        return {"symbol": symbol, "bidPrice": top.bid, "bidQty": top.quantity, "askPrice": top.ask,
                "askQty": top.quantity, "lastUpdateId": now_ms, "time": now_ms}

    def messages(self, symbol: str, one: Instrument, wanted: set[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """(time, topic, message) of this step for the topics that somebody wants."""
        top, hub = self.top(symbol, one), self._names.hub
        if top is None:
            return
        before, self._shown[symbol] = self._shown[symbol], top
        head = {"E": hub.now_ms, "T": hub.now_ms, "s": symbol}
        update = {"e": "depthUpdate", **head, "U": hub.before_ms + 1, "u": hub.now_ms, "pu": hub.before_ms}
        name = symbol.lower()
        for topic in (f"{name}{suffix}" for suffix in DEPTH_SUFFIXES):
            if topic in wanted:
                partial = topic.removeprefix(f"{name}@depth").startswith(PARTIAL)
                yield hub.now_ms, topic, update | (_levels(top, "b", "a") if partial else _changes(before, top))
        best = {"e": "bookTicker", "u": hub.now_ms, **head, "b": top.bid, "B": top.quantity, "a": top.ask,
                "A": top.quantity}
        for topic in (f"{name}@bookTicker", ALL_TOPS):
            if topic in wanted:
                yield hub.now_ms, topic, best


def _levels(top: BestPrices | None, bids: str, asks: str) -> dict[str, Any]:
    if top is None:
        return {bids: [], asks: []}
    return {bids: [[top.bid, top.quantity]], asks: [[top.ask, top.quantity]]}


def _changes(before: BestPrices, now: BestPrices) -> dict[str, Any]:
    """Levels that are gone have quantity 0."""
    gone_bid = [[before.bid, "0"]] if before.bid != now.bid else []
    gone_ask = [[before.ask, "0"]] if before.ask != now.ask else []
    return {"b": [*gone_bid, [now.bid, now.quantity]], "a": [*gone_ask, [now.ask, now.quantity]]}
