"""A venue's public side on loopback, just enough of three protocols to be dialled by the unmodified client.

It acknowledges subscriptions, answers pings and requests, and sends whatever a test tells it to.
"""

import json
import time
from typing import Any, Self

from aiohttp import WSMsgType, web

VENUES = ("binance", "bybit", "okx")
PRICE = 60_000.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class PublicVenue:
    """All three at once: `async with PublicVenue() as venue: ... venue.url`."""

    def __init__(self) -> None:
        self.sockets: dict[web.WebSocketResponse, set[str]] = {}
        """Open socket -> topics it subscribed to, as this class names them (`trades`, `liquidation`, ...)."""
        self.requests: list[str] = []
        self.dials = 0
        self.open_interest = 1_000.0
        """In coin."""
        self.broken = False
        """Requests are answered with 503."""
        self.mute = False
        """Subscriptions are not acknowledged and nothing is sent by `publish`."""
        self.sizes = {"binance": 1.0, "bybit": 1.0, "okx": 0.01}

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()
        await self._runner.cleanup()

    async def disconnect(self) -> None:
        for socket in tuple(self.sockets):
            await socket.close()

    def cut(self) -> None:
        """The network goes away: no close frame."""
        for socket in tuple(self.sockets):
            assert socket._req is not None
            assert socket._req.transport is not None
            socket._req.transport.abort()

    async def send(self, feed: str, *payloads: str) -> int:
        """To every socket that subscribed to this feed; how many there were."""
        listeners = [socket for socket, feeds in self.sockets.items() if feed in feeds]
        for socket in listeners:
            for payload in payloads:
                await socket.send_str(payload)
        return len(listeners)

    # --- protocols ------------------------------------------------------------------------------------------------

    async def _any(self, request: web.Request) -> web.StreamResponse:
        host, _, path = request.path.removeprefix("/").partition("/")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        self.requests.append(f"{host}/{path}")
        if self.broken:
            return web.Response(status=503, text="closed")
        answer = self._answer(f"/{path}", dict(request.query))
        if answer is None:
            return web.Response(status=404, text="not known here")
        return web.json_response(answer)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.dials += 1
        self.sockets[socket] = set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT and not self.mute:
                    await self._heard(socket, message.data)
        finally:
            del self.sockets[socket]
        return socket

    async def _heard(self, socket: web.WebSocketResponse, text: str) -> None:
        if text == "ping":
            await socket.send_str("pong")
            return
        message = json.loads(text)
        if message.get("op") == "ping":
            await socket.send_json({"success": True, "ret_msg": "pong", "op": "ping"})
        elif message.get("method") == "SUBSCRIBE":
            self.sockets[socket] |= {feed_of(topic.split("@")[1]) for topic in message["params"]}
            await socket.send_json({"result": None, "id": message["id"]})
        elif isinstance(message["args"][0], str):
            self.sockets[socket] |= {feed_of(topic.split(".")[0]) for topic in message["args"]}
            await socket.send_json({"success": True, "ret_msg": "", "op": "subscribe", "req_id": message.get("req_id")})
        else:
            for argument in message["args"]:
                self.sockets[socket].add(feed_of(argument["channel"]))
                await socket.send_json({"event": "subscribe", "arg": argument})

    def _answer(self, path: str, query: dict[str, str]) -> Any:
        return ANSWERS[path](self, query) if path in ANSWERS else None


def feed_of(topic: str) -> str:
    return {
        "aggTrade": "trades", "publicTrade": "trades", "trades": "trades", "forceOrder": "liquidation",
        "allLiquidation": "liquidation", "liquidation-orders": "liquidation", "markPrice": "mark", "tickers": "mark",
        "mark-price": "mark", "funding-rate": "funding",
    }[topic]


# --- messages -----------------------------------------------------------------------------------------------------


