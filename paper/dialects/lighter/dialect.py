"""Lighter's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.hub import Hub
from paper.dialects.lighter.accounts import PublicAccounts
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v1"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
_PLACES: Final = {"BTC": (5, 1), "ETH": (4, 2)}
"""Of sizes and prices."""
Row = dict[str, Any]


class LighterDialect(MarketDataDialect):
    """Markets go by number; forced orders are trades beside the trades; rates are in percent an hour."""

    venue: ClassVar[str] = "lighter"
    hosts: ClassVar[tuple[str, ...]] = ("mainnet.zklighter.elliot.ai",)
    time_address: ClassVar[str] = "mainnet.zklighter.elliot.ai/api/v1/orderBookDetails"
    stream_paths: ClassVar[tuple[str, ...]] = ("/stream",)
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="ETH", id="0", tick="0.01", lot="0.0001"),
        ListedContract(coin="BTC", id="1", tick="0.1", lot="0.00001"),
    )

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.accounts = PublicAccounts(hub, lambda: self.contracts)

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/account": lambda request: self.accounts.state(request.params.get("value")),
            f"GET {REST}/orderBookDetails": self._details, f"GET {REST}/candles": self._candles,
            f"GET {REST}/fundings": self._fundings,
        }

    def refusal(self, words: str) -> Any:
        return {"code": 20_001, "message": words}

    def _details(self, request: Request) -> Row:
        name = request.params.get("market_id")
        chosen = [self.contract(name)] if name else self.contracts
        return {"code": 200, "order_book_details": [self._detail(one) for one in chosen],
                "spot_order_book_details": []}

    def _detail(self, one: MarketContract) -> Row:
        tier = mechanics_of(one.venue_key, one.coin).table.tiers[0]
        size_places, price_places = _PLACES[one.coin]
        return {
            "symbol": one.coin, "market_id": int(one.id), "market_type": "perp", "status": "active",
            "taker_fee": "0.0000", "maker_fee": "0.0000", "liquidation_fee": "1.0000",
            "min_base_amount": one.listed.lot, "min_quote_amount": "10.000000",
            "order_quote_limit": "281474976.710655",
            "size_decimals": size_places, "price_decimals": price_places, "quote_multiplier": 1,
            "min_initial_margin_fraction": round(10_000 / tier.leverage_max),
            "maintenance_margin_fraction": round(100 * tier.maintenance_pct), "closeout_margin_fraction": 80,
            "open_interest": float(one.counted(one.now) or 0), "last_trade_price": one.now.last_price or 0.0,
        }  # fmt: skip

    def _candles(self, request: Request) -> Row:
        one = self.contract(request.params.get("market_id"))
        span_ms = SPAN_MS[request.params.get("resolution", "5m")]
        since_ms, until_ms = number(request.params, "start_timestamp"), number(request.params, "end_timestamp")
        return {"code": 200, "r": request.params.get("resolution"), "c": [
            {
                "t": candle.open_ms, "o": candle.open, "h": candle.high, "l": candle.low, "c": candle.close,
                "v": float(one.amount(candle.volume_usd, candle.close)), "V": candle.volume_usd, "i": candle.trades,
            }
            for candle in candles(one, span_ms, since_ms, until_ms, 500)
        ]}  # fmt: skip

    def _fundings(self, request: Request) -> Row:
        one = self.contract(request.params.get("market_id"))
        span = number(request.params, "start_timestamp"), number(request.params, "end_timestamp")
        return {"code": 200, "resolution": "1h", "fundings": [
            {
                "timestamp": rate.time_ms // 1_000, "value": "0", "rate": plain(abs(rate.value)),
                "direction": "long" if rate.value >= 0.0 else "short",
            }
            for rate in paid_funding(one, *span)
        ]}  # fmt: skip

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        kind, name = (str(message.get(key, "")) for key in ("type", "channel")) if _is(message) else ("", "")
        if kind in ("ping", "pong"):
            return True
        channel, _, market = name.partition("/")
        one = self.by_id.get(market)
        if kind != "subscribe" or one is None or channel not in ("trade", "market_stats"):
            return False
        self.subscribe(socket, f"{channel}:{market}")
        # Both begin with what was: the trades of before, and the stats as they are.
        if channel == "trade":
            before = [self._trade(one, print_) for print_ in list(one.ticker.prints)[-50:]]
            socket.send_json(_trades(one, before, None, "subscribed"))
        else:
            socket.send_json(self._stats(one, self.hub.now_ms, "subscribed"))
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        yield f"trade:{contract.id}", _trades(contract, [self._trade(contract, one) for one in prints], [], "update")

    def _trade(self, one: MarketContract, print_: TradePrint) -> Row:
        row = _print(one, print_.time_ms, print_.price, plain(one.traded(print_)), bought=print_.taker_buys)
        seller, buyer = self.accounts.sides()
        return row | {"ask_account_id": seller, "bid_account_id": buyer}

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        row = _print(contract, order.time_ms, order.price, plain(order.amount_units), bought=order.side is Side.SHORT)
        yield f"trade:{contract.id}", _trades(contract, [], [row | {"type": "liquidation"}], "update")

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        stats = self._stats(contract, contract.figures.time_ms, "update")
        yield f"market_stats:{contract.id}", stats

    def _stats(self, one: MarketContract, time_ms: int, kind: str) -> Row:
        figures = one.figures
        return {
            "type": f"{kind}/market_stats", "channel": f"market_stats:{one.id}", "timestamp": time_ms,
            "market_stats": {
                "symbol": one.coin, "market_id": int(one.id), "index_price": text(figures.index_price),
                "mark_price": text(figures.mark_price), "open_interest": text(figures.oi_usd),
                "last_trade_price": text(figures.last_price), "current_funding_rate": text(figures.rate_pct),
                "funding_rate": "0.0001", "funding_timestamp": time_ms // 3_600_000 * 3_600_000,
            },
        }  # fmt: skip


def _print(one: MarketContract, time_ms: int, price: float, size: str, *, bought: bool) -> Row:
    return {
        "type": "trade", "market_id": int(one.id), "size": size, "price": plain(price), "is_maker_ask": bought,
        "timestamp": time_ms, "transaction_time": time_ms * 1_000,
    }  # fmt: skip


def _trades(one: MarketContract, rows: list[Row], forced: list[Row] | None, kind: str) -> Row:
    return {"type": f"{kind}/trade", "channel": f"trade:{one.id}", "nonce": 1, "trades": rows,
            "liquidation_trades": forced}


def _is(message: Any) -> bool:
    return isinstance(message, dict)


DIALECT: Final = LighterDialect
