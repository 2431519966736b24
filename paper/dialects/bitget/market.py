"""Bitget: what it tells everybody by request, from the market's tickers."""

from decimal import Decimal
from typing import Final

from liqbot.instruments import Instrument
from liqbot.margin.tiers import LeverageTier
from liqbot.venues.registry import mechanics_of
from paper.dialects.bitget.errors import QUOTE, VENUE, BitgetNames, BitgetRefused, Params, Row, whole
from paper.dialects.tickers import MINUTE_MS, Candle, VenueTicker
from paper.dialects.trade_prints import TradePrint, plain

HOUR_MS: Final = 60 * MINUTE_MS
SPANS_MS: Final = {
    **{f"{minutes}m": minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}H": hours * HOUR_MS for hours in (1, 4, 6, 12)}, "1D": 24 * HOUR_MS,
}
HISTORY_ROWS_MAX: Final = 200
CANDLES_MAX: Final = 1_000
ORDER_STEPS_MAX: Final = 10_000_000
"""The simulated exchange itself has no such limit."""


def fraction(pct: float) -> str:
    """A percentage as the venue writes rates, without the noise of a binary division."""
    return plain(Decimal(str(pct)) / 100)


def base_of(amount_usd: float, price: float, one: Instrument, *, on_step: bool) -> str:
    """An amount in base coin, in whole steps as the venue counts, or exact."""
    if not price:
        return "0"
    base = amount_usd / price
    return plain(one.round_quantity(base) if on_step else base)


def touch(ticker: VenueTicker, one: Instrument) -> tuple[str, str, str]:
    """(bid, ask, size): the simulated market has no book; one step rests on either side of the last price."""
    bid = one.round_price(ticker.last_price)
    return plain(bid), plain(bid + one.price_tick), plain(one.quantity_step_base)


