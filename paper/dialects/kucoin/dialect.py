"""KuCoin's perpetuals, market data only."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding, past_interest
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v1"
EXECUTION: Final = "/contractMarket/execution:"
INSTRUMENT: Final = "/contract/instrument:"
STREAM_HOST: Final = "ws-api-futures.kucoin.com"
NS: Final = 1_000_000
TOPICS: Final = (EXECUTION, INSTRUMENT)
Row = dict[str, Any]


class KucoinDialect(MarketDataDialect):
    """Sizes are whole contracts; an inverse one has a negative multiplier."""

    venue: ClassVar[str] = "kucoin"
    hosts: ClassVar[tuple[str, ...]] = (
        "api-futures.kucoin.com", "api.kucoin.com", STREAM_HOST,
    )  # fmt: skip
    time_address: ClassVar[str] = "api-futures.kucoin.com/api/v1/timestamp"
    stream_paths: ClassVar[tuple[str, ...]] = ("/",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="XBTUSDTM", tick="0.1", size="0.001"),
        ListedContract(coin="ETH", id="ETHUSDTM", tick="0.01", size="0.01"),
        ListedContract(coin="BTC", id="XBTUSDM", tick="0.1", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {
            f"GET {REST}/timestamp": lambda _: _answer(self.hub.now_ms),
            f"GET {REST}/contracts/active": lambda _: _answer([self._contract(one) for one in self.contracts]),
            f"POST {REST}/bullet-public": self._bullet,
            f"GET {REST}/kline/query": self._candles,
            "GET /api/ua/v1/market/open-interest": self._interest,
            f"GET {REST}/contract/funding-rates": self._paid,
        }
        for one in self.contracts:
            found[f"GET {REST}/contracts/{one.id}"] = functools.partial(self._contract_row, one)
            found[f"GET {REST}/contracts/risk-limit/{one.id}"] = functools.partial(self._limits, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"code": "400100", "msg": words}

    def _bullet(self, request: Request) -> Row:
        """Where to dial, and the token for it."""
        server = {
            "endpoint": f"ws://{request.headers['host']}/{STREAM_HOST}/", "protocol": "websocket", "encrypt": True,
            "pingInterval": 18_000, "pingTimeout": 10_000,
        }  # fmt: skip
        return _answer({"token": "public", "instanceServers": [server]})

    def _contract_row(self, one: MarketContract, request: Request) -> Row:
        del request
        return _answer(self._contract(one))

    def _contract(self, one: MarketContract) -> Row:
        now, listed = one.now, one.listed
        base = "XBT" if one.coin == "BTC" else one.coin
        quote, settle = ("USD", base) if one.inverse else ("USDT", "USDT")
        interval_ms = round(now.interval_h * 3_600_000)
        return {
            "symbol": one.id, "rootSymbol": settle, "type": "FFWCSX", "expireDate": None, "baseCurrency": base,
            "quoteCurrency": quote, "settleCurrency": settle, "maxOrderQty": 1_000_000, "maxPrice": 1_000_000.0,
            "lotSize": 1, "tickSize": float(listed.tick), "multiplier": -1.0 if one.inverse else float(listed.size),
            "makerFeeRate": 0.0002, "takerFeeRate": 0.0006, "isInverse": one.inverse, "status": "Open",
            "fundingFeeRate": None if now.rate_pct is None else now.rate_pct / 100.0,
            "fundingRateGranularity": interval_ms, "currentFundingRateGranularity": interval_ms,
            "openInterest": one.counted(now), "markPrice": now.mark_price, "indexPrice": now.index_price,
            "lastTradePrice": now.last_price, "maxLeverage": 125,
            "nextFundingRateTime": one.ticker.next_funding_ms(self.hub.now_ms) - self.hub.now_ms,
        }  # fmt: skip

    def _candles(self, request: Request) -> Row:
        """At most 500, oldest first."""
        one = self.contract(request.params.get("symbol"))
        span_ms = (number(request.params, "granularity", 1) or 1) * 60_000
        found = candles(one, span_ms, number(request.params, "from"), number(request.params, "to"), 500)
        return _answer([
            [
                candle.open_ms, candle.open, candle.high, candle.low, candle.close,
                float(one.amount(candle.volume_usd, candle.close)), candle.volume_usd,
            ]
            for candle in found
        ])  # fmt: skip

    def _interest(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        since_ms, until_ms = number(request.params, "startAt"), number(request.params, "endAt")
        rows = [
            {"symbol": one.id, "openInterest": plain(one.amount(past.oi_usd, past.price)), "ts": past.time_ms}
            for past in past_interest(one, 300_000, since_ms, until_ms, self.hub.now_ms)
        ]
        return _answer(rows[: number(request.params, "pageSize", 30)])

    def _paid(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        found = paid_funding(one, number(request.params, "from"), number(request.params, "to"))
        return _answer([
            {"symbol": one.id, "fundingRate": rate.value / 100.0, "timepoint": rate.time_ms} for rate in reversed(found)
        ])

    def _limits(self, one: MarketContract, request: Request) -> Row:
        del request
        table = mechanics_of(one.venue_key, one.coin).table
        return _answer([
            {
                "symbol": one.id, "level": place, "maxRiskLimit": tier.notional_usd_cap,
                "maxLeverage": tier.leverage_max, "maintainMargin": tier.maintenance_pct / 100.0,
            }
            for place, tier in enumerate(table.tiers, start=1)
        ])  # fmt: skip

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        socket.send_json({"id": "welcome", "type": "welcome"})
        return super().opened(socket)

    def receive(self, socket: Socket, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        kind, topic = message.get("type"), str(message.get("topic", ""))
        if kind == "ping":
            socket.send_json({"id": message.get("id"), "type": "pong"})
            return True
        head, _, rest = topic.partition(":")
        names = rest.split(",")
        if kind not in ("subscribe", "unsubscribe") or f"{head}:" not in TOPICS or set(names) - set(self.by_id):
            return False
        socket.send_json({"id": message.get("id"), "type": "ack"})
        for name in names:
            if kind == "subscribe":
                self.subscribe(socket, f"{head}:{name}")
            else:
                socket.topics.pop(f"{head}:{name}", None)
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        """One a message."""
        topic = f"{EXECUTION}{contract.id}"
        for one in prints:
            yield topic, {
                "topic": topic, "type": "message", "subject": "match", "sn": one.number,
                "data": {
                    "symbol": contract.id, "sequence": one.number, "side": "buy" if one.taker_buys else "sell",
                    "size": int(contract.traded(one)), "price": plain(one.price), "takerOrderId": "1",
                    "makerOrderId": "2", "tradeId": str(one.number), "ts": one.time_ms * NS,
                },
            }  # fmt: skip

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        """In the topic alone they name their contract."""
        figures = contract.figures
        if "mark" in updated:
            yield _instrument(contract, "mark.index.price", {
                "markPrice": figures.mark_price, "indexPrice": figures.index_price, "granularity": 1_000,
                "timestamp": figures.time_ms,
            })  # fmt: skip
        if "funding" in updated and figures.rate_pct is not None:
            yield _instrument(contract, "funding.rate", {
                "granularity": 60_000, "fundingRate": figures.rate_pct / 100.0, "timestamp": figures.time_ms,
            })  # fmt: skip


def _instrument(contract: MarketContract, subject: str, data: Row) -> tuple[str, Row]:
    topic = f"{INSTRUMENT}{contract.id}"
    return topic, {"topic": topic, "type": "message", "subject": subject, "data": data}


def _answer(data: Any) -> Row:
    return {"code": "200000", "data": data}


DIALECT: Final = KucoinDialect
