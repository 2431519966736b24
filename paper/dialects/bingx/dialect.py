"""BingX's USDT perpetuals, market data only."""

import gzip
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

QUOTE: Final = "/openApi/swap/v2/quote"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
TRADES: Final = "trade"
MARK: Final = "markPrice"
Row = dict[str, Any]


class BingxDialect(MarketDataDialect):
    """Every frame is binary and compressed; amounts are in coin, open interest in USDT; the server pings in words."""

    venue: ClassVar[str] = "bingx"
    hosts: ClassVar[tuple[str, ...]] = ("open-api.bingx.com", "open-api-swap.bingx.com")
    time_address: ClassVar[str] = "open-api.bingx.com/openApi/swap/v2/server/time"
    stream_paths: ClassVar[tuple[str, ...]] = ("/swap-market",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC-USDT", tick="0.1", lot="0.0001"),
        ListedContract(coin="ETH", id="ETH-USDT", tick="0.01", lot="0.01"),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        return {
            "GET /openApi/swap/v2/server/time": lambda _: _answer({"serverTime": self.hub.now_ms}),
            f"GET {QUOTE}/contracts": lambda _: _answer([_listed(one) for one in self.contracts]),
            # Neither is spoken here: nothing is listed.
            "GET /openApi/cswap/v1/market/contracts": lambda _: _answer([]),
            "GET /openApi/spot/v1/common/symbols": lambda _: _answer({"symbols": []}),
            f"GET {QUOTE}/premiumIndex": self._premium, f"GET {QUOTE}/openInterest": self._interest,
            "GET /openApi/swap/v3/quote/klines": self._candles, f"GET {QUOTE}/fundingRate": self._paid,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"code": 109_400, "msg": words, "data": {}}

    def _contract_of(self, request: Request) -> MarketContract:
        return self.contract(request.params.get("symbol"))

    def _premium(self, request: Request) -> Row:
        one = self._contract_of(request)
        now = one.now
        return _answer({
            "symbol": one.id, "markPrice": text(now.mark_price), "indexPrice": text(now.index_price),
            "lastFundingRate": ratio(now.rate_pct), "nextFundingTime": one.ticker.next_funding_ms(self.hub.now_ms),
            "fundingIntervalHours": round(now.interval_h), "updateTime": self.hub.now_ms,
        })  # fmt: skip

    def _interest(self, request: Request) -> Row:
        one = self._contract_of(request)
        return _answer({"symbol": one.id, "openInterest": text(one.now.oi_usd) or "0", "time": self.hub.now_ms})

    def _candles(self, request: Request) -> Row:
        """Newest first."""
        one, span_ms = self._contract_of(request), SPAN_MS.get(request.params.get("interval", "1m"), 60_000)
        limit = number(request.params, "limit", 500) or 500
        found = candles(one, span_ms, number(request.params, "startTime"), number(request.params, "endTime"), limit)
        return _answer([
            {
                "open": plain(candle.open), "close": plain(candle.close), "high": plain(candle.high),
                "low": plain(candle.low), "volume": plain(one.amount(candle.volume_usd, candle.close)),
                "time": candle.open_ms,
            }
            for candle in reversed(found)
        ])  # fmt: skip

    def _paid(self, request: Request) -> Row:
        """Newest first."""
        one = self._contract_of(request)
        found = paid_funding(one, number(request.params, "startTime"), number(request.params, "endTime"))
        return _answer([
            {"symbol": one.id, "fundingRate": ratio(rate.value), "fundingTime": rate.time_ms}
            for rate in reversed(found)
        ])

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        socket.pack = gzip.compress
        if super().opened(socket):
            socket.send("Ping")
            return True
        return False

    def receive(self, socket: Socket, message: Any) -> bool:
        if message == "Pong":
            return True
        topic = str(message.get("dataType", "")) if isinstance(message, dict) else ""
        name, _, kind = topic.partition("@")
        if name not in self.by_id or kind not in (TRADES, MARK) or message.get("reqType") not in ("sub", "unsub"):
            return False
        socket.send_json({"id": message.get("id"), "code": 0, "msg": "", "dataType": "", "data": None})
        if message["reqType"] == "sub":
            self.subscribe(socket, topic)
        else:
            socket.topics.pop(topic, None)
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        """Newest first."""
        rows = [
            {
                "q": plain(contract.traded(one)), "p": plain(one.price), "T": one.time_ms, "m": not one.taker_buys,
                "s": contract.id,
            }
            for one in reversed(prints)
        ]  # fmt: skip
        topic = f"{contract.id}@{TRADES}"
        yield topic, {"code": 0, "dataType": topic, "data": rows}

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        figures, topic = contract.figures, f"{contract.id}@{MARK}"
        if "mark" in updated:
            row = {"e": "markPriceUpdate", "E": figures.time_ms, "s": contract.id, "p": text(figures.mark_price)}
            yield topic, {"code": 0, "dataType": topic, "data": row}


def _answer(data: Any) -> Row:
    return {"code": 0, "msg": "", "data": data}


def _listed(one: MarketContract) -> Row:
    return {
        "contractId": "100", "symbol": one.id, "size": one.listed.lot, "quantityPrecision": 4, "pricePrecision": 1,
        "tickSize": one.listed.tick, "stepSize": one.listed.lot, "feeRate": 0.0005, "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0005, "tradeMinLimit": 0, "tradeMinQuantity": float(one.listed.lot), "tradeMinUSDT": 2,
        "currency": "USDT", "asset": one.coin, "status": 1, "apiStateOpen": "true", "apiStateClose": "true",
    }  # fmt: skip


DIALECT: Final = BingxDialect