def trade(venue: str, price: float, amount: float, *, bought: bool, time_ms: int | None = None) -> str:
    at = now_ms() if time_ms is None else time_ms
    match venue:
        case "binance":
            return (f'{{"e":"aggTrade","E":{at},"s":"BTCUSDT","a":1,"p":"{price}","q":"{amount}","f":1,"l":1,"T":{at},'
                    f'"m":{str(not bought).lower()}}}')
        case "bybit":
            return (f'{{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":{at},"data":[{{"T":{at},"s":"BTCUSDT",'
                    f'"S":"{"Buy" if bought else "Sell"}","v":"{amount}","p":"{price}","L":"PlusTick","i":"1",'
                    '"BT":false}]}')
        case _:
            side = "buy" if bought else "sell"
            return ('{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP",'
                    f'"tradeId":"1","px":"{price}","sz":"{amount}","side":"{side}","ts":"{at}"}}]}}')


def forced(venue: str, price: float, amount: float, *, long: bool) -> str:
    """The position closed was a long, or a short."""
    at = now_ms()
    match venue:
        case "binance":
            return json.dumps({"e": "forceOrder", "E": at, "o": {
                "s": "BTCUSDT", "S": "SELL" if long else "BUY", "o": "LIMIT", "f": "IOC", "q": str(amount),
                "p": str(price), "ap": str(price), "X": "FILLED", "l": str(amount / 2), "z": str(amount), "T": at}})
        case "bybit":
            return json.dumps({"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": at, "data": [
                {"T": at, "s": "BTCUSDT", "S": "Buy" if long else "Sell", "v": str(amount), "p": str(price)}]})
        case _:
            return json.dumps({"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [{
                "instId": "BTC-USDT-SWAP", "instType": "SWAP", "instFamily": "BTC-USDT", "uly": "BTC-USDT", "details": [
                    {"bkLoss": "0", "bkPx": str(price), "ccy": "", "posSide": "net", "side": "sell" if long else "buy",
                     "sz": str(amount), "ts": str(at)}]}]})


def mark(venue: str, price: float) -> str:
    at = now_ms()
    match venue:
        case "binance":
            return json.dumps({"e": "markPriceUpdate", "E": at, "s": "BTCUSDT", "p": str(price), "i": str(price + 1),
                               "P": str(price), "r": "0.0001", "T": at + 3_600_000})
        case "bybit":
            return json.dumps({"topic": "tickers.BTCUSDT", "type": "snapshot", "cs": 1, "ts": at, "data": {
                "symbol": "BTCUSDT", "markPrice": str(price), "indexPrice": str(price + 1), "fundingRate": "0.0001",
                "fundingIntervalHour": "8", "openInterest": "2000", "singleOpenInterest": "1000"}})
        case _:
            return json.dumps({"arg": {"channel": "mark-price", "instId": "BTC-USDT-SWAP"}, "data": [
                {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "markPx": str(price), "ts": str(at)}]})


# --- answers to requests ------------------------------------------------------------------------------------------


def _binance_markets(venue: PublicVenue, _: dict[str, str]) -> Any:
    return {"serverTime": now_ms(), "rateLimits": [], "exchangeFilters": [], "assets": [], "symbols": [{
        "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000, "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3, "baseAssetPrecision": 8,
        "quotePrecision": 8, "underlyingType": "COIN", "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "1000000", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "100", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"}]}]}


def _bybit(rows: list[Any]) -> Any:
    return {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows, "nextPageCursor": ""},
            "retExtInfo": {}, "time": now_ms()}


def _bybit_markets(venue: PublicVenue, _: dict[str, str]) -> Any:
    return _bybit([{
        "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1585526400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": "2", "fundingInterval": 480,
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {"maxOrderQty": "1190", "minOrderQty": "0.001", "qtyStep": "0.001", "minNotionalValue": "5"}}])


def _okx(rows: list[Any]) -> Any:
    return {"code": "0", "msg": "", "data": rows}


def _okx_markets(venue: PublicVenue, _: dict[str, str]) -> Any:
    return _okx([{
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "instFamily": "BTC-USDT", "uly": "BTC-USDT", "category": "1",
        "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT", "ctVal": str(venue.sizes["okx"]), "ctMult": "1",
        "ctValCcy": "BTC", "ctType": "linear", "optType": "", "stk": "", "listTime": "1573557408000", "expTime": "",
        "lever": "100", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "state": "live", "maxLmtSz": "1000000"}])


