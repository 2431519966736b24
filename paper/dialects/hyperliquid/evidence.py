"""How we know what Hyperliquid answers."""

from typing import Final

from paper.dialects.evidence import EndpointUse, Evidence

_DOCS: Final = "https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api"
_RAW: Final = "tardis_raw_messages.jsonl"


def _documented(endpoint: str, page: str, note: str = "") -> Evidence:
    return Evidence(endpoint, EndpointUse.DOCUMENTED, f"{_DOCS}/{page}", note)


EVIDENCE: Final = (
    Evidence("POST /info exchangeStatus", EndpointUse.READ_BY_CLIENT, "fetchTime and fetchStatus", "only the time"),
    _documented("POST /info meta", "info-endpoint/perpetuals", "margin tables from our own tiers"),
    _documented("POST /info metaAndAssetCtxs", "info-endpoint/perpetuals", "no premium, no impact prices"),
    _documented("POST /info allMids", "info-endpoint", "the last price"),
    _documented("POST /info l2Book", "info-endpoint", "one level on either side"),
    _documented("POST /info candleSnapshot", "info-endpoint"),
    _documented("POST /info fundingHistory", "info-endpoint/perpetuals", "premium is not modelled"),
    _documented("POST /info clearinghouseState", "info-endpoint/perpetuals"),
    _documented("POST /info userFillsByTime", "info-endpoint"),
    _documented("POST /info activeAssetData", "info-endpoint/perpetuals", "what may be traded is not modelled"),
    _documented("POST /info userRole", "info-endpoint"),
    Evidence("POST /info userAbstraction", EndpointUse.READ_BY_CLIENT, "isUnifiedEnabled", "always the default mode"),
    _documented("POST /info extraAgents", "a mirror of a client's reference, 2026", "one, which ends far away"),
    _documented("POST /info orderStatus", "info-endpoint"),
    _documented("POST /info frontendOpenOrders", "info-endpoint", "with cloid, as in order status"),
    _documented("POST /info historicalOrders", "info-endpoint"),
    _documented("POST /info userFunding", "info-endpoint/perpetuals"),
    _documented("POST /info userNonFundingLedgerUpdates", "info-endpoint/perpetuals", "deposits and withdrawals"),
    _documented("POST /exchange order", "exchange-endpoint", "grouping na; words of refusals from Error responses"),
    _documented("POST /exchange cancel", "exchange-endpoint"),
    _documented("POST /exchange cancelByCloid", "exchange-endpoint"),
    _documented("POST /exchange updateLeverage", "exchange-endpoint", "words of refusals are our own"),
    _documented("ws orderUpdates <user>", "websocket/subscriptions"),
    Evidence("ws userFills <user>", EndpointUse.DOCUMENTED, f"{_DOCS}/websocket/subscriptions",
             "cloid as in nautilus ws_user_fill_liquidation.json"),
    Evidence("ws trades <coin>", EndpointUse.RECORDED, f"{_RAW}: hyperliquid trades",
             "users as documented; the first message tells trades of before"),
    Evidence("ws activeAssetCtx <coin>", EndpointUse.RECORDED, f"{_RAW}: hyperliquid activeAssetCtx"),
    Evidence("ws l2Book <coin>", EndpointUse.RECORDED, f"{_RAW}: hyperliquid l2Book", "one level on either side"),
    _documented("ws subscribe", "websocket/subscriptions"),
    _documented("ws unsubscribe", "websocket/subscriptions"),
    _documented("ws ping", "websocket/timeouts-and-heartbeats"),
)
