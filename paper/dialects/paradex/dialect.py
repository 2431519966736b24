"""Paradex's perpetuals, market data only: channels leave as binary frames (SBE schema 1)."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.trade_prints import TradePrint

CHANNELS: Final = ("trades", "markets_summary", "funding_data")
VERSION: Final = 1
_NOTHING: Final = -(2**63)
_SUMMARY_FIELDS: Final = 30
"""64-bit fields of a market summary in version 1; those behind the twelfth are of options, and nothing here."""


class ParadexDialect(MarketDataDialect):
    """Requests and their answers are JSON."""

    venue: ClassVar[str] = "paradex"
    hosts: ClassVar[tuple[str, ...]] = ("api.prod.paradex.trade", "ws.api.prod.paradex.trade")
    time_address: ClassVar[str] = "api.prod.paradex.trade/v1/markets"
    stream_paths: ClassVar[tuple[str, ...]] = ("/v1",)
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC-USD-PERP", tick="0.1", lot="0.00001"),
        ListedContract(coin="ETH", id="ETH-USD-PERP", tick="0.01", lot="0.0001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {"GET /v1/markets": self._markets}

    def refusal(self, words: str) -> Any:
        return {"error": "INVALID_REQUEST_PARAMETER", "message": words}

    def _markets(self, request: Request) -> dict[str, Any]:
        del request
        return {"results": [
            {
                "symbol": one.id, "base_currency": one.coin, "quote_currency": "USD", "settlement_currency": "USDC",
                "order_size_increment": one.listed.lot, "price_tick_size": one.listed.tick, "min_notional": "100",
                "asset_kind": "PERP", "open_at": 1_700_000_000_000, "expiry_at": 0,
                "delta1_cross_margin_params": {"imf_base": "0.02", "imf_shift": "0", "imf_factor": "0",
                                               "mmf_factor": "0.5"},
            }
            for one in self.contracts
        ]}  # fmt: skip

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        """Without the schema in its address a connection is refused."""
        socket.pack = bytes
        return super().opened(socket) and "sbeSchemaId=1" in socket.query

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        channel = str((request.get("params") or {}).get("channel", ""))
        kind, _, market = channel.partition(".")
        one = self.by_id.get(market)
        if request.get("method") != "subscribe" or kind not in CHANNELS or one is None:
            return False
        socket.send_json({"jsonrpc": "2.0", "result": {"channel": channel}, "usIn": 1, "usDiff": 1,
                          "id": request.get("id")})
        self.subscribe(socket, channel)
        if kind == "markets_summary":
            socket.send(_summary(one, self.hub.now_ms))
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        for one in prints:
            size = float(contract.traded(one))
            frame = _trade(contract, one.time_ms, one.price, size, 1 if one.taker_buys else 2, 1)
            yield f"trades.{contract.id}", frame

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        """A liquidated long is sold."""
        side = 2 if order.side is Side.LONG else 1
        yield f"trades.{contract.id}", _trade(
            contract, order.time_ms, order.price, float(order.amount_units), side, 2
        )

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        time_ms = contract.figures.time_ms
        if updated & {"mark", "open_interest"}:
            yield f"markets_summary.{contract.id}", _summary(contract, time_ms)
        if "funding" in updated:
            yield f"funding_data.{contract.id}", _funding(contract, time_ms)


def _frame(template: int, block: bytes, market: str) -> bytes:
    return struct.pack("<4H", len(block), template, 1, VERSION) + block + bytes([len(market)]) + market.encode()


def _mantissa(value: float | None) -> int:
    return _NOTHING if value is None else round(value * 1e8)


def _trade(one: MarketContract, time_ms: int, price: float, size: float, side: int, kind: int) -> bytes:
    block = struct.pack("<qqqBqqqB", time_ms * 1_000 + 500, 1, 1, side, _mantissa(price), _mantissa(size),
                        time_ms * 1_000, kind)
    return _frame(1, block, one.id)


def _summary(one: MarketContract, time_ms: int) -> bytes:
    figures = one.figures
    interest = one.counted(figures)
    numbers = (
        _mantissa(figures.mark_price), _mantissa(figures.index_price), _mantissa(figures.last_price), 0,
        _mantissa(float(interest) if interest else None), _mantissa(0.0001), _NOTHING, _NOTHING, 0, 0,
    )  # fmt: skip
    head = (time_ms * 1_000, 0, *numbers)
    return _frame(4, struct.pack("<30q", *head, *(_NOTHING for _ in range(_SUMMARY_FIELDS - len(head)))), one.id)


def _funding(one: MarketContract, time_ms: int) -> bytes:
    """Of the period, and of eight hours."""
    figures = one.figures
    rate = None if figures.rate_pct is None else figures.rate_pct / 100.0
    eight_hours = None if rate is None else rate * 8.0 / figures.interval_h
    block = struct.pack("<qqqqqqqhq", time_ms * 1_000, 1, _mantissa(rate), 0, time_ms * 1_000, 0,
                        _mantissa(eight_hours), round(figures.interval_h), _NOTHING)
    return _frame(5, block, one.id)


DIALECT: Final = ParadexDialect