class BitgetPublicRequests:
    """Handlers of `/market/...` of both versions; every one is given the parameters and gives what stands in `data`."""

    def __init__(self, names: BitgetNames) -> None:
        self._names = names

    def nothing(self, params: Params) -> list[Row]:
        """Of other kinds of markets, which are not listed here."""
        del params
        return []

    def contracts(self, params: Params) -> list[Row]:
        return [self._listing(one) for one in self._names.chosen(params)]

    def _listing(self, one: Instrument) -> Row:
        ticker = self._names.hub.ticker(one.venue, one.coin)
        tick, step = one.price_tick.normalize(), one.quantity_step_base.normalize()
        places = {name: max(0, -int(value.as_tuple().exponent)) for name, value in (("price", tick), ("size", step))}
        end_step = tick.scaleb(places["price"])
        return {
            "symbol": self._names.symbol(one.coin), "baseCoin": one.coin, "quoteCoin": QUOTE,
            "buyLimitPriceRatio": "0.05", "sellLimitPriceRatio": "0.05", "feeRateUpRatio": "0.005",
            "makerFeeRate": fraction(one.maker_fee_pct), "takerFeeRate": fraction(one.taker_fee_pct),
            "openCostUpRatio": "0.01", "supportMarginCoins": [QUOTE], "minTradeNum": plain(step),
            "priceEndStep": plain(end_step), "volumePlace": str(places["size"]), "pricePlace": str(places["price"]),
            "sizeMultiplier": plain(step), "symbolType": "perpetual", "minTradeUSDT": plain(one.min_notional_usd),
            "maxSymbolOrderNum": "200", "maxProductOrderNum": "400", "maxPositionNum": "150",
            "symbolStatus": "normal", "offTime": "-1", "limitOpenTime": "-1", "deliveryTime": "",
            "deliveryStartTime": "", "deliveryPeriod": "", "launchTime": "", "fundInterval": plain(ticker.interval_h),
            "minLever": "1", "maxLever": plain(mechanics_of(VENUE, one.coin).table.tiers[0].leverage_max),
            "posLimit": "0.1", "maintainTime": "", "openTime": "", "maxMarketOrderQty": plain(step * ORDER_STEPS_MAX),
            "maxOrderQty": plain(step * ORDER_STEPS_MAX),
        }  # fmt: skip

    # --- figures now -----------------------------------------------------------------------------------------------

    def tickers(self, params: Params) -> list[Row]:
        now_ms = self._names.hub.now_ms
        return [self._ticker(one, now_ms) for one in self._names.chosen(params, "category")]

    def _ticker(self, one: Instrument, now_ms: int) -> Row:
        ticker = self._names.hub.ticker(one.venue, one.coin)
        mark, fields = ticker.mark_or_last_price, self.figures(one, ticker, now_ms)
        fields |= {
            "markPrice": plain(mark), "indexPrice": plain(ticker.index_price or mark),
            "openInterest": self.open_interest(one, ticker.oi_usd, mark) if ticker.oi_ms else "",
            "fundingRate": fraction(ticker.rate_pct) if ticker.rate_ms else "",
        }
        return fields | {
            "category": "USDT-FUTURES", "symbol": self._names.symbol(one.coin), "ts": str(now_ms),
            "deliveryStartTime": "", "deliveryTime": "", "deliveryStatus": "",
        }

    def classic_ticker(self, params: Params) -> list[Row]:
        """In the names of v2; nothing of it is more than what v3 tells."""
        if not self._names.linear(params):
            return []
        ticker = self._ticker(self._names.instrument(params), self._names.hub.now_ms)
        named = {
            "symbol": "symbol", "lastPr": "lastPrice", "askPr": "ask1Price", "bidPr": "bid1Price", "bidSz": "bid1Size",
            "askSz": "ask1Size", "high24h": "highPrice24h", "low24h": "lowPrice24h", "ts": "ts",
            "change24h": "price24hPcnt", "baseVolume": "volume24h", "quoteVolume": "turnover24h",
            "usdtVolume": "turnover24h", "openUtc": "openPrice24h", "changeUtc24h": "price24hPcnt",
            "indexPrice": "indexPrice", "fundingRate": "fundingRate", "holdingAmount": "openInterest",
            "open24h": "openPrice24h", "markPrice": "markPrice",
        }
        whole = {name: ticker[of] for name, of in named.items()}
        return [whole | {"deliveryStartTime": None, "deliveryTime": None, "deliveryStatus": ""}]

    def figures(self, one: Instrument, ticker: VenueTicker, now_ms: int) -> Row:
        """Of the last trades: what the stream's tickers share."""
        day = ticker.day(now_ms)
        bid, ask, size = touch(ticker, one)
        change = (ticker.last_price / day.open - 1.0) if day.open else 0.0
        return {
            "lastPrice": plain(ticker.last_price), "openPrice24h": plain(day.open), "highPrice24h": plain(day.high),
            "lowPrice24h": plain(day.low), "ask1Price": ask, "bid1Price": bid, "bid1Size": size, "ask1Size": size,
            "price24hPcnt": f"{change:.5f}", "turnover24h": f"{day.volume_usd:.4f}",
            "volume24h": plain(one.round_quantity(day.volume_usd / day.close if day.close else 0.0)),
        }

    def open_interest(self, one: Instrument, oi_usd: float, price: float) -> str:
        return base_of(oi_usd, price, one, on_step=self._names.hub.params.on_step)

    def funding_now(self, params: Params) -> list[Row]:
        one = self._names.instrument(params)
        ticker = self._names.hub.ticker(one.venue, one.coin)
        return [{
            "symbol": self._names.symbol(one.coin), "fundingRate": fraction(ticker.rate_pct),
            "fundingRateInterval": plain(ticker.interval_h),
            "nextUpdate": str(ticker.next_funding_ms(self._names.hub.now_ms)), "minFundingRate": "-0.003",
            "maxFundingRate": "0.003",
        }]

    def open_interests(self, params: Params) -> Row:
        rows = []
        for one in self._names.chosen(params):
            ticker = self._names.hub.ticker(one.venue, one.coin)
            size = self.open_interest(one, ticker.oi_usd, ticker.mark_or_last_price)
            rows.append({"symbol": self._names.symbol(one.coin), "size": size})
        return {"openInterestList": rows, "ts": str(self._names.hub.now_ms)}

    def tiers(self, params: Params) -> list[Row]:
        """Borders in quote coin, rates as fractions."""
        found: list[Row] = []
        for one in self._names.chosen(params, "category"):
            table, below = mechanics_of(VENUE, one.coin).table, 0.0
            for number, tier in enumerate(table.tiers, 1):
                found.append(_tier(number, below, tier))
                below = tier.notional_usd_cap
        return found

    def book(self, params: Params) -> Row:
        """One level on either side."""
        one = self._names.instrument(params)
        bid, ask, size = touch(self._names.hub.ticker(one.venue, one.coin), one)
        return {
            "asks": [[float(ask), float(size)]], "bids": [[float(bid), float(size)]],
            "ts": str(self._names.hub.now_ms), "scale": plain(one.price_tick), "precision": "scale0",
            "isMaxPrecision": "NO",
        }

    def trades(self, params: Params) -> list[Row]:
        """Newest first."""
        one = self._names.instrument(params)
        prints = self._names.hub.ticker(one.venue, one.coin).prints
        limit = min(whole(params, "limit", 100), 1_000)
        return [self._trade(one, print_) for print_ in reversed(prints)][:limit]

    def _trade(self, one: Instrument, print_: TradePrint) -> Row:
        return {
            "tradeId": str(print_.number), "price": plain(print_.price), "size": plain(print_.quantity_base),
            "side": "Buy" if print_.taker_buys else "Sell", "ts": str(print_.time_ms),
            "symbol": self._names.symbol(one.coin),
        }

    # --- the past --------------------------------------------------------------------------------------------------

    def candles(self, params: Params) -> list[list[str]]:
        return self._candles(params, CANDLES_MAX)

    def past_candles(self, params: Params) -> list[list[str]]:
        return self._candles(params, HISTORY_ROWS_MAX)

    def _candles(self, params: Params, most: int) -> list[list[str]]:
        """Oldest first: of the span requested the last ones."""
        one = self._names.instrument(params)
        span_ms = SPANS_MS.get(str(params.get("granularity", "")))
        if span_ms is None:
            raise BitgetRefused("400171", "Parameter verification failed granularity")
        start_ms, end_ms = whole(params, "startTime", 0), whole(params, "endTime", 10**15)
        limit = min(max(whole(params, "limit", 100), 1), most)
        found = self._names.hub.ticker(one.venue, one.coin).candles_of(span_ms, start_ms, end_ms, 10**9)
        return [_candle(candle) for candle in found if start_ms <= candle.open_ms < end_ms][-limit:]

    def past_funding(self, params: Params) -> list[Row]:
        """By number of page, newest first."""
        one = self._names.instrument(params)
        rows = min(max(whole(params, "pageSize", 20), 1), 100)
        begin = (max(whole(params, "pageNo", 1), 1) - 1) * rows
        settled = list(reversed(self._names.hub.ticker(one.venue, one.coin).funding))
        return [
            {
                "symbol": self._names.symbol(one.coin), "fundingRate": fraction(rate.value),
                "fundingTime": str(rate.time_ms),
            }
            for rate in settled[begin : begin + rows]
        ]


def _candle(candle: Candle) -> list[str]:
    """Start, open, high, low, close, volumes in base and in quote coin."""
    base = candle.volume_usd / candle.close if candle.close else 0.0
    return [
        str(candle.open_ms), plain(candle.open), plain(candle.high), plain(candle.low), plain(candle.close),
        f"{base:.6f}", f"{candle.volume_usd:.4f}",
    ]


def _tier(number: int, below: float, tier: LeverageTier) -> Row:
    return {
        "tier": str(number), "minTierValue": plain(below), "maxTierValue": plain(tier.notional_usd_cap),
        "leverage": plain(tier.leverage_max), "mmr": fraction(tier.maintenance_pct),
    }
