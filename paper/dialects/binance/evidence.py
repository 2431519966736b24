"""Binance USD-M: how we know what each endpoint and stream answers."""

from typing import Final

from paper.dialects.binance.book import DEPTH_SUFFIXES
from paper.dialects.evidence import EndpointUse, Evidence

_SAMPLES: Final = "nautilus_test_data.tgz crates/adapters/binance/test_data/futures/"
_PAGES: Final = "developers.binance.com/docs/derivatives/usds-margined-futures/"
_CLIENT: Final = "ccxt 4.5 binance.py: "


def _recorded(endpoint: str, sample: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.RECORDED, _SAMPLES + sample, note)


def _documented(endpoint: str, page: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.DOCUMENTED, _PAGES + page, note)


def _read(endpoint: str, where: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.READ_BY_CLIENT, _CLIENT + where, note)


_MARKET: Final = (
    _documented("GET /fapi/v1/ping", "market-data/rest-api"),
    _documented("GET /fapi/v1/time", "market-data/rest-api/Check-Server-Time"),
    _documented("GET /fapi/v1/exchangeInfo", "market-data/rest-api/Exchange-Information"),
    _documented("GET /fapi/v1/ticker/24hr", "market-data/rest-api/24hr-Ticker-Price-Change-Statistics",
                "the weighted average price is approximate"),
    _documented("GET /fapi/v1/ticker/price", "market-data/rest-api/Symbol-Price-Ticker"),
    _documented("GET /fapi/v2/ticker/price", "market-data/rest-api/Symbol-Price-Ticker-v2"),
    _documented("GET /fapi/v1/openInterest", "market-data/rest-api/Open-Interest"),
    _documented("GET /futures/data/openInterestHist", "market-data/rest-api/Open-Interest-Statistics"),
    _documented("GET /fapi/v1/premiumIndex", "market-data/rest-api/Mark-Price"),
    _documented("GET /fapi/v1/fundingRate", "market-data/rest-api/Get-Funding-Rate-History"),
    _documented("GET /fapi/v1/fundingInfo", "market-data/rest-api/Get-Funding-Rate-Info"),
    _documented("GET /fapi/v1/klines", "market-data/rest-api/Kline-Candlestick-Data"),
    _documented("GET /fapi/v1/aggTrades", "market-data/rest-api/Compressed-Aggregate-Trades-List"),
    _documented("GET /fapi/v1/trades", "market-data/rest-api/Recent-Trades-List"),
    _documented("GET /fapi/v1/depth", "market-data/rest-api/Order-Book", "one level on either side"),
    _documented("GET /fapi/v1/ticker/bookTicker", "market-data/rest-api/Symbol-Order-Book-Ticker"),
    _recorded("ws <symbol>@aggTrade", "market_data_json/agg_trade_stream.json",
              "also tardis_raw_messages.jsonl binance-futures aggTrade"),
    _recorded("ws <symbol>@markPrice", "market_data_json/mark_price_stream.json"),
    _recorded("ws <symbol>@markPrice@1s", "market_data_json/mark_price_stream.json"),
    _documented("ws !markPrice@arr", "websocket-market-streams/Mark-Price-Stream-for-All-market"),
    _documented("ws !markPrice@arr@1s", "websocket-market-streams/Mark-Price-Stream-for-All-market"),
    _recorded("ws <symbol>@forceOrder", "market_data_json/liquidation_stream.json",
              "every forced order is sent; the venue sends the latest of each second"),
    Evidence("ws <symbol>@trade", EndpointUse.RECORDED, "ticks/binance_usdm_btcusdt_20240808.first40k.gz",
             "every trade is of type MARKET; its root is not documented: taken at both"),
    Evidence("ws <symbol>@bookTicker", EndpointUse.RECORDED, "ticks/binance_usdm_btcusdt_20240808.first40k.gz"),
    _documented("ws !bookTicker", "websocket-market-streams/All-Book-Tickers-Stream"),
    *(_documented(f"ws <symbol>{suffix}", "websocket-market-streams/" + (
        "Partial-Book-Depth-Streams" if suffix[6:7].isdigit() else "Diff-Book-Depth-Streams"),
        "once a step, one level on either side; recorded in ticks/binance_usdm_btcusdt_20240808.first40k.gz")
      for suffix in DEPTH_SUFFIXES),
    _documented("ws !forceOrder@arr", "websocket-market-streams/All-Market-Liquidation-Order-Streams"),
)  # fmt: skip

_ORDERS: Final = (
    _documented("POST /fapi/v1/order", "trade/rest-api/New-Order",
                "answers the state it has by then: a market order that has not met a trade yet is NEW"),
    _recorded("GET /fapi/v1/order", "http_json/order_response.json"),
    _read("GET /fapi/v1/openOrder", "parse_order, fetchOpenOrder: linear swap"),
    _documented("DELETE /fapi/v1/order", "trade/rest-api/Cancel-Order"),
    _documented("GET /fapi/v1/openOrders", "trade/rest-api/Current-All-Open-Orders"),
    _documented("GET /fapi/v1/allOrders", "trade/rest-api/All-Orders"),
    _documented("DELETE /fapi/v1/allOpenOrders", "trade/rest-api/Cancel-All-Open-Orders"),
    _documented("POST /fapi/v1/algoOrder", "trade/rest-api/New-Algo-Order"),
    _documented("GET /fapi/v1/algoOrder", "trade/rest-api/Query-Algo-Order",
                "a finished order as shown in JKorf/Binance.Net pull 1575"),
    _documented("DELETE /fapi/v1/algoOrder", "trade/rest-api/Cancel-Algo-Order"),
    _recorded("GET /fapi/v1/openAlgoOrders", "http_json/open_algo_orders.json"),
    _documented("GET /fapi/v1/allAlgoOrders", "trade/rest-api/Query-All-Algo-Orders"),
    _documented("DELETE /fapi/v1/algoOpenOrders", "trade/rest-api/Cancel-All-Algo-Open-Orders"),
)  # fmt: skip