def _bybit_ticker(venue: PublicVenue, _: dict[str, str]) -> Any:
    return _bybit([{"symbol": "BTCUSDT", "markPrice": str(PRICE), "indexPrice": str(PRICE + 1), "fundingRate": "0.0001",
                    "fundingIntervalHour": "8", "openInterest": str(2 * venue.open_interest),
                    "singleOpenInterest": str(venue.open_interest), "lastPrice": str(PRICE)}])


def _okx_open_interest(venue: PublicVenue, _: dict[str, str]) -> Any:
    return _okx([{"instType": "SWAP", "instId": "BTC-USDT-SWAP", "oi": str(venue.open_interest * 100),
                  "oiCcy": str(venue.open_interest), "oiUsd": str(venue.open_interest * PRICE), "ts": str(now_ms())}])


def _binance_klines(venue: PublicVenue, query: dict[str, str]) -> Any:
    starts = range(-(-int(query["startTime"]) // 300_000) * 300_000, int(query["endTime"]), 300_000)
    return [[start, "100", "110", "90", "105", "10", start + 299_999, "1000", 5, "6", "600", "0"] for start in starts]


ANSWERS = {
    "/fapi/v1/exchangeInfo": _binance_markets,
    "/fapi/v1/fundingInfo": lambda _venue, _query: [
        {"symbol": "BTCUSDT", "adjustedFundingRateCap": "0.02", "fundingIntervalHours": 4}],
    "/fapi/v1/premiumIndex": lambda _venue, _query: {
        "symbol": "BTCUSDT", "markPrice": str(PRICE), "indexPrice": str(PRICE + 1), "estimatedSettlePrice": "1",
        "lastFundingRate": "0.0001", "nextFundingTime": now_ms() + 1_000, "time": now_ms()},
    "/fapi/v1/openInterest": lambda venue, _query: {
        "symbol": "BTCUSDT", "openInterest": str(venue.open_interest), "time": now_ms()},
    "/fapi/v1/klines": _binance_klines,
    "/futures/data/openInterestHist": lambda _venue, query: [
        {"symbol": "BTCUSDT", "sumOpenInterest": "10", "sumOpenInterestValue": "1050",
         "timestamp": int(query["startTime"])}],
    "/fapi/v1/fundingRate": lambda _venue, _query: [],
    "/v5/market/instruments-info": _bybit_markets,
    "/v5/market/tickers": _bybit_ticker,
    "/v5/market/risk-limit": lambda _venue, _query: _bybit([
        {"id": 1, "symbol": "BTCUSDT", "riskLimitValue": "2000000", "maintenanceMargin": "0.005",
         "initialMargin": "0.01", "isLowestRisk": 1, "maxLeverage": "100.00", "mmDeduction": ""},
        {"id": 2, "symbol": "BTCUSDT", "riskLimitValue": "2600000", "maintenanceMargin": "0.007",
         "initialMargin": "0.011", "isLowestRisk": 0, "maxLeverage": "90.00", "mmDeduction": "1200"}]),
    "/api/v5/public/instruments": _okx_markets,
    "/api/v5/market/index-tickers": lambda _venue, _query: _okx([
        {"instId": "BTC-USDT", "idxPx": str(PRICE + 1), "ts": str(now_ms())}]),
    "/api/v5/public/mark-price": lambda _venue, _query: _okx([
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": str(PRICE), "ts": str(now_ms())}]),
    "/api/v5/public/open-interest": _okx_open_interest,
    "/api/v5/public/funding-rate": lambda _venue, _query: _okx([
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "fundingRate": "0.0001", "nextFundingRate": "",
         "fundingTime": "1744588800000", "nextFundingTime": "1744617600000", "ts": str(now_ms())}]),
    "/api/v5/public/position-tiers": lambda _venue, _query: _okx([
        {"instFamily": "BTC-USDT", "tier": "1", "minSz": "0", "maxSz": "1000", "mmr": "0.004", "imr": "0.01",
         "maxLever": "100", "uly": "BTC-USDT"}]),
}
