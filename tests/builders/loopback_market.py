"""A small market served on loopback: a hub with BTC and ETH on every venue that takes orders, its blocks, clients."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import Event, FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage, Side
from paper.dialects.hub import Hub, HubParams
from paper.dialects.serving import DIALECTS, dialect_class
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments
from tests.builders.patience import PATIENCE_S

VENUES = tuple(venue for venue in DIALECTS if dialect_class(venue).takes_orders)
"""Those that list what the simulated exchange lists."""
ROSTER = Roster(VENUES, ("BTC", "ETH"))
START_MS = 1_767_225_600_000  # 2026-01-01
PRICE = 50_000.0
UNHURRIED = HubParams(held_s_max=PATIENCE_S, settle_s_max=PATIENCE_S)
"""Time at the venue goes on once all that was asked is answered, however slow this machine is."""
EXACT = msgspec.structs.replace(UNHURRIED, on_step=False, spread_trades=False)
"""What is traded adds up to the figures of the block, at its end."""


def hub_of(*venues: str, latency_ms: int = 0, params: HubParams = UNHURRIED, **paper: Any) -> Hub:
    """A hub that knows a price and a mark for every contract; orders are obeyed at once unless there is latency."""
    listed = [one for venue in venues for one in paper_instruments(venue, ("BTC", "ETH"))]
    hub = Hub(ROSTER, listed, PaperParams(latency_ms=latency_ms, **paper), params)
    hub.warm([block(0, *(row for venue in venues for coin in ROSTER.coins for row in flat(venue, coin, 0)))])
    return hub


def flat(venue: str, coin: str, second: int, price: float = PRICE) -> tuple[MarketEvent, ...]:
    """One second in which nothing moves: a bar and a mark."""
    return bar(venue, coin, second, (price, price, price, price)), mark(venue, coin, second, price)


def block(second: int, *rows: MarketEvent | Event) -> EventBlock:
    return block_of(rows, ROSTER, tick_ms=at(second))


def quiet(second: int, venue: str, coin: str = "BTC", price: float = PRICE) -> EventBlock:
    return block(second, *flat(venue, coin, second, price))


def at(second: int) -> int:
    return START_MS + second * 1_000


def bar(
    venue: str,
    coin: str,
    second: int,
    prices: tuple[float, float, float, float],
    volume_usd: float = 1e6,
    buy_usd: float | None = 4e5,
) -> TradeBar:
    """`prices` are open, high, low, close."""
    opened, high, low, close = prices
    sell_usd = None if buy_usd is None else volume_usd - buy_usd
    return TradeBar(
        time_ms=at(second), venue=venue, coin=coin, span_ms=1_000, open=opened, high=high, low=low, close=close,
        volume_usd=volume_usd, buy_usd=buy_usd, sell_usd=sell_usd,
    )


def mark(venue: str, coin: str, second: int, price: float) -> MarkPrice:
    return MarkPrice(time_ms=at(second), venue=venue, coin=coin, mark_price=price, index_price=price - 5.0)


def forced(venue: str, second: int, side: Side, price: float, size_usd: float, coin: str = "BTC") -> Liquidation:
    return Liquidation(time_ms=at(second), venue=venue, coin=coin, side=side, price=price, size_usd=size_usd)


def interest(venue: str, second: int, oi_usd: float, coin: str = "BTC") -> OpenInterest:
    return OpenInterest(time_ms=at(second), venue=venue, coin=coin, oi_usd=oi_usd)


def rate(
    venue: str, second: int, rate_pct: float, interval_h: float = 8.0, coin: str = "BTC", *, settled: bool = False
) -> FundingRate:
    """What a venue expects to settle, or has settled."""
    stage = FundingStage.SETTLEMENT if settled else FundingStage.FORECAST
    return FundingRate(
        time_ms=at(second), venue=venue, coin=coin, rate_pct=rate_pct, interval_h=interval_h, rate_stage=stage
    )


def pointed(exchange: Any, url: str) -> Any:
    """The same unified client with every address rewritten to the loopback exchange."""
    exchange.urls["api"] = _rewritten(exchange.urls["api"], url, exchange.hostname or "")
    return exchange


def _rewritten(value: Any, url: str, hostname: str) -> Any:
    if isinstance(value, dict):
        return {name: _rewritten(inner, url, hostname) for name, inner in value.items()}
    parts = urlsplit(value.replace("{hostname}", hostname))
    target = url if parts.scheme.startswith("http") else url.replace("http", "ws", 1)
    return f"{target}/{parts.hostname}{parts.path}"


