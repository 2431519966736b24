"""Pacifica's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v1"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
Row = dict[str, Any]


class PacificaDialect(MarketDataDialect):
    """Prices of all markets are one subscription; forced trades are among the trades."""

    venue: ClassVar[str] = "pacifica"
    hosts: ClassVar[tuple[str, ...]] = ("api.pacifica.fi", "ws.pacifica.fi")
    time_address: ClassVar[str] = "api.pacifica.fi/api/v1/info"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws",)
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC", tick="1", lot="0.00001"),
        ListedContract(coin="ETH", id="ETH", tick="0.1", lot="0.0001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/info": self._markets, f"GET {REST}/kline": self._klines,
            f"GET {REST}/funding_rate/history": self._paid,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"success": False, "data": None, "error": words, "code": 400}

    def _markets(self, request: Request) -> Row:
        del request
        return _answered([
            {
                "symbol": one.id, "tick_size": one.listed.tick, "min_tick": "0", "max_tick": "1000000",
                "lot_size": one.listed.lot, "max_leverage": 50, "isolated_only": False, "min_order_size": "10",
                "max_order_size": "5000000", "funding_rate": ratio(one.now.rate_pct),
                "next_funding_rate": ratio(one.now.rate_pct), "created_at": 1_748_881_333_944,
                "instrument_type": "perpetual", "base_asset": one.coin,
            }
            for one in self.contracts
        ])  # fmt: skip

    def _klines(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        span_ms = SPAN_MS.get(request.params.get("interval", ""))
        since_ms = number(request.params, "start_time")
        until_ms = number(request.params, "end_time") or self.hub.now_ms
        if span_ms is None or since_ms is None:
            raise RequestRefused(self.refusal("interval or start_time"))
        return _answered([
            {
                "t": candle.open_ms, "T": candle.open_ms + span_ms, "s": one.id, "i": request.params["interval"],
                "o": plain(candle.open), "c": plain(candle.close), "h": plain(candle.high), "l": plain(candle.low),
                "v": plain(one.amount(candle.volume_usd, candle.close)), "n": candle.trades,
            }
            for candle in candles(one, span_ms, since_ms, until_ms, 4_000)
        ])  # fmt: skip

    def _paid(self, request: Request) -> Row:
        """The newest first, of any time."""
        one = self.contract(request.params.get("symbol"))
        found = list(reversed(paid_funding(one, None, None)))[: number(request.params, "limit", 200)]
        rows = [{"funding_rate": ratio(rate.value), "next_funding_rate": ratio(rate.value), "created_at": rate.time_ms}
                for rate in found]
        return {**_answered(rows), "next_cursor": None, "has_more": False}

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        if request.get("method") == "ping":
            socket.send_json({"channel": "pong"})
            return True
        wanted = request.get("params") or {}
        source, symbol = wanted.get("source"), wanted.get("symbol")
        known = source == "prices" or (source == "trades" and symbol in self.by_id)
        if request.get("method") != "subscribe" or not known:
            return False
        socket.send_json({"channel": "subscribe", "data": wanted})
        if source == "prices":
            self.subscribe(socket, "prices")
            socket.send_json(_prices(self.contracts, self.hub.now_ms))
        else:
            self.subscribe(socket, f"trades {symbol}")
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        yield f"trades {contract.id}", {"channel": "trades", "data": [
            {
                **_trade(contract, one.time_ms), "a": plain(contract.traded(one)), "p": plain(one.price),
                "d": "open_long" if one.taker_buys else "open_short", "tc": "normal",
            }
            for one in prints
        ]}  # fmt: skip

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        yield "prices", _prices([contract], contract.figures.time_ms)

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        yield f"trades {contract.id}", {"channel": "trades", "data": [{
            **_trade(contract, order.time_ms), "a": plain(order.amount_units), "p": plain(order.price),
            "d": "close_long" if order.side is Side.LONG else "close_short", "tc": "market_liquidation",
        }]}  # fmt: skip


def _answered(rows: list[Row]) -> Row:
    return {"success": True, "data": rows, "error": None, "code": None}


def _trade(one: MarketContract, time_ms: int) -> Row:
    return {"h": 80_062_522, "s": one.id, "t": time_ms, "li": 1_559_885_104, "it": 0}


def _prices(contracts: Sequence[MarketContract], time_ms: int) -> Row:
    return {"channel": "prices", "data": [
        {
            "symbol": one.id, "timestamp": time_ms, "mark": text(one.figures.mark_price),
            "oracle": text(one.figures.index_price), "mid": text(one.figures.mark_price),
            "open_interest": one.counted(one.figures), "funding": ratio(one.figures.rate_pct),
            "next_funding": ratio(one.figures.rate_pct), "volume_24h": "0", "yesterday_price": "0",
        }
        for one in contracts
    ]}  # fmt: skip


DIALECT: Final = PacificaDialect
