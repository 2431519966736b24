"""How the shapes of Hyperliquid's messages are known.

Pages of its documentation were read in a public copy of 2025-11-30; recordings are others'.
"""

from typing import Final

from liqbot.venues.evidence import FeedEvidence

_TARDIS: Final = (
    "tardis_raw_messages.jsonl, dated by the trades in it",
    "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82",
)
_CONTEXT: Final = ("coin", "ctx.markPx", "ctx.oraclePx", "ctx.funding", "ctx.openInterest")

EVIDENCE: Final = (
    # Without `users`, which came afterwards and is documented: see `position`.
    FeedEvidence(feed="trades", endpoint="ws trades", grade="recorded", source=_TARDIS[0], as_of="2024-10-29",
                 sha256=_TARDIS[1], fields=("coin", "side", "px", "sz", "time", "tid")),
    FeedEvidence(feed="mark", endpoint="ws activeAssetCtx", grade="recorded", source=_TARDIS[0], as_of="2024-10-29",
                 sha256=_TARDIS[1], fields=_CONTEXT),
    FeedEvidence(feed="index", endpoint="ws activeAssetCtx", grade="recorded", source=_TARDIS[0], as_of="2024-10-29",
                 sha256=_TARDIS[1], fields=_CONTEXT),
    FeedEvidence(feed="open_interest", endpoint="ws activeAssetCtx", grade="recorded", source=_TARDIS[0],
                 as_of="2024-10-29", sha256=_TARDIS[1], fields=_CONTEXT),
    FeedEvidence(feed="funding", endpoint="ws activeAssetCtx", grade="recorded", source=_TARDIS[0], as_of="2024-10-29",
                 sha256=_TARDIS[1], fields=_CONTEXT),
    FeedEvidence(feed="mark", endpoint="POST /info metaAndAssetCtxs", grade="documented",
                 source="info endpoint, perpetuals: asset contexts", as_of="2025-11-30",
                 fields=("universe.name", "markPx", "oraclePx", "funding", "openInterest")),
    FeedEvidence(feed="funding", endpoint="POST /info fundingHistory", grade="documented",
                 source="info endpoint, perpetuals: historical funding rates", as_of="2025-11-30",
                 fields=("coin", "fundingRate", "time")),
    FeedEvidence(feed="position", endpoint="ws trades", grade="documented",
                 source="websocket subscriptions: WsTrade", as_of="2025-11-30", fields=("users",)),
    FeedEvidence(feed="position", endpoint="POST /info clearinghouseState", grade="documented",
                 source="info endpoint, perpetuals: a user's account summary", as_of="2025-11-30",
                 fields=("position.coin", "position.szi", "position.positionValue", "position.liquidationPx")),
    # `liquidation` of a fill is documented for the websocket, with the same other fields.
    FeedEvidence(feed="liquidation", endpoint="POST /info userFillsByTime", grade="documented",
                 source="info endpoint: a user's fills by time; websocket subscriptions: WsFill", as_of="2025-11-30",
                 fields=("coin", "px", "sz", "side", "time", "liquidation.liquidatedUser", "liquidation.markPx")),
)
