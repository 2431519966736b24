"""ApeX's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v3"
SPAN_MS: Final = {"1": 60_000, "5": 300_000, "60": 3_600_000}
TRADES: Final = "recentlyTrade.H."
Row = dict[str, Any]


class ApexDialect(MarketDataDialect):
    """Markets have two names: with a hyphen where they are configured, without one everywhere else."""

    venue: ClassVar[str] = "apex"
    hosts: ClassVar[tuple[str, ...]] = ("omni.apex.exchange", "quote.omni.apex.exchange")
    time_address: ClassVar[str] = "omni.apex.exchange/api/v3/time"
    stream_paths: ClassVar[tuple[str, ...]] = ("/realtime_public",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTCUSDT", tick="0.1", lot="0.001"),
        ListedContract(coin="ETH", id="ETHUSDT", tick="0.01", lot="0.01"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/time": self._time, f"GET {REST}/symbols": self._symbols, f"GET {REST}/ticker": self._ticker,
            f"GET {REST}/klines": self._klines, f"GET {REST}/history-funding": self._paid,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"code": 3, "msg": words}

    def _time(self, request: Request) -> Row:
        del request
        return {"data": {"time": self.hub.now_ms}}

    def _symbols(self, request: Request) -> Row:
        """The smallest order is what the unified client takes for the size of a contract."""
        del request
        return {"data": {
            "spotConfig": {"assets": [], "multiChain": {"chains": []}},
            "contractConfig": {"perpetualContract": [
                {
                    "symbol": f"{one.coin}-USDT", "crossSymbolName": one.id, "symbolDisplayName": one.id,
                    "crossSymbolId": 10, "l2PairId": "50001", "baseTokenId": one.coin, "settleAssetId": "USDT",
                    "enableTrade": True, "enableDisplay": True, "minOrderSize": one.listed.lot, "maxOrderSize": "50",
                    "stepSize": one.listed.lot, "tickSize": one.listed.tick, "displayMinLeverage": "1",
                    "displayMaxLeverage": "100", "initialMarginRate": "0.01", "maintenanceMarginRate": "0.005",
                }
                for one in self.contracts
            ]},
        }}  # fmt: skip

    def _ticker(self, request: Request) -> Row:
        one = self.by_id.get(str(request.params.get("symbol")))
        if one is None:
            return {"data": []}
        now = one.now
        return {"data": [{
            "symbol": one.id, "lastPrice": text(now.last_price), "markPrice": text(now.mark_price),
            "indexPrice": text(now.index_price), "openInterest": one.counted(now), "fundingRate": ratio(now.rate_pct),
            "predictedFundingRate": ratio(now.rate_pct), "nextFundingTime": "10:00:00",
        }]}  # fmt: skip

    def _klines(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        span_ms = SPAN_MS.get(request.params.get("interval", ""))
        since_s, until_s = number(request.params, "start"), number(request.params, "end")
        if span_ms is None or since_s is None or until_s is None:
            raise RequestRefused(self.refusal("interval, start or end"))
        rows = [
            {
                "s": one.id, "i": request.params["interval"], "t": candle.open_ms, "c": plain(candle.close),
                "h": plain(candle.high), "l": plain(candle.low), "o": plain(candle.open),
                "v": plain(one.amount(candle.volume_usd, candle.close)), "tr": plain(candle.volume_usd),
            }
            for candle in candles(one, span_ms, since_s * 1_000, until_s * 1_000, 200)
        ]  # fmt: skip
        return {"data": {one.id: rows} if rows else {}}

    def _paid(self, request: Request) -> Row:
        one = self.contract(str(request.params.get("symbol")).replace("-", ""))
        until_ms = number(request.params, "endTimeExclusive")
        found = paid_funding(one, number(request.params, "beginTimeInclusive"), until_ms and until_ms - 1)
        rows = [
            {"symbol": f"{one.coin}-USDT", "rate": ratio(rate.value), "price": text(one.now.mark_price),
             "fundingTime": rate.time_ms, "fundingTimestamp": rate.time_ms}
            for rate in reversed(found)
        ]
        return {"data": {"historyFunds": rows, "totalSize": len(rows)}}

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        topics = [str(topic) for topic in request.get("args") or ()]
        if request.get("op") == "ping":
            socket.send_json({"success": True, "ret_msg": "pong", "conn_id": "1", "request": request})
            return True
        chosen = [self.by_id.get(topic.removeprefix(TRADES)) for topic in topics if topic.startswith(TRADES)]
        if request.get("op") != "subscribe" or len(chosen) != len(topics) or None in chosen:
            return False
        for one in chosen:
            if one is not None:
                # The snapshot comes before the acknowledgement.
                before = [_trade(one, print_) for print_ in list(one.ticker.prints)[-50:]]
                socket.send_json(_frame(one, before, "snapshot", self.hub.now_ms))
                self.subscribe(socket, f"{TRADES}{one.id}")
        socket.send_json({"success": True, "ret_msg": "", "conn_id": "1", "request": request})
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [_trade(contract, one) for one in reversed(prints)]
        yield f"{TRADES}{contract.id}", _frame(contract, rows, "delta", prints[-1].time_ms)


def _trade(one: MarketContract, print_: TradePrint) -> Row:
    return {"T": print_.time_ms, "s": one.id, "S": "Buy" if print_.taker_buys else "Sell", "p": plain(print_.price),
            "v": plain(one.traded(print_)), "L": "PlusTick", "i": str(print_.number), "BT": False}


def _frame(one: MarketContract, rows: list[Row], kind: str, time_ms: int) -> Row:
    return {"topic": f"{TRADES}{one.id}", "type": kind, "ts": time_ms * 1_000, "cs": 1, "data": rows}


DIALECT: Final = ApexDialect
