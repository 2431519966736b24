"""How the shape of Bybit's market data is known: recordings of its v5 streams, which are those of today."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence, FeedName

_TARDIS: Final = "tardis_raw_messages.jsonl"
_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"


def _recorded(feed: FeedName, topic: str, as_of: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws v5/public {topic}", grade="recorded", source=f"{_TARDIS} bybit {topic}", as_of=as_of,
        sha256=_SHA256, fields=fields,
    )


EVIDENCE: Final = (
    _recorded("trades", "publicTrade.LTCUSDT", "2023-04-05", "T", "s", "S", "v", "p"),
    _recorded("liquidation", "allLiquidation.PIPPINUSDT", "2025-02-25", "T", "s", "S", "v", "p"),
    _recorded("mark", "tickers.BTCUSDT", "2023-04-05", "ts", "symbol", "markPrice"),
    _recorded("index", "tickers.BTCUSDT", "2023-04-05", "ts", "symbol", "indexPrice"),
    _recorded("funding", "tickers.BTCUSDT", "2023-04-05", "ts", "symbol", "fundingRate"),
    # The single-sided figure came after the recording.
    FeedEvidence(
        feed="open_interest", endpoint="ws v5/public tickers.<symbol>", grade="documented",
        source="bybit-exchange.github.io/docs/v5/websocket/public/ticker", as_of="2026-06-18",
        fields=("ts", "symbol", "openInterest", "singleOpenInterest"),
    ),
)
