"""What to subscribe to at Hyperliquid, what to ask how often, and where its past is kept.

Every request goes to one address and says in `type` what it wants. Weights are those of the documentation ("Rate limits
and user limits", copy of 2025-11-30): 20 of 1,200 a minute for most, and one more for every 20 rows (60 of candles).
"""

from typing import Final

from liqbot.venues.hyperliquid import responses, wallets
from liqbot.venues.hyperliquid.messages import is_wallet, parse
from liqbot.venues.public_accounts import FillSource, PositionSource
from liqbot.venues.streams import HistorySource, Poll, Stream, TierSource, VenueWire

INFO: Final = "publicPostInfo"
ROWS_MAX: Final = 500
"""Elements of one answer about a span of time ("Info endpoint", pagination)."""
CANDLES_KEPT: Final = 5_000
"""Of each length only so many are there."""

WIRE: Final = VenueWire(
    venue="hyperliquid",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",),
            method="watch_trades",
            each=True,
            silence_ms_max=30_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        Stream(
            feeds=("mark", "funding", "open_interest"),
            method="watch_ticker",
            each=True,
            silence_ms_max=20_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    polls=(
        # All coins at once. The stream tells what changed since; this makes the picture whole again after a gap.
        Poll(
            feed="mark",
            method=INFO,
            params=lambda _contract: {"type": "metaAndAssetCtxs"},
            parse=responses.contexts,
            period_ms=60_000,
            weight=20,
            each=False,
            resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars",
            method=INFO,
            parse=responses.bars,
            span_ms=responses.BAR_MS,
            rows_max=ROWS_MAX,
            reach_ms=CANDLES_KEPT * responses.BAR_MS,
            weight=20 + ROWS_MAX // 60 + 1,
            params=lambda contract, since_ms, until_ms: {
                "type": "candleSnapshot",
                "req": {"coin": contract.symbol_id, "interval": "5m", "startTime": since_ms, "endTime": until_ms - 1},
            },
        ),
        HistorySource(
            kind="funding",
            method=INFO,
            parse=responses.past_funding,
            span_ms=3_600_000,
            rows_max=ROWS_MAX,
            weight=20 + ROWS_MAX // 20,
            params=lambda contract, since_ms, until_ms: {
                "type": "fundingHistory", "coin": contract.symbol_id, "startTime": since_ms, "endTime": until_ms - 1,
            },
        ),
    ),
    tiers=TierSource(method=INFO, params=lambda _contract: {"type": "meta"}, parse=responses.tiers, weight=20),
    positions=PositionSource(
        is_account=is_wallet,
        method=INFO,
        params=lambda wallet: {"type": "clearinghouseState", "user": wallet},
        parse=wallets.positions,
        weight=2,
        fills=FillSource(
            method=INFO,
            params=lambda wallet, since_ms, until_ms: {
                "type": "userFillsByTime", "user": wallet, "startTime": since_ms, "endTime": until_ms,
            },
            parse=wallets.forced_closings,
            # 20, and one more for every 20 fills: of some minutes there are few.
            weight=25,
        ),
    ),
)
