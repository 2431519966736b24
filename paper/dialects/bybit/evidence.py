"""How we know what Bybit answers."""

from typing import Final

from paper.dialects.evidence import EndpointUse, Evidence

_SAMPLES: Final = "nautilus crates/adapters/bybit/test_data"
_RAW: Final = "tardis_raw_messages.jsonl"
_DOCS: Final = "https://bybit-exchange.github.io/docs/v5"


def _recorded(endpoint: str, file: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.RECORDED, f"{_SAMPLES}/{file}", note)


def _documented(endpoint: str, page: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.DOCUMENTED, f"{_DOCS}/{page}", note)


_PUBLIC: Final = (
    _documented("GET /v5/market/time", "market/time"),
    _documented("GET /v5/system/status", "system-status", "nothing is announced"),
    _recorded(
        "GET /v5/market/instruments-info",
        "http_get_instruments_linear.json",
        "fundingInterval in minutes as documented; order limits are our own",
    ),
    _documented(
        "GET /v5/market/tickers",
        "market/tickers",
        "fields as in ws_ticker_linear.json; singleOpenInterest as "
        "documented; bid and ask are one step around the last price",
    ),
    _documented("GET /v5/asset/coin/query-info", "asset/coin-info", "no network carries anything"),
    _recorded("GET /v5/market/orderbook", "http_get_orderbook.json", "one level on either side"),
    _recorded("GET /v5/market/recent-trade", "http_get_trades_recent.json"),
    _recorded("GET /v5/market/kline", "http_get_klines_linear.json"),
    _documented("GET /v5/market/open-interest", "market/open-interest"),
    _recorded("GET /v5/market/funding/history", "http_get_funding_history.json"),
    _documented(
        "GET /v5/market/risk-limit",
        "market/risk-limit",
        "rates are fractions, as the venue sends them today; the page's example still shows percent",
    ),
    Evidence("ws publicTrade.<symbol>", EndpointUse.RECORDED, f"{_RAW} publicTrade.LTCUSDT"),
    Evidence(
        "ws tickers.<symbol>",
        EndpointUse.RECORDED,
        f"{_RAW} tickers.BTCUSDT, deltas of tickers.BTCUSD",
        "singleOpenInterest as documented for the request",
    ),
    Evidence(
        "ws allLiquidation.<symbol>",
        EndpointUse.RECORDED,
        f"{_RAW} allLiquidation.PIPPINUSDT",
        "side of the position: docs websocket/public/all-liquidation",
    ),
    Evidence(
        "ws orderbook.<depth>.<symbol>", EndpointUse.RECORDED, f"{_RAW} orderbook.1.BTCUSDT", "always as a snapshot"
    ),
    _recorded("ws subscribe", "ws_subscription_ack.json", "refusals as in ws_subscription_failure.json"),
    _documented("ws unsubscribe", "ws/connect"),
    _documented("ws ping", "ws/connect", "public and private answer differently"),
)
_PRIVATE: Final = (
    _recorded("ws auth", "ws_auth_failure.json", "success as documented in ws/connect"),
    _recorded("ws order", "ws_account_order_stop_market.json", "and ws_account_order_filled.json"),
    _recorded("ws execution", "ws_account_execution.json", "and ws_account_execution_adl.json; funding as the client "
              "shows it in parseIncome"),
    _recorded("ws position", "ws_account_position.json"),
    _recorded("ws wallet", "ws_account_wallet.json", "accountType as documented"),
    _recorded("GET /v5/user/query-api", "http_get_user_query_api.json", "not offered in demo trading"),
    _recorded("GET /v5/account/info", "http_get_account_info.json"),
    _recorded("GET /v5/account/wallet-balance", "http_get_wallet_balance.json"),
    _recorded("GET /v5/account/fee-rate", "http_get_fee_rate.json"),
    _documented("GET /v5/account/transaction-log", "account/transaction-log"),
    Evidence("POST /v5/account/set-margin-mode", EndpointUse.RECORDED, "https://github.com/ccxt/ccxt/pull/19313",
             "answers of testnet, printed there"),
    _recorded("GET /v5/position/list", "http_get_positions.json"),
    _documented("POST /v5/position/set-leverage", "position/leverage", "110043 when it is set already"),
    _documented("POST /v5/position/trading-stop", "position/trading-stop", "only what takes the position's stop away"),
    _documented("POST /v5/position/switch-mode", "position/position-mode", "110025 when it is set already"),
    _documented("POST /v5/order/create", "order/create-order", "error codes of the page `error`; a stop that rides on "
                "the order as in create-order and the changelog of 2026-01-07"),
    _documented("POST /v5/order/cancel", "order/cancel-order"),
    _documented("POST /v5/order/cancel-all", "order/cancel-all"),
    _recorded("GET /v5/order/realtime", "http_get_orders_realtime.json", "filters and closed orders: order/open-order"),
    _recorded("GET /v5/order/history", "http_get_orders_history.json"),
    _recorded("GET /v5/execution/list", "http_get_executions.json", "funding as the client shows it in parseIncome"),
)
EVIDENCE: Final = (*_PUBLIC, *_PRIVATE)
