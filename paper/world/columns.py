"""What the venues publish of a step, as the columns of an `EventBlock`."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import EventBlock, Rows, unknown_rows
from paper.world.coin_market import WorldCoin

Venues = npt.NDArray[np.intp]


def bars(markets: Sequence[WorldCoin], now_ms: int, span_ms: int) -> Rows:
    """One bar per venue and coin, with the taker split."""
    rows = _headed("bars", markets, np.arange(len(markets[0].close)), now_ms)
    rows["span_ms"] = span_ms
    for name in ("open", "high", "low", "close", "volume_usd", "buy_usd"):
        rows[name] = np.concatenate([getattr(market, name) for market in markets])
    rows["sell_usd"] = rows["volume_usd"] - rows["buy_usd"]
    return rows


def marks(markets: Sequence[WorldCoin], now_ms: int) -> Rows:
    """Every venue's own mark, with the common index."""
    rows = _headed("marks", markets, np.arange(len(markets[0].mark)), now_ms)
    rows["mark_price"] = np.concatenate([market.mark for market in markets])
    rows["index_price"] = np.repeat([market.index_price for market in markets], len(markets[0].mark))
    return rows


def open_interest(markets: Sequence[WorldCoin], venues: Venues, now_ms: int) -> Rows:
    """Of the venues whose figure is due."""
    rows = _headed("open_interest", markets, venues, now_ms)
    rows["oi_usd"] = np.concatenate([market.oi_usd[venues] for market in markets])
    return rows


def funding(markets: Sequence[WorldCoin], now_ms: int) -> Rows:
    """Current rate of every venue, per its own interval."""
    rows = _headed("funding", markets, np.arange(len(markets[0].mark)), now_ms)
    rows["rate_pct"] = np.concatenate([market.funding.rate_pct for market in markets])
    rows["interval_h"] = np.concatenate([market.funding.interval_h for market in markets])
    rows["rate_stage"] = np.concatenate([market.funding.stages(now_ms) for market in markets])
    return rows


def liquidations(markets: Sequence[WorldCoin], now_ms: int | None) -> Rows:
    """Forced orders as published, at `now_ms` or, without it, at their own times."""
    rows = forced_orders(np.concatenate([market.published for market in markets]))
    if now_ms is not None:
        rows["time_ms"] = now_ms
    return rows


def forced_orders(forced: Rows) -> Rows:
    """Rows for the `liquidations` of a block, of rows as in `forced.TRUE_FORCED`."""
    rows = unknown_rows("liquidations", len(forced))
    for name in ("time_ms", "venue", "coin", "side", "price", "size_usd"):
        rows[name] = forced[name]
    return rows


def in_own_steps(block: EventBlock) -> Iterator[EventBlock]:
    """The block, and before it a clock step for every earlier time at which one of its forced orders was told."""
    liquidations, tick_ms = block.liquidations, block.tick_ms or 0
    times = liquidations["time_ms"]
    for time_ms in np.unique(times[times < tick_ms]).tolist():
        yield EventBlock(liquidations=liquidations[times == time_ms], tick_ms=time_ms, backfilled=block.backfilled)
    yield msgspec.structs.replace(block, liquidations=liquidations[times == tick_ms])


def _headed(kind: str, markets: Sequence[WorldCoin], venues: Venues, now_ms: int) -> Rows:
    rows = unknown_rows(kind, len(markets) * len(venues))
    rows["time_ms"] = now_ms
    rows["venue"] = np.tile(venues, len(markets))
    rows["coin"] = np.repeat(np.arange(len(markets)), len(venues))
    return rows
