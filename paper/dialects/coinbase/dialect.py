"""Coinbase US (Advanced Trade: REST v3 and its websocket), perpetual-style futures, market data only."""

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v3/brokerage/market/products"
CHANNELS: Final = ("market_trades", "ticker_batch")
_BAR_MS: Final = 300_000
_CANDLES_MAX: Final = 350
_HOUR_MS: Final = 3_600_000
Row = dict[str, Any]


class CoinbaseDialect(MarketDataDialect):
    """Sizes are in contracts; the side of a trade is the maker's. It tells no mark: bid and ask lie around ours."""

    venue: ClassVar[str] = "coinbase"
    hosts: ClassVar[tuple[str, ...]] = ("api.coinbase.com", "advanced-trade-ws.coinbase.com")
    time_address: ClassVar[str] = f"api.coinbase.com{REST}"
    stream_paths: ClassVar[tuple[str, ...]] = ("/",)
    publishes_settlements: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BIP-20DEC30-CDE", tick="5", size="0.01"),
        ListedContract(coin="ETH", id="ETP-20DEC30-CDE", tick="0.5", size="0.1"),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {f"GET {REST}": self._products}
        for one in self.contracts:
            found[f"GET {REST}/{one.id}/candles"] = functools.partial(self._candles, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"error": "INVALID_ARGUMENT", "error_details": words, "message": words}

    def _products(self, request: Request) -> Row:
        """Spot products are not served: there are none."""
        wanted = request.params.get("product_ids")
        futures = [self.contract(wanted)] if wanted else self.contracts
        rows = [self._product(one) for one in futures] if request.params.get("product_type") == "FUTURE" else []
        return {"products": rows, "num_products": len(rows)}

    def _product(self, one: MarketContract) -> Row:
        now, due_ms = one.now, self.hub.now_ms // _HOUR_MS * _HOUR_MS
        return {
            "product_id": one.id, "product_type": "FUTURE", "product_venue": "FCM", "quote_currency_id": "USD",
            "base_currency_id": "", "base_increment": "1", "quote_increment": "0.01", "base_min_size": "1",
            "price_increment": one.listed.tick, "base_max_size": "5000", "display_name": f"{one.coin} PERP",
            "is_disabled": False, "trading_disabled": False, "alias": "", "alias_to": [],
            "price": text(now.last_price), "mid_market_price": text(now.mark_price),
            "future_product_details": {
                "venue": "cde", "contract_code": one.id[:3], "contract_expiry": "2030-12-20T16:00:00Z",
                "contract_size": one.listed.size, "contract_root_unit": one.coin, "contract_expiry_type": "EXPIRING",
                "funding_interval": f"{round(now.interval_h * 3_600)}s", "funding_rate": ratio(now.rate_pct),
                "funding_time": _iso(due_ms), "open_interest": one.counted(now), "index_price": text(now.index_price),
            },
        }  # fmt: skip

    def _candles(self, one: MarketContract, request: Request) -> Row:
        """Newest first."""
        since_s, until_s = number(request.params, "start") or 0, number(request.params, "end") or 0
        rows = candles(one, _BAR_MS, since_s * 1_000, until_s * 1_000, _CANDLES_MAX)
        return {
            "candles": [
                {
                    "start": str(row.open_ms // 1_000), "open": plain(row.open), "high": plain(row.high),
                    "low": plain(row.low), "close": plain(row.close),
                    "volume": plain(one.amount(row.volume_usd, row.close)),
                }
                for row in reversed(rows)
            ]
        }  # fmt: skip

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        kind, channel = (message.get(name) for name in ("type", "channel")) if isinstance(message, dict) else ("", "")
        if kind not in ("subscribe", "unsubscribe") or channel not in (*CHANNELS, "heartbeats"):
            return False
        names = [str(name) for name in message.get("product_ids") or ()]
        for name in names:
            if kind == "subscribe":
                self.subscribe(socket, f"{channel} {name}")
            else:
                socket.topics.pop(f"{channel} {name}", None)
        now_ms = self.hub.server_ms()
        socket.send_json(_frame("subscriptions", now_ms, [{"subscriptions": {channel: names or ["heartbeats"]}}]))
        if channel == "heartbeats":
            beat = {"current_time": _iso(now_ms), "heartbeat_counter": 1}
            socket.send_json(_frame(channel, now_ms, [beat]))
        return all(name in self.by_id for name in names)

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        """Newest first."""
        rows = [
            {
                "trade_id": str(one.number), "product_id": contract.id, "price": plain(one.price),
                "size": plain(contract.traded(one)), "side": "SELL" if one.taker_buys else "BUY",
                "time": _iso(one.time_ms),
            }
            for one in reversed(prints)
        ]  # fmt: skip
        yield f"market_trades {contract.id}", _frame(
            "market_trades", prints[0].time_ms, [{"type": "update", "trades": rows}]
        )

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        figures = contract.figures
        if "mark" not in updated or figures.mark_price is None:
            return
        half = float(contract.listed.tick) / 2.0
        row = {
            "type": "ticker", "product_id": contract.id, "price": text(figures.last_price),
            "best_bid": plain(figures.mark_price - half), "best_ask": plain(figures.mark_price + half),
            "best_bid_quantity": "10", "best_ask_quantity": "10",
        }  # fmt: skip
        yield f"ticker_batch {contract.id}", _frame(
            "ticker_batch", figures.time_ms, [{"type": "update", "tickers": [row]}]
        )


def _frame(channel: str, time_ms: int, events: list[Row]) -> Row:
    return {"channel": channel, "client_id": "", "timestamp": _iso(time_ms), "sequence_num": 0, "events": events}


def _iso(time_ms: int) -> str:
    moment = dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


DIALECT: Final = CoinbaseDialect
