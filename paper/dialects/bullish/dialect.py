"""Bullish's perpetuals, market data only."""

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/trading-api/v1"
TICK: Final = "/trading-api/v1/market-data/tick/"
TRADES: Final = "/trading-api/v1/market-data/trades"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
Row = dict[str, Any]


class BullishDialect(MarketDataDialect):
    """Ticks come on an address for each market, trades are subscribed to; rates of ticks are percent."""

    venue: ClassVar[str] = "bullish"
    hosts: ClassVar[tuple[str, ...]] = ("api.exchange.bullish.com",)
    time_address: ClassVar[str] = "api.exchange.bullish.com/trading-api/v1/markets"
    stream_paths: ClassVar[tuple[str, ...]] = (TRADES, f"{TICK}BTC-USDC-PERP", f"{TICK}ETH-USDC-PERP")
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC-USDC-PERP", tick="0.1", lot="0.00000001"),
        ListedContract(coin="ETH", id="ETH-USDC-PERP", tick="0.01", lot="0.00000001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {f"GET {REST}/markets": self._markets, f"GET {REST}/assets": self._assets}
        for one in self.contracts:
            found[f"GET {REST}/index-prices/{one.coin}"] = functools.partial(self._index, one)
            found[f"GET {REST}/markets/{one.id}/candle"] = functools.partial(self._candles, one)
            found[f"GET {REST}/history/markets/{one.id}/funding-rate"] = functools.partial(self._paid, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"message": words, "errorCode": 21_000, "errorCodeName": "INVALID_MARKET_SYMBOL"}

    def _markets(self, request: Request) -> list[Row]:
        del request
        return [
            {
                "marketId": str(number), "symbol": one.id, "quoteAssetId": "5", "baseAssetId": "1",
                "quoteSymbol": "USDC", "baseSymbol": one.coin, "quotePrecision": "4", "basePrecision": "8",
                "pricePrecision": "4", "quantityPrecision": "8", "costPrecision": "4", "tickSize": one.listed.tick,
                "minQuantityLimit": one.listed.lot, "maxQuantityLimit": "200.00000000", "marketEnabled": True,
                "spotTradingEnabled": True, "createOrderEnabled": True, "marketType": "PERPETUAL",
                "contractMultiplier": "1", "settlementAssetSymbol": "USDC", "underlyingQuoteSymbol": "USDC",
                "underlyingBaseSymbol": one.coin, "feeGroupId": "4", "expiryDatetime": None,
            }
            for number, one in enumerate(self.contracts)
        ]  # fmt: skip

    def _assets(self, request: Request) -> list[Row]:
        del request
        names = ["USDC", *dict.fromkeys(one.coin for one in self.contracts)]
        return [{"assetId": str(number), "symbol": name, "name": name, "precision": "8"}
                for number, name in enumerate(names)]

    def _index(self, one: MarketContract, request: Request) -> Row:
        del request
        return {"assetSymbol": one.coin, "price": text(one.now.index_price),
                "updatedAtDatetime": _iso(self.hub.now_ms), "updatedAtTimestamp": str(self.hub.now_ms)}

    def _candles(self, one: MarketContract, request: Request) -> list[Row]:
        span_ms = SPAN_MS.get(request.params.get("timeBucket", ""))
        since_ms, until_ms = _bounds(request, "createdAtDatetime")
        if span_ms is None or since_ms is None or until_ms is None:
            raise RequestRefused(self.refusal("timeBucket or createdAtDatetime"))
        return [
            {
                "open": plain(candle.open), "high": plain(candle.high), "low": plain(candle.low),
                "close": plain(candle.close), "volume": plain(one.amount(candle.volume_usd, candle.close)),
                "createdAtTimestamp": str(candle.open_ms), "createdAtDatetime": _iso(candle.open_ms),
                "publishedAtTimestamp": str(candle.open_ms + span_ms),
            }
            for candle in candles(one, span_ms, since_ms, until_ms, 100)
        ]  # fmt: skip

    def _paid(self, one: MarketContract, request: Request) -> list[Row]:
        """A millisecond before the hour's end, in fractions."""
        found = paid_funding(one, *_bounds(request, "updatedAtDatetime"))
        return [{"fundingRate": ratio(rate.value), "updatedAtDatetime": _iso(rate.time_ms - 1)}
                for rate in reversed(found)]

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        if socket.path == TRADES:
            return True
        one = self.by_id.get(socket.path.removeprefix(TICK))
        if one is not None:
            self.subscribe(socket, f"tick {one.id}")
            socket.send_json(_tick(one, self.hub.now_ms, "snapshot"))
        return one is not None

    def receive(self, socket: Socket, message: Any) -> bool:
        """The unified client sends an empty message to an address of ticks."""
        request = message if isinstance(message, dict) else {}
        wanted = request.get("params") or {}
        if request.get("method") == "keepalivePing":
            # Without it the unified client takes the connection for dead after its second question.
            socket.send_json({"jsonrpc": "2.0", "id": request.get("id"), "result": {
                "responseCodeName": "OK", "responseCode": "200", "message": "Keep alive pong",
            }})  # fmt: skip
        if not request or request.get("method") == "keepalivePing":
            return True
        one = self.by_id.get(str(wanted.get("symbol")))
        if request.get("method") != "subscribe" or wanted.get("topic") != "anonymousTrades" or one is None:
            return False
        socket.send_json({"jsonrpc": "2.0", "id": request.get("id"), "result": {
            "responseCodeName": "OK", "responseCode": "200",
            "message": f"Successfully subscribed (anonymousTrades {one.id})",
        }})  # fmt: skip
        before = [_trade(one, print_) for print_ in list(one.ticker.prints)[-100:]]
        socket.send_json(_frame("snapshot", "V1TAAnonymousTradeUpdate", {"symbol": one.id, "trades": before}))
        self.subscribe(socket, f"trades {one.id}")
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [_trade(contract, one) for one in prints]
        yield f"trades {contract.id}", _frame(
            "update", "V1TAAnonymousTradeUpdate", {"symbol": contract.id, "trades": rows}
        )

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        yield f"tick {contract.id}", _tick(contract, contract.figures.time_ms, "update")


def _trade(one: MarketContract, print_: TradePrint) -> Row:
    """Every other one is named by the order that was taken."""
    taker = print_.number % 2 == 0
    return {
        "tradeId": str(print_.number), "isTaker": taker, "price": plain(print_.price), "symbol": one.id,
        "quantity": plain(one.traded(print_)), "side": "BUY" if print_.taker_buys is taker else "SELL",
        "createdAtTimestamp": str(print_.time_ms), "createdAtDatetime": _iso(print_.time_ms),
        "publishedAtTimestamp": str(print_.time_ms),
    }  # fmt: skip


def _tick(one: MarketContract, time_ms: int, kind: str) -> Row:
    """Open interest counts long and short positions."""
    figures = one.figures
    counted = one.counted(figures)
    return _frame(kind, "V1TATickerResponse", {
        "symbol": one.id, "type": "ticker", "createdAtDatetime": _iso(time_ms), "createdAtTimestamp": str(time_ms),
        "markPrice": text(figures.mark_price), "openInterest": str(2 * Decimal(counted)) if counted else "",
        "fundingRate": "" if figures.rate_pct is None else plain(figures.rate_pct),
    })  # fmt: skip


def _frame(kind: str, data_type: str, data: Row) -> Row:
    return {"type": kind, "dataType": data_type, "data": data}


def _bounds(request: Request, field: str) -> tuple[int | None, int | None]:
    since, until = (request.params.get(f"{field}[{end}]") for end in ("gte", "lte"))
    return (None if since is None else _ms(since), None if until is None else _ms(until))


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1_000)


DIALECT: Final = BullishDialect
