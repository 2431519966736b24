"""Bybit v5: what it tells everybody by request, from the market's tickers."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from liqbot.instruments import Instrument
from liqbot.margin.tiers import LeverageTier, TierTable
from liqbot.venues.registry import mechanics_of
from paper.dialects.bybit.errors import (
    CATEGORY,
    DAY_MS,
    QUOTE,
    VENUE,
    BybitNames,
    BybitRefused,
    Params,
    Row,
    linear,
    number,
    page,
)
from paper.dialects.tickers import MINUTE_MS, VenueTicker
from paper.dialects.trade_prints import TradePrint, plain

INTERVAL_MS: Final = {
    **{str(minutes): minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)}, "D": DAY_MS,
}
OI_INTERVAL_MS: Final = {
    "5min": 5 * MINUTE_MS, "15min": 15 * MINUTE_MS, "30min": 30 * MINUTE_MS, "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS, "1d": DAY_MS,
}  # fmt: skip
STEPS_MAX: Final = 1_000_000
"""Largest order in quantity steps: the simulated exchange itself has no such limit."""


def touch(ticker: VenueTicker, one: Instrument) -> tuple[str, str, str]:
    """(bid, ask, size): the simulated market has no book; one step rests on either side of the last price."""
    bid = one.round_price(ticker.last_price)
    return plain(bid), plain(bid + one.price_tick), plain(one.quantity_step_base)


def base_of(amount_usd: float, price: float, one: Instrument, *, on_step: bool) -> str:
    """An amount in base coin, in whole steps as the venue counts, or exact."""
    if not price:
        return "0"
    base = amount_usd / price
    return plain(one.round_quantity(base) if on_step else base)


class TickerFields:
    """The groups of a ticker's fields, shared by requests and stream."""

    def __init__(self, names: BybitNames) -> None:
        self._names = names

    def traded(self, ticker: VenueTicker, one: Instrument, now_ms: int) -> Row:
        day = ticker.day(now_ms)
        bid, ask, size = touch(ticker, one)
        change = (ticker.last_price / day.open - 1.0) if day.open else 0.0
        hour = ticker.candles_of(60 * MINUTE_MS, now_ms - 60 * MINUTE_MS, None, 1)
        volume_base = day.volume_usd / day.close if day.close else 0.0
        return {
            "tickDirection": "PlusTick" if ticker.last_price >= day.open else "MinusTick",
            "price24hPcnt": f"{change:.6f}", "lastPrice": plain(ticker.last_price), "prevPrice24h": plain(day.open),
            "highPrice24h": plain(day.high), "lowPrice24h": plain(day.low),
            "prevPrice1h": plain(hour[0].open if hour else ticker.last_price),
            "turnover24h": f"{day.volume_usd:.4f}", "volume24h": plain(one.round_quantity(volume_base)),
            "bid1Price": bid, "bid1Size": size, "ask1Price": ask, "ask1Size": size,
        }  # fmt: skip

    def marked(self, mark_price: float, index_price: float) -> Row:
        return {"markPrice": plain(mark_price), "indexPrice": plain(index_price)}

    def open_interest(self, oi_usd: float, price: float, one: Instrument) -> Row:
        """The venue counts both sides of a linear contract; `single` counts each contract once."""
        on_step = self._names.hub.params.on_step
        return {
            "openInterest": base_of(2 * oi_usd, price, one, on_step=on_step), "openInterestValue": f"{2 * oi_usd:.2f}",
            "singleOpenInterest": base_of(oi_usd, price, one, on_step=on_step),
            "singleOpenInterestValue": f"{oi_usd:.2f}",
        }  # fmt: skip

    def funded(self, rate_pct: float, interval_h: float, next_ms: int) -> Row:
        return {
            "nextFundingTime": str(next_ms), "fundingRate": plain(_share(rate_pct)),
            "fundingIntervalHour": plain(interval_h),
        }  # fmt: skip

    def all(self, one: Instrument, now_ms: int) -> Row:
        """Everything at once. What the market has not published yet is empty: a zero would be a figure."""
        ticker = self._names.hub.ticker(one.venue, one.coin)
        counted = self.open_interest(ticker.oi_usd, ticker.mark_or_last_price, one)
        funded = self.funded(ticker.rate_pct, ticker.interval_h, ticker.next_funding_ms(now_ms))
        if not ticker.oi_ms:
            counted = dict.fromkeys(counted, "")
        if not ticker.rate_pct and not ticker.funding:
            funded["fundingRate"] = ""
        return {
            "symbol": self._names.symbol(one.coin),
            **self.traded(ticker, one, now_ms),
            **self.marked(ticker.mark_or_last_price, ticker.index_price or ticker.mark_or_last_price),
            **counted,
            **funded,
        }


