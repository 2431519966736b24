"""Phemex's perpetuals, market data only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import number, paid_funding
from paper.dialects.trade_prints import TradePrint, plain

HOST: Final = "api.phemex.com"
NS: Final = 1_000_000
PRICE_SCALE: Final = 10_000
RATE_SCALE: Final = 1_000_000
"""Of a rate in percent: of its fraction the venue tells eight places."""
TRADES: Final = ("trade", "trade_p")
PACK: Final = "perp_market24h_pack_p"
MARKET: Final = "market24h"
PACK_FIELDS: Final = (
    "symbol", "openRp", "highRp", "lowRp", "lastRp", "volumeRq", "turnoverRv", "openInterestRv", "indexRp", "markRp",
    "fundingRateRr", "predFundingRateRr",
)  # fmt: skip
Row = dict[str, Any]


class PhemexDialect(MarketDataDialect):
    """Coin-margined contracts in scaled whole numbers, the others in texts; times in nanoseconds; on subscribing to
    trades a snapshot of the last ones comes first, which holds nothing new."""

    venue: ClassVar[str] = "phemex"
    hosts: ClassVar[tuple[str, ...]] = (HOST, "ws.phemex.com")
    time_address: ClassVar[str] = f"{HOST}/public/time"
    stream_paths: ClassVar[tuple[str, ...]] = ("/", "")
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTCUSDT", tick="0.1", lot="0.001"),
        ListedContract(coin="ETH", id="ETHUSDT", tick="0.01", lot="0.01"),
        ListedContract(coin="BTC", id="BTCUSD", tick="0.5", contract="coin", inverse=True),
    )

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        return {
            "GET /public/time": lambda _: _answer({"serverTime": self.hub.now_ms}),
            "GET /public/products": self._products,
            "GET /v1/exchange/public/products": lambda _: _answer([_limits(one) for one in self._kind(inverse=True)]),
            "GET /md/v2/ticker/24hr": lambda request: self._ticker(request, _linear),
            "GET /v1/md/ticker/24hr": lambda request: self._ticker(request, _inverse),
            "GET /api-data/public/data/funding-rate-history": self._paid,
            "GET /v1/api-data/public/data/funding-rate-history": self._paid,
        }

    def refusal(self, words: str) -> Any:
        return {"code": 30_000, "msg": words, "data": None}

    def _kind(self, *, inverse: bool) -> list[MarketContract]:
        return [one for one in self.contracts if one.inverse is inverse]

    def _products(self, request: Request) -> Row:
        del request
        return _answer({
            "currencies": [], "products": [_inverse_listed(one) for one in self._kind(inverse=True)],
            "perpProductsV2": [_linear_listed(one) for one in self._kind(inverse=False)], "riskLimits": [],
            "riskLimitsV2": [],
        })  # fmt: skip

    def _ticker(self, request: Request, figures: Any) -> Row:
        one = self.contract(request.params.get("symbol"))
        return {"error": None, "id": 0, "result": figures(one) | {"symbol": one.id, "timestamp": self.hub.now_ms * NS}}

    def _paid(self, request: Request) -> Row:
        """Newest first."""
        name = str(request.params.get("symbol", ""))
        one = next((one for one in self.contracts if _rate_symbol(one) == name), None)
        found = paid_funding(one or self.contract(name), *(number(request.params, at) for at in ("start", "end")))
        rows = [
            {
                "symbol": name, "fundingRate": ratio(rate.value), "fundingTime": str(rate.time_ms),
                "intervalSeconds": "28800",
            }
            for rate in reversed(found)
        ]  # fmt: skip
        return _answer({"rows": rows[: number(request.params, "limit", 100)]})

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        name, _, verb = str(message.get("method", "")).rpartition(".")
        if (name, verb) == ("server", "ping"):
            socket.send_json({"error": None, "id": message.get("id"), "result": "pong"})
            return True
        request = message.get("params")
        if not isinstance(request, list) or verb not in ("subscribe", "unsubscribe"):
            return False
        if name in TRADES and {str(one) for one in request} <= set(self.by_id):
            topics = [f"{name}:{one}" for one in request]
        elif name in (PACK, MARKET) and not request:
            topics = [name]
        else:
            return False
        socket.send_json({"error": None, "id": message.get("id"), "result": {"status": "success"}})
        for topic in topics:
            if verb == "subscribe":
                self.subscribe(socket, topic)
                self._past(socket, topic)
            else:
                socket.topics.pop(topic, None)
        return True

    def _past(self, socket: Socket, topic: str) -> None:
        """The snapshot of trades that comes first."""
        one = self.by_id.get(topic.partition(":")[2])
        if one is not None:
            socket.send_json(_traded(one, list(one.ticker.prints)[-100:], "snapshot"))

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        """Newest first."""
        yield f"{'trade' if contract.inverse else 'trade_p'}:{contract.id}", _traded(contract, prints, "incremental")

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        """All figures of a contract together, whichever changed."""
        del updated
        now = contract.figures
        if contract.inverse:
            yield MARKET, {
                "market24h": {
                    "symbol": contract.id, "close": _scaled(now.last_price, PRICE_SCALE),
                    "markPrice": _scaled(now.mark_price, PRICE_SCALE),
                    "indexPrice": _scaled(now.index_price, PRICE_SCALE),
                    "fundingRate": _scaled(now.rate_pct, RATE_SCALE), "openInterest": _counted(contract.counted(now)),
                },
                "timestamp": now.time_ms * NS,
            }  # fmt: skip
            return
        last = text(now.last_price)
        row = [
            contract.id, last, last, last, last, "0", "0", contract.counted(now), text(now.index_price),
            text(now.mark_price), ratio(now.rate_pct), ratio(now.rate_pct),
        ]  # fmt: skip
        yield PACK, {
            "data": [row], "fields": PACK_FIELDS, "method": f"{PACK}.update", "timestamp": str(now.time_ms * NS),
            "type": "incremental",
        }  # fmt: skip


def _traded(contract: MarketContract, prints: Sequence[TradePrint], kind: str) -> Row:
    rows = []
    for one in reversed(prints):
        price: Any = _scaled(one.price, PRICE_SCALE) if contract.inverse else plain(one.price)
        amount: Any = int(contract.traded(one)) if contract.inverse else plain(contract.traded(one))
        rows.append([one.time_ms * NS, "Buy" if one.taker_buys else "Sell", price, amount])
    number_ = prints[-1].number if prints else 0
    return {
        "sequence": number_, "symbol": contract.id, "trades" if contract.inverse else "trades_p": rows, "type": kind,
    }


def _linear(one: MarketContract) -> Row:
    now = one.now
    return {
        "closeRp": text(now.last_price), "markPriceRp": text(now.mark_price), "indexPriceRp": text(now.index_price),
        "fundingRateRr": ratio(now.rate_pct), "openInterestRv": one.counted(now),
    }


def _inverse(one: MarketContract) -> Row:
    now = one.now
    return {
        "lastEp": _scaled(now.last_price, PRICE_SCALE), "markEp": _scaled(now.mark_price, PRICE_SCALE),
        "indexEp": _scaled(now.index_price, PRICE_SCALE), "fundingRateEr": _scaled(now.rate_pct, RATE_SCALE),
        "openInterest": _counted(one.counted(now)),
    }


def _linear_listed(one: MarketContract) -> Row:
    return {
        "symbol": one.id, "type": "PerpetualV2", "displaySymbol": f"{one.coin} / USDT", "quoteCurrency": "USDT",
        "settleCurrency": "USDT", "baseCurrency": one.coin, "contractUnderlyingAssets": one.coin, "status": "Listed",
        "priceScale": 0, "ratioScale": 0, "valueScale": 0, "tickSize": one.listed.tick, "qtyStepSize": one.listed.lot,
        "maxLeverage": 100,
    }  # fmt: skip


def _inverse_listed(one: MarketContract) -> Row:
    return _limits(one) | {
        "type": "Perpetual", "displaySymbol": f"{one.coin} / USD", "contractUnderlyingAssets": "USD",
        "baseCurrency": one.coin, "quoteCurrency": "USD", "settleCurrency": one.coin, "status": "Listed",
    }


def _limits(one: MarketContract) -> Row:
    return {
        "symbol": one.id, "contractSize": "1 USD", "lotSize": 1, "tickSize": float(one.listed.tick), "priceScale": 4,
        "ratioScale": 8, "valueScale": 8, "maxLeverage": 100, "makerFeeRateEr": 10_000, "takerFeeRateEr": 60_000,
    }  # fmt: skip


def _rate_symbol(one: MarketContract) -> str:
    return f".{one.coin if one.inverse else one.id}FR8H"


def _scaled(value: float | None, scale: int) -> int | None:
    return None if value is None else round(value * scale)


def _counted(amount: str) -> int | None:
    return round(float(amount)) if amount else None


def _answer(data: Any) -> Row:
    return {"code": 0, "msg": "OK", "data": data}


DIALECT: Final = PhemexDialect
