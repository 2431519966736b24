"""What each venue answers a client that opens its contracts and subscribes, in the venue's own shape."""

from typing import Any, Final

from scripted_venue import Script


def _ok(data: Any) -> dict[str, Any]:
    return {"success": True, "code": 0, "data": data}


# --- MEXC ---------------------------------------------------------------------------------------------------------


def _mexc_contract(symbol: str, base: str, quote: str, settle: str, size: float) -> dict[str, Any]:
    return {
        "symbol": symbol, "baseCoin": base, "quoteCoin": quote, "settleCoin": settle, "contractSize": size,
        "minLeverage": 1, "maxLeverage": 125, "priceScale": 1, "volScale": 0, "priceUnit": 0.1, "volUnit": 1,
        "minVol": 1, "maxVol": 1_000_000, "takerFeeRate": 0.0002, "makerFeeRate": 0.0, "maintenanceMarginRate": 0.004,
        "initialMarginRate": 0.008, "riskBaseVol": 150_000, "riskIncrVol": 150_000, "riskIncrMmr": 0.004,
        "riskIncrImr": 0.004, "riskLevelLimit": 5, "state": 0,
    }


def _mexc_told(told: Any, url: str) -> list[Any]:
    del url
    if told["method"] == "ping":
        return [{"channel": "pong", "data": 1}]
    return [{"channel": f"rs.{told['method']}", "data": "success", "ts": 1}]


MEXC: Final = Script(
    answers={
        "api.mexc.com/api/v3/exchangeInfo": {"timezone": "CST", "serverTime": 1, "rateLimits": [], "symbols": []},
        "api.mexc.com/api/v1/contract/detail": _ok([
            _mexc_contract("BTC_USDT", "BTC", "USDT", "USDT", 0.0001),
            _mexc_contract("ETH_USDT", "ETH", "USDT", "USDT", 0.01),
            _mexc_contract("BTC_USD", "BTC", "USD", "BTC", 100.0),
        ]),
    },
    acknowledge=_mexc_told,
    requests={
        "api.mexc.com/api/v1/contract/ticker": "contractPublicGetTicker",
        "api.mexc.com/api/v1/contract/funding_rate/BTC_USDT": "contractPublicGetFundingRateSymbol",
        "api.mexc.com/api/v1/contract/kline/BTC_USDT": "contractPublicGetKlineSymbol",
        "api.mexc.com/api/v1/contract/funding_rate/history": "contractPublicGetFundingRateHistory",
    },
)


# --- KuCoin -------------------------------------------------------------------------------------------------------


def _kucoin_contract(symbol: str, base: str, quote: str, settle: str, multiplier: float) -> dict[str, Any]:
    return {
        "symbol": symbol, "rootSymbol": settle, "type": "FFWCSX", "expireDate": None, "baseCurrency": base,
        "quoteCurrency": quote, "settleCurrency": settle, "maxOrderQty": 1_000_000, "maxPrice": 1_000_000.0,
        "lotSize": 1, "tickSize": 0.1, "multiplier": multiplier, "makerFeeRate": 0.0002, "takerFeeRate": 0.0006,
        "isInverse": multiplier < 0, "status": "Open", "nextFundingRateTime": 1, "maxLeverage": 125,
    }


def _kucoin_told(told: Any, url: str) -> list[Any]:
    del url
    if told.get("type") == "ping":
        return [{"id": told["id"], "type": "pong"}]
    if told.get("type") == "subscribe":
        return [{"id": told["id"], "type": "ack"}]
    return [{"id": told["id"], "result": True}]


def _kucoin_bullet(url: str) -> dict[str, Any]:
    place = url.replace("http", "ws", 1)
    server = {
        "endpoint": f"{place}/ws-api-futures.kucoin.com/", "protocol": "websocket", "encrypt": True,
        "pingInterval": 18_000, "pingTimeout": 10_000,
    }
    return {"code": "200000", "data": {"token": "abc", "instanceServers": [server]}}


KUCOIN: Final = Script(
    answers={
        "api-futures.kucoin.com/api/v1/contracts/active": {"code": "200000", "data": [
            _kucoin_contract("XBTUSDTM", "XBT", "USDT", "USDT", 0.001),
            _kucoin_contract("ETHUSDTM", "ETH", "USDT", "USDT", 0.01),
            _kucoin_contract("XBTUSDM", "XBT", "USD", "XBT", -1.0),
        ]},
        "api-futures.kucoin.com/api/v1/bullet-public": _kucoin_bullet,
    },
    acknowledge=_kucoin_told,
    requests={
        "api-futures.kucoin.com/api/v1/contracts/XBTUSDTM": "futuresPublicGetContractsSymbol",
        "api-futures.kucoin.com/api/v1/contracts/risk-limit/XBTUSDTM": "futuresPublicGetContractsRiskLimitSymbol",
        "api-futures.kucoin.com/api/v1/kline/query": "futuresPublicGetKlineQuery",
        "api.kucoin.com/api/ua/v1/market/open-interest": "utaGetMarketOpenInterest",
        "api-futures.kucoin.com/api/v1/contract/funding-rates": "futuresPublicGetContractFundingRates",
    },
)

SCRIPTS: Final = {"mexc": MEXC, "kucoin": KUCOIN}
