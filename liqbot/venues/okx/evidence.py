"""How the shape of OKX's market data is known: recordings of its v5 channels, and its documentation of requests."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence, FeedName, graded

_TARDIS: Final = "tardis_raw_messages.jsonl"
_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"


def _recorded(feed: FeedName, channel: str, what: str, as_of: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws v5/public {channel}", grade="recorded", source=f"{_TARDIS} {what}", as_of=as_of,
        sha256=_SHA256, fields=fields,
    )


EVIDENCE: Final = (
    _recorded("trades", "trades", "okex-swap BTC-USDT-SWAP", "2021-12-22", "instId", "px", "sz", "side", "ts"),
    _recorded("mark", "mark-price", "okex-swap WNCG-USDT-SWAP", "2021-12-22", "instId", "markPx", "ts"),
    _recorded("funding", "funding-rate", "okex-futures BTC-USD_UM_XPERP-310404", "2026-08-04", "instId", "fundingRate",
              "fundingTime", "nextFundingTime", "ts"),
    _recorded("liquidation", "liquidation-orders", "okex-futures XRP-USD-230929", "2023-03-30", "instId",
              "details.side", "details.posSide", "details.sz", "details.bkPx", "details.ts"),
    *graded(
        "documented", "www.okx.com/docs-v5/en/#public-data-rest-api", "2026-06-15",
        ("open_interest", "GET /api/v5/public/open-interest", ("instId", "oi", "oiUsd", "ts")),
        ("index", "GET /api/v5/market/index-tickers", ("instId", "idxPx", "ts")),
    ),
)
