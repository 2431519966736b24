"""MEXC's perpetuals, market data only."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import Figures, ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint

REST: Final = "/api/v1/contract"
SPAN_MS: Final = {"Min1": 60_000, "Min5": 300_000, "Min60": 3_600_000}
CHANNELS: Final = ("deal", "ticker", "funding.rate")
COLUMNS: Final = ("time", "open", "close", "high", "low", "vol", "amount")
Row = dict[str, Any]


class MexcDialect(MarketDataDialect):
    """Figures are JSON numbers, volumes whole contracts."""

    venue: ClassVar[str] = "mexc"
    hosts: ClassVar[tuple[str, ...]] = ("api.mexc.com", "contract.mexc.com")
    time_address: ClassVar[str] = "api.mexc.com/api/v1/contract/ping"
    stream_paths: ClassVar[tuple[str, ...]] = ("/edge",)
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC_USDT", tick="0.1", size="0.0001"),
        ListedContract(coin="ETH", id="ETH_USDT", tick="0.01", size="0.01"),
        ListedContract(coin="BTC", id="BTC_USD", tick="0.1", size="100", contract="coin", inverse=True),
        ListedContract(coin="ETH", id="ETH_USD", tick="0.01", size="10", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {
            "GET /api/v3/exchangeInfo": self._spot, f"GET {REST}/ping": self._time, f"GET {REST}/detail": self._detail,
            f"GET {REST}/ticker": self._tickers, f"GET {REST}/funding_rate/history": self._paid,
        }
        for one in self.contracts:
            found[f"GET {REST}/funding_rate/{one.id}"] = functools.partial(self._funding, one)
            found[f"GET {REST}/kline/{one.id}"] = functools.partial(self._candles, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"success": False, "code": 600, "message": words}

    def _spot(self, request: Request) -> Row:
        """It is not spoken here: nothing is listed."""
        del request
        return {"timezone": "CST", "serverTime": self.hub.now_ms, "rateLimits": [], "symbols": []}

    def _time(self, request: Request) -> Row:
        del request
        return _answer(self.hub.now_ms)

    def _detail(self, request: Request) -> Row:
        name = request.params.get("symbol")
        return _answer(_listed(self.contract(name)) if name else [_listed(one) for one in self.contracts])

    def _tickers(self, request: Request) -> Row:
        name = request.params.get("symbol")
        if name:
            return _answer(self._ticker(self.contract(name), self.contract(name).now))
        return _answer([self._ticker(one, one.now) for one in self.contracts])

    def _ticker(self, one: MarketContract, figures: Figures) -> Row:
        """Without what is not published yet: a zero would be a figure."""
        day = one.ticker.day(self.hub.now_ms)
        row: Row = {
            "symbol": one.id, "lastPrice": figures.last_price, "fairPrice": figures.mark_price,
            "indexPrice": figures.index_price, "holdVol": _number(one.counted(figures)),
            "fundingRate": None if figures.rate_pct is None else figures.rate_pct / 100.0,
            "volume24": 0, "amount24": float(day.volume_usd), "lower24Price": float(day.low),
            "high24Price": float(day.high), "timestamp": figures.time_ms or self.hub.now_ms,
        }  # fmt: skip
        return {name: value for name, value in row.items() if value is not None}

    def _funding(self, one: MarketContract, request: Request) -> Row:
        del request
        now = one.now
        return _answer({
            "symbol": one.id, "fundingRate": (now.rate_pct or 0.0) / 100.0, "collectCycle": round(now.interval_h),
            "nextSettleTime": one.ticker.next_funding_ms(self.hub.now_ms), "timestamp": self.hub.now_ms,
        })  # fmt: skip

    def _candles(self, one: MarketContract, request: Request) -> Row:
        span_ms = SPAN_MS.get(request.params.get("interval", "Min1"))
        if span_ms is None:
            raise RequestRefused(self.refusal("interval"))
        columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        for candle in candles(one, span_ms, _ms(request, "start"), _ms(request, "end"), 2_000):
            row = (
                candle.open_ms // 1_000, candle.open, candle.close, candle.high, candle.low,
                float(one.amount(candle.volume_usd, candle.close)), candle.volume_usd,
            )
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
        return _answer(columns)

    def _paid(self, request: Request) -> Row:
        """Newest first, page by page."""
        one = self.contract(request.params.get("symbol"))
        size, page = number(request.params, "page_size", 20) or 20, number(request.params, "page_num", 1) or 1
        rows = [
            {"symbol": one.id, "fundingRate": rate.value / 100.0, "settleTime": rate.time_ms}
            for rate in reversed(paid_funding(one, None, None))
        ]
        head = {"pageSize": size, "totalCount": len(rows), "totalPage": -(-len(rows) // size), "currentPage": page}
        return _answer({**head, "resultList": rows[(page - 1) * size : page * size]})

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        method = message.get("method") if isinstance(message, dict) else None
        now_ms = self.hub.server_ms()
        if method == "ping":
            socket.send_json({"channel": "pong", "data": now_ms})
            return True
        verb, _, channel = str(method).partition(".")
        parameters = message.get("param") if isinstance(message, dict) else None
        name = parameters.get("symbol") if isinstance(parameters, dict) else None
        if verb not in ("sub", "unsub") or channel not in CHANNELS or name not in self.by_id:
            return False
        socket.send_json({"channel": f"rs.{method}", "data": "success", "ts": now_ms})
        if verb == "sub":
            self.subscribe(socket, f"{channel} {name}")
        else:
            socket.topics.pop(f"{channel} {name}", None)
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [
            {
                "p": one.price, "v": int(contract.traded(one)), "T": 1 if one.taker_buys else 2, "O": 3, "M": 2,
                "t": one.time_ms,
            }
            for one in prints
        ]  # fmt: skip
        yield _push("deal", contract, prints[0].time_ms, rows)

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        figures = contract.figures
        yield _push("ticker", contract, figures.time_ms, self._ticker(contract, figures))
        if "funding" in updated and figures.rate_pct is not None:
            row = {"symbol": contract.id, "rate": figures.rate_pct / 100.0}
            yield _push("funding.rate", contract, figures.time_ms, row)


def _ms(request: Request, name: str) -> int | None:
    """The venue counts seconds."""
    given_s = number(request.params, name)
    return None if given_s is None else given_s * 1_000


def _answer(data: Any) -> Row:
    return {"success": True, "code": 0, "data": data}


def _push(channel: str, contract: MarketContract, time_ms: int, data: Any) -> tuple[str, Row]:
    message = {"symbol": contract.id, "data": data, "channel": f"push.{channel}", "ts": time_ms}
    return f"{channel} {contract.id}", message


def _number(text: str) -> float | None:
    return float(text) if text else None


def _listed(one: MarketContract) -> Row:
    listed, table = one.listed, mechanics_of(one.venue_key, one.coin).table
    quote, settle = ("USD", one.coin) if one.inverse else ("USDT", "USDT")
    return {
        "symbol": one.id, "baseCoin": one.coin, "quoteCoin": quote, "settleCoin": settle,
        "contractSize": float(listed.size), "minLeverage": 1, "maxLeverage": int(table.tiers[0].leverage_max),
        "priceScale": 1, "volScale": 0, "priceUnit": float(listed.tick), "volUnit": 1, "minVol": 1, "maxVol": 5_000_000,
        "takerFeeRate": 0.0002, "makerFeeRate": 0.0, "maintenanceMarginRate": 0.004, "initialMarginRate": 0.008,
        "riskBaseVol": 150_000, "riskIncrVol": 150_000, "riskIncrMmr": 0.004, "riskIncrImr": 0.004, "riskLevelLimit": 5,
        "riskLimitType": "BY_VOLUME", "riskLimitMode": "INCREASE", "state": 0, "apiAllowed": True,
    }  # fmt: skip


DIALECT: Final = MexcDialect
