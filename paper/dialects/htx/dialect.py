"""HTX's perpetuals, market data only: requests of two versions, and sockets for trades, prices and notifications."""

import functools
import gzip
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number, paid_funding, past_interest
from paper.dialects.trade_prints import TradePrint, plain

BOTH_SIDES: Final = 2
"""Trades and candles count the buyer and the seller."""
TRADES: Final = "trade.detail"
MARK: Final = "mark_price.1min"
INDEX: Final = "index.1min"
FORCED: Final = "liquidation_orders"
FUNDING: Final = "funding_rate"
PERIODS_MS: Final = {"1min": 60_000, "5min": 300_000, "60min": 3_600_000}
Row = dict[str, Any]


class HtxDialect(MarketDataDialect):
    """Every frame is binary and compressed; the server asks for signs of life."""

    venue: ClassVar[str] = "htx"
    hosts: ClassVar[tuple[str, ...]] = ("api.huobi.pro", "api.hbdm.vn", "api.hbdm.com")
    time_address: ClassVar[str] = "api.hbdm.com/api/v1/timestamp"
    stream_paths: ClassVar[tuple[str, ...]] = (
        "/linear-swap-ws", "/swap-ws", "/ws_index", "/linear-swap-notification", "/swap-notification",
    )  # fmt: skip
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC-USDT", tick="0.1", size="0.001"),
        ListedContract(coin="ETH", id="ETH-USDT", tick="0.01", size="0.01"),
        ListedContract(coin="BTC", id="BTC-USD", tick="0.1", size="100", contract="coin", inverse=True),
        ListedContract(coin="ETH", id="ETH-USD", tick="0.01", size="10", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {
            "GET /api/v1/timestamp": lambda _: {"status": "ok", "ts": self.hub.now_ms},
            "GET /api/v1/contract_contract_info": self._dated,
            "GET /linear-swap-api/v1/swap_contract_info": functools.partial(self._listed, False),
            "GET /swap-api/v1/swap_contract_info": functools.partial(self._listed, True),
            "GET /linear-swap-ex/market/history/kline": self._candles,
            "GET /swap-ex/market/history/kline": self._candles,
            "GET /index/market/history/linear_swap_mark_price_kline": self._mark,
            "GET /index/market/history/swap_mark_price_kline": self._mark,
            "GET /linear-swap-api/v1/swap_his_open_interest": self._past_interest,
            "GET /swap-api/v1/swap_his_open_interest": self._past_interest,
            "GET /v5/market/open_interest": self._interest, "GET /swap-api/v1/swap_open_interest": self._interest,
            "GET /v5/market/funding_rate": self._funding, "GET /swap-api/v1/swap_funding_rate": self._funding,
            "GET /v5/market/funding_rate_history": self._paid,
            "GET /swap-api/v1/swap_historical_funding_rate": self._paid,
        }  # fmt: skip
        return found

    def refusal(self, words: str) -> Any:
        return {"status": "error", "err_code": 1_030, "err_msg": words, "ts": self.hub.now_ms}

    def _ok(self, data: Any, **more: Any) -> Row:
        return {"status": "ok", "code": 200, **more, "data": data, "ts": self.hub.now_ms}

    def _contract_of(self, request: Request) -> MarketContract:
        return self.contract(request.params.get("contract_code"))

    def _dated(self, request: Request) -> Row:
        """The unified client wants one contract with an end at least."""
        del request
        return self._ok([{
            "symbol": "LTC", "contract_code": "LTC260327", "contract_type": "quarter", "contract_size": 10,
            "price_tick": 0.01, "delivery_date": "20260327", "delivery_time": "1774598400000",
            "create_date": "20250926", "contract_status": 1, "settlement_time": "1774598400000",
        }])  # fmt: skip

    def _listed(self, inverse: bool, request: Request) -> Row:  # noqa: FBT001 -- bound to its path
        del request
        return self._ok([_contract(one) for one in self.contracts if one.inverse is inverse])

    def _candles(self, request: Request) -> Row:
        one, span_ms = self._contract_of(request), PERIODS_MS.get(request.params.get("period", ""), 60_000)
        since_s, until_s = (number(request.params, name) for name in ("from", "to"))
        found = candles(
            one, span_ms, None if since_s is None else since_s * 1_000, None if until_s is None else until_s * 1_000,
            number(request.params, "size", 2_000) or 2_000,
        )
        rows = [
            {
                "id": candle.open_ms // 1_000, "open": candle.open, "close": candle.close, "high": candle.high,
                "low": candle.low, "vol": float(one.amount(candle.volume_usd, candle.close) * BOTH_SIDES),
                "trade_turnover": candle.volume_usd * BOTH_SIDES,
            }
            for candle in found
        ]  # fmt: skip
        return self._ok(rows, ch=f"market.{one.id}.kline.{request.params.get('period')}")

    def _mark(self, request: Request) -> Row:
        one = self._contract_of(request)
        rows = [] if one.now.mark_price is None else [_candle(self.hub.now_ms, one.now.mark_price)]
        return self._ok(rows, ch=f"market.{one.id}.{MARK}")

    def _interest(self, request: Request) -> Row:
        """Nothing while it is not known: a zero would be a figure."""
        one = self._contract_of(request)
        counted = one.counted(one.now)
        if not counted or one.now.oi_usd is None:
            return self._ok([])
        row = {"contract_code": one.id, "volume": counted}
        return self._ok([row] if one.inverse else {**row, "value": plain(one.now.oi_usd)})

    def _past_interest(self, request: Request) -> Row:
        """The newest, by the period."""
        one, span_ms = self._contract_of(request), PERIODS_MS.get(request.params.get("period", ""), 3_600_000)
        rows = [
            {
                "volume": float(one.amount(past.oi_usd, past.price)), "amount_type": 1, "ts": past.time_ms,
                **({} if one.inverse else {"value": past.oi_usd}),
            }
            for past in past_interest(one, span_ms, None, None, self.hub.now_ms)
        ]  # fmt: skip
        return self._ok({"contract_code": one.id, "tick": rows[-(number(request.params, "size", 48) or 48):]})

    def _funding(self, request: Request) -> Row:
        one = self._contract_of(request)
        now, next_ms = one.now, one.ticker.next_funding_ms(self.hub.now_ms)
        after_ms = None if one.inverse else str(next_ms + round(now.interval_h * 3_600_000))
        row = {
            "contract_code": one.id, "funding_rate": ratio(now.rate_pct) or "0", "funding_time": str(next_ms),
            "next_funding_time": after_ms,
        }  # fmt: skip
        return self._ok(row if one.inverse else [row])

    def _paid(self, request: Request) -> Row:
        one, size = self._contract_of(request), number(request.params, "page_size", 20) or 20
        rows = [
            {"contract_code": one.id, "funding_rate": ratio(rate.value), "funding_time": str(rate.time_ms)}
            for rate in reversed(paid_funding(one, None, None))
        ]
        page = rows[:size]
        return self._ok({"total_page": 1, "current_page": 1, "data": page} if one.inverse else page)

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        socket.pack = gzip.compress
        if super().opened(socket):
            notifies = socket.path.endswith("notification")
            now_ms = self.hub.server_ms()
            socket.send_json({"op": "ping", "ts": str(now_ms)} if notifies else {"ping": now_ms})
            return True
        return False

    def receive(self, socket: Socket, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        if "pong" in message or message.get("op") == "pong":
            return True
        now_ms, notifies = self.hub.server_ms(), socket.path.endswith("notification")
        name = "topic" if notifies else "sub"
        topic = str(message.get(name, ""))
        head, _, rest = topic.partition(".")
        contract, _, kind = rest.partition(".")
        kinds = (FORCED, FUNDING) if notifies else (MARK, INDEX) if socket.path == "/ws_index" else (TRADES,)
        if head != ("public" if notifies else "market") or kind not in kinds or contract not in self.by_id:
            return False
        notified = {"op": "sub", "cid": message.get("cid"), "topic": topic, "ts": now_ms, "err-code": 0}
        subbed = {"id": message.get("id"), "status": "ok", "subbed": topic, "ts": now_ms}
        socket.send_json(notified if notifies else subbed)
        self.subscribe(socket, topic)
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        rows = [
            {
                "amount": int(contract.traded(one)) * BOTH_SIDES, "ts": one.time_ms, "id": one.number,
                "price": one.price, "direction": "buy" if one.taker_buys else "sell",
            }
            for one in prints
        ]  # fmt: skip
        topic, time_ms = f"market.{contract.id}.{TRADES}", prints[0].time_ms
        yield topic, {"ch": topic, "ts": time_ms, "tick": {"id": prints[0].number, "ts": time_ms, "data": rows}}

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        figures = contract.figures
        prices = ((INDEX, figures.index_price), (MARK, figures.mark_price)) if "mark" in updated else ()
        for kind, price in prices:
            topic = f"market.{contract.id}.{kind}"
            if price is not None:
                yield topic, {"ch": topic, "ts": figures.time_ms, "tick": _candle(figures.time_ms, price)}
        if "funding" in updated:
            row = {"contract_code": contract.id, "funding_rate": ratio(figures.rate_pct), "estimated_rate": None}
            yield _notified(contract, FUNDING, figures.time_ms, row)

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        row = {
            "contract_code": contract.id, "direction": "sell" if order.side is Side.LONG else "buy", "offset": "close",
            "volume": float(order.amount_units), "price": order.price, "created_at": order.time_ms,
        }  # fmt: skip
        yield _notified(contract, FORCED, order.time_ms, row)


def _notified(contract: MarketContract, kind: str, time_ms: int, row: Row) -> tuple[str, Row]:
    topic = f"public.{contract.id}.{kind}"
    return topic, {"op": "notify", "topic": topic, "ts": time_ms, "data": [row]}


def _candle(time_ms: int, price: float) -> Row:
    prices = dict.fromkeys(("open", "close", "high", "low"), text(price))
    return {"id": time_ms // 60_000 * 60, **prices, "amount": "0", "vol": "0", "count": "0", "trade_turnover": "0"}


def _contract(one: MarketContract) -> Row:
    row: Row = {
        "symbol": one.coin, "contract_code": one.id, "contract_size": float(one.listed.size),
        "price_tick": float(one.listed.tick), "delivery_date": "", "delivery_time": "", "create_date": "20201021",
        "contract_status": 1, "settlement_date": "1767254400000",
    }  # fmt: skip
    if one.inverse:
        return {name: value for name, value in row.items() if name != "delivery_date"}
    more = {"support_margin_mode": "all", "business_type": "swap", "pair": one.id, "contract_type": "swap"}
    return {**row, **more, "trade_partition": "USDT"}


DIALECT: Final = HtxDialect
