"""Binance USD-M: what everybody may ask for over REST."""

from collections.abc import Mapping
from typing import Any, Final

from liqbot.instruments import Instrument
from paper.dialects.binance.book import BinanceBooks
from paper.dialects.binance.errors import QUOTE, BinanceGate, BinanceNames, BinanceRefused, Params, number
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer
from paper.dialects.tickers import Candle, VenueTicker
from paper.dialects.trade_prints import plain

SPANS_MS: Final[Mapping[str, int]] = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000, "2h": 7_200_000,
    "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000, "12h": 43_200_000, "1d": 86_400_000,
}  # fmt: skip
_ORDER_TYPES: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip


class BinanceMarket:
    """Handlers for the public endpoints."""

    def __init__(self, names: BinanceNames, door: BinanceGate, books: BinanceBooks) -> None:
        self._names, self._hub, self._door, self._books = names, names.hub, door, books

    def routes(self) -> dict[str, Handler]:
        answers = {
            "ping": lambda _params: HttpAnswer(),
            "exchangeInfo": self._exchange_info,
            "ticker/24hr": self._day,
            "ticker/price": self._price,
            "openInterest": self._open_interest,
            "premiumIndex": self._premium_index,
            "fundingRate": self._funding_rate,
            "fundingInfo": self._funding_info,
            "klines": self._klines,
            "aggTrades": self._agg_trades,
            "trades": self._trades,
            "depth": self._depth,
            "ticker/bookTicker": self._best,
        }
        routes = {f"GET /fapi/v1/{path}": self._door.public(answer) for path, answer in answers.items()}
        routes["GET /fapi/v2/ticker/price"] = self._door.public(self._price)
        routes["GET /futures/data/openInterestHist"] = self._door.public(self._open_interest_history)
        return routes

    # --- contracts -------------------------------------------------------------------------------------------------

    def _exchange_info(self, params: Params) -> HttpAnswer:
        del params
        limits = [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        ]
        symbols = [_symbol_info(symbol, one) for symbol, one in self._names.by_symbol.items()]
        return HttpAnswer(
            {
                "timezone": "UTC",
                "serverTime": self._hub.server_ms(),
                "futuresType": "U_MARGINED",
                "rateLimits": limits,
                "exchangeFilters": [],
                "assets": [{"asset": QUOTE, "marginAvailable": True, "autoAssetExchange": "-10000"}],
                "symbols": symbols,
            }
        )

    # --- tickers ---------------------------------------------------------------------------------------------------

    def _one_or_all(self, params: Params, shape: Any) -> HttpAnswer:
        """An object when a symbol is named, a list of all otherwise."""
        shown = [shape(one, self._ticker(one)) for one in self._names.chosen(params)]
        return HttpAnswer(shown[0] if params.get("symbol") else shown)

    def _ticker(self, instrument: Instrument) -> VenueTicker:
        return self._hub.ticker(instrument.venue, instrument.coin)

    def _day(self, params: Params) -> HttpAnswer:
        return self._one_or_all(params, self._day_of)

    def _day_of(self, instrument: Instrument, ticker: VenueTicker) -> dict[str, Any]:
        now_ms, last = self._hub.now_ms, ticker.last_price
        day = ticker.day(now_ms)
        volume_base = day.volume_usd / last if last else 0.0
        weighted = (day.open + day.high + day.low + day.close) / 4
        return {
            "symbol": self._names.symbol(instrument.coin),
            "priceChange": plain(last - day.open),
            "priceChangePercent": f"{(last / day.open - 1) * 100 if day.open else 0:.3f}",
            "weightedAvgPrice": plain(weighted),
            "lastPrice": plain(last),
            "lastQty": "0",
            "openPrice": plain(day.open),
            "highPrice": plain(day.high),
            "lowPrice": plain(day.low),
            "volume": plain(round(volume_base, 3)),
            "quoteVolume": plain(round(day.volume_usd, 2)),
            "openTime": now_ms - 86_400_000,
            "closeTime": now_ms,
            "firstId": 0,
            "lastId": day.trades,
            "count": day.trades,
        }

    def _price(self, params: Params) -> HttpAnswer:
        return self._one_or_all(
            params,
            lambda one, ticker: {
                "symbol": self._names.symbol(one.coin),
                "price": plain(ticker.last_price),
                "time": ticker.time_ms,
            },
        )

    def _premium_index(self, params: Params) -> HttpAnswer:
        return self._one_or_all(
            params,
            lambda one, ticker: {
                "symbol": self._names.symbol(one.coin),
                "markPrice": plain(ticker.mark_or_last_price),
                "indexPrice": plain(ticker.index_price or ticker.mark_or_last_price),
                "estimatedSettlePrice": plain(ticker.index_price or ticker.mark_or_last_price),
                "lastFundingRate": f"{ticker.rate_pct / 100:.8f}",
                "interestRate": "0.00010000",
                "nextFundingTime": ticker.next_funding_ms(self._hub.now_ms),
                "time": self._hub.now_ms,
            },
        )

    # --- open interest and funding ---------------------------------------------------------------------------------

    def _open_interest(self, params: Params) -> HttpAnswer:
        one = self._names.instrument(params)
        ticker = self._ticker(one)
        price = ticker.mark_or_last_price
        base = ticker.oi_usd / price if price else 0.0
        if self._hub.params.on_step:
            base = float(one.round_quantity(base))
        return HttpAnswer({"openInterest": plain(base), "symbol": params["symbol"], "time": ticker.oi_ms})

    def _open_interest_history(self, params: Params) -> HttpAnswer:
        one = self._names.instrument(params)
        ticker, limit = self._ticker(one), number(params, "limit", 30) or 30
        span_ms = SPANS_MS.get(params.get("period", ""))
        if span_ms is None:
            raise BinanceRefused(-1120, "Invalid interval.")
        spans = {
            point.time_ms // span_ms * span_ms: point.value for point in ticker.oi if _within(point.time_ms, params)
        }
        price = ticker.mark_or_last_price or 1.0
        rows = [
            {
                "symbol": params["symbol"],
                "sumOpenInterest": plain(oi_usd / price),
                "sumOpenInterestValue": plain(oi_usd),
                "timestamp": at_ms,
            }
            for at_ms, oi_usd in spans.items()
        ]
        return HttpAnswer(rows[-limit:])

    def _funding_rate(self, params: Params) -> HttpAnswer:
        limit = number(params, "limit", 100) or 100
        rows = [
            {
                "symbol": self._names.symbol(one.coin),
                "fundingRate": f"{rate.value / 100:.8f}",
                "fundingTime": rate.time_ms,
                "markPrice": plain(self._ticker(one).mark_or_last_price),
            }
            for one in self._names.chosen(params)
            for rate in self._ticker(one).funding
            if _within(rate.time_ms, params)
        ]
        return HttpAnswer(rows[:limit] if "startTime" in params else rows[-limit:])

    def _funding_info(self, params: Params) -> HttpAnswer:
        del params
        return HttpAnswer(
            [
                {
                    "symbol": symbol,
                    "adjustedFundingRateCap": "0.02000000",
                    "adjustedFundingRateFloor": "-0.02000000",
                    "fundingIntervalHours": round(self._ticker(one).interval_h),
                    "disclaimer": False,
                }
                for symbol, one in self._names.by_symbol.items()
            ]
        )

    # --- trades ----------------------------------------------------------------------------------------------------

    def _klines(self, params: Params) -> HttpAnswer:
        ticker = self._ticker(self._names.instrument(params))
        span_ms = SPANS_MS.get(params.get("interval", ""))
        if span_ms is None:
            raise BinanceRefused(-1120, "Invalid interval.")
        limit = number(params, "limit", 500) or 500
        candles = ticker.candles_of(span_ms, number(params, "startTime"), number(params, "endTime"), limit)
        return HttpAnswer([_kline(candle, span_ms) for candle in candles])

    def _depth(self, params: Params) -> HttpAnswer:
        one = self._names.instrument(params)
        return HttpAnswer(self._books.snapshot(self._names.symbol(one.coin), one))

    def _best(self, params: Params) -> HttpAnswer:
        return self._one_or_all(params, lambda one, _: self._books.ticker(self._names.symbol(one.coin), one))

    def _trades(self, params: Params) -> HttpAnswer:
        prints = self._ticker(self._names.instrument(params)).prints
        rows = [
            {
                "id": one.number, "price": plain(one.price), "qty": plain(one.quantity_base),
                "quoteQty": plain(one.price * one.quantity_base), "time": one.time_ms,
                "isBuyerMaker": not one.taker_buys,
            }
            for one in prints
        ]  # fmt: skip
        return HttpAnswer(rows[-(number(params, "limit", 500) or 500):])

    def _agg_trades(self, params: Params) -> HttpAnswer:
        prints = self._ticker(self._names.instrument(params)).prints
        limit = number(params, "limit", 500) or 500
        rows = [
            {
                "a": one.number,
                "p": plain(one.price),
                "q": plain(one.quantity_base),
                "f": one.number,
                "l": one.number,
                "T": one.time_ms,
                "m": not one.taker_buys,
            }
            for one in prints
            if _within(one.time_ms, params)
        ]
        return HttpAnswer(rows[-limit:])


