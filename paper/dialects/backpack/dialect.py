"""Backpack's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v1"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
STREAMS: Final = ("trade", "markPrice", "openInterest")
Row = dict[str, Any]


class BackpackDialect(MarketDataDialect):
    """Times of streams are in microseconds. The venue acknowledges no subscription; here an empty answer lets it be
    seen that a stream is there before its first trade."""

    venue: ClassVar[str] = "backpack"
    hosts: ClassVar[tuple[str, ...]] = ("api.backpack.exchange", "ws.backpack.exchange")
    time_address: ClassVar[str] = "api.backpack.exchange/api/v1/markets"
    stream_paths: ClassVar[tuple[str, ...]] = ("/",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC_USDC_PERP", tick="0.1", lot="0.00001"),
        ListedContract(coin="ETH", id="ETH_USDC_PERP", tick="0.01", lot="0.0001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/markets": self._markets, f"GET {REST}/market": self._market,
            f"GET {REST}/securities": self._securities, f"GET {REST}/markPrices": self._marks,
            f"GET {REST}/openInterest": self._interest, f"GET {REST}/klines": self._klines,
            f"GET {REST}/fundingRates": self._paid,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"code": "INVALID_CLIENT_REQUEST", "message": words}

    def _markets(self, request: Request) -> list[Row]:
        del request
        return [_listed(one) for one in self.contracts]

    def _market(self, request: Request) -> Row:
        return _listed(self.contract(request.params.get("symbol")))

    def _securities(self, request: Request) -> list[Row]:
        """Stocks, which the unified client loads with the markets."""
        del request
        return []

    def _marks(self, request: Request) -> list[Row]:
        one = self.contract(request.params.get("symbol"))
        now = one.now
        return [{
            "symbol": one.id, "markPrice": text(now.mark_price), "indexPrice": text(now.index_price),
            "fundingRate": ratio(now.rate_pct), "nextFundingTimestamp": one.ticker.next_funding_ms(self.hub.now_ms),
        }]  # fmt: skip

    def _interest(self, request: Request) -> list[Row]:
        one = self.contract(request.params.get("symbol"))
        return [{"symbol": one.id, "openInterest": one.counted(one.now), "timestamp": self.hub.now_ms}]

    def _klines(self, request: Request) -> list[Row]:
        """Requests are in seconds, answers in UTC without a zone."""
        one = self.contract(request.params.get("symbol"))
        span_ms = SPAN_MS.get(request.params.get("interval", ""))
        since_s, until_s = number(request.params, "startTime"), number(request.params, "endTime")
        if span_ms is None or since_s is None or until_s is None:
            raise RequestRefused(self.refusal("interval, startTime or endTime"))
        return [
            {
                "start": _utc(candle.open_ms, " "), "end": _utc(candle.open_ms + span_ms, " "),
                "open": plain(candle.open), "high": plain(candle.high), "low": plain(candle.low),
                "close": plain(candle.close), "quoteVolume": plain(candle.volume_usd), "trades": str(candle.trades),
                "volume": plain(one.amount(candle.volume_usd, candle.close)),
            }
            for candle in candles(one, span_ms, since_s * 1_000, until_s * 1_000, 1_000)
        ]  # fmt: skip

    def _paid(self, request: Request) -> list[Row]:
        """The newest first, of any time."""
        one = self.contract(request.params.get("symbol"))
        found = list(reversed(paid_funding(one, None, None)))[: number(request.params, "limit", 100)]
        return [{"symbol": one.id, "fundingRate": ratio(rate.value), "intervalEndTimestamp": _utc(rate.time_ms, "T")}
                for rate in found]

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        names = [str(name) for name in request.get("params") or ()]
        if request.get("method") != "SUBSCRIBE" or not all(self._known(name) for name in names):
            return False
        for name in names:
            self.subscribe(socket, name)
            kind, _, market = name.partition(".")
            if kind == "trade":
                socket.send_json({"id": None, "result": None})
            if kind == "markPrice":
                socket.send_json(_mark(self.by_id[market], self.hub.now_ms)[1])
        return True

    def _known(self, name: str) -> bool:
        kind, _, market = name.partition(".")
        return name == "liquidation" or (kind in STREAMS and market in self.by_id)

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        for one in prints:
            yield _wrapped(f"trade.{contract.id}", {
                "e": "trade", "E": one.time_ms * 1_000, "s": contract.id, "p": plain(one.price),
                "q": plain(contract.traded(one)), "b": "1", "a": "2", "t": one.number, "T": one.time_ms * 1_000,
                "m": not one.taker_buys,
            })  # fmt: skip

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        figures = contract.figures
        if updated & {"mark", "funding"}:
            yield _mark(contract, figures.time_ms)
        if "open_interest" in updated:
            yield _wrapped(f"openInterest.{contract.id}", {
                "e": "openInterest", "E": figures.time_ms * 1_000, "s": contract.id, "o": contract.counted(figures),
            })  # fmt: skip

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        time_us = order.time_ms * 1_000
        yield _wrapped("liquidation", {
            "e": "liquidation", "E": time_us, "s": contract.id, "q": plain(order.amount_units),
            "p": plain(order.price), "S": "Ask" if order.side is Side.LONG else "Bid", "T": time_us,
        })  # fmt: skip


def _mark(one: MarketContract, time_ms: int) -> tuple[str, Row]:
    figures = one.figures
    return _wrapped(f"markPrice.{one.id}", {
        "e": "markPrice", "E": time_ms * 1_000, "s": one.id, "p": text(figures.mark_price),
        "i": text(figures.index_price), "f": ratio(figures.rate_pct), "n": one.ticker.next_funding_ms(time_ms),
        "T": time_ms * 1_000,
    })  # fmt: skip


def _wrapped(stream: str, data: Row) -> tuple[str, Row]:
    return stream, {"stream": stream, "data": data}


def _listed(one: MarketContract) -> Row:
    return {
        "symbol": one.id, "baseSymbol": one.coin, "quoteSymbol": "USDC", "marketType": "PERP",
        "fundingInterval": round(one.now.interval_h * 3_600_000), "orderBookState": "Open",
        "createdAt": "2025-01-21T06:34:54.691858",
        "filters": {
            "price": {"tickSize": one.listed.tick, "minPrice": one.listed.tick, "maxPrice": None},
            "quantity": {"stepSize": one.listed.lot, "minQuantity": one.listed.lot, "maxQuantity": None},
        },
    }  # fmt: skip


def _utc(time_ms: int, between: str) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime(f"%Y-%m-%d{between}%H:%M:%S")


DIALECT: Final = BackpackDialect
