"""Aster's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/fapi/v3"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
STREAMS: Final = ("aggTrade", "markPrice@1s", "forceOrder")
Row = dict[str, Any]


class AsterDialect(MarketDataDialect):
    """Every message is wrapped in the name of its stream."""

    venue: ClassVar[str] = "aster"
    hosts: ClassVar[tuple[str, ...]] = ("fapi.asterdex.com", "sapi.asterdex.com", "fstream.asterdex.com")
    time_address: ClassVar[str] = "fapi.asterdex.com/fapi/v3/time"
    stream_paths: ClassVar[tuple[str, ...]] = ("/stream",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTCUSDT", tick="0.1", lot="0.001"),
        ListedContract(coin="ETH", id="ETHUSDT", tick="0.01", lot="0.001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/time": self._time, "GET /api/v3/exchangeInfo": self._spot,
            f"GET {REST}/exchangeInfo": self._contracts, f"GET {REST}/premiumIndex": self._premium,
            f"GET {REST}/fundingInfo": self._intervals, "GET /fapi/v1/openInterest": self._interest,
            f"GET {REST}/klines": self._klines, f"GET {REST}/fundingRate": self._paid,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"code": -1_121, "msg": words}

    def _time(self, request: Request) -> Row:
        del request
        return {"serverTime": self.hub.now_ms}

    def _spot(self, request: Request) -> Row:
        """The unified client loads its spot markets with the others."""
        del request
        return {"symbols": []}

    def _contracts(self, request: Request) -> Row:
        del request
        return {"timezone": "UTC", "symbols": [
            {
                "symbol": one.id, "pair": one.id, "contractType": "PERPETUAL", "status": "TRADING",
                "baseAsset": one.coin, "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 2,
                "quantityPrecision": 3, "baseAssetPrecision": 8, "quotePrecision": 8, "liquidationFee": "0.010000",
                "filters": [
                    {"filterType": "PRICE_FILTER", "tickSize": one.listed.tick, "minPrice": "1", "maxPrice": "1000000"},
                    {"filterType": "LOT_SIZE", "stepSize": one.listed.lot, "minQty": one.listed.lot, "maxQty": "1000"},
                    {"filterType": "MIN_NOTIONAL", "notional": "5"},
                ],
            }
            for one in self.contracts
        ]}  # fmt: skip

    def _premium(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        now = one.now
        return {
            "symbol": one.id, "markPrice": text(now.mark_price), "indexPrice": text(now.index_price),
            "lastFundingRate": ratio(now.rate_pct), "nextFundingTime": one.ticker.next_funding_ms(self.hub.now_ms),
            "interestRate": "0.0001", "time": self.hub.now_ms,
        }  # fmt: skip

    def _intervals(self, request: Request) -> list[Row]:
        one = self.contract(request.params.get("symbol"))
        return [{"symbol": one.id, "interestRate": "0.0001", "time": self.hub.now_ms,
                 "fundingIntervalHours": round(one.now.interval_h), "fundingFeeCap": 0.03, "fundingFeeFloor": -0.03}]

    def _interest(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        return {"symbol": one.id, "openInterest": one.counted(one.now), "time": self.hub.now_ms}

    def _klines(self, request: Request) -> list[list[Any]]:
        one = self.contract(request.params.get("symbol"))
        span_ms = SPAN_MS.get(request.params.get("interval", ""))
        if span_ms is None:
            raise RequestRefused(self.refusal("Invalid interval."))
        since_ms, until_ms = number(request.params, "startTime"), number(request.params, "endTime")
        limit = number(request.params, "limit", 500) or 500
        return [
            [
                candle.open_ms, plain(candle.open), plain(candle.high), plain(candle.low), plain(candle.close),
                plain(one.amount(candle.volume_usd, candle.close)), candle.open_ms + span_ms - 1,
                plain(candle.volume_usd), candle.trades, plain(one.amount(candle.buy_usd, candle.close)),
                plain(candle.buy_usd), "0",
            ]
            for candle in candles(one, span_ms, since_ms, until_ms, limit)
        ]  # fmt: skip

    def _paid(self, request: Request) -> list[Row]:
        one = self.contract(request.params.get("symbol"))
        span = number(request.params, "startTime"), number(request.params, "endTime")
        return [{"symbol": one.id, "fundingRate": ratio(rate.value), "fundingTime": rate.time_ms}
                for rate in paid_funding(one, *span)]

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        names = [str(name) for name in request.get("params") or ()]
        if request.get("method") != "SUBSCRIBE" or not all(self._known(name) for name in names):
            return False
        socket.send_json({"result": None, "id": request.get("id")})
        for name in names:
            self.subscribe(socket, name)
        return True

    def _known(self, name: str) -> bool:
        contract_id, _, stream = name.partition("@")
        return contract_id.upper() in self.by_id and stream in STREAMS

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        for one in prints:
            yield _wrapped(contract, "aggTrade", {
                "e": "aggTrade", "E": one.time_ms, "s": contract.id, "a": one.number, "p": plain(one.price),
                "q": plain(contract.traded(one)), "f": one.number, "l": one.number, "T": one.time_ms,
                "m": not one.taker_buys,
            })  # fmt: skip

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        figures = contract.figures
        if updated & {"mark", "funding"}:
            yield _wrapped(contract, "markPrice@1s", {
                "e": "markPriceUpdate", "E": figures.time_ms, "s": contract.id, "p": text(figures.mark_price),
                "i": text(figures.index_price), "P": text(figures.index_price), "r": ratio(figures.rate_pct),
                "T": contract.ticker.next_funding_ms(figures.time_ms),
            })  # fmt: skip

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        amount, price = plain(order.amount_units), plain(order.price)
        yield _wrapped(contract, "forceOrder", {"e": "forceOrder", "E": order.time_ms, "o": {
            "s": contract.id, "S": "SELL" if order.side is Side.LONG else "BUY", "o": "LIMIT", "f": "IOC", "q": amount,
            "p": price, "ap": price, "X": "FILLED", "l": amount, "z": amount, "T": order.time_ms,
        }})  # fmt: skip


def _wrapped(contract: MarketContract, stream: str, data: Row) -> tuple[str, Row]:
    name = f"{contract.id.lower()}@{stream}"
    return name, {"stream": name, "data": data}


DIALECT: Final = AsterDialect
