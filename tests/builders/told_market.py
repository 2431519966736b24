"""A market of one venue that tells its open positions, minute by minute."""

from market_rows import START_MS

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import MarketEvent, MarkPrice, OpenInterest, OpenPosition, TradeBar
from liqbot.instruments import Side

MINUTE_MS = 60_000
ROSTER = Roster(("hyperliquid",), ("BTC",))
LONG = (Side.LONG, 98.5, 3e6)
Places = tuple[tuple[Side, float, float], ...]


def minute(number: int, price: float = 100.0, told: Places | None = None, low: float | None = None) -> EventBlock:
    """One venue trades at `price`; `told` is its snapshot, empty or not."""
    at = {"time_ms": START_MS + number * MINUTE_MS, "venue": "hyperliquid", "coin": "BTC"}
    happened: list[MarketEvent] = [
        TradeBar(**at, span_ms=MINUTE_MS, open=price, high=price, low=low or price, close=price, volume_usd=0.0),
        MarkPrice(**at, mark_price=price),
        OpenInterest(**at, oi_usd=1e9),
    ]
    if told is not None:
        rows = told or ((Side.LONG, 1.0, 0.0),)
        happened += [OpenPosition(**at, side=side, price=where, size_usd=usd) for side, where, usd in rows]
    return block_of(happened, ROSTER, tick_ms=at["time_ms"])
