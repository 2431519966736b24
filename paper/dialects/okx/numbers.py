"""OKX's public figures of one swap, in the shape that its REST answers and its streams share."""

from decimal import Decimal
from typing import Final, NamedTuple

from paper.dialects.okx.listing import INST_TYPE, Row, Swap
from paper.dialects.tickers import MINUTE_MS, Candle, VenueTicker
from paper.dialects.trade_prints import TradePrint, plain

_RATE_MAX: Final = "0.00375"


class Top(NamedTuple):
    bid_price: float
    ask_price: float
    quantity_base: Decimal
    """At either side."""


def top_of(swap: Swap, ticker: VenueTicker) -> Top | None:
    """A tick below and above the last trade, a mean minute's volume at either side: the simulated exchange has no book
    of its own. None before anything has traded."""
    price = ticker.last_price
    if not price:
        return None
    tick = swap.instrument.price_tick
    bid = max(swap.instrument.round_price(price), 2 * tick) - tick
    minutes = max(len(ticker.candles), 1)
    volume_usd = sum(candle.volume_usd for candle in list(ticker.candles)[-60:]) / min(minutes, 60)
    return Top(float(bid), float(bid + 2 * tick), swap.lots(volume_usd, price) * swap.size_base)


def mark_row(swap: Swap, mark_price: float, time_ms: int) -> Row:
    return {"instId": swap.inst_id, "instType": INST_TYPE, "markPx": plain(mark_price), "ts": str(time_ms)}


def index_row(swap: Swap, index_price: float, day: Candle, time_ms: int) -> Row:
    """An index is named by the family. Its day is that of the swap, the simulated market keeps no index history."""
    return {
        "instId": swap.family, "idxPx": plain(index_price), "high24h": plain(day.high), "sodUtc0": plain(day.open),
        "open24h": plain(day.open), "low24h": plain(day.low), "sodUtc8": plain(day.open), "ts": str(time_ms),
    }


def funding_row(swap: Swap, rate_pct: float, interval_h: float, settled_pct: float | None, now_ms: int) -> Row:
    """Rates are fractions. `fundingTime` is the next payment, `nextFundingTime` the one after it."""
    interval_ms = round(interval_h * 3_600_000)
    due_ms = (now_ms // interval_ms + 1) * interval_ms
    return {
        "formulaType": "withRate", "fundingRate": _fraction(rate_pct), "fundingTime": str(due_ms), "impactValue": "",
        "instId": swap.inst_id, "instType": INST_TYPE, "interestRate": "", "maxFundingRate": _RATE_MAX,
        "method": "current_period", "minFundingRate": f"-{_RATE_MAX}", "nextFundingRate": "",
        "nextFundingTime": str(due_ms + interval_ms), "premium": "", "prevFundingTime": str(due_ms - interval_ms),
        "settFundingRate": "" if settled_pct is None else _fraction(settled_pct), "settState": "settled",
        "ts": str(now_ms),
    }


def current_funding_row(swap: Swap, ticker: VenueTicker, now_ms: int) -> Row:
    settled_pct = ticker.funding[-1].value if ticker.funding else None
    return funding_row(swap, ticker.rate_pct, ticker.interval_h, settled_pct, now_ms)


def past_funding_row(swap: Swap, rate_pct: float, paid_ms: int) -> Row:
    rate = _fraction(rate_pct)
    return {
        "formulaType": "withRate", "fundingRate": rate, "fundingTime": str(paid_ms), "instId": swap.inst_id,
        "instType": INST_TYPE, "method": "current_period", "realizedRate": rate,
    }


def open_interest_row(swap: Swap, oi_usd: float, price: float, time_ms: int) -> Row:
    """One-sided, in contracts, in coin and in USD."""
    oi_base = Decimal(str(oi_usd / price))
    return {
        "instId": swap.inst_id, "instType": INST_TYPE, "oi": plain(swap.contracts(oi_base)), "oiCcy": plain(oi_base),
        "oiUsd": plain(oi_usd), "ts": str(time_ms),
    }


def ticker_row(swap: Swap, ticker: VenueTicker, top: Top, now_ms: int) -> Row:
    day, price = ticker.day(now_ms), ticker.last_price
    volume_base = Decimal(str(day.volume_usd / price))
    size = plain(swap.contracts(top.quantity_base))
    last_size = plain(swap.contracts(ticker.prints[-1].quantity_base)) if ticker.prints else "0"
    return {
        "instType": INST_TYPE, "instId": swap.inst_id, "last": plain(price), "lastSz": last_size,
        "askPx": plain(top.ask_price), "askSz": size, "bidPx": plain(top.bid_price), "bidSz": size,
        "open24h": plain(day.open), "high24h": plain(day.high), "low24h": plain(day.low),
        "volCcy24h": plain(volume_base), "vol24h": plain(swap.contracts(volume_base)), "sodUtc0": plain(day.open),
        "sodUtc8": plain(day.open), "ts": str(now_ms),
    }


def book_row(swap: Swap, top: Top, now_ms: int) -> Row:
    """Levels are price, contracts, a constant, number of orders."""
    size = plain(swap.contracts(top.quantity_base))
    return {
        "asks": [[plain(top.ask_price), size, "0", "1"]], "bids": [[plain(top.bid_price), size, "0", "1"]],
        "ts": str(now_ms),
    }


def trade_row(swap: Swap, one: TradePrint) -> Row:
    return {
        "instId": swap.inst_id, "side": "buy" if one.taker_buys else "sell",
        "sz": plain(swap.contracts(one.quantity_base)), "px": plain(one.price), "tradeId": str(one.number),
        "ts": str(one.time_ms),
    }


def candle_row(swap: Swap, candle: Candle, *, over: bool) -> list[str]:
    """Start, open, high, low, close, volume in contracts, in coin, in quote, whether the span is over."""
    volume_base = Decimal(str(candle.volume_usd / candle.close))
    return [
        str(candle.open_ms), plain(candle.open), plain(candle.high), plain(candle.low), plain(candle.close),
        plain(swap.contracts(volume_base)), plain(volume_base), plain(candle.volume_usd), "1" if over else "0",
    ]


def past_interest_row(swap: Swap, oi_usd: float, price: float, time_ms: int) -> list[str]:
    row = open_interest_row(swap, oi_usd, price, time_ms)
    return [row["ts"], row["oi"], row["oiCcy"], row["oiUsd"]]


def closes_of(ticker: VenueTicker) -> dict[int, float]:
    """Price by the minute that it closed."""
    return {candle.open_ms + MINUTE_MS: candle.close for candle in ticker.candles}


def _fraction(rate_pct: float) -> str:
    return plain(Decimal(str(rate_pct)) / 100)
