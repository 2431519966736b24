"""How we know what Bitget answers."""

from typing import Final

from paper.dialects.evidence import EndpointUse, Evidence

_RAW: Final = "tardis_raw_messages.jsonl, bitget-futures of 2026-04-28"
_NET: Final = "wire/more/bitget (tests of Bitget.Net, 2026-08-06)"
_PAGE: Final = "https://www.bitget.com/api-doc"


def _recorded(endpoint: str, what: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.RECORDED, what, note)


def _documented(endpoint: str, page: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.DOCUMENTED, f"{_PAGE}/{page}", note)


def _by_client(endpoint: str, note: str) -> Evidence:
    return Evidence(endpoint, EndpointUse.READ_BY_CLIENT, "ccxt 4.5.90 bitget.py", note)


_PUBLIC: Final = (
    _documented("GET /api/v2/public/time", "common/public/Get-Server-Time"),
    _by_client("GET /api/v2/spot/public/coins", "nothing is listed"),
    _by_client("GET /api/v2/spot/public/symbols", "nothing is listed"),
    _by_client("GET /api/v2/margin/currencies", "nothing is listed"),
    _documented("GET /api/v2/mix/market/contracts", "contract/market/Get-All-Symbols-Contracts",
                "USDT futures alone are listed; order limits are our own"),
    _documented("GET /api/v2/mix/market/ticker", "contract/market/Get-Ticker", "of the day since now, not since UTC"),
    _documented("GET /api/v2/mix/market/open-interest", "contract/market/Get-Open-Interest"),
    _documented("GET /api/v2/mix/market/candles", "contract/market/Get-Candle-Data"),
    _documented("GET /api/v2/mix/market/history-candles", "contract/market/Get-History-Candle-Data",
                "of a longer span the last ones"),
    _documented("GET /api/v2/mix/market/history-fund-rate", "contract/market/Get-History-Funding-Rate"),
    _documented("GET /api/v2/mix/market/merge-depth", "contract/market/Get-Merge-Depth", "one level on either side"),
    _documented("GET /api/v2/mix/market/fills", "contract/market/Get-Recent-Fills"),
    _documented("GET /api/v2/mix/market/fills-history", "contract/market/Get-Fills-History"),
    _recorded("GET /api/v3/market/tickers", f"{_NET} Unified/ExchangeData/GetFuturesTickers.txt of 2025-12-11",
              "bid and ask are one step around the last price"),
    _documented("GET /api/v3/market/current-fund-rate", "uta/public/Get-Current-Funding-Rate"),
    _documented("GET /api/v3/market/position-tier", "uta/public/Get-Position-Tier-Data"),
    _recorded("ws v3 publicTrade <symbol>", _RAW, "a snapshot repeats what traded before"),
    _recorded("ws v3 ticker <symbol>", _RAW),
    _recorded("ws v3 liquidation", _RAW, "as recorded every 20 s; as documented since once a second, the largest of "
              "each side: uta/websocket/public/Liquidation-Channel"),
    _documented("ws v2 trade <symbol>", "contract/websocket/public/New-Trades-Channel"),
    _documented("ws subscribe", "common/websocket-intro", "error 30001 as the client shows it"),
    _documented("ws unsubscribe", "common/websocket-intro"),
    _documented("ws ping", "common/websocket-intro"),
    _documented("ws login", "common/websocket-intro", "errors 30004 to 30016 as the client maps them"),
)
_ACCOUNT: Final = (
    _documented("GET /api/v2/spot/account/info", "spot/account/Get-Account-Info", "rights in abbreviations"),
    _by_client("GET /api/v3/account/settings", "asked to learn whether an account is unified; 40084 and 40085 as in "
               "github.com/ccxt/ccxt/issues/26838 and github.com/enarjord/passivbot/pull/601"),
    _documented("GET /api/v2/mix/account/account", "contract/account/Get-Single-Account"),
    _documented("GET /api/v2/mix/account/accounts", "contract/account/Get-Account-List"),
    _documented("GET /api/v2/mix/account/bill", "contract/account/Get-Account-Bill", "the sign of what is transferred "
                "away is our guess"),
    _documented("POST /api/v2/mix/account/set-leverage", "contract/account/Change-Leverage"),
    _documented("POST /api/v2/mix/account/set-margin-mode", "contract/account/Change-Margin-Mode", "45117 when busy"),
    _documented("POST /api/v2/mix/account/set-position-mode", "contract/account/Change-Hold-Mode", "40920 when busy"),
    _documented("GET /api/v2/mix/position/single-position", "contract/position/get-single-position"),
    _documented("GET /api/v2/mix/position/all-position", "contract/position/get-all-position"),
    _documented("GET /api/v2/mix/position/adlRank", "contract/position/Get-ADL-Rank", "nothing here is near its turn"),
)
_ORDERS: Final = (
    _documented("POST /api/v2/mix/order/place-order", "contract/trade/Place-Order", "codes of contract/error-code/"
                "restapi (2026-09-28); HTTP 400 with them as in live calls of that day: mydcc/cachy-app"),
    _documented("POST /api/v2/mix/order/place-tpsl-order", "contract/plan/Place-Tpsl-Order", "43023 while flat"),
    _documented("POST /api/v2/mix/order/cancel-order", "contract/trade/Cancel-Order"),
    _documented("POST /api/v2/mix/order/cancel-plan-order", "contract/plan/Cancel-Plan-Order"),
    _documented("GET /api/v2/mix/order/detail", "contract/trade/Get-Order-Details"),
    _documented("GET /api/v2/mix/order/orders-pending", "contract/trade/Get-Orders-Pending"),
    _documented("GET /api/v2/mix/order/orders-history", "contract/trade/Get-Orders-History"),
    _documented("GET /api/v2/mix/order/orders-plan-pending", "contract/plan/get-orders-plan-pending"),
    _documented("GET /api/v2/mix/order/orders-plan-history", "contract/plan/orders-plan-history"),
    _documented("GET /api/v2/mix/order/fills", "contract/trade/Get-Order-Fills"),
    _documented("ws v2 orders", "contract/websocket/private/Order-Channel"),
    _documented("ws v2 orders-algo", "contract/websocket/private/Plan-Order-Channel"),
    _documented("ws v2 fill", "contract/websocket/private/Fill-Channel"),
)
EVIDENCE: Final = (*_PUBLIC, *_ACCOUNT, *_ORDERS)
