"""Extended's perpetuals, market data only."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v1"
TRADES: Final = "/stream.extended.exchange/v1/publicTrades/"
SPAN_MS: Final = {"PT1M": 60_000, "PT5M": 300_000, "PT1H": 3_600_000}
Row = dict[str, Any]


class ExtendedDialect(MarketDataDialect):
    """A stream's path says what it carries: nothing is requested on it."""

    venue: ClassVar[str] = "extended"
    hosts: ClassVar[tuple[str, ...]] = ("api.starknet.extended.exchange",)
    time_address: ClassVar[str] = "api.starknet.extended.exchange/api/v1/info/markets"
    stream_paths: ClassVar[tuple[str, ...]] = (f"{TRADES}BTC-USD", f"{TRADES}ETH-USD")
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC-USD", tick="1", lot="0.00001"),
        ListedContract(coin="ETH", id="ETH-USD", tick="0.1", lot="0.001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {f"GET {REST}/info/markets": self._markets}
        for one in self.contracts:
            found[f"GET {REST}/info/candles/{one.id}/trades"] = functools.partial(self._candles, one)
            found[f"GET {REST}/info/{one.id}/funding"] = functools.partial(self._paid, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"status": "ERROR", "error": {"code": 400, "message": words}}

    def _markets(self, request: Request) -> Row:
        name = request.params.get("market")
        chosen = [self.contract(name)] if name else self.contracts
        return {"status": "OK", "data": [self._market(one) for one in chosen]}

    def _market(self, one: MarketContract) -> Row:
        now = one.now
        return {
            "name": one.id, "type": "PERPETUAL", "assetName": one.coin, "assetPrecision": 5, "active": True,
            "collateralAssetName": "USD", "collateralAssetPrecision": 6, "status": "ACTIVE",
            "marketStats": {
                "markPrice": text(now.mark_price), "indexPrice": text(now.index_price),
                "fundingRate": ratio(now.rate_pct), "openInterest": text(now.oi_usd),
                "openInterestBase": one.counted(now),
                "nextFundingRate": one.ticker.next_funding_ms(self.hub.now_ms),
            },
            "tradingConfig": {
                "minOrderSize": one.listed.lot, "minOrderSizeChange": one.listed.lot,
                "minPriceChange": one.listed.tick, "maxLeverage": "50.00", "maxLimitOrderValue": "15000000",
            },
            "createdAt": 1_752_829_532_673,
        }  # fmt: skip

    def _candles(self, one: MarketContract, request: Request) -> Row:
        """Newest first, up to an end; a beginning cannot be requested."""
        span_ms = SPAN_MS.get(request.params.get("interval", ""))
        if span_ms is None:
            raise RequestRefused(self.refusal("interval"))
        until_ms = number(request.params, "endTime") or self.hub.now_ms
        limit = number(request.params, "limit", 100) or 100
        found = candles(one, span_ms, until_ms - limit * span_ms, until_ms, limit)
        return {"status": "OK", "data": [
            {
                "o": plain(candle.open), "l": plain(candle.low), "h": plain(candle.high), "c": plain(candle.close),
                "v": plain(one.amount(candle.volume_usd, candle.close)), "T": candle.open_ms,
            }
            for candle in reversed(found)
        ]}  # fmt: skip

    def _paid(self, one: MarketContract, request: Request) -> Row:
        found = paid_funding(one, number(request.params, "startTime"), number(request.params, "endTime"))
        rows = [{"m": one.id, "f": ratio(rate.value), "T": rate.time_ms} for rate in reversed(found)]
        return {"status": "OK", "data": rows, "pagination": {"cursor": 1, "count": len(rows)}}

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        """Whether former trades come first is not known: here none do, in a frame of their own."""
        one = self.by_id.get(socket.path.removeprefix(TRADES))
        if one is None:
            return False
        self.subscribe(socket, one.id)
        socket.send_json({"ts": self.hub.now_ms, "data": [], "seq": 1})
        return True

    def receive(self, socket: Socket, message: Any) -> bool:
        del socket, message
        return False

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [
            _trade(contract, one.time_ms, one.price, plain(contract.traded(one)), bought=one.taker_buys)
            | {"i": one.number}
            for one in prints
        ]
        yield contract.id, {"ts": prints[0].time_ms, "data": rows, "seq": prints[-1].number}

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        bought = order.side is Side.SHORT
        row = _trade(contract, order.time_ms, order.price, plain(order.amount_units), bought=bought)
        yield contract.id, {"ts": order.time_ms, "data": [row | {"tT": "LIQUIDATION"}], "seq": 1}


def _trade(one: MarketContract, time_ms: int, price: float, amount: str, *, bought: bool) -> Row:
    return {"m": one.id, "S": "BUY" if bought else "SELL", "tT": "TRADE", "T": time_ms, "p": plain(price), "q": amount,
            "i": time_ms}


DIALECT: Final = ExtendedDialect
