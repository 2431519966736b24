"""Kraken Futures (REST v3 and v4, charts v1, websocket v1), market data only."""

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from liqbot.margin.tiers import TierTable
from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import Figures, ForcedPrint, ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/derivatives/api"
FEEDS: Final = ("trade", "ticker")
_BAR_MS: Final = 300_000
_CANDLES_MAX: Final = 2_000
_FORCED_SEQ: Final = 10**9
"""Numbers of forced orders begin here: the market numbers its other trades."""
Row = dict[str, Any]


class KrakenFuturesDialect(MarketDataDialect):
    """Sizes are coins of a linear contract (PF), dollars of an inverse one (PI); forced orders are trades."""

    venue: ClassVar[str] = "krakenfutures"
    hosts: ClassVar[tuple[str, ...]] = ("futures.kraken.com",)
    time_address: ClassVar[str] = f"futures.kraken.com{REST}/v3/instruments"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws/v1",)
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="PF_XBTUSD", tick="1", lot="0.0001"),
        ListedContract(coin="ETH", id="PF_ETHUSD", tick="0.1", lot="0.001"),
        ListedContract(coin="BTC", id="PI_XBTUSD", tick="0.5", contract="coin", inverse=True),
        ListedContract(coin="ETH", id="PI_ETHUSD", tick="0.05", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {
            f"GET {REST}/v3/instruments": self._instruments,
            f"GET {REST}/v3/tickers": self._tickers,
            f"GET {REST}/v4/historicalfundingrates": self._paid,
        }
        for one in self.contracts:
            found[f"GET /api/charts/v1/trade/{one.id}/5m"] = functools.partial(self._candles, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"result": "error", "error": "invalidArgument", "errors": [words], "serverTime": self._now()}

    def _now(self) -> str:
        return _iso(self.hub.now_ms)

    def _answer(self, **content: Any) -> Row:
        return {"result": "success", **content, "serverTime": self._now()}

    def _instruments(self, request: Request) -> Row:
        del request
        return self._answer(instruments=[self._instrument(one) for one in self.contracts])

    def _instrument(self, one: MarketContract) -> Row:
        table: TierTable = mechanics_of(one.venue_key, one.coin).table
        begins = [0.0, *(tier.notional_usd_cap for tier in table.tiers)]
        unit = "contracts" if one.inverse else "numNonContractUnits"
        places = -len(one.listed.lot.partition(".")[2])
        return {
            "symbol": one.id, "type": "futures_inverse" if one.inverse else "flexible_futures",
            "tickSize": float(one.listed.tick), "contractSize": 1, "tradeable": True,
            "contractValueTradePrecision": -places, "maxPositionSize": table.tiers[-1].notional_usd_cap,
            "openingDate": "2018-08-31T00:00:00Z", "base": one.coin, "quote": "USD", "pair": f"{one.coin}:USD",
            "marginLevels": [
                {unit: begin, "initialMargin": 1.0 / tier.leverage_max, "maintenanceMargin": tier.maintenance_pct / 100}
                for begin, tier in zip(begins, table.tiers, strict=False)
            ],
        }  # fmt: skip

    def _tickers(self, request: Request) -> Row:
        del request
        rows = []
        for one in self.contracts:
            now, day = one.now, one.ticker.day(self.hub.now_ms)
            figures = {
                "last": now.last_price, "markPrice": now.mark_price, "indexPrice": now.index_price,
                "openInterest": _counted(one, now), "fundingRate": _in_money(one, now),
            }  # fmt: skip
            known = {name: value for name, value in figures.items() if value is not None}
            rows.append({
                "symbol": one.id, "tag": "perpetual", "pair": f"{one.coin}:USD", "vol24h": day.volume_usd,
                "suspended": False, "postOnly": False, **known,
            })  # fmt: skip
        return self._answer(tickers=rows)

    def _candles(self, one: MarketContract, request: Request) -> Row:
        since_s, until_s = number(request.params, "from"), number(request.params, "to")
        since_ms = None if since_s is None else since_s * 1_000
        until_ms = None if until_s is None else until_s * 1_000
        rows = candles(one, _BAR_MS, since_ms, until_ms, _CANDLES_MAX)
        return {
            "candles": [
                {
                    "time": row.open_ms, "open": plain(row.open), "high": plain(row.high), "low": plain(row.low),
                    "close": plain(row.close), "volume": plain(one.amount(row.volume_usd, row.close)),
                }
                for row in rows
            ],
            "more_candles": False,
        }  # fmt: skip

    def _paid(self, request: Request) -> Row:
        """All there ever was, newest first."""
        one = self.contract(request.params.get("symbol"))
        rates = [
            {"timestamp": _iso(rate.time_ms), "relativeFundingRate": rate.value / 100.0, "fundingRate": rate.value}
            for rate in reversed(paid_funding(one, None, None))
        ]
        return self._answer(rates=rates)

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        known = super().opened(socket)
        if known:
            socket.send_json({"event": "info", "version": 1})
        return known

    def receive(self, socket: Socket, message: Any) -> bool:
        event, feed = (message.get(name) for name in ("event", "feed")) if isinstance(message, dict) else ("", "")
        if event == "ping":
            socket.send_json({"event": "pong"})
            return True
        if event not in ("subscribe", "unsubscribe") or feed not in FEEDS:
            return False
        names = [str(name).upper() for name in message.get("product_ids") or ()]
        for name in names:
            socket.send_json({"event": f"{event}d", "feed": feed, "product_ids": [name]})
            if event == "unsubscribe":
                socket.topics.pop(f"{feed} {name}", None)
                continue
            self.subscribe(socket, f"{feed} {name}")
            if feed == "trade":
                socket.send_json({"feed": "trade_snapshot", "product_id": name, "trades": []})
        return all(name in self.by_id for name in names)

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        for one in prints:
            side = "buy" if one.taker_buys else "sell"
            yield f"trade {contract.id}", _trade(
                contract, one.number, one.time_ms, side, "fill", contract.traded(one), one.price
            )

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        """A long is closed by a sale."""
        side = "sell" if order.side is Side.LONG else "buy"
        yield f"trade {contract.id}", _trade(
            contract, _FORCED_SEQ + order.time_ms % _FORCED_SEQ, order.time_ms, side, "liquidation", order.amount_units,
            order.price,
        )

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        figures = contract.figures
        rate = figures.rate_pct
        row = {
            "time": figures.time_ms, "product_id": contract.id, "feed": "ticker", "last": figures.last_price,
            "index": figures.index_price, "markPrice": figures.mark_price, "openInterest": _counted(contract, figures),
            "funding_rate": _in_money(contract, figures), "relative_funding_rate": None if rate is None else rate / 100,
            "next_funding_rate_time": (figures.time_ms // 3_600_000 + 1) * 3_600_000, "tag": "perpetual",
            "suspended": False, "leverage": "50x", "pair": f"{contract.coin}:USD", "maturityTime": 0,
        }  # fmt: skip
        yield f"ticker {contract.id}", {name: value for name, value in row.items() if value is not None}


def _trade(
    contract: MarketContract, number_: int, time_ms: int, side: str, kind: str, amount: Any, price: float
) -> Row:
    return {
        "feed": "trade", "product_id": contract.id, "uid": f"00000000-0000-4000-8000-{number_:012d}", "side": side,
        "type": kind, "seq": number_, "time": time_ms, "qty": float(amount), "price": price,
    }  # fmt: skip


def _counted(contract: MarketContract, figures: Figures) -> float | None:
    counted = contract.counted(figures)
    return float(counted) if counted else None


def _in_money(contract: MarketContract, figures: Figures) -> float | None:
    """The rate as money per contract: dollars of a linear one, coins of an inverse one."""
    price, rate = figures.index_price or figures.mark_price, figures.rate_pct
    if price is None or rate is None:
        return None
    return rate / 100.0 / price if contract.inverse else rate / 100.0 * price


def _iso(time_ms: int) -> str:
    moment = dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


DIALECT: Final = KrakenFuturesDialect
