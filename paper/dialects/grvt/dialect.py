"""GRVT's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/full/v1"
SPAN_MS: Final = {"CI_1_M": 60_000, "CI_5_M": 300_000, "CI_1_H": 3_600_000}
STREAMS: Final = ("v1.trade", "v1.ticker.s")
MS_NS: Final = 1_000_000
Row = dict[str, Any]


class GrvtDialect(MarketDataDialect):
    """Every request is a post; times are texts of nanoseconds, rates are in percent."""

    venue: ClassVar[str] = "grvt"
    hosts: ClassVar[tuple[str, ...]] = ("market-data.grvt.io",)
    time_address: ClassVar[str] = "market-data.grvt.io/time"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws/full",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC_USDT_Perp", tick="0.1", lot="0.001"),
        ListedContract(coin="ETH", id="ETH_USDT_Perp", tick="0.01", lot="0.01"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"POST {REST}/all_instruments": self._instruments, f"POST {REST}/currency": self._currencies,
            f"POST {REST}/ticker": self._ticker, f"POST {REST}/kline": self._candles,
            f"POST {REST}/funding": self._paid, f"POST {REST}/margin_rules": self._brackets,
            "GET /time": self._time,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"code": 1_003, "message": words, "status": 400}

    def _time(self, request: Request) -> Row:
        del request
        return {"server_time": self.hub.now_ms}

    def _instruments(self, request: Request) -> Row:
        del request
        return {"result": [
            {
                "instrument": one.id, "instrument_hash": "0x030501", "base": one.coin, "quote": "USDT",
                "kind": "PERPETUAL", "venues": ["ORDERBOOK", "RFQ"], "settlement_period": "PERPETUAL",
                "base_decimals": 9, "quote_decimals": 6, "tick_size": one.listed.tick, "min_size": one.listed.lot,
                "create_time": "1768040726362828205", "max_position_size": "1000.0",
                "funding_interval_hours": round(one.now.interval_h), "min_notional": "100.0",
            }
            for one in self.contracts
        ]}  # fmt: skip

    def _currencies(self, request: Request) -> Row:
        del request
        coins = ["USDT", *dict.fromkeys(one.coin for one in self.contracts)]
        return {"result": [
            {"id": number_, "symbol": coin, "balance_decimals": 6, "quantity_multiplier": "1000000"}
            for number_, coin in enumerate(coins, start=3)
        ]}

    def _ticker(self, request: Request) -> Row:
        return {"result": self._figures(self.contract(_body_of(request).get("instrument")), self.hub.now_ms)}

    def _figures(self, one: MarketContract, time_ms: int) -> Row:
        now = one.now
        rate = "" if now.rate_pct is None else plain(now.rate_pct)
        return {
            "event_time": str(time_ms * MS_NS), "instrument": one.id, "mark_price": text(now.mark_price),
            "index_price": text(now.index_price), "open_interest": one.counted(now), "funding_rate_8h_curr": rate,
            "funding_rate": rate, "funding_interval_hours": round(now.interval_h),
            "next_funding_time": str(one.ticker.next_funding_ms(time_ms) * MS_NS),
        }  # fmt: skip

    def _candles(self, request: Request) -> Row:
        """Newest first."""
        one = self.contract(_body_of(request).get("instrument"))
        span_ms = SPAN_MS.get(str(_body_of(request).get("interval")))
        since_ms, until_ms = _bounds(request)
        if span_ms is None or since_ms is None or until_ms is None:
            raise RequestRefused(self.refusal("interval, start_time or end_time"))
        limit = number(_body_of(request), "limit", 500) or 500
        return {"next": "", "result": [
            {
                "open_time": str(candle.open_ms * MS_NS), "close_time": str((candle.open_ms + span_ms) * MS_NS),
                "open": plain(candle.open), "close": plain(candle.close), "high": plain(candle.high),
                "low": plain(candle.low), "volume_b": plain(one.amount(candle.volume_usd, candle.close)),
                "volume_q": plain(candle.volume_usd), "trades": candle.trades, "instrument": one.id,
            }
            for candle in reversed(candles(one, span_ms, since_ms, until_ms, limit))
        ]}  # fmt: skip

    def _paid(self, request: Request) -> Row:
        one = self.contract(_body_of(request).get("instrument"))
        return {"next": "", "result": [
            {
                "instrument": one.id, "funding_rate": plain(rate.value), "funding_time": str(rate.time_ms * MS_NS),
                "mark_price": text(one.now.mark_price), "funding_rate_8_h_avg": plain(rate.value),
                "funding_interval_hours": 8,
            }
            for rate in reversed(paid_funding(one, *_bounds(request)))
        ]}  # fmt: skip

    def _brackets(self, request: Request) -> Row:
        """Those of the house's own table."""
        one = self.contract(_body_of(request).get("instrument"))
        tiers = mechanics_of(one.venue_key, one.coin).table.tiers
        return {"result": {
            "instrument": one.id, "max_position_size": "1000.0", "risk_brackets": [
                {
                    "tier": number_, "notional_cap": "" if tier is tiers[-1] else plain(tier.notional_usd_cap),
                    "maintenance_margin_rate": ratio(tier.maintenance_pct), "max_leverage": int(tier.leverage_max),
                    "initial_margin_rate": plain(1.0 / tier.leverage_max),
                }
                for number_, tier in enumerate(tiers, 1)
            ],
        }}  # fmt: skip

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        wanted = request.get("params") or {}
        stream, selectors = wanted.get("stream"), [str(one) for one in wanted.get("selectors") or ()]
        chosen = [self.by_id.get(one.partition("@")[0]) for one in selectors]
        if request.get("method") != "subscribe" or stream not in STREAMS or None in chosen:
            return False
        socket.send_json({
            "jsonrpc": "2.0", "id": request.get("id"), "method": "subscribe",
            "result": {"stream": stream, "subs": selectors, "unsubs": [], "num_snapshots": [1]},
        })
        for one in chosen:
            if one is not None:
                self.subscribe(socket, f"{stream} {one.id}")
                for print_ in list(one.ticker.prints)[-50:] if stream == "v1.trade" else ():
                    socket.send_json({**_trade(one, print_)[1], "sequence_number": "0"})
                if stream == "v1.ticker.s":
                    socket.send_json(self._ticker_message(one, self.hub.now_ms)[1])
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        for one in prints:
            yield _trade(contract, one)

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        yield self._ticker_message(contract, contract.figures.time_ms)

    def _ticker_message(self, one: MarketContract, time_ms: int) -> tuple[str, Row]:
        return _fed("v1.ticker.s", f"{one.id}@500", one, self._figures(one, time_ms))


def _trade(one: MarketContract, print_: TradePrint) -> tuple[str, Row]:
    return _fed("v1.trade", f"{one.id}@50", one, {
        "event_time": str(print_.time_ms * MS_NS), "instrument": one.id, "is_taker_buyer": print_.taker_buys,
        "size": plain(one.traded(print_)), "price": plain(print_.price), "trade_id": f"{print_.number}-1",
        "venue": "ORDERBOOK", "is_rpi": False,
    })  # fmt: skip


def _fed(stream: str, selector: str, one: MarketContract, feed: Row) -> tuple[str, Row]:
    return f"{stream} {one.id}", {"stream": stream, "selector": selector, "sequence_number": "1", "feed": feed,
                                  "prev_sequence_number": "0"}


def _body_of(request: Request) -> Row:
    body = request.json
    return body if isinstance(body, dict) else {}


def _bounds(request: Request) -> tuple[int | None, int | None]:
    found = [number(_body_of(request), name) for name in ("start_time", "end_time")]
    return (None if found[0] is None else found[0] // MS_NS, None if found[1] is None else found[1] // MS_NS)


DIALECT: Final = GrvtDialect