_ACCOUNT: Final = (
    _recorded("GET /fapi/v2/account", "http_json/account_info_v2.json"),
    _documented("GET /fapi/v3/account", "account/rest-api/Account-Information-V3", "answered as v2"),
    _recorded("GET /fapi/v2/balance", "http_json/balance.json"),
    _recorded("GET /fapi/v3/balance", "http_json/balance.json"),
    _recorded("GET /fapi/v2/positionRisk", "http_json/position_risk.json"),
    _documented("GET /fapi/v3/positionRisk", "trade/rest-api/Position-Information-V3"),
    _documented("GET /fapi/v1/accountConfig", "account/rest-api/Account-Config"),
    _documented("GET /fapi/v1/symbolConfig", "account/rest-api/Symbol-Config"),
    _documented("GET /fapi/v1/leverageBracket", "account/rest-api/Notional-and-Leverage-Brackets"),
    _documented("GET /fapi/v1/commissionRate", "account/rest-api/User-Commission-Rate"),
    _documented("GET /fapi/v1/positionSide/dual", "account/rest-api/Get-Current-Position-Mode"),
    _documented("POST /fapi/v1/positionSide/dual", "trade/rest-api/Change-Position-Mode"),
    _documented("GET /fapi/v1/multiAssetsMargin", "account/rest-api/Get-Current-Multi-Assets-Mode"),
    _documented("POST /fapi/v1/leverage", "trade/rest-api/Change-Initial-Leverage"),
    _documented("POST /fapi/v1/marginType", "trade/rest-api/Change-Margin-Type"),
    _documented("GET /fapi/v1/userTrades", "trade/rest-api/Account-Trade-List"),
    _documented("GET /fapi/v1/income", "account/rest-api/Get-Income-History"),
    _documented("GET /fapi/v1/apiTradingStatus", "account/rest-api/Futures-Trading-Quantitative-Rules-Indicators"),
    Evidence("GET /sapi/v1/account/apiRestrictions", EndpointUse.DOCUMENTED,
             "developers.binance.com/docs/wallet/account/api-key-permission"),
    _documented("POST /fapi/v1/listenKey", "user-data-streams/Start-User-Data-Stream"),
    _documented("PUT /fapi/v1/listenKey", "user-data-streams/Keepalive-User-Data-Stream"),
    _documented("DELETE /fapi/v1/listenKey", "user-data-streams/Close-User-Data-Stream"),
    _recorded("ws ORDER_TRADE_UPDATE", "user_data_json/order_update_new.json, order_update_trade.json and others",
              "the order made by a trigger keeps the client id of the conditional order: "
              "nautechsystems/nautilus_trader/issues/3287"),
    _recorded("ws ACCOUNT_UPDATE", "user_data_json/account_update.json"),
    _recorded("ws ALGO_UPDATE", "user_data_json/algo_update_new.json, algo_update_canceled.json",
              "TRIGGERED as logged in nautechsystems/nautilus_trader/issues/3287"),
    _documented("ws ACCOUNT_CONFIG_UPDATE",
                "user-data-streams/Event-Account-Configuration-Update-previous-Leverage-Update"),
    _recorded("ws TRADE_LITE", "user_data_json/trade_lite.json"),
)  # fmt: skip

_SPOT: Final = "developers.binance.com/docs/binance-spot-api-docs/rest-api/general-endpoints"
_WALLET: Final = "developers.binance.com/docs/wallet/"
_ELSEWHERE: Final = (
    *(Evidence(f"GET /api/v3/{name}", EndpointUse.DOCUMENTED, _SPOT, "nothing is listed")
      for name in ("ping", "time", "exchangeInfo")),
    *(Evidence(f"GET /dapi/v1/{name}", EndpointUse.DOCUMENTED,
               "developers.binance.com/docs/derivatives/coin-margined-futures/market-data", "nothing is listed")
      for name in ("time", "exchangeInfo")),
    Evidence("GET /api/v3/account", EndpointUse.DOCUMENTED,
             "developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints", "nothing is in it"),
    Evidence("GET /sapi/v1/system/status", EndpointUse.DOCUMENTED, _WALLET + "others/system-status"),
    *(Evidence(f"GET /sapi/v1/margin/{pairs}", EndpointUse.DOCUMENTED,
               "developers.binance.com/docs/margin_trading/market-data", "nothing is listed")
      for pairs in ("allPairs", "isolated/allPairs")),
    Evidence("GET /sapi/v1/capital/config/getall", EndpointUse.DOCUMENTED, _WALLET + "capital/all-coins-info",
             "no network carries anything"),
)  # fmt: skip

EVIDENCE: Final = (*_MARKET, *_ORDERS, *_ACCOUNT, *_ELSEWHERE)