def _share(pct: float) -> Decimal:
    """A percentage as the venue writes rates, without the noise of a binary division."""
    return Decimal(str(pct)) / 100


class PublicRequests:
    """Handlers of `/v5/market/...`; every one is given the parameters and gives what stands in `result`."""

    def __init__(self, names: BybitNames, fields: TickerFields) -> None:
        self._names, self._fields = names, fields

    def status(self, params: Params) -> Row:
        """No maintenance is announced."""
        del params
        return {"list": []}

    def instruments(self, params: Params) -> Row:
        chosen = self._names.chosen(params)
        trading = params.get("status", "Trading") == "Trading"
        rows, cursor = page([self._listing(one) for one in chosen if trading], params, usual=500, most=1000)
        return {"category": params["category"], "list": rows, "nextPageCursor": cursor}

    def _listing(self, one: Instrument) -> Row:
        ticker = self._names.hub.ticker(one.venue, one.coin)
        tiers = mechanics_of(VENUE, one.coin).table.tiers
        step, tick = plain(one.quantity_step_base), plain(one.price_tick)
        most = plain(one.quantity_step_base * STEPS_MAX)
        exponent = one.price_tick.normalize().as_tuple().exponent
        decimals = max(0, -exponent) if isinstance(exponent, int) else 0
        return {
            "symbol": self._names.symbol(one.coin), "contractType": "LinearPerpetual", "status": "Trading",
            "baseCoin": one.coin, "quoteCoin": QUOTE, "launchTime": "1585526400000", "deliveryTime": "0",
            "deliveryFeeRate": "", "priceScale": str(decimals),
            "leverageFilter": {
                "minLeverage": "1", "maxLeverage": f"{tiers[0].leverage_max:.2f}", "leverageStep": "0.01",
            },
            "priceFilter": {"minPrice": tick, "maxPrice": plain(one.price_tick * STEPS_MAX * 10), "tickSize": tick},
            "lotSizeFilter": {
                "maxOrderQty": most, "minOrderQty": step, "qtyStep": step, "postOnlyMaxOrderQty": most,
                "maxMktOrderQty": most, "minNotionalValue": plain(one.min_notional_usd),
            },
            "unifiedMarginTrade": True, "fundingInterval": round(ticker.interval_h * 60), "settleCoin": QUOTE,
            "copyTrading": "none", "isPreListing": False,
        }  # fmt: skip

    def tickers(self, params: Params) -> Row:
        now_ms = self._names.hub.now_ms
        rows = [self._fields.all(one, now_ms) for one in self._names.chosen(params)]
        return {"category": params["category"], "list": rows}

    def book(self, params: Params) -> Row:
        one = self._one(params)
        return self.book_of(one)

    def book_of(self, one: Instrument) -> Row:
        """One level on either side."""
        ticker, hub = self._names.hub.ticker(one.venue, one.coin), self._names.hub
        bid, ask, size = touch(ticker, one)
        return {
            "s": self._names.symbol(one.coin), "b": [[bid, size]], "a": [[ask, size]], "ts": hub.now_ms,
            "u": hub.now_ms // 10, "seq": hub.now_ms, "cts": hub.now_ms,
        }  # fmt: skip

    def trades(self, params: Params) -> Row:
        one = self._one(params)
        limit = min(number(params, "limit", 500) or 500, 1000)
        prints = self._names.hub.ticker(one.venue, one.coin).prints
        symbol = self._names.symbol(one.coin)
        newest = [self._trade(symbol, print_) for print_ in reversed(prints)][:limit]
        return {"category": CATEGORY, "list": newest}

    def _trade(self, symbol: str, print_: TradePrint) -> Row:
        return {
            "execId": trade_id(print_.number), "symbol": symbol, "price": plain(print_.price),
            "size": plain(print_.quantity_base), "side": "Buy" if print_.taker_buys else "Sell",
            "time": str(print_.time_ms), "isBlockTrade": False,
        }  # fmt: skip

    def candles(self, params: Params) -> Row:
        """Newest first. With a start alone, the first candles from there; otherwise the last ones of the span."""
        one = self._one(params)
        span_ms = INTERVAL_MS.get(str(params.get("interval", "")))
        if span_ms is None:
            raise self._names.not_modelled(f"candles of interval {params.get('interval', '')!r}")
        start_ms, end_ms = number(params, "start"), number(params, "end")
        limit = min(number(params, "limit", 200) or 200, 1000)
        ticker = self._names.hub.ticker(one.venue, one.coin)
        everything = end_ms is not None and start_ms is not None
        found = ticker.candles_of(span_ms, start_ms, end_ms, 10**9 if everything else limit)[-limit:]
        rows = [
            [
                str(candle.open_ms), plain(candle.open), plain(candle.high), plain(candle.low), plain(candle.close),
                plain(one.round_quantity(candle.volume_usd / candle.close)), f"{candle.volume_usd:.4f}",
            ]
            for candle in reversed(found)
        ]  # fmt: skip
        return {"category": CATEGORY, "symbol": self._names.symbol(one.coin), "list": rows}

    def open_interest(self, params: Params) -> Row:
        """Newest first; at each whole interval what was last published by then, at the price of that time."""
        one = self._one(params)
        span_ms = OI_INTERVAL_MS.get(str(params.get("intervalTime", "")))
        if span_ms is None:
            raise BybitRefused(10001, "params error: intervalTime invalid")
        start_ms, end_ms = number(params, "startTime", 0) or 0, number(params, "endTime", 10**15) or 10**15
        ticker = self._names.hub.ticker(one.venue, one.coin)
        rows = [
            {"timestamp": str(at_ms), **self._counted(oi_usd, price, one)}
            for at_ms, oi_usd, price in _oi_at(ticker, span_ms)
            if start_ms <= at_ms <= min(end_ms, self._names.hub.now_ms)
        ]
        rows, cursor = page(rows[::-1], params, usual=50, most=200)
        return {
            "symbol": self._names.symbol(one.coin), "category": CATEGORY, "list": rows, "nextPageCursor": cursor,
        }  # fmt: skip

    def _counted(self, oi_usd: float, price: float, one: Instrument) -> Row:
        fields = self._fields.open_interest(oi_usd, price, one)
        return {name: fields[name] for name in ("openInterest", "singleOpenInterest")}

    def funding(self, params: Params) -> Row:
        one = self._one(params)
        start_ms, end_ms = number(params, "startTime"), number(params, "endTime")
        if start_ms is not None and end_ms is None:
            raise BybitRefused(10001, "params error: endTime is required with startTime")
        limit = min(number(params, "limit", 200) or 200, 200)
        settled = self._names.hub.ticker(one.venue, one.coin).funding
        rows = [
            {
                "symbol": self._names.symbol(one.coin), "fundingRate": plain(_share(rate.value)),
                "fundingRateTimestamp": str(rate.time_ms),
            }
            for rate in reversed(settled) if (start_ms or 0) <= rate.time_ms <= (end_ms or 10**15)
        ]  # fmt: skip
        return {"category": CATEGORY, "list": rows[:limit]}

    def risk_limits(self, params: Params) -> Row:
        rows: list[Row] = []
        for one in self._names.chosen(params):
            table = mechanics_of(VENUE, one.coin).table
            rows += _tiers(self._names.symbol(one.coin), table)
        return {"category": params["category"], "list": rows, "nextPageCursor": ""}

    def _one(self, params: Params) -> Instrument:
        if not linear(params):
            raise BybitRefused(10001, "Not supported symbols")
        return self._names.instrument(params)


