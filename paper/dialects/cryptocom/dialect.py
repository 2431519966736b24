"""Crypto.com's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import Figures, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/exchange/v1/public"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
CHANNELS: Final = ("trade", "ticker", "mark", "index", "funding")
PAST: Final = 50
"""Trades of before that a subscription begins with."""
Row = dict[str, Any]


class CryptocomDialect(MarketDataDialect):
    """Amounts in coin, rates of an hour; an index has a name of its own."""

    venue: ClassVar[str] = "cryptocom"
    hosts: ClassVar[tuple[str, ...]] = ("api.crypto.com", "stream.crypto.com")
    time_address: ClassVar[str] = f"api.crypto.com{REST}/get-tickers"
    stream_paths: ClassVar[tuple[str, ...]] = ("/exchange/v1/market",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTCUSD-PERP", tick="0.1", lot="0.0001"),
        ListedContract(coin="ETH", id="ETHUSD-PERP", tick="0.01", lot="0.0001"),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/get-instruments": self._listing,
            f"GET {REST}/get-tickers": self._tickers, f"GET {REST}/get-valuations": self._values,
            f"GET {REST}/get-candlestick": self._candles,
        }  # fmt: skip

    def refusal(self, words: str) -> Any:
        return {"id": -1, "method": "ERROR", "code": 40_004, "message": words}

    def _listing(self, request: Request) -> Row:
        del request
        return _answer("get-instruments", [_listed(one) for one in self.contracts])

    def _tickers(self, request: Request) -> Row:
        wanted = request.params.get("instrument_name")
        found = self.contracts if wanted is None else [self.contract(wanted)]
        return _answer("get-tickers", [_ticker(one, one.now, self.hub.now_ms) for one in found])

    def _values(self, request: Request) -> Row:
        """Newest first."""
        one, kind = self.contract(request.params.get("instrument_name")), request.params.get("valuation_type")
        if kind == "funding_hist":
            found = paid_funding(one, number(request.params, "start_ts"), number(request.params, "end_ts"))
            rows = [{"v": ratio(rate.value), "t": rate.time_ms} for rate in reversed(found)]
        else:
            value = ratio(one.now.rate_pct) if kind == "funding_rate" else text(one.now.mark_price)
            rows = [{"v": value, "t": self.hub.now_ms}] if value else []
        return _answer("get-valuations", rows[: number(request.params, "count", 25)], one)

    def _candles(self, request: Request) -> Row:
        """The newest of what was requested, oldest first."""
        one = self.contract(request.params.get("instrument_name"))
        span_ms = SPAN_MS.get(request.params.get("timeframe", "1m"), 60_000)
        count = number(request.params, "count", 25) or 25
        found = candles(one, span_ms, number(request.params, "start_ts"), number(request.params, "end_ts"), 10_000)
        rows = [
            {
                "o": text(candle.open), "h": text(candle.high), "l": text(candle.low), "c": text(candle.close),
                "v": plain(one.amount(candle.volume_usd, candle.close)), "t": candle.open_ms,
            }
            for candle in found[-count:]
        ]  # fmt: skip
        return _answer("get-candlestick", rows, one)

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        if not isinstance(message, dict) or message.get("method") not in ("subscribe", "unsubscribe"):
            return False
        topics = (message.get("params") or {}).get("channels")
        if not isinstance(topics, list) or not all(self._known(str(topic)) for topic in topics):
            return False
        socket.send_json({"id": message.get("id", -1), "method": message["method"], "code": 0})
        for topic in topics:
            if message["method"] == "unsubscribe":
                socket.topics.pop(topic, None)
                continue
            self.subscribe(socket, topic)
            one = self.by_id.get(topic.removeprefix("trade."))
            if one is not None:
                socket.send_json(_message("trade", one.id, _trades(one, list(one.ticker.prints)[-PAST:])))
        return True

    def _known(self, topic: str) -> bool:
        channel, _, name = topic.partition(".")
        ours = f"{name.removesuffix('-INDEX')}-PERP" if channel == "index" else name
        return channel in CHANNELS and ours in self.by_id

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        yield f"trade.{contract.id}", _message("trade", contract.id, _trades(contract, prints))

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        now = contract.figures
        index = f"{contract.id.removesuffix('-PERP')}-INDEX"
        values = {
            ("index", index): text(now.index_price) if "mark" in updated else "",
            ("mark", contract.id): text(now.mark_price) if "mark" in updated else "",
            ("funding", contract.id): ratio(now.rate_pct) if "funding" in updated else "",
        }
        for (channel, name), value in values.items():
            if value:
                yield f"{channel}.{name}", _message(channel, name, [{"v": value, "t": now.time_ms}])
        if "open_interest" in updated:
            yield f"ticker.{contract.id}", _message("ticker", contract.id, [_ticker(contract, now, now.time_ms)])


def _trades(contract: MarketContract, prints: Sequence[TradePrint]) -> list[Row]:
    """Newest first."""
    return [
        {
            "d": str(one.number), "t": one.time_ms, "p": plain(one.price), "q": plain(contract.traded(one)),
            "s": "BUY" if one.taker_buys else "SELL", "i": contract.id,
        }
        for one in reversed(prints)
    ]  # fmt: skip


def _ticker(contract: MarketContract, figures: Figures, time_ms: int) -> Row:
    """Without open interest while it is not known: a zero would be a figure."""
    counted = contract.counted(figures)
    row = {"i": contract.id, "a": text(figures.last_price) or None, "t": time_ms}
    return {**row, "oi": counted} if counted else row


def _message(channel: str, name: str, rows: list[Row]) -> Row:
    return {
        "id": -1, "method": "subscribe", "code": 0,
        "result": {"instrument_name": name, "subscription": f"{channel}.{name}", "channel": channel, "data": rows},
    }  # fmt: skip


def _listed(one: MarketContract) -> Row:
    return {
        "symbol": one.id, "inst_type": "PERPETUAL_SWAP", "display_name": f"{one.coin}USD Perpetual",
        "base_ccy": one.coin, "quote_ccy": "USD", "quote_decimals": 2, "quantity_decimals": 4,
        "price_tick_size": one.listed.tick, "qty_tick_size": one.listed.lot, "max_leverage": "50", "tradable": True,
        "expiry_timestamp_ms": 0, "beta_product": False, "underlying_symbol": f"{one.coin}USD-INDEX",
        "contract_size": "1", "margin_buy_enabled": False, "margin_sell_enabled": False,
    }


def _answer(method: str, rows: list[Row], one: MarketContract | None = None) -> Row:
    named = {} if one is None else {"instrument_name": one.id}
    return {"id": -1, "method": f"public/{method}", "code": 0, "result": {"data": rows, **named}}


DIALECT: Final = CryptocomDialect
