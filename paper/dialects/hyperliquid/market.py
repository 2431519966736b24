"""Hyperliquid: what it tells everybody by request, from the market's tickers."""

from typing import Final

from liqbot.instruments import Instrument
from liqbot.venues.registry import mechanics_of
from paper.dialects.hyperliquid.names import ROWS_MAX, VENUE, HyperNames, HyperRefused, Params, Row, figure, whole
from paper.dialects.tickers import DAY_MS, MINUTE_MS, VenueTicker
from paper.dialects.trade_prints import TradePrint

INTERVAL_MS: Final = {
    **{f"{minutes}m": minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}h": hours * 60 * MINUTE_MS for hours in (1, 2, 4, 8, 12)}, "1d": DAY_MS,
}
FIRST_TABLE: Final = 56
"""Ids of margin tables; smaller ones are leverages."""
_FAR_MS: Final = 10**15


class HyperMarket:
    """Each is given the question's body and gives the answer's."""

    def __init__(self, names: HyperNames) -> None:
        self._names = names

    def status(self, params: Params) -> Row:
        """Nothing special happens."""
        del params
        return {"time": self._names.hub.server_ms(), "specialStatuses": None}

    # --- contracts -------------------------------------------------------------------------------------------------

    def meta(self, params: Params) -> Row:
        del params
        tables = [[FIRST_TABLE + number, _margin_table(one)] for number, one in enumerate(self._names.listed)]
        return {"universe": [self._listing(one) for one in self._names.listed], "marginTables": tables,
                "collateralToken": 0}

    def _listing(self, one: Instrument) -> Row:
        exponent = one.quantity_step_base.normalize().as_tuple().exponent
        return {
            "szDecimals": max(0, -exponent) if isinstance(exponent, int) else 0, "name": one.coin,
            "maxLeverage": int(mechanics_of(VENUE, one.coin).table.tiers[0].leverage_max),
            "marginTableId": FIRST_TABLE + self._names.number[one.coin],
        }

    def contexts(self, params: Params) -> list[object]:
        return [self.meta(params), [self.context(one) for one in self._names.listed]]

    def context(self, one: Instrument) -> Row:
        """What the market has not published yet is null: a zero would be a figure."""
        ticker, hub = self._names.hub.ticker(one.venue, one.coin), self._names.hub
        day, price = ticker.day(hub.now_ms), ticker.mark_or_last_price
        known = price > 0.0
        return {
            "funding": hourly(ticker) if ticker.rate_ms else None,
            "openInterest": figure(_base(ticker.oi_usd, price, one, on_step=hub.params.on_step)) if known else None,
            "prevDayPx": figure(day.open), "dayNtlVlm": figure(day.volume_usd), "premium": None,
            "oraclePx": figure(ticker.index_price or price) if known else None,
            "markPx": figure(price) if known else None, "midPx": figure(ticker.last_price) if known else None,
            "impactPxs": None, "dayBaseVlm": figure(day.volume_usd / day.close if day.close else 0.0),
        }

    def mids(self, params: Params) -> Row:
        del params
        hub = self._names.hub
        return {one.coin: figure(hub.ticker(one.venue, one.coin).last_price) for one in self._names.listed}

    def book(self, params: Params) -> Row:
        """One level on either side."""
        one = self._names.instrument(params.get("coin"))
        hub = self._names.hub
        bid = one.round_price(hub.ticker(one.venue, one.coin).last_price)
        size = figure(float(one.quantity_step_base))
        levels = [[{"px": figure(float(price)), "sz": size, "n": 1}] for price in (bid, bid + one.price_tick)]
        return {"coin": one.coin, "time": hub.now_ms, "levels": levels}

    # --- the past --------------------------------------------------------------------------------------------------

    def candles(self, params: Params) -> list[Row]:
        """Oldest first. Volume is in coin."""
        wish = params.get("req")
        if not isinstance(wish, dict):
            raise HyperRefused
        one = self._names.instrument(wish.get("coin"))
        span_ms = INTERVAL_MS.get(str(wish.get("interval")))
        if span_ms is None:
            raise self._names.not_modelled(f"candles of interval {wish.get('interval')!r}")
        start_ms, end_ms = whole(wish, "startTime", 0), whole(wish, "endTime", _FAR_MS)
        found = self._names.hub.ticker(one.venue, one.coin).candles_of(span_ms, start_ms, end_ms, ROWS_MAX)
        return [
            {
                "t": candle.open_ms, "T": candle.open_ms + span_ms - 1, "s": one.coin, "i": wish["interval"],
                "o": figure(candle.open), "c": figure(candle.close), "h": figure(candle.high),
                "l": figure(candle.low),
                "v": figure(float(one.round_quantity(
                    4 * candle.volume_usd / (candle.open + candle.high + candle.low + candle.close)
                ))),
                "n": candle.trades,
            }
            for candle in found
        ]

    def funding(self, params: Params) -> list[Row]:
        one = self._names.instrument(params.get("coin"))
        if "startTime" not in params:
            raise HyperRefused
        start_ms, end_ms = whole(params, "startTime", 0), whole(params, "endTime", _FAR_MS)
        settled = self._names.hub.ticker(one.venue, one.coin).funding
        rows = [
            {"coin": one.coin, "fundingRate": figure(rate.value / 100.0), "premium": "0.0", "time": rate.time_ms}
            for rate in settled if start_ms <= rate.time_ms <= end_ms
        ]
        return rows[:ROWS_MAX]


def hourly(ticker: VenueTicker) -> str:
    """The forecast as a fraction per hour, whatever interval the market speaks of."""
    return figure(ticker.rate_pct / 100.0 / ticker.interval_h)


def _base(amount_usd: float, price: float, one: Instrument, *, on_step: bool) -> float:
    base = amount_usd / price
    return float(one.round_quantity(base)) if on_step else base


def _margin_table(one: Instrument) -> Row:
    tiers = mechanics_of(VENUE, one.coin).table.tiers
    lowest = [0.0, *(tier.notional_usd_cap for tier in tiers[:-1])]
    rows = [{"lowerBound": figure(bound), "maxLeverage": int(tier.leverage_max)}
            for bound, tier in zip(lowest, tiers, strict=True)]
    return {"description": f"tiered {int(tiers[0].leverage_max)}x", "marginTiers": rows}


def trade_row(one: Instrument, print_: TradePrint, users: tuple[str, str]) -> Row:
    """`users`: buyer and seller."""
    return {
        "coin": one.coin, "side": "B" if print_.taker_buys else "A", "px": figure(print_.price),
        "sz": figure(print_.quantity_base), "time": print_.time_ms, "hash": f"0x{print_.number:064x}",
        "tid": print_.number, "users": list(users),
    }
