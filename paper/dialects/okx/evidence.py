"""How we know what OKX answers, endpoint by endpoint and channel by channel.

Recorded samples are those of the archive nautilus_test_data.tgz and of the files named; pages are of the venue's
documentation of its API v5.
"""

from typing import Final

from paper.dialects.evidence import EndpointUse, Evidence

_PAGE: Final = "https://www.okx.com/docs-v5/en/#"
_FILES: Final = "nautilus_test_data.tgz crates/adapters/okx/test_data/"


def _recorded(endpoint: str, file: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.RECORDED, _FILES + file, note)


def _seen_in(endpoint: str, source: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.RECORDED, source, note)


def _documented(endpoint: str, anchor: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.DOCUMENTED, _PAGE + anchor, note)


_PUBLIC_REQUESTS: Final = (
    _documented("GET /api/v5/public/time", "public-data-rest-api-get-system-time"),
    _recorded("GET /api/v5/public/instruments", "http_get_instruments_swap.json", "baseCcy is empty for swaps"),
    _recorded("GET /api/v5/public/mark-price", "http_get_mark_price.json"),
    _seen_in("GET /api/v5/public/open-interest", "crypto_msg_parser_raw.jsonl open interest of BTC-USD-SWAP",
             "oiUsd, added later, as documented"),
    _documented("GET /api/v5/public/funding-rate", "public-data-rest-api-get-funding-rate",
                "row as in the recorded stream"),
    _recorded("GET /api/v5/public/funding-rate-history", "http_get_funding_rate_history.json"),
    _recorded("GET /api/v5/public/position-tiers", "http_get_position_tiers.json", "sizes in contracts for swaps"),
    _documented("GET /api/v5/market/ticker", "order-book-trading-market-data-get-ticker",
                "row as in the recorded stream"),
    _documented("GET /api/v5/market/tickers", "order-book-trading-market-data-get-tickers",
                "row as in the recorded stream"),
    _recorded("GET /api/v5/market/index-tickers", "http_get_index_price.json"),
    _recorded("GET /api/v5/market/books", "http_get_order_book.json", "one level at either side"),
    _recorded("GET /api/v5/market/trades", "http_get_trades.json"),
    _recorded("GET /api/v5/market/candles", "http_get_candlesticks.json"),
    _recorded("GET /api/v5/market/history-candles", "http_get_candlesticks_full.json"),
    _documented("GET /api/v5/rubik/stat/contracts/open-interest-history",
                "trading-statistics-rest-api-get-contract-open-interest-history"),
    _documented("GET /api/v5/system/status", "status-get-status", "nothing is announced"),
)

_ACCOUNT_REQUESTS: Final = (
    _documented("GET /api/v5/asset/currencies", "funding-account-rest-api-get-currencies", "no network carries any"),
    _recorded("GET /api/v5/account/balance", "http_get_account_balance.json",
              "cashBal is without isolated margin: eq = cashBal + isoEq"),
    _documented("GET /api/v5/account/config", "trading-account-rest-api-get-account-configuration",
                "perm is of the API key"),
    _recorded("GET /api/v5/account/positions", "http_get_positions.json", "one-way mode as documented: posSide net"),
    _documented("GET /api/v5/account/leverage-info", "trading-account-rest-api-get-leverage"),
    _recorded("GET /api/v5/account/trade-fee", "http_get_trade_fee_response.json"),
    _documented("GET /api/v5/account/bills", "trading-account-rest-api-get-bills-details-last-7-days"),
    _documented("GET /api/v5/account/bills-archive", "trading-account-rest-api-get-bills-details-last-3-months"),
    _documented("POST /api/v5/account/set-leverage", "trading-account-rest-api-set-leverage"),
    _recorded("POST /api/v5/account/set-position-mode", "http_set_position_mode_response.json"),
)

_ORDER_REQUESTS: Final = (
    _recorded("POST /api/v5/trade/order", "http_place_order_response.json",
              "refusals with code 1 and sCode as documented"),
    _documented("POST /api/v5/trade/batch-orders", "order-book-trading-trade-post-place-multiple-orders",
                "the client's default for a single order; a row as recorded for one order; attachAlgoOrds and expTime "
                "as documented; that such a stop outlives the position is told in python-okx 111 and 112"),
    _documented("POST /api/v5/trade/cancel-order", "order-book-trading-trade-post-cancel-order"),
    _documented("POST /api/v5/trade/cancel-batch-orders", "order-book-trading-trade-post-cancel-multiple-orders"),
    _recorded("POST /api/v5/trade/order-algo", "http_place_algo_order_response.json",
              "clOrdId is no documented parameter and is not shown again"),
    _recorded("POST /api/v5/trade/cancel-algos", "http_cancel_algo_order_response.json"),
    _documented("GET /api/v5/trade/order", "order-book-trading-trade-get-order-details",
                "row as in the recorded list of pending orders"),
    _recorded("GET /api/v5/trade/orders-pending", "http_get_orders_pending.json"),
    _recorded("GET /api/v5/trade/orders-history", "http_get_orders_history.json"),
    _recorded("GET /api/v5/trade/fills", "http_transaction_detail.json"),
    _documented("GET /api/v5/trade/fills-history",
                "order-book-trading-trade-get-transaction-details-last-3-months"),
    _documented("GET /api/v5/trade/order-algo", "order-book-trading-algo-trading-get-algo-order-details",
                "row as in the recorded list of pending algo orders"),
    _recorded("GET /api/v5/trade/orders-algo-pending", "http_get_orders_algo_pending_close_fraction.json",
              "conditional orders; ordType is demanded"),
    _recorded("GET /api/v5/trade/orders-algo-history", "http_get_orders_algo_history.json"),
)

_STREAMS: Final = (
    _seen_in("ws trades <instId>", "crypto_msg_parser_raw.jsonl trades of BTC-USDT-SWAP", "sizes in contracts"),
    _seen_in("ws mark-price <instId>", "tardis_raw_messages.jsonl okex-swap mark-price"),
    _seen_in("ws funding-rate <instId>", "tardis_raw_messages.jsonl okex-futures funding-rate of 2026"),
    _seen_in("ws open-interest <instId>", "tardis_raw_messages.jsonl okex-swap open-interest",
             "oiUsd, added later, as documented"),
    _seen_in("ws tickers <instId>", "crypto_msg_parser_raw.jsonl tickers of BTC-USDT-SWAP"),
    _recorded("ws bbo-tbt <instId>", "ws_bbo_tbt.json"),
    _seen_in("ws books5 <instId>", "crypto_msg_parser_raw.jsonl books5 of BTC-USDT-SWAP"),
    _seen_in("ws index-tickers <instId>", "tardis_raw_messages.jsonl okex-futures index-tickers"),
    _seen_in("ws liquidation-orders <instType>", "tardis_raw_messages.jsonl okex-futures liquidation-orders",
             "side is that of the order, posSide of the position that is closed"),
    _recorded("ws orders <instType>", "ws_orders.json", "liquidations as in ws_orders_liquidation.json"),
    _documented("ws positions <instType>", "trading-account-websocket-positions-channel", "row as recorded over REST"),
    _recorded("ws orders-algo <instType>", "ws_orders_algo.json", "what a trigger starts as in ws_orders_trigger.json"),
    _recorded("ws account", "ws_account.json"),
)

EVIDENCE: Final = (*_PUBLIC_REQUESTS, *_ACCOUNT_REQUESTS, *_ORDER_REQUESTS, *_STREAMS)
