"""Deribit (JSON-RPC v2 over HTTP and websocket), market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import Figures, ForcedPrint, ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint

REST: Final = "/api/v2/public"
INTERVAL: Final = "100ms"
CHANNELS: Final = ("trades", "ticker")
_CANDLES_MAX: Final = 5_000
_FORCED_SEQ: Final = 10**9
Row = dict[str, Any]


class DeribitDialect(MarketDataDialect):
    """Amounts are dollars of an inverse contract, coins of a linear one; forced orders are trades."""

    venue: ClassVar[str] = "deribit"
    hosts: ClassVar[tuple[str, ...]] = ("www.deribit.com",)
    time_address: ClassVar[str] = f"www.deribit.com{REST}/get_instruments"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws/api/v2",)
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC_USDC-PERPETUAL", tick="0.5", lot="0.001"),
        ListedContract(coin="ETH", id="ETH_USDC-PERPETUAL", tick="0.05", lot="0.01"),
        ListedContract(coin="BTC", id="BTC-PERPETUAL", tick="0.5", lot="10", contract="coin", inverse=True),
        ListedContract(coin="ETH", id="ETH-PERPETUAL", tick="0.05", lot="1", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/get_instruments": self._instruments,
            f"GET {REST}/ticker": self._ticker_of,
            f"GET {REST}/get_tradingview_chart_data": self._chart,
            f"GET {REST}/get_funding_rate_history": self._paid,
            f"GET {REST}/status": lambda _: self._result({"locked": "false", "locked_indices": []}),
        }

    def refusal(self, words: str) -> Any:
        error = {"code": -32602, "message": "Invalid params", "data": {"reason": words}}
        return {"jsonrpc": "2.0", "error": error, "testnet": False}

    def _result(self, result: Any) -> Row:
        now_us = self.hub.server_ms() * 1_000
        return {"jsonrpc": "2.0", "result": result, "usIn": now_us, "usOut": now_us + 9, "usDiff": 9, "testnet": False}

    def _contract_of(self, request: Request) -> MarketContract:
        return self.contract(request.params.get("instrument_name"))

    def _instruments(self, request: Request) -> Row:
        kind = request.params.get("kind", "future")
        return self._result([self._instrument(one) for one in self.contracts if kind == "future"])

    def _instrument(self, one: MarketContract) -> Row:
        return {
            "instrument_name": one.id, "kind": "future", "is_active": True, "settlement_period": "perpetual",
            "base_currency": one.coin, "counter_currency": "USD" if one.inverse else "USDC",
            "quote_currency": "USD" if one.inverse else "USDC", "contract_size": float(one.lot),
            "settlement_currency": one.coin if one.inverse else "USDC", "min_trade_amount": float(one.lot),
            "tick_size": float(one.listed.tick), "max_leverage": 50, "maker_commission": 0.0,
            "taker_commission": 0.0005, "expiration_timestamp": 32_503_708_800_000,
            "instrument_type": "reversed" if one.inverse else "linear",
        }  # fmt: skip

    def _ticker_of(self, request: Request) -> Row:
        one = self._contract_of(request)
        return self._result(self._ticker(one, one.now, one.now.time_ms))

    def _ticker(self, one: MarketContract, figures: Figures, time_ms: int) -> Row:
        counted, rate = one.counted(figures), figures.rate_pct
        row = {
            "instrument_name": one.id, "timestamp": time_ms, "state": "open", "last_price": figures.last_price,
            "mark_price": figures.mark_price, "index_price": figures.index_price,
            "open_interest": float(counted) if counted else None,
            "current_funding": None if rate is None else rate / 100.0, "funding_8h": 0.0,
        }  # fmt: skip
        return {name: value for name, value in row.items() if value is not None}

    def _chart(self, request: Request) -> Row:
        one, minutes = self._contract_of(request), number(request.params, "resolution", 1) or 1
        since_ms, until_ms = number(request.params, "start_timestamp"), number(request.params, "end_timestamp")
        rows = candles(one, minutes * 60_000, since_ms, until_ms, _CANDLES_MAX)
        columns = {
            "ticks": [row.open_ms for row in rows], "open": [row.open for row in rows],
            "high": [row.high for row in rows], "low": [row.low for row in rows],
            "close": [row.close for row in rows], "cost": [row.volume_usd for row in rows],
            "volume": [row.volume_usd / row.close for row in rows],
        }  # fmt: skip
        return self._result({**columns, "status": "ok"})

    def _paid(self, request: Request) -> Row:
        """What was settled is published as what was paid over the hour before it."""
        one = self._contract_of(request)
        since_ms, until_ms = number(request.params, "start_timestamp"), number(request.params, "end_timestamp")
        rows = [
            {"timestamp": rate.time_ms, "interest_1h": rate.value / 100.0, "interest_8h": rate.value / 100.0}
            for rate in paid_funding(one, since_ms, until_ms)
        ]
        return self._result(rows)

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        method = message.get("method") if isinstance(message, dict) else None
        if method == "public/test":
            socket.send_json({"jsonrpc": "2.0", "id": message.get("id"), "result": {"version": "1.2.26"}})
            return True
        if method not in ("public/subscribe", "public/unsubscribe"):
            return False
        channels = [str(channel) for channel in (message.get("params") or {}).get("channels") or ()]
        known = [channel for channel in channels if self._known(channel)]
        socket.send_json({"jsonrpc": "2.0", "id": message.get("id"), "result": known, "testnet": False})
        for channel in known:
            if method == "public/subscribe":
                self.subscribe(socket, channel)
            else:
                socket.topics.pop(channel, None)
        return len(known) == len(channels)

    def _known(self, channel: str) -> bool:
        kind, _, rest = channel.partition(".")
        name, _, interval = rest.rpartition(".")
        return kind in CHANNELS and interval == INTERVAL and name in self.by_id

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [
            self._trade(contract, one.number, one.time_ms, contract.traded(one), one.price, bought=one.taker_buys)
            for one in prints
        ]
        yield _notification(f"trades.{contract.id}.{INTERVAL}", rows)

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        """The taker was liquidated: a long is closed by a sale."""
        number_ = _FORCED_SEQ + order.time_ms % _FORCED_SEQ
        bought = order.side is Side.SHORT
        row = self._trade(contract, number_, order.time_ms, order.amount_units, order.price, bought=bought)
        yield _notification(f"trades.{contract.id}.{INTERVAL}", [row | {"liquidation": "T"}])

    def _trade(
        self, contract: MarketContract, number_: int, time_ms: int, amount: Any, price: float, *, bought: bool
    ) -> Row:
        mark = contract.figures.mark_price or price
        return {
            "trade_seq": number_, "trade_id": str(number_), "timestamp": time_ms, "instrument_name": contract.id,
            "direction": "buy" if bought else "sell", "price": price, "amount": float(amount), "tick_direction": 0,
            "contracts": float(amount / contract.lot), "mark_price": mark, "index_price": mark,
        }  # fmt: skip

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        figures = contract.figures
        yield _notification(f"ticker.{contract.id}.{INTERVAL}", self._ticker(contract, figures, figures.time_ms))


def _notification(channel: str, data: Any) -> tuple[str, Row]:
    return channel, {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}


DIALECT: Final = DeribitDialect