def trade_id(count: int) -> str:
    """Trades have UUIDs, too; made by hand because there are many."""
    return f"00000000-0000-5000-8000-{count:012x}"


def _oi_at(ticker: VenueTicker, span_ms: int) -> Iterable[tuple[int, float, float]]:
    """(time, USD, price) at whole intervals, oldest first."""
    closes = {candle.open_ms: candle.close for candle in ticker.candles}
    by_end = {-(-point.time_ms // span_ms) * span_ms: point for point in ticker.oi}
    for at_ms, point in by_end.items():
        minute_ms = point.time_ms // MINUTE_MS * MINUTE_MS
        yield at_ms, point.value, closes.get(minute_ms, ticker.mark_or_last_price)


def _tiers(symbol: str, table: TierTable) -> list[Row]:
    return [_tier(symbol, place, tier) for place, tier in enumerate(table.tiers, start=1)]


def _tier(symbol: str, place: int, tier: LeverageTier) -> Row:
    return {
        "id": place, "symbol": symbol, "riskLimitValue": plain(tier.notional_usd_cap),
        "maintenanceMargin": plain(_share(tier.maintenance_pct)),
        "initialMargin": plain((1 / Decimal(str(tier.leverage_max))).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)),
        "isLowestRisk": int(place == 1), "maxLeverage": f"{tier.leverage_max:.2f}",
        "mmDeduction": plain(tier.deduction_usd),
    }  # fmt: skip
