"""The past of a contract as venues page it: candles, open interest and paid funding between two times."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from paper.dialects.market_data.contracts import MarketContract
from paper.dialects.tickers import MINUTE_MS, Candle, PastFigure

_EVER_MS = 10**15


class PastInterest(NamedTuple):
    """Open interest as it stood at a whole interval, with a price of that time."""

    time_ms: int
    oi_usd: float
    price: float


def number(params: Mapping[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number of the request; the default where it was not sent or is none."""
    value = str(params.get(name, ""))
    return int(value) if value.lstrip("-").isdigit() else default


def candles(
    contract: MarketContract, span_ms: int, since_ms: int | None, until_ms: int | None, limit: int
) -> list[Candle]:
    """Oldest first, both ends included: the first `limit` after `since_ms`, without it the last ones."""
    return contract.ticker.candles_of(span_ms, since_ms, until_ms, limit)


def paid_funding(contract: MarketContract, since_ms: int | None, until_ms: int | None) -> list[PastFigure]:
    """Settled rates in percent, oldest first, both ends included."""
    begin_ms, end_ms = since_ms or 0, _EVER_MS if until_ms is None else until_ms
    return [rate for rate in contract.ticker.funding if begin_ms <= rate.time_ms <= end_ms]


def past_interest(
    contract: MarketContract, span_ms: int, since_ms: int | None, until_ms: int | None, now_ms: int
) -> Iterator[PastInterest]:
    """At each whole interval that is over what was published last by then, oldest first, both ends included."""
    begin_ms, end_ms = since_ms or 0, min(now_ms, _EVER_MS if until_ms is None else until_ms)
    closes = {candle.open_ms: candle.close for candle in contract.ticker.candles}
    by_end = {-(-point.time_ms // span_ms) * span_ms: point for point in contract.ticker.oi}
    for at_ms, point in by_end.items():
        if begin_ms <= at_ms <= end_ms:
            minute_ms = point.time_ms // MINUTE_MS * MINUTE_MS
            yield PastInterest(at_ms, point.value, closes.get(minute_ms, contract.ticker.mark_or_last_price))