def _within(time_ms: int, params: Params) -> bool:
    start_ms, end_ms = number(params, "startTime"), number(params, "endTime")
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)


def _kline(candle: Candle, span_ms: int) -> list[Any]:
    middle = (candle.high + candle.low) / 2
    return [
        candle.open_ms, plain(candle.open), plain(candle.high), plain(candle.low), plain(candle.close),
        plain(candle.volume_usd / middle), candle.open_ms + span_ms - 1, plain(candle.volume_usd), candle.trades,
        plain(candle.buy_usd / middle), plain(candle.buy_usd), "0",
    ]  # fmt: skip


def _symbol_info(symbol: str, one: Instrument) -> dict[str, Any]:
    tick, step = plain(one.price_tick), plain(one.quantity_step_base)
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": one.coin,
        "quoteAsset": QUOTE,
        "marginAsset": QUOTE,
        "pricePrecision": max(0, -int(one.price_tick.normalize().as_tuple().exponent)),
        "quantityPrecision": max(0, -int(one.quantity_step_base.normalize().as_tuple().exponent)),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "4529764", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000", "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": "1000", "stepSize": step},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": plain(one.min_notional_usd)},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500",
             "multiplierDecimal": "4"},
        ],
        "orderTypes": list(_ORDER_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }  # fmt: skip
