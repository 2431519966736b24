"""Gate's perpetuals (USDT and the inverse BTC one), market data only."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from liqbot.margin.tiers import TierTable
from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import Figures, ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding, past_interest
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/api/v4/futures"
CHANNELS: Final = ("futures.tickers", "futures.trades", "futures.public_liquidates")
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}
Row = dict[str, Any]


class GateDialect(MarketDataDialect):
    """Sizes are in contracts, as texts; their sign is the taker's side, of forced orders that of the position."""

    venue: ClassVar[str] = "gate"
    hosts: ClassVar[tuple[str, ...]] = ("api.gateio.ws", "fx-ws.gateio.ws")
    time_address: ClassVar[str] = "api.gateio.ws/api/v4/futures/usdt/contracts"
    stream_paths: ClassVar[tuple[str, ...]] = ("/v4/ws/usdt", "/v4/ws/btc")
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC_USDT", tick="0.1", size="0.0001"),
        ListedContract(coin="ETH", id="ETH_USDT", tick="0.01", size="0.01"),
        ListedContract(coin="BTC", id="BTC_USD", tick="0.1", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {}
        for settle in ("usdt", "btc"):
            found[f"GET {REST}/{settle}/contracts"] = self._contracts
            for name, answer in (
                ("tickers", self._tickers), ("candlesticks", self._candles), ("contract_stats", self._stats),
                ("funding_rate", self._paid), ("risk_limit_tiers", self._tiers),
            ):
                found[f"GET {REST}/{settle}/{name}"] = answer
        for one in self.contracts:
            found[f"GET {REST}/{_settle(one)}/contracts/{one.id}"] = functools.partial(self._contract_row, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"label": "INVALID_PARAM_VALUE", "message": words}

    def _contracts(self, request: Request) -> list[Row]:
        return [self._contract(one) for one in self.contracts if f"/{_settle(one)}/" in request.path]

    def _contract_row(self, one: MarketContract, request: Request) -> Row:
        del request
        return self._contract(one)

    def _contract(self, one: MarketContract) -> Row:
        now, listed = one.now, one.listed
        return {
            "name": one.id, "type": "inverse" if one.inverse else "direct",
            # The venue writes 0 for its inverse contract of one dollar.
            "quanto_multiplier": "0" if one.inverse else listed.size, "order_price_round": listed.tick,
            "mark_price_round": listed.tick, "order_size_min": 1, "order_size_max": 1_000_000,
            "order_price_deviate": "0.5", "leverage_min": "1", "leverage_max": "100", "in_delisting": False,
            "status": "trading", "funding_interval": round(now.interval_h * 3_600),
            "funding_rate": ratio(now.rate_pct), "last_price": text(now.last_price),
            "mark_price": text(now.mark_price) or "0", "index_price": text(now.index_price),
            "funding_next_apply": one.ticker.next_funding_ms(self.hub.now_ms) // 1_000,
            "position_size": one.counted(now), "create_time": 1_546_300_800,
        }  # fmt: skip

    def _tickers(self, request: Request) -> list[Row]:
        name = request.params.get("contract")
        chosen = [self.contract(name)] if name else self.contracts
        return [self._ticker(one, one.now) for one in chosen]

    def _ticker(self, one: MarketContract, figures: Figures) -> Row:
        day = one.ticker.day(self.hub.now_ms)
        return {
            "contract": one.id, "last": text(figures.last_price), "change_percentage": "0",
            "funding_rate": ratio(figures.rate_pct), "funding_rate_indicative": ratio(figures.rate_pct),
            "mark_price": text(figures.mark_price), "index_price": text(figures.index_price),
            "total_size": one.counted(figures), "volume_24h": "0", "quanto_base_rate": "",
            "volume_24h_quote": plain(day.volume_usd), "volume_24h_settle": plain(day.volume_usd),
            "volume_24h_base": "0", "low_24h": plain(day.low), "high_24h": plain(day.high),
        }  # fmt: skip

    def _candles(self, request: Request) -> list[Row]:
        one, span_ms = self._contract_and_span(request)
        since_ms, until_ms = _span(request)
        found = candles(one, span_ms, since_ms, until_ms, number(request.params, "limit", 2_000) or 2_000)
        return [
            {
                "t": candle.open_ms // 1_000, "v": int(one.amount(candle.volume_usd, candle.close)),
                "o": plain(candle.open), "h": plain(candle.high), "l": plain(candle.low), "c": plain(candle.close),
                "sum": plain(candle.volume_usd),
            }
            for candle in found
        ]  # fmt: skip

    def _stats(self, request: Request) -> list[Row]:
        one, span_ms = self._contract_and_span(request)
        since_ms, until_ms = _span(request)
        rows = [
            {
                "time": past.time_ms // 1_000, "open_interest": int(one.amount(past.oi_usd, past.price)),
                "open_interest_usd": past.oi_usd, "mark_price": past.price,
            }
            for past in past_interest(one, span_ms, since_ms, until_ms, self.hub.now_ms)
        ]  # fmt: skip
        return rows[: number(request.params, "limit", 30)]

    def _paid(self, request: Request) -> list[Row]:
        """Newest first."""
        one = self.contract(request.params.get("contract"))
        found = paid_funding(one, *_span(request))
        rows = [{"t": rate.time_ms // 1_000, "r": ratio(rate.value)} for rate in reversed(found)]
        return rows[: number(request.params, "limit", 100)]

    def _tiers(self, request: Request) -> list[Row]:
        one = self.contract(request.params.get("contract"))
        table: TierTable = mechanics_of(one.venue_key, one.coin).table
        return [
            {
                "tier": place, "risk_limit": plain(tier.notional_usd_cap),
                "maintenance_rate": ratio(tier.maintenance_pct), "leverage_max": plain(tier.leverage_max),
            }
            for place, tier in enumerate(table.tiers, start=1)
        ]  # fmt: skip

    def _contract_and_span(self, request: Request) -> tuple[MarketContract, int]:
        span_ms = SPAN_MS.get(request.params.get("interval", "5m"))
        if span_ms is None:
            raise RequestRefused(self.refusal("interval"))
        return self.contract(request.params.get("contract")), span_ms

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        channel, event = (str(message.get(name, "")) for name in ("channel", "event")) if _is(message) else ("", "")
        now_ms = self.hub.server_ms()
        head = {"time": now_ms // 1_000, "time_ms": now_ms}
        if channel == "futures.ping":
            socket.send_json({**head, "channel": "futures.pong", "event": "", "result": None})
            return True
        if channel not in CHANNELS or event not in ("subscribe", "unsubscribe"):
            return False
        payload = [str(name) for name in message.get("payload") or ()]
        socket.send_json({
            **head, "id": message.get("id"), "channel": channel, "event": event, "payload": payload,
            "result": {"status": "success"},
        })  # fmt: skip
        for name in payload:
            if event == "subscribe":
                self.subscribe(socket, f"{channel} {name}")
            else:
                socket.topics.pop(f"{channel} {name}", None)
        return all(name in self.by_id for name in payload)

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [
            {
                "size": plain(contract.traded(one) * (1 if one.taker_buys else -1)), "id": one.number,
                "create_time": one.time_ms // 1_000, "create_time_ms": one.time_ms, "price": plain(one.price),
                "contract": contract.id,
            }
            for one in prints
        ]  # fmt: skip
        yield _update("futures.trades", contract, prints[0].time_ms, rows)

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        figures = contract.figures
        yield _update("futures.tickers", contract, figures.time_ms, [self._ticker(contract, figures)])

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        size = plain(order.amount_units if order.side is Side.LONG else -order.amount_units)
        row = {"price": order.price, "size": size, "time_ms": order.time_ms, "contract": contract.id}
        yield _update("futures.public_liquidates", contract, order.time_ms, [row])


def _update(channel: str, contract: MarketContract, time_ms: int, rows: list[Row]) -> tuple[str, Row]:
    head = {"time": time_ms // 1_000, "time_ms": time_ms, "channel": channel, "event": "update"}
    return f"{channel} {contract.id}", {**head, "result": rows}


def _is(message: Any) -> bool:
    return isinstance(message, dict)


def _settle(one: MarketContract) -> str:
    return "btc" if one.inverse else "usdt"


def _span(request: Request) -> tuple[int | None, int | None]:
    """In ms; the venue counts seconds."""
    since_s, until_s = number(request.params, "from"), number(request.params, "to")
    return None if since_s is None else since_s * 1_000, None if until_s is None else until_s * 1_000


DIALECT: Final = GateDialect
